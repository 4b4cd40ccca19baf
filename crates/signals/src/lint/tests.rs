//! One table for every code: an expression or a rule that it finds, and its like that it does not.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::book::rules::{Alerting, Beyond, Expression, Group, MinEvents, OnMissing, Place, Recording, Rule};

use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn query(text: &str) -> Expression {
    Expression { text: text.to_owned(), at: Place { line: 3, column: 1, last_line: 3 } }
}

const AT: Place = Place { line: 2, column: 1, last_line: 9 };

/// An alert of which nothing is doubtful.
fn good() -> Alerting {
    Alerting {
        alert: "DiskWillFill".into(),
        at: AT,
        expr: query("free_ratio < 0.1"),
        hold: Duration::from_secs(300),
        labels: map(&[("severity", "warning"), ("team", "storage")]),
        annotations: map(&[
            ("summary", "A disk is nearly full."),
            ("description", "{{ $labels.device }} has {{ $value }} left."),
            ("runbook_url", "https://example.org/disk"),
            ("dashboard_url", "https://example.org/d/disk"),
        ]),
        ..Alerting::default()
    }
}

fn recording(record: &str, expr: &str) -> Recording {
    Recording { record: record.into(), at: AT, expr: query(expr), labels: map(&[("team", "a")]) }
}

fn group(rules: Vec<Rule>) -> Group {
    Group { name: "g".into(), at: Place { line: 1, column: 1, last_line: 9 }, rules, ..Group::default() }
}

fn findings(groups: Vec<Group>, text: &str, policy: &Policy) -> Vec<Finding> {
    let file = RuleFile { path: "rules.yml".into(), groups };
    check(&[Source { file: &file, text }], policy)
}

fn codes_of(rule: Rule) -> Vec<&'static str> {
    findings(vec![group(vec![rule])], "", &Policy::default()).iter().map(|finding| finding.code).collect()
}

fn codes_of_query(text: &str) -> Vec<&'static str> {
    codes_of(Rule::Alerting(Alerting {
        expr: query(text),
        annotations: map(&[
            ("summary", "s"),
            ("description", "d"),
            ("runbook_url", "https://r"),
            ("dashboard_url", "https://d"),
        ]),
        ..good()
    }))
}

#[test]
fn a_good_rule_has_no_finding() {
    assert_eq!(codes_of(Rule::Alerting(good())), Vec::<&str>::new());
    let record = recording("job:requests:rate5m", "sum by (job) (rate(requests_total[5m]))");
    assert_eq!(codes_of(Rule::Recording(record)), Vec::<&str>::new());
}

#[test]
fn queries() {
    let table: &[(&str, &[&str])] = &[
        ("up ==", &["promql/syntax"]),
        ("rate(x_total[1m]) > 1", &["promql/rate"]),
        ("rate(x_total[5m]) > 1", &[]),
        ("rate(sum(x_total)[5m:1m]) > 1", &["promql/rate"]),
        ("errors_total > 5", &["promql/counter"]),
        ("sum(errors_total) > 5", &["promql/counter"]),
        ("increase(errors_total[5m]) > 5", &[]),
        ("rate(node_memory_bytes[5m]) > 1", &["promql/gauge"]),
        ("delta(errors_total[5m]) > 1", &["promql/gauge"]),
        ("topk(3, load) > 5", &["promql/fragile"]),
        ("load / sum(cores) > 5", &["promql/fragile"]),
        ("load / on (job) group_left sum by (job) (cores) > 5", &[]),
        ("up == 2", &["promql/impossible"]),
        ("count(up) == 0", &["promql/impossible"]),
        ("count(up == 0) > 2", &[]),
        ("rate(x_total[5m]) < 0", &["promql/impossible"]),
        ("x > 5 < 3", &["promql/impossible"]),
        ("count(up) >= 1", &["promql/always"]),
        ("rate(x_total[5m]) >= 0", &["promql/always"]),
        ("absent(up) == 1", &[]),
        ("count by (job) (up == 0) > 0", &[]),
        ("up{job=~\"a\"} == 0", &["promql/regexp"]),
        ("up{job=~\"^a.*\"} == 0", &["promql/regexp"]),
        ("up{job=~\"a.*|b\"} == 0", &[]),
        ("up{job=\"a\", job=\"b\"} == 0", &["promql/selector"]),
        ("up{job=\"a\", job=~\"a.*\"} == 0", &["promql/selector"]),
        ("up{job=~\"a.*\", job!=\"ab\"} == 0", &[]),
        ("sum by (a) (x) / sum by (b) (y) > 1", &["promql/vector_matching"]),
        ("sum by (a) (x) / on (b) sum by (b) (y) > 1", &["promql/vector_matching"]),
        ("sum by (a) (x) / sum by (a) (y) > 1", &[]),
        ("{job=\"a\"} == 0", &["query/cost"]),
        ("up", &["alerts/comparison"]),
        ("up == bool 0", &["alerts/comparison"]),
        ("up unless down", &[]),
        ("absent(sum(up))", &["alerts/absent"]),
        ("absent(up)", &[]),
        ("rate(a_total[5m]) / rate(b_total[5m]) > 0.1", &["alerts/low_traffic"]),
        ("anomaly(x) > 1", &["alerts/anomaly", "alerts/anomaly", "promql/impossible"]),
        ("unusual(sum by (service) (rate(x_total[5m])))", &[]),
        ("unusual(x_total)", &["promql/anomaly"]),
        ("anomaly(sum(x_total)) > 0.99", &["alerts/anomaly", "alerts/anomaly", "promql/anomaly"]),
        ("max_over_time(anomaly(x)[1h:1m]) > 0.99", &["alerts/anomaly", "alerts/anomaly", "promql/anomaly"]),
    ];
    for (text, expected) in table {
        assert_eq!(codes_of_query(text), *expected, "{text}");
    }
}

#[test]
fn labels_in_templates_are_those_that_the_expression_keeps() {
    let table = [
        ("sum by (job) (up) == 0", false),
        ("sum by (device) (up) == 0", true),
        ("sum without (device) (up) == 0", false),
        ("sum without (job) (up) == 0", true),
        ("absent(up{device=\"a\"})", true),
        ("absent(up{device=~\"a\"})", false),
        ("up{device=\"\"} == 0", false),
        ("label_replace(sum(up), \"device\", \"$1\", \"x\", \"(.*)\") == 0", true),
        ("sum by (a) (up) * on (a) group_left (device) info > 0", true),
        ("sum by (a) (up) * on (a) group_left (other) info > 0", false),
        ("up == 0 or sum by (a) (up) == 0", true),
        ("count_values(\"device\", up) > 1", true),
        ("vector(1) > 0", false),
    ];
    for (text, known) in table {
        let found = codes_of(Rule::Alerting(Alerting { expr: query(text), ..good() }));
        assert_eq!(!found.contains(&"alerts/template"), known, "{text}: {found:?}");
    }
}

#[test]
fn alerts() {
    let with = |change: fn(&mut Alerting)| {
        let mut rule = good();
        change(&mut rule);
        codes_of(Rule::Alerting(rule))
    };
    let annotate = |rule: &mut Alerting, name: &str, text: &str| rule.annotations.insert(name.into(), text.into());
    assert_eq!(
        with(|rule| rule.annotations.clear()),
        ["alerts/annotation", "alerts/annotation", "alerts/dashboard", "alerts/runbook"]
    );
    let mut rule = good();
    annotate(&mut rule, "summary", "{{ $labels.device }}");
    assert_eq!(codes_of(Rule::Alerting(rule)), ["alerts/summary"]);
    let mut rule = good();
    annotate(&mut rule, "description", "{{ $labels.device | nothing }}");
    assert_eq!(codes_of(Rule::Alerting(rule)), ["alerts/template"]);
    let mut rule = good();
    annotate(&mut rule, "runbook_url", "see the wiki");
    assert_eq!(codes_of(Rule::Alerting(rule)), ["rule/link"]);
    assert_eq!(with(|rule| rule.hold = Duration::ZERO), ["alerts/for"]);
    assert_eq!(with(|rule| rule.hold = Duration::from_secs(5)), ["alerts/for"]);
    assert_eq!(with(|rule| rule.keep_firing = Duration::from_secs(5)), ["alerts/for"]);
    assert_eq!(with(|rule| rule.alert = "disk full".into()), ["alerts/name"]);
    assert_eq!(with(|rule| drop(rule.labels.remove("severity"))), ["alerts/severity"]);
    assert_eq!(with(|rule| drop(rule.labels.insert("severity".into(), "awful".into()))), ["alerts/severity"]);
    assert_eq!(with(|rule| drop(rule.labels.insert("severity".into(), "critical".into()))), ["alerts/missing"]);
    assert_eq!(with(|rule| drop(rule.labels.insert("v".into(), "{{ $value }}".into()))), ["alerts/identity"]);
    assert_eq!(with(|rule| drop(rule.labels.remove("team"))), ["rule/owner"]);
    assert_eq!(with(|rule| drop(rule.labels.insert("__a".into(), "b".into()))), ["labels/reserved"]);
    assert_eq!(with(|rule| drop(rule.labels.insert("a".into(), String::new()))), ["labels/empty"]);
    let beyond = || Beyond { on_missing: OnMissing::Keep, ..Beyond::default() };
    let mut rule = Alerting { beyond: Some(beyond()), ..good() };
    rule.labels.insert("severity".into(), "critical".into());
    assert_eq!(codes_of(Rule::Alerting(rule)), Vec::<&str>::new());
    let hits = Alerting { expr: query("anomaly(x) > 0.99"), hold: Duration::ZERO, ..good() };
    assert_eq!(codes_of(Rule::Alerting(hits.clone())), ["alerts/anomaly"]);
    let hits = Alerting { keep_firing: Duration::from_secs(300), ..hits };
    assert_eq!(codes_of(Rule::Alerting(hits)), Vec::<&str>::new());
    let min_events = Some(MinEvents { of: query("sum(x)"), at_least: 5.0 });
    let guarded = Alerting {
        expr: query("rate(a_total[5m]) / rate(b_total[5m]) > 0.1"),
        beyond: Some(Beyond { min_events, ..Beyond::default() }),
        ..good()
    };
    assert_eq!(codes_of(Rule::Alerting(guarded)), Vec::<&str>::new());
}

#[test]
fn rules_and_groups() {
    let of = |groups| findings(groups, "", &Policy::default()).iter().map(|finding| finding.code).collect::<Vec<_>>();
    let record = |name: &str, expr: &str| Rule::Recording(recording(name, expr));
    assert_eq!(of(vec![group(vec![record("requests", "sum(x)")])]), ["rule/name"]);
    assert_eq!(of(vec![group(vec![record("a:b:c", "sum(a:b:c)")])]), ["rule/loop"]);
    assert_eq!(of(vec![group(vec![record("a:b:c", "sum(d:e:f)"), record("d:e:f", "sum(x)")])]), ["rule/order"]);
    assert_eq!(of(vec![group(vec![record("d:e:f", "sum(x)"), record("a:b:c", "sum(d:e:f)")])]), Vec::<&str>::new());
    let mut again = recording("a:b:c", "sum(y)");
    again.at.line = 5;
    assert_eq!(of(vec![group(vec![record("a:b:c", "sum(x)"), Rule::Recording(again)])]), ["rule/duplicate"]);
    assert_eq!(of(vec![group(vec![record("a:b:c", "sum by (team) (x)")])]), ["labels/conflict"]);
    let mut templated = recording("a:b:c", "sum(x)");
    templated.labels.insert("v".into(), "{{ $value }}".into());
    assert_eq!(of(vec![group(vec![Rule::Recording(templated)])]), ["labels/template"]);
    assert_eq!(of(vec![group(Vec::new())]), ["group/empty"]);
    let slow = Group { interval: Some(Duration::from_secs(600)), ..group(vec![record("a:b:c", "sum(x)")]) };
    assert_eq!(of(vec![slow]), ["group/interval"]);
}

#[test]
fn a_policy_demands_and_silences() {
    let rules = || vec![group(vec![Rule::Alerting(Alerting { alert: "disk full".into(), ..good() })])];
    let level = |key: &str, level| Policy { levels: [(key.to_owned(), level)].into(), ..Policy::default() };
    assert_eq!(findings(rules(), "", &level("alerts/name", None)), []);
    assert_eq!(findings(rules(), "", &level("alerts", None)), []);
    let strict = findings(rules(), "", &level("alerts/name", Some(Level::Error)));
    assert_eq!(strict.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Error]);
    let keep = Policy { keep_labels: vec!["job".into()], retention: Some(3_600_000), ..Policy::default() };
    let rules = vec![group(vec![Rule::Recording(recording("a:b:c", "sum by (team2) (rate(x_total[2h]))"))])];
    let codes: Vec<_> = findings(rules, "", &keep).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["promql/aggregate", "promql/range_query"]);
}

#[test]
fn comments_silence() {
    let name = |text: &str| {
        let mut rule = good();
        (rule.alert, rule.at) = ("disk full".into(), Place { line: 4, column: 3, last_line: 6 });
        findings(vec![group(vec![Rule::Alerting(rule)])], text, &Policy::default())
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    let within =
        |comment: &str| format!("groups:\n- name: g\n  rules:\n  - alert: disk full\n    {comment}\n    expr: x < 1\n");
    let above = |comment: &str| {
        format!("groups:\n- name: g\n  {comment}\n  - alert: disk full\n    expr: x < 1\n    for: 5m\n")
    };
    assert_eq!(name(&within("")), ["alerts/name"]);
    assert_eq!(name(&within("# watchkeeper disable alerts/name Known by it.")), Vec::<&str>::new());
    assert_eq!(name(&above("# watchkeeper disable alerts/name Known by it.")), Vec::<&str>::new());
    assert_eq!(name("# watchkeeper disable alerts/name Known.\nrules:\n"), ["alerts/name"]);
    assert_eq!(name("# watchkeeper file/disable alerts/name Known.\nrules:\n"), Vec::<&str>::new());
    assert_eq!(name(&within("# pint disable alerts/name")), Vec::<&str>::new());
    assert_eq!(name("# pint ignore/file"), Vec::<&str>::new());
    assert_eq!(name(&within("# watchkeeper disable alerts/name")), ["comment/reason"]);
    assert_eq!(name(&within("# watchkeeper disable alerts/nam Why.")), ["alerts/name", "comment/unknown"]);
}

#[test]
fn codes_are_unique_and_the_page_is_current() {
    let codes: std::collections::BTreeSet<_> = CODES.iter().map(|code| code.code).collect();
    assert_eq!(codes.len(), CODES.len());
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules-lint.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page, table()).unwrap();
    }
    let written = std::fs::read_to_string(page).unwrap_or_default();
    assert!(written == table(), "docs/rules-lint.md is not current: run the tests once with UPDATE_DOCS=1");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}", comment in "(# (watchkeeper|pint) [a-z/]{0,14} [a-z/( ]{0,10}\n){0,4}") {
        let rule = Rule::Alerting(Alerting { expr: query(&text), annotations: map(&[("summary", &text)]), ..good() });
        let _ = findings(vec![group(vec![rule])], &comment, &Policy::default());
    }
}
