//! How much is kept, and what became of samples that were pushed.

use std::fmt;

use kernel::Seconds;

use crate::{AHEAD_MAX, POINTS_PER_SERIES_MAX, SAMPLES_MAX, SERIES_MAX, WINDOW};

/// How much is kept. [`Limits::default`] is what this crate's constants say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How far back.
    pub window: Seconds,
    /// How far ahead of the clock.
    pub ahead: Seconds,
    /// How many series.
    pub series: usize,
    /// How many samples of one series.
    pub points_per_series: usize,
    /// How many samples altogether.
    pub samples: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: WINDOW,
            ahead: AHEAD_MAX,
            series: SERIES_MAX,
            points_per_series: POINTS_PER_SERIES_MAX,
            samples: SAMPLES_MAX,
        }
    }
}

/// What became of samples that were pushed. The sum of all fields but `crowded_out` is their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// How many were kept.
    pub kept: u64,
    /// How many had the instant of a sample that is there already.
    pub duplicates: u64,
    /// Refused: older than the window.
    pub too_old: u64,
    /// Refused: too far ahead of the clock.
    pub too_new: u64,
    /// Refused: the series has no metric name.
    pub unnamed: u64,
    /// Refused: there are as many series as there may be.
    pub over_series: u64,
    /// Refused: there are as many samples as there may be.
    pub over_samples: u64,
    /// How many older samples had to leave a series that was full.
    pub crowded_out: u64,
}

impl Pushed {
    /// How many samples were refused for a reason that the sender should hear of.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.too_old + self.too_new + self.unnamed + self.over_series + self.over_samples
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.duplicates += other.duplicates;
        self.too_old += other.too_old;
        self.too_new += other.too_new;
        self.unnamed += other.unnamed;
        self.over_series += other.over_series;
        self.over_samples += other.over_samples;
        self.crowded_out += other.crowded_out;
    }
}

/// The refusals in words, such as `3 too old, 1 over the limit of series`; empty when there are none.
impl fmt::Display for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = [
            (self.too_old, "too old"),
            (self.too_new, "too far ahead of the clock"),
            (self.unnamed, "without a metric name"),
            (self.over_series, "over the limit of series"),
            (self.over_samples, "over the limit of samples"),
        ];
        for (i, (count, reason)) in reasons.iter().filter(|(count, _)| *count > 0).enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{count} {reason}")?;
        }
        Ok(())
    }
}
