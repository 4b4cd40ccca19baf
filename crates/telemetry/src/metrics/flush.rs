//! From the head into a block, and from the oldest blocks into nothing.
//!
//! A flush cuts the log first, so that what comes in meanwhile stands behind the cut; then it makes all chunks whole, some
//! series at a time, and writes them. What a block holds is forgotten by the head only after the block can be read, and the
//! log before the cut is removed last. A crash at any point leaves samples twice at most, and readers drop the second one.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use promql::{Labels, Millis};

use super::block::{Block, Writer};
use super::head::Head;
use super::log::entry;
use super::series::Series;
use super::store::{Inner, Store};
use super::{Failure, chunk::Chunk};

/// How many series are worked on while the head is locked.
const AT_A_TIME: usize = 1_024;
/// How long after a flush, at least, one is begun only because there is no room for new series.
const ROOM_AFTER: Millis = 15 * 60_000;

/// What a look after the store has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tended {
    /// Whether samples moved into a new block.
    pub flushed: bool,
    /// Series that left the head, because nothing has come of them for some time.
    pub idle: usize,
    /// Blocks that were removed, because they were too old or there were too many bytes.
    pub removed: usize,
}

impl Store {
    /// Looks after the store: moves samples into a block when it is time, and removes old blocks. To be called every few
    /// seconds, from a thread that may wait for the disk; writers and readers go on meanwhile.
    ///
    /// # Errors
    /// When the disk says no. Nothing is lost by that: it is tried again the next time.
    pub fn tend(&self, now: Millis) -> Result<Tended, Failure> {
        let inner = &*self.0;
        inner.let_go();
        let mut tended = Tended::default();
        if inner.is_due(now) {
            (tended.flushed, tended.idle) = inner.flush(now)?;
        }
        tended.removed = inner.retire(now)?;
        Ok(tended)
    }

    /// Moves all samples into a block now.
    ///
    /// # Errors
    /// As [`Store::tend`].
    pub fn flush(&self, now: Millis) -> Result<Tended, Failure> {
        let (flushed, idle) = self.0.flush(now)?;
        Ok(Tended { flushed, idle, removed: 0 })
    }
}

impl Inner {
    /// Removes the standing selectors that nobody holds any more.
    pub(super) fn let_go(&self) {
        let gone = std::mem::take(&mut *self.unwatched.lock());
        if !gone.is_empty() {
            let mut head = self.head.write();
            gone.into_iter().for_each(|id| head.unwatch(id));
        }
    }

    fn is_due(&self, now: Millis) -> bool {
        let last = *self.flushed.lock().get_or_insert(now);
        let since = now.saturating_sub(last);
        let (unsaved, series) = {
            let head = self.head.read();
            (head.totals.whole_bytes.saturating_sub(head.totals.saved_bytes), head.len())
        };
        since >= self.settings.block_span
            || unsaved >= self.settings.head_bytes
            || self.log.bytes() >= self.settings.log_bytes
            || self.log.is_suspect()
            || series >= self.settings.series && since >= ROOM_AFTER
    }

    /// Moves everything in the head into a block; whether there was anything, and how many series left.
    pub(super) fn flush(&self, now: Millis) -> Result<(bool, usize), Failure> {
        let mut flushed = self.flushed.lock();
        let cut = {
            let mut head = self.head.write();
            let cut = self.log.cut(head.epoch + 1)?;
            head.epoch += 1;
            cut
        };
        let order = self.in_order_of_labels();
        let number = self.blocks.read().last().map_or(1, |block| block.number + 1);
        let mut writer = Writer::begin(&self.dir, number)?;
        let mut moved = Vec::with_capacity(order.len());
        for batch in order.chunks(AT_A_TIME) {
            for (slot, labels, chunks) in self.make_whole(batch) {
                writer.add(labels, &chunks)?;
                moved.push((slot, chunks.len()));
            }
        }
        drop(order);
        if let Some(path) = writer.finish()? {
            let block = Arc::new(Block::open(&path, number)?);
            let mut blocks = self.blocks.write();
            *blocks = blocks.iter().cloned().chain([block]).collect();
        }
        self.log.trust_after(cut);
        let recent = self.recent_after(now);
        let mut moved = moved.into_iter().peekable();
        let is_flushed = moved.peek().is_some();
        self.forget(moved, recent);
        let idle = self.carry_over(now)?;
        self.log.sync_all()?;
        self.log.remove_before(cut)?;
        *flushed = Some(now);
        Ok((is_flushed, idle))
    }

    fn in_order_of_labels(&self) -> Vec<(Labels, u32)> {
        let head = self.head.read();
        let filled = head.iter().filter(|(_, series)| !series.is_saved());
        let mut order: Vec<(Labels, u32)> = filled.map(|(slot, series)| (series.labels.clone(), slot)).collect();
        drop(head);
        order.sort_unstable();
        order
    }

    /// Makes all chunks of some series whole, and returns them.
    fn make_whole(&self, batch: &[(Labels, u32)]) -> Vec<(u32, Labels, Vec<Arc<Chunk>>)> {
        let mut head = self.head.write();
        let mut all = Vec::with_capacity(batch.len());
        for (labels, slot) in batch {
            let Some(series) = head.get_mut(*slot) else { continue };
            let grown = series.seal_all();
            all.push((*slot, labels.clone(), series.unsaved().to_vec()));
            head.totals.whole_bytes += grown;
        }
        all
    }

    /// What ends before this leaves the memory: all that is not recent, or simply all where there is too much of it.
    fn recent_after(&self, now: Millis) -> Millis {
        let whole = self.head.read().totals.whole_bytes;
        if whole > 2 * self.settings.head_bytes { Millis::MAX } else { now.saturating_sub(self.settings.recent) }
    }

    /// Lets the head forget what blocks hold and what ends before `until`. `moved` says how many chunks of which series
    /// have just been written, in any order.
    fn forget(&self, moved: impl Iterator<Item = (u32, usize)>, until: Millis) {
        let moved: HashMap<u32, usize> = moved.collect();
        let mut from = 0;
        loop {
            let mut head = self.head.write();
            let to = head.places().min(from + AT_A_TIME as u32);
            for slot in from..to {
                head.save(slot, moved.get(&slot).copied().unwrap_or(0), until);
            }
            if from == to {
                return;
            }
            from = to;
        }
    }

    /// Writes the labels and the newest point of every live series into the new part of the log, and lets idle series go.
    fn carry_over(&self, now: Millis) -> Result<usize, Failure> {
        let before = now.saturating_sub(self.settings.idle_after);
        let (mut from, mut idle) = (0, 0);
        loop {
            let mut head = self.head.write();
            let to = head.places().min(from + AT_A_TIME as u32);
            let dead = (from..to).filter(|slot| head.get(*slot).is_some_and(|series| is_idle(series, before)));
            let dead: HashSet<u32> = dead.collect();
            if !dead.is_empty() {
                head.bury(&dead);
            }
            idle += dead.len();
            let record = carried(&mut head, from..to);
            let end = if record.is_empty() { 0 } else { self.log.submit(&record) };
            drop(head);
            self.log.write(end)?;
            if to == from {
                return Ok(idle);
            }
            from = to;
        }
    }

    /// Removes blocks that are too old, and the oldest ones where all together have too many bytes.
    fn retire(&self, now: Millis) -> Result<usize, Failure> {
        let until = now.saturating_sub(self.settings.keep);
        let mut blocks = self.blocks.write();
        let mut room = self.settings.block_bytes;
        let mut kept: Vec<Arc<Block>> = Vec::with_capacity(blocks.len());
        for block in blocks.iter().rev() {
            let fits = room.checked_sub(block.bytes);
            room = fits.unwrap_or(0);
            if block.footer.last > until && fits.is_some() {
                kept.push(block.clone());
            }
        }
        let removed = blocks.len() - kept.len();
        if removed == 0 {
            return Ok(0);
        }
        kept.reverse();
        let now: Arc<[Arc<Block>]> = kept.into();
        let before = std::mem::replace(&mut *blocks, now.clone());
        drop(blocks);
        for block in before.iter().filter(|block| !now.iter().any(|kept| kept.number == block.number)) {
            let outcome = std::fs::remove_file(&block.path);
            outcome.map_err(|error| Failure::file(&block.path, "removed", &error))?;
        }
        Ok(removed)
    }
}

fn is_idle(series: &Series, before: Millis) -> bool {
    series.newest < before && series.is_empty()
}

fn carried(head: &mut Head, slots: std::ops::Range<u32>) -> Vec<u8> {
    let (epoch, mut record) = (head.epoch, Vec::new());
    for slot in slots {
        let Some(series) = head.get_mut(slot) else { continue };
        if series.epoch != epoch {
            series.epoch = epoch;
            entry::put_define(&mut record, slot, &series.labels);
            entry::put_newest(&mut record, slot, series.newest, series.born, &series.value);
        }
    }
    record
}
