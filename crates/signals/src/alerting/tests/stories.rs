//! What Prometheus does.

use super::*;

#[test]
fn an_alert_waits_fires_and_is_over() {
    let waiting = alert_plan(Alerting { hold: minutes(2), ..rule() });
    let table = [
        ("9999990000", vec!["2 a Raised", "6 a Recovered"]),
        ("9909999", vec!["5 a Raised"]),
        ("99..999", vec!["6 a Raised"]),
        ("9990999", vec!["2 a Raised", "3 a Recovered", "6 a Raised"]),
    ];
    for (digits, expected) in table {
        assert_eq!(story(&waiting, &samples(digits), 10.min(digits.len() as Millis)), expected, "{digits}");
    }
    assert_eq!(story(&alert_plan(rule()), &samples("090"), 3), ["1 a Raised", "2 a Recovered"]);
}

#[test]
fn an_alert_is_kept_firing_for_a_while() {
    let kept = alert_plan(Alerting { keep_firing: minutes(2), ..rule() });
    assert_eq!(story(&kept, &samples("9000"), 4), ["0 a Raised", "3 a Recovered"]);
    assert_eq!(story(&kept, &samples("9009000"), 7), ["0 a Raised", "6 a Recovered"]);
}

#[test]
fn series_say_which_alerts_are_active_and_since_when() {
    let plan = alert_plan(Alerting { hold: minutes(1), labels: labels(&[("severity", "page")]), ..rule() });
    let mut written = Vec::new();
    evaluations(&plan, &samples("0990"), 4, |step, outcome, _| {
        let stale =
            |point: &Point| if point.value.is_stale() { "stale".into() } else { format!("{:?}", point.value.float()) };
        written.extend(outcome.samples.iter().map(|(labels, point)| format!("{step} {labels} {}", stale(point))));
    });
    let alerts = |state: &str| format!("ALERTS{{alertname=\"A\", alertstate={state:?}, s=\"a\", severity=\"page\"}}");
    let since = "ALERTS_FOR_STATE{alertname=\"A\", s=\"a\", severity=\"page\"}";
    let expected = [
        format!("1 {} Some(1.0)", alerts("pending")),
        format!("1 {since} Some(60.0)"),
        format!("2 {} Some(1.0)", alerts("firing")),
        format!("2 {since} Some(60.0)"),
        format!("2 {} stale", alerts("pending")),
        format!("3 {} stale", alerts("firing")),
        format!("3 {since} stale"),
    ];
    assert_eq!(written, expected);
}

#[test]
fn recorded_series_are_seen_by_the_next_rule_and_end_when_they_vanish() {
    let record = Recording {
        record: "double".into(),
        expr: query("m * 2"),
        labels: labels(&[("s", ""), ("x", "1")]),
        ..Recording::default()
    };
    let plan = plan(vec![Rule::Recording(record), Rule::Alerting(Alerting { expr: query("double > 10"), ..rule() })]);
    let mut written = Vec::new();
    evaluations(&plan, &samples("19."), 3, |step, outcome, _| {
        let recorded = outcome.samples.iter().filter(|(labels, _)| labels.name() == "double");
        let shown = |value: &promql::Value| value.float().filter(|_| !value.is_stale());
        written.extend(recorded.map(|(labels, point)| format!("{step} {labels} {:?}", shown(&point.value))));
    });
    let line = |step, value: Option<f64>| format!("{step} double{{x=\"1\"}} {value:?}");
    assert_eq!(written, [line(0, Some(2.0)), line(1, Some(18.0)), line(2, None)]);
    assert_eq!(story(&plan, &samples("19."), 3), ["1  Raised", "2  Recovered"]);
}

#[test]
fn a_limit_drops_all_alerts_of_the_rule_and_is_an_error() {
    let group =
        Group { name: "g".into(), limit: NonZeroU32::new(1), rules: vec![Rule::Alerting(rule())], ..Group::default() };
    let (plan, _) = Plan::of("rules.yml", &group);
    let source = Samples(vec![series("a", values("9999")), series("b", values("0090"))]);
    let mut story = Vec::new();
    evaluations(&plan, &source, 4, |step, outcome, state| {
        story.extend(outcome.errors.iter().map(|error| format!("{step} {}", error.message)));
        story.extend(outcome.transitions.iter().map(|t| format!("{step} {} {}", t.labels.get("s"), short(t.what))));
        assert_eq!(state.all_active().count(), usize::from(step != 2));
    });
    let expected = ["0 a Raised", "2 exceeded limit of 1 with 2 alerts", "2 a LimitExceeded", "3 a Raised"];
    assert_eq!(story, expected);
}

#[test]
fn two_series_with_the_same_labels_are_an_error() {
    let source = || Samples(vec![series("a", values("9")), series("b", values("9"))]);
    let error = |plan: &Plan| evaluate(plan, &setting(), &source(), 0, &mut State::default()).errors;
    let alert = alert_plan(Alerting { labels: labels(&[("s", "same")]), ..rule() });
    let message = "vector contains metrics with the same labelset after applying alert labels";
    assert_eq!(error(&alert).first().map(|error| &*error.message), Some(message));
    let record =
        Recording { record: "r".into(), expr: query("m"), labels: labels(&[("s", "same")]), ..Recording::default() };
    let message = "vector contains metrics with the same labelset after applying rule labels";
    assert_eq!(error(&plan(vec![Rule::Recording(record)])).first().map(|error| &*error.message), Some(message));
}

#[test]
fn a_rule_that_fails_leaves_its_alerts_and_the_other_rules_alone() {
    let failing = Alerting { alert: "B".into(), expr: query("m > 5 and on (s) m / on (q) m"), ..rule() };
    let plan = plan(vec![Rule::Alerting(failing), Rule::Alerting(rule())]);
    let source = Samples(vec![series("a", values("99")), series("b", values(".9"))]);
    let mut story = Vec::new();
    evaluations(&plan, &source, 2, |step, outcome, state| {
        story.push((step, outcome.errors.len(), state.all_active().count()));
    });
    assert_eq!(story, [(0, 0, 1), (1, 1, 2)]);
}

#[test]
fn labels_and_annotations_are_rendered_for_each_series() {
    let annotations =
        labels(&[("summary", "{{ $labels.s }} is {{ $value }}"), ("bad", "{{ $labels.s | nothing }}"), ("none", "")]);
    let (plan, broken) = Plan::of(
        "rules.yml",
        &Group {
            name: "g".into(),
            rules: vec![Rule::Alerting(Alerting { annotations, ..rule() })],
            ..Group::default()
        },
    );
    assert!(plan.rules.is_empty());
    assert_eq!(broken.len(), 1);
    assert!(broken[0].message.starts_with("annotation \"bad\""), "{}", broken[0].message);
    let annotations = labels(&[("summary", "{{ $labels.s }} is {{ $value }}"), ("none", "")]);
    let plan = alert_plan(Alerting { annotations, labels: labels(&[("where", "at {{ $labels.s }}")]), ..rule() });
    evaluations(&plan, &samples("9"), 1, |_, outcome, _| {
        let raised = &outcome.transitions[0];
        assert_eq!(raised.labels, set(&[("alertname", "A"), ("s", "a"), ("where", "at a")]));
        assert_eq!(
            raised.annotations,
            [("none".to_owned(), String::new()), ("summary".to_owned(), "a is 9".to_owned())]
        );
    });
}

#[test]
fn an_offset_looks_earlier_and_stamps_earlier() {
    let group = Group {
        name: "g".into(),
        query_offset: Some(minutes(1)),
        rules: vec![Rule::Recording(Recording { record: "r".into(), expr: query("m"), ..Recording::default() })],
        ..Group::default()
    };
    let (plan, _) = Plan::of("rules.yml", &group);
    let outcome = evaluate(&plan, &setting(), &samples("12"), STEP, &mut State::default());
    let points: Vec<_> = outcome.samples.iter().map(|(_, point)| point.clone()).collect();
    assert_eq!(points, [Point::float(0, 1.0)]);
}

#[test]
fn what_is_over_is_forgotten_after_its_retention() {
    let plan = alert_plan(rule());
    evaluations(&plan, &samples("90"), 20, |step, _, state| {
        let known = state.rules.values().map(|rule| rule.alerts.len()).sum::<usize>();
        assert_eq!(known, usize::from(step <= 16), "{step}");
    });
}
