//! The files of the log: their names and how each begins.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::metrics::Failure;

/// How every file of the log begins.
pub(super) const MAGIC: [u8; 8] = *b"WKMLOG1\n";
/// The magic and the epoch.
pub(super) const HEADER_BYTES: u64 = 16;
/// How names of these files begin.
pub(super) const PREFIX: &str = "log-";

pub(super) fn path_of(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{number:010}"))
}

/// Makes a new file and its header. Its name is not on the disk yet.
pub(super) fn begin(dir: &Path, number: u64, epoch: u64) -> Result<(Arc<File>, PathBuf), Failure> {
    let path = path_of(dir, number);
    let fail = |error: std::io::Error| Failure::file(&path, "made", &error);
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path).map_err(fail)?;
    file.write_all(&[MAGIC, epoch.to_le_bytes()].concat()).map_err(fail)?;
    Ok((Arc::new(file), path))
}

/// Forces names of files to the disk: each must last as long as what stands under it.
pub(super) fn sync_names(dir: &Path) -> Result<(), Failure> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| Failure::file(dir, "forced to the disk", &error))
}

/// The numbers of the files in the directory whose names begin with `prefix`, ascending.
pub(in crate::metrics) fn numbers(dir: &Path, prefix: &str) -> Result<Vec<u64>, Failure> {
    let fail = |error: std::io::Error| Failure::file(dir, "listed", &error);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix(prefix));
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
