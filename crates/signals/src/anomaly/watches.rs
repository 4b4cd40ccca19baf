//! Watches by series, as many as there is room for: what a rule's `anomaly(…)` or `unusual(…)` keeps between evaluations.

use std::collections::{BTreeMap, HashMap};

use kernel::Labels;
use serde::{Deserialize, Serialize};

use super::{DefaultRule, Detector};

/// The most watches that one set may keep: of detectors, 40 MiB.
pub const WATCHES_MAX: usize = 10_000;

/// Learns the rows of one series and has a say about each.
pub trait Watch: Default + Clone + PartialEq {
    /// Learns the next row, at so many seconds since the epoch, and scores it.
    fn observe(&mut self, at: i64, value: f64) -> f64;
}

impl Watch for Detector {
    fn observe(&mut self, at: i64, value: f64) -> f64 {
        Self::observe(self, at, value)
    }
}

impl Watch for DefaultRule {
    fn observe(&mut self, _: i64, value: f64) -> f64 {
        f64::from(Self::observe(self, value))
    }
}

/// A bounded set of watches. When it is full, a new series takes the place of the one longest unseen, which starts anew
/// if it comes back. Stored as a list, and so it survives a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Stored<W>", from = "Stored<W>", bound(serialize = "W: Watch + Serialize"))]
pub struct Watches<W: Watch> {
    limit: usize,
    /// How many observations there were; their numbers order the series.
    observations: u64,
    entries: HashMap<Labels, Entry<W>>,
    /// The series by their last observation, longest unseen first.
    seen: BTreeMap<u64, Labels>,
    evicted: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry<W> {
    watch: W,
    seen: u64,
    at: i64,
    score: f64,
}

/// A set as it is stored: its series, longest unseen first.
#[derive(Serialize, Deserialize)]
struct Stored<W> {
    limit: usize,
    entries: Vec<(Labels, Entry<W>)>,
    evicted: u64,
}

/// Sets are the same that go on the same, however often they were asked before.
impl<W: Watch> PartialEq for Watches<W> {
    fn eq(&self, other: &Self) -> bool {
        let known = |(one, other): (&Entry<W>, &Entry<W>)| Entry { seen: other.seen, ..one.clone() } == *other;
        let same = |series| self.entries.get(series).zip(other.entries.get(series)).is_some_and(known);
        let order = self.seen.values().eq(other.seen.values());
        order && (self.limit, self.evicted) == (other.limit, other.evicted) && self.seen.values().all(same)
    }
}

impl<W: Watch> From<Watches<W>> for Stored<W> {
    fn from(mut watches: Watches<W>) -> Self {
        let take = |series: Labels| watches.entries.remove_entry(&series);
        let entries = watches.seen.into_values().filter_map(take).collect();
        Self { limit: watches.limit, entries, evicted: watches.evicted }
    }
}

impl<W: Watch> From<Stored<W>> for Watches<W> {
    fn from(stored: Stored<W>) -> Self {
        let mut watches = Self::new(stored.limit);
        for (series, entry) in stored.entries {
            watches.insert(series, entry);
        }
        watches.evicted += stored.evicted;
        watches
    }
}

impl<W: Watch> Watches<W> {
    /// An empty set for at most so many series, between one and [`WATCHES_MAX`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.clamp(1, WATCHES_MAX),
            observations: 0,
            entries: HashMap::new(),
            seen: BTreeMap::new(),
            evicted: 0,
        }
    }

    /// The score of a series' next row; see [`Watch::observe`]. A row at the instant of the last one is that row, asked
    /// for again: it is told the same score and teaches nothing.
    pub fn observe(&mut self, series: &Labels, at: i64, value: f64) -> f64 {
        self.observations += 1;
        let seen = self.observations;
        if let Some(entry) = self.entries.get_mut(series) {
            if let Some(labels) = self.seen.remove(&entry.seen) {
                self.seen.insert(seen, labels);
            }
            entry.seen = seen;
            if entry.at != at {
                (entry.at, entry.score) = (at, entry.watch.observe(at, value));
            }
            return entry.score;
        }
        let mut watch = W::default();
        let score = watch.observe(at, value);
        self.insert(series.clone(), Entry { watch, seen, at, score });
        score
    }

    /// Adds a series, or puts one in the place of its namesake, as seen just now.
    fn insert(&mut self, series: Labels, mut entry: Entry<W>) {
        if let Some(namesake) = self.entries.remove(&series) {
            self.seen.remove(&namesake.seen);
        }
        self.make_room();
        self.observations += 1;
        entry.seen = self.observations;
        self.seen.insert(entry.seen, series.clone());
        self.entries.insert(series, entry);
    }

    fn make_room(&mut self) {
        while self.entries.len() >= self.limit {
            let Some((_, longest_unseen)) = self.seen.pop_first() else { return };
            self.entries.remove(&longest_unseen);
            self.evicted += 1;
        }
    }

    /// The series that are watched, longest unseen first.
    #[cfg(test)]
    pub(super) fn seen_labels(&self) -> impl Iterator<Item = &Labels> {
        self.seen.values()
    }

    /// How many series are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many had to make room since the start: above zero, the limit is too low for what is asked.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}
