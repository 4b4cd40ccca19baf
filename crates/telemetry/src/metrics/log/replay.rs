//! Reading the log at a start. A torn end is cut off; damage within costs the rest of that file, and is told.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read};
use std::path::Path;

use super::entry::{Entries, Entry};
use super::segment::{HEADER_BYTES, MAGIC, PREFIX, numbers, path_of};
use crate::metrics::Failure;
use crate::metrics::codec::crc::crc;

/// The most bytes of one record; a longer length is damage.
const RECORD_BYTES_MAX: u32 = 16 << 20;
/// How much is read at a time.
const READ_BYTES: usize = 1 << 20;

/// What was found.
#[derive(Debug, Default)]
pub(in crate::metrics) struct Replayed {
    /// The files, by number and length.
    pub files: VecDeque<(u64, u64)>,
    /// The last epoch.
    pub epoch: u64,
    /// What was wrong.
    pub troubles: Vec<String>,
}

/// Gives every entry of every file to `take`, with the epoch that it belongs to.
pub(in crate::metrics) fn replay(dir: &Path, mut take: impl FnMut(u64, Entry<'_>)) -> Result<Replayed, Failure> {
    let mut replayed = Replayed::default();
    let numbers = numbers(dir, PREFIX)?;
    for number in &numbers {
        let path = path_of(dir, *number);
        let last = numbers.last() == Some(number);
        let (epoch, good, whole) = read(&path, &mut take).map_err(|error| Failure::file(&path, "read", &error))?;
        if good < whole {
            replayed.troubles.push(told(&path, good, whole, last));
            if last {
                cut(&path, good).map_err(|error| Failure::file(&path, "cut", &error))?;
            }
        }
        replayed.epoch = replayed.epoch.max(epoch);
        replayed.files.push_back((*number, if last { good } else { whole }));
    }
    Ok(replayed)
}

fn told(path: &Path, good: u64, whole: u64, last: bool) -> String {
    let (path, lost) = (path.display(), whole - good);
    if last {
        format!(
            "metrics store: the last {lost} bytes of {path} are not a whole record, as after a crash; they were cut off"
        )
    } else {
        format!("metrics store: {path} is damaged at byte {good}; the {lost} bytes from there on were passed over")
    }
}

fn cut(path: &Path, length: u64) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

/// Reads one file: its epoch, how many bytes are good, and how many there are.
fn read(path: &Path, take: &mut impl FnMut(u64, Entry<'_>)) -> std::io::Result<(u64, u64, u64)> {
    let file = File::open(path)?;
    let whole = file.metadata()?.len();
    let mut reader = BufReader::with_capacity(READ_BYTES, file);
    let Some(header) = exactly::<16>(&mut reader)? else { return Ok((0, 0, whole)) };
    let ([magic, epoch], _) = header.as_chunks::<8>() else { return Ok((0, 0, whole)) };
    if *magic != MAGIC {
        return Ok((0, 0, whole));
    }
    let (epoch, mut good, mut record) = (u64::from_le_bytes(*epoch), HEADER_BYTES, Vec::new());
    while let Some(length) = next(&mut reader, &mut record)? {
        let mut entries = Entries::new(&record);
        while let Some(entry) = entries.next() {
            // A whole record that makes no sense was written by another version: nothing behind it can be trusted.
            let Some(entry) = entry else { return Ok((epoch, good, whole)) };
            take(epoch, entry);
        }
        good += length;
    }
    Ok((epoch, good, whole))
}

/// The next whole record and how many bytes it takes in the file; `None` at the end or at damage.
fn next(reader: &mut impl Read, record: &mut Vec<u8>) -> std::io::Result<Option<u64>> {
    let Some([a, b, c, d, sum @ ..]) = exactly::<8>(reader)? else { return Ok(None) };
    let length = u32::from_le_bytes([a, b, c, d]);
    if length > RECORD_BYTES_MAX {
        return Ok(None);
    }
    record.clear();
    let read = reader.by_ref().take(u64::from(length)).read_to_end(record)?;
    let is_whole = read == length as usize && crc(record) == u32::from_le_bytes(sum);
    Ok(is_whole.then_some(8 + u64::from(length)))
}

fn exactly<const N: usize>(reader: &mut impl Read) -> std::io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match reader.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
