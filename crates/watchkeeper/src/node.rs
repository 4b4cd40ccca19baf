//! This node: its claim on the data directory, which one process has at a time, and its name in the journal's lease, which
//! it keeps over restarts. So a node that died takes its own lease again at once, under a new fence.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use kernel::port::Chance;

use crate::failure::Failure;

/// Locked while a process uses the directory; holds that process's id, for people.
const CLAIM: &str = "watchkeeper.lock";
/// Holds the node's name.
const NAME: &str = "node.id";
/// How many random bytes make a name that no other node has.
const NAME_BYTES: usize = 16;

/// The one process that uses a data directory; others may as soon as this is dropped or the process is gone.
#[derive(Debug)]
pub struct Node {
    name: String,
    _claim: File,
}

impl Node {
    /// Claims a data directory, and names the node when the directory is new.
    ///
    /// # Errors
    /// When another process uses the directory, or a file of it cannot be read or written.
    pub fn claim(data: &Path, chance: &dyn Chance) -> Result<Self, Failure> {
        make_private(data)?;
        let claim = lock(data)?;
        Ok(Self { name: name(&data.join(NAME), chance)?, _claim: claim })
    }

    /// The node's name in the journal's lease, the same at each start.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.name
    }
}

/// Makes a data directory that its owner alone may enter. One that is there already stays as it is.
///
/// # Errors
/// When it cannot be made.
pub fn make_private(data: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| Failure::file("create", data, &error))
}

fn lock(data: &Path) -> Result<File, Failure> {
    let path = data.join(CLAIM);
    let failed = |doing, error: &std::io::Error| Failure::file(doing, &path, error);
    // Not truncated when it is opened: until it is locked, what stands in it is another's.
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = open.map_err(|error| failed("open", &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(data, &path)),
        Err(TryLockError::Error(error)) => return Err(failed("lock", &error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|error| failed("write", &error))?;
    Ok(file)
}

fn in_use(data: &Path, path: &Path) -> Failure {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The other one may have locked the file and not yet written its id.
    let process = text.trim().parse::<u32>().map_or_else(|_| String::new(), |id| format!(" (pid {id})"));
    Failure::new(format!("another watchkeeper{process} uses the data directory {}", data.display()))
}

/// Reads the node's name, or makes one. Only whoever holds the claim may call it.
fn name(path: &Path, chance: &dyn Chance) -> Result<String, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) if is_name(text.trim_end()) => Ok(text.trim_end().to_owned()),
        Ok(_) => {
            let message = format!("{} does not hold a node's name", path.display());
            Err(Failure::new(message).hint("remove it: the next start makes a new one"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_name(path, chance),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

fn is_name(text: &str) -> bool {
    text.strip_prefix("node-").is_some_and(|id| id.len() == 2 * NAME_BYTES && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Written beside and moved into place, so that a crash leaves a whole name or none.
fn make_name(path: &Path, chance: &dyn Chance) -> Result<String, Failure> {
    let mut id = [0; NAME_BYTES];
    chance.fill(&mut id);
    let name = id.iter().fold(String::from("node-"), |text, byte| format!("{text}{byte:02x}"));
    let beside = path.with_extension("new");
    let written = File::create(&beside).and_then(|mut file| {
        writeln!(file, "{name}")?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    });
    written.map_err(|error| Failure::file("write", path, &error))?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::world::SystemChance;

    #[test]
    fn a_node_keeps_its_name_and_another_directory_has_another() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = |data: &Path| Node::claim(data, &SystemChance).unwrap().holder().to_owned();
        let first = name(one.path());
        assert!(is_name(&first), "{first}");
        assert_eq!(name(one.path()), first);
        assert_ne!(name(two.path()), first);
    }

    #[test]
    fn a_new_data_directory_is_its_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        Node::claim(&data, &SystemChance).unwrap();
        let mode = std::fs::metadata(&data).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    }

    #[test]
    fn a_directory_in_use_is_refused_with_the_process_that_uses_it() {
        let home = tempfile::tempdir().unwrap();
        let held = Node::claim(home.path(), &SystemChance).unwrap();
        let refused = format!("{:?}", Node::claim(home.path(), &SystemChance).unwrap_err());
        assert!(refused.contains(&format!("another watchkeeper (pid {}) uses", std::process::id())), "{refused}");
        drop(held);
        Node::claim(home.path(), &SystemChance).expect("a claim ends with its holder");
    }

    #[test]
    fn a_broken_name_is_refused_with_a_way_out() {
        for text in ["", "node-", "node-xyz", "server-1-2"] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join(NAME), text).unwrap();
            let refused = format!("{:?}", Node::claim(home.path(), &SystemChance).unwrap_err());
            assert!(refused.contains("does not hold a node's name") && refused.contains("remove it"), "{refused}");
        }
    }
}
