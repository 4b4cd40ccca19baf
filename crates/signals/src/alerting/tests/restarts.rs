//! What a start, an edit and a time without evaluations do to alerts.

use kernel::book::rules::{OnMissing, Recovery};

use super::*;

/// Ten minutes in which the alert fires from the first on, and the state after them.
fn firing(rule: Alerting) -> (Plan, State) {
    let plan = alert_plan(rule);
    let mut state = State::default();
    for step in 0..10 {
        let _ = evaluate(&plan, &setting(), &samples("9999999999"), step * STEP, &mut state);
    }
    (plan, state)
}

/// What an evaluation says after a start at an instant.
fn said(plan: &Plan, source: &Samples, started: Millis, at: Millis, state: &mut State) -> Vec<String> {
    let setting = Setting { started: Some(started), ..setting() };
    evaluate(plan, &setting, source, at, state).transitions.iter().map(|one| short(one.what)).collect()
}

#[test]
fn so_soon_after_a_start_the_absence_of_samples_clears_nothing() {
    let (plan, mut state) = firing(rule());
    let (nothing, start) = (Samples::default(), 60 * STEP);
    for later in [0, START_GRACE - 1] {
        assert_eq!(said(&plan, &nothing, start, start + later, &mut state), [""; 0]);
    }
    assert_eq!(said(&plan, &nothing, start, start + START_GRACE, &mut state), ["Recovered"]);
}

#[test]
fn an_alert_whose_condition_held_after_a_start_clears_as_ever() {
    let (plan, mut state) = firing(rule());
    let start = 20 * STEP;
    let source = samples(&format!("{}91", ".".repeat(20)));
    assert_eq!(said(&plan, &source, start, start, &mut state), [""; 0]);
    assert_eq!(said(&plan, &source, start, start + STEP, &mut state), ["Recovered"]);
}

#[test]
fn series_that_have_not_come_back_yet_raise_nothing() {
    let lost = || beyond(Beyond { on_missing: OnMissing::Alert(minutes(10)), ..Beyond::default() });
    let (plan, mut state) = (alert_plan(lost()), State::default());
    let _ = evaluate(&plan, &setting(), &samples("1"), 0, &mut state);
    let (nothing, start) = (Samples::default(), 11 * STEP);
    assert_eq!(reconcile(&plan, &mut state, &[], start), []);
    let ten = Millis::try_from(minutes(10).as_millis()).unwrap();
    assert_eq!(said(&plan, &nothing, start, start, &mut state), [""; 0], "our own downtime is not theirs");
    assert_eq!(said(&plan, &nothing, start, start + ten - 1, &mut state), [""; 0]);
    assert_eq!(said(&plan, &nothing, start, start + ten, &mut state), ["RaisedMissing"]);
}

#[test]
fn time_without_evaluations_does_not_count_towards_for() {
    let pending = |gap: Millis| {
        let plan = alert_plan(Alerting { hold: minutes(5), ..rule() });
        let mut state = State::default();
        for step in 0..4 {
            let _ = evaluate(&plan, &setting(), &samples("9999"), step * STEP, &mut state);
        }
        let _ = reconcile(&plan, &mut state, &[], 3 * STEP + gap);
        state.all_active().map(|(_, alert)| alert.active_at).collect::<Vec<_>>()
    };
    assert_eq!(pending(GAP_MIN), [0], "a late beat counts");
    assert_eq!(pending(30 * STEP), [30 * STEP]);
    assert_eq!(pending(OUTAGE_MAX + 1), [0; 0]);
}

fn known(plan: &Plan, state: &State) -> Vec<Known> {
    let of = |(key, alert): (&str, &Instance)| {
        let rule = plan.rules.iter().find(|rule| rule.key() == key).map_or("A", Planned::name);
        let (identity, labels) = (alert.identity.clone(), alert.labels.clone());
        Known { rule: rule.into(), identity, labels, annotations: vec![], value: alert.value, since: alert.active_at }
    };
    state.all_active().map(of).collect()
}

#[test]
fn an_edit_of_a_template_of_a_label_leaves_the_alert_raised() {
    let labelled = |text: &str| Alerting { labels: labels(&[("team", text)]), ..rule() };
    let (_, mut state) = firing(labelled("{{ $labels.s }}"));
    let raised = known(&alert_plan(rule()), &state);
    let edited = alert_plan(labelled("{{ .Labels.s }}"));
    assert_eq!(reconcile(&edited, &mut state, &raised, 10 * STEP), []);
    let outcome = evaluate(&edited, &setting(), &samples("99999999999"), 10 * STEP, &mut state);
    assert_eq!((outcome.transitions, state.all_active().count()), (vec![], 1));
}

#[test]
fn what_is_raised_and_fits_no_rule_is_over() {
    let labelled = |text: &str| Alerting { labels: labels(&[("severity", text)]), ..rule() };
    let (warning, state) = firing(labelled("warning"));
    let raised = known(&warning, &state);
    let said = reconcile(&alert_plan(labelled("critical")), &mut State::default(), &raised, 10 * STEP);
    assert_eq!(said.iter().map(|one| one.what).collect::<Vec<_>>(), [What::Cleared(Cleared::RuleGone)]);
}

#[test]
fn a_recovery_that_breaks_off_begins_its_wait_anew() {
    let rule = beyond(Beyond { recover_when: Some(Recovery::Query(query("m < 2"))), ..Beyond::default() });
    let source = samples("9131111");
    let story = story(&alert_plan(Alerting { keep_firing: minutes(2), ..rule }), &source, 7);
    assert_eq!(story, ["0 a Raised", "5 a RecoveryMet"]);
}
