//! Histograms without what lies above or below a value: the operators `</` and `>/`.

use super::{Bucket, Histogram};

/// Which side of the value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Below,
    Above,
}

impl Histogram {
    /// The observations up to a value. A bucket that the value cuts is interpolated.
    #[must_use]
    pub fn trimmed_above(&self, value: f64) -> Self {
        self.trimmed(value, Keep::Below)
    }

    /// The observations from a value on. A bucket that the value cuts is interpolated.
    #[must_use]
    pub fn trimmed_below(&self, value: f64) -> Self {
        self.trimmed(value, Keep::Above)
    }

    /// One side of a value. Count and sum are estimated anew when something was taken away.
    fn trimmed(&self, value: f64, keep: Keep) -> Self {
        let mut rest = Tally::default();
        let mut result = self.clone();
        for (index, count) in &mut result.negative {
            *count = rest.take(self, self.negative_bucket(*index, *count), value, keep);
        }
        if !self.is_custom() {
            result.zero_count = rest.take(self, self.assumed_zero_bucket(), value, keep);
        }
        for (index, count) in &mut result.positive {
            *count = rest.take(self, self.positive_bucket(*index, *count), value, keep);
        }
        if !rest.changed {
            return self.clone();
        }
        result.count = rest.count;
        result.sum = rest.sum;
        result.compacted()
    }
}

/// What is kept so far.
#[derive(Debug, Default)]
struct Tally {
    count: f64,
    sum: f64,
    changed: bool,
}

impl Tally {
    /// How much of a bucket is kept; counts it.
    fn take(&mut self, histogram: &Histogram, bucket: Bucket, value: f64, keep: Keep) -> f64 {
        if bucket.count == 0.0 {
            return 0.0;
        }
        let bucket = from_zero(histogram, bucket);
        let (share, lower, upper) = survivors(histogram, bucket, value, keep);
        let kept = if share >= 1.0 { bucket.count } else { bucket.count * share };
        self.changed |= kept != bucket.count;
        if kept != 0.0 {
            self.count += kept;
            self.sum += kept * middle(lower, upper, histogram.is_linear(bucket));
        }
        kept
    }
}

/// The first custom bucket begins at zero when it ends above.
fn from_zero(histogram: &Histogram, bucket: Bucket) -> Bucket {
    let first = histogram.is_custom() && bucket.lower == f64::NEG_INFINITY;
    if first && bucket.upper > 0.0 && bucket.upper.is_finite() { Bucket { lower: 0.0, ..bucket } } else { bucket }
}

/// The share of a bucket on one side of a value, and the bounds of that part.
fn survivors(histogram: &Histogram, bucket: Bucket, value: f64, keep: Keep) -> (f64, f64, f64) {
    let Bucket { lower, upper, .. } = bucket;
    match keep {
        Keep::Below if upper <= value => (1.0, lower, upper),
        Keep::Below if lower < value => (histogram.share_below(bucket, value), lower, value),
        Keep::Above if lower >= value => (1.0, lower, upper),
        Keep::Above if upper > value => (1.0 - histogram.share_below(bucket, value), value, upper),
        _ => (0.0, lower, upper),
    }
}

/// The middle of a part of a bucket, where its observations are taken to be. That of an endless part is its end.
fn middle(lower: f64, upper: f64, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) => upper,
        (false, true) => lower,
        _ if linear => f64::midpoint(lower, upper),
        _ => (lower * upper).abs().sqrt().copysign(if lower < 0.0 { -1.0 } else { 1.0 }),
    }
}
