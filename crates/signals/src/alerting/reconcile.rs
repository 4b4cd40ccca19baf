//! What is remembered, set right by what was recorded: an alert that is raised in the journal is raised here, whatever the
//! kept state says, and one that the state believes raised and the journal does not is raised again.

use std::collections::HashSet;

use promql::{Labels, Millis};

use super::ALERT_NAME;
use super::flap::History;
use super::outcome::{Transition, What};
use super::plan::{AlertPlan, Plan, Planned};
use super::rule::transition;
use super::state::{Instance, Phase, State};

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

/// Sets a state right at a start. Gives the raisings that have to be recorded, because the state has them and the journal
/// does not.
#[must_use]
pub fn reconcile(plan: &Plan, state: &mut State, raised: &[Known], at: Millis) -> Vec<Transition> {
    let recorded: HashSet<(&str, &Labels)> = raised.iter().map(|known| (&*known.rule, &known.identity)).collect();
    for known in raised {
        restore(plan, state, known);
    }
    let mut missing = Vec::new();
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

/// Makes the state's alert fire, or puts it there.
fn restore(plan: &Plan, state: &mut State, known: &Known) {
    let mut named = alerting(plan).filter(|rule| rule.name == known.rule);
    let Some(rule) = named.find(|rule| is_of(rule, &known.identity)) else { return };
    let alerts = &mut state.rules.entry(rule.key.clone()).or_default().alerts;
    if let Some(alert) = alerts.get_mut(&known.identity) {
        if !alert.raised {
            alert.raised = true;
            alert.phase = Phase::Firing;
        }
        return;
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
        held: History::default(),
        fired: History::default(),
        flapping: false,
        raised: true,
    };
    alerts.insert(known.identity.clone(), alert);
}

/// Whether an alert is this rule's, among several rules of one name: their labels tell, but for those that are templates.
fn is_of(rule: &AlertPlan, identity: &Labels) -> bool {
    let plain = rule.labels.iter().filter(|(_, text)| !text.contains("{{"));
    plain.into_iter().all(|(name, text)| identity.get(name) == text)
}
