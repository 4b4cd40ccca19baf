//! Rule files and unit tests, good and bad.

use std::time::Duration;

use kernel::book::Threshold;
use kernel::book::rules::{Alerting, Flapping, OnMissing, Recovery, Rule, Several};

use super::*;

fn alerting(text: &str) -> Alerting {
    let file = check("rules.yml", text.as_bytes()).whole().unwrap();
    match file.groups.into_iter().flat_map(|group| group.rules).next() {
        Some(Rule::Alerting(rule)) => rule,
        other => panic!("{other:?}"),
    }
}

/// The findings of a file in short: `line:column code`.
fn wrong(text: &str) -> Vec<String> {
    let checked = check("rules.yml", text.as_bytes());
    checked.findings.iter().map(|finding| format!("{}:{} {}", finding.line, finding.column, finding.rule)).collect()
}

const GOOD: &str = r#"
groups:
  - name: one
    interval: 30s
    query_offset: 1m
    limit: 10
    labels: { team: a }
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels:
          number: 1
      - alert: Down
        expr: |
          up
            == 0
        for: 1h30m
        keep_firing_for: 5m
        labels: &severity
          severity: page
        annotations:
          summary: "{{ $labels.job }} is down"
          nothing:
  - name: two
    rules:
      - alert: Also
        expr: 1
        labels:
          <<: *severity
          more: yes
"#;

#[test]
fn every_key_of_prometheus_is_read() {
    let file = check("rules.yml", GOOD.as_bytes()).whole().unwrap();
    let one = &file.groups[0];
    assert_eq!((one.interval, one.query_offset), (Some(Duration::from_secs(30)), Some(Duration::from_secs(60))));
    assert_eq!(one.limit.map(std::num::NonZeroU32::get), Some(10));
    let Rule::Alerting(down) = &one.rules[1] else { panic!("{:?}", one.rules) };
    assert_eq!((down.hold, down.keep_firing), (Duration::from_secs(5400), Duration::from_secs(300)));
    assert_eq!(down.expr.text, "up\n  == 0\n");
    assert_eq!((down.at.line, down.at.last_line), (13, 23));
    assert_eq!(down.annotations.get("nothing").map(String::as_str), Some(""));
    let Rule::Alerting(also) = &file.groups[1].rules[0] else { panic!() };
    assert_eq!(also.labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(), ["more=yes", "severity=page"]);
    assert!(check("empty.yml", b"").whole().unwrap().groups.is_empty());
    assert!(check("empty.yml", b"groups:\n-\n- name: a\n  rules:\n  -\n").whole().is_ok());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "groups:\n- name: a\n  intervall: 1m\n  rules:\n  - alert: A\n    record: b\n    expr: up\n  - expr: up\n  - alert: B\n    expr: 'up ='\n  - alert: C\n    expr: up\n    for: 5\n  - record: d\n    expr: up\n    annotations: {a: b}\n  - alert: E\n  - record: 'x{a=\"b\"}'\n    expr: up\n- name: a\n- rules: []\n";
    let expected = [
        "3:3 WB012",
        "5:5 RF002",
        "8:5 RF002",
        "10:15 RF003",
        "13:10 RF007",
        "16:18 RF004",
        "17:5 RF003",
        "18:5 RF005",
        "20:3 RF001",
        "21:3 RF001",
    ];
    assert_eq!(wrong(text), expected);
}

#[test]
fn forms_that_are_wrong_are_refused() {
    let table = [
        ("groups: 5", "1:9 WB015"),
        ("group: []", "1:1 WB012"),
        ("groups:\n- name: a\n  name: b\n", "3:3 WB013"),
        ("groups:\n- name: a\n  limit: many\n", "3:10 RF008"),
        ("groups: [", "2:1 WB010"),
        ("groups: []\n---\ngroups: []\n", "2:1 WB011"),
        ("groups:\n- name: a\n  labels: {__name__: b}\n", "3:12 RF006"),
        ("groups: *a\n", "1:9 WB011"),
    ];
    for (text, expected) in table {
        let found = wrong(text);
        assert!(
            found.first().is_some_and(|first| first.ends_with(expected.split(' ').next_back().unwrap())),
            "{text}: {found:?}"
        );
    }
    assert_eq!(check("a.yml", b"groups: []\n\xff").findings.iter().map(|f| f.rule).collect::<Vec<_>>(), ["RF011"]);
}

#[test]
fn a_bad_rule_is_refused_by_name_and_the_rest_is_there_for_who_asks() {
    let text = "groups:\n- name: a\n  rules:\n  - alert: Good\n    expr: up == 0\n  - alert: Bad\n    expr: up ==\n";
    assert!(check("rules.yml", text.as_bytes()).whole().is_err());
    let (file, refused) = check("rules.yml", text.as_bytes()).rest().unwrap();
    assert_eq!(file.groups[0].rules.iter().map(Rule::name).collect::<Vec<_>>(), ["Good"]);
    assert_eq!(refused[0].to_string(), "rule \"Bad\" of group \"a\" on line 6");
    assert!(check("rules.yml", b"groups: 5").rest().is_err());
    assert!(check("rules.yml", format!("{text}other: 1\n").as_bytes()).rest().is_err());
    let (file, refused) = check("rules.yml", format!("{text}- name: b\n  limits: 1\n").as_bytes()).rest().unwrap();
    assert_eq!((file.groups.len(), refused.len()), (1, 2));
}

fn with(block: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum by (s) (x) > 5\n    watchkeeper:\n{block}")
}

#[test]
fn what_goes_beyond_is_read() {
    let text = with(
        "      recover_when: '< 3'\n      for: 3 of 5\n      on_missing: alert after 10m\n      flapping: {high: 40}\n      \
         min_events: {of: sum(n), at_least: 20}\n      severity_from: {impact: sum(lost), steps: {'> 10': critical}}\n",
    );
    let beyond = alerting(&text).beyond.unwrap();
    assert_eq!(beyond.recover_when, Some(Recovery::Threshold(Threshold::Below(3.0))));
    assert_eq!(beyond.several, Several::new(3, 5));
    assert_eq!(beyond.on_missing, OnMissing::Alert(Duration::from_secs(600)));
    assert_eq!(beyond.flapping, Flapping::new(40, 20));
    assert_eq!(beyond.min_events.map(|events| (events.of.text, events.at_least)), Some(("sum(n)".into(), 20.0)));
    let from = beyond.severity_from.unwrap();
    assert_eq!(from.steps, [(Threshold::Above(10.0), "critical".to_owned())]);
    let query =
        alerting(&with("      recover_when: sum by (s) (x) < 2\n      on_missing: keep\n      flapping: true\n"));
    let beyond = query.beyond.unwrap();
    assert!(matches!(beyond.recover_when, Some(Recovery::Query(_))));
    assert_eq!((beyond.on_missing, beyond.flapping), (OnMissing::Keep, Some(Flapping::default())));
}

#[test]
fn what_goes_beyond_sense_is_refused() {
    let table = [
        ("recover_when: '< 6'", "RF009"),
        ("recover_when: '> 9'", "RF009"),
        ("recover_when: x <", "RF003"),
        ("for: 5 of 3", "RF009"),
        ("for: 5m", "RF009"),
        ("on_missing: forget", "RF009"),
        ("on_missing: resolve after soon", "RF009"),
        ("flapping: {high: 10}", "RF009"),
        ("flapping: maybe", "RF009"),
        ("min_events: {of: sum(n)}", "RF009"),
        ("min_events: {at_least: 5}", "RF009"),
        ("severity_from: {impact: sum(n)}", "RF009"),
        ("recover_wen: '< 3'", "WB012"),
    ];
    for (line, code) in table {
        let found = wrong(&with(&format!("      {line}\n")));
        assert!(found.len() == 1 && found[0].ends_with(code), "{line}: {found:?}");
    }
}

const TEST: &str = r#"
rule_files: [rules.yml]
evaluation_interval: 30s
group_eval_order: [one, two]
fuzzy_compare: true
tests:
  - name: first
    start_timestamp: 2026-01-05T09:00:00Z
    interval: 15s
    input_series:
      - series: up{job="a"}
        values: 1 0x5
    alert_rule_test:
      - eval_time: 1m
        alertname: Down
        exp_alerts:
          - exp_labels: { severity: page, n: 1 }
            exp_annotations: { summary: down }
    promql_expr_test:
      - expr: up
        eval_time: 1m
        exp_samples:
          - labels: up{job="a"}
            value: 1e1
          - labels: '{}'
            histogram: '{{count:1}}'
    external_labels: { site: x }
    external_url: http://w
  -
"#;

#[test]
fn unit_tests_are_read() {
    let file = check_test("test.yml", TEST.as_bytes()).unwrap();
    assert!(file.fuzzy_compare);
    let test = &file.tests[0];
    assert_eq!((test.interval, test.start), (Duration::from_secs(15), 1_767_603_600_000));
    assert_eq!(test.alerts[0].expected[0].labels.get("n").map(String::as_str), Some("1"));
    assert_eq!(test.queries[0].expected[0].value, 10.0);
    assert_eq!(test.queries[0].expected[1].histogram, "{{count:1}}");
    let usual = check_test("test.yml", b"tests:\n- name: a\n").unwrap();
    assert_eq!(
        (usual.evaluation_interval, usual.tests[0].interval),
        (Duration::from_secs(60), Duration::from_secs(60))
    );
    for bad in [
        "test: []",
        "group_eval_order: [a, a]",
        "tests:\n- interval: 5",
        "tests:\n- promql_expr_test:\n  - exp_samples:\n    - value: '5'\n",
    ] {
        assert!(check_test("test.yml", bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn rule_files_are_found_beside_their_tests() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("test.yml", "rule_files: ['*.rules.yml', ./none.yml, 'x/../*.rules.yml']\ntests: []\n");
    write("b.rules.yml", "groups: [{name: b}]\n");
    write("a.rules.yml", "groups: [{name: a}]\n");
    let loaded = load_test(&folder.path().join("test.yml")).unwrap();
    let rules = loaded.rules.unwrap();
    assert_eq!(rules.iter().map(|file| file.groups[0].name.as_str()).collect::<Vec<_>>(), ["a", "b", "a", "b"]);
    assert_eq!(rules[0].path, rules[2].path);
    assert_eq!(loaded.empty_patterns, ["./none.yml"]);
    assert!(load_test(&folder.path().join("absent.yml")).is_err());
}

proptest::proptest! {
    #[test]
    fn no_file_panics(text in "(groups|tests|- |name|rules|alert|expr|for|: |\\[|\\]|\\{|\\}|&a|\\*a|<<|\n|  |'|\"|\\PC){0,40}") {
        let _ = check("rules.yml", text.as_bytes());
        let _ = check_test("test.yml", text.as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = check("rules.yml", &bytes);
    }
}
