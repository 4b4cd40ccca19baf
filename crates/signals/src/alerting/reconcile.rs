//! What is remembered, set right by what was recorded: an alert that is raised in the journal is raised here, whatever the
//! state says. One that the state believes raised and the journal does not is said once more where the state is that of a
//! group at work. Where it was kept before a stop, when everything was said, the alert was over afterwards, and is let go.

use std::collections::HashSet;

use promql::{Labels, Millis};

use super::evaluate::name_in;
use super::flap::History;
use super::outcome::{Cleared, Transition, What};
use super::plan::{AlertPlan, Plan, Planned};
use super::rule::transition;
use super::state::{Instance, Phase, State};
use super::{ALERT_NAME, GAP_MIN, OUTAGE_MAX};

/// An alert that is raised, as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Its rule's name.
    pub rule: String,
    /// The labels that identify it among those of its rule.
    pub identity: Labels,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations, rendered.
    pub annotations: Vec<(String, String)>,
    /// The value that raised it.
    pub value: f64,
    /// When it was raised.
    pub since: Millis,
}

impl Known {
    /// That it is over, because no rule of its group stands for it any more.
    fn cleared(&self, at: Millis) -> Transition {
        Transition {
            rule: self.rule.clone(),
            identity: self.identity.clone(),
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            value: self.value,
            since: self.since,
            at,
            what: What::Cleared(Cleared::RuleGone),
        }
    }
}

/// Lets go of the alerts that a kept state believes raised and the journal does not. A state is kept only when everything is
/// said, so these were over, and that was recorded, before the state could be kept once more. Those of rules that are no
/// longer in the plan end with their rule.
pub fn let_go(plan: &Plan, state: &mut State, raised: &[Known]) {
    let recorded = recorded(raised);
    for plan in alerting(plan) {
        let (name, rule) = (&*plan.name, state.rules.get_mut(&plan.key));
        let Some(rule) = rule else { continue };
        rule.alerts.retain(|identity, alert| !alert.raised || recorded.contains(&(name, identity)));
    }
}

fn recorded(raised: &[Known]) -> HashSet<(&str, &Labels)> {
    raised.iter().map(|known| (&*known.rule, &known.identity)).collect()
}

/// Sets a state right at a start. Gives what has to be recorded: the raisings that the state has and the journal does not,
/// and the ends of alerts that the journal has and no rule stands for. Time in which nothing was evaluated does not count
/// towards `for` and the delays of missing series; a pending alert begins anew after [`OUTAGE_MAX`].
#[must_use]
pub fn reconcile(plan: &Plan, state: &mut State, raised: &[Known], at: Millis) -> Vec<Transition> {
    let gap = state.at.map_or(0, |last| at.saturating_sub(last));
    if gap > plan.interval.unwrap_or(0).saturating_mul(2).max(GAP_MIN) {
        skip(state, gap);
    }
    let recorded = recorded(raised);
    let orphans = raised.iter().filter(|known| !restore(plan, state, known));
    let mut missing: Vec<Transition> = orphans.map(|known| known.cleared(at)).collect();
    for rule in alerting(plan) {
        let alerts = state.rules.get(&rule.key).into_iter().flat_map(|rule| rule.alerts.values());
        let unrecorded = alerts.filter(|alert| alert.raised && !recorded.contains(&(&*rule.name, &alert.identity)));
        missing.extend(unrecorded.map(|alert| transition(&rule.name, alert, What::Raised, at)));
    }
    missing
}

fn alerting(plan: &Plan) -> impl Iterator<Item = &AlertPlan> {
    plan.rules.iter().filter_map(|rule| match rule {
        Planned::Alert(rule) => Some(&**rule),
        Planned::Record(_) => None,
    })
}

/// Lets a time pass in which nothing was evaluated.
fn skip(state: &mut State, gap: Millis) {
    for rule in state.rules.values_mut() {
        for last in rule.known.values_mut() {
            *last = last.saturating_add(gap);
        }
        for alert in rule.alerts.values_mut() {
            alert.held = History::default();
            alert.missing_since = alert.missing_since.map(|since| since.saturating_add(gap));
            if alert.phase == Phase::Pending {
                alert.active_at = alert.active_at.saturating_add(gap);
            }
        }
        if gap > OUTAGE_MAX {
            rule.alerts.retain(|_, alert| alert.phase != Phase::Pending || alert.raised);
        }
    }
}

/// Makes the state's alert fire, or puts it there. Whether there is a rule that it is of.
fn restore(plan: &Plan, state: &mut State, known: &Known) -> bool {
    let mut named = alerting(plan).filter(|rule| rule.name == known.rule);
    let Some(rule) = named.find(|rule| is_of(rule, &known.identity)) else { return false };
    let moved = moved(plan, state, known);
    let alerts = &mut state.rules.entry(rule.key.clone()).or_default().alerts;
    if let Some(alert) = alerts.get_mut(&known.identity) {
        if !alert.raised {
            alert.raised = true;
            alert.phase = Phase::Firing;
        }
        return true;
    }
    if let Some(alert) = moved {
        alerts.insert(known.identity.clone(), Instance { raised: true, phase: Phase::Firing, ..alert });
        return true;
    }
    let own = |name: &str| name == ALERT_NAME || rule.labels.iter().any(|(label, _)| label == name);
    let alert = Instance {
        identity: known.identity.clone(),
        labels: known.labels.clone(),
        series: known.identity.filtered(|name| !own(name)),
        annotations: known.annotations.clone(),
        value: known.value,
        phase: Phase::Firing,
        active_at: known.since,
        keep_since: None,
        missing_since: None,
        missing_told: false,
        held_at: None,
        held: History::default(),
        fired: History::default(),
        flapping: false,
        raised: true,
    };
    alerts.insert(known.identity.clone(), alert);
    true
}

/// The alert as a rule remembers it that has this name and is no longer in the plan: its labels were edited. It is taken from
/// there, so that the end of that rule does not end it.
fn moved(plan: &Plan, state: &mut State, known: &Known) -> Option<Instance> {
    let is_planned = |key: &str| plan.rules.iter().any(|rule| rule.key() == key);
    let mut left = state.rules.iter_mut().filter(|(key, _)| name_in(key) == known.rule && !is_planned(key));
    left.find_map(|(_, rule)| rule.alerts.remove(&known.identity))
}

/// Whether an alert is this rule's, among several rules of one name: their labels tell, but for those that are templates.
fn is_of(rule: &AlertPlan, identity: &Labels) -> bool {
    let plain = rule.labels.iter().filter(|(_, text)| !text.contains("{{"));
    plain.into_iter().all(|(name, text)| identity.get(name) == text)
}
