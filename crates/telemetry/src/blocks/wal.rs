//! The log of what is not yet sealed: frames with checksums after a head that names the block they will become.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::{BlocksFailure, Kept, RECORD_BYTES_MAX};

/// What the file begins with.
const MAGIC: &[u8; 8] = b"WKLOG01\n";
/// Magic and block number.
const HEAD_BYTES: usize = 16;
/// Length and checksum before each record.
const FRAME_HEAD_BYTES: usize = 8;

/// The log's file.
#[derive(Debug)]
pub(super) struct Wal {
    path: PathBuf,
    file: File,
    number: u64,
    bytes: usize,
    dirty: bool,
}

/// Adds a record to a frame buffer; false when it is too large, and then nothing was added.
pub(super) fn append<T: Kept>(frame: &mut Vec<u8>, record: &T) -> bool {
    let start = frame.len();
    frame.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    let written = rmp_serde::encode::write(frame, record);
    let body = start + FRAME_HEAD_BYTES;
    let length = frame.len().saturating_sub(body);
    if written.is_err() || length > RECORD_BYTES_MAX {
        frame.truncate(start);
        return false;
    }
    let sum = crc32fast::hash(frame.get(body..).unwrap_or_default());
    let head = [u32::try_from(length).unwrap_or(0).to_le_bytes(), sum.to_le_bytes()].concat();
    if let Some(place) = frame.get_mut(start..body) {
        place.copy_from_slice(&head);
    }
    true
}

impl Wal {
    /// Opens or makes the log, and reads what it holds. `newest` is the newest sealed block: a log that became it is
    /// emptied. A torn or damaged end is cut off and said.
    pub(super) fn open<T: Kept>(
        path: &Path,
        newest: u64,
    ) -> Result<(Self, Vec<T>, Option<BlocksFailure>), BlocksFailure> {
        let failed = |error: std::io::Error| BlocksFailure::new(path, error);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let number = number(&bytes);
        let (records, whole) = match number {
            Some(number) if number > newest => records(&bytes),
            _ => (Vec::new(), 0),
        };
        let lost = (number.is_some_and(|number| number > newest) && whole < bytes.len()).then(|| {
            BlocksFailure::new(path, format!("{} bytes at its end were torn and left out", bytes.len() - whole))
        });
        let mut log = Self { path: path.to_owned(), file, number: newest + 1, bytes: whole, dirty: true };
        if whole == 0 {
            log.restart()?;
        } else {
            log.number = number.unwrap_or(newest + 1);
            log.file.set_len(whole as u64).map_err(failed)?;
            log.file.seek(SeekFrom::End(0)).map_err(failed)?;
        }
        Ok((log, records, lost))
    }

    /// The number of the block that this log becomes.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends whole frames, all or nothing.
    pub(super) fn write(&mut self, frames: &[u8]) -> Result<(), BlocksFailure> {
        if frames.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(frames) {
            // Half a frame must not stand between whole ones.
            let _ = self.file.set_len(self.bytes as u64);
            let _ = self.file.seek(SeekFrom::End(0));
            return Err(BlocksFailure::new(&self.path, error));
        }
        self.bytes += frames.len();
        self.dirty = true;
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), BlocksFailure> {
        if self.dirty {
            self.file.sync_data().map_err(|error| BlocksFailure::new(&self.path, error))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Empties the log, because its block is in place.
    pub(super) fn begin_next(&mut self) -> Result<(), BlocksFailure> {
        self.number += 1;
        self.restart()
    }

    fn restart(&mut self) -> Result<(), BlocksFailure> {
        let failed = |error| BlocksFailure::new(&self.path, error);
        self.file.set_len(0).map_err(failed)?;
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        self.file.write_all(&[&MAGIC[..], &self.number.to_le_bytes()].concat()).map_err(failed)?;
        self.bytes = HEAD_BYTES;
        self.dirty = true;
        Ok(())
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    let head = bytes.strip_prefix(MAGIC)?.first_chunk()?;
    Some(u64::from_le_bytes(*head))
}

/// The whole records after the head, and how far they reach.
pub(super) fn records<T: Kept>(bytes: &[u8]) -> (Vec<T>, usize) {
    let mut records = Vec::new();
    let mut at = HEAD_BYTES.min(bytes.len());
    while let Some((record, next)) = frame(bytes, at) {
        records.push(record);
        at = next;
    }
    (records, at)
}

fn frame<T: Kept>(bytes: &[u8], at: usize) -> Option<(T, usize)> {
    let rest = bytes.get(at..)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?);
    let sum = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES_MAX)?;
    let body = rest.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length)?;
    let whole = crc32fast::hash(body) == sum;
    let record = whole.then(|| rmp_serde::from_slice(body).ok()).flatten()?;
    Some((record, at + FRAME_HEAD_BYTES + length))
}
