//! A whole group, one evaluation.

use std::collections::{BTreeSet, HashSet};

use promql::{Labels, Millis, Point, SeriesSource, Value};

use super::Setting;
use super::outcome::{Cleared, Outcome, RuleError, Transition, What};
use super::overlay::Overlay;
use super::plan::{Plan, Planned, RecordPlan};
use super::prompt::Prompt;
use super::rule::{Scene, alert, cleared, record, transition, written};
use super::state::{RuleState, State};

/// Evaluates the rules of a group at an instant, in order; a rule sees what those before it wrote. The samples of the
/// outcome are for the caller to write. A rule that fails leaves its state, its series and the other rules as they are.
/// What the state holds of rules that are no longer in the plan ends.
#[must_use]
pub fn evaluate(plan: &Plan, setting: &Setting, source: &dyn SeriesSource, at: Millis, state: &mut State) -> Outcome {
    let overlay = Overlay::new(source).every(plan.interval.unwrap_or(0));
    let scene = scene(plan, setting, &overlay, at);
    let mut outcome = retire(plan, at, state);
    for (index, rule) in plan.rules.iter().enumerate() {
        step(index, rule, &scene, state, &mut outcome);
    }
    state.at = Some(at);
    outcome
}

/// Evaluates some of the rules that fire at once, by their [`Prompt`]s, between two evaluations of their group. They see
/// what the recording rules before them would write now, but nothing is written for those: that is for the group's beat.
#[must_use]
pub fn evaluate_at_once<'p>(
    plan: &Plan,
    prompts: impl IntoIterator<Item = &'p Prompt>,
    setting: &Setting,
    source: &dyn SeriesSource,
    at: Millis,
    state: &mut State,
) -> Outcome {
    let (mut wanted, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for prompt in prompts {
        wanted.insert(prompt.rule);
        needed.extend(&prompt.needs);
    }
    let overlay = Overlay::new(source).every(plan.interval.unwrap_or(0));
    let scene = scene(plan, setting, &overlay, at);
    let mut outcome = Outcome::default();
    for index in wanted.union(&needed) {
        match plan.rules.get(*index) {
            Some(rule) if wanted.contains(index) => step(*index, rule, &scene, state, &mut outcome),
            Some(Planned::Record(rule)) => foresee(*index, rule, &scene, &mut outcome),
            _ => {}
        }
    }
    outcome
}

fn scene<'a>(plan: &Plan, setting: &'a Setting, overlay: &'a Overlay<'a>, at: Millis) -> Scene<'a> {
    Scene { source: overlay, setting, at, offset: plan.offset, limit: plan.limit, ahead: None, silent: false }
}

/// Evaluates one rule of a group. A rule that remembers nothing afterwards leaves no trace in the state.
fn step(index: usize, rule: &Planned, scene: &Scene<'_>, state: &mut State, outcome: &mut Outcome) {
    let mut fresh = RuleState::default();
    let known = state.rules.get_mut(rule.key());
    let is_new = known.is_none();
    let known = known.unwrap_or(&mut fresh);
    let samples = one(rule, scene, known, &mut outcome.transitions);
    let is_empty = known.is_empty();
    match (is_new, is_empty) {
        (true, false) => drop(state.rules.insert(rule.key().to_owned(), fresh)),
        (false, true) => drop(state.rules.remove(rule.key())),
        _ => {}
    }
    if let Err(message) = samples.and_then(|samples| put(samples, scene.source, &mut outcome.samples)) {
        outcome.errors.push(RuleError { rule: index, name: rule.name().to_owned(), message });
    }
}

/// Lets the rules behind a recording rule see what it would write now.
fn foresee(index: usize, rule: &RecordPlan, scene: &Scene<'_>, outcome: &mut Outcome) {
    let at = scene.at.saturating_sub(scene.offset);
    let seen = record(rule, scene).and_then(|samples| {
        let points = samples.into_iter().map(|(labels, value)| (labels, Point { at, born: 0, value }));
        put(points.collect(), scene.source, &mut Vec::new())
    });
    if let Err(message) = seen {
        outcome.errors.push(RuleError { rule: index, name: rule.name.clone(), message });
    }
}

/// A person says that an alert whose series vanished is over. `None` when there is no such alert, or its series are there:
/// then it clears by itself.
pub fn dismiss(key: &str, identity: &Labels, at: Millis, state: &mut State) -> Option<Transition> {
    let alerts = &mut state.rules.get_mut(key)?.alerts;
    alerts.get(identity).filter(|alert| alert.raised && alert.missing_since.is_some())?;
    let alert = alerts.remove(identity)?;
    Some(transition(name_in(key), &alert, What::Cleared(Cleared::Dismissed), at))
}

/// A raised alert, to be said once more to those who have forgotten it.
#[must_use]
pub fn raised_again(key: &str, identity: &Labels, at: Millis, state: &State) -> Option<Transition> {
    let alert = state.rules.get(key)?.alerts.get(identity).filter(|alert| alert.raised)?;
    Some(transition(name_in(key), alert, What::Raised, at))
}

/// Puts the samples of a rule before the source, and among those to write. Where two rules write one series, the sample of
/// the first stays: that the other one's ends is nothing, that it says something else is an error.
fn put(samples: Vec<(Labels, Point)>, overlay: &Overlay<'_>, written: &mut Vec<(Labels, Point)>) -> Result<(), String> {
    let mut outcome = Ok(());
    for (labels, point) in samples {
        if overlay.add(&labels, &point).is_ok() {
            written.push((labels, point));
        } else if !point.value.is_stale() && !written.contains(&(labels.clone(), point)) {
            outcome = Err(format!("duplicate sample for timestamp: another rule writes {labels} as well"));
        }
    }
    outcome
}

/// Evaluates one rule, and gives the samples that it writes.
pub(crate) fn one(
    rule: &Planned,
    scene: &Scene<'_>,
    known: &mut RuleState,
    said: &mut Vec<Transition>,
) -> Result<Vec<(Labels, Point)>, String> {
    scene.source.scorer.swap(Some(std::mem::take(&mut known.learnt)));
    let samples = match rule {
        Planned::Record(rule) => record(rule, scene),
        Planned::Alert(rule) => alert(rule, scene, known, said),
    };
    known.learnt = scene.source.scorer.swap(None).unwrap_or_default();
    Ok(written(samples?, known, scene.at.saturating_sub(scene.offset)))
}

/// Ends what the state holds of rules that are gone.
fn retire(plan: &Plan, at: Millis, state: &mut State) -> Outcome {
    let mut outcome = Outcome::default();
    if state.is_empty() {
        return outcome;
    }
    let keys: HashSet<&str> = plan.rules.iter().map(Planned::key).collect();
    state.rules.retain(|key, rule| {
        if keys.contains(&**key) {
            return true;
        }
        let stale = |labels: &Labels| (labels.clone(), Point { at, born: 0, value: Value::stale() });
        outcome.samples.extend(rule.written.iter().map(stale));
        outcome.transitions.extend(cleared(name_in(key), rule, Cleared::RuleGone, at));
        false
    });
    outcome
}

/// The rule's name in its identity.
pub(super) fn name_in(key: &str) -> &str {
    let name = key.split_once(':').map_or(key, |(_, rest)| rest);
    name.split_once('{').map_or(name, |(name, _)| name)
}
