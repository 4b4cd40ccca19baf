//! Verdicts over tests as promtool gives them.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::book::rules::{Alerting, Expression, Group, Recording, Rule, RuleFile};
use kernel::book::unit::{AlertTest, ExpectedAlert, ExpectedSample, InputSeries, QueryTest, Test, TestFile};

use super::*;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn query(text: &str) -> Expression {
    Expression { text: text.to_owned(), ..Expression::default() }
}

fn rules() -> RuleFile {
    let down = Alerting {
        alert: "Down".into(),
        expr: query("up == 0"),
        hold: minutes(2),
        labels: map(&[("severity", "page")]),
        annotations: map(&[("summary", "{{ $labels.job }} at {{ $externalLabels.site }} {{ $externalURL }}")]),
        ..Alerting::default()
    };
    let sum = Recording { record: "job:up:sum".into(), expr: query("sum by (job) (up)"), ..Recording::default() };
    let alerts = Group { name: "alerts".into(), rules: vec![Rule::Alerting(down)], ..Group::default() };
    let records = Group { name: "records".into(), rules: vec![Rule::Recording(sum)], ..Group::default() };
    RuleFile { path: "rules.yml".into(), groups: vec![alerts, records] }
}

fn input(series: &str, values: &str) -> InputSeries {
    InputSeries { series: series.to_owned(), values: values.to_owned(), ..InputSeries::default() }
}

fn firing(eval_time: Duration, labels: &[&[(&str, &str)]]) -> AlertTest {
    let annotations = map(&[("summary", "a at s http://w")]);
    let expected = labels.iter().map(|labels| ExpectedAlert { labels: map(labels), annotations: annotations.clone() });
    AlertTest { eval_time, alertname: "Down".into(), expected: expected.collect(), ..AlertTest::default() }
}

fn asked(expr: &str, eval_time: Duration, samples: &[(&str, f64)]) -> QueryTest {
    let expected = samples.iter().map(|(labels, value)| ExpectedSample {
        labels: (*labels).to_owned(),
        value: *value,
        ..ExpectedSample::default()
    });
    QueryTest { expr: expr.to_owned(), eval_time, expected: expected.collect(), ..QueryTest::default() }
}

fn file(alerts: Vec<AlertTest>, queries: Vec<QueryTest>) -> TestFile {
    let test = Test {
        interval: minutes(1),
        input: vec![input("up{job=\"a\"}", "1 0x9"), input("up{job=\"b\"}", "1x10"), input("seconds", "0+0.1x10")],
        alerts,
        queries,
        external_labels: map(&[("site", "s")]),
        external_url: "http://w".into(),
        ..Test::default()
    };
    TestFile {
        path: "test.yml".into(),
        rule_files: vec!["rules.yml".into()],
        evaluation_interval: minutes(1),
        group_eval_order: Vec::new(),
        fuzzy_compare: false,
        tests: vec![test],
    }
}

const LABELS: &[(&str, &str)] = &[("job", "a"), ("severity", "page")];

#[test]
fn alerts_are_compared_as_sets_at_their_times() {
    let passes = |alerts| run(&file(alerts, Vec::new()), &[rules()]).is_success();
    assert!(passes(vec![firing(minutes(2), &[]), firing(minutes(3), &[LABELS]), firing(minutes(10), &[LABELS])]));
    assert!(!passes(vec![firing(minutes(2), &[LABELS])]));
    assert!(!passes(vec![firing(minutes(3), &[])]));
    assert!(!passes(vec![firing(minutes(3), &[&[("job", "a")]])]));
    assert!(!passes(vec![firing(minutes(3), &[LABELS, LABELS])]));
    // Between two evaluations it is the earlier one that counts.
    assert!(passes(vec![firing(minutes(3) - Duration::from_secs(1), &[])]));
    assert!(passes(vec![firing(minutes(3) + Duration::from_secs(59), &[LABELS])]));
    // A name that no rule has does not fire.
    assert!(passes(vec![AlertTest { alertname: "Other".into(), ..AlertTest::default() }]));
    assert!(!passes(vec![AlertTest::default()]));
}

#[test]
fn answers_are_compared_in_any_order() {
    let passes = |query| run(&file(Vec::new(), vec![query]), &[rules()]).is_success();
    let both = [("job:up:sum{job=\"b\"}", 1.0), ("job:up:sum{job=\"a\"}", 0.0)];
    assert!(passes(asked("job:up:sum", minutes(3), &both)));
    assert!(!passes(asked("job:up:sum", minutes(3), &both[..1])));
    assert!(!passes(asked("job:up:sum", minutes(3), &[both[0], ("job:up:sum{job=\"a\"}", 1.0)])));
    assert!(passes(asked("count(up)", minutes(3), &[("{}", 2.0)])));
    assert!(passes(asked("1 + 1", minutes(3), &[("{}", 2.0)])));
    assert!(passes(asked("none", minutes(3), &[])));
    assert!(passes(asked(
        "ALERTS",
        minutes(1),
        &[("ALERTS{alertname=\"Down\",alertstate=\"pending\",job=\"a\",severity=\"page\"}", 1.0)]
    )));
    assert!(passes(asked("time()", minutes(3), &[("{}", 180.0)])));
    assert!(!passes(asked("up[5m]", minutes(3), &[])));
    assert!(!passes(asked("up ==", minutes(3), &[])));
    assert!(!passes(asked("1", minutes(3), &[("up{", 1.0)])));
    assert!(!passes(asked("0 / 0", minutes(3), &[("{}", f64::NAN)])));
}

#[test]
fn a_fuzzy_comparison_forgives_the_last_bit() {
    let query = || asked("seconds", minutes(3), &[("seconds", 0.3)]);
    let exact = file(Vec::new(), vec![query()]);
    assert!(!run(&exact, &[rules()]).is_success());
    assert!(run(&TestFile { fuzzy_compare: true, ..exact }, &[rules()]).is_success());
}

#[test]
fn groups_are_evaluated_in_the_order_that_is_asked_for() {
    let chained = |order: &[&str]| {
        let sum = Recording { record: "a".into(), expr: query("vector(1)"), ..Recording::default() };
        let twice = Recording { record: "b".into(), expr: query("a * 2"), ..Recording::default() };
        let group =
            |name: &str, rule| Group { name: name.into(), rules: vec![Rule::Recording(rule)], ..Group::default() };
        let rules = RuleFile { path: "r.yml".into(), groups: vec![group("second", twice), group("first", sum)] };
        let order = order.iter().map(|name| (*name).to_owned()).collect();
        let tests =
            TestFile { group_eval_order: order, ..file(Vec::new(), vec![asked("b", minutes(0), &[("b", 2.0)])]) };
        run(&tests, &[rules]).is_success()
    };
    assert!(chained(&["first", "second"]));
    assert!(!chained(&["second", "first"]));
}

#[test]
fn a_test_begins_when_it_says() {
    let mut tests =
        file(Vec::new(), vec![asked("time() + 0 * up{job=\"b\"}", minutes(1), &[("{job=\"b\"}", 1_000_060.0)])]);
    tests.tests[0].start = 1_000_000_000;
    assert_eq!(run(&tests, &[rules()]).to_string(), "test.yml: 1 passed, 0 failed\n");
}

#[test]
fn an_error_of_a_rule_ends_its_test() {
    let collides = Recording { record: "up".into(), expr: query("up{job=\"a\"} + 1"), ..Recording::default() };
    let group = Group { name: "g".into(), rules: vec![Rule::Recording(collides)], ..Group::default() };
    let rules = RuleFile { path: "r.yml".into(), groups: vec![group] };
    let report = run(&file(vec![firing(minutes(3), &[])], Vec::new()), &[rules]);
    assert!(report.failed[0].failures[0].message.contains("duplicate sample for timestamp"), "{report}");
    assert_eq!(report.failed[0].failures.len(), 1);
}

#[test]
fn bad_series_and_bad_rules_fail_a_test() {
    let mut tests = file(Vec::new(), Vec::new());
    tests.tests[0].input.push(input("up{", "1"));
    assert!(!run(&tests, &[rules()]).is_success());
    let mut broken = rules();
    broken.groups[0].rules.push(Rule::Alerting(Alerting {
        alert: "B".into(),
        expr: query("up ="),
        ..Alerting::default()
    }));
    assert!(!run(&file(Vec::new(), Vec::new()), &[broken]).is_success());
    assert!(!refused(&file(Vec::new(), Vec::new()), "no").is_success());
}

#[test]
fn histograms_are_compared_in_their_notation() {
    let mut tests = file(Vec::new(), Vec::new());
    tests.tests[0].input.push(input("h", "{{schema:0 sum:3 count:2 buckets:[1 1]}}x5"));
    let expected = |histogram: &str| {
        let sample = ExpectedSample { labels: "{}".into(), histogram: histogram.into(), ..ExpectedSample::default() };
        QueryTest { expr: "sum(h)".into(), eval_time: minutes(0), expected: vec![sample], ..QueryTest::default() }
    };
    tests.tests[0].queries = vec![expected("{{count:2 sum:3 buckets:[1 1]}}")];
    assert_eq!(run(&tests, &[rules()]).to_string(), "test.yml: 1 passed, 0 failed\n");
    tests.tests[0].queries = vec![expected("{{count:2 sum:3 buckets:[2]}}")];
    assert!(!run(&tests, &[rules()]).is_success());
}

#[test]
fn a_report_shows_the_difference() {
    let report = run(&file(vec![firing(minutes(2), &[LABELS])], Vec::new()), &[rules()]);
    insta::assert_snapshot!(report.to_string(), @r#"
    test.yml:0: FAILED: test 1
      line 0: alert Down, time 120s: expected (-) and got (+) differ:
        - labels {alertname="Down", job="a", severity="page"} annotations {summary="a at s http://w"}
    test.yml: 0 passed, 1 failed
    "#);
}
