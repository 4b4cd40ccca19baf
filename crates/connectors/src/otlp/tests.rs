//! Each trap of the JSON form, each kind of metric, and that both encodings say the same.

use std::path::PathBuf;

use kernel::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

use super::names::{self, Kind};
use super::{Decoded, Encoding, Signal, TOTALS_KEPT_FOR, Totals, answer, decode, failure};

fn received() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn read(body: &str) -> Decoded {
    decode(body.as_bytes(), Encoding::Json, received()).unwrap()
}

/// A request with one gauge `g` with one point.
fn gauge(point: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"g","gauge":{{"dataPoints":[{point}]}}}}]}}]}}]}}"#
    )
}

fn metrics(metrics: &str) -> String {
    format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{metrics}]}}]}}]}}"#)
}

fn shown(decoded: &Decoded) -> Vec<String> {
    decoded.samples.iter().map(|sample| format!("{} {} {}", sample.series, sample.at, sample.value)).collect()
}

/// The value of a gauge's only point.
fn value(point: &str) -> f64 {
    let decoded = read(&gauge(point));
    assert_eq!(decoded.rejected, 0, "{point}: {}", decoded.reason);
    decoded.samples[0].value
}

#[test]
fn doubles_may_be_text() {
    assert_eq!(value(r#"{"asDouble":5.5}"#), 5.5);
    assert_eq!(value(r#"{"asDouble":5}"#), 5.0);
    assert_eq!(value(r#"{"asDouble":-5}"#), -5.0);
    assert_eq!(value(r#"{"asDouble":"5.5"}"#), 5.5);
    assert!(value(r#"{"asDouble":"NaN"}"#).is_nan());
    assert_eq!(value(r#"{"asDouble":"Infinity"}"#), f64::INFINITY);
    assert_eq!(value(r#"{"asDouble":"-Infinity"}"#), f64::NEG_INFINITY);
}

#[test]
fn integers_may_be_text_or_numbers() {
    assert_eq!(value(r#"{"asInt":"9007199254740993"}"#), 9_007_199_254_740_993_i64 as f64);
    assert_eq!(value(r#"{"asInt":42}"#), 42.0);
    assert_eq!(value(r#"{"asInt":"-42"}"#), -42.0);
    assert_eq!(value(r#"{"asInt":4.2e1}"#), 42.0);
}

#[test]
fn times_may_be_text_numbers_or_absent() {
    for (point, expected) in [
        (r#"{"asInt":1,"timeUnixNano":"1544712660300000000"}"#, "2018-12-13T14:51:00.3Z"),
        (r#"{"asInt":1,"timeUnixNano":1544712660300000000}"#, "2018-12-13T14:51:00.3Z"),
        (r#"{"asInt":1,"timeUnixNano":"0"}"#, "2023-11-14T22:13:20Z"),
        (r#"{"asInt":1,"timeUnixNano":null}"#, "2023-11-14T22:13:20Z"),
        (r#"{"asInt":1}"#, "2023-11-14T22:13:20Z"),
    ] {
        assert_eq!(read(&gauge(point)).samples[0].at.to_string(), expected, "{point}");
    }
}

#[test]
fn unknown_fields_are_passed_over_and_names_are_not_written_with_underscores() {
    let point =
        r#"{"asInt":1,"newField":{"a":[1]},"time_unix_nano":"1544712660300000000","exemplars":[{"asInt":"x"}]}"#;
    let decoded = read(&gauge(point));
    assert_eq!((decoded.samples[0].at, decoded.samples[0].value), (received(), 1.0));
    assert_eq!(value(r#"{"asDouble":2.5,"asInt":"7"}"#), 2.5, "of two values the first of the message's own order");
}

#[test]
fn null_is_a_default_everywhere() {
    assert_eq!(value(r#"{"attributes":null,"flags":null,"exemplars":null,"asDouble":null,"asInt":"7"}"#), 7.0);
    assert_eq!(value(r#"{"attributes":[{"key":"a","value":null},{"key":null}],"asInt":7}"#), 7.0);
    for body in ["{}", r#"{"resourceMetrics":null}"#, r#"{"resourceMetrics":[{"resource":null,"scopeMetrics":null}]}"#]
    {
        assert_eq!(read(body), Decoded::default(), "{body}");
    }
}

#[test]
fn empty_lists_may_leave_out_their_values() {
    let point = r#"{"asInt":1,"attributes":[
        {"key":"list","value":{"arrayValue":{}}},
        {"key":"map","value":{"kvlistValue":{}}},
        {"key":"nothing","value":{}}]}"#;
    assert_eq!(shown(&read(&gauge(point))), [r#"{__name__="g", list="[]", map="{}"} 2023-11-14T22:13:20Z 1"#]);
}

#[test]
fn attributes_of_every_kind_become_labels() {
    let point = r#"{"asInt":1,"attributes":[
        {"key":"s","value":{"stringValue":"x"}}, {"key":"b","value":{"boolValue":true}},
        {"key":"i","value":{"intValue":"7"}}, {"key":"d","value":{"doubleValue":0.5}},
        {"key":"n","value":{"doubleValue":"NaN"}}, {"key":"y","value":{"bytesValue":"AQI="}},
        {"key":"a","value":{"arrayValue":{"values":[{"intValue":1},{"stringValue":"z"}]}}},
        {"key":"k.v","value":{"kvlistValue":{"values":[{"key":"q","value":{"boolValue":false}}]}}},
        {"key":"k-v","value":{"stringValue":"joined"}}, {"key":"empty","value":{"stringValue":""}},
        {"key":"9","value":{"stringValue":"digit"}}]}"#;
    let expected = r#"{_9="digit", __name__="g", a="[1,\"z\"]", b="true", d="0.5", i="7", k_v="{\"q\":false};joined", n="NaN", s="x", y="AQI="}"#;
    assert_eq!(read(&gauge(point)).samples[0].series.to_string(), expected);
}

#[test]
fn a_resource_gives_its_labels_to_every_series() {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let body = json!({ "resourceMetrics": [{
        "resource": { "attributes": [
            attribute("service.name", "checkout"), attribute("service.namespace", "shop"),
            attribute("service.instance.id", "one"), attribute("service.version", "1.2"),
            attribute("deployment.environment", "prod"), attribute("telemetry.sdk.name", "x"),
            attribute("process.pid", "7"), attribute("region", "eu"),
        ]},
        "scopeMetrics": [{ "metrics": [{ "name": "g", "gauge": { "dataPoints": [
            { "asInt": 1, "attributes": [attribute("region", "us")] },
        ]}}]}],
    }]});
    let expected = r#"{__name__="g", deployment_environment="prod", instance="one", job="shop/checkout", region="us", service="checkout", service_namespace="shop"}"#;
    assert_eq!(read(&body.to_string()).samples[0].series.to_string(), expected);
}

#[test]
fn points_that_cannot_be_samples_are_rejected_and_the_others_kept() {
    let many: String = (0..300).map(|n| format!(r#"{{"key":"k{n}","value":{{"stringValue":"v"}}}},"#)).collect();
    let body = metrics(&format!(
        r#"{{"name":"g","gauge":{{"dataPoints":[{{}},{{"asInt":1}},{{"asInt":1,"attributes":[{}]}}]}}}},
           {{"name":"","gauge":{{"dataPoints":[{{"asInt":1}}]}}}},
           {{"name":"nothing"}},
           {{"name":"d","sum":{{"aggregationTemporality":1,"dataPoints":[{{"asInt":1}},{{"asInt":2}}]}}}},
           {{"name":"h","histogram":{{"aggregationTemporality":2,"dataPoints":[{{"bucketCounts":[1],"explicitBounds":[1]}}]}}}}"#,
        many.trim_end_matches(',')
    ));
    let decoded = read(&body);
    assert_eq!((decoded.samples.len(), decoded.rejected), (1, 7));
    let expected = "1 data points of a metric without a name, 1 data points of a metric without data, \
        1 data points whose attributes pass the limits of labels, 1 data points whose buckets do not fit their bounds, \
        2 data points with delta temporality, which is not added up here, 1 data points without a value";
    assert_eq!(decoded.reason, expected);
}

#[test]
fn sums_histograms_and_summaries_become_their_series() {
    let body = metrics(
        r#"{"name":"http.requests","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"3"}]}},
           {"name":"queue.size","sum":{"aggregationTemporality":2,"dataPoints":[{"asInt":"3"}]}},
           {"name":"wait","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[
               {"count":"6","sum":4.5,"bucketCounts":["1","2","3"],"explicitBounds":[0.5,1]}]}},
           {"name":"big","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
               {"count":2,"sum":"3","scale":1,"positive":{"offset":1,"bucketCounts":["1","1"]}}]}},
           {"name":"lat","summary":{"dataPoints":[{"count":"2","sum":3,"quantileValues":[{"quantile":0.5,"value":1}]}]}},
           {"name":"gone","gauge":{"dataPoints":[{"flags":1}]}}"#,
    );
    let lines: Vec<String> =
        read(&body).samples.iter().map(|sample| format!("{} {}", sample.series, sample.value)).collect();
    let expected = r#"
        {__name__="http_requests_total"} 3
        {__name__="queue_size"} 3
        {__name__="wait_seconds_count"} 6
        {__name__="wait_seconds_sum"} 4.5
        {__name__="wait_seconds_bucket", le="0.5"} 1
        {__name__="wait_seconds_bucket", le="1"} 3
        {__name__="wait_seconds_bucket", le="+Inf"} 6
        {__name__="lat_count"} 2
        {__name__="lat_sum"} 3
        {__name__="lat", quantile="0.5"} 1
        {__name__="gone"} NaN"#;
    assert_eq!(lines, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn metrics_are_named_as_prometheus_names_them() {
    use Kind::{Counter, Distribution, Gauge};
    let table = [
        ("http.requests", "", Counter, "http_requests_total"),
        ("http.requests.total", "{request}", Counter, "http_requests_total"),
        ("http.server.duration", "s", Distribution, "http_server_duration_seconds"),
        ("http.server.duration.seconds", "s", Distribution, "http_server_duration_seconds"),
        ("disk.io", "By/s", Gauge, "disk_io_bytes_per_second"),
        ("disk.io", "{op}/m", Gauge, "disk_io_per_minute"),
        ("disk.read", "By", Counter, "disk_read_bytes_total"),
        ("cpu.utilization", "1", Gauge, "cpu_utilization_ratio"),
        ("cpu.time", "1", Counter, "cpu_time_total"),
        ("9lives", "%", Gauge, "_9lives_percent"),
        ("a:b-c", "furlong", Gauge, "a:b_c_furlong"),
    ];
    for (name, unit, kind, expected) in table {
        assert_eq!(names::metric(name, unit, kind), expected, "{name} {unit}");
    }
}

#[test]
fn bodies_that_are_no_requests_are_refused() {
    for body in [
        "",
        "[]",
        "{\"resourceMetrics\":{}}",
        "{\"resourceMetrics\":[[]]}",
        &metrics(r#"{"name":"g","gauge":[]}"#),
        &gauge(r#"{"asInt":"x"}"#),
        &gauge(r#"{"asInt":1.5}"#),
        &gauge(r#"{"asDouble":"inf"}"#),
        &gauge(r#"{"asInt":1,"timeUnixNano":-1}"#),
        &gauge(r#"{"asInt":1,"timeUnixNano":"99999999999999999999"}"#),
        &metrics(r#"{"name":"s","sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE"}}"#),
    ] {
        assert!(decode(body.as_bytes(), Encoding::Json, received()).is_err(), "{body}");
    }
    assert!(decode(b"\xff\xff\xff", Encoding::Protobuf, received()).is_err());
    assert_eq!(decode(b"", Encoding::Protobuf, received()), Ok(Decoded::default()));
}

#[test]
fn answers_are_in_the_encoding_of_the_request() {
    assert_eq!(Encoding::of("application/json; charset=utf-8"), Some(Encoding::Json));
    assert_eq!(Encoding::of("Application/X-Protobuf"), Some(Encoding::Protobuf));
    assert_eq!(Encoding::of("text/plain"), None);
    assert_eq!(answer(Encoding::Json, Signal::Metrics, 0, ""), b"{}");
    assert_eq!(answer(Encoding::Protobuf, Signal::Metrics, 0, ""), b"");
    let json = br#"{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"why"}}"#;
    assert_eq!(answer(Encoding::Json, Signal::Metrics, 3, "why"), json);
    let partial = ExportMetricsServiceResponse::decode(&*answer(Encoding::Protobuf, Signal::Metrics, 3, "why"))
        .unwrap()
        .partial_success;
    assert_eq!(partial.map(|p| (p.rejected_data_points, p.error_message)), Some((3, "why".to_owned())));
    assert_eq!(failure(Encoding::Json, 3, "no"), br#"{"code":3,"message":"no"}"#);
    assert_eq!(failure(Encoding::Protobuf, 3, "no"), b"\x08\x03\x12\x02no");
}

/// A request with one delta sum with one point.
fn delta(second: u32, value: &str) -> String {
    let point = format!(r#"{{"asDouble":"{value}","timeUnixNano":"{second}000000000"}}"#);
    metrics(&format!(
        r#"{{"name":"d","sum":{{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{point}]}}}}"#
    ))
}

#[test]
fn deltas_are_added_up_once_each() {
    let totals = Totals::default();
    let take = |second, value| {
        let decoded = totals.decode(delta(second, value).as_bytes(), Encoding::Json, received()).unwrap();
        (decoded.samples.first().map(|sample| sample.value), decoded.reason)
    };
    assert_eq!(take(10, "3"), (Some(3.0), String::new()));
    assert_eq!(take(20, "4"), (Some(7.0), String::new()));
    let again = "1 data points with delta temporality and a time not after the last one";
    assert_eq!(take(20, "4"), (None, again.to_owned()));
    assert_eq!(take(15, "4"), (None, again.to_owned()));
    assert!(take(30, "NaN").0.is_some_and(f64::is_nan));
    assert_eq!(take(40, "1"), (Some(8.0), String::new()));
}

#[test]
fn totals_that_are_no_longer_sent_are_forgotten() {
    let totals = Totals::default();
    let later = TOTALS_KEPT_FOR.after(received());
    let first = totals.decode(delta(10, "3").as_bytes(), Encoding::Json, received()).unwrap();
    let next = totals.decode(delta(20, "4").as_bytes(), Encoding::Json, later).unwrap();
    assert_eq!((first.samples[0].value, next.samples[0].value), (3.0, 4.0));
}

/// The published example says the same in both encodings, read here by the shapes that its own authors generate.
#[test]
fn the_published_example_is_the_same_in_both_encodings() {
    let data = std::env::var("WATCHKEEPER_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(data).join("otlp/metrics.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let request: ExportMetricsServiceRequest = serde_json::from_str(&text).unwrap();
    let by_json = Totals::default().decode(text.as_bytes(), Encoding::Json, received()).unwrap();
    let by_protobuf = Totals::default().decode(&request.encode_to_vec(), Encoding::Protobuf, received()).unwrap();
    assert_eq!(by_json, by_protobuf);
    assert!(by_json.samples.len() >= 4 && by_json.rejected == 0, "{by_json:?}");
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body: Vec<u8>, text in "[\\[\\]{}:,\"a-zA-Z0-9.\\-]{0,80}") {
        let _ = decode(&body, Encoding::Protobuf, received());
        let _ = decode(text.as_bytes(), Encoding::Json, received());
        let _ = decode(gauge(&text).as_bytes(), Encoding::Json, received());
    }

    #[test]
    fn every_name_is_a_prometheus_name(name in "\\PC{1,20}", unit in "\\PC{0,10}") {
        for kind in [Kind::Counter, Kind::Gauge, Kind::Distribution] {
            let full = names::metric(&name, &unit, kind);
            prop_assert!(!full.starts_with(|c: char| c.is_ascii_digit()));
            prop_assert!(full.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':'), "{}", full);
        }
    }
}
