//! Groups, rules and alerts as readers see them.

use kernel::Timestamp;
use kernel::book::rules;
use promql::Labels;
use serde::{Deserialize, Serialize};
use signals::alerting::{Instance, Phase, Planned};

use super::group::Group;

/// Labels as pairs.
mod pairs {
    use promql::Labels;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(labels: &Labels, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(labels.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        Ok(Labels::from_pairs(Vec::<(String, String)>::deserialize(from)?))
    }
}

/// A group of rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// The path of its file.
    pub file: String,
    /// The source that it is evaluated over; our own samples where there is none.
    pub source: Option<String>,
    /// The node that evaluates it, where rules over a source are shared out; empty while none does.
    #[serde(skip)]
    pub node: Option<String>,
    /// How often it is evaluated, in seconds.
    pub interval: f64,
    /// The most alerts or series of a rule; zero for no limit.
    pub limit: u32,
    /// When it was last evaluated.
    pub evaluated: Option<Timestamp>,
    /// How long that took, in seconds.
    pub took: f64,
    /// How often it was evaluated since the start.
    pub evaluations: u64,
    /// How many evaluations were missed, because those before them took too long.
    pub missed: u64,
    /// Why the last samples could not be written.
    pub unwritten: Option<String>,
    /// Its rules, in order.
    pub rules: Vec<RuleView>,
}

/// A rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleView {
    /// The alert's name, or that of the recorded series.
    pub name: String,
    /// The line of its file.
    pub line: usize,
    /// Whether it raises alerts; otherwise it records.
    pub alerting: bool,
    /// Its query.
    pub query: String,
    /// How long its condition must hold, in seconds.
    pub hold: f64,
    /// How long it goes on firing, in seconds.
    pub keep_firing: f64,
    /// The labels it adds.
    pub labels: Vec<(String, String)>,
    /// Its annotations, as templates.
    pub annotations: Vec<(String, String)>,
    /// Why it failed, or cannot be run.
    pub error: Option<String>,
    /// Its alerts that are pending or firing.
    pub alerts: Vec<AlertView>,
}

/// An alert of a rule.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AlertView {
    /// Its labels.
    #[serde(with = "pairs")]
    pub labels: Labels,
    /// Its annotations, rendered.
    pub annotations: Vec<(String, String)>,
    /// Whether it fires; otherwise it is pending.
    pub firing: bool,
    /// Whether its changes are folded.
    pub flapping: bool,
    /// Since when its condition has held, in milliseconds since 1970.
    pub since: i64,
    /// Since when its series have been missing.
    pub missing_since: Option<i64>,
    /// The value of its query.
    pub value: f64,
}

pub(super) fn group(group: &Group) -> GroupView {
    GroupView {
        name: group.book.name.clone(),
        file: group.file.clone(),
        source: group.book.source.as_ref().map(ToString::to_string),
        node: None,
        interval: group.interval.as_secs_f64(),
        limit: group.book.limit.map_or(0, std::num::NonZeroU32::get),
        evaluated: group.last.at,
        took: group.last.took.as_secs_f64(),
        evaluations: group.last.evaluations,
        missed: group.last.missed,
        unwritten: group.last.unwritten.clone(),
        rules: group.book.rules.iter().map(|rule| view(group, rule)).collect(),
    }
}

fn view(group: &Group, rule: &rules::Rule) -> RuleView {
    let line = rule.at().line;
    let planned = group.plan.rules.iter().position(|planned| planned.name() == rule.name() && planned.line() == line);
    let broken = group.broken.iter().find(|broken| broken.line == line).map(|broken| broken.message.clone());
    let failed = planned.and_then(|index| group.last.errors.get(&index).cloned());
    let key = planned.and_then(|index| group.plan.rules.get(index)).map_or("", Planned::key);
    let (hold, keep_firing, annotations) = match rule {
        rules::Rule::Alerting(rule) => (rule.hold, rule.keep_firing, rule.annotations.clone()),
        rules::Rule::Recording(_) => Default::default(),
    };
    RuleView {
        name: rule.name().to_owned(),
        line,
        alerting: matches!(rule, rules::Rule::Alerting(_)),
        query: rule.expr().text.clone(),
        hold: hold.as_secs_f64(),
        keep_firing: keep_firing.as_secs_f64(),
        labels: group.book.labels_of(rule).into_iter().collect(),
        annotations: annotations.into_iter().collect(),
        error: broken.or(failed),
        alerts: group.state.active(key).map(alert).collect(),
    }
}

fn alert(alert: &Instance) -> AlertView {
    AlertView {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        firing: alert.raised || alert.phase == Phase::Firing,
        flapping: alert.flapping,
        since: alert.active_at,
        missing_since: alert.missing_since,
        value: alert.value,
    }
}
