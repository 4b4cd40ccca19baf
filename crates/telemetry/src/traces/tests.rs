//! Traces over a real folder: what is asked is found, and any spans make a tree.

use std::path::Path;

use kernel::{Attribute, Origin};
use proptest::prelude::*;

use super::*;
use crate::blocks::{Limits, SEAL_AGE};

const MILLI: Nanos = 1_000_000;
const SECOND: Nanos = 1000 * MILLI;
const NOW: Nanos = 1_800_000_000 * SECOND;

fn id(number: u64) -> String {
    format!("{number:016x}")
}

fn trace(number: u64) -> String {
    format!("{number:032x}")
}

/// A span of a trace: its number, its parent's (0 for none), when it began and how long it took in milliseconds.
fn span(of: u64, number: u64, parent: u64, began: Nanos, took: Nanos) -> Span {
    let resource = vec![("service.name".to_owned(), Attribute::Text("shop".into()))];
    let start = NOW + began * MILLI;
    Span {
        trace: trace(of),
        id: id(number),
        parent: if parent == 0 { String::new() } else { id(parent) },
        name: format!("work {number}"),
        start,
        end: start + took * MILLI,
        origin: Arc::new(Origin { resource, ..Origin::default() }),
        ..Span::default()
    }
}

fn of_service(service: &str, span: Span) -> Span {
    let resource = vec![("service.name".to_owned(), Attribute::Text(service.into()))];
    Span { origin: Arc::new(Origin { resource, ..Origin::default() }), ..span }
}

fn open(data: &Path, spans: Vec<Span>) -> Blocks<Span> {
    let (blocks, _) = Blocks::open(data, Limits::default()).unwrap();
    blocks.push(spans, NOW).unwrap();
    blocks
}

fn anything() -> Asked<'static> {
    Asked { from: 0, until: Nanos::MAX, limit: 50, ..Asked::default() }
}

fn found(blocks: &Blocks<Span>, asked: &Asked<'_>) -> Vec<String> {
    search(blocks, asked).traces.iter().map(|line| line.trace.trim_start_matches('0').to_owned()).collect()
}

#[test]
fn a_trace_is_found_by_any_of_its_spans_and_told_as_a_whole() {
    let data = tempfile::tempdir().unwrap();
    let paid = vec![("order.id".to_owned(), Attribute::Int(17))];
    let refused = Span { status: 2, attributes: paid, ..of_service("bank", span(1, 3, 2, 20, 50)) };
    let first = vec![span(1, 1, 0, 0, 100), span(1, 2, 1, 10, 80), refused];
    let blocks = open(data.path(), first);
    blocks.push(vec![span(2, 4, 0, 1000, 5)], NOW).unwrap();
    assert_eq!(found(&blocks, &anything()), ["2", "1"]);
    let cases = [
        (Asked { service: Some("bank"), ..anything() }, vec!["1"]),
        (Asked { failed: true, ..anything() }, vec!["1"]),
        (Asked { took: 50 * MILLI, ..anything() }, vec!["1"]),
        (Asked { took: 101 * MILLI, ..anything() }, vec![]),
        (Asked { operation: Some("WORK 4"), ..anything() }, vec!["2"]),
        (Asked { attribute: Some(("order.id", Some("17"))), ..anything() }, vec!["1"]),
        (Asked { attribute: Some(("order.id", Some("1"))), ..anything() }, vec![]),
        (Asked { attribute: Some(("service.name", None)), service: Some("shop"), ..anything() }, vec!["2", "1"]),
        (Asked { failed: true, service: Some("shop"), ..anything() }, vec![]),
        (Asked { from: NOW + SECOND, ..anything() }, vec!["2"]),
        (Asked { until: NOW + 999 * MILLI, ..anything() }, vec!["1"]),
    ];
    for (asked, expected) in cases {
        assert_eq!(found(&blocks, &asked), expected, "{asked:?}");
    }
    let line = search(&blocks, &Asked { failed: true, ..anything() }).traces.remove(0);
    assert_eq!((&*line.name, &*line.service, line.spans, line.failed, line.matched), ("work 1", "shop", 3, 1, 1));
    assert_eq!((line.end - line.start, line.services.len()), (100 * MILLI, 2));
}

#[test]
fn a_list_goes_on_before_its_last_trace() {
    let data = tempfile::tempdir().unwrap();
    let numbers = 1..=9;
    let blocks = open(data.path(), numbers.map(|n| span(n, n, 0, n as Nanos, 1)).collect());
    blocks.tend(NOW + Nanos::from(SEAL_AGE.0) * SECOND).unwrap();
    let (mut all, mut until) = (Vec::new(), Nanos::MAX);
    for _ in 0..3 {
        let list = search(&blocks, &Asked { until, limit: 4, ..anything() });
        all.extend(list.traces.iter().map(|line| line.trace.trim_start_matches('0').to_owned()));
        match list.next() {
            Some(next) => until = next,
            None => break,
        }
    }
    assert_eq!(all.join(" "), "9 8 7 6 5 4 3 2 1");
}

#[test]
fn a_list_goes_on_behind_a_trace_with_more_spans_than_are_looked_at() {
    let data = tempfile::tempdir().unwrap();
    let many = MATCHED_MAX as u64 + 100;
    let mut spans: Vec<Span> = (1..=many).map(|n| span(1, n, 0, 1000 + n as Nanos, 1)).collect();
    spans.push(span(2, many + 1, 0, 1, 1));
    let blocks = open(data.path(), spans);
    let first = search(&blocks, &anything());
    assert_eq!((first.traces.len(), first.whole), (1, false));
    let next = search(&blocks, &Asked { until: first.next().unwrap(), ..anything() });
    assert_eq!((next.traces.len(), next.whole), (2, true), "the rest of the long one, and the one behind it");
}

fn drawn(trace: &Trace) -> Vec<String> {
    let line =
        |row: &Row| format!("{}{}{}", "-".repeat(row.depth), row.span.name, if row.is_lost { " lost" } else { "" });
    trace.rows.iter().map(line).collect()
}

#[test]
fn a_trace_is_a_tree_in_order_of_time() {
    let data = tempfile::tempdir().unwrap();
    let spans = vec![
        span(1, 4, 1, 50, 10),
        span(1, 3, 2, 20, 5),
        span(1, 1, 0, 0, 100),
        span(1, 2, 1, 10, 30),
        span(1, 9, 8, 5, 1),
        span(2, 7, 0, 0, 1),
    ];
    let blocks = open(data.path(), spans);
    blocks.tend(NOW + Nanos::from(SEAL_AGE.0) * SECOND).unwrap();
    let trace = one(&blocks, &trace(1)).unwrap();
    assert_eq!(drawn(&trace), ["work 1", "-work 2", "--work 3", "-work 4", "work 9 lost"]);
    assert_eq!((trace.duration(), trace.rows[0].children, trace.whole), (100 * MILLI, 2, true));
    assert_eq!(one(&blocks, &id(1)), None);
}

#[test]
fn rings_and_doubles_stand_in_the_tree_once() {
    let spans =
        [span(1, 1, 2, 0, 1), span(1, 2, 1, 1, 1), span(1, 3, 3, 2, 1), span(1, 4, 0, 3, 1), span(1, 4, 0, 4, 1)];
    let trace = Trace::of("1", spans.into_iter().map(Arc::new).collect(), true).unwrap();
    assert_eq!(drawn(&trace), ["work 3 lost", "work 4", "work 4", "work 1", "-work 2"]);
}

proptest! {
    #[test]
    fn any_spans_make_a_tree_of_all_of_them(parents in prop::collection::vec((1_u64..12, 0_u64..14, 0_i64..50), 1..40)) {
        let spans = parents.iter().map(|(number, parent, began)| Arc::new(span(1, *number, *parent, *began, 1)));
        let trace = Trace::of("1", spans.collect(), true).unwrap();
        prop_assert_eq!(trace.rows.len(), parents.len());
        let steps = trace.rows.iter().zip(trace.rows.iter().skip(1));
        prop_assert!(trace.rows[0].depth == 0 && steps.clone().all(|(above, below)| below.depth <= above.depth + 1));
    }
}
