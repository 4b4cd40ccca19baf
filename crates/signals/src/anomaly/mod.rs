//! How unusual the newest value of a series is, told without knowing the series: a score in 0..=1, made from this and
//! earlier values alone, in constant memory. Beside it stands a rule for series that nobody wrote a rule for
//! ([`DefaultRule`]). Nothing here knows what a series means; a threshold that somebody set always knows better.
//!
//! Method of the [`Detector`], in five steps:
//! 1. *Baseline.* A mean and a deviation with exponential forgetting, robust because a value more than
//!    [`CLIP`] deviations away counts as one that is not further ([`baseline`]). Means by time of day and by hour of
//!    the week stand beside it, and replace it as soon as they explain the series clearly better ([`season`]).
//! 2. *Evidence.* Three views of the same rows: how far the newest two lie from the baseline (spike), how long they
//!    stay away from it (shift: the two-sided cumulative sum of Page), and how the size of the steps from row to row
//!    compares with its past (unrest, and its opposite) ([`evidence`]).
//! 3. *Likelihood.* Each view is turned into the rarity of its value: minus the decimal logarithm of the share of rows
//!    that are as far out. The tail above the 98th percentile is modelled as exponential, as extreme value theory
//!    suggests for peaks over a threshold; a value beyond all that was ever seen is rarer still ([`tail`]).
//! 4. *Fusion.* The rarities are added as squares: several views that are each a little surprised count, and one
//!    that is very surprised is enough.
//! 5. *Restraint.* After a hit the next one must be rarer than the last was, less so as time passes; and a series
//!    that hits often must be rarer each time ([`restraint`]).
//!
//! A score above [`HIT_SCORE`] is a hit. The scale between is logarithmic: at 0.9 the row is half as rare, in powers of
//! ten, as one that hits.
//!
//! Sources: Page 1954 (cumulative sums); Huber 1964 (bounded influence); Siffer et al. 2017 (peaks over a threshold in
//! streams); Ahmad et al. 2017 (a likelihood stage over raw scores, and the NAB benchmark).
//!
//! What it does not do: a series that is merely stuck at a usual value becomes a little rare, and seldom hits; ask
//! `changes(x[30m]) == 0` for that. On plain noise it hits about once in a thousand rows.
//!
//! All parameters are round numbers in the middle of a wide plateau: halving or doubling a memory, or a neighbouring
//! value of any other, moves the NAB score by one or two points. They count rows, not seconds, because the scrape
//! interval follows how fast a series matters; only the seasons read the time.

mod baseline;
mod evidence;
mod restraint;
mod rule;
mod scored;
mod season;
mod tail;
#[cfg(test)]
mod tests;
mod watches;

use serde::{Deserialize, Serialize};

use baseline::{Baseline, Recent};
use evidence::{Unrest, View};
use restraint::Restraint;
use season::Season;

pub use rule::DefaultRule;
pub use scored::{CALLS_MAX, Learnt, SERIES_MAX, Scored, WARM_UP};
pub(crate) use scored::{Remembering, check};
pub use watches::{WATCHES_MAX, Watch, Watches};

/// A score above this is a hit.
pub const HIT_SCORE: f64 = 0.99;
/// The score of a row that is rare enough for a hit, but held back after an earlier one.
const HELD_SCORE: f64 = 0.98;
/// How many rows the long memory spans: two weeks of five-minute rows.
const MEMORY: f64 = 4000.0;
/// How many deviations away a value may be and still count in full.
const CLIP: f64 = 4.0;
/// Values beyond this count as this, so that no square overflows.
const VALUE_MAX: f64 = 1e100;

/// Watches one series; see the module for the method. Less than 4 KiB, heap included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    baseline: Baseline,
    recent: Recent,
    level: View,
    day: Season,
    week: Season,
    unrest: Unrest,
    restraint: Restraint,
}

impl Detector {
    /// One that has seen nothing yet. It hits only after it has seen a few dozen rows.
    #[must_use]
    pub fn new() -> Self {
        Self {
            baseline: Baseline::new(MEMORY, baseline::TRIFLE),
            recent: Recent::new(View::ROWS),
            level: View::new(),
            day: Season::of_day(),
            week: Season::of_week(),
            unrest: Unrest::new(),
            restraint: Restraint::new(),
        }
    }

    /// Learns the next row and scores it in 0..=1. Rows come in order; `at` is in seconds since the epoch and read by
    /// the seasons only. A value that is not finite is no row: it scores 0 and teaches nothing.
    pub fn observe(&mut self, at: i64, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        let rarity = self.rarity(at, value.clamp(-VALUE_MAX, VALUE_MAX));
        self.restraint.score(rarity)
    }

    /// The fused rarity of a row, which it then learns.
    fn rarity(&mut self, at: i64, value: f64) -> f64 {
        let scale = self.baseline.scale(value);
        self.baseline.learn(value);
        let offset = self.recent.mean(value) - scale.mean;
        let level = self.level.rarity(offset / scale.deviation, (value - scale.mean) / scale.deviation);
        let day = self.day.rarity(at, value, &scale);
        let week = self.week.rarity(at, value, &scale);
        let seasonal = [day, week].into_iter().flatten().min_by(|a, b| a.error.total_cmp(&b.error));
        let placed = seasonal.map_or(level, |season| season.rarity);
        placed.hypot(self.unrest.rarity(value))
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}
