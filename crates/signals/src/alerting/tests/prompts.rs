//! Rules that fire at once, between two beats of their group.

use proptest::prelude::*;

use super::*;

fn record(name: &str, expr: &str) -> Rule {
    Rule::Recording(Recording { record: name.into(), expr: query(expr), ..Recording::default() })
}

fn alert(name: &str, expr: &str, hold: u64) -> Rule {
    let (alert, hold) = (name.into(), minutes(hold));
    Rule::Alerting(Alerting { alert, expr: query(expr), hold, ..Alerting::default() })
}

fn chained() -> Plan {
    plan(vec![
        record("doubled", "m * 2"),
        record("other", "n"),
        record("most", "max(doubled)"),
        alert("Most", "most > 10", 0),
        alert("Plain", "m > 6", 0),
        alert("Held", "m > 6", 5),
        alert("Many", "count(ALERTS{alertstate=\"firing\"}) > 1", 0),
    ])
}

fn names(prompt: &Prompt) -> Vec<String> {
    let name = |matchers: &Vec<promql::ast::Matcher>| match &matchers[0].test {
        promql::ast::Test::Is(name) => name.clone(),
        other => format!("{other:?}"),
    };
    prompt.inputs.iter().map(name).collect()
}

#[test]
fn prompts_are_the_rules_without_for_and_know_what_they_read() {
    let prompts = chained().prompts();
    let all: Vec<_> = prompts.iter().map(|prompt| (prompt.rule, prompt.needs.clone(), names(prompt))).collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let expected =
        [(3, vec![0, 2], owned(&["most", "doubled", "m"])), (4, vec![], owned(&["m"])), (6, vec![], owned(&[]))];
    assert_eq!(all, expected);
}

#[test]
fn a_prompt_sees_what_would_be_recorded_and_records_nothing() {
    let (plan, setting, mut state) = (chained(), setting(), State::default());
    let prompts = plan.prompts();
    let mut samples = Samples(vec![series("a", [Some(1.0), Some(7.0)])]);
    let outcome = evaluate(&plan, &setting, &samples, 0, &mut state);
    assert_eq!((outcome.transitions.len(), outcome.errors.len()), (0, 0));
    let outcome = evaluate_at_once(&plan, &prompts, &setting, &samples, STEP, &mut state);
    let raised: Vec<&str> = outcome.transitions.iter().map(|transition| &*transition.rule).collect();
    assert_eq!(raised, ["Most", "Plain", "Many"]);
    assert!(outcome.samples.iter().all(|(labels, _)| labels.name().starts_with(ALERTS)), "{:?}", outcome.samples);
    assert_eq!(outcome.samples.len(), 6);

    samples.0[0].points.push(Point::float(STEP + 1, 0.0));
    let outcome =
        evaluate_at_once(&plan, prompts.iter().filter(|p| p.rule == 4), &setting, &samples, STEP + 1, &mut state);
    let cleared: Vec<_> = outcome.transitions.iter().map(|transition| (&*transition.rule, transition.what)).collect();
    assert_eq!(cleared, [("Plain", What::Cleared(Cleared::Recovered))]);
}

#[test]
fn rules_that_remember_nothing_leave_no_trace() {
    let (plan, setting, mut state) = (alert_plan(rule()), setting(), State::default());
    let samples = Samples(vec![series("a", [Some(1.0), Some(7.0), Some(1.0)])]);
    let mut empty = Vec::new();
    for step in 0..40 {
        let _ = evaluate(&plan, &setting, &samples, step * STEP, &mut state);
        empty.push(state.is_empty());
    }
    assert!(empty[0] && !empty[1] && empty[39], "{empty:?}");
}

proptest! {
    /// Asked at the instants of its beat, a prompt says what its group would have said.
    #[test]
    fn a_prompt_says_what_a_beat_says(values in prop::collection::vec(prop::option::of(0..10_u8), 30)) {
        let (plan, setting) = (plan(vec![record("doubled", "m * 2"), alert("A", "doubled > 8", 0)]), setting());
        let samples = Samples(vec![series("a", values.into_iter().map(|value| value.map(f64::from)))]);
        let (mut whole, mut part) = (State::default(), State::default());
        for step in 0..30 {
            let beat = evaluate(&plan, &setting, &samples, step * STEP, &mut whole);
            let prompt = evaluate_at_once(&plan, &plan.prompts(), &setting, &samples, step * STEP, &mut part);
            prop_assert_eq!(beat.transitions, prompt.transitions);
        }
    }
}

#[test]
fn the_essence_changes_with_what_a_restart_has_to_know_and_with_nothing_else() {
    let held = Alerting { hold: minutes(2), ..rule() };
    let (plan, setting, mut state) = (alert_plan(held), setting(), State::default());
    let samples = Samples(vec![series("a", [1.0, 7.0, 8.0, 9.0, 8.5, 8.25].map(Some))]);
    let mut all = vec![State::default().essence()];
    for step in 0..6 {
        let _ = evaluate(&plan, &setting, &samples, step * STEP, &mut state);
        all.push(state.essence());
    }
    let changed: Vec<bool> = all.windows(2).map(|two| two[0] != two[1]).collect();
    // Nothing, pending, still pending, firing, and then other values only.
    assert_eq!(changed, [false, true, false, true, false, false]);
}

#[test]
fn what_learns_waits_for_its_beat() {
    let plan = plan(vec![
        record("score", "anomaly(m)"),
        alert("Read", "score > 0.99", 0),
        alert("Own", "anomaly(m) > 0.99", 0),
        alert("Plain", "m > 6", 0),
    ]);
    assert_eq!(plan.prompts().iter().map(|prompt| prompt.rule).collect::<Vec<_>>(), [3]);
}
