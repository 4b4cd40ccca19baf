//! The write-ahead log: what is in the head and in no block, so that a start finds it again.
//!
//! ```text
//! log-0000000007   magic:8  epoch:8  [ length:4 crc:4 record ]*
//! ```
//! Records are handed over under the head's lock, so they have the head's order; whoever hands one over writes what has
//! gathered, and whoever wants durability flushes the disk for all who wrote before. Within an epoch a number means one
//! series; a new epoch begins with every flush of the head and with every start.

pub(super) mod entry;
mod replay;
mod segment;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::Failure;
use super::codec::crc::crc;
pub(super) use replay::replay;
pub(super) use segment::numbers;
use segment::{HEADER_BYTES, begin, path_of, sync_names};

/// A record is handed over once it has so many bytes.
pub(super) const RECORD_BYTES: usize = 1 << 20;
/// A segment that has so many bytes is followed by a new one.
const SEGMENT_BYTES: u64 = 64 << 20;
/// The most bytes that wait because the disk does not take them.
pub(super) const BACKLOG_MAX: usize = 64 << 20;
/// A buffer that grew beyond this gives its memory back.
const BUFFER_KEPT: usize = 4 << 20;

/// The log, open for writing.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    pending: Mutex<Pending>,
    writer: Mutex<Writer>,
    /// Up to where the disk has everything.
    synced: Mutex<u64>,
    waiting: AtomicUsize,
    bytes: AtomicU64,
    /// The number of the file in which a flush of the disk has failed, or zero: the system may have dropped what it could
    /// not write, and say that all is well the next time.
    suspect: AtomicU64,
}

/// Records that are in no file yet.
#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How many bytes were ever handed over.
    end: u64,
}

#[derive(Debug)]
struct Writer {
    file: Arc<File>,
    path: PathBuf,
    number: u64,
    epoch: u64,
    length: u64,
    /// Bytes on their way into the file.
    buffer: Vec<u8>,
    /// Up to where the files have everything.
    written: u64,
    /// Files that the disk may not have yet, beside the present one.
    unsynced: Vec<Arc<File>>,
    /// Whether the disk may not have the names of all files.
    unnamed: bool,
    /// Numbers and lengths of earlier files.
    closed: VecDeque<(u64, u64)>,
}

impl Log {
    /// Begins a new file behind those that were replayed.
    pub(super) fn open(dir: &Path, epoch: u64, closed: VecDeque<(u64, u64)>) -> Result<Self, Failure> {
        let number = closed.back().map_or(1, |(number, _)| number + 1);
        let bytes: u64 = closed.iter().map(|(_, length)| length).sum();
        let (file, path) = begin(dir, number, epoch)?;
        let (buffer, unsynced) = (Vec::new(), Vec::new());
        let length = HEADER_BYTES;
        let writer = Writer { file, path, number, epoch, length, buffer, written: 0, unsynced, unnamed: true, closed };
        Ok(Self {
            dir: dir.to_owned(),
            pending: Mutex::default(),
            writer: Mutex::new(writer),
            synced: Mutex::new(0),
            waiting: AtomicUsize::new(0),
            bytes: AtomicU64::new(bytes + HEADER_BYTES),
            suspect: AtomicU64::new(0),
        })
    }

    /// How many bytes the files of the log have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the head should be flushed because this log cannot be relied on.
    pub(super) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Relaxed) != 0
    }

    /// Whether the disk takes what is handed over.
    ///
    /// # Errors
    /// When too much waits already, and cannot be written now either.
    pub(super) fn keeps_up(&self) -> Result<(), Failure> {
        if self.waiting.load(Ordering::Relaxed) <= BACKLOG_MAX {
            return Ok(());
        }
        self.write(u64::MAX)?;
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting <= BACKLOG_MAX { Ok(()) } else { Err(Failure::Behind { waiting, limit: BACKLOG_MAX }) }
    }

    /// Hands a record over; called under the head's lock. Returns the place in the log that it ends at.
    pub(super) fn submit(&self, record: &[u8]) -> u64 {
        let length = (record.len() as u32).to_le_bytes();
        let mut pending = self.pending.lock();
        pending.bytes.extend_from_slice(&length);
        pending.bytes.extend_from_slice(&crc(record).to_le_bytes());
        pending.bytes.extend_from_slice(record);
        pending.end += 8 + record.len() as u64;
        self.waiting.fetch_add(8 + record.len(), Ordering::Relaxed);
        pending.end
    }

    /// Writes what was handed over, at least up to `end`, into the file.
    pub(super) fn write(&self, end: u64) -> Result<(), Failure> {
        let mut writer = self.writer.lock();
        if writer.written >= end { Ok(()) } else { self.write_pending(&mut writer) }
    }

    fn write_pending(&self, writer: &mut Writer) -> Result<(), Failure> {
        let end = writer.gather(&self.pending);
        if writer.buffer.is_empty() {
            return Ok(());
        }
        let written = writer.file.write_all_at(&writer.buffer, writer.length);
        written.map_err(|error| Failure::file(&writer.path, "written", &error))?;
        let length = writer.buffer.len();
        writer.buffer.clear();
        writer.buffer.shrink_to(BUFFER_KEPT);
        writer.length += length as u64;
        writer.written = end;
        self.waiting.fetch_sub(length, Ordering::Relaxed);
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
        if writer.length >= SEGMENT_BYTES {
            let epoch = writer.epoch;
            self.roll(writer, epoch)?;
        }
        Ok(())
    }

    fn roll(&self, writer: &mut Writer, epoch: u64) -> Result<(), Failure> {
        let (file, path) = begin(&self.dir, writer.number + 1, epoch)?;
        let before = std::mem::replace(&mut writer.file, file);
        writer.unsynced.push(before);
        writer.unnamed = true;
        writer.closed.push_back((writer.number, writer.length));
        (writer.path, writer.number, writer.epoch, writer.length) = (path, writer.number + 1, epoch, HEADER_BYTES);
        self.bytes.fetch_add(HEADER_BYTES, Ordering::Relaxed);
        Ok(())
    }

    /// Returns when the disk has everything up to `end`. Those who wait meanwhile share the next flush.
    pub(super) fn sync(&self, end: u64) -> Result<(), Failure> {
        let mut synced = self.synced.lock();
        if *synced >= end {
            return Ok(());
        }
        if self.is_suspect() {
            return Err(Failure::Suspect);
        }
        let (files, path, number, written, unnamed) = {
            let mut writer = self.writer.lock();
            self.write_pending(&mut writer)?;
            let mut files = std::mem::take(&mut writer.unsynced);
            files.push(writer.file.clone());
            (files, writer.path.clone(), writer.number, writer.written, std::mem::take(&mut writer.unnamed))
        };
        let forced = files.iter().try_for_each(|file| file.sync_data());
        let forced = forced.map_err(|error| Failure::file(&path, "forced to the disk", &error));
        let named = if unnamed { sync_names(&self.dir) } else { Ok(()) };
        if let Err(failure) = forced.and(named) {
            self.suspect.store(number, Ordering::Relaxed);
            return Err(failure);
        }
        *synced = written;
        Ok(())
    }

    /// Forces everything that was handed over to the disk.
    pub(super) fn sync_all(&self) -> Result<(), Failure> {
        let end = self.pending.lock().end;
        self.sync(end)
    }

    /// Begins a new epoch in a new file; called under the head's lock. Returns the file's number.
    pub(super) fn cut(&self, epoch: u64) -> Result<u64, Failure> {
        let mut writer = self.writer.lock();
        self.write_pending(&mut writer)?;
        self.roll(&mut writer, epoch)?;
        Ok(writer.number)
    }

    /// Trusts the disk again when a block holds what the doubtful file had.
    pub(super) fn trust_after(&self, number: u64) {
        if self.suspect.load(Ordering::Relaxed) < number {
            self.suspect.store(0, Ordering::Relaxed);
        }
    }

    /// Removes the files before this one: blocks hold what was in them.
    pub(super) fn remove_before(&self, number: u64) -> Result<(), Failure> {
        let mut writer = self.writer.lock();
        while let Some((oldest, length)) = writer.closed.front().copied().filter(|(oldest, _)| *oldest < number) {
            let path = path_of(&self.dir, oldest);
            fs::remove_file(&path).map_err(|error| Failure::file(&path, "removed", &error))?;
            writer.closed.pop_front();
            self.bytes.fetch_sub(length, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Writer {
    /// Takes what was handed over into the buffer, behind what could not be written before; says where it ends.
    fn gather(&mut self, pending: &Mutex<Pending>) -> u64 {
        let mut pending = pending.lock();
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, &mut pending.bytes);
        } else {
            self.buffer.append(&mut pending.bytes);
        }
        pending.end
    }
}
