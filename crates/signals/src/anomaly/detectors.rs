//! Detectors by series, as many as there is room for: what a rule's `anomaly(…)` keeps between evaluations.

use std::collections::{BTreeMap, HashMap};

use kernel::Labels;
use serde::{Deserialize, Serialize};

use super::Detector;

/// The most detectors that one set may keep: 40 MiB.
pub const DETECTORS_MAX: usize = 10_000;

/// A bounded set of detectors. When it is full, a new series takes the place of the one longest unseen, which starts anew
/// if it comes back. Stored as a list, and so it survives a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Detectors {
    limit: usize,
    /// How many observations there were; their numbers order the series.
    observations: u64,
    entries: HashMap<Labels, Entry>,
    /// The series by their last observation, longest unseen first.
    seen: BTreeMap<u64, Labels>,
    evicted: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    detector: Detector,
    seen: u64,
    at: i64,
    score: f64,
}

/// A set as it is stored: its series, longest unseen first.
#[derive(Serialize, Deserialize)]
struct Stored {
    limit: usize,
    entries: Vec<(Labels, Entry)>,
    evicted: u64,
}

/// Sets are the same that go on the same, however often they were asked before.
impl PartialEq for Detectors {
    fn eq(&self, other: &Self) -> bool {
        let known = |(one, other): (&Entry, &Entry)| Entry { seen: other.seen, ..one.clone() } == *other;
        let same = |series| self.entries.get(series).zip(other.entries.get(series)).is_some_and(known);
        let order = self.seen.values().eq(other.seen.values());
        order && (self.limit, self.evicted) == (other.limit, other.evicted) && self.seen.values().all(same)
    }
}

impl From<Detectors> for Stored {
    fn from(mut detectors: Detectors) -> Self {
        let take = |series: Labels| detectors.entries.remove_entry(&series);
        let entries = detectors.seen.into_values().filter_map(take).collect();
        Self { limit: detectors.limit, entries, evicted: detectors.evicted }
    }
}

impl From<Stored> for Detectors {
    fn from(stored: Stored) -> Self {
        let mut detectors = Self::new(stored.limit);
        for (series, entry) in stored.entries {
            detectors.insert(series, entry);
        }
        detectors.evicted += stored.evicted;
        detectors
    }
}

impl Detectors {
    /// An empty set for at most so many series, between one and [`DETECTORS_MAX`].
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.clamp(1, DETECTORS_MAX),
            observations: 0,
            entries: HashMap::new(),
            seen: BTreeMap::new(),
            evicted: 0,
        }
    }

    /// The score of a series' next row; see [`Detector::observe`]. A row at the instant of the last one is that row, asked
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
                (entry.at, entry.score) = (at, entry.detector.observe(at, value));
            }
            return entry.score;
        }
        let mut detector = Detector::new();
        let score = detector.observe(at, value);
        self.insert(series.clone(), Entry { detector, seen, at, score });
        score
    }

    /// Adds a series, or puts one in the place of its namesake, as seen just now.
    fn insert(&mut self, series: Labels, mut entry: Entry) {
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

    /// The series that have a detector, longest unseen first.
    #[cfg(test)]
    pub(super) fn seen_labels(&self) -> impl Iterator<Item = &Labels> {
        self.seen.values()
    }

    /// How many series have a detector.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no series has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many detectors had to make room since the start: above zero, the limit is too low for what is asked.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}
