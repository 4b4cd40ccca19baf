//! What is estimated from a histogram: quantiles, fractions, mean and spread.

use super::{Bucket, Histogram};

/// A quantile, and what observations that are not a number did to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantile {
    /// The estimate.
    Value(f64),
    /// The estimate; observations of NaN make it too high.
    Skewed(f64),
    /// NaN, because the rank falls among observations of NaN.
    AmongNan,
}

impl Quantile {
    /// The estimate.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Value(value) | Self::Skewed(value) => value,
            Self::AmongNan => f64::NAN,
        }
    }
}

impl Histogram {
    /// The mean of the observations.
    #[must_use]
    pub fn average(&self) -> f64 {
        self.sum / self.count
    }

    /// The value below which a share `q` of the observations is, interpolated inside of a bucket: exponentially, but
    /// linearly in the zero bucket and in custom buckets. Below 0 and above 1 it is infinite.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Quantile {
        if q < 0.0 {
            return Quantile::Value(f64::NEG_INFINITY);
        }
        if q > 1.0 {
            return Quantile::Value(f64::INFINITY);
        }
        if self.count == 0.0 || q.is_nan() {
            return Quantile::Value(f64::NAN);
        }
        if self.sum.is_nan() {
            let estimate = self.ranked(q * self.count, false);
            return estimate.map_or(Quantile::AmongNan, Quantile::Skewed);
        }
        let from_above = q >= 0.5;
        let rank = if from_above { (1.0 - q) * self.count } else { q * self.count };
        Quantile::Value(self.ranked(rank, from_above).unwrap_or(f64::NAN))
    }

    /// The value at a rank, counted from the least value or from the greatest. `None` when there are fewer values in the
    /// buckets and some are not a number.
    fn ranked(&self, rank: f64, from_above: bool) -> Option<f64> {
        let mut buckets = self.assumed_buckets();
        if from_above {
            buckets.reverse();
        }
        let Some(last) = buckets.last().copied() else {
            // Nothing is counted but the total: as if all were at zero.
            return if self.sum.is_nan() { None } else { Some(if rank > 0.0 { 0.0 } else { f64::NAN }) };
        };
        let mut count = 0.0;
        let reached = buckets.into_iter().find(|bucket| {
            count += bucket.count;
            count >= rank
        });
        count = f64::min(count, self.count);
        match reached {
            None if self.sum.is_nan() => None,
            None => Some(last.upper),
            Some(bucket) => {
                let inside = if from_above { count - rank } else { rank - (count - bucket.count) };
                Some(self.inside(bucket, inside / bucket.count))
            }
        }
    }

    /// The value at a share of a bucket.
    fn inside(&self, bucket: Bucket, share: f64) -> f64 {
        let Bucket { lower, upper, .. } = bucket;
        if self.is_custom() && lower == f64::NEG_INFINITY {
            return upper;
        }
        if self.is_custom() && upper == f64::INFINITY {
            return lower;
        }
        if self.is_linear(bucket) {
            return lower + (upper - lower) * share;
        }
        let (low, high) = (lower.abs().log2(), upper.abs().log2());
        if lower > 0.0 { (low + (high - low) * share).exp2() } else { -(high + (low - high) * (1.0 - share)).exp2() }
    }

    /// Whether values are assumed to be spread evenly in a bucket.
    pub(super) fn is_linear(&self, bucket: Bucket) -> bool {
        self.is_custom() || bucket.zero || (bucket.lower <= 0.0 && bucket.upper >= 0.0)
    }

    /// The share of observations between two values. Observations of NaN are in no share.
    #[must_use]
    pub fn fraction(&self, lower: f64, upper: f64) -> f64 {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return f64::NAN;
        }
        if lower >= upper {
            return 0.0;
        }
        (self.rank_of(upper) - self.rank_of(lower)) / self.count
    }

    /// How many observations are below a value, at most all of them.
    fn rank_of(&self, value: f64) -> f64 {
        let mut rank = 0.0;
        for bucket in self.assumed_buckets() {
            if bucket.lower >= value {
                return f64::min(rank, self.count);
            }
            if bucket.upper > value {
                return f64::min(rank + bucket.count * self.share_below(bucket, value), self.count);
            }
            rank += bucket.count;
        }
        // The rest is assumed above all buckets, so that NaN observations count nowhere but in the total.
        if self.sum.is_nan() { f64::min(rank, self.count) } else { self.count }
    }

    /// The share of a bucket that is below a value inside of it. Endless buckets are on the finite side of the value.
    pub(super) fn share_below(&self, bucket: Bucket, value: f64) -> f64 {
        let Bucket { lower, upper, .. } = bucket;
        if lower == f64::NEG_INFINITY {
            return 1.0;
        }
        if upper == f64::INFINITY {
            return 0.0;
        }
        if self.is_linear(bucket) {
            return (value - lower) / (upper - lower);
        }
        let (low, high, at) = (lower.abs().log2(), upper.abs().log2(), value.abs().log2());
        if value > 0.0 { (at - low) / (high - low) } else { 1.0 - (at - high) / (low - high) }
    }

    /// The variance of the observations, each taken to be at the middle of its bucket.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.average();
        let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
        for bucket in self.buckets().into_iter().filter(|bucket| bucket.count != 0.0) {
            let distance = self.middle(bucket) - mean;
            let part = bucket.count * distance * distance;
            let next = sum + part;
            lost += match next.is_infinite() {
                true => 0.0,
                false if sum.abs() >= part.abs() => (sum - next) + part,
                false => (part - next) + sum,
            };
            sum = next;
        }
        (sum + lost) / self.count
    }

    /// The standard deviation of the observations.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The middle of a bucket: arithmetic for custom buckets, geometric for exponential ones, zero around zero.
    fn middle(&self, bucket: Bucket) -> f64 {
        let Bucket { lower, upper, .. } = bucket;
        if self.is_custom() {
            return f64::midpoint(lower, upper);
        }
        if lower <= 0.0 && upper >= 0.0 {
            return 0.0;
        }
        (lower * upper).sqrt().copysign(upper)
    }
}
