//! Many instants at once for rules whose alerts know nothing of each other: each alert is taken through a whole stretch of
//! time by itself, and evaluated only at instants at which something can become of it.
//!
//! Between these nothing can: while the condition of a firing alert holds, while a pending one is not ripe, while a series
//! without an alert is quiet, and while an alert is kept only for `keep_firing_for`. What comes of it is what
//! [`one`](super::one) makes of the same instants, which a property of the replay tests.

use std::collections::{BTreeMap, HashSet};

use kernel::book::Threshold;
use promql::{Labels, METRIC_NAME, Millis, Point};

use super::ahead::{Answers, Grid};
use super::outcome::Transition;
use super::plan::{AlertPlan, RecoverPlan};
use super::render::Fresh;
use super::rule::transition;
use super::state::{Instance, Phase, RuleState};
use super::step::{Look, Seen};
use super::{ALERT_NAME, ALERTS_MAX, Setting};

/// Instants in a row at which a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// The place of the first one's value in its column.
    place: usize,
    first: Millis,
    last: Millis,
}

/// The alerts of each series of an answer, whether there are any or not.
#[derive(Debug)]
pub(crate) struct Series(Vec<Name>);

#[derive(Debug)]
struct Name {
    series: Labels,
    identity: Labels,
}

/// When a condition holds, for each series of an answer.
#[derive(Debug)]
pub(crate) struct Holding(Vec<Vec<Run>>);

impl Series {
    /// The alerts that a rule makes of the series of an answer; `None` where two of them are one, which is an error when
    /// both are there.
    pub(crate) fn of(rule: &AlertPlan, answers: &Answers) -> Option<Self> {
        if answers.labels().len() > ALERTS_MAX {
            return None;
        }
        let own: Vec<(&str, &str)> = rule.labels.iter().map(|(name, text)| (&**name, &**text)).collect();
        let name = |sample: &Labels| {
            let series = sample.without(METRIC_NAME);
            let all = series.iter().chain(own.iter().copied()).chain([(ALERT_NAME, &*rule.name)]);
            let identity = Labels::from_pairs(all);
            Name { series, identity }
        };
        let names: Vec<Name> = answers.labels().iter().map(name).collect();
        let distinct: HashSet<&Labels> = names.iter().map(|name| &name.identity).collect();
        (distinct.len() == names.len()).then_some(Self(names))
    }
}

impl Holding {
    /// When values pass; `None` where the answers are not held by series.
    pub(crate) fn of(answers: &Answers, passes: impl Fn(&promql::Value) -> bool) -> Option<Self> {
        let step = answers.grid().step;
        let runs = |column: &Vec<Point>| {
            let mut runs: Vec<Run> = Vec::new();
            for (place, point) in column.iter().enumerate().filter(|(_, point)| passes(&point.value)) {
                match runs.last_mut() {
                    Some(run) if run.last.saturating_add(step) == point.at => run.last = point.at,
                    _ => runs.push(Run { place, first: point.at, last: point.at }),
                }
            }
            runs
        };
        Some(Self(answers.columns()?.iter().map(runs).collect()))
    }
}

impl AlertPlan {
    /// Whether its alerts know nothing of each other, and depend on nothing but the answer to one query: its own, or where
    /// it `compares` a value with a number, that value.
    pub(crate) fn stands_alone(&self, setting: &Setting, compares: bool) -> bool {
        let simple = self.is_plain() && self.is_idle_without_alerts() && setting.started.is_none();
        let alone = self.several.is_none() && self.flapping.is_none() && self.severity.is_none();
        let recovers = match self.recover {
            None => true,
            Some(RecoverPlan::Value(..)) => compares,
            Some(RecoverPlan::Query(_)) => false,
        };
        simple && alone && recovers
    }
}

/// Takes every alert of a rule through a stretch of time, whose answers were asked for `offset` earlier. `answers` holds the
/// rule's value, which tells a recovery too.
pub(crate) fn walk(
    rule: &AlertPlan,
    stretch: Grid,
    offset: Millis,
    answers: &Answers,
    (names, holding): (&Series, &Holding),
    state: &mut RuleState,
) -> Vec<Transition> {
    let recovery = match &rule.recover {
        Some(RecoverPlan::Value(_, threshold)) => Some(*threshold),
        _ => None,
    };
    let mut before = std::mem::take(&mut state.alerts);
    let (mut after, mut said) = (BTreeMap::new(), Vec::new());
    let columns = answers.columns().unwrap_or_default();
    for ((name, runs), column) in names.0.iter().zip(&holding.0).zip(columns) {
        let known = if before.is_empty() { None } else { before.remove(&name.identity) };
        if runs.is_empty() && known.is_none() {
            continue;
        }
        let mut walk = Walk { rule, stretch, offset, recovery, column, said: &mut said };
        if let Some(alert) = walk.alert(name, runs, known) {
            after.insert(name.identity.clone(), alert);
        }
    }
    for (identity, mut alert) in before {
        let mut walk = Walk { rule, stretch, offset, recovery, column: &[], said: &mut said };
        walk.over(&mut alert, stretch.start, walk.end());
        if alert.is_active() {
            after.insert(identity, alert);
        }
    }
    state.alerts = after;
    state.known.clear();
    said.sort_by(|a, b| (a.at, &a.identity).cmp(&(b.at, &b.identity)));
    said
}

/// One alert on its way through a stretch of time.
struct Walk<'a> {
    rule: &'a AlertPlan,
    stretch: Grid,
    offset: Millis,
    recovery: Option<Threshold>,
    /// The values of its series.
    column: &'a [Point],
    said: &'a mut Vec<Transition>,
}

impl Walk<'_> {
    fn end(&self) -> Millis {
        let steps = Millis::try_from(self.stretch.count.saturating_sub(1)).unwrap_or(Millis::MAX);
        self.stretch.start.saturating_add(self.stretch.step.saturating_mul(steps))
    }

    /// The whole stretch; the alert as it is left, where it is active.
    fn alert(&mut self, name: &Name, runs: &[Run], known: Option<Instance>) -> Option<Instance> {
        let (mut alert, mut next) = (known, self.stretch.start);
        for run in runs {
            let (first, last) = (run.first.saturating_add(self.offset), run.last.saturating_add(self.offset));
            if let Some(known) = alert.as_mut().filter(|_| next < first) {
                self.over(known, next, first.saturating_sub(self.stretch.step));
            }
            let new = || {
                let (labels, series) = (name.identity.clone(), name.series.clone());
                Instance::new(labels.clone(), &Fresh { labels, annotations: Vec::new(), series, value: 0.0 }, first)
            };
            let alert = alert.get_or_insert_with(new);
            alert.series.clone_from(&name.series);
            self.holds(alert, run.place, (first, last));
            next = last.saturating_add(self.stretch.step);
        }
        if let Some(known) = alert.as_mut().filter(|_| next <= self.end()) {
            self.over(known, next, self.end());
        }
        alert.filter(Instance::is_active)
    }

    /// Instants in a row at which its condition holds: the first, and the one at which it is ripe.
    fn holds(&mut self, alert: &mut Instance, place: usize, (first, last): (Millis, Millis)) {
        let value = |walk: &Self, at: Millis| {
            let more = at.saturating_sub(first).div_euclid(walk.stretch.step.max(1));
            let point = walk.column.get(place.saturating_add(usize::try_from(more).unwrap_or(usize::MAX)));
            point.and_then(|point| point.value.float()).unwrap_or_default()
        };
        alert.value = value(self, first);
        self.step(alert, Look { seen: Seen::Holds, recovered: None, at: first });
        let second = first.saturating_add(self.stretch.step);
        let ripe = self.not_before(alert.active_at.saturating_add(self.rule.hold), second);
        if alert.phase == Phase::Pending && ripe <= last {
            alert.value = value(self, ripe);
            self.step(alert, Look { seen: Seen::Holds, recovered: None, at: ripe });
        }
        alert.value = value(self, last);
        alert.held_at = Some(last);
    }

    /// The first instant from one on that is not before another.
    fn not_before(&self, wanted: Millis, from: Millis) -> Millis {
        let (step, waits) = (self.stretch.step.max(1), wanted.saturating_sub(from).max(0));
        let steps = waits.div_euclid(step).saturating_add(Millis::from(waits.rem_euclid(step) > 0));
        from.saturating_add(steps.saturating_mul(step))
    }

    /// Instants in a row at which its condition does not hold.
    fn over(&mut self, alert: &mut Instance, from: Millis, to: Millis) {
        let mut at = from;
        while at <= to && alert.is_active() {
            let recovered = self.recovery.map(|threshold| self.value(at).is_some_and(|value| threshold.holds(value)));
            self.step(alert, Look { seen: Seen::Over, recovered, at });
            let next = at.saturating_add(self.stretch.step);
            at = match (self.recovery, alert.keep_since) {
                (None, Some(since)) => self.not_before(since.saturating_add(self.rule.keep_firing), next),
                _ => next,
            };
        }
    }

    /// The number of its series at an instant.
    fn value(&self, at: Millis) -> Option<f64> {
        let asked = at.saturating_sub(self.offset);
        let place = self.column.binary_search_by_key(&asked, |point| point.at).ok()?;
        self.column.get(place)?.value.float()
    }

    fn step(&mut self, alert: &mut Instance, look: Look) {
        if !alert.raised {
            alert.labels.clone_from(&alert.identity);
        }
        let what = alert.step(self.rule, look);
        self.said.extend(what.into_iter().map(|what| transition(&self.rule.name, alert, what, look.at)));
    }
}
