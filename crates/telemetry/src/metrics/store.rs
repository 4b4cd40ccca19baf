//! The store as its users see it: opened on a directory, written by [`Appender`]s, looked after once in a while.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use promql::Millis;

use super::block::{Block, PREFIX, SET_ASIDE, UNFINISHED};
use super::head::Head;
use super::log::entry::Entry;
use super::log::{Log, numbers, replay};
use super::settings::Settings;
use super::{Appender, Failure, Tally};

/// The most troubles that are remembered.
pub const TROUBLES_MAX: usize = 100;

/// The highest number of a series in the log; a higher one is damage.
const PLACES_MAX: usize = 1 << 26;
/// No series.
const NOWHERE: u32 = u32::MAX;

/// The samples of all series. A clone is another handle to the same store.
#[derive(Debug, Clone)]
pub struct Store(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub settings: Settings,
    pub dir: PathBuf,
    pub head: RwLock<Head>,
    pub log: Log,
    /// The blocks, oldest first.
    pub blocks: RwLock<Arc<[Arc<Block>]>>,
    /// Held by the one flush that runs; when it was last done.
    pub flushed: Mutex<Option<Millis>>,
    pub troubles: Mutex<VecDeque<String>>,
    /// Standing selectors that nobody holds any more.
    pub unwatched: Mutex<Vec<u32>>,
    /// Who wants to know at once that something was written.
    listener: OnceLock<Listener>,
}

/// Is told that something was written.
struct Listener(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// How much there is, for pages and for `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Live series.
    pub series: usize,
    /// Series that ever came into being since the start.
    pub created: u64,
    /// Samples in memory.
    pub head_samples: u64,
    /// Bytes of whole and of growing chunks in memory.
    pub head_bytes: u64,
    /// Bytes of labels and of the senders' keys in memory.
    pub label_bytes: u64,
    /// Standing selectors.
    pub standing: usize,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Blocks.
    pub blocks: usize,
    /// Their bytes.
    pub block_bytes: u64,
    /// Their samples.
    pub block_samples: u64,
    /// The instant of the oldest sample.
    pub oldest: Option<Millis>,
    /// What became of all samples since the start.
    pub tally: Tally,
}

impl Store {
    /// Opens the store in a directory, which is made where there is none, and reads its log. One process at a time.
    ///
    /// # Errors
    /// When a file can not be read or made. Damaged files are no error: see [`Store::troubles`].
    pub fn open(dir: &Path, settings: Settings) -> Result<Self, Failure> {
        fs::create_dir_all(dir).map_err(|error| Failure::file(dir, "made", &error))?;
        let (blocks, mut troubles) = open_blocks(dir)?;
        let mut head = Head::default();
        let mut rebuild = Rebuild { head: &mut head, settings: &settings, epoch: 0, slots: Vec::new(), strays: 0 };
        let replayed = replay(dir, |epoch, entry| rebuild.take(epoch, entry))?;
        if rebuild.strays > 0 {
            troubles.push(format!("metrics store: {} samples of the log belong to no known series", rebuild.strays));
        }
        troubles.extend(replayed.troubles);
        head.epoch = replayed.epoch + 1;
        head.totals.whole_after = blocks.iter().map(|block| block.footer.last).max();
        let log = Log::open(dir, head.epoch, replayed.files)?;
        let inner = Arc::new(Inner {
            settings,
            dir: dir.to_owned(),
            head: RwLock::new(head),
            log,
            blocks: RwLock::new(blocks.into()),
            flushed: Mutex::new(None),
            troubles: Mutex::default(),
            unwatched: Mutex::default(),
            listener: OnceLock::new(),
        });
        troubles.into_iter().for_each(|trouble| inner.tell(trouble));
        sync_in_background(&inner)?;
        Ok(Self(inner))
    }

    /// Begins a write. The head is locked until it ends, so nothing is awaited meanwhile.
    ///
    /// # Errors
    /// When the disk has not taken what was written before.
    pub fn appender(&self, now: Millis) -> Result<Appender<'_>, Failure> {
        self.0.log.keeps_up()?;
        Ok(Appender::new(&self.0, now))
    }

    /// Calls `tell` after every write that concerns a standing selector, by the thread that wrote: it only wakes somebody,
    /// who then asks [`Store::take_written`]. The first listener stays.
    pub fn listen(&self, tell: Box<dyn Fn() + Send + Sync>) {
        // A second one would take the place of the first without its knowledge.
        let _ = self.0.listener.set(Listener(tell));
    }

    /// Forces everything that was written to the disk.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn sync(&self) -> Result<(), Failure> {
        self.0.log.sync_all()
    }

    /// The limits that it was opened with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What went wrong since this was last asked, at most [`TROUBLES_MAX`] of them: damaged files that were set aside,
    /// a log that ended in the middle of a record. Each is a sentence.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.0.troubles.lock().drain(..).collect()
    }

    /// How much there is. Walks over all series.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let blocks = self.0.blocks.read().clone();
        let head = self.0.head.read();
        let oldest = blocks.iter().map(|block| block.footer.first).chain(head.oldest()).min();
        Stats {
            series: head.len(),
            created: head.totals.created,
            head_samples: head.totals.points,
            head_bytes: head.totals.whole_bytes + head.open_bytes(),
            label_bytes: head.totals.label_bytes + head.known.bytes(),
            standing: head.watches.len(),
            log_bytes: self.0.log.bytes(),
            blocks: blocks.len(),
            block_bytes: blocks.iter().map(|block| block.bytes).sum(),
            block_samples: blocks.iter().map(|block| block.footer.points).sum(),
            oldest,
            tally: head.totals.tally,
        }
    }
}

impl Inner {
    /// Tells the listener that a standing selector was written to.
    pub(super) fn wake(&self) {
        if let Some(Listener(tell)) = self.listener.get() {
            tell();
        }
    }

    pub(super) fn tell(&self, trouble: String) {
        let mut troubles = self.troubles.lock();
        if troubles.len() >= TROUBLES_MAX {
            troubles.pop_front();
        }
        troubles.push_back(trouble);
    }

    /// Takes a block that cannot be read out of use; the rest serves.
    pub(super) fn set_aside(&self, block: &Block, failure: &Failure) {
        let mut blocks = self.blocks.write();
        let before = blocks.len();
        *blocks = blocks.iter().filter(|other| other.number != block.number).cloned().collect();
        if blocks.len() < before {
            self.tell(put_aside(&block.path, failure));
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Nobody is left to tell; what the disk did not take was not acknowledged as durable.
        let _ = self.log.sync_all();
    }
}

fn put_aside(path: &Path, failure: &Failure) -> String {
    let aside = path.with_added_extension(SET_ASIDE.trim_start_matches('.'));
    let outcome = match fs::rename(path, &aside) {
        Ok(()) => format!("it was set aside as {}", aside.display()),
        Err(error) => format!("it is not used, and could not be renamed: {error}"),
    };
    format!("{failure}; {outcome}; the other blocks serve")
}

/// The blocks of a directory, oldest first, and what was wrong with others.
fn open_blocks(dir: &Path) -> Result<(Vec<Arc<Block>>, Vec<String>), Failure> {
    let (mut blocks, mut troubles) = (Vec::new(), Vec::new());
    for number in numbers(dir, PREFIX)? {
        let path = dir.join(format!("{PREFIX}{number:010}"));
        match Block::open(&path, number) {
            Ok(block) => blocks.push(Arc::new(block)),
            Err(failure) => troubles.push(put_aside(&path, &failure)),
        }
    }
    for entry in fs::read_dir(dir).map_err(|error| Failure::file(dir, "listed", &error))?.flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(UNFINISHED)) {
            // What it would have held is in the log still.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok((blocks, troubles))
}

/// Forces the log to the disk again and again, for as long as the store is in use.
fn sync_in_background(inner: &Arc<Inner>) -> Result<(), Failure> {
    let (weak, every) = (Arc::downgrade(inner), inner.settings.sync_every.max(Duration::from_millis(1)));
    let run = move || {
        loop {
            thread::sleep(every);
            let Some(inner) = Weak::upgrade(&weak) else { return };
            if let Err(failure) = inner.log.sync_all() {
                inner.tell(failure.to_string());
            }
        }
    };
    let spawned = thread::Builder::new().name("metrics-log".to_owned()).spawn(run);
    spawned.map(drop).map_err(|error| Failure::file(&inner.dir, "served by a thread", &error))
}

/// The head as the log tells it.
struct Rebuild<'h> {
    head: &'h mut Head,
    settings: &'h Settings,
    epoch: u64,
    /// From the numbers of the present epoch to places in the new head.
    slots: Vec<u32>,
    strays: u64,
}

impl Rebuild<'_> {
    fn take(&mut self, epoch: u64, entry: Entry<'_>) {
        if epoch != self.epoch {
            self.slots.clear();
            self.epoch = epoch;
        }
        match entry {
            Entry::Define { slot, mut labels } => {
                let found = self.head.find_or_make(&mut labels, self.settings);
                // Where a limit was lowered, the samples of a series count as strays.
                self.define(slot, found.map_or(NOWHERE, |(place, _)| place));
            }
            Entry::Sample { slot, at, born, value } => match self.place(slot) {
                Some(place) => self.head.restore(place, at, born, &value),
                None => self.strays += 1,
            },
            Entry::Newest { slot, at, born, value } => {
                if let Some(series) = self.place(slot).and_then(|place| self.head.get_mut(place))
                    && series.newest < at
                {
                    (series.newest, series.born, series.value) = (at, born, value);
                }
            }
        }
    }

    fn define(&mut self, slot: u32, place: u32) {
        let index = slot as usize;
        if index >= PLACES_MAX {
            return;
        }
        if index >= self.slots.len() {
            self.slots.resize(index + 1, NOWHERE);
        }
        if let Some(known) = self.slots.get_mut(index) {
            *known = place;
        }
    }

    fn place(&self, slot: u32) -> Option<u32> {
        self.slots.get(slot as usize).copied().filter(|place| *place != NOWHERE)
    }
}
