//! The newest points of a series, decoded, for as far back as the windows of standing selectors reach. Each write adds its
//! point, so a window is never decoded again.

use std::collections::VecDeque;

use promql::{Millis, Point};

/// The most points of one series that are kept so; of a denser one a window is decoded from its chunks.
pub const RECENT_POINTS_MAX: usize = 64;
/// The most series of which points are kept so.
pub const RECENT_SERIES_MAX: usize = 100_000;
/// How much further back than the longest window points are kept: whoever looks may do so a while after the newest point.
pub(super) const SLACK: Millis = 60_000;

/// The newest points of one series, in order of time, each instant once.
#[derive(Debug)]
pub(super) struct Recent {
    points: VecDeque<Point>,
    /// Every point of the head after this instant is here.
    whole_after: Millis,
    /// How far back from the newest point they are kept.
    reach: Millis,
}

impl Recent {
    /// For windows of this length; `points` are all of the head after `whole_after`, in order of time.
    pub fn new(window: Millis, points: Vec<Point>, whole_after: Millis) -> Self {
        let mut recent = Self { points: points.into(), whole_after, reach: reach(window) };
        recent.forget();
        recent
    }

    /// Whether it is meant for windows of this length.
    pub fn reaches(&self, window: Millis) -> bool {
        self.reach >= reach(window)
    }

    /// Takes in a point that is newer than all others.
    #[inline]
    pub fn push(&mut self, point: Point) {
        self.points.push_back(point);
        self.forget();
    }

    /// Takes in a point that came late. Of two at one instant the first stays.
    pub fn insert(&mut self, point: Point) {
        if point.at <= self.whole_after {
            return;
        }
        if let Err(place) = self.points.binary_search_by_key(&point.at, |known| known.at) {
            self.points.insert(place, point);
            self.forget();
        }
    }

    #[inline]
    fn forget(&mut self) {
        let newest = self.points.back().map_or(Millis::MIN, |point| point.at);
        let until = newest.saturating_sub(self.reach);
        while self.points.len() > RECENT_POINTS_MAX || self.points.front().is_some_and(|point| point.at <= until) {
            let Some(oldest) = self.points.pop_front() else { return };
            self.whole_after = self.whole_after.max(oldest.at);
        }
    }

    /// Whether it has every point of the head after an instant.
    pub fn is_whole_after(&self, after: Millis) -> bool {
        self.whole_after <= after
    }

    /// Its points in `(after, until]`.
    pub fn between(&self, after: Millis, until: Millis) -> Vec<Point> {
        let (from, to) = self.places(after, until);
        self.points.range(from..to).cloned().collect()
    }

    /// How many these are.
    pub fn count(&self, after: Millis, until: Millis) -> usize {
        let (from, to) = self.places(after, until);
        to - from
    }

    fn places(&self, after: Millis, until: Millis) -> (usize, usize) {
        let from = self.points.partition_point(|point| point.at <= after);
        (from, self.points.partition_point(|point| point.at <= until).max(from))
    }
}

fn reach(window: Millis) -> Millis {
    window.saturating_add(SLACK)
}
