//! Spans become series that rise, and all of it stays within its bounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Attribute, Nanos, Origin};

use super::*;

const MILLI: Nanos = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn span(service: &str, name: &str, kind: u8, status: u8, took: Nanos) -> Span {
    let resource = vec![("service.name".to_owned(), Attribute::Text(service.into()))];
    let origin = Arc::new(Origin { resource, ..Origin::default() });
    Span { name: name.into(), kind, status, end: took, origin, ..Span::default() }
}

/// The samples that are due, by series; those of an instant.
fn due(metrics: &SpanMetrics, now: Timestamp, of: Timestamp) -> BTreeMap<String, f64> {
    let samples = metrics.due(now).unwrap();
    samples.iter().filter(|sample| sample.at == of).map(|sample| (sample.series.to_string(), sample.value)).collect()
}

#[test]
fn calls_are_counted_by_name_kind_and_status_and_begin_with_a_zero() {
    let metrics = SpanMetrics::new(at(0));
    let spans = [
        span("shop", "GET /", 2, 0, 3 * MILLI),
        span("shop", "GET /", 2, 0, 1500 * MILLI),
        span("shop", "GET /", 2, 2, 20_000 * MILLI),
    ];
    metrics.add(Batch::of(&spans), at(3));
    assert!(metrics.due(at(9)).is_none(), "not before ten seconds are over");
    let samples = metrics.due(at(10)).unwrap();
    assert_eq!(samples.len(), 2 * 2 * (3 + 17));
    assert!(samples.iter().filter(|sample| sample.at == at(0)).all(|sample| sample.value == 0.0));
    metrics.add(Batch::of(&spans[..1]), at(11));
    let told = due(&metrics, at(20), at(20));
    let unset =
        r#"service_name="shop", span_kind="SPAN_KIND_SERVER", span_name="GET /", status_code="STATUS_CODE_UNSET""#;
    let failed = unset.replace("UNSET", "ERROR");
    let value = |metric: &str, labels: &str| told[&format!("{{__name__=\"traces_span_metrics_{metric}\", {labels}}}")];
    assert_eq!((value("calls_total", unset), value("calls_total", &failed)), (3.0, 1.0));
    assert_eq!(value("duration_seconds_count", unset), 3.0);
    assert!((value("duration_seconds_sum", unset) - 1.506).abs() < 1e-9);
    let bucket = |upper: &str, labels: &str| {
        let labels = labels.replacen("service_name", &format!("le=\"{upper}\", service_name"), 1);
        value("duration_seconds_bucket", &labels)
    };
    let counted = ["0.002", "0.004", "1.4", "2", "15", "+Inf"].map(|upper| bucket(upper, unset));
    assert_eq!(counted, [0.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
    assert_eq!((bucket("15", &failed), bucket("+Inf", &failed)), (0.0, 1.0));
}

#[test]
fn what_is_over_the_limit_counts_together_and_what_is_forgotten_makes_room() {
    let metrics = SpanMetrics::new(at(0));
    let many: Vec<Span> = (0..CALLS_MAX + 5).map(|n| span("shop", &format!("GET /{n}"), 2, 0, MILLI)).collect();
    metrics.add(Batch::of(&many), at(1));
    let told = due(&metrics, at(10), at(10));
    assert_eq!(told.len(), (CALLS_MAX + 1) * 20);
    let over = r#"{__name__="traces_span_metrics_calls_total", otel_metric_overflow="true"}"#;
    assert_eq!(told[over], 5.0);
    let later = at(1 + i64::from(FORGOTTEN_AFTER.0));
    let ended = due(&metrics, later, later);
    assert!(ended.len() == (CALLS_MAX + 1) * 20 && ended.values().all(|value| value.to_bits() == STALE_BITS));
    metrics.add(Batch::of(&many[CALLS_MAX..CALLS_MAX + 1]), later);
    let next = at(11 + i64::from(FORGOTTEN_AFTER.0));
    let again = due(&metrics, next, next);
    assert!(again.len() == 20 && !again.contains_key(over), "{again:?}");
}

fn half(service: &str, kind: u8, trace: u128, id: u64, parent: u64) -> Span {
    let (trace, id) = (format!("{trace:032x}"), format!("{id:016x}"));
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    Span { trace, id, parent, ..span(service, "call", kind, 0, MILLI) }
}

#[test]
fn the_two_halves_of_a_request_make_an_edge_in_either_order() {
    let metrics = SpanMetrics::new(at(0));
    let failed = Span { status: 2, ..half("bank", 2, 2, 4, 3) };
    let spans = [half("shop", 3, 1, 1, 0), half("bank", 2, 1, 2, 1), failed, half("shop", 3, 2, 3, 0)];
    metrics.add(Batch::of(&spans[..1]), at(1));
    metrics.add(Batch::of(&spans[1..]), at(2));
    // The other half of this one comes too late.
    metrics.add(Batch::of(&[half("shop", 4, 3, 1, 0)]), at(3));
    metrics.add(Batch::of(&[half("bank", 5, 3, 2, 1)]), at(3 + i64::from(edges::WAITS_FOR.0)));
    let told = due(&metrics, at(40), at(40));
    let graph = told.iter().filter(|(series, _)| series.contains("service_graph"));
    let graph: Vec<String> = graph.map(|(series, value)| format!("{series} {value}")).collect();
    let expected = [
        r#"{__name__="traces_service_graph_dropped_spans_total"} 0"#,
        r#"{__name__="traces_service_graph_request_failed_total", client="shop", server="bank"} 1"#,
        r#"{__name__="traces_service_graph_request_total", client="shop", server="bank"} 2"#,
        r#"{__name__="traces_service_graph_unpaired_spans_total"} 1"#,
    ];
    assert_eq!(graph, expected);
    metrics.add(Batch::default(), at(120));
    let told = due(&metrics, at(120), at(120));
    assert_eq!(told[r#"{__name__="traces_service_graph_unpaired_spans_total"}"#], 2.0);
}

#[test]
fn no_more_halves_wait_than_may() {
    let metrics = SpanMetrics::new(at(0));
    let waiting = u64::try_from(edges::WAITING_MAX).unwrap();
    let many: Vec<Span> = (1..=waiting + 7).map(|id| half("shop", 3, 1, id, 0)).collect();
    metrics.add(Batch::of(&many), at(1));
    let told = due(&metrics, at(10), at(10));
    assert_eq!(told[r#"{__name__="traces_service_graph_dropped_spans_total"}"#], 7.0);
}

#[test]
fn halves_that_are_paired_take_no_place_of_those_that_wait() {
    let metrics = SpanMetrics::new(at(0));
    let waiting = u64::try_from(edges::WAITING_MAX).unwrap();
    metrics.add(Batch::of(&[half("shop", 3, 1, waiting * 2, 0)]), at(1));
    for first in (0..waiting * 21 / 10).step_by(1000) {
        let both = |id| [half("shop", 3, 1, id, 0), half("bank", 2, 1, id + waiting * 100, id)];
        let many: Vec<Span> = (waiting * 3 + first..waiting * 3 + first + 1000).flat_map(both).collect();
        metrics.add(Batch::of(&many), at(1));
    }
    metrics.add(Batch::default(), at(120));
    let told = due(&metrics, at(120), at(120));
    assert_eq!(told[r#"{__name__="traces_service_graph_unpaired_spans_total"}"#], 1.0);
    assert_eq!(told[r#"{__name__="traces_service_graph_dropped_spans_total"}"#], 0.0);
}

#[test]
fn long_names_are_cut_within_a_letter_at_most() {
    let name = "ä".repeat(NAME_BYTES_MAX);
    assert_eq!(cut(&name).len(), NAME_BYTES_MAX);
    assert_eq!(cut(&format!("x{name}")).len(), NAME_BYTES_MAX - 1);
}
