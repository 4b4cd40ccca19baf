//! The recent points of one series, in order of time. Knows no clock and no limits but the ones it is given.

use std::collections::VecDeque;

use kernel::Timestamp;

/// Sixteen bytes a point, because there are millions: microseconds since 1970, and the value.
#[derive(Debug, Default)]
pub(crate) struct Series {
    points: VecDeque<(i64, f64)>,
}

/// What became of one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    Kept,
    Duplicate,
    /// It was kept, and the oldest one left.
    CrowdedOut,
    /// It would itself be the oldest of a full series.
    TooOld,
}

impl Series {
    pub(crate) fn insert(&mut self, at: Timestamp, value: f64, points_max: usize) -> Inserted {
        let at = at.as_microsecond();
        // Nearly always the newest: look there first.
        let place = match self.points.back() {
            None => 0,
            Some((newest, _)) if *newest < at => self.points.len(),
            Some(_) => match self.points.binary_search_by_key(&at, |(at, _)| *at) {
                Ok(_) => return Inserted::Duplicate,
                Err(place) => place,
            },
        };
        if self.points.len() < points_max {
            self.points.insert(place, (at, value));
            return Inserted::Kept;
        }
        if place == 0 {
            return Inserted::TooOld;
        }
        self.points.insert(place, (at, value));
        self.points.pop_front();
        Inserted::CrowdedOut
    }

    /// Drops the points at or before an instant, and says how many there were.
    pub(crate) fn forget(&mut self, until: Timestamp) -> usize {
        let gone = self.first_after(until);
        self.points.drain(..gone);
        if self.points.capacity() > 4 * self.points.len() + 16 {
            self.points.shrink_to_fit();
        }
        gone
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The points in `(from, to]`.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
        let start = self.first_after(from);
        let end = self.first_after(to).max(start);
        let instant = |micros| Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
        self.points.range(start..end).map(|(at, value)| (instant(*at), *value)).collect()
    }

    fn first_after(&self, at: Timestamp) -> usize {
        let at = at.as_microsecond();
        self.points.partition_point(|(point, _)| *point <= at)
    }
}
