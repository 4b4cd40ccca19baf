//! From rarities to scores: what keeps one disturbance from hitting again and again.

use serde::{Deserialize, Serialize};

use super::{HELD_SCORE, HIT_SCORE};

/// The fused rarity from which a row is a hit, when nothing hit before. Taken on one half of the NAB corpus, for which
/// 3.5 and 3.75 are as good; about one row in four thousand is as rare by itself.
const HIT_RARITY: f64 = 3.6;
/// Over how many rows the bar that a hit sets falls to its e-th part.
const BAR_ROWS: f64 = 100.0;
/// No hit follows another within this many rows.
const PAUSE_ROWS: u32 = 20;
/// How much rarer each remembered hit demands the next to be.
const HABIT: f64 = 0.07;
/// Over how many rows hits are remembered.
const HABIT_ROWS: f64 = 4000.0;

/// Remembers hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Restraint {
    /// The next hit must be rarer than this.
    bar: f64,
    /// How many hits are remembered, each fading.
    hits: f64,
    /// How many more rows cannot hit.
    pause: u32,
}

impl Restraint {
    pub fn new() -> Self {
        Self { bar: 0.0, hits: 0.0, pause: 0 }
    }

    /// The score of a row with this rarity.
    pub fn score(&mut self, rarity: f64) -> f64 {
        self.bar *= (-1.0 / BAR_ROWS).exp();
        self.hits *= (-1.0 / HABIT_ROWS).exp();
        let pausing = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        let share = rarity / (1.0 + HABIT * self.hits) / HIT_RARITY;
        if share <= 1.0 {
            return scaled(share);
        }
        let held = pausing || rarity <= self.bar;
        self.bar = self.bar.max(rarity);
        if held {
            return HELD_SCORE;
        }
        self.hits += 1.0;
        self.pause = PAUSE_ROWS;
        scaled(share)
    }
}

/// Maps rarity, as a share of a hit's, to 0..=1: [`HIT_SCORE`] at one, and on towards one by powers of ten.
fn scaled(share: f64) -> f64 {
    1.0 - (1.0 - HIT_SCORE).powf(share)
}
