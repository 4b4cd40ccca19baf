//! One rule, one evaluation: its query is asked, its alerts or series are brought up to date.

use std::collections::{BTreeMap, HashSet};

use kernel::book::rules::OnMissing;
use promql::ast::Expr;
use promql::{Labels, METRIC_NAME, Millis, Point, Value};

use super::ahead::{Ahead, NAMES_MAX, Part};
use super::lookup::Lookup;
use super::outcome::{Cleared, Transition, What};
use super::overlay::Overlay;
use super::plan::{AlertPlan, RecordPlan, RecoverPlan};
use super::render::{Asker, Fresh, render, vector};
use super::state::{Instance, RuleState};
use super::step::{Look, Seen};
use super::{
    ALERT_NAME, ALERT_STATE, ALERTS, ALERTS_FOR_STATE, ALERTS_MAX, KNOWN_SERIES_MAX, MISSING_FORGOTTEN_AFTER, SEVERITY,
    START_GRACE, Setting,
};
use crate::anomaly::Scored;

/// The series of a rule with their new samples.
pub(crate) type Samples = Vec<(Labels, Value)>;

/// What a rule is evaluated in.
pub(crate) struct Scene<'a> {
    pub source: &'a Overlay<'a>,
    pub setting: &'a Setting,
    /// When the rule is evaluated.
    pub at: Millis,
    /// How much earlier its queries look.
    pub offset: Millis,
    pub limit: Option<usize>,
    /// Answers that are known already; the others are asked for.
    pub ahead: Option<&'a Ahead>,
    /// Whether the series that say which alerts are active are left out, because nobody reads them.
    pub silent: bool,
}

impl Scene<'_> {
    fn ask(&self, part: Part, expr: &Expr) -> Result<Samples, String> {
        let at = self.at.saturating_sub(self.offset);
        let known = self.ahead.and_then(|ahead| ahead.at(part, at));
        known.unwrap_or_else(|| vector(expr, self.source, at, &self.setting.options))
    }

    fn lookup(&self, part: Part, expr: &Expr) -> Result<Lookup, String> {
        let numbers = |(labels, value): (Labels, Value)| Some((labels, value.float()?));
        Ok(Lookup::new(self.ask(part, expr)?.into_iter().filter_map(numbers)))
    }

    /// Whether so soon after a start nothing can be said of an alert from before it: its condition does not hold, but perhaps
    /// only because its samples have not come back.
    fn is_too_early(&self, alert: &Instance, look: Look) -> bool {
        let Some(started) = self.setting.started.filter(|started| self.at < started.saturating_add(START_GRACE)) else {
            return false;
        };
        let is_older = alert.active_at < started && alert.held_at.is_none_or(|held| held < started);
        is_older && look.seen != Seen::Holds && look.recovered != Some(true)
    }

    /// Whether a rule without alerts can have none after this evaluation either, and nothing else to note.
    fn is_idle(&self, rule: &AlertPlan) -> bool {
        let at = self.at.saturating_sub(self.offset);
        rule.is_idle_without_alerts() && self.ahead.is_some_and(|ahead| ahead.is_empty_at(at))
    }

    /// An alert as [`render`] makes it; names that are known are not made again.
    fn render(&self, rule: &AlertPlan, sample: &Labels, value: &Value) -> Fresh {
        // What a template asks is no row of the rule.
        let asker = Asker { source: &Scored(self.source), at: self.at, options: &self.setting.options };
        let Some(names) = self.ahead.and_then(|ahead| ahead.names.as_ref()) else {
            return render(rule, sample, value, self.setting, &asker);
        };
        if let Some((series, labels)) = names.borrow().get(sample) {
            let (series, labels) = (series.clone(), labels.clone());
            return Fresh { labels, annotations: Vec::new(), series, value: value.float().unwrap_or_default() };
        }
        let fresh = render(rule, sample, value, self.setting, &asker);
        let mut names = names.borrow_mut();
        if names.len() < NAMES_MAX {
            names.insert(sample.clone(), (fresh.series.clone(), fresh.labels.clone()));
        }
        fresh
    }
}

/// Evaluates a recording rule: the series it writes.
pub(super) fn record(rule: &RecordPlan, scene: &Scene<'_>) -> Result<Samples, String> {
    let mut samples = scene.ask(Part::Condition, &rule.expr)?;
    let mut seen = HashSet::with_capacity(samples.len());
    for (labels, _) in &mut samples {
        let own = rule.labels.iter().map(|(name, value)| (&**name, &**value));
        let named = std::iter::once((METRIC_NAME, &*rule.name));
        *labels = Labels::from_pairs(labels.iter().chain(named).chain(own));
        if !seen.insert(labels.clone()) {
            return Err("vector contains metrics with the same labelset after applying rule labels".to_owned());
        }
    }
    match scene.limit {
        Some(limit) if samples.len() > limit => Err(format!("exceeded limit of {limit} with {} series", samples.len())),
        _ => Ok(samples),
    }
}

/// What was asked about the alerts of a rule.
struct Asked {
    /// The alerts whose condition holds, by what identifies them.
    fresh: BTreeMap<Labels, Fresh>,
    /// The alerts that are raised because their series have been missing for as long as the rule allows.
    lost: BTreeMap<Labels, Fresh>,
    /// Every series that there is; `None` where that does not matter.
    present: Option<Lookup>,
    /// What tells a recovery; `None` where none is demanded or none could come.
    recovery: Option<Lookup>,
    /// The impact, for alerts that may be raised now.
    impact: Option<Lookup>,
}

/// Evaluates an alerting rule: the series it writes, and what became of its alerts. The state is only changed when all
/// queries were answered.
pub(super) fn alert(
    rule: &AlertPlan,
    scene: &Scene<'_>,
    state: &mut RuleState,
    said: &mut Vec<Transition>,
) -> Result<Samples, String> {
    if state.alerts.is_empty() && scene.is_idle(rule) {
        state.known.clear();
        return Ok(Vec::new());
    }
    let asked = ask(rule, scene, state)?;
    let dropped = match scene.limit {
        Some(_) => cleared(&rule.name, state, Cleared::LimitExceeded, scene.at),
        None => Vec::new(),
    };
    note_known(rule, &asked, scene.at, &mut state.known);
    take_in(rule, &asked, scene.at, state);
    let mut new = Vec::new();
    for alert in state.alerts.values_mut() {
        let look = asked.look(rule, alert, scene.at);
        if scene.is_too_early(alert, look) {
            continue;
        }
        let what = alert.step(rule, look);
        new.extend(what.into_iter().map(|what| transition(&rule.name, alert, what, scene.at)));
    }
    state.alerts.retain(|_, alert| !alert.is_done(rule, scene.at));
    let active = state.alerts.values().filter(|alert| alert.is_active()).count();
    if let Some(limit) = scene.limit.filter(|limit| active > *limit) {
        state.alerts.clear();
        said.extend(dropped);
        return Err(format!("exceeded limit of {limit} with {active} alerts"));
    }
    said.extend(new);
    Ok(if scene.silent { Vec::new() } else { series(rule, state) })
}

/// The clearing of every raised alert.
pub(super) fn cleared(name: &str, state: &RuleState, why: Cleared, at: Millis) -> Vec<Transition> {
    let raised = state.alerts.values().filter(|alert| alert.raised);
    raised.map(|alert| transition(name, alert, What::Cleared(why), at)).collect()
}

/// Something became of an alert.
pub(super) fn transition(rule: &str, alert: &Instance, what: What, at: Millis) -> Transition {
    Transition {
        rule: rule.to_owned(),
        identity: alert.identity.clone(),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        value: alert.value,
        since: alert.active_at,
        at,
        what,
    }
}

fn ask(rule: &AlertPlan, scene: &Scene<'_>, state: &RuleState) -> Result<Asked, String> {
    let fresh = fresh(rule, scene)?;
    let left = |alert: &&Instance| alert.is_active() && !fresh.contains_key(&alert.identity);
    let mut some_left = state.alerts.values().filter(left).peekable();
    let watched = matches!(rule.on_missing, OnMissing::Alert(_)) || some_left.peek().is_some();
    let present =
        rule.presence.as_ref().filter(|_| watched).map(|expr| scene.lookup(Part::Presence, expr)).transpose()?;
    let recovery = match rule.recover.as_ref().filter(|_| some_left.peek().is_some()) {
        Some(RecoverPlan::Query(expr) | RecoverPlan::Value(expr, _)) => Some(scene.lookup(Part::Recovery, expr)?),
        None => None,
    };
    let new = |identity: &Labels| state.alerts.get(identity).is_none_or(|alert| !alert.raised);
    let wanted = rule.severity.as_ref().filter(|_| fresh.keys().any(new));
    let impact = wanted.map(|(expr, _)| scene.lookup(Part::Impact, expr)).transpose()?;
    let lost = lost(rule, scene, state, present.as_ref(), &fresh);
    Ok(Asked { fresh, lost, present, recovery, impact })
}

/// The alerts of the answer. What has too few events behind it does not count.
fn fresh(rule: &AlertPlan, scene: &Scene<'_>) -> Result<BTreeMap<Labels, Fresh>, String> {
    let samples = scene.ask(Part::Condition, &rule.expr)?;
    if samples.len() > ALERTS_MAX {
        return Err(format!(
            "the answer has {} series, more than the {ALERTS_MAX} alerts a rule may have",
            samples.len()
        ));
    }
    let events =
        rule.min_events.as_ref().map(|(expr, least)| Ok::<_, String>((scene.lookup(Part::Events, expr)?, *least)));
    let events = events.transpose()?;
    let mut alerts = BTreeMap::new();
    for (labels, value) in samples {
        if let Some((events, least)) = &events
            && events.about(&labels.without(METRIC_NAME)).is_none_or(|count| count < *least)
        {
            continue;
        }
        let fresh = scene.render(rule, &labels, &value);
        if alerts.insert(fresh.labels.clone(), fresh).is_some() {
            return Err("vector contains metrics with the same labelset after applying alert labels".to_owned());
        }
    }
    Ok(alerts)
}

/// The alerts of series that were seen before and have been missing for as long as the rule allows.
fn lost(
    rule: &AlertPlan,
    scene: &Scene<'_>,
    state: &RuleState,
    present: Option<&Lookup>,
    fresh: &BTreeMap<Labels, Fresh>,
) -> BTreeMap<Labels, Fresh> {
    let (OnMissing::Alert(delay), Some(present)) = (rule.on_missing, present) else { return BTreeMap::new() };
    if scene.setting.started.is_some_and(|started| scene.at < started.saturating_add(START_GRACE)) {
        return BTreeMap::new();
    }
    let delay = Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX);
    let gone = state.known.iter().filter(|(series, last)| {
        let missing = scene.at.saturating_sub(**last);
        (delay..=MISSING_FORGOTTEN_AFTER).contains(&missing) && !present.has(series)
    });
    let alerts = gone.map(|(series, _)| scene.render(rule, series, &Value::Float(f64::NAN)));
    alerts.map(|alert| (alert.labels.clone(), alert)).filter(|(labels, _)| !fresh.contains_key(labels)).collect()
}

/// Remembers which series there are, and forgets those that have been missing for too long.
fn note_known(rule: &AlertPlan, asked: &Asked, at: Millis, known: &mut BTreeMap<Labels, Millis>) {
    let (OnMissing::Alert(_), Some(present)) = (rule.on_missing, &asked.present) else { return known.clear() };
    for series in present.series() {
        if known.len() < KNOWN_SERIES_MAX || known.contains_key(series) {
            known.insert(series.clone(), at);
        }
    }
    known.retain(|_, last| at.saturating_sub(*last) <= MISSING_FORGOTTEN_AFTER);
}

/// Brings the alerts of the answer up to date, and adds those that are new.
fn take_in(rule: &AlertPlan, asked: &Asked, at: Millis, state: &mut RuleState) {
    for (identity, fresh) in asked.fresh.iter().chain(&asked.lost) {
        let new = || Instance::new(identity.clone(), fresh, at);
        let alert = state.alerts.entry(identity.clone()).or_insert_with(new);
        alert.value = fresh.value;
        alert.annotations.clone_from(&fresh.annotations);
        alert.series = fresh.series.clone();
        if !alert.raised {
            alert.labels = identity.clone();
            let steps = rule.severity.as_ref().map(|(_, steps)| steps.as_slice()).unwrap_or_default();
            let impact = asked.impact.as_ref().and_then(|impact| impact.about(&alert.series));
            let step = impact.and_then(|impact| steps.iter().find(|(threshold, _)| threshold.holds(impact)));
            if let Some((_, severity)) = step {
                alert.labels = identity.with(SEVERITY, severity);
            }
        }
    }
}

impl Asked {
    /// What an evaluation showed of an alert.
    fn look(&self, rule: &AlertPlan, alert: &Instance, at: Millis) -> Look {
        let gone = self.present.as_ref().is_some_and(|present| !present.has(&alert.series));
        let seen = match () {
            () if self.fresh.contains_key(&alert.identity) => Seen::Holds,
            () if self.lost.contains_key(&alert.identity) => Seen::Lost,
            () if gone => Seen::Gone,
            () => Seen::Over,
        };
        let recovered = rule.recover.as_ref().map(|recover| match (recover, &self.recovery) {
            (_, None) => false,
            (RecoverPlan::Query(_), Some(answer)) => answer.about(&alert.series).is_some(),
            (RecoverPlan::Value(_, threshold), Some(answer)) => {
                answer.exact(&alert.series).is_some_and(|value| threshold.holds(value))
            }
        });
        Look { seen, recovered, at }
    }
}

/// The series that say which alerts are active, and since when. As in Prometheus, a label whose template gives nothing
/// stands in them as it was written.
fn series(rule: &AlertPlan, state: &RuleState) -> Samples {
    let mut samples = Vec::new();
    let written = || rule.labels.iter().map(|(name, text)| (&**name, &**text));
    for alert in state.alerts.values().filter(|alert| alert.is_active()) {
        let own =
            |metric| written().chain(alert.labels.iter()).chain([(METRIC_NAME, metric), (ALERT_NAME, &*rule.name)]);
        let phase = if alert.raised { "firing" } else { "pending" };
        let active = Labels::from_pairs(own(ALERTS).chain([(ALERT_STATE, phase)]));
        samples.push((active, Value::Float(1.0)));
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact for longer than anybody lives")]
        let since = alert.active_at.div_euclid(1000) as f64;
        samples.push((Labels::from_pairs(own(ALERTS_FOR_STATE)), Value::Float(since)));
    }
    samples
}

/// The samples that a rule writes now: those of its answer, and a stale marker for each series that left it.
pub(super) fn written(samples: Samples, state: &mut RuleState, at: Millis) -> Vec<(Labels, Point)> {
    let now: HashSet<&Labels> = samples.iter().map(|(labels, _)| labels).collect();
    let gone: Vec<Labels> = state.written.iter().filter(|labels| !now.contains(labels)).cloned().collect();
    state.written = samples.iter().map(|(labels, _)| labels.clone()).collect();
    let stale = gone.into_iter().map(|labels| (labels, Value::stale()));
    samples.into_iter().chain(stale).map(|(labels, value)| (labels, Point { at, born: 0, value })).collect()
}
