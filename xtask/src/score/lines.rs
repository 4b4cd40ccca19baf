//! Data sets come as JSON lines in `*.jsonl.gz`; this reads all of a folder.

use serde_json::Value;
use std::error::Error;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The most bytes that one file may have when it is unpacked.
const BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Every line of every file whose name passes a test, in order of name.
pub fn read(folder: &Path, wanted: fn(&str) -> bool) -> Result<Vec<Value>, Box<dyn Error>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut values = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".jsonl.gz") || !wanted(&name) {
            continue;
        }
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(&path)?).take(BYTES_MAX).read_to_string(&mut text)?;
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            values.push(serde_json::from_str(line).map_err(|error| format!("{name}:{number}: {error}"))?);
        }
    }
    if values.is_empty() {
        return Err(format!("{}: no *.jsonl.gz with lines", folder.display()).into());
    }
    Ok(values)
}
