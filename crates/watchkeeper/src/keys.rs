//! The server's own keys: made at the first start, kept in the data directory, readable by its owner alone.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kernel::port::Chance;

use crate::failure::Failure;
use crate::node::make_private;

/// The keys of one journal.
pub struct Keys {
    /// Signs checkpoints.
    pub signing_seed: [u8; 32],
    /// Signs acknowledge links.
    pub link_secret: [u8; 32],
}

impl Keys {
    /// Reads the keys of a data directory, making those that are missing.
    ///
    /// # Errors
    /// When a key file cannot be read or written, or is not 32 bytes long.
    pub fn of(data: &Path, chance: &dyn Chance) -> Result<Self, Failure> {
        make_private(data)?;
        Ok(Self {
            signing_seed: key(&data.join("journal.key"), chance)?,
            link_secret: key(&data.join("links.key"), chance)?,
        })
    }
}

fn key(path: &Path, chance: &dyn Chance) -> Result<[u8; 32], Failure> {
    match std::fs::read(path) {
        Ok(bytes) => <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            let hint = "restore it from your backup; without it old checkpoints cannot be extended under the same name";
            Failure::new(format!("{} holds {} bytes, a key has 32", path.display(), bytes.len())).hint(hint)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path, chance),
        Err(error) => Err(Failure::file("read", path, &error)),
    }
}

fn make(path: &Path, chance: &dyn Chance) -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    chance.fill(&mut bytes);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::file("create", path, &error))?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| Failure::file("write", path, &error))?;
    Ok(bytes)
}
