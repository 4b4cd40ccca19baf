//! How rare a value is among all that came before it, in constant memory: peaks over a threshold.
//!
//! The threshold follows the 98th percentile by stochastic approximation: up by a large step when a value is above it,
//! down by a small one when not. What lies above is taken as exponential with the mean excess seen so far (Pickands,
//! Balkema and de Haan: the tail of nearly every distribution is a generalised Pareto one; its shape is fixed at zero
//! here because a shape cannot be learnt from eighty peaks).

use serde::{Deserialize, Serialize};

use super::MEMORY;
use super::baseline::gain;

/// The share of values above the threshold.
const PEAKS: f64 = 0.02;
/// The largest step of the threshold, as a multiple of the usual distance from it, spread over the memory.
const STEP: f64 = 3.0;
/// A peak counts at most this many mean excesses, so that one catastrophe does not hide the next.
const EXCESS_CLIP: f64 = 8.0;
/// Before this many peaks the mean excess is not known well enough to clip by it.
const CLIP_AFTER: u32 = 10;
/// As many peaks as this, each as high as the threshold itself, are believed before any is seen.
const PRIOR_PEAKS: f64 = 10.0;
/// The smallest excess believed before any peak is seen.
const PRIOR_EXCESS_MIN: f64 = 1e-3;
/// Nothing is rare before this many values.
const RARE_AFTER: u32 = 100;
/// Nothing is a record before this many values.
const RECORD_AFTER: u32 = 200;
/// How much rarer a record is, per natural logarithm of its ratio to the last one: two powers of ten for a tenth more.
const RECORD_WEIGHT: f64 = 20.0;
/// How many rows a record stands: it is forgotten four times slower than the rest.
const RECORD_MEMORY: f64 = 4.0 * MEMORY;
/// A record below this is none.
const RECORD_MIN: f64 = 1e-12;

/// The upper tail of a stream of values that are not negative.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Tail {
    values: u32,
    peaks: u32,
    threshold: f64,
    /// The mean distance from the threshold, which sets its pace.
    spread: f64,
    /// The mean height of peaks above the threshold.
    excess: f64,
    record: f64,
}

impl Tail {
    /// Minus the decimal logarithm of the share of values as large as this one, zero below the threshold; then learns it.
    pub fn rarity(&mut self, value: f64) -> f64 {
        if self.values == 0 {
            self.threshold = value;
        }
        let rarity = self.beyond_threshold(value) + self.beyond_record(value);
        self.learn(value);
        rarity
    }

    fn beyond_threshold(&self, value: f64) -> f64 {
        if self.values <= RARE_AFTER || self.excess <= 0.0 || value <= self.threshold {
            return 0.0;
        }
        let (seen, prior) = (f64::from(self.peaks), self.threshold.max(PRIOR_EXCESS_MIN));
        let excess = (self.excess * seen + prior * PRIOR_PEAKS) / (seen + PRIOR_PEAKS);
        ((value - self.threshold) / excess - PEAKS.ln()) * std::f64::consts::LOG10_E
    }

    fn beyond_record(&self, value: f64) -> f64 {
        let is_record = self.values >= RECORD_AFTER && self.record > RECORD_MIN && value > self.record;
        if is_record { RECORD_WEIGHT * (value / self.record).ln() } else { 0.0 }
    }

    fn learn(&mut self, value: f64) {
        let gain_now = gain(&mut self.values, MEMORY);
        let above = value - self.threshold;
        self.spread += gain_now * (above.abs() - self.spread);
        let step = self.spread * gain_now * STEP;
        if above > 0.0 {
            self.learn_peak(above);
            self.threshold += step * (1.0 - PEAKS);
        } else {
            self.threshold -= step * PEAKS;
        }
        self.record = value.max(self.record * (-1.0 / RECORD_MEMORY).exp());
    }

    fn learn_peak(&mut self, above: f64) {
        let gain = gain(&mut self.peaks, MEMORY * PEAKS);
        let counted = if self.peaks > CLIP_AFTER { above.min(EXCESS_CLIP * self.excess) } else { above };
        self.excess += gain * (counted - self.excess);
    }
}
