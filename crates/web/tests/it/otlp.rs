//! OTLP metrics in: both encodings, packed and plain, whole and in part.

use std::io::Write as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer};

fn request(values: &[f64]) -> String {
    let point = |value: &f64| json!({ "timeUnixNano": "1770000000000000000", "asDouble": value });
    json!({ "resourceMetrics": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "checkout" } }] },
        "scopeMetrics": [{ "metrics": [{ "name": "queue.depth", "gauge": { "dataPoints": values.iter().map(point).collect::<Vec<_>>() } }] }],
    }] })
    .to_string()
}

/// A header with its value.
type Header = (&'static str, &'static str);

async fn push(house: &House, headers: &[Header], body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
    let request = house.request(Method::POST, "/v1/metrics").body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    answer(request.send().await.unwrap()).await
}

const JSON: Header = ("content-type", "application/json; charset=utf-8");

#[tokio::test]
async fn samples_reach_the_sink_and_refusals_are_told() {
    let house = House::open().await;
    assert_eq!(push(&house, &[JSON], request(&[4.0])).await, (StatusCode::OK, json!({})));
    let sample = house.samples.lock().unwrap()[0].clone();
    assert_eq!(sample.series.to_string(), r#"{__name__="queue_depth", job="checkout", service="checkout"}"#);
    let partial = json!({ "partialSuccess": { "rejectedDataPoints": "1", "errorMessage": "below zero" } });
    assert_eq!(push(&house, &[JSON], request(&[5.0, -1.0])).await, (StatusCode::OK, partial));
    let metrics = house.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("watchkeeper_samples_received_total 3")
            && metrics.contains("watchkeeper_samples_refused_total 1")
    );
}

#[tokio::test]
async fn an_exponential_histogram_reaches_its_own_sink() {
    let house = House::open().await;
    let point = json!({ "count": "3", "sum": 4, "scale": 0, "positive": { "offset": 0, "bucketCounts": ["1", "2"] } });
    let wrong = json!({ "count": "4", "scale": 0, "positive": { "offset": 0, "bucketCounts": ["1", "2"] } });
    let histogram = json!({ "aggregationTemporality": 2, "dataPoints": [point, wrong] });
    let metrics = json!([{ "name": "took", "unit": "s", "exponentialHistogram": histogram }]);
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] });
    let (status, told) = push(&house, &[JSON], body.to_string()).await;
    let why = "1 data points whose buckets do not add up to their count";
    let partial = json!({ "partialSuccess": { "rejectedDataPoints": "1", "errorMessage": why } });
    assert_eq!((status, told), (StatusCode::OK, partial));
    let kept = house.histograms.lock().unwrap().clone();
    assert_eq!((kept.len(), kept[0].0.to_string()), (1, "took_seconds".to_owned()));
}

#[tokio::test]
async fn a_packed_body_is_unpacked() {
    let house = House::open().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(request(&[4.0]).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (status, _) = push(&house, &[JSON, ("content-encoding", "gzip")], packed).await;
    assert_eq!((status, house.samples.lock().unwrap().len()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn an_empty_protobuf_request_is_a_whole_success() {
    let house = House::open().await;
    let request = house.request(Method::POST, "/v1/metrics").header("content-type", "application/x-protobuf");
    let response = request.body(Vec::new()).send().await.unwrap();
    assert_eq!(
        (response.status(), response.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "application/x-protobuf")
    );
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_its_own_encoding() {
    let house = House::open().await;
    let cases: [(&[Header], &str, u16, &str); 5] = [
        (&[JSON], "{", 400, "JSON"),
        (&[JSON], r#"{"resourceMetrics": 5}"#, 400, "invalid type"),
        (&[JSON, ("content-encoding", "gzip")], "{}", 400, "not gzip"),
        (&[JSON, ("content-encoding", "br")], "{}", 415, "Content-Encoding"),
        (&[JSON, ("x-forwarded-for", "192.0.2.7")], "{}", 401, "token"),
    ];
    for (headers, body, status, said) in cases {
        let (got, told) = push(&house, headers, body.to_owned()).await;
        assert_eq!(got.as_u16(), status, "{body}: {told}");
        assert!(told["message"].as_str().is_some_and(|message| message.contains(said)), "{body}: {told}");
    }
    let (status, told) = push(&house, &[("content-type", "text/plain")], "x").await;
    assert_eq!((status, &told["field"]), (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("Content-Type")));
    assert!(house.samples.lock().unwrap().is_empty());
}

#[tokio::test]
async fn deltas_are_added_up() {
    let house = House::open().await;
    let push = async |second: u64, value: u64| {
        let point = json!({ "timeUnixNano": format!("{second}000000000"), "asInt": value.to_string() });
        let sum = json!({ "aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point] });
        let metric = json!({ "name": "orders", "sum": sum });
        let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
        self::push(&house, &[JSON], body.to_string()).await
    };
    for second in 1..=3 {
        assert_eq!(push(1_770_000_000 + second, 5).await, (StatusCode::OK, json!({})));
    }
    let values: Vec<f64> = house.samples.lock().unwrap().iter().map(|sample| sample.value).collect();
    assert_eq!(values, [5.0, 10.0, 15.0]);
}

#[tokio::test]
async fn what_is_no_event_log_is_refused_and_nothing_is_kept() {
    let house = House::open().await;
    let (status, problem) = house.door("/v1/evtx?service=dc", b"no".to_vec()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem.to_string().contains("this is not a Windows event log (EVTX)"), "{problem}");
}

/// The first file of a kind below a folder.
fn first_of(folder: &std::path::Path, kind: &str) -> Option<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().find_map(|path| {
        if path.is_dir() {
            first_of(&path, kind)
        } else {
            path.extension().is_some_and(|end| end == kind).then_some(path)
        }
    })
}

#[tokio::test]
async fn a_real_event_log_is_read_and_what_is_old_is_told_where_to_go() {
    let Some(data) = std::env::var_os("WATCHKEEPER_DATA") else {
        return eprintln!("skipped: WATCHKEEPER_DATA names no folder of data");
    };
    let Some(path) = first_of(std::path::Path::new(&data), "evtx") else {
        return eprintln!("skipped: there is no Windows event log (.evtx) below {}", data.display());
    };
    let house = House::open().await;
    let (status, told) = house.door("/v1/evtx?service=dc", std::fs::read(&path).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    let (kept, rejected) = (told["kept"].as_u64().unwrap(), told["rejected"].as_u64().unwrap());
    assert!(kept + rejected > 0, "{}: {told}", path.display());
    let old = told["reason"].as_str().is_some_and(|why| why.contains("sigma match"));
    assert!(rejected == 0 || old, "{told}");
}
