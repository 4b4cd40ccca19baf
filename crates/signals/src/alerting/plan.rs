//! A group of rules ready to run: queries parsed, templates checked, identities given.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use kernel::book::Threshold;
use kernel::book::rules::{Alerting, Beyond, Expression, Flapping, Group, OnMissing, Recovery, Rule, Several};
use promql::Millis;
use promql::ast::Expr;

use super::presence::{compared, presence};
use crate::{anomaly, gotemplate};

/// A group of rules ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The path of its file.
    pub file: String,
    /// The group's name.
    pub group: String,
    /// How often it is evaluated; the server's default when absent.
    pub interval: Option<Millis>,
    /// How much earlier than now its queries look.
    pub offset: Millis,
    /// The most alerts or series of a rule.
    pub limit: Option<usize>,
    /// Its rules in order.
    pub rules: Vec<Planned>,
}

/// A rule ready to run.
#[derive(Debug, Clone)]
pub enum Planned {
    /// A recording rule.
    Record(RecordPlan),
    /// An alerting rule.
    Alert(Box<AlertPlan>),
}

/// A recording rule ready to run.
#[derive(Debug, Clone)]
pub struct RecordPlan {
    /// The line of its file.
    pub line: usize,
    /// What identifies it within its group, over edits.
    pub key: String,
    /// The name of its series.
    pub name: String,
    /// The labels it adds.
    pub labels: Vec<(String, String)>,
    /// Its query.
    pub expr: Expr,
}

/// An alerting rule ready to run.
#[derive(Debug, Clone)]
pub struct AlertPlan {
    /// The line of its file.
    pub line: usize,
    /// What identifies it within its group, over edits of its query, its times and its annotations.
    pub key: String,
    /// The alert's name.
    pub name: String,
    /// The labels it adds: names and templates.
    pub labels: Vec<(String, String)>,
    /// Its annotations: names and templates.
    pub annotations: Vec<(String, String)>,
    /// Its query.
    pub expr: Expr,
    /// How long its condition must hold.
    pub hold: Millis,
    /// How long it goes on firing.
    pub keep_firing: Millis,
    /// Or in how many of the last evaluations its condition must hold.
    pub several: Option<Several>,
    /// What must hold before it clears.
    pub(super) recover: Option<RecoverPlan>,
    /// What becomes of it without samples.
    pub on_missing: OnMissing,
    /// Which series there are, whether its condition holds for them or not; where that matters.
    pub(super) presence: Option<Expr>,
    /// When its changes are folded.
    pub flapping: Option<Flapping>,
    /// What counts events, and how many must have been.
    pub(super) min_events: Option<(Expr, f64)>,
    /// What measures the impact, and the severity of each step.
    pub(super) severity: Option<(Expr, Vec<(Threshold, String)>)>,
}

/// What must hold before an alert clears.
#[derive(Debug, Clone)]
pub(super) enum RecoverPlan {
    /// This query has a sample that speaks about its series.
    Query(Expr),
    /// The value of this query for its series meets the threshold.
    Value(Expr, Threshold),
}

/// A rule that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The path of its file.
    pub file: String,
    /// Where it stands.
    pub line: usize,
    /// Its group's name.
    pub group: String,
    /// Its name.
    pub rule: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, group, rule, message } = self;
        write!(f, "{file}:{line}: rule {rule:?} of group {group:?}: {message}")
    }
}

impl Planned {
    /// The rule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Record(rule) => &rule.name,
            Self::Alert(rule) => &rule.name,
        }
    }

    /// The line of its file.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Self::Record(rule) => rule.line,
            Self::Alert(rule) => rule.line,
        }
    }

    /// What identifies it within its group.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Record(rule) => &rule.key,
            Self::Alert(rule) => &rule.key,
        }
    }
}

impl Plan {
    /// Makes a group ready to run. Rules that cannot be run are left out and named; whether the others may run without them
    /// is for the caller to say.
    #[must_use]
    pub fn of(file: &str, group: &Group) -> (Self, Vec<Broken>) {
        let (mut rules, mut broken) = (Vec::new(), Vec::new());
        let mut keys = HashMap::new();
        for rule in &group.rules {
            let labels = group.labels_of(rule);
            let key = key(rule, &labels, &mut keys);
            let note = |message| Broken {
                file: file.to_owned(),
                line: rule.at().line,
                group: group.name.clone(),
                rule: rule.name().to_owned(),
                message,
            };
            match planned(rule, key, labels) {
                Ok(rule) => rules.push(rule),
                Err(messages) => broken.extend(messages.into_iter().map(note)),
            }
        }
        let plan = Self {
            file: file.to_owned(),
            group: group.name.clone(),
            interval: group.interval.map(millis),
            offset: group.query_offset.map_or(0, millis),
            limit: group.limit.and_then(|limit| usize::try_from(limit.get()).ok()),
            rules,
        };
        (plan, broken)
    }
}

/// The identity of a rule: its kind, name and labels, and which of those that have the same.
fn key(rule: &Rule, labels: &BTreeMap<String, String>, keys: &mut HashMap<String, usize>) -> String {
    let kind = if matches!(rule, Rule::Recording(_)) { "record" } else { "alert" };
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let key = format!("{kind}:{}{{{}}}", rule.name(), labels.join(","));
    let nth = keys.entry(key.clone()).or_insert(0);
    *nth += 1;
    if *nth == 1 { key } else { format!("{key}#{nth}") }
}

fn planned(rule: &Rule, key: String, labels: BTreeMap<String, String>) -> Result<Planned, Vec<String>> {
    match rule {
        Rule::Recording(rule) => {
            let expr = parse(&rule.expr).map_err(|message| vec![message])?;
            anomaly::check(&expr, &[]).map_err(|message| vec![message])?;
            let labels = labels.into_iter().collect();
            Ok(Planned::Record(RecordPlan { line: rule.at.line, key, name: rule.record.clone(), labels, expr }))
        }
        Rule::Alerting(rule) => alert(rule, key, labels).map(|rule| Planned::Alert(Box::new(rule))),
    }
}

fn alert(rule: &Alerting, key: String, labels: BTreeMap<String, String>) -> Result<AlertPlan, Vec<String>> {
    let mut wrong = templates("label", &rule.labels);
    wrong.extend(templates("annotation", &rule.annotations));
    let mut note = |message| wrong.push(message);
    let expr = parse(&rule.expr).map_err(&mut note).ok();
    let beyond = rule.beyond.clone().unwrap_or_default();
    let more = expr.as_ref().and_then(|expr| parts(&beyond, expr).map_err(&mut note).ok());
    let (Some(expr), Some((recover, min_events, severity)), true) = (expr, more, wrong.is_empty()) else {
        return Err(wrong);
    };
    let watched = beyond.on_missing != OnMissing::default();
    Ok(AlertPlan {
        line: rule.at.line,
        key,
        name: rule.alert.clone(),
        labels: labels.into_iter().collect(),
        annotations: rule.annotations.clone().into_iter().collect(),
        hold: millis(rule.hold),
        keep_firing: millis(rule.keep_firing),
        several: beyond.several,
        recover,
        on_missing: beyond.on_missing,
        presence: watched.then(|| presence(&expr)).flatten(),
        flapping: beyond.flapping,
        min_events,
        severity,
        expr,
    })
}

type Events = Option<(Expr, f64)>;
type Impact = Option<(Expr, Vec<(Threshold, String)>)>;

/// The queries of a block `watchkeeper:`, parsed.
fn parts(beyond: &Beyond, rule: &Expr) -> Result<(Option<RecoverPlan>, Events, Impact), String> {
    let recover = match &beyond.recover_when {
        None => None,
        Some(Recovery::Query(query)) => Some(RecoverPlan::Query(parse(query)?)),
        Some(Recovery::Threshold(threshold)) => {
            let value = compared(rule).ok_or("`recover_when` is a threshold, but the expression compares nothing")?;
            Some(RecoverPlan::Value(value.clone(), *threshold))
        }
    };
    let events = beyond.min_events.as_ref().map(|events| Ok::<_, String>((parse(&events.of)?, events.at_least)));
    let impact = beyond.severity_from.as_ref().map(|from| Ok::<_, String>((parse(&from.impact)?, from.steps.clone())));
    let (events, impact) = (events.transpose()?, impact.transpose()?);
    let recovery = recover.as_ref().map(|recover| match recover {
        RecoverPlan::Query(expr) | RecoverPlan::Value(expr, _) => expr,
    });
    let others = [recovery, events.as_ref().map(|(expr, _)| expr), impact.as_ref().map(|(expr, _)| expr)];
    anomaly::check(rule, &others.into_iter().flatten().collect::<Vec<_>>())?;
    Ok((recover, events, impact))
}

fn parse(expression: &Expression) -> Result<Expr, String> {
    promql::parse(&expression.text).map_err(|error| format!("could not parse expression: {error}"))
}

/// What is wrong with templates.
fn templates(what: &str, texts: &BTreeMap<String, String>) -> Vec<String> {
    let wrong = texts.iter().filter(|(_, text)| text.contains("{{"));
    wrong.filter_map(|(name, text)| Some(format!("{what} {name:?}: {}", gotemplate::check(text).err()?))).collect()
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
