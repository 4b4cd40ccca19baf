//! Native histograms: counts in exponential or custom buckets, as floats.
//!
//! The arithmetic follows Prometheus' native histogram specification. What is done to a histogram stands in the modules
//! below; each gives a new histogram and changes none.

mod bucket;
mod combine;
mod estimate;
mod layout;
mod reset;
mod text;
mod trim;

pub use bucket::Bucket;
pub use combine::{Combined, HistogramSum, Incompatible};
pub use estimate::Quantile;
pub use text::number;

/// The state of a native histogram. Counts are floats, because rates of histograms are histograms too.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// What is known of counter resets before this sample.
    pub reset: ResetHint,
    /// The resolution: from -4 to 8 for exponential buckets (base `2^(2^-schema)`); [`CUSTOM_BUCKETS`] for custom ones.
    pub schema: i32,
    /// Values in `[-zero_threshold, zero_threshold]` are in the zero bucket.
    pub zero_threshold: f64,
    /// The zero bucket's count.
    pub zero_count: f64,
    /// The number of observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Buckets of positive values by index, ascending; the index of `(base^(i-1), base^i]` is `i`. Custom buckets count
    /// their bounds from zero.
    pub positive: Vec<(i32, f64)>,
    /// Buckets of negative values, likewise.
    pub negative: Vec<(i32, f64)>,
    /// The upper bounds of custom buckets, ascending, without the last one, which is infinite.
    pub bounds: std::sync::Arc<[f64]>,
}

/// The schema of histograms with custom bounds.
pub const CUSTOM_BUCKETS: i32 = -53;

/// What is known of counter resets before a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetHint {
    /// Nothing: compare with the sample before.
    #[default]
    Unknown,
    /// There was one.
    Reset,
    /// There was none.
    NoReset,
    /// A gauge, of which resets mean nothing.
    Gauge,
}

impl Histogram {
    /// Whether the buckets have custom bounds.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    /// All counts and the sum times a factor. A negative factor makes a gauge of it.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let mut result = self.mapped(|count| count * factor);
        if factor < 0.0 {
            result.reset = ResetHint::Gauge;
        }
        result
    }

    /// All counts and the sum by a divisor. A negative divisor makes a gauge of it; division by zero drops the buckets.
    #[must_use]
    pub fn divided_by(&self, divisor: f64) -> Self {
        let mut result = self.mapped(|count| count / divisor);
        if divisor < 0.0 {
            result.reset = ResetHint::Gauge;
        }
        if divisor == 0.0 {
            result.positive.clear();
            result.negative.clear();
        }
        result
    }

    /// All counts and the sum with the other sign; always a gauge.
    #[must_use]
    pub fn negated(&self) -> Self {
        self.times(-1.0)
    }

    /// The same as another kind of counter or gauge.
    #[must_use]
    pub fn with_hint(mut self, reset: ResetHint) -> Self {
        self.reset = reset;
        self
    }

    /// The same without buckets that count nothing.
    #[must_use]
    pub fn compacted(&self) -> Self {
        let mut result = self.clone();
        result.positive.retain(|(_, count)| *count != 0.0);
        result.negative.retain(|(_, count)| *count != 0.0);
        result
    }

    /// Whether two histograms hold the same, whatever is known of their resets: the `==` of the language.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.matches(other, |a, b| a.to_bits() == b.to_bits())
    }

    /// Whether two histograms have the same buckets, and `same` holds for each pair of counts and for the sums.
    /// What is known of their resets does not matter.
    pub fn matches(&self, other: &Self, same: impl Fn(f64, f64) -> bool) -> bool {
        let (a, b) = (self.compacted(), other.compacted());
        let buckets = |a: &[(i32, f64)], b: &[(i32, f64)]| {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.0 == y.0 && same(x.1, y.1))
        };
        a.schema == b.schema
            && a.bounds == b.bounds
            && a.zero_threshold == b.zero_threshold
            && same(a.zero_count, b.zero_count)
            && same(a.count, b.count)
            && same(a.sum, b.sum)
            && buckets(&a.positive, &b.positive)
            && buckets(&a.negative, &b.negative)
    }

    /// The counts and the sum through a function.
    fn mapped(&self, change: impl Fn(f64) -> f64) -> Self {
        let buckets = |all: &[(i32, f64)]| all.iter().map(|(index, count)| (*index, change(*count))).collect();
        Self {
            zero_count: change(self.zero_count),
            count: change(self.count),
            sum: change(self.sum),
            positive: buckets(&self.positive),
            negative: buckets(&self.negative),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests;
