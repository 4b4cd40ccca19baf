//! Where a bucket begins and ends, and the walk over all buckets of a histogram.

use super::{CUSTOM_BUCKETS, Histogram};

/// One bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Where it begins; may be minus infinity.
    pub lower: f64,
    /// Where it ends; may be infinity.
    pub upper: f64,
    /// Whether a value equal to `lower` is in it.
    pub lower_inclusive: bool,
    /// Whether a value equal to `upper` is in it.
    pub upper_inclusive: bool,
    /// How many values are in it.
    pub count: f64,
    /// Whether it is the bucket of values around zero.
    pub zero: bool,
}

impl Histogram {
    /// All buckets in ascending order of their bounds, the zero bucket among them when it counts something.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut all = Vec::with_capacity(self.positive.len() + self.negative.len() + 1);
        all.extend(self.negative.iter().rev().map(|(index, count)| self.negative_bucket(*index, *count)));
        all.extend((self.zero_count != 0.0 && !self.is_custom()).then(|| self.zero_bucket()));
        all.extend(self.positive.iter().map(|(index, count)| self.positive_bucket(*index, *count)));
        all
    }

    /// The bucket of values around zero.
    #[must_use]
    pub fn zero_bucket(&self) -> Bucket {
        let (lower, upper) = (-self.zero_threshold, self.zero_threshold);
        Bucket { lower, upper, lower_inclusive: true, upper_inclusive: true, count: self.zero_count, zero: true }
    }

    /// The zero bucket as it is read in estimates: on one side of zero when all other values are on that side.
    pub(super) fn assumed_zero_bucket(&self) -> Bucket {
        let bucket = self.zero_bucket();
        let populated = |all: &[(i32, f64)]| all.iter().any(|(_, count)| *count != 0.0);
        match (populated(&self.negative), populated(&self.positive)) {
            (false, true) => Bucket { lower: 0.0, ..bucket },
            (true, false) => Bucket { upper: 0.0, ..bucket },
            _ => bucket,
        }
    }

    /// All buckets that count something as they are read in estimates: the zero bucket may be on one side of zero, and
    /// the first custom bucket begins at zero when it ends above.
    pub(super) fn assumed_buckets(&self) -> Vec<Bucket> {
        let mut all = self.buckets();
        all.retain(|bucket| bucket.count != 0.0);
        for bucket in &mut all {
            if bucket.zero {
                *bucket = self.assumed_zero_bucket();
            } else if self.is_custom() && bucket.lower == f64::NEG_INFINITY && bucket.upper > 0.0 {
                bucket.lower = if bucket.upper.is_finite() { 0.0 } else { bucket.lower };
            }
        }
        all
    }

    /// The positive or custom bucket of an index.
    pub(super) fn positive_bucket(&self, index: i32, count: f64) -> Bucket {
        let (lower, upper) = (self.bound(index.saturating_sub(1)), self.bound(index));
        let (lower_inclusive, upper_inclusive) = if self.is_custom() { (index == 0, true) } else { (false, true) };
        Bucket { lower, upper, lower_inclusive, upper_inclusive, count, zero: false }
    }

    /// The negative bucket of an index.
    pub(super) fn negative_bucket(&self, index: i32, count: f64) -> Bucket {
        let (lower, upper) = (-self.bound(index), -self.bound(index.saturating_sub(1)));
        Bucket { lower, upper, lower_inclusive: true, upper_inclusive: false, count, zero: false }
    }

    /// The upper bound of the positive bucket of an index.
    pub(super) fn bound(&self, index: i32) -> f64 {
        if self.schema == CUSTOM_BUCKETS {
            custom_bound(&self.bounds, index)
        } else {
            exponential_bound(self.schema, index)
        }
    }
}

/// The upper bound of a custom bucket: minus infinity before the first, infinity after the last bound.
fn custom_bound(bounds: &[f64], index: i32) -> f64 {
    match usize::try_from(index) {
        Ok(at) => bounds.get(at).copied().unwrap_or(f64::INFINITY),
        Err(_) => f64::NEG_INFINITY,
    }
}

/// `2^(index * 2^-schema)`. The last bucket of finite values ends at the greatest float, and infinity is in the next.
fn exponential_bound(schema: i32, index: i32) -> f64 {
    let resolution = 2f64.powi(schema);
    let exponent = f64::from(index) / resolution;
    if exponent == 1024.0 {
        return f64::MAX;
    }
    let whole = exponent.floor();
    (exponent - whole).exp2() * whole.exp2()
}
