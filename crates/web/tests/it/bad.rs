//! Bad input, door by door: a clear 4xx that names the field, nothing changed, and never a panic.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::house::{House, answer};

const SILENCE: &str =
    r#"{"matchers": [MATCHER], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "END", "createdBy": "a", "comment": "b"}"#;

fn silence(matcher: &str, end: &str) -> String {
    SILENCE.replace("MATCHER", matcher).replace("END", end)
}

/// Path, body, status, and what the answer must name.
fn doors() -> Vec<(&'static str, String, u16, &'static str)> {
    let (matcher, end) = (r#"{"name": "a", "value": "b", "isRegex": false}"#, "2090-01-01T00:00:00Z");
    let event = |action: &str, rest: &str| format!(r#"{{"routing_key": "k", "event_action": "{action}"{rest}}}"#);
    let payload =
        |severity: &str| format!(r#", "payload": {{"summary": "s", "source": "x", "severity": "{severity}"}}"#);
    let long = "x".repeat(256);
    vec![
        ("/api/v2/alerts", String::new(), 400, "the body"),
        ("/api/v2/alerts", "{}".into(), 400, "the body"),
        ("/api/v2/alerts", "[{}]".into(), 400, "labels"),
        ("/api/v2/alerts", r#"[{"labels": {}}]"#.into(), 400, "[0]: has no labels"),
        ("/api/v2/alerts", r#"[{"labels": {"a": 1}}]"#.into(), 400, "[0].labels"),
        ("/api/v2/alerts", r#"[{"labels": {"a": "1", "a": "2"}}]"#.into(), 400, "given twice"),
        ("/api/v2/alerts", r#"[{"labels": {"": "1"}}]"#.into(), 400, "empty name"),
        ("/api/v2/alerts", r#"[{"labels": {"a": "b"}, "startsAt": "noon"}]"#.into(), 400, "[0].startsAt"),
        ("/api/v2/alerts", r#"[{"labels": {"a": "b"}}] x"#.into(), 400, "the body"),
        ("/api/v2/alerts", format!(r#"[{{"labels": {{"a": "{}"}}}}]"#, "x".repeat(70_000)), 400, "at most 65535"),
        ("/api/v2/silences", "{}".into(), 400, "matchers"),
        ("/api/v2/silences", silence("", end), 400, "matchers"),
        ("/api/v2/silences", silence(r#"{"name": "a", "value": "(", "isRegex": true}"#, end), 400, "matchers.a"),
        ("/api/v2/silences", silence(r#"{"name": "a", "value": ".*", "isRegex": true}"#, end), 400, "matchers"),
        ("/api/v2/silences", silence(r#"{"name": "", "value": "b", "isRegex": false}"#, end), 400, "matchers"),
        ("/api/v2/silences", silence(matcher, "2025-12-31T00:00:00Z"), 400, "ends_at"),
        ("/api/v2/silences", silence(matcher, "late"), 400, "endsAt"),
        ("/v2/enqueue", "[".into(), 400, "the body"),
        ("/v2/enqueue", "{}".into(), 400, "routing_key"),
        ("/v2/enqueue", event("explode", ""), 400, "event_action"),
        ("/v2/enqueue", event("explode", r#", "dedup_key": "k""#), 400, "event_action"),
        ("/v2/enqueue", event("trigger", ""), 400, "payload"),
        ("/v2/enqueue", event("trigger", &payload("awful")), 400, "payload.severity"),
        (
            "/v2/enqueue",
            event("trigger", r#", "payload": {"summary": "", "source": "x", "severity": "info"}"#),
            400,
            "payload.summary",
        ),
        ("/v2/enqueue", event("trigger", r#", "payload": {"source": "x", "severity": "info"}"#), 400, "payload"),
        ("/v2/enqueue", event("resolve", ""), 400, "dedup_key"),
        ("/v2/enqueue", event("resolve", &format!(r#", "dedup_key": "{long}""#)), 400, "dedup_key"),
        ("/v2/change/enqueue", r#"{"routing_key": "k"}"#.into(), 400, "payload"),
        ("/v2/change/enqueue", r#"{"routing_key": "k", "payload": {"summary": ""}}"#.into(), 400, "summary"),
        ("/hooks/nothing", "{}".into(), 404, "nothing"),
        ("/hooks/parcels", "{".into(), 400, "the body"),
        ("/hooks/parcels", "{}".into(), 422, "/reports"),
        ("/hooks/parcels", r#"{"reports": [{"text": {"a": 1}}, 5]}"#.into(), 200, ""),
        ("/hooks/parcels", format!(r#"{{"reports": {:?}}}"#, vec![0; 1001]), 422, "/reports"),
    ]
}

#[tokio::test]
async fn a_door_names_what_is_wrong_and_changes_nothing() {
    let house = House::open().await;
    for (path, body, status, named) in doors() {
        house.settle().await;
        let before = house.next();
        let (got, told) = house.door(path, body.clone()).await;
        let body: String = body.chars().take(200).collect();
        assert_eq!(got.as_u16(), status, "{path} {body}: {told}");
        assert!(told.to_string().contains(named), "{path} {body}: {told} does not name {named}");
        assert!(status == 200 || house.next() == before, "{path} {body} changed something");
    }
}

/// A verdict with nothing wrong with it.
const JUDGED: &str = r#"{"alert": "0000000000000001", "verdict": "true_positive"}"#;

/// Method, path, body, status, and the field that the answer must name.
const API: [(&str, &str, &str, u16, &str); 31] = [
    ("GET", "/alerts?filter=x", "", 400, "filter"),
    ("GET", "/alerts/zz", "", 400, "id"),
    ("GET", "/alerts/0000000000000000/why", "", 404, ""),
    ("POST", "/alerts", "{", 400, ""),
    ("POST", "/alerts", r#"{"alerts": [{"labels": {}}]}"#, 422, "alerts"),
    ("POST", "/alerts", r#"{"alerts": [{"labels": {"a": "b"}, "endsAt": "x"}]}"#, 400, "alerts[0].endsAt"),
    ("POST", "/alerts/0000000000000000/acknowledge", "{}", 404, ""),
    ("GET", "/pages/x", "", 400, "id"),
    ("GET", "/pages/99", "", 404, ""),
    ("POST", "/pages/99/acknowledge", r#"{"notes": ""}"#, 400, "notes"),
    ("POST", "/silences", r#"{"matchers": ["a=b"], "comment": "c"}"#, 400, "ends_at"),
    ("POST", "/silences", r#"{"matchers": ["a"], "comment": "c", "lasts": "2h"}"#, 400, "matchers[0]"),
    ("POST", "/silences", r#"{"matchers": ["a=b"], "comment": "c", "lasts": "2 hours"}"#, 400, "lasts"),
    ("GET", "/oncall/nobody/shifts", "", 404, ""),
    ("POST", "/oncall/primary/overrides", r#"{"person": "eve", "until": "2090-01-01T00:00:00Z"}"#, 422, "person"),
    ("POST", "/incidents", r#"{"title": "x", "severity": "P9", "why": "y"}"#, 400, "severity"),
    ("POST", "/incidents", r#"{"title": "", "severity": "P1", "why": "y"}"#, 422, "title"),
    ("POST", "/incidents", r#"{"title": "x", "severity": "P1", "why": "y", "services": ["none"]}"#, 422, "services"),
    ("POST", "/incidents/INC-9/note", r#"{"text": "x"}"#, 404, ""),
    ("POST", "/incidents/INC-x/note", r#"{"text": "x"}"#, 400, "id"),
    ("POST", "/updates", r#"{"title": "x", "stage": "panic", "text": "y"}"#, 400, "stage"),
    ("POST", "/reviews/9/publish", "", 404, ""),
    ("GET", "/journal?limit=many", "", 400, ""),
    ("GET", "/logs?level=loud", "", 400, "level"),
    ("GET", "/logs/patterns?limit=many", "", 400, ""),
    ("POST", "/changes", r#"{"summary": "x", "service": "A B"}"#, 400, "service"),
    ("GET", "/sigma/rules?words=x", "", 400, ""),
    ("POST", "/sigma/rules/sigma:one/judge", r#"{"alert": "zz", "verdict": "true_positive"}"#, 400, "alert"),
    ("POST", "/sigma/rules/sigma:one/judge", r#"{"alert": "0000000000000001", "verdict": "maybe"}"#, 400, "verdict"),
    ("POST", "/sigma/rules/sigma:one/judge", r#"{"alert": "0000000000000001"}"#, 400, ""),
    ("POST", "/sigma/rules/sigma:one/judge", JUDGED, 404, "rule"),
];

#[tokio::test]
async fn our_api_names_the_field() {
    let house = House::open().await;
    for (method, path, body, status, field) in API {
        let before = house.next();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = house.request(method, &format!("/api/v1{path}")).bearer_auth(&house.token).body(body);
        let (got, told) = answer(request.send().await.unwrap()).await;
        assert_eq!(got.as_u16(), status, "{path} {body}: {told}");
        assert!(told["error"].as_str().is_some_and(|said| !said.is_empty()), "{path}: {told}");
        if !field.is_empty() {
            assert_eq!(told["field"], field, "{path} {body}: {told}");
        }
        assert_eq!(house.next(), before, "{path} {body} changed something");
    }
}

#[tokio::test]
async fn a_body_over_its_limit_is_refused_by_its_length_alone() {
    let house = House::open().await;
    let limits = [
        ("/api/v2/alerts", 32 << 20),
        ("/v2/enqueue", 512 << 10),
        ("/hooks/parcels", 1 << 20),
        ("/api/v1/alerts", 1 << 20),
    ];
    for (path, limit) in limits {
        // It says that it is large and sends nothing: whoever waited for it would wait for ever.
        let address = house.url.trim_start_matches("http://").to_owned();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            house.token,
            limit + 1
        );
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
        let mut start = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 413", "{path}");
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_refused_when_it_has_grown_too_large() {
    let house = House::open().await;
    let limits = [
        ("/api/v2/alerts", 32 << 20),
        ("/api/v2/silences", 256 << 10),
        ("/v2/enqueue", 512 << 10),
        ("/hooks/parcels", 1 << 20),
        ("/v1/metrics", 16 << 20),
        ("/api/v1/alerts", 1 << 20),
        ("/login", 256 << 10),
    ];
    let piece = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    for (path, limit) in limits {
        let address = house.url.trim_start_matches("http://").to_owned();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            house.token
        );
        let (mut read, mut write) = tokio::net::TcpStream::connect(&address).await.unwrap().into_split();
        tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await.unwrap();
        // It never ends: whoever read it whole would read for ever.
        let sending = async {
            let mut sent = 0;
            while tokio::io::AsyncWriteExt::write_all(&mut write, &piece).await.is_ok() && sent < 2 * limit {
                sent += 0x10000;
            }
            std::future::pending::<()>().await;
        };
        let mut start = [0; 12];
        tokio::select! {
            () = sending => {}
            answered = tokio::io::AsyncReadExt::read_exact(&mut read, &mut start) => drop(answered.unwrap()),
        }
        assert_eq!(&start, b"HTTP/1.1 413", "{path}");
    }
}

#[tokio::test]
async fn refusals_are_counted() {
    let house = House::open().await;
    house.door("/api/v2/alerts", "nonsense").await;
    house.door("/api/v2/alerts", "nonsense").await;
    let metrics = house.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"watchkeeper_http_answers_total{part="alertmanager",status="400"} 2"#), "{metrics}");
}

/// Bytes that are nearly what a door wants: anything, or one of its bodies with a stretch of it overwritten.
fn nearly() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let doors = doors();
    let spoilt = (0..doors.len(), any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..8));
    let spoilt = spoilt.prop_map(move |(door, place, junk)| {
        let mut bytes = doors[door].1.clone().into_bytes();
        let at = place.index(bytes.len() + 1);
        bytes.splice(at..(at + junk.len()).min(bytes.len()), junk);
        (door, bytes)
    });
    let anything = (0..self::doors().len(), prop::collection::vec(any::<u8>(), 0..200));
    prop_oneof![spoilt, anything]
}

#[test]
fn no_bytes_break_a_door() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let house = runtime.block_on(House::open());
    let app = web::app(house.state.clone());
    let paths: Vec<&str> = doors().iter().map(|(path, ..)| *path).chain(["/v1/metrics"]).collect();
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&nearly(), |(door, bytes)| {
        for (path, kind) in [(paths[door], "application/json"), ("/v1/metrics", "application/x-protobuf")] {
            let mut request = Request::post(path).header("content-type", kind).body(Body::from(bytes.clone())).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
            let response = runtime.block_on(app.clone().oneshot(request)).unwrap();
            let status = response.status();
            prop_assert!(status.is_success() || status.is_client_error(), "{path}: {status}");
        }
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
    let ready = runtime.block_on(house.request(Method::GET, "/readyz").send()).unwrap().status();
    assert_eq!(ready, StatusCode::OK);
    let _: Value = runtime.block_on(house.get("/now"));
}
