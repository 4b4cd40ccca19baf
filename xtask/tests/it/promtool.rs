//! The verdicts of unit tests of rules beside those of promtool, where that is installed.

use std::path::Path;
use std::process::{Command, Stdio};

use connectors::rules;

const RULES: &str = r#"
groups:
  - name: records
    rules:
      - record: job:up:sum
        expr: sum by (job) (up)
        labels: { level: "job" }
  - name: alerts
    rules:
      - alert: Down
        expr: up == 0
        for: 2m
        keep_firing_for: 3m
        labels: { severity: "{{ if eq $labels.job \"a\" }}page{{ end }}" }
        annotations:
          summary: "{{ $labels.job }} {{ $value | humanize }} {{ $externalLabels.site }}"
          broken: "{{ query \"nothing\" | first }}"
      - alert: Many
        expr: job:up:sum > 1
"#;

/// A test and whether it passes.
const CASES: &[(&str, bool)] = &[
    // Pending, firing, kept firing, over.
    ("alert_rule_test: [{eval_time: 1m, alertname: Down}, {eval_time: 2m, alertname: Down}]", true),
    ("alert_rule_test: [{eval_time: 3m, alertname: Down}]", false),
    ("alert_rule_test: [{eval_time: 10m, alertname: Down}]", true),
    (
        r#"alert_rule_test:
      - eval_time: 3m
        alertname: Down
        exp_alerts:
          - exp_labels: { job: a, severity: page }
            exp_annotations:
              summary: "a 0 x"
              broken: "<error expanding template: error executing template __alert_Down: template: __alert_Down:1:133: executing \"__alert_Down\" at <first>: error calling first: first() called on vector with no elements>""#,
        true,
    ),
    (
        "alert_rule_test: [{eval_time: 3m, alertname: Down, exp_alerts: [{exp_labels: {job: a, severity: page}}]}]",
        false,
    ),
    ("alert_rule_test: [{eval_time: 3m, alertname: None}]", true),
    ("alert_rule_test: [{eval_time: 3m}]", false),
    // Queries.
    (
        "promql_expr_test: [{expr: 'job:up:sum', eval_time: 1m, exp_samples: [{labels: 'job:up:sum{job=\"a\",level=\"job\"}', value: 0}, {labels: 'job:up:sum{job=\"b\",level=\"job\"}', value: 1}]}]",
        true,
    ),
    ("promql_expr_test: [{expr: 'job:up:sum', eval_time: 1m}]", false),
    ("promql_expr_test: [{expr: '1 + 1', eval_time: 1m, exp_samples: [{labels: '{}', value: 2}]}]", true),
    ("promql_expr_test: [{expr: 'up[1m]', eval_time: 1m}]", false),
    (
        "promql_expr_test: [{expr: 'sum(ALERTS{alertstate=\"pending\"})', eval_time: 2m, exp_samples: [{labels: '{}', value: 1}]}]",
        true,
    ),
    (
        "promql_expr_test: [{expr: 'ALERTS_FOR_STATE', eval_time: 4m, exp_samples: [{labels: 'ALERTS_FOR_STATE{alertname=\"Down\",job=\"a\",severity=\"page\"}', value: 60}]}]",
        true,
    ),
    ("promql_expr_test: [{expr: 'vector(0) / 0', eval_time: 1m, exp_samples: [{labels: '{}', value: .nan}]}]", false),
    ("promql_expr_test: [{expr: 'vector(1) / 0', eval_time: 1m, exp_samples: [{labels: '{}', value: .inf}]}]", true),
    // Forms.
    ("promql_expr_test: [{expr: '1', eval_time: 1, exp_samples: [{labels: '{}', value: 1}]}]", false),
    ("promql_expr_test: [{expr: '1', eval_time: 1m, exp_samples: [{labels: '{}', value: '1'}]}]", false),
    ("promql_expr_tests: []", false),
    ("name: only a name", true),
];

fn ours(path: &Path) -> (bool, String) {
    match rules::load_test(path) {
        Err(findings) => (false, findings.to_string()),
        Ok(loaded) => {
            let report = match &loaded.rules {
                Ok(rules) => signals::unit::run(&loaded.tests, rules),
                Err(findings) => signals::unit::refused(&loaded.tests, &findings.to_string()),
            };
            (report.is_success(), report.to_string())
        }
    }
}

/// `None` where promtool is not installed.
fn promtool(path: &Path) -> Option<bool> {
    let mut command = Command::new("promtool");
    let status = command.args(["test", "rules"]).arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.ok().map(|status| status.success())
}

#[test]
fn verdicts_are_those_of_promtool() {
    let folder = testkit::temp_dir();
    std::fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let path = folder.path().join("test.yml");
    for (case, passes) in CASES {
        let test = format!(
            "rule_files: ['*les.yml']\ngroup_eval_order: [records, alerts]\ntests:\n  - interval: 1m\n    input_series:\n      \
             - {{ series: 'up{{job=\"a\"}}', values: '1 0 0 0 1x20' }}\n      - {{ series: 'up{{job=\"b\"}}', values: '1x30' }}\n    \
             external_labels: {{ site: x }}\n    {case}\n"
        );
        std::fs::write(&path, test).unwrap();
        let (verdict, report) = ours(&path);
        assert_eq!(verdict, *passes, "{case}\n{report}");
        match promtool(&path) {
            Some(verdict) => assert_eq!(verdict, *passes, "promtool: {case}"),
            None => println!("skipped: promtool is not installed"),
        }
    }
}
