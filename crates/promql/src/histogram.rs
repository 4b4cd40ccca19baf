//! Native histograms: counts in exponential or custom buckets, as floats.

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
