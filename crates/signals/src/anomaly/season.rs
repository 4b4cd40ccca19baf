//! The season of a series: what is usual at this time of day, or at this hour of the week.
//!
//! A season is believed only where the data support it: once its error is clearly smaller than that of the plain level
//! over the same rows. A series without seasons is thus never judged by one.

use serde::{Deserialize, Serialize};

use super::CLIP;
use super::MEMORY;
use super::baseline::{Recent, Scale, TRIFLE, deviation, gain};
use super::evidence::View;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// The largest share of the level's error that a season may have and be believed.
const ERROR_SHARE_MAX: f64 = 0.7;
/// A season is believed only after so many rows were compared with it.
const BELIEVED_AFTER: u32 = 200;
/// Its deviation is known after this many rows.
const KNOWN_AFTER: u32 = 20;

/// What is usual at each part of a period, and how well that explains the series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    usual: Usual,
    /// It says nothing before this many seconds after the first row.
    silence: i64,
    since: Option<i64>,
    rows: u32,
    /// The mean error of the season, and of the level over the same rows.
    error: f64,
    level_error: f64,
    variance: f64,
    recent: Recent,
    view: View,
}

/// What a season that is believed says of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seasonal {
    pub rarity: f64,
    /// Its error as a share of that of the level.
    pub error: f64,
}

impl Season {
    /// By half hours of the day, from the fourth day on.
    pub fn of_day() -> Self {
        Self::new(Usual::new(DAY, 48, 12), 3 * DAY)
    }

    /// By hours of the week, from the third week on.
    pub fn of_week() -> Self {
        Self::new(Usual::new(WEEK, 168, 6), 2 * WEEK)
    }

    fn new(usual: Usual, silence: i64) -> Self {
        Self {
            usual,
            silence,
            since: None,
            rows: 0,
            error: 0.0,
            level_error: 0.0,
            variance: 0.0,
            recent: Recent::new(View::ROWS),
            view: View::new(),
        }
    }

    /// How rare the row is for its time, if the season is believed; then learns it.
    pub fn rarity(&mut self, at: i64, value: f64, level: &Scale) -> Option<Seasonal> {
        let since = *self.since.get_or_insert(at);
        let distance = self.usual.distance(at, value, level)?;
        let speaks = at.saturating_sub(since) > self.silence;
        if speaks { self.compare(distance, level) } else { None }
    }

    fn compare(&mut self, distance: f64, level: &Scale) -> Option<Seasonal> {
        let recent = self.recent.mean(distance);
        let own = deviation(self.variance, TRIFLE * level.mean);
        let known = self.rows > KNOWN_AFTER;
        let rarity = known.then(|| self.view.rarity(recent / own, distance / own));
        let error = self.error / self.level_error;
        let believed = self.rows > BELIEVED_AFTER && error < ERROR_SHARE_MAX;
        let counted = if known { distance.clamp(-CLIP * own, CLIP * own) } else { level.clip(distance) };
        self.learn(level.clip(distance), counted, level.clipped);
        rarity.filter(|_| believed).map(|rarity| Seasonal { rarity, error })
    }

    fn learn(&mut self, error: f64, counted: f64, level_error: f64) {
        let gain = gain(&mut self.rows, MEMORY);
        self.error += gain * (error.abs() - self.error);
        self.level_error += gain * (level_error.abs() - self.level_error);
        self.variance += gain * (counted * counted - self.variance);
    }
}

/// The usual value at each part of a period: means with bounded influence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Usual {
    /// The period, in seconds.
    period: i64,
    /// How many rows a mean spans.
    memory: u8,
    means: Box<[f64]>,
    /// How many rows each mean has seen, at most `memory`.
    rows: Box<[u8]>,
}

impl Usual {
    fn new(period: i64, parts: usize, memory: u8) -> Self {
        Self { period, memory, means: vec![0.0; parts].into(), rows: vec![0; parts].into() }
    }

    /// How far the value is from what is usual at that time, if anything is known of it; then learns it.
    fn distance(&mut self, at: i64, value: f64, level: &Scale) -> Option<f64> {
        let part = self.part(at)?;
        let (mean, rows) = (self.means.get_mut(part)?, self.rows.get_mut(part)?);
        let known = *rows > 0;
        *rows = rows.saturating_add(1).min(self.memory);
        let distance = value - *mean;
        *mean = if known { *mean + level.clip(distance) / f64::from(*rows) } else { value };
        known.then_some(distance)
    }

    /// The part of the period that an instant falls in.
    fn part(&self, at: i64) -> Option<usize> {
        let parts = i64::try_from(self.means.len()).ok()?;
        let within = at.checked_rem_euclid(self.period)?;
        usize::try_from(within.checked_mul(parts)? / self.period).ok()
    }
}
