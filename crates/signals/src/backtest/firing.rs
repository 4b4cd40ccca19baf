//! Firings: from the raising of an alert to its clearing.

use std::collections::BTreeMap;

use promql::{Labels, Millis};
use serde::Serialize;

use super::report::{Count, Durations, pairs};
use super::{ALERTS_LISTED_MAX, FIRINGS_MAX, FLAP_WITHIN, SHORT};
use crate::alerting::{Transition, What};

/// An alert fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Firing {
    /// Its labels.
    #[serde(serialize_with = "super::report::as_map")]
    pub labels: Labels,
    /// Since when its condition held, in milliseconds since 1970.
    pub since: Millis,
    /// When it was raised.
    pub raised: Millis,
    /// When it was over; `None` when it was not at the end.
    pub cleared: Option<Millis>,
}

impl Firing {
    /// How long it was raised, up to an end where it was not over.
    #[must_use]
    pub fn lasted(&self, end: Millis) -> Millis {
        self.cleared.unwrap_or(end).saturating_sub(self.raised)
    }

    /// Whether it was over within [`SHORT`].
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.cleared.is_some_and(|cleared| cleared.saturating_sub(self.raised) < SHORT)
    }

    /// Whether both were raised at one time.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let end = |firing: &Self| firing.cleared.unwrap_or(Millis::MAX);
        self.raised < end(other) && other.raised < end(self)
    }
}

/// The firings of one rule.
#[derive(Debug, Clone, Default)]
pub(super) struct Firings {
    /// In order of raising, at most [`FIRINGS_MAX`].
    pub all: Vec<Firing>,
    /// Those that are not over, by identity.
    open: BTreeMap<Labels, Option<usize>>,
    /// How many there were.
    pub count: usize,
}

impl Firings {
    /// Takes what became of an alert.
    pub fn take(&mut self, transition: &Transition) {
        match transition.what {
            What::Raised | What::RaisedMissing => self.raised(transition),
            What::Cleared(_) => {
                let place = self.open.remove(&transition.identity).flatten();
                if let Some(firing) = place.and_then(|place| self.all.get_mut(place)) {
                    firing.cleared = Some(transition.at);
                }
            }
            What::Missing | What::Returned | What::FlappingBegan { .. } | What::FlappingEnded { .. } => {}
        }
    }

    fn raised(&mut self, transition: &Transition) {
        let Transition { identity, labels, since, at, .. } = transition;
        self.count += 1;
        let room = self.all.len() < FIRINGS_MAX;
        self.open.insert(identity.clone(), room.then_some(self.all.len()));
        if room {
            self.all.push(Firing { labels: labels.clone(), since: *since, raised: *at, cleared: None });
        }
    }

    /// How long they lasted.
    pub fn durations(&self, end: Millis) -> Durations {
        let mut lasted: Vec<Millis> = self.all.iter().map(|firing| firing.lasted(end)).collect();
        lasted.sort_unstable();
        let open = self.all.iter().filter(|firing| firing.cleared.is_none()).count();
        Durations { median: median(&lasted), longest: lasted.last().copied(), short_share: self.short_share(), open }
    }

    /// The share that was over within [`SHORT`].
    pub fn short_share(&self) -> Option<f64> {
        share(self.all.iter().filter(|firing| firing.is_short()).count(), self.all.len())
    }

    /// How many began within [`FLAP_WITHIN`] of the end of the same alert's one before.
    pub fn flaps(&self) -> usize {
        let mut last: BTreeMap<&Labels, Millis> = BTreeMap::new();
        let mut flaps = 0;
        for firing in &self.all {
            let again = last.get(&firing.labels).is_some_and(|over| firing.raised.saturating_sub(*over) <= FLAP_WITHIN);
            flaps += usize::from(again);
            if let Some(cleared) = firing.cleared {
                last.insert(&firing.labels, cleared);
            }
        }
        flaps
    }

    /// How often each alert fired, the most often first, and how many alerts are left out.
    pub fn by_alert(&self) -> (Vec<Count>, usize) {
        let mut counts: BTreeMap<&Labels, usize> = BTreeMap::new();
        self.all.iter().for_each(|firing| *counts.entry(&firing.labels).or_default() += 1);
        let mut counts: Vec<Count> =
            counts.into_iter().map(|(labels, firings)| Count { labels: pairs(labels), firings }).collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.firings));
        let more = counts.len().saturating_sub(ALERTS_LISTED_MAX);
        counts.truncate(ALERTS_LISTED_MAX);
        (counts, more)
    }
}

/// The middle one of numbers in order; the lower of two.
pub(super) fn median(sorted: &[Millis]) -> Option<Millis> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// A share; `None` of nothing.
pub(super) fn share(part: usize, whole: usize) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    (whole > 0).then(|| part as f64 / whole as f64)
}
