//! What a replay says.

use std::collections::BTreeMap;

use promql::{Labels, Millis};
use serde::{Serialize, Serializer};

use super::firing::Firing;
use super::incidents::Judged;
use super::sketch::Picture;
use super::tuning::Tuning;

/// What the replay of a file says. Instants are milliseconds since 1970, lengths of time milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first instant.
    pub start: Millis,
    /// The last instant.
    pub end: Millis,
    /// Why the file was replayed instant by instant, and no other settings were tried; `None` where it was not.
    pub step_by_step: Option<String>,
    /// The incidents of the services that the rules speak about, in order of their declaration; the earliest firing counts.
    pub incidents: Vec<Judged>,
    /// Its rules in order: alerting rules, and recording rules that failed.
    pub rules: Vec<RuleReport>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReport {
    /// Its group.
    pub group: String,
    /// Its name.
    pub rule: String,
    /// Its line.
    pub line: usize,
    /// How long its condition must hold.
    pub hold: Millis,
    /// How often it was evaluated.
    pub evaluations: usize,
    /// How often it fired.
    pub firings: usize,
    /// How many pages that makes, unless they are silenced or routed to nobody: of the firings of one service that overlap,
    /// the first one pages.
    pub pages: usize,
    /// How long it fired.
    pub durations: Durations,
    /// How often an alert fired again soon after it was over.
    pub flaps: usize,
    /// When it fired first.
    pub first: Option<Millis>,
    /// When it fired last.
    pub last: Option<Millis>,
    /// Which alerts fired, the most often first.
    pub alerts: Vec<Count>,
    /// How many alerts are not listed.
    pub alerts_not_listed: usize,
    /// How many evaluations failed.
    pub errors: usize,
    /// Why the first of them did.
    pub error: Option<String>,
    /// The newest firings, in order.
    pub listed: Vec<Firing>,
    /// The incidents of the services that it speaks about, and whether it would have caught them.
    pub incidents: Vec<Judged>,
    /// What it looked at; `None` where the file was replayed instant by instant.
    pub picture: Option<Picture>,
    /// Other settings, and its own; empty where none were tried.
    pub settings: Vec<Tried>,
    /// The setting to take.
    pub suggestion: Option<Suggestion>,
}

/// How long firings lasted.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Durations {
    /// The middle one.
    pub median: Option<Millis>,
    /// The longest.
    pub longest: Option<Millis>,
    /// The share that lasted less than five minutes, from 0 to 1.
    pub short_share: Option<f64>,
    /// How many were not over at the end.
    pub open: usize,
}

/// How often an alert fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// How often.
    pub firings: usize,
}

/// A tuning, and what it would have made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Its numbers.
    #[serde(flatten)]
    pub tuning: Tuning,
    /// Whether it is the rule as it is written.
    pub own: bool,
    /// How often it fires.
    pub firings: usize,
    /// How many pages that makes.
    pub pages: usize,
    /// How often an alert fires again soon after it was over.
    pub flaps: usize,
    /// The share of firings under five minutes, from 0 to 1.
    pub short_share: Option<f64>,
    /// How much later it fires than the rule's own condition begins to hold.
    pub delay: Lateness,
    /// How much later it clears than the rule's own condition ends to hold.
    pub lingers: Lateness,
    /// How many firings of the rule as it is written that lasted five minutes or more it has as well, and of how many.
    pub caught: (usize, usize),
    /// How many incidents it catches, and of how many.
    pub incidents: (usize, usize),
    /// Whether no other tuning costs less in one thing and no more in any other.
    pub pareto: bool,
}

/// How much later than the rule's own condition, without `for`. Negative is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Lateness {
    /// The middle one; `None` when nothing fired.
    pub median: Option<Millis>,
    /// The most.
    pub most: Option<Millis>,
}

/// A tuning to take, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// Its numbers.
    #[serde(flatten)]
    pub tuning: Tuning,
    /// Why, in a sentence.
    pub reason: String,
}

/// Labels as a map.
pub(super) fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Writes labels as a map.
pub(super) fn as_map<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}
