//! The state machine of alerts: stories as Prometheus tells them, what goes beyond, and laws.

mod beyond;
mod laws;
mod prompts;
mod restarts;
mod stories;
mod unusual;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use kernel::book::rules::{Alerting, Beyond, Expression, Group, Recording, Rule};
use promql::{Labels, Millis, Point, Series, SeriesSource, SourceFailure, Wanted};

use super::*;

/// One evaluation a minute.
const STEP: Millis = 60_000;

/// Series as a list.
#[derive(Default)]
struct Samples(Vec<Series>);

impl SeriesSource for Samples {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let fits = |series: &&Series| wanted.matchers.iter().all(|m| m.holds(series.labels.get(&m.name)));
        let cut = |series: &Series| {
            let within = |point: &&Point| wanted.after < point.at && point.at <= wanted.until;
            Series { labels: series.labels.clone(), points: series.points.iter().filter(within).cloned().collect() }
        };
        Ok(self.0.iter().filter(fits).map(cut).filter(|series| !series.points.is_empty()).collect())
    }
}

fn set(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

/// A series named `m` with a sample a minute; `None` where there is none.
fn series(label: &str, values: impl IntoIterator<Item = Option<f64>>) -> Series {
    let points = (0..).zip(values).filter_map(|(step, value)| Some(Point::float(step * STEP, value?)));
    Series { labels: set(&[("__name__", "m"), ("s", label)]), points: points.collect() }
}

fn query(text: &str) -> Expression {
    Expression { text: text.to_owned(), ..Expression::default() }
}

/// An alert named `A` on `m > 5`.
fn rule() -> Alerting {
    Alerting { alert: "A".into(), expr: query("m > 5"), ..Alerting::default() }
}

fn beyond(beyond: Beyond) -> Alerting {
    Alerting { beyond: Some(beyond), ..rule() }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn plan(rules: Vec<Rule>) -> Plan {
    let group = Group { name: "g".into(), rules, ..Group::default() };
    let (plan, broken) = Plan::of("rules.yml", &group);
    assert_eq!(broken, []);
    plan
}

fn alert_plan(rule: Alerting) -> Plan {
    plan(vec![Rule::Alerting(rule)])
}

/// Looks back no further than one evaluation, so that a missing sample is a missing series.
fn setting() -> Setting {
    let options = promql::Options { look_back: STEP - 1, ..promql::Options::default() };
    Setting { options, ..Setting::default() }
}

/// Evaluates a plan so many times, once a minute, and hands each outcome over.
fn evaluations(plan: &Plan, source: &Samples, steps: Millis, mut each: impl FnMut(Millis, &Outcome, &mut State)) {
    let (setting, mut state) = (setting(), State::default());
    for step in 0..steps {
        let outcome = evaluate(plan, &setting, source, step * STEP, &mut state);
        each(step, &outcome, &mut state);
    }
}

/// What became of the alerts of a plan, as `minute label what`.
fn story(plan: &Plan, source: &Samples, steps: Millis) -> Vec<String> {
    let mut story = Vec::new();
    evaluations(plan, source, steps, |step, outcome, _| {
        assert_eq!(outcome.errors, []);
        let line =
            |transition: &Transition| format!("{step} {} {}", transition.labels.get("s"), short(transition.what));
        story.extend(outcome.transitions.iter().map(line));
    });
    story
}

fn short(what: What) -> String {
    match what {
        What::FlappingBegan { .. } => "flapping".into(),
        What::FlappingEnded { .. } => "steady".into(),
        What::Cleared(why) => format!("{why:?}"),
        other => format!("{other:?}"),
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Values of one digit each; `.` is no sample.
fn values(digits: &str) -> impl Iterator<Item = Option<f64>> {
    digits.chars().map(|c| c.to_digit(10).map(f64::from))
}

fn samples(digits: &str) -> Samples {
    Samples(vec![series("a", values(digits))])
}
