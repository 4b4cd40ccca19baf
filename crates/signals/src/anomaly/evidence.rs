//! The views of a series: how far it is from where it belongs, for how long, and how restless it is.

use serde::{Deserialize, Serialize};

use super::baseline::{TRIFLE, gain};
use super::tail::Tail;
use super::{CLIP, MEMORY};

/// The slack of the cumulative sum, in deviations per row: only rows further out than this add to it.
const SHIFT_SLACK: f64 = 2.0;
/// A sum starts once the deviation is known from this many rows.
const SHIFT_AFTER: u32 = 20;
/// A distance is told from this row on; the first two are their own baseline.
const SPIKE_AFTER: u32 = 2;
/// Over how many rows the size of steps is compared with its past.
const UNREST_ROWS: f64 = 100.0;
/// A step below this is none.
const STEP_MIN: f64 = 1e-9;

/// How a series lies to one baseline: spikes and shifts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct View {
    rows: u32,
    above: f64,
    below: f64,
    spike: Tail,
    shift: Tail,
}

impl View {
    /// Over how many rows the distance from the baseline is averaged: one bad sample weighs half.
    pub const ROWS: f64 = 2.0;

    pub fn new() -> Self {
        Self::default()
    }

    /// How rare the row is. Both distances are in deviations: that of the last [`Self::ROWS`] rows, and its own.
    pub fn rarity(&mut self, recent: f64, own: f64) -> f64 {
        let recent = if self.rows > SPIKE_AFTER { recent.abs() } else { 0.0 };
        let sum = self.sum(own.clamp(-CLIP, CLIP));
        self.rows = self.rows.saturating_add(1);
        self.spike.rarity(recent).hypot(self.shift.rarity(sum))
    }

    /// The larger of the two cumulative sums, upwards and downwards.
    fn sum(&mut self, distance: f64) -> f64 {
        if self.rows > SHIFT_AFTER {
            self.above = (self.above + distance - SHIFT_SLACK).max(0.0);
            self.below = (self.below - distance - SHIFT_SLACK).max(0.0);
        }
        self.above.max(self.below)
    }
}

/// How large the steps from row to row are, against their past: far larger is unrest, far smaller a flat line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Unrest {
    rows: u32,
    last: f64,
    size: f64,
    recent: f64,
    usual: f64,
    tail: Tail,
}

impl Unrest {
    pub fn new() -> Self {
        Self::default()
    }

    /// How rare the present unrest is, with this value.
    pub fn rarity(&mut self, value: f64) -> f64 {
        let step = if self.rows == 0 { 0.0 } else { value - self.last };
        self.last = value;
        let slow = gain(&mut self.rows, MEMORY);
        let quick = 1.0 / f64::from(self.rows).min(UNREST_ROWS);
        self.size += slow * (value.abs() - self.size);
        self.recent += quick * (step * step - self.recent);
        self.usual += slow * (step * step - self.usual);
        let trifle = (TRIFLE * self.size + STEP_MIN).powi(2);
        let ratio = (self.recent + trifle) / (self.usual + trifle);
        let known = f64::from(self.rows) > UNREST_ROWS;
        if known { self.tail.rarity(ratio.ln().abs() / 2.0) } else { 0.0 }
    }
}
