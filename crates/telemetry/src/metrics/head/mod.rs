//! The head: every live series, its newest points, and the ways to find it. One lock guards it all.

mod index;
mod known;
mod watches;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use promql::ast::Matcher;
use promql::{METRIC_NAME, Millis, Value};

pub(super) use index::Index;
pub(super) use known::{KEYS_PER_SERIES_MAX, Known, NOWHERE};
pub use watches::STANDING_MAX;
pub(super) use watches::Watches;

use super::ids::together;
use super::log::entry;
use super::matching::Lexicon;
use super::recent::RECENT_SERIES_MAX;
use super::series::{Series, Taken, UNWATCHED};
use super::settings::{NAME_BYTES_MAX, Settings, VALUE_BYTES_MAX};
use super::{Reason, Tally};

/// All live series.
#[derive(Debug, Default)]
pub(super) struct Head {
    slots: Vec<Option<Series>>,
    free: Vec<u32>,
    hasher: DefaultHashBuilder,
    by_labels: HashTable<u32>,
    pub index: Index,
    pub known: Known,
    pub watches: Watches,
    /// The part of the log that is being written: see `flush`.
    pub epoch: u64,
    pub totals: Totals,
    /// Of how many series the newest points are kept decoded.
    recent: usize,
    /// A record of the log in the making; kept here for its memory.
    pub record: Vec<u8>,
}

/// What the head has grown to, and what it was given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    /// Bytes of labels.
    pub label_bytes: u64,
    /// Bytes of whole chunks.
    pub whole_bytes: u64,
    /// Those of them that are in a block as well.
    pub saved_bytes: u64,
    /// Points.
    pub points: u64,
    /// Every point after this instant is here; some up to it may be in blocks only.
    pub whole_after: Option<Millis>,
    /// Series that ever came into being.
    pub created: u64,
    pub tally: Tally,
}

impl Head {
    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many places there are, free ones among them.
    pub(super) fn places(&self) -> u32 {
        self.slots.len() as u32
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&Series> {
        self.slots.get(slot as usize)?.as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Series> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// All series with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Series)> {
        self.slots.iter().zip(0..).filter_map(|(series, slot)| Some((slot, series.as_ref()?)))
    }

    /// The series with these labels in any order, made where there is none; whether it was made.
    pub(super) fn find_or_make(
        &mut self,
        pairs: &mut Vec<(&str, &str)>,
        settings: &Settings,
    ) -> Result<(u32, bool), Reason> {
        put_in_order(pairs)?;
        let hash = self.hash(pairs);
        let slots = &self.slots;
        let series = |slot: u32| slots.get(slot as usize).and_then(Option::as_ref);
        let is_it =
            |slot: &u32| series(*slot).is_some_and(|s| s.hash == hash && s.labels.iter().eq(pairs.iter().copied()));
        if let Some(slot) = self.by_labels.find(hash, is_it) {
            return Ok((*slot, false));
        }
        self.may_make(pairs, settings)?;
        Ok((self.make(pairs, hash), true))
    }

    fn hash(&self, pairs: &[(&str, &str)]) -> u64 {
        self.hasher.hash_one(pairs)
    }

    fn may_make(&self, pairs: &[(&str, &str)], settings: &Settings) -> Result<(), Reason> {
        let bytes = bytes_of(pairs.iter().copied());
        let long = |(name, value): &(&str, &str)| name.len() > NAME_BYTES_MAX || value.len() > VALUE_BYTES_MAX;
        if !pairs.iter().any(|(name, _)| *name == METRIC_NAME) {
            return Err(Reason::Unnamed);
        }
        if pairs.len() > settings.labels_per_series {
            return Err(Reason::TooManyLabels);
        }
        if pairs.iter().any(long) || bytes > settings.series_bytes as u64 {
            return Err(Reason::LabelTooLong);
        }
        if self.len() >= settings.series {
            return Err(Reason::OverSeries);
        }
        if self.totals.label_bytes + bytes > settings.label_bytes {
            return Err(Reason::OverLabelBytes);
        }
        self.index.has_room(pairs, settings)
    }

    fn make(&mut self, pairs: &[(&str, &str)], hash: u64) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        let labels = self.index.add(slot, pairs);
        self.totals.label_bytes += bytes_of(labels.iter());
        self.totals.created += 1;
        let watches = self.watches.enter(slot, &labels);
        let mut series = Series::new(labels, hash);
        let windows = watches.iter().filter_map(|id| self.watches.get(*id)).map(|watch| watch.window);
        let window = windows.max().unwrap_or(0);
        watches.into_iter().for_each(|id| watch(&mut series, id));
        if window > 0 && self.recent < RECENT_SERIES_MAX {
            self.recent += usize::from(series.keep_recent(window));
        }
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(series);
        }
        let slots = &self.slots;
        let hash_of = |slot: &u32| slots.get(*slot as usize).and_then(Option::as_ref).map_or(0, |s| s.hash);
        self.by_labels.insert_unique(hash, slot, hash_of);
        slot
    }

    /// Adds a standing selector over the series `members`; `None` when there are too many.
    pub(super) fn watch(&mut self, matchers: Box<[Matcher]>, window: Millis, members: Vec<u32>) -> Option<u32> {
        let id = self.watches.add(matchers, window, members)?;
        let members = self.watches.get(id).map_or(&[][..], |watch| watch.members());
        for slot in members {
            if let Some(Some(series)) = self.slots.get_mut(*slot as usize) {
                watch(series, id);
                if window > 0 && self.recent < RECENT_SERIES_MAX {
                    self.recent += usize::from(series.keep_recent(window));
                }
            }
        }
        Some(id)
    }

    /// Removes a standing selector.
    pub(super) fn unwatch(&mut self, id: u32) {
        for slot in self.watches.remove(id) {
            let Some(Some(series)) = self.slots.get_mut(slot as usize) else { continue };
            series.watches.retain(|other| *other != id);
            if series.watch == id {
                series.watch = series.watches.pop().unwrap_or(UNWATCHED);
            }
            let has_window = |id: &u32| self.watches.get(*id).is_some_and(|watch| watch.window > 0);
            if !series.watches.iter().chain([&series.watch]).any(has_window) {
                self.recent -= usize::from(series.forget_recent());
            }
        }
    }

    /// Removes series that are gone.
    pub(super) fn bury(&mut self, dead: &HashSet<u32>) {
        let gone: Vec<(u32, Series)> =
            dead.iter().filter_map(|slot| Some((*slot, self.slots.get_mut(*slot as usize)?.take()?))).collect();
        let pairs: BTreeSet<(&str, &str)> = gone.iter().flat_map(|(_, series)| series.labels.iter()).collect();
        self.index.bury(dead, &pairs);
        self.known.forget(dead);
        self.recent -= gone.iter().filter(|(_, series)| series.keeps_recent()).count();
        let mut concerned: HashSet<u32> = gone.iter().flat_map(|(_, series)| &series.watches).copied().collect();
        concerned.extend(gone.iter().map(|(_, series)| series.watch).filter(|id| *id != UNWATCHED));
        self.watches.bury(dead, &concerned);
        for (slot, series) in &gone {
            if let Ok(entry) = self.by_labels.find_entry(series.hash, |other| other == slot) {
                entry.remove();
            }
            self.free.push(*slot);
            self.totals.label_bytes -= bytes_of(series.labels.iter());
        }
    }

    /// Notes that a series was written to: its labels go into the record where this epoch of the log does not have them
    /// yet, and its standing selectors are marked. Says whether there are any.
    #[inline]
    pub(super) fn note_written(&mut self, slot: u32, late: bool, grown: u64, record: &mut Vec<u8>) -> bool {
        self.totals.whole_bytes += grown;
        self.totals.points += 1;
        let Some(Some(series)) = self.slots.get_mut(slot as usize) else { return false };
        if series.epoch != self.epoch {
            series.epoch = self.epoch;
            entry::put_define(record, slot, &series.labels);
            if late {
                // What follows is not the newest, which this epoch would not know otherwise.
                entry::put_newest(record, slot, series.newest, series.born, &series.value);
            }
        }
        if series.watch == UNWATCHED {
            return false;
        }
        self.watches.mark(series.watch);
        series.watches.iter().for_each(|id| self.watches.mark(*id));
        true
    }

    /// Notes that so many more chunks of a series are in a block, and forgets what is and ends before `until`.
    pub(super) fn save(&mut self, slot: u32, chunks: usize, until: Millis) {
        let Some(Some(series)) = self.slots.get_mut(slot as usize) else { return };
        let unsaved: u64 = series.unsaved().iter().take(chunks).map(|chunk| chunk.weight()).sum();
        let forgotten = series.save(chunks, until);
        let totals = &mut self.totals;
        totals.saved_bytes = (totals.saved_bytes + unsaved).saturating_sub(forgotten.bytes);
        totals.whole_bytes = totals.whole_bytes.saturating_sub(forgotten.bytes);
        totals.points = totals.points.saturating_sub(forgotten.points);
        totals.whole_after = totals.whole_after.max(forgotten.last);
    }

    /// Takes a sample in that the log holds already.
    pub(super) fn restore(&mut self, slot: u32, at: Millis, born: Millis, value: &Value) {
        let Some(Some(series)) = self.slots.get_mut(slot as usize) else { return };
        if let (Taken::Kept | Taken::Late, grown) = series.take(at, born, value, Millis::MAX) {
            self.totals.whole_bytes += grown;
            self.totals.points += 1;
        }
    }

    /// The bytes that growing chunks hold, for the figures.
    pub(super) fn open_bytes(&self) -> u64 {
        self.iter().map(|(_, series)| series.open_bytes() as u64).sum()
    }

    /// The instant of the oldest point in memory.
    pub(super) fn oldest(&self) -> Option<Millis> {
        self.iter().filter_map(|(_, series)| series.oldest()).min()
    }
}

fn watch(series: &mut Series, id: u32) {
    if series.watch == UNWATCHED {
        series.watch = id;
    } else {
        series.watches.push(id);
    }
}

fn bytes_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    pairs.map(|(name, value)| (name.len() + value.len()) as u64).sum()
}

/// Sorts labels by name and leaves out empty values, which mean that the label is absent.
fn put_in_order(pairs: &mut Vec<(&str, &str)>) -> Result<(), Reason> {
    pairs.sort_unstable();
    if pairs.iter().any(|(name, _)| name.is_empty()) || pairs.windows(2).any(|two| matches!(two, [a, b] if a.0 == b.0))
    {
        return Err(Reason::BadLabels);
    }
    pairs.retain(|(_, value)| !value.is_empty());
    Ok(())
}

impl Lexicon for Head {
    type Failure = Infallible;

    fn exact(&self, name: &str, value: &str) -> Result<Cow<'_, [u32]>, Infallible> {
        Ok(self.index.ids(name, value))
    }

    fn count(&self, name: &str) -> usize {
        self.index.count(name)
    }

    fn where_value(&self, name: &str, keep: &mut dyn FnMut(&str) -> bool) -> Result<Vec<u32>, Infallible> {
        Ok(together(&self.index.lists(name, keep)))
    }

    fn holds(&self, id: u32, matcher: &Matcher) -> Result<bool, Infallible> {
        Ok(self.get(id).is_some_and(|series| matcher.holds(series.labels.get(&matcher.name))))
    }

    fn all(&self) -> Vec<u32> {
        self.iter().map(|(slot, _)| slot).collect()
    }
}
