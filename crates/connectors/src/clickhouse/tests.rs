//! Statements and rows without a store.

use std::collections::BTreeSet;

use kernel::Nanos;
use kernel::book::source::Table;
use kernel::search::{LogsWanted, Place, TracesWanted};

use super::rows;
use super::statement::{self, Shelf, Statement};
use crate::sources::Unanswered;

const LOGS: Shelf<'_> = Shelf { name: "otel_logs", table: Table::Logs, by_second: true };
const TRACES: Shelf<'_> = Shelf { name: "otel_traces", table: Table::Traces, by_second: false };
const HOSTILE: &str = "x' OR 1=1; DROP TABLE otel_logs -- {hash:String} \\";

fn value<'a>(statement: &'a Statement, name: &str) -> &'a str {
    statement.values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
}

/// The parameters that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let parts =
        text.split('{').skip(1).filter_map(|part| part.split_once('}')).filter_map(|(part, _)| part.split_once(':'));
    parts.map(|(name, _)| name).collect()
}

fn every() -> Vec<Statement> {
    let attribute = Some((HOSTILE.to_owned(), Some(HOSTILE.to_owned())));
    let logs = LogsWanted {
        text: HOSTILE.into(),
        service: Some(HOSTILE.into()),
        severity: 17,
        trace: Some(HOSTILE.into()),
        attribute: attribute.clone(),
        from: Nanos::MIN,
        until: Nanos::MAX,
        limit: 5,
    };
    let traces = TracesWanted {
        service: Some(HOSTILE.into()),
        operation: Some(HOSTILE.into()),
        took: 7,
        failed: true,
        attribute,
        from: 0,
        until: 9,
        limit: 5,
    };
    vec![
        statement::columns(HOSTILE),
        statement::counts(Shelf { name: HOSTILE, ..LOGS }, 0, 9),
        statement::page(LOGS, Place { at: 3, hash: 4 }, 9, 5),
        statement::page(TRACES, Place::at(3), 9, 5),
        statement::logs(LOGS, &logs),
        statement::volume(LOGS, &logs, 60),
        statement::matched(TRACES, &traces),
        statement::summaries(TRACES, &BTreeSet::from([HOSTILE]), 0, 9),
        statement::trace(TRACES, HOSTILE, 5),
    ]
}

#[test]
fn what_is_asked_is_a_value_and_never_a_part_of_the_statement() {
    for statement in every() {
        let given: BTreeSet<&str> = statement.values.iter().map(|(name, _)| *name).collect();
        assert!(!statement.text.contains("DROP") && !statement.text.contains("1=1"), "{}", statement.text);
        assert_eq!(
            named(&statement.text),
            given,
            "each parameter is set, and each that is set is named: {}",
            statement.text
        );
        assert_eq!(given.len(), statement.values.len(), "each is set once: {:?}", statement.values);
        assert!(statement.text.ends_with(" FORMAT JSONEachRow"));
    }
}

#[test]
fn values_are_escaped_as_the_server_reads_them() {
    let wanted = LogsWanted { text: "a\\b\tc\nd'e".into(), until: 9, limit: 1, ..LogsWanted::default() };
    assert_eq!(value(&statement::logs(LOGS, &wanted), "text"), "a\\\\b\\tc\\nd'e");
    let traces = statement::summaries(TRACES, &BTreeSet::from(["a'b", "c\\d"]), 0, 9);
    assert_eq!(value(&traces, "traces"), "['a\\'b','c\\\\d']");
}

#[test]
fn times_are_within_what_columns_hold() {
    let all = LogsWanted { from: Nanos::MIN, until: Nanos::MAX, limit: 1, ..LogsWanted::default() };
    let statement = statement::logs(LOGS, &all);
    assert_eq!((value(&statement, "from"), value(&statement, "until_second")), ("0", "4294967295"));
    assert!(!statement::trace(TRACES, "a", 1).text.contains("TimestampTime"));
}

#[test]
fn rows_are_read_whatever_their_values_are() {
    let row = br#"{"at_nanos":"1767603600000000001","row_hash":18446744073709551615,"TraceId":null,"SeverityNumber":"17","Body":"{not json","ServiceName":"shop","LogAttributes":{"a":"b","n":null},"ResourceAttributes":null,"Unknown":[1]}"#;
    let (place, event) = rows::events(row).unwrap().remove(0);
    assert_eq!(place, Place { at: 1_767_603_600_000_000_001, hash: u64::MAX });
    assert_eq!((event.severity, event.body.text(), event.origin.service()), (17, Some("{not json"), "shop"));
    assert_eq!((event.attributes.len(), &*event.trace), (2, ""));
    let span = br#"{"at_nanos":"10","row_hash":"1","Duration":-5,"event_nanos":["1","2"],"Events.Name":["a"],"Links.TraceId":"x","StatusCode":"Error","SpanKind":"Server"}"#;
    let (_, span) = rows::spans(span).unwrap().remove(0);
    assert_eq!((span.start, span.end, span.status, span.kind), (10, 10, 2, 2));
    assert_eq!((span.events.len(), &*span.events[1].name, span.links.len()), (2, "", 0));
}

#[test]
fn what_is_no_row_fails_the_answer() {
    let failed = |body: &str| match rows::events(body.as_bytes()) {
        Err(Unanswered::Failed(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(failed(r#"{"row_hash":"1"}"#), "a row has no `at_nanos`");
    assert_eq!(failed(r#"{"at_nanos":"x","row_hash":"1"}"#), "a row has no `at_nanos`");
    assert!(failed("Code: 241. DB::Exception: Memory limit").starts_with("the answer has a line that is no row: Code"));
    assert!(failed("[1]").contains("no row"));
    assert_eq!(rows::events(b"\n \n"), Ok(Vec::new()));
}

#[test]
fn failures_that_may_pass_are_told_from_those_that_do_not() {
    let of = |said: &str| super::unanswered(reqwest::StatusCode::INTERNAL_SERVER_ERROR, said);
    assert!(matches!(of("Code: 241. DB::Exception: Memory limit exceeded"), Unanswered::Failed(_)));
    assert!(matches!(of("<html>bad gateway"), Unanswered::Failed(_)));
    assert!(matches!(of("Code: 62. DB::Exception: Syntax error"), Unanswered::Refused(_)));
}
