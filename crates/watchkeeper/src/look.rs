//! What the watchbook's files look like from outside, so that a change of any of them is noticed without reading them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where Git notes that a checkout moved to another commit.
const MOVES: &str = ".git/logs/HEAD";
/// How many files are looked at; a watchbook has at most 2,000.
const FILES_MAX: usize = 10_000;

/// A look at a directory; when the next one differs, the files are to be read again. Links are followed, because a mounted
/// directory may exchange what they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look(Vec<Seen>);

/// A file, when it was written, and how long it is.
type Seen = (PathBuf, Option<SystemTime>, u64);

impl Look {
    /// Looks at a directory.
    pub fn of(directory: &Path) -> Self {
        let (mut found, mut left) = (Vec::new(), vec![directory.to_owned()]);
        while let Some(next) = left.pop() {
            let room = FILES_MAX.saturating_sub(found.len() + left.len());
            for entry in std::fs::read_dir(next).into_iter().flatten().flatten().take(room) {
                let hidden = entry.file_name().to_string_lossy().starts_with('.');
                match std::fs::metadata(entry.path()) {
                    _ if hidden => {}
                    Ok(about) if about.is_dir() && !entry.path().is_symlink() => left.push(entry.path()),
                    Ok(about) => found.push((entry.path(), about.modified().ok(), about.len())),
                    Err(_) => found.push((entry.path(), None, 0)),
                }
            }
        }
        found.extend(checkout(directory));
        found.sort();
        Self(found)
    }
}

/// The checkout that a directory is in, as it last moved.
fn checkout(directory: &Path) -> Option<Seen> {
    let whole = directory.canonicalize().ok()?;
    let moved = |above: &Path| Some((above.join(MOVES), std::fs::metadata(above.join(MOVES)).ok()?));
    let (path, about) = whole.ancestors().find_map(moved)?;
    Some((path, about.modified().ok(), about.len()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    /// Whether a directory looks different after a change.
    fn notices(directory: &Path, change: impl FnOnce()) -> bool {
        let before = Look::of(directory);
        assert_eq!(Look::of(directory), before, "the same files look the same");
        change();
        Look::of(directory) != before
    }

    #[test]
    fn whatever_changes_is_noticed() {
        let home = testkit::temp_dir();
        let (book, other) = (home.path().join("book"), home.path().join("other"));
        let [file, linked] = ["teams.yaml", "people.yaml"].map(|name| book.join(name));
        fs::create_dir_all(book.join("services")).unwrap();
        fs::create_dir_all(home.path().join(".git/logs")).unwrap();
        fs::write(&file, "one").unwrap();
        fs::write(&other, "one").unwrap();
        symlink(&other, &linked).unwrap();
        assert!(notices(&book, || fs::write(book.join("services/a.yaml"), "").unwrap()), "a new file in a folder");
        let older = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
        assert!(notices(&book, || fs::File::open(&file).unwrap().set_modified(older).unwrap()), "an older file");
        assert!(notices(&book, || fs::write(&other, "three").unwrap()), "a file behind a link");
        assert!(notices(&book, || fs::rename(&file, book.join("team.yaml")).unwrap()), "another name");
        assert!(notices(&book, || fs::write(home.path().join(MOVES), "commit").unwrap()), "another commit");
        assert!(notices(&book, || fs::remove_file(&other).unwrap()), "a link that leads nowhere");
        assert!(!notices(&book, || fs::write(book.join(".teams.yaml.swp"), "").unwrap()), "what an editor hides");
    }
}
