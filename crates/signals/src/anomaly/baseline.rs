//! The long memory of a level: a mean and a deviation that forget, and that no single value can pull far.

use serde::{Deserialize, Serialize};

use super::CLIP;

/// A deviation below this share of the level is a trifle: rounding, not movement.
pub(super) const TRIFLE: f64 = 1e-3;
/// The smallest deviation, so that nothing is divided by zero.
const DEVIATION_MIN: f64 = 1e-9;
/// Before this many rows the deviation is not known well enough to clip by it.
const CLIP_AFTER: u32 = 20;

/// A mean and a variance with exponential forgetting and bounded influence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// How many rows it remembers.
    memory: f64,
    /// The share of the level that is added to the deviation.
    trifle: f64,
    rows: u32,
    mean: f64,
    variance: f64,
}

/// What a baseline says about a value before it learns it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub mean: f64,
    pub deviation: f64,
    /// How far the value lies from the mean, at most [`CLIP`] deviations once they are known.
    pub clipped: f64,
}

impl Scale {
    /// A distance, cut to what may count.
    pub fn clip(&self, distance: f64) -> f64 {
        distance.clamp(-CLIP * self.deviation, CLIP * self.deviation)
    }
}

impl Baseline {
    pub fn new(memory: f64, trifle: f64) -> Self {
        Self { memory, trifle, rows: 0, mean: 0.0, variance: 0.0 }
    }

    /// Where the value lies. The first value is its own mean.
    pub fn scale(&self, value: f64) -> Scale {
        let mean = if self.rows == 0 { value } else { self.mean };
        let deviation = deviation(self.variance, self.trifle * mean);
        let mut scale = Scale { mean, deviation, clipped: value - mean };
        if self.rows > CLIP_AFTER {
            scale.clipped = scale.clip(scale.clipped);
        }
        scale
    }

    pub fn learn(&mut self, value: f64) {
        let Scale { mean, clipped, .. } = self.scale(value);
        let gain = gain(&mut self.rows, self.memory);
        self.mean = mean + gain * clipped;
        self.variance = (1.0 - gain) * (self.variance + gain * clipped * clipped);
    }
}

/// The mean of the last few rows, with exponential forgetting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    memory: f64,
    rows: u32,
    mean: f64,
}

impl Recent {
    pub fn new(memory: f64) -> Self {
        Self { memory, rows: 0, mean: 0.0 }
    }

    /// Learns a value and tells the mean with it.
    pub fn mean(&mut self, value: f64) -> f64 {
        let gain = gain(&mut self.rows, self.memory);
        self.mean += gain * (value - self.mean);
        self.mean
    }
}

/// The deviation of a variance, never less than a trifle.
pub(super) fn deviation(variance: f64, trifle: f64) -> f64 {
    variance.sqrt().hypot(trifle) + DEVIATION_MIN
}

/// Counts a row and tells its weight in a mean over `memory` rows: all rows weigh the same until there are so many.
pub(super) fn gain(rows: &mut u32, memory: f64) -> f64 {
    *rows = rows.saturating_add(1);
    1.0 / f64::from(*rows).min(memory)
}
