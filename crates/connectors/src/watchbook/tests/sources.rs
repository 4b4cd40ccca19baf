//! Sources as they are written: both kinds are read, and what does not fit a kind is refused.

use kernel::Seconds;
use kernel::book::source::{SourceKind, Table, Tables};

use super::{brief, checked, with};

#[test]
fn both_kinds_are_read() {
    let text = "prom: {url: 'http://a:9090/'}\nlake: {kind: clickhouse, url: 'http://b:8123'}\n\
                pond: {kind: clickhouse, url: 'http://c', user: u, secret: 'env:S', database: otel, logs: l, traces: t, \
                follow: [traces], every: 1m, lateness: 1h}\n";
    let checked = checked(&with("sources.yaml", text));
    assert_eq!(checked.findings.to_string(), "");
    let book = checked.book.unwrap();
    let tables =
        |name: &str| book.sources.iter().find(|(known, _)| known.as_str() == name).unwrap().1.tables().cloned();
    let usual = Tables {
        database: "default".into(),
        logs: "otel_logs".into(),
        traces: "otel_traces".into(),
        follow: vec![Table::Logs, Table::Traces],
        every: Seconds(5),
        lateness: Seconds(60),
    };
    assert_eq!((tables("prom"), tables("lake")), (None, Some(usual)));
    let pond = tables("pond").unwrap();
    assert_eq!((&*pond.database, pond.name(Table::Logs), pond.name(Table::Traces)), ("otel", "l", "t"));
    assert_eq!((pond.follow, pond.every, pond.lateness), (vec![Table::Traces], Seconds(60), Seconds(3600)));
    assert!(book.sources.values().any(|source| source.kind == SourceKind::Prometheus));
}

#[test]
fn what_does_not_fit_a_kind_is_refused() {
    let cases = [
        ("a: {url: 'http://a', lateness: 1m, logs: l}", vec!["WB073 sources.yaml:1:10", "WB073 sources.yaml:1:10"]),
        ("a: {kind: clickhouse, url: 'http://a', rules: [x.yml]}", vec!["WB073 sources.yaml:1:28"]),
        ("a: {kind: clickhouse, url: 'http://a', secret: 'env:S'}", vec!["WB039 sources.yaml:1:28"]),
        ("a: {kind: clickhouse, url: 'http://a', user: u}", vec!["WB039 sources.yaml:1:28"]),
        ("a: {kind: clickhouse, url: 'http://a', lateness: 2h}", vec!["WB032 sources.yaml:1:28"]),
        ("a: {kind: clickhouse, url: 'http://a', logs: 'l; DROP TABLE l'}", vec!["WB074 sources.yaml:1:46"]),
        ("a: {kind: clickhouse, url: 'http://a', follow: [metrics]}", vec!["WB030 sources.yaml:1:49"]),
        ("a: {kind: mysql, url: 'http://a'}", vec!["WB030 sources.yaml:1:11"]),
    ];
    for (text, expected) in cases {
        assert_eq!(brief(&checked(&with("sources.yaml", text)).findings), expected, "{text}");
    }
}

#[test]
fn no_rule_file_is_evaluated_over_log_events() {
    let mut files = with("sources.yaml", "lake: {kind: clickhouse, url: 'http://b:8123'}");
    let rules = "watchkeeper: {source: lake}\ngroups: [{name: g, rules: [{record: a:b, expr: up}]}]\n";
    files.insert("prometheus/a.yml".to_owned(), rules.to_owned());
    let findings = checked(&files).findings;
    assert!(brief(&findings).iter().any(|one| one.starts_with("WB073 prometheus/a.yml")), "{findings}");
}
