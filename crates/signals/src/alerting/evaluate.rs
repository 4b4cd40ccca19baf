//! A whole group, one evaluation.

use std::collections::HashSet;

use promql::{Labels, Millis, Point, SeriesSource, Value};

use super::Setting;
use super::outcome::{Cleared, Outcome, RuleError, Transition, What};
use super::overlay::Overlay;
use super::plan::{Plan, Planned};
use super::rule::{Scene, alert, cleared, record, transition, written};
use super::state::{RuleState, State};

/// Evaluates the rules of a group at an instant, in order; a rule sees what those before it wrote. The samples of the
/// outcome are for the caller to write. A rule that fails leaves its state, its series and the other rules as they are.
/// What the state holds of rules that are no longer in the plan ends.
#[must_use]
pub fn evaluate(plan: &Plan, setting: &Setting, source: &dyn SeriesSource, at: Millis, state: &mut State) -> Outcome {
    let overlay = Overlay::new(source);
    let (offset, limit) = (plan.offset, plan.limit);
    let scene = Scene { source: &overlay, setting, at, offset, limit, ahead: None, names: None, silent: false };
    let mut outcome = retire(plan, at, state);
    for (index, rule) in plan.rules.iter().enumerate() {
        if !state.rules.contains_key(rule.key()) {
            state.rules.insert(rule.key().to_owned(), RuleState::default());
        }
        let Some(known) = state.rules.get_mut(rule.key()) else { continue };
        match one(rule, &scene, known, &mut outcome.transitions) {
            Ok(samples) => {
                if let Err(message) = put(samples, &overlay, &mut outcome.samples) {
                    outcome.errors.push(RuleError { rule: index, name: rule.name().to_owned(), message });
                }
            }
            Err(message) => outcome.errors.push(RuleError { rule: index, name: rule.name().to_owned(), message }),
        }
    }
    outcome
}

/// A person says that an alert whose series vanished is over. `None` when there is no such alert, or its series are there:
/// then it clears by itself.
pub fn dismiss(key: &str, identity: &Labels, at: Millis, state: &mut State) -> Option<Transition> {
    let alerts = &mut state.rules.get_mut(key)?.alerts;
    alerts.get(identity).filter(|alert| alert.raised && alert.missing_since.is_some())?;
    let alert = alerts.remove(identity)?;
    Some(transition(name_in(key), &alert, What::Cleared(Cleared::Dismissed), at))
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
    let samples = match rule {
        Planned::Record(rule) => record(rule, scene)?,
        Planned::Alert(rule) => alert(rule, scene, known, said)?,
    };
    Ok(written(samples, known, scene.at.saturating_sub(scene.offset)))
}

/// Ends what the state holds of rules that are gone.
fn retire(plan: &Plan, at: Millis, state: &mut State) -> Outcome {
    let mut outcome = Outcome::default();
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
fn name_in(key: &str) -> &str {
    let name = key.split_once(':').map_or(key, |(_, rest)| rest);
    name.split_once('{').map_or(name, |(name, _)| name)
}
