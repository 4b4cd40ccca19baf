//! The log of what is not yet sealed: frames with checksums after a head that names the block they will become.
//!
//! A frame is a record, or the origin of the records after it. A log that was written before there were frames of origins
//! has whole records, which are read as well.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Origin;
use serde::Serialize;

use super::{BlocksFailure, Kept, RECORD_BYTES_MAX};

/// What the file begins with.
const MAGIC: &[u8; 8] = b"WKLOG01\n";
/// Magic and block number.
const HEAD_BYTES: usize = 16;
/// Length and checksum before each record.
const FRAME_HEAD_BYTES: usize = 8;
/// Set in the length of a frame that is an origin.
const IS_ORIGIN: u32 = 1 << 31;

/// The log's file.
#[derive(Debug)]
pub(super) struct Wal {
    path: PathBuf,
    file: Arc<File>,
    number: u64,
    bytes: usize,
    dirty: bool,
    /// Whether the file begins with `number`; it does not when it could not be emptied for it.
    begun: bool,
}

/// Frames on their way into the log, and the records that they hold.
#[derive(Debug)]
pub(super) struct Piece<T> {
    pub(super) frames: Vec<u8>,
    pub(super) records: Vec<Arc<T>>,
    /// The origin of the last record.
    origin: Option<Arc<Origin>>,
    /// Stands in the place of every record's own.
    none: Arc<Origin>,
}

impl<T> Default for Piece<T> {
    fn default() -> Self {
        Self { frames: Vec::new(), records: Vec::new(), origin: None, none: Arc::default() }
    }
}

impl<T: Kept> Piece<T> {
    /// Adds a record; false when it or its origin is too large, and then nothing was added. An origin is written once for
    /// all records that follow one another with it.
    pub(super) fn add(&mut self, mut record: T) -> bool {
        let own = std::mem::replace(record.origin_mut(), Arc::clone(&self.none));
        let known = self.origin.clone().filter(|known| Arc::ptr_eq(known, &own) || **known == *own);
        let start = self.frames.len();
        let told = known.is_some() || append(&mut self.frames, &*own, IS_ORIGIN);
        if !told || !append(&mut self.frames, &record, 0) {
            self.frames.truncate(start);
            return false;
        }
        let origin = known.unwrap_or(own);
        *record.origin_mut() = Arc::clone(&origin);
        self.origin = Some(origin);
        self.records.push(Arc::new(record));
        true
    }
}

/// Adds a frame; false when it is too large, and then nothing was added.
fn append(frames: &mut Vec<u8>, what: &impl Serialize, mark: u32) -> bool {
    let start = frames.len();
    frames.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    let written = rmp_serde::encode::write(frames, what);
    let body = start + FRAME_HEAD_BYTES;
    let length = frames.len().saturating_sub(body);
    if written.is_err() || length > RECORD_BYTES_MAX {
        frames.truncate(start);
        return false;
    }
    let sum = crc32fast::hash(frames.get(body..).unwrap_or_default());
    let length = u32::try_from(length).unwrap_or(0) | mark;
    let head = [length.to_le_bytes(), sum.to_le_bytes()].concat();
    if let Some(place) = frames.get_mut(start..body) {
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
        let number = number.filter(|_| whole > 0).unwrap_or(newest + 1);
        let file = Arc::new(file);
        let mut log = Self { path: path.to_owned(), file, number, bytes: whole, dirty: true, begun: whole > 0 };
        if log.begun {
            log.file.set_len(whole as u64).map_err(failed)?;
            (&*log.file).seek(SeekFrom::End(0)).map_err(failed)?;
        } else {
            log.restart()?;
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
        if !self.begun {
            self.restart()?;
        }
        if let Err(error) = (&*self.file).write_all(frames) {
            // Half a frame must not stand between whole ones.
            let _ = self.file.set_len(self.bytes as u64);
            let _ = (&*self.file).seek(SeekFrom::End(0));
            return Err(BlocksFailure::new(&self.path, error));
        }
        self.bytes += frames.len();
        self.dirty = true;
        Ok(())
    }

    /// The file, when something in it may not survive the end of the machine: to be forced to the disk by whoever takes
    /// it, so that nobody who writes waits for that.
    pub(super) fn take_unsynced(&mut self) -> Option<Arc<File>> {
        std::mem::take(&mut self.dirty).then(|| Arc::clone(&self.file))
    }

    /// Notes that it could not be forced to the disk.
    pub(super) fn not_synced(&mut self, error: std::io::Error) -> BlocksFailure {
        self.dirty = true;
        BlocksFailure::new(&self.path, error)
    }

    /// Empties the log, because its block is in place.
    pub(super) fn begin_next(&mut self) -> Result<(), BlocksFailure> {
        self.number += 1;
        self.begun = false;
        self.restart()
    }

    fn restart(&mut self) -> Result<(), BlocksFailure> {
        let failed = |error| BlocksFailure::new(&self.path, error);
        self.file.set_len(0).map_err(failed)?;
        (&*self.file).seek(SeekFrom::Start(0)).map_err(failed)?;
        (&*self.file).write_all(&[&MAGIC[..], &self.number.to_le_bytes()].concat()).map_err(failed)?;
        (self.bytes, self.dirty, self.begun) = (HEAD_BYTES, true, true);
        Ok(())
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    let head = bytes.strip_prefix(MAGIC)?.first_chunk()?;
    Some(u64::from_le_bytes(*head))
}

/// The whole records after the head, each with its origin, and how far they reach.
fn records<T: Kept>(bytes: &[u8]) -> (Vec<T>, usize) {
    let (mut records, mut origin) = (Vec::new(), None);
    let mut at = HEAD_BYTES.min(bytes.len());
    while let Some((frame, next)) = frame::<T>(bytes, at) {
        match frame {
            Frame::Origin(told) => origin = Some(Arc::new(told)),
            Frame::Record(mut record) => {
                if let Some(origin) = &origin {
                    *record.origin_mut() = Arc::clone(origin);
                }
                records.push(record);
            }
        }
        at = next;
    }
    (records, at)
}

enum Frame<T> {
    Origin(Origin),
    Record(T),
}

fn frame<T: Kept>(bytes: &[u8], at: usize) -> Option<(Frame<T>, usize)> {
    let rest = bytes.get(at..)?;
    let head = u32::from_le_bytes(*rest.first_chunk()?);
    let sum = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
    let length = usize::try_from(head & !IS_ORIGIN).ok().filter(|length| *length <= RECORD_BYTES_MAX)?;
    let body = rest.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length)?;
    if crc32fast::hash(body) != sum {
        return None;
    }
    let frame = if head & IS_ORIGIN == 0 {
        Frame::Record(rmp_serde::from_slice(body).ok()?)
    } else {
        Frame::Origin(rmp_serde::from_slice(body).ok()?)
    };
    Some((frame, at + FRAME_HEAD_BYTES + length))
}
