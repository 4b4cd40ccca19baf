//! What goes beyond Prometheus.

use kernel::book::Threshold;
use kernel::book::rules::{Flapping, MinEvents, OnMissing, Recovery, Several, SeverityFrom};

use super::*;

fn on_missing(on_missing: OnMissing) -> Plan {
    alert_plan(beyond(Beyond { on_missing, ..Beyond::default() }))
}

#[test]
fn a_vanished_series_does_not_say_that_it_is_over() {
    let keep = on_missing(OnMissing::Keep);
    assert_eq!(story(&keep, &samples("9....90"), 7), ["0 a Raised", "1 a Missing", "5 a Returned", "6 a Recovered"]);
    let resolve = on_missing(OnMissing::Resolve(minutes(2)));
    assert_eq!(story(&resolve, &samples("9..."), 4), ["0 a Raised", "1 a Missing", "3 a Vanished"]);
    assert_eq!(story(&resolve, &samples("9.90"), 4), ["0 a Raised", "1 a Missing", "2 a Returned", "3 a Recovered"]);
    assert_eq!(story(&alert_plan(rule()), &samples("9."), 2), ["0 a Raised", "1 a Recovered"]);
}

#[test]
fn a_series_that_vanishes_can_itself_be_an_alert() {
    let alert = on_missing(OnMissing::Alert(minutes(2)));
    assert_eq!(story(&alert, &samples("00...00"), 7), ["3 a RaisedMissing", "5 a Returned", "5 a Recovered"]);
    assert_eq!(story(&alert, &samples("0.000"), 5), Vec::<String>::new());
    assert_eq!(story(&alert, &samples("9....0"), 6), ["0 a Raised", "1 a Missing", "5 a Returned", "5 a Recovered"]);
}

#[test]
fn presence_is_what_a_condition_could_speak_about() {
    let table = [
        ("m > 5", Some("m > bool 5")),
        ("(m > 5) and on (s) (n < 2)", Some("(m > bool 5) and on (s) (n < bool 2)")),
        ("m > 5 unless n", Some("m > bool 5")),
        ("count by (s) (up == 0) > 2", Some("count by (s) (up == bool 0) > bool 2")),
        ("topk(2, m) > 5", Some("m > bool 5")),
        ("rate(m[5m]) / rate(n[5m]) > 0.1", Some("rate(m[5m]) / rate(n[5m]) > bool 0.1")),
        ("absent(m)", None),
        ("vector(1) > 0", None),
        ("m > 5 or vector(0)", None),
    ];
    for (query, expected) in table {
        let parsed = presence(&promql::parse(query).unwrap());
        let expected = expected.map(|text| promql::parse(text).unwrap());
        assert_eq!(format!("{parsed:?}"), format!("{expected:?}"), "{query}");
    }
}

#[test]
fn a_recovery_threshold_keeps_an_alert_between_the_two() {
    let recover_when = Some(Recovery::Threshold(Threshold::Below(3.0)));
    let plan = alert_plan(beyond(Beyond { recover_when, ..Beyond::default() }));
    assert_eq!(story(&plan, &samples("94646422"), 8), ["0 a Raised", "6 a RecoveryMet"]);
    let recover_when = Some(Recovery::Query(query("m < 1")));
    let plan = alert_plan(beyond(Beyond { recover_when, on_missing: OnMissing::Keep, ..Beyond::default() }));
    assert_eq!(story(&plan, &samples("93.30"), 5), ["0 a Raised", "2 a Missing", "3 a Returned", "4 a RecoveryMet"]);
}

#[test]
fn an_alert_fires_when_enough_of_the_last_evaluations_held() {
    let plan = alert_plan(beyond(Beyond { several: Several::new(3, 5), ..Beyond::default() }));
    assert_eq!(story(&plan, &samples("909090000000"), 12), ["4 a Raised", "5 a Recovered"]);
    assert_eq!(story(&plan, &samples("9009009009"), 10), Vec::<String>::new());
    assert_eq!(story(&plan, &samples("99.9"), 4), ["3 a Raised"]);
}

#[test]
fn changes_that_follow_each_other_fast_are_one_alert() {
    let plan = alert_plan(beyond(Beyond { flapping: Some(Flapping::default()), ..Beyond::default() }));
    let digits = format!("{}{}", "90".repeat(8), "0".repeat(25));
    let story = story(&plan, &samples(&digits), 41);
    let flapping = story.iter().position(|line| line.ends_with("flapping")).unwrap();
    let steady = story.iter().position(|line| line.ends_with("steady")).unwrap();
    assert_eq!(steady, flapping + 1, "{story:?}");
    assert_eq!(story.last().map(|line| line.ends_with("FlappingOver")), Some(true), "{story:?}");
    let raised = story.iter().filter(|line| line.ends_with("Raised")).count();
    assert_eq!(raised, story.iter().filter(|line| line.ends_with("Recovered") || line.ends_with("Over")).count());
    assert!(raised <= 4, "{story:?}");
}

#[test]
fn a_condition_without_enough_events_does_not_count() {
    let min_events = Some(MinEvents { of: query("sum by (s) (n)"), at_least: 3.0 });
    let plan = alert_plan(beyond(Beyond { min_events, ..Beyond::default() }));
    let mut source = samples("9999");
    let mut events = series("a", values("1441"));
    events.labels = set(&[("__name__", "n"), ("s", "a"), ("other", "x")]);
    source.0.push(events);
    assert_eq!(story(&plan, &source, 4), ["1 a Raised", "3 a Recovered"]);
}

#[test]
fn the_severity_follows_the_impact_when_an_alert_is_raised() {
    let steps = vec![(Threshold::Above(6.0), "critical".to_owned()), (Threshold::Above(2.0), "warning".to_owned())];
    let severity_from = Some(SeverityFrom { impact: query("sum(n)"), steps });
    let plan = alert_plan(beyond(Beyond { severity_from, ..Beyond::default() }));
    let mut source = samples("9990099");
    let mut impact = series("a", values("3771177"));
    impact.labels = set(&[("__name__", "n")]);
    source.0.push(impact);
    let mut severities = Vec::new();
    evaluations(&plan, &source, 7, |step, outcome, _| {
        severities.extend(
            outcome.transitions.iter().map(|t| format!("{step} {} {}", t.labels.get("severity"), short(t.what))),
        );
    });
    assert_eq!(severities, ["0 warning Raised", "3 warning Recovered", "5 critical Raised"]);
}

#[test]
fn an_edit_keeps_firing_alerts_firing_and_a_removed_rule_clears_its_own() {
    let source = samples("99999");
    let (before, mut state) = (alert_plan(rule()), State::default());
    let first = evaluate(&before, &setting(), &source, 0, &mut state);
    assert_eq!(first.transitions.len(), 1);
    let after = alert_plan(Alerting { expr: query("m > 6"), hold: minutes(30), ..rule() });
    let second = evaluate(&after, &setting(), &source, STEP, &mut state);
    assert_eq!((second.transitions.len(), state.all_active().filter(|(_, alert)| alert.is_firing()).count()), (0, 1));
    let third = evaluate(&plan(vec![]), &setting(), &source, 2 * STEP, &mut state);
    assert_eq!(
        third.transitions.iter().map(|t| (&*t.rule, t.what)).collect::<Vec<_>>(),
        [("A", What::Cleared(Cleared::RuleGone))]
    );
    assert_eq!(third.samples.iter().filter(|(_, point)| point.value.is_stale()).count(), 2);
}

#[test]
fn a_person_may_say_that_a_vanished_alert_is_over() {
    let (plan, mut state, source) = (on_missing(OnMissing::Keep), State::default(), samples("9.."));
    let alert = set(&[("alertname", "A"), ("s", "a")]);
    let key = plan.rules[0].key().to_owned();
    let _ = evaluate(&plan, &setting(), &source, 0, &mut state);
    assert_eq!(dismiss(&key, &alert, 1, &mut state), None);
    let _ = evaluate(&plan, &setting(), &source, STEP, &mut state);
    let over = dismiss(&key, &alert, STEP + 1, &mut state).unwrap();
    assert_eq!((over.what, &*over.rule), (What::Cleared(Cleared::Dismissed), "A"));
    assert_eq!(dismiss(&key, &alert, STEP + 1, &mut state), None);
    assert_eq!(evaluate(&plan, &setting(), &source, 2 * STEP, &mut state).transitions, []);
}
