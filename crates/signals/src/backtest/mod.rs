//! Rules replayed over the past: how often each would have fired, and which settings would be quieter.
//!
//! [`replay`] evaluates the groups of a file at their intervals over a source of series, with the state machine of
//! [`crate::alerting`], and answers with a [`Report`]: firings of each alerting rule, how long they lasted, how often they
//! came back, how many pages they make, which past incidents they catch and how early, and the same for other tunings of
//! `for`, of the threshold, of `keep_firing_for` and of `recover_when`. [`compare`] tells two reports apart, [`rewritten`]
//! writes a rule in another tuning.
//!
//! | step | module |
//! |---|---|
//! | the replay, rule by rule or instant by instant | `run`, `reads`, `past` |
//! | one rule in all its tunings, in two parts at once | `over`, `lane`, `help` |
//! | which tunings are tried, and how they did | `tuning`, `merits` |
//! | firings, incidents, what the rule looked at | `firing`, `incidents`, `sketch` |
//!
//! **Ahead or step by step.** A query is asked for a piece of the past at once, and each instant's answer is given to the
//! state machine. That is the same as asking at each instant, because such queries read nothing that is later or is
//! written later: no `@`, no negative offset, and of the file's own series only those of rules before them. A file with
//! another query is replayed instant by instant with [`crate::alerting::evaluate`]. A property test compares both with a
//! live evaluation.
//!
//! **What differs from live.** Annotations are not rendered. Evaluations are at multiples of the interval. The first one
//! begins without a state, so that an alert which held before it fires its `for` later than it did. What the file's rules
//! write is made again: the source's own copies count only before the start.

mod compare;
mod firing;
mod help;
mod incidents;
mod lane;
mod merits;
mod over;
mod past;
mod reads;
mod report;
mod rewrite;
mod run;
mod sketch;
#[cfg(test)]
mod tests;
mod tuning;

pub use compare::{Comparison, Difference, compare};
pub use firing::Firing;
pub use help::{Alone, HANDS, Help, Progress, Work};
pub use incidents::{CAUGHT_BEFORE, INCIDENTS_MAX, Judged, PastIncident, SERVICE};
pub use report::{Count, Durations, Lateness, Report, RuleReport, Suggestion, Tried};
pub use rewrite::rewritten;
pub use run::{replay, replay_with};
pub use sketch::{CURVES_MAX, Curve, Picture, STRETCHES};
pub use tuning::Tuning;

use promql::Millis;

use crate::alerting::Setting;

/// The most evaluations of one group.
pub const EVALUATIONS_MAX: usize = 5_000_000;
/// How many evaluations are asked for at once.
pub const PIECE_MAX: usize = 5_760;
/// The most firings of one rule that are looked at; more are only counted.
pub const FIRINGS_MAX: usize = 100_000;
/// The most firings of one rule that are listed in a report, the newest.
pub const FIRINGS_LISTED_MAX: usize = 1_000;
/// The most alerts of one rule that are listed in a report, those that fired most often.
pub const ALERTS_LISTED_MAX: usize = 50;
/// The most samples that the rules of a file may record.
pub const RECORDED_MAX: usize = 20_000_000;
/// A firing shorter than this is called short, in milliseconds.
pub const SHORT: Millis = 5 * 60_000;
/// An alert that fires again within this time after it was over flaps, in milliseconds.
pub const FLAP_WITHIN: Millis = 15 * 60_000;
/// The settings of `for` that are tried, in milliseconds.
pub const HOLDS: [Millis; 6] = [0, 60_000, 2 * 60_000, 5 * 60_000, 10 * 60_000, 15 * 60_000];
/// The settings of `keep_firing_for` that are tried, in milliseconds.
pub const KEEPS: [Millis; 2] = [5 * 60_000, 15 * 60_000];
/// Where recoveries are tried: which part of the way from the threshold to the usual value.
pub const RECOVERIES: [f64; 2] = [0.25, 0.5];
/// The shares of values beyond which thresholds are tried.
pub const SHARES: [f64; 5] = [0.1, 0.05, 0.01, 0.005, 0.001];
/// At how many instants values are looked at to find these thresholds.
pub const LOOKS: usize = 1_000;

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first instant.
    pub start: Millis,
    /// The last instant.
    pub end: Millis,
    /// How often groups are evaluated that do not say.
    pub interval: Millis,
    /// What rules are evaluated under.
    pub setting: Setting,
    /// Whether other tunings are tried.
    pub settings: bool,
    /// The incidents of that time, to tell which of them would have been caught.
    pub incidents: Vec<PastIncident>,
}

/// Why nothing was replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The time is empty.
    #[error("there is no time between the start and the end: begin earlier")]
    Empty,
    /// There are too many evaluations.
    #[error(
        "group {group:?} would be evaluated {evaluations} times, of at most {EVALUATIONS_MAX}: replay a shorter time"
    )]
    TooLong {
        /// The group.
        group: String,
        /// How often.
        evaluations: usize,
    },
    /// The rules record too much.
    #[error("the rules would record more than {RECORDED_MAX} samples: replay a shorter time, or fewer rules")]
    TooMuch,
    /// The helper ended it.
    #[error("the replay was ended before it was done")]
    Stopped,
}
