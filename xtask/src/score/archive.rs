//! Data sets come as `.tar.xz`; this reads one into memory.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

/// The most bytes that the files of one archive may have together.
const BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// A file of an archive: its path as it stands there, and its bytes.
pub type Entry = (String, Vec<u8>);

/// All plain files of an archive, in order of path.
pub fn files(path: &Path) -> Result<Vec<Entry>, Box<dyn Error>> {
    let place = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let packed = File::open(path).map_err(|error| place(&error))?;
    let unpacked = liblzma::read::XzDecoder::new(BufReader::new(packed)).take(BYTES_MAX);
    let mut archive = tar::Archive::new(unpacked);
    let mut files = Vec::new();
    for entry in archive.entries().map_err(|error| place(&error))? {
        let mut entry = entry.map_err(|error| place(&error))?;
        if entry.header().entry_type().is_file() {
            let name = entry.path().map_err(|error| place(&error))?.to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|error| place(&error))?;
            files.push((name, bytes));
        }
    }
    files.sort();
    Ok(files)
}
