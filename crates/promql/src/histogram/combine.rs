//! Histograms added and subtracted.

use super::layout::Layout;
use super::{Histogram, ResetHint};

/// The sum or difference of two histograms, and what was odd about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    /// The sum or difference.
    pub histogram: Histogram,
    /// One said that there was a counter reset, the other that there was none.
    pub hints_collide: bool,
    /// They had different custom bounds; only those that both have are left.
    pub bounds_reconciled: bool,
}

/// Exponential and custom buckets do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("exponential and custom buckets cannot be combined")]
pub struct Incompatible;

impl Histogram {
    /// The sum of two histograms, in the finest layout that both can take.
    ///
    /// # Errors
    /// One has exponential buckets and the other custom ones.
    pub fn add(&self, other: &Self) -> Result<Combined, Incompatible> {
        let (layout, bounds_reconciled) = Layout::common(self, other)?;
        let (reset, hints_collide) = combined_hint(self.reset, other.reset);
        let histogram = self.onto(&layout).paired(&other.onto(&layout), |a, b| a + b).with_hint(reset);
        Ok(Combined { histogram, hints_collide, bounds_reconciled })
    }

    /// The difference of two histograms, in the finest layout that both can take; always a gauge.
    ///
    /// # Errors
    /// One has exponential buckets and the other custom ones.
    pub fn sub(&self, other: &Self) -> Result<Combined, Incompatible> {
        let (layout, bounds_reconciled) = Layout::common(self, other)?;
        let (_, hints_collide) = combined_hint(self.reset, other.reset);
        let histogram = self.onto(&layout).paired(&other.onto(&layout), |a, b| a - b).with_hint(ResetHint::Gauge);
        Ok(Combined { histogram, hints_collide, bounds_reconciled })
    }

    /// A function over each pair of counts and over the sums of two histograms of the same layout.
    fn paired(&self, other: &Self, mut join: impl FnMut(f64, f64) -> f64) -> Self {
        Self {
            zero_count: join(self.zero_count, other.zero_count),
            count: join(self.count, other.count),
            sum: join(self.sum, other.sum),
            positive: zipped(&self.positive, &other.positive, &mut join),
            negative: zipped(&self.negative, &other.negative, &mut join),
            ..self.clone()
        }
    }

    /// Whether a count or the sum is infinite.
    #[must_use]
    pub fn overflows(&self) -> bool {
        let buckets = self.positive.iter().chain(&self.negative).map(|(_, count)| *count);
        buckets.chain([self.zero_count, self.count, self.sum]).any(f64::is_infinite)
    }
}

/// Adds many histograms without losing the small ones in the rounding (Kahan and Neumaier).
#[derive(Debug, Clone)]
pub struct HistogramSum {
    sum: Histogram,
    lost: Histogram,
    /// Everything is kept times this, so that a mean is finite where the sum is not. A power of two.
    scale: f64,
    /// One of them said that there was a counter reset, another that there was none.
    pub hints_collide: bool,
    /// They had different custom bounds; only those that all have are left.
    pub bounds_reconciled: bool,
}

/// What a sum that overflows is scaled by: room for `2^64` summands.
const ROOM: f64 = 1.0 / 18_446_744_073_709_551_616.0;

impl HistogramSum {
    /// Begins with one histogram.
    #[must_use]
    pub fn new(first: &Histogram) -> Self {
        let lost = first.mapped(|_| 0.0);
        Self { sum: first.clone(), lost, scale: 1.0, hints_collide: false, bounds_reconciled: false }
    }

    /// Adds one more.
    ///
    /// # Errors
    /// It has exponential buckets and those before it have custom ones, or the other way round. Nothing was added.
    pub fn add(&mut self, other: &Histogram) -> Result<(), Incompatible> {
        let (layout, reconciled) = Layout::common(&self.sum, other)?;
        let (reset, collide) = combined_hint(self.sum.reset, other.reset);
        self.bounds_reconciled |= reconciled;
        self.hints_collide |= collide;
        (self.sum, self.lost) = (self.sum.onto(&layout), self.lost.onto(&layout));
        let other = other.onto(&layout);
        if self.scale == 1.0 && self.sum.paired(&other, |a, b| a + b).overflows() {
            (self.sum, self.lost, self.scale) = (self.sum.times(ROOM), self.lost.times(ROOM), ROOM);
        }
        let other = if self.scale == 1.0 { other } else { other.times(self.scale) };
        self.lost = self.lost.paired(&self.sum.paired(&other, rounding), |a, b| a + b);
        self.sum = self.sum.paired(&other, |a, b| a + b).with_hint(reset);
        Ok(())
    }

    /// The sum of all.
    #[must_use]
    pub fn total(&self) -> Histogram {
        self.mean(1.0)
    }

    /// The mean of `many` histograms that were added, finite even where their sum is not.
    #[must_use]
    pub fn mean(&self, many: f64) -> Histogram {
        let exact = |sum: f64, lost: f64| if sum.is_finite() && lost.is_finite() { sum + lost } else { sum };
        self.sum.paired(&self.lost, exact).divided_by(many * self.scale)
    }
}

/// What `a + b` loses to rounding; nothing where the sum is infinite.
fn rounding(a: f64, b: f64) -> f64 {
    let sum = a + b;
    match sum.is_infinite() {
        true => 0.0,
        false if a.abs() >= b.abs() => (a - sum) + b,
        false => (b - sum) + a,
    }
}

/// What is known of the resets of a combination, and whether the two contradict each other.
fn combined_hint(a: ResetHint, b: ResetHint) -> (ResetHint, bool) {
    use ResetHint::{Gauge, NoReset, Reset, Unknown};
    match (a, b) {
        _ if a == b => (a, false),
        (Gauge, _) | (_, Gauge) => (Gauge, false),
        (Reset, NoReset) | (NoReset, Reset) => (Unknown, true),
        _ => (Unknown, false),
    }
}

/// A function over the counts of each index that one of two ascending lists has.
fn zipped(a: &[(i32, f64)], b: &[(i32, f64)], mut join: impl FnMut(f64, f64) -> f64) -> Vec<(i32, f64)> {
    let mut all = Vec::with_capacity(a.len().max(b.len()));
    let (mut left, mut right) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let (x, y) = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return all,
            (Some(x), Some(y)) if x.0 == y.0 => (Some(x), Some(y)),
            (Some(x), Some(y)) if x.0 < y.0 => (Some(x), None),
            (Some(x), None) => (Some(x), None),
            (_, y) => (None, y),
        };
        let taken = (x.and_then(|_| left.next()), y.and_then(|_| right.next()));
        let index = taken.0.or(taken.1).map_or(0, |entry| entry.0);
        all.push((index, join(taken.0.map_or(0.0, |x| x.1), taken.1.map_or(0.0, |y| y.1))));
    }
}
