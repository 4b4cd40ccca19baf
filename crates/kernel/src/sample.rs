//! Monitoring data: samples of series. They are not facts and never enter the journal.

use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::time::Timestamp;

/// The label that carries a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// One value of one series at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The series, its metric name under [`METRIC_NAME`].
    pub series: Labels,
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured; NaN says "measured, but not a number".
    pub value: f64,
}

/// The recent values of one series, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The series.
    pub series: Labels,
    /// Instants and values, in order of time.
    pub points: Vec<(Timestamp, f64)>,
}
