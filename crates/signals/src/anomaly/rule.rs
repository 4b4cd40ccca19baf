//! The default rule: raises and clears by itself on a series for which nobody wrote a rule, and says little.
//!
//! ```text
//!            the last rows >= 2.6 deviations off        < 0.75 deviations off for 24 rows
//!   quiet ------------------------------------> raised -------------------------------> resting, 10 rows -> quiet
//! ```
//!
//! Four things keep it from over-alerting, each against its own cause. A mean over three rows, not a wait, keeps out
//! single bad samples: a wait of three rows loses most short troubles, a mean loses the small ones only. A far lower
//! threshold for clearing, and the hold before it, keep one trouble one alert. The rest after it ends what flutters.
//! A movement of a few per cent of the level is a trifle, however steady the series was. The baseline is short (a
//! hundred rows) and robust: it follows a new normal within hours, and one spike does not deafen it.

use serde::{Deserialize, Serialize};

use super::VALUE_MAX;
use super::baseline::{Baseline, Recent};

/// How many rows the baseline spans.
const BASELINE_ROWS: f64 = 100.0;
/// The share of the level that is a trifle.
const TRIFLE: f64 = 0.05;
/// Over how many rows the distance is averaged.
const RECENT_ROWS: f64 = 3.0;
/// It raises from this many deviations on.
const RAISE: f64 = 2.6;
/// It may clear below this many deviations.
const CLEAR: f64 = 0.75;
/// For so many rows in a row the series must be calm to clear.
const HOLD_ROWS: u32 = 24;
/// So many rows after clearing nothing is raised.
const REST_ROWS: u32 = 10;
/// Nothing is raised before this many rows.
const LEARN_ROWS: u32 = 20;

/// Watches one series and says, row by row, whether it is in trouble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefaultRule {
    rows: u32,
    baseline: Baseline,
    recent: Recent,
    phase: Phase,
}

/// Where the rule is between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Quiet,
    /// In trouble; calm for so many rows.
    Raised {
        calm: u32,
    },
    /// Cleared; so many rows are left in which nothing is raised.
    Resting {
        left: u32,
    },
}

impl DefaultRule {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: 0,
            baseline: Baseline::new(BASELINE_ROWS, TRIFLE),
            recent: Recent::new(RECENT_ROWS),
            phase: Phase::Quiet,
        }
    }

    /// Learns the next row and tells whether the rule is raised. A value that is not finite changes nothing.
    pub fn observe(&mut self, value: f64) -> bool {
        if value.is_finite() {
            let distance = self.distance(value.clamp(-VALUE_MAX, VALUE_MAX));
            self.phase = self.phase.next(distance);
        }
        matches!(self.phase, Phase::Raised { .. })
    }

    /// How many deviations the last rows are off the baseline; zero while that is not known.
    fn distance(&mut self, value: f64) -> f64 {
        let scale = self.baseline.scale(value);
        self.baseline.learn(value);
        self.rows = self.rows.saturating_add(1);
        let offset = (self.recent.mean(value) - scale.mean).abs();
        if self.rows > LEARN_ROWS { offset / scale.deviation } else { 0.0 }
    }
}

impl Default for DefaultRule {
    fn default() -> Self {
        Self::new()
    }
}

impl Phase {
    fn next(self, distance: f64) -> Self {
        match self {
            Self::Quiet if distance >= RAISE => Self::Raised { calm: 0 },
            Self::Raised { calm } if distance < CLEAR && calm + 1 >= HOLD_ROWS => Self::Resting { left: REST_ROWS },
            Self::Raised { calm } if distance < CLEAR => Self::Raised { calm: calm + 1 },
            Self::Raised { .. } => Self::Raised { calm: 0 },
            Self::Resting { left } if left > 1 => Self::Resting { left: left - 1 },
            Self::Quiet | Self::Resting { .. } => Self::Quiet,
        }
    }
}
