//! The same templates rendered by Prometheus' own `promtool`, where it is installed: what Go says is what we say.

use std::process::Command;

use super::quote::unquote;
use super::{Answer, Query, Scope, ScopeValue, render};

/// What the fixture of `promtool` answers.
struct Fixture;

impl Query for Fixture {
    fn query(&self, expression: &str) -> Result<Answer, String> {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match expression {
            "up" => Ok(vec![(vec![label("__name__", "up"), label("instance", "b:9100")], 21.0)]),
            _ => Ok(Vec::new()),
        }
    }
}

/// Values, as literals.
const VALUES: [&str; 24] = [
    "0",
    "-1",
    "42",
    "1234567",
    "0.0",
    "-1.5",
    "0.1",
    "1e6",
    "123456.789",
    "1e-5",
    "1e21",
    "99999.5",
    "2.5",
    "0.000123456",
    "\"hi\"",
    "\"12.5\"",
    "\"a.b.c:80\"",
    "\"10.0.0.1:80\"",
    "true",
    "$labels",
    "$labels.job",
    "$value",
    "(query \"up\" | first)",
    "(query \"none\")",
];

/// Shapes of templates, with a value in place of `@`. What is an error in Go is one here, in the same words.
const SHAPES: [&str; 40] = [
    "{{ @ }}",
    "{{ @ | humanize }}",
    "{{ humanize1024 @ }}",
    "{{ humanizeDuration @ }}",
    "{{ @ | humanizePercentage }}",
    "{{ humanizeTimestamp @ }}",
    "{{ printf \"%v|%d|%s\" @ @ @ }}",
    "{{ printf \"%.2f|%8.3f|%-8.1f|%08.2f|%+f\" @ @ @ @ @ }}",
    "{{ printf \"%g|%.3g|%e|%.1e|%G\" @ @ @ @ @ }}",
    "{{ printf \"%5d|%-5d|%05d|%+d|%o|%c|%U\" @ @ @ @ @ @ @ }}",
    "{{ printf \"%q|%10s|%-10s|%.2s|%t\" @ @ @ @ @ }}",
    "{{ printf \"%d %d\" @ }}",
    "{{ printf \"x\" @ }}",
    "{{ printf \"%T %z\" @ @ }}",
    "{{ if @ }}yes{{ else }}no{{ end }}",
    "{{ with @ }}{{ . }}{{ else }}none{{ end }}",
    "{{ range @ }}{{ . }};{{ else }}none{{ end }}",
    "{{ eq @ 42 }}",
    "{{ gt @ 1.0 }}",
    "{{ le @ \"hi\" }}",
    "{{ ne @ @ }}",
    "{{ and @ 1 }}",
    "{{ or @ 1 }}",
    "{{ not @ }}",
    "{{ len @ }}",
    "{{ index @ 0 }}",
    "{{ index @ \"job\" }}",
    "{{ slice @ 1 2 }}",
    "{{ print @ @ 1 \"x\" }}",
    "{{ html @ }}",
    "{{ js @ }}",
    "{{ urlquery @ }}",
    "{{ toUpper @ }}",
    "{{ @ | title }}",
    "{{ stripPort @ }}",
    "{{ stripDomain @ }}",
    "{{ graphLink @ }}",
    "{{ @ | first }}",
    "{{ (@).job }}",
    "{{ reReplaceAll \"(.)i\" \"<$1>\" @ }}",
];

/// Words of answers that newer versions of Go and Prometheus give otherwise, as we do.
const NEWER: [&str; 3] = ["Value float64", "non-comparable", "range can't iterate over"];

#[test]
fn promtool_renders_the_same() {
    let templates: Vec<String> =
        SHAPES.iter().flat_map(|shape| VALUES.iter().map(|value| shape.replace('@', value))).collect();
    let Some(theirs) = promtool(&templates) else {
        println!("skipped: promtool is not installed");
        return;
    };
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let labels: Vec<_> = [("__name__", "m"), ("instance", "a:9100"), ("job", "node <1>")].iter().map(pair).collect();
    let value = ScopeValue::Float(1_234_567.0);
    let scope = Scope { labels: &labels, external_labels: &[], external_url: "", value };
    let (mut compared, mut wrong) = (0, Vec::new());
    for (i, text) in templates.iter().enumerate() {
        // What `promtool` prints by its address in memory has no fixed text.
        let Some(wanted) = theirs.get(i).and_then(Option::as_ref).filter(|text| !text.contains("0xc0")) else {
            continue;
        };
        let ours = render("__alert_A", text, &scope, &Fixture, 120_000);
        let ours = ours.unwrap_or_else(|message| format!("<error expanding template: {message}>"));
        if NEWER.iter().any(|words| wanted.contains(words)) {
            continue;
        }
        compared += 1;
        if &ours != wanted {
            wrong.push(format!("{text}\n  promtool: {wanted}\n  here:     {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{compared} templates compared");
    assert!(compared > 800, "{compared}");
}

/// What `promtool` makes of each template; `None` when it is not there.
fn promtool(templates: &[String]) -> Option<Vec<Option<String>>> {
    let folder = std::env::temp_dir().join(format!("watchkeeper-promtool-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let annotation = |(i, text): (usize, &String)| format!("      a{i:05}: {}\n", serde_json::to_string(text).unwrap());
    let annotations: String = templates.iter().enumerate().map(annotation).collect();
    let rules = format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: m > 0\n    annotations:\n{annotations}");
    let series = [("m{instance=\"a:9100\",job=\"node <1>\"}", "1234567x5"), ("up{instance=\"b:9100\"}", "21x5")]
        .map(|(series, values)| format!("  - {{series: '{series}', values: '{values}'}}\n"))
        .concat();
    let test = format!(
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n{series}  alert_rule_test:\n  - {{eval_time: 2m, alertname: A, exp_alerts: []}}\n"
    );
    std::fs::write(folder.join("rules.yml"), rules).unwrap();
    std::fs::write(folder.join("test.yml"), test).unwrap();
    let output = Command::new("promtool").args(["test", "rules", "test.yml"]).current_dir(&folder).output();
    std::fs::remove_dir_all(&folder).unwrap();
    let output = output.ok()?;
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let pattern = regex::Regex::new(r#"a(\d{5})=("(?:[^"\\]|\\.)*")"#).unwrap();
    let mut rendered = vec![None; templates.len()];
    for found in pattern.captures_iter(&printed) {
        let number: usize = found[1].parse().unwrap();
        rendered[number] = unquote(&found[2]);
    }
    Some(rendered)
}
