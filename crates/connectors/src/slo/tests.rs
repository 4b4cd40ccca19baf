//! Files of every form: what they become, and what is said about those that are wrong.

use std::collections::BTreeSet;

use kernel::Seconds;
use kernel::book::slo::{Sli, Slo, Tier};
use proptest::prelude::*;

use super::{check, plugins, written_alerts};

const SLOTH: &str = "\
version: prometheus/v1
service: shop
labels: {owner: pay, tier: '2'}
slos:
  - name: availability
    objective: 99.9
    labels: {tier: '1'}
    sli:
      events:
        error_query: sum(rate(errors[{{.window}}]))
        total_query: sum(rate(requests[{{.window}}]))
    alerting:
      name: ShopErrors
      page_alert: {labels: {severity: critical}}
      ticket_alert: {disable: true}
    watchkeeper: {min_events: 10, drop: [page_slow], period: 28d}
";

fn slos(text: &str) -> Vec<Slo> {
    let checked = check("slo.yaml", text.as_bytes());
    assert!(checked.findings.is_empty(), "{}", checked.findings);
    checked.slos.into_iter().map(|found| found.slo).collect()
}

#[track_caller]
fn complains(text: &str, wanted: &[&str]) {
    let checked = check("slo.yaml", text.as_bytes());
    let said = checked.findings.to_string();
    let codes: Vec<&str> = checked.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(codes, wanted, "{said}");
}

#[test]
fn sloths_form() {
    let slos = slos(SLOTH);
    let [slo] = slos.as_slice() else { panic!("{slos:?}") };
    assert_eq!((slo.id().as_str(), slo.objective.as_percent(), slo.form), ("shop-availability", 99.9, "prometheus/v1"));
    assert_eq!(slo.labels.get("tier").map(String::as_str), Some("1"));
    assert_eq!((slo.min_events.map(u32::from), slo.period), (Some(10), Some(Seconds::hours(28 * 24))));
    assert_eq!(slo.dropped, BTreeSet::from([Tier::PageSlow]));
    assert!(slo.alerting.ticket.disabled && !slo.alerting.page.disabled);
    assert!(matches!(&slo.sli, Sli::Events { error, .. } if error == "sum(rate(errors[{{.window}}]))"));
}

#[test]
fn sloths_kubernetes_form_says_the_same() {
    let spec = SLOTH.lines().skip(1).map(|line| format!("  {line}\n")).collect::<String>();
    let camel = spec
        .replace("error_query", "errorQuery")
        .replace("total_query", "totalQuery")
        .replace("page_alert", "pageAlert")
        .replace("ticket_alert", "ticketAlert");
    let text = format!(
        "apiVersion: sloth.slok.dev/v1\nkind: PrometheusServiceLevel\nmetadata: {{name: x, namespace: y}}\nspec:\n{camel}"
    );
    let (plain, kubernetes) = (slos(SLOTH), slos(&text));
    assert_eq!(plain.into_iter().map(|slo| Slo { form: "sloth.slok.dev/v1", ..slo }).collect::<Vec<_>>(), kubernetes);
}

#[test]
fn several_documents_and_where_they_are_wrong() {
    let second = SLOTH.replace("service: shop", "service: mail").replace("99.9", "100");
    let text = format!("---\n{SLOTH}---\n# nothing\n---\n{second}");
    let checked = check("slo.yaml", text.as_bytes());
    assert_eq!(checked.slos.len(), 1);
    assert_eq!(checked.slos.first().map(|found| found.line), Some(6));
    let finding = checked.findings.iter().next().unwrap();
    assert_eq!((finding.rule, finding.line, finding.text.trim()), ("SL005", 26, "objective: 100"));
    complains(&format!("{SLOTH}---\n{SLOTH}"), &["SL004"]);
}

#[test]
fn plugins_of_sloth() {
    let text = SLOTH.replace(
        "    sli:\n      events:\n        error_query: sum(rate(errors[{{.window}}]))\n        total_query: sum(rate(requests[{{.window}}]))\n",
        "    sli: {plugin: {id: latency, options: {job: api}}}\n    plugins:\n      chain:\n        - {id: sloth.dev/core/debug/v1, config: {msg: x}}\n        - {id: sloth.dev/contrib/info_labels/v1, config: {labels: {a: b}}}\n        - {id: sloth.dev/contrib/rule_intervals/v1, config: {interval: {default: 5m}}}\n",
    );
    let slos = slos(&text);
    let [slo] = slos.as_slice() else { panic!("{slos:?}") };
    assert!(matches!(&slo.sli, Sli::Plugin { id, options } if id == "latency" && options.len() == 1));
    assert_eq!((slo.info_labels.len(), slo.interval), (1, Some(Seconds::minutes(5))));
    complains(&text.replace("core/debug", "contrib/new"), &["SL022"]);
    let known = plugins("plugins.yaml", b"latency: |\n  sum(rate(x{job=\"{{.options.job}}\"}[{{.window}}]))\n");
    assert_eq!(known.unwrap().len(), 1);
    assert!(plugins("plugins.yaml", b"latency: [a]").is_err());
}

#[test]
fn windows_of_ones_own() {
    let text = "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: 7d\n  page:\n    quick: {errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h}\n    slow: {errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h}\n  ticket:\n    quick: {errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d}\n    slow: {errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d}\n";
    let checked = check("windows.yaml", text.as_bytes());
    assert!(checked.findings.is_empty(), "{}", checked.findings);
    let windows = checked.windows.first().unwrap();
    assert_eq!(windows.period(), Seconds::hours(7 * 24));
    assert_eq!(windows.pace(Tier::TicketSlow).budget_percent, 42.0);
    complains(&text.replace("longWindow: 1h", "longWindow: 5m"), &["SL007"]);
    complains(&text.replace("longWindow: 1h", "longWindow: soon"), &["SL007"]);
    complains(&text.replace("  ticket:", "  tickets:"), &["SL007", "SL007", "SL020"]);
}

#[test]
fn openslo_with_the_indicator_within() {
    let text = "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: availability\n  labels: {team: pay, list: [a]}\nspec:\n  service: shop\n  indicator:\n    metadata: {name: good}\n    spec:\n      ratioMetric:\n        counter: true\n        good: {metricSource: {type: Prometheus, spec: {query: 'requests{code=\"200\"}'}}}\n        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(requests[{{.window}}]))'}}}\n  timeWindow: [{duration: 4w, isRolling: true}]\n  budgetingMethod: Occurrences\n  objectives: [{target: 0.995}]\n";
    let slos_read = slos(text);
    let [slo] = slos_read.as_slice() else { panic!("{slos_read:?}") };
    assert_eq!((slo.id().as_str(), slo.objective.as_percent()), ("shop-availability", 99.5));
    assert_eq!((slo.period, slo.labels.len()), (Some(Seconds::hours(28 * 24)), 1));
    let good = "sum(rate(requests{code=\"200\"}[{{.window}}]))".to_owned();
    assert_eq!(slo.sli, Sli::Good { good, total: "sum(rate(requests[{{.window}}]))".to_owned() });
    let service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: shop}\nspec: {description: x}\n---\n";
    assert_eq!(slos(&format!("{service}{text}")).len(), 1);
    complains(&text.replace("Occurrences", "Timeslices"), &["SL009"]);
    complains(&text.replace("isRolling: true", "isRolling: false"), &["SL023"]);
    complains(&text.replace("0.995", "99.5"), &["SL005"]);
    complains(&text.replace("type: Prometheus", "type: Datadog"), &["SL011", "SL011", "SL010"]);
    complains(&text.replace("openslo/v1", "openslo/v9"), &["SL002"]);
    complains(&text.replace("kind: SLO", "kind: Other"), &["SL021"]);
}

#[test]
fn openslo_with_the_indicator_apart() {
    let sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: latency}\nspec:\n  thresholdMetric: {metricSource: {spec: {query: 'latency_seconds'}}}\n";
    let slo = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: fast}\nspec:\n  service: shop\n  indicatorRef: latency\n  timeWindow: [{duration: 1M, isRolling: true}]\n  objectives:\n    - {target: 0.9, op: lte, value: 0.5}\n    - {targetPercent: 99, op: lt, value: 2}\n";
    // The indicator may follow the objective.
    let found = slos(&format!("{slo}---\n{sli}"));
    let names: Vec<&str> = found.iter().map(|slo| slo.name.as_str()).collect();
    assert_eq!(names, ["fast-0", "fast-1"]);
    let ratios: Vec<&Sli> = found.iter().map(|slo| &slo.sli).collect();
    let ratio = |text: &str| Sli::Ratio(text.to_owned());
    assert_eq!(
        ratios,
        [
            &ratio("avg_over_time(((latency_seconds) > bool 0.5)[{{.window}}:])"),
            &ratio("avg_over_time(((latency_seconds) >= bool 2)[{{.window}}:])"),
        ]
    );
    complains(slo, &["SL010", "SL010"]);
    complains(&format!("{}---\n{sli}", slo.replace("op: lte, value: 0.5", "displayName: x")), &["SL006"]);
}

#[test]
fn openslo_of_the_first_version() {
    let text = "apiVersion: openslo/v1alpha\nkind: SLO\nmetadata: {name: availability, displayName: Availability}\nspec:\n  service: shop\n  description: x\n  budgetingMethod: Occurrences\n  objectives:\n    - ratioMetrics:\n        good: {source: prometheus, queryType: promql, query: 'sum(rate(good[5m]))'}\n        total: {source: prometheus, queryType: promql, query: 'hourly_total'}\n      target: 0.999\n  timeWindows:\n    - {count: 30, unit: Day, isRolling: true}\n";
    let found = slos(text);
    let [slo] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((slo.period, slo.form), (Some(Seconds::hours(30 * 24)), "openslo/v1alpha"));
    let good = "avg_over_time((sum(rate(good[5m])))[{{.window}}:])".to_owned();
    assert_eq!(slo.sli, Sli::Good { good, total: "sum_over_time((hourly_total)[{{.window}}:])".to_owned() });
    complains(&text.replace("unit: Day", "unit: Fortnight"), &["SL007"]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    complains("", &[]);
    complains("a: b", &["SL002"]);
    complains("- a", &["WB015"]);
    complains(": :\n  {", &["WB010"]);
    complains(&SLOTH.replace("service: shop", "service: ''"), &["SL003"]);
    complains(&SLOTH.replace("name: availability", "title: availability"), &["SL003", "SL020"]);
    complains(&SLOTH.replace("objective: 99.9", "objective: most"), &["WB031"]);
    complains(&SLOTH.replace("      events:", "      raw: {error_ratio_query: x}\n      events:"), &["SL006"]);
    complains(&SLOTH.replace("error_query", "errors_query"), &["SL006", "SL020"]);
    complains(&SLOTH.replace("min_events: 10", "min_events: 0"), &["SL008"]);
    complains(&SLOTH.replace("page_slow", "page_fast"), &["SL008"]);
    complains(&SLOTH.replace("disable: true", "disable: maybe"), &["WB030"]);
    assert!(check("slo.yaml", b"\xff").findings.to_string().contains("not UTF-8"));
    assert!(check("slo.yaml", &vec![b'#'; super::FILE_BYTES_MAX + 1]).findings.to_string().contains("at most"));
}

#[test]
fn written_alerts_are_found_in_both_wrappers() {
    let group =
        "groups:\n- name: a\n  rules:\n  - {record: r, expr: x}\n  - {alert: A, expr: y, labels: {severity: page}}\n";
    let wrapped =
        format!("kind: PrometheusRule\nspec:\n{}", group.lines().map(|line| format!("  {line}\n")).collect::<String>());
    let (plain, wrapped) =
        (written_alerts("a", group.as_bytes()).unwrap(), written_alerts("b", wrapped.as_bytes()).unwrap());
    assert_eq!(plain, wrapped);
    assert_eq!(plain.first().map(|alert| alert.alert.as_str()), Some("A"));
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "(version: prometheus/v1\n|apiVersion: openslo/v1\nkind: SLO\n|---\n|spec:\n|slos:\n| *- *[a-z]{1,5}: *|[ -~\n]{0,10}|objectives|\\{\\{.window\\}\\}){0,20}") {
        let _ = check("slo.yaml", text.as_bytes());
        let _ = written_alerts("rules.yaml", text.as_bytes());
    }
}
