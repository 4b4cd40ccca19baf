//! Samples: a value at an instant, and series of them.

use std::sync::Arc;

use crate::{Histogram, Labels};

/// An instant as milliseconds since 1970, or a length of time in milliseconds.
pub type Millis = i64;

/// A value: a number, or the state of a native histogram.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

/// The bits of the NaN that says: this series ended here. Prometheus' own number, `value.StaleNaN`.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

impl Value {
    /// The marker that says: this series ended here.
    #[must_use]
    pub fn stale() -> Self {
        Self::Float(f64::from_bits(STALE_BITS))
    }

    /// Whether this is that marker.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Float(value) => value.to_bits() == STALE_BITS,
            Self::Histogram(histogram) => histogram.sum.to_bits() == STALE_BITS,
        }
    }

    /// The number, where it is one.
    #[must_use]
    pub fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Histogram(_) => None,
        }
    }
}

/// A value at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When.
    pub at: Millis,
    /// When the counter or histogram was born, where that is known; zero where not.
    pub born: Millis,
    /// What.
    pub value: Value,
}

impl Point {
    /// A number at an instant.
    #[must_use]
    pub fn float(at: Millis, value: f64) -> Self {
        Self { at, born: 0, value: Value::Float(value) }
    }
}

/// Points of one series, in order of time, each instant once.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What names it.
    pub labels: Labels,
    /// Its points.
    pub points: Vec<Point>,
}
