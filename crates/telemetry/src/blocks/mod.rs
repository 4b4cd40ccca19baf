//! Recent log events and spans, embedded: what came lately in a log on disk, what came before in sealed blocks.
//!
//! ```text
//!  push --> active (memory) ---- sealed when full or old ----> block files, one zstd frame each
//!             |                                                 head: time, services, bloom filters of words and of traces
//!             '--> active.log (frames with checksums)           body: the records
//!                  cut back to empty once its block is in place
//!
//!  search: heads are asked first (time, service, words, traces); only blocks that may hold something are unpacked
//! ```
//!
//! A record is on its way to the disk when `push` returns, so that the end of the process loses nothing; it survives the
//! end of the machine after the next [`Blocks::tend`], which also seals what is due and forgets what is too old or too much.
//! A damaged block is set aside under another name with a reason; the rest serves.
//!
//! | question | answer |
//! |---|---|
//! | a record that happened long ago and comes late | kept: what counts is when it came |
//! | one too far ahead of the clock | refused, counted |
//! | one that is too large | refused, counted |
//! | what came longer ago than the age limit | goes, block by block |
//! | more than the limit of bytes on disk | the oldest blocks go |
//! | one push of more than [`SEAL_BYTES`] | is kept in pieces, and what is beyond [`PUSH_BYTES_MAX`] is refused, counted |
//! | blocks that the disk does not take | more is taken until [`UNSEALED_BYTES_MAX`] wait; `tend` tries again |
//! | a search over more than its limit of bytes | stops, and says how far back it came |

mod bloom;
mod file;
mod scan;
mod search;
#[cfg(test)]
mod tests;
mod wal;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::{Attribute, LogEvent, Nanos, Origin, Seconds, Span};
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde::de::DeserializeOwned;

use file::Sealed;
use wal::{Piece, Wal};

pub use scan::Scanned;
pub use search::{Found, SEARCH_BYTES_MAX, Search};

/// How long log events and spans are kept when nothing else is said.
pub const KEPT_FOR: Seconds = Seconds::hours(24);
/// How many bytes the sealed blocks of one kind may have when nothing else is said: two gibibytes.
pub const DISK_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// The largest record, in bytes as it is kept.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;
/// The most bytes of one push, as they are kept, when nothing else is said.
pub const PUSH_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The most bytes that wait for a disk which takes no block; then a push is refused.
pub const UNSEALED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A block is sealed when it has so many bytes before packing,
pub const SEAL_BYTES: usize = 4 * 1024 * 1024;
/// or so many records,
pub const SEAL_RECORDS: usize = 50_000;
/// or when its first record came so long ago.
pub const SEAL_AGE: Seconds = Seconds::minutes(10);
/// How far ahead of our clock a record may be.
pub const AHEAD_MAX: Seconds = Seconds::minutes(10);
/// The most services named in a block's head; a block with more is asked for every service.
pub const SERVICES_PER_BLOCK_MAX: usize = 200;
/// The most sealed blocks of one kind.
pub const BLOCKS_MAX: usize = 20_000;

/// What can be kept in blocks.
pub trait Kept: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The folder's name.
    const KIND: &'static str;
    /// When it happened.
    fn at(&self) -> Nanos;
    /// Where it comes from.
    fn origin(&self) -> &Arc<Origin>;
    /// The same, to be kept apart and put back.
    fn origin_mut(&mut self) -> &mut Arc<Origin>;
    /// The service that it comes from; empty where that is not known.
    fn service(&self) -> &str {
        self.origin().service()
    }
    /// The trace that it belongs to; empty where there is none.
    fn key(&self) -> &str;
    /// How long it took, in nanoseconds; zero for what takes no time.
    fn took(&self) -> Nanos;
    /// Calls `each` with every text in it that a search may find.
    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str));
    /// What people read of it where that has words which are no text of it, such as the numbers of a body with fields: a
    /// search may find these as well.
    fn reads(&self) -> Option<String> {
        None
    }
}

impl Kept for LogEvent {
    const KIND: &'static str = "logs";
    fn at(&self) -> Nanos {
        self.at
    }
    fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }
    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.origin
    }
    fn key(&self) -> &str {
        &self.trace
    }
    fn took(&self) -> Nanos {
        0
    }
    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        LogEvent::texts(self, each);
    }
    fn reads(&self) -> Option<String> {
        matches!(self.body, Attribute::List(_) | Attribute::Map(_)).then(|| self.body.to_string())
    }
}

impl Kept for Span {
    const KIND: &'static str = "spans";
    fn at(&self) -> Nanos {
        self.start
    }
    fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }
    fn origin_mut(&mut self) -> &mut Arc<Origin> {
        &mut self.origin
    }
    fn key(&self) -> &str {
        &self.trace
    }
    fn took(&self) -> Nanos {
        self.duration()
    }
    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        Span::texts(self, each);
    }
}

/// How much is kept. [`Limits::default`] is what this module's constants say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For how long.
    pub age: Seconds,
    /// How many bytes on disk.
    pub bytes: u64,
    /// How many bytes of one push.
    pub push: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { age: KEPT_FOR, bytes: DISK_BYTES_MAX, push: PUSH_BYTES_MAX }
    }
}

/// What became of records that were pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many were kept.
    pub kept: u64,
    /// Refused: too far ahead of the clock.
    pub too_new: u64,
    /// Refused: larger than [`RECORD_BYTES_MAX`].
    pub too_large: u64,
    /// Refused: beyond the limit of bytes of one push.
    pub beyond: u64,
}

impl Taken {
    /// How many were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.too_new + self.too_large + self.beyond
    }

    /// The refusals in words; empty when there are none.
    #[must_use]
    pub fn reason(&self) -> String {
        let reasons = [
            (self.too_new, "too far ahead of the clock"),
            (self.too_large, "larger than 256 KiB"),
            (self.beyond, "over the limit of bytes in one push"),
        ];
        let said = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}"));
        said.collect::<Vec<_>>().join(", ")
    }
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many records, sealed or not.
    pub records: u64,
    /// How many sealed blocks.
    pub blocks: usize,
    /// Their bytes on disk.
    pub bytes: u64,
    /// When the oldest record happened; zero when there is none.
    pub oldest: Nanos,
    /// What became of everything that was pushed since the start.
    pub taken: Taken,
}

/// The disk said no, or what is on it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct BlocksFailure {
    /// The file or folder.
    pub place: String,
    /// What is wrong.
    pub cause: String,
}

impl BlocksFailure {
    pub(crate) fn new(place: &Path, cause: impl std::fmt::Display) -> Self {
        Self { place: place.display().to_string(), cause: cause.to_string() }
    }
}

/// Recent records of one kind.
#[derive(Debug)]
pub struct Blocks<T> {
    folder: PathBuf,
    limits: Limits,
    /// Held by one writer at a time; readers never wait for the disk.
    log: Mutex<Wal>,
    shelf: RwLock<Shelf<T>>,
}

#[derive(Debug)]
struct Shelf<T> {
    active: Vec<Arc<T>>,
    active_bytes: usize,
    /// When the first of the active records came; after a start, when it happened.
    since: Nanos,
    sealed: VecDeque<Arc<Sealed>>,
    /// Whether the disk took no block the last time.
    stuck: bool,
    taken: Taken,
}

impl<T: Kept> Blocks<T> {
    /// Opens the records of a data directory. Says what had to be set aside.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written.
    pub fn open(data: &Path, limits: Limits) -> Result<(Self, Vec<BlocksFailure>), BlocksFailure> {
        let folder = data.join(T::KIND);
        std::fs::create_dir_all(&folder).map_err(|error| BlocksFailure::new(&folder, error))?;
        let (sealed, mut aside) = file::all(&folder)?;
        let newest = sealed.back().map_or(0, |block| block.number);
        let (log, active, lost) = Wal::open(&folder.join("active.log"), newest)?;
        aside.extend(lost);
        let active: Vec<Arc<T>> = active.into_iter().map(Arc::new).collect();
        let since = active.first().map_or(0, |record| record.at());
        let shelf = Shelf { active_bytes: log.bytes(), active, since, sealed, stuck: false, taken: Taken::default() };
        Ok((Self { folder, limits, log: Mutex::new(log), shelf: RwLock::new(shelf) }, aside))
    }

    /// How much is kept.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes records in, and says what became of them. They survive the end of the process from here on.
    ///
    /// # Errors
    /// When the disk says no. What was kept of a push larger than [`SEAL_BYTES`] stays, so that some of it stands there
    /// twice after it is repeated; of a smaller one nothing was kept.
    pub fn push(&self, records: Vec<T>, now: Nanos) -> Result<Taken, BlocksFailure> {
        let last = now + nanos(AHEAD_MAX);
        let (mut taken, mut piece, mut bytes) = (Taken::default(), Piece::default(), 0);
        for record in records {
            if record.at() > last {
                taken.too_new += 1;
            } else if bytes + piece.frames.len() >= self.limits.push {
                taken.beyond += 1;
            } else if piece.add(record) {
                taken.kept += 1;
            } else {
                taken.too_large += 1;
            }
            if piece.frames.len() >= SEAL_BYTES || piece.records.len() >= SEAL_RECORDS {
                bytes += piece.frames.len();
                self.keep(std::mem::take(&mut piece), now)?;
            }
        }
        self.keep(piece, now)?;
        self.shelf.write().taken.add(Taken { kept: 0, ..taken });
        Ok(taken)
    }

    fn keep(&self, piece: Piece<T>, now: Nanos) -> Result<(), BlocksFailure> {
        if piece.records.is_empty() {
            return Ok(());
        }
        let mut log = self.log.lock();
        if self.shelf.read().active_bytes >= UNSEALED_BYTES_MAX {
            let cause = "its blocks cannot be written, and all that may wait for that waits: make room on the disk";
            return Err(BlocksFailure::new(&self.folder, cause));
        }
        log.write(&piece.frames)?;
        let full = self.shelf.write().add(piece, now);
        if full && self.seal(&mut log, now).is_err() {
            // It is kept all the same. `tend` tries again, and says so when the disk still says no.
            self.shelf.write().stuck = true;
        }
        Ok(())
    }

    /// Makes what was pushed survive the end of the machine, seals what is due, forgets what is too old or too much.
    /// Blocks on the disk; to be called about once a second.
    ///
    /// # Errors
    /// When the disk says no; nothing is lost by that.
    pub fn tend(&self, now: Nanos) -> Result<(), BlocksFailure> {
        let unsynced = self.log.lock().take_unsynced();
        if let Some(Err(error)) = unsynced.map(|file| file.sync_data()) {
            return Err(self.log.lock().not_synced(error));
        }
        self.seal_due(now)?;
        let gone = self.shelf.write().forget(&self.limits, now);
        gone.iter().try_for_each(|block| file::remove(&block.path))
    }

    fn seal_due(&self, now: Nanos) -> Result<(), BlocksFailure> {
        let mut log = self.log.lock();
        let due = {
            let shelf = self.shelf.read();
            shelf.is_full() || !shelf.active.is_empty() && now - shelf.since >= nanos(SEAL_AGE)
        };
        if due { self.seal(&mut log, now) } else { Ok(()) }
    }

    /// Writes the active records as a block and empties the log.
    fn seal(&self, log: &mut Wal, now: Nanos) -> Result<(), BlocksFailure> {
        let mut active = self.shelf.read().active.clone();
        active.sort_by_key(|record| record.at());
        let sealed = Arc::new(file::write(&self.folder, log.number(), &active, now)?);
        {
            let mut shelf = self.shelf.write();
            shelf.active.clear();
            (shelf.active_bytes, shelf.stuck) = (0, false);
            shelf.sealed.push_back(sealed);
        }
        log.begin_next()
    }

    /// How many records were kept since the start: grows with each that comes.
    #[must_use]
    pub fn came(&self) -> u64 {
        self.shelf.read().taken.kept
    }

    /// What is in memory, and the sealed blocks.
    fn shelves(&self) -> (Vec<Arc<T>>, Vec<Arc<Sealed>>) {
        let shelf = self.shelf.read();
        (shelf.active.clone(), shelf.sealed.iter().cloned().collect())
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let shelf = self.shelf.read();
        let sealed: u64 = shelf.sealed.iter().map(|block| block.head.count).sum();
        let active = shelf.active.iter().map(|record| record.at());
        Counts {
            records: sealed + shelf.active.len() as u64,
            blocks: shelf.sealed.len(),
            bytes: shelf.sealed.iter().map(|block| block.bytes).sum(),
            oldest: shelf.sealed.iter().map(|block| block.head.from).chain(active).min().unwrap_or(0),
            taken: shelf.taken,
        }
    }
}

impl<T> Shelf<T> {
    /// Takes in what is in the log, and says whether it is to be sealed now.
    fn add(&mut self, piece: Piece<T>, now: Nanos) -> bool {
        if self.active.is_empty() {
            self.since = now;
        }
        self.taken.kept += piece.records.len() as u64;
        self.active_bytes += piece.frames.len();
        self.active.extend(piece.records);
        self.is_full() && !self.stuck
    }

    fn is_full(&self) -> bool {
        self.active_bytes >= SEAL_BYTES || self.active.len() >= SEAL_RECORDS
    }

    fn forget(&mut self, limits: &Limits, now: Nanos) -> Vec<Arc<Sealed>> {
        let first = now - nanos(limits.age);
        let mut bytes: u64 = self.sealed.iter().map(|block| block.bytes).sum();
        let mut gone = Vec::new();
        while let Some(block) = self.sealed.front() {
            if block.head.received >= first && bytes <= limits.bytes && self.sealed.len() <= BLOCKS_MAX {
                break;
            }
            bytes -= block.bytes;
            gone.extend(self.sealed.pop_front());
        }
        gone
    }
}

impl Taken {
    fn add(&mut self, other: Self) {
        self.kept += other.kept;
        self.too_new += other.too_new;
        self.too_large += other.too_large;
        self.beyond += other.beyond;
    }
}

fn nanos(span: Seconds) -> Nanos {
    i64::from(span.0) * 1_000_000_000
}
