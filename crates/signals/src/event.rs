//! What can have happened in this room. The forms are frozen: tests hold their bytes.

use kernel::area::{EventMeta, Stream};
use kernel::{Fingerprint, Labels, RuleName, Sensitivity, ServiceName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sigma::Verdict;

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A series met a rule's condition for long enough, or a check failed often enough.
    SignalRaised {
        /// The rule or the check.
        rule: RuleName,
        /// Which of the two it is.
        kind: Kind,
        /// The series that was looked at; empty for a check.
        series: Labels,
        /// The labels of the alert that follows.
        labels: Labels,
        /// The annotations of that alert, rendered.
        annotations: Labels,
        /// The value that raised it, where it is a finite number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<f64>,
        /// What happened, in one line.
        summary: String,
    },
    /// A raised signal is over.
    SignalCleared {
        /// The rule or the check.
        rule: RuleName,
        /// Which of the two it is.
        kind: Kind,
        /// The series that was looked at; empty for a check.
        series: Labels,
        /// The labels with which it was raised.
        labels: Labels,
        /// The value that cleared it, where there is one and it is finite.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<f64>,
        /// Why it is over.
        why: Cleared,
    },
    /// Somebody reported a change.
    ChangeReported {
        /// What was changed.
        change: Change,
    },
    /// A responder said whether an alert of a Sigma rule was what the rule looks for.
    RuleJudged {
        /// The rule.
        rule: RuleName,
        /// The alert.
        alert: Fingerprint,
        /// When it was raised, where it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// What they said.
        verdict: Verdict,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// Too few alerts of a Sigma rule were right: it pages nobody until it is tuned.
    TuningAsked {
        /// The rule.
        rule: RuleName,
        /// How many of its last alerts that were judged were right.
        right: u32,
        /// How many were judged.
        judged: u32,
        /// What share must be right, in percent.
        at_least: u8,
    },
}

/// What raises a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A threshold rule.
    Rule,
    /// A health check.
    Check,
    /// An alerting rule in PromQL.
    Alerting,
    /// A Sigma rule, a correlation or a baseline over log events.
    Sigma,
    /// What was found in a log: new patterns, or a pattern whose rate changed.
    Pattern,
}

/// Why a signal is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleared {
    /// The clearing condition was met, or the check succeeded often enough.
    Recovered,
    /// A person said so, because the series has no values any more.
    Dismissed,
    /// The rule or the check is no longer in the watchbook.
    RuleGone,
    /// The series have had no samples for as long as the rule allows.
    Vanished,
    /// No further match came for as long as the rule asks.
    Quiet,
    /// The rule has more alerts than its group allows, so that all were dropped.
    LimitExceeded,
}

/// A change to the organisation's systems that somebody reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was changed, in one line.
    pub summary: String,
    /// Who or what reports it, such as a pipeline.
    pub source: String,
    /// The service it touches, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// When it was made.
    pub at: Timestamp,
    /// Where more can be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Named details, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
}

/// An address with a text to show for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The address.
    pub href: String,
    /// What to call it; the address itself when empty.
    #[serde(default)]
    pub text: String,
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::SignalRaised { .. } => "SignalRaised",
            Self::SignalCleared { .. } => "SignalCleared",
            Self::ChangeReported { .. } => "ChangeReported",
            Self::RuleJudged { .. } => "RuleJudged",
            Self::TuningAsked { .. } => "TuningAsked",
        }
    }

    fn stream(&self) -> Stream {
        match self {
            Self::SignalRaised { rule, .. }
            | Self::SignalCleared { rule, .. }
            | Self::RuleJudged { rule, .. }
            | Self::TuningAsked { rule, .. } => Stream(rule.as_str().into()),
            Self::ChangeReported { .. } => Stream("changes".into()),
        }
    }

    fn sensitivity(&self) -> Sensitivity {
        Sensitivity::Internal
    }

    /// Signals come in great numbers and end soon; they are found by time.
    fn indexed(&self) -> bool {
        matches!(self, Self::ChangeReported { .. } | Self::RuleJudged { .. } | Self::TuningAsked { .. })
    }
}
