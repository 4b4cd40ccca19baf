//! PagerDuty's events, OTLP metrics, and our own API, by real requests; and bad input, which changes nothing.

use kernel::Seconds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

fn event(action: &str, key: &str) -> String {
    let payload = json!({ "summary": "disk is full", "source": "db-1", "severity": "critical", "class": "DiskFull" });
    let event = json!({ "routing_key": "checkout", "event_action": action, "dedup_key": key, "payload": payload });
    event.to_string()
}

async fn firing(house: &House) -> usize {
    house.get("/alerts").await.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn pagerduty_events_trigger_once_are_acknowledged_and_resolve() {
    let house = House::open().await;
    for _ in 0..2 {
        let (status, said) = house.door("/v2/enqueue", event("trigger", "disk")).await;
        assert_eq!((status, &said["dedup_key"]), (StatusCode::ACCEPTED, &json!("disk")));
    }
    assert_eq!(firing(&house).await, 1, "one dedup key is one alert");
    let (status, _) = house.door("/v2/enqueue", event("acknowledge", "disk")).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    house.pass(Seconds(1)).await;
    house.door("/v2/enqueue", event("resolve", "disk")).await;
    assert_eq!(firing(&house).await, 0);
    let change = json!({ "routing_key": "checkout", "payload": { "summary": "deployed 1.2" } });
    let (status, said) = house.door("/v2/change/enqueue", change.to_string()).await;
    assert_eq!((status, &said["status"]), (StatusCode::ACCEPTED, &json!("success")));
}

#[tokio::test]
async fn otlp_samples_reach_the_sink_and_the_rest_is_told() {
    let house = House::open().await;
    let nanos = house.engine.now().as_nanosecond().to_string();
    let point = |value: f64| json!({ "timeUnixNano": nanos, "asDouble": value });
    let metric = json!({ "name": "queue", "gauge": { "dataPoints": [point(3.0), point(-1.0)] } });
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] });
    let sent = house.request(Method::POST, "/v1/metrics").json(&body).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
    let said: Value = sent.json().await.unwrap();
    assert_eq!(said["partialSuccess"]["rejectedDataPoints"], "1", "{said}");
    let kept = house.samples.lock().unwrap().len();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn bad_input_names_its_place_and_changes_nothing() {
    let house = House::open().await;
    let before = house.next();
    let cases = [
        ("/api/v2/alerts", "{", "the body"),
        ("/api/v2/alerts", r#"[{"labels": {"a": 1}}]"#, "labels"),
        ("/v2/enqueue", r#"{"routing_key": "k", "event_action": "explode", "dedup_key": "d"}"#, "event_action"),
        ("/v2/enqueue", r#"{"routing_key": "k"}"#, "event_action"),
    ];
    for (path, body, place) in cases {
        let (status, said) = house.door(path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {said}");
        assert!(said.to_string().contains(place), "{path} {body}: {said}");
    }
    assert_eq!(house.next(), before);
}

#[tokio::test]
async fn the_api_declares_commands_and_resolves() {
    let house = House::open().await;
    let declared =
        json!({ "title": "Checkout fails", "severity": "P1", "why": "orders stopped", "services": ["checkout"] });
    house.post("/incidents", declared).await;
    house.post("/incidents/INC-1/assign", json!({ "role": "commander", "person": "ada" })).await;
    house.post("/incidents/INC-1/resolve", json!({ "how": "restarted" })).await;
    let shown = house.get("/incidents/INC-1").await.to_string();
    for part in ["Checkout fails", "ada", "restarted"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (status, said) = house.api(Method::POST, "/incidents/INC-1/resolve", Some(json!({ "how": "again" }))).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    let (status, _) = house.api(Method::GET, "/incidents/INC-9", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let unknown = house.request(Method::GET, "/api/v1/incidents").bearer_auth("wk_nobody_0").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_server_is_observable_and_describes_itself() {
    let house = House::open().await;
    let ready = house.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let openapi = house.look("/api/openapi.json").await;
    assert!(openapi["paths"].as_object().is_some_and(|paths| paths.len() > 20), "{openapi}");
    let page = house.look("/api/v2/summary.json").await;
    assert_eq!(page["page"]["name"], "Test <Shop>", "{page}");
    assert_eq!(house.state.config.version, "1.2.3");
    assert!(house.world.attempts().is_empty());
}
