//! What a replay says.

use std::collections::BTreeMap;

use promql::{Labels, Millis};
use serde::{Serialize, Serializer};

use super::firing::Firing;

/// What the replay of a file says. Instants are milliseconds since 1970, lengths of time milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first instant.
    pub start: Millis,
    /// The last instant.
    pub end: Millis,
    /// Why the file was replayed instant by instant, and no other settings were tried; `None` where it was not.
    pub step_by_step: Option<String>,
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
    /// How often it fired. Each would have paged, unless it was silenced, grouped or routed to nobody.
    pub firings: usize,
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

/// A setting, and what it would have made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// How long the condition must hold.
    pub hold: Millis,
    /// The threshold, where it is not the rule's own.
    pub threshold: Option<f64>,
    /// Whether it is the rule's own setting.
    pub own: bool,
    /// How often it fires.
    pub firings: usize,
    /// The share of firings under five minutes, from 0 to 1.
    pub short_share: Option<f64>,
    /// How much later it fires than the rule's own condition begins to hold.
    pub delay: Lateness,
    /// How many firings of the rule's own setting that lasted five minutes or more it has as well, and of how many.
    pub caught: (usize, usize),
    /// Whether no other setting fires less and is no later.
    pub pareto: bool,
}

/// How much later a setting fires than the rule with its own threshold and without `for`. Negative is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Lateness {
    /// The middle one; `None` when nothing fired.
    pub median: Option<Millis>,
    /// The most.
    pub most: Option<Millis>,
}

/// A setting to take, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// How long the condition should have to hold.
    pub hold: Millis,
    /// The threshold, where it should not be the rule's own.
    pub threshold: Option<f64>,
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
