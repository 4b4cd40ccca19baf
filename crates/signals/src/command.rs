//! What may be asked of this room. Not what comes of it: see `decide`.

use kernel::area::{Ask, Resource};
use kernel::{Fingerprint, Labels, RuleName, Sensitivity};
use serde::{Deserialize, Serialize};

use crate::event::{Change, Cleared};
use crate::sigma;

/// What may be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The rules looked at their windows; this is what they show.
    Look {
        /// One look for each rule and series.
        looks: Vec<Look>,
    },
    /// Alerting rules in PromQL were evaluated; this is what became of their alerts.
    Rule {
        /// In the order in which it became so.
        outcomes: Vec<Ruled>,
    },
    /// Sigma rules looked at log events; this is what became of their matches.
    Match {
        /// In the order in which it became so.
        outcomes: Vec<Ruled>,
    },
    /// A responder says whether an alert of a Sigma rule was what the rule looks for. The last word on an alert counts.
    Judge {
        /// The rule.
        rule: RuleName,
        /// The alert.
        alert: Fingerprint,
        /// What they say.
        verdict: sigma::Verdict,
        /// Why; may be empty.
        note: String,
    },
    /// Logs were watched; this is what became of what was found in them.
    Pattern {
        /// One outcome for each finding and service: the rule is that of [`kernel::book::LogFinding::alert_name`].
        outcomes: Vec<Ruled>,
    },
    /// A health check was made.
    Checked {
        /// Which.
        check: RuleName,
        /// Whether the answer was healthy.
        healthy: bool,
        /// The kind of failure in one word; empty when healthy.
        fault: &'static str,
        /// What was wrong, in one line; empty when healthy.
        reason: String,
        /// How long the answer took, in milliseconds.
        latency_ms: u32,
    },
    /// A program whose heartbeat is awaited reports.
    Beat {
        /// The check that awaits it.
        check: RuleName,
    },
    /// Something was changed: a deployment, a flag, a configuration.
    ReportChange {
        /// What was changed.
        change: Change,
    },
    /// A person says that a raised signal whose series vanished is over.
    Dismiss {
        /// The rule.
        rule: RuleName,
        /// The series.
        series: Labels,
    },
    /// The watchbook changed: signals whose rule or check is gone are cleared. [`Command::Look`] does the same.
    Reconsider,
}

/// What a rule sees in one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The rule.
    pub rule: RuleName,
    /// The series, with its metric name.
    pub series: Labels,
    /// The window as one number; `None` when it holds none.
    pub value: Option<f64>,
}

/// What became of one alert of an alerting rule, or of one signal of a Sigma rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ruled {
    /// The rule, as [`kernel::book::rules::Group::rule_name`] or [`sigma::Rule::rule_name`] names it.
    pub rule: RuleName,
    /// What identifies the alert among those of its rule.
    pub identity: Labels,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an alert of an alerting rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// It fires.
    Raised {
        /// The alert's labels.
        labels: Labels,
        /// Its annotations, rendered.
        annotations: Labels,
        /// The value of its query.
        value: f64,
    },
    /// It is over.
    Cleared {
        /// The value of its query, where there is one.
        value: Option<f64>,
        /// Why.
        why: Cleared,
    },
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::Look { .. } => "signals:look",
            Self::Rule { .. } => "signals:rule",
            Self::Match { .. } => "signals:match",
            Self::Judge { .. } => "signals:judge",
            Self::Pattern { .. } => "signals:pattern",
            Self::Checked { .. } => "signals:check",
            Self::Beat { .. } => "signals:beat",
            Self::ReportChange { .. } => "signals:report_change",
            Self::Dismiss { .. } => "signals:dismiss",
            Self::Reconsider => "signals:reconsider",
        }
    }

    fn resource(&self) -> Resource {
        let (kind, id) = match self {
            Self::Look { .. } | Self::Rule { .. } | Self::Match { .. } | Self::Pattern { .. } | Self::Reconsider => {
                ("rule", "")
            }
            Self::Checked { check, .. } | Self::Beat { check } => ("check", check.as_str()),
            Self::ReportChange { change } => ("change", change.service.as_ref().map_or("", |s| s.as_str())),
            Self::Dismiss { rule, .. } | Self::Judge { rule, .. } => ("rule", rule.as_str()),
        };
        Resource { kind, id: id.into(), sensitivity: Sensitivity::Internal }
    }
}
