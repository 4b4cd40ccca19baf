//! What an evaluation made: samples, transitions, errors.

use promql::{Labels, Millis, Point};
use serde::{Deserialize, Serialize};

/// What an evaluation of a group made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Samples to write, stale markers included, in the order in which rules made them.
    pub samples: Vec<(Labels, Point)>,
    /// What became of alerts, in the order of rules and labels.
    pub transitions: Vec<Transition>,
    /// The rules that failed. Their alerts and series stay as they were.
    pub errors: Vec<RuleError>,
}

/// A rule failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The rule, counted from zero within its group.
    pub rule: usize,
    /// Its name.
    pub name: String,
    /// Why.
    pub message: String,
}

/// Something became of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The rule's name.
    pub rule: String,
    /// The labels that identify the alert among those of its rule.
    pub identity: Labels,
    /// The alert's labels; of a clearing, those with which it was raised.
    pub labels: Labels,
    /// Its annotations, rendered.
    pub annotations: Vec<(String, String)>,
    /// The value that the query gave last.
    pub value: f64,
    /// Since when its condition has held: the first breach, not the raising.
    pub since: Millis,
    /// When it was.
    pub at: Millis,
    /// What it was.
    pub what: What,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It fires.
    Raised,
    /// It fires because its series have been missing for as long as the rule allows.
    RaisedMissing,
    /// It is over.
    Cleared(Cleared),
    /// Its series have no samples any more; it goes on firing.
    Missing,
    /// Its series have samples again.
    Returned,
    /// It changes so often that its changes are folded; `share` of the weighted last changes, from 0 to 1.
    FlappingBegan {
        /// The share.
        share: f64,
    },
    /// It no longer does.
    FlappingEnded {
        /// The share.
        share: f64,
    },
}

/// Why an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleared {
    /// Its condition holds no more.
    Recovered,
    /// What the rule demands of a recovery holds.
    RecoveryMet,
    /// Its series have been missing for as long as the rule allows.
    Vanished,
    /// Its series have been missing for so long that they are forgotten.
    Forgotten,
    /// It was over when it stopped flapping.
    FlappingOver,
    /// The rule has more alerts than its group allows, so that all were dropped.
    LimitExceeded,
    /// The rule is gone.
    RuleGone,
    /// A person said so.
    Dismissed,
}
