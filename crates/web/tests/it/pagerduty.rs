//! The PagerDuty door, as Alertmanager's `pagerduty_configs` and the official client use it.

use kernel::Seconds;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::house::House;

fn trigger(key: &str) -> Value {
    json!({
        "routing_key": "checkout", "event_action": "trigger", "dedup_key": key,
        "client": "Alertmanager", "client_url": "http://alertmanager:9093", "images": [],
        "payload": {
            "summary": "[FIRING:1] Down", "source": "Alertmanager", "severity": "critical", "class": "Down",
            "timestamp": "2026-02-03T04:05:06.000+00:00", "custom_details": { "firing": "Labels: ...", "num_firing": "1" },
        },
        "links": [{ "href": "http://runbook", "text": "Runbook" }],
    })
}

async fn send(house: &House, event: &Value) -> (StatusCode, Value) {
    house.door("/v2/enqueue", event.to_string()).await
}

#[tokio::test]
async fn an_event_is_triggered_acknowledged_and_resolved() {
    let house = House::open().await;
    let (status, told) = send(&house, &trigger("k1")).await;
    assert_eq!((status, &told["status"], &told["dedup_key"]), (StatusCode::ACCEPTED, &json!("success"), &json!("k1")));
    let alerts = house.get("/alerts").await;
    let wanted = json!({
        "alertname": "Down", "dedup_key": "k1", "severity": "critical", "service": "checkout", "source": "Alertmanager",
    });
    assert_eq!(alerts[0]["labels"], wanted);
    assert_eq!(alerts[0]["generator_url"], "http://alertmanager:9093");
    house.pass(Seconds(1)).await;
    assert_eq!(house.get("/pages").await[0]["state"], "paging");

    // It is the same event, even when what it says has changed.
    let mut again = trigger("k1");
    again["payload"]["severity"] = json!("warning");
    assert_eq!(send(&house, &again).await.0, StatusCode::ACCEPTED);
    assert_eq!(house.get("/alerts").await.as_array().map(Vec::len), Some(1));

    let act = |action: &str| json!({ "routing_key": "checkout", "event_action": action, "dedup_key": "k1" });
    assert_eq!(send(&house, &act("acknowledge")).await.0, StatusCode::ACCEPTED);
    let page = house.get("/pages").await;
    assert_eq!((&page[0]["state"], &page[0]["acknowledged_by"]), (&json!("acknowledged"), &json!("integration:local")));
    assert_eq!(send(&house, &act("acknowledge")).await.0, StatusCode::ACCEPTED, "a repeated one changes nothing");
    assert_eq!(send(&house, &act("resolve")).await.0, StatusCode::ACCEPTED);
    assert_eq!(house.get("/alerts").await, json!([]));
    assert_eq!(send(&house, &act("resolve")).await.0, StatusCode::ACCEPTED, "an unknown key is no error");
}

#[tokio::test]
async fn a_trigger_without_a_key_gets_one() {
    let house = House::open().await;
    let mut event = trigger("");
    event["dedup_key"] = Value::Null;
    let (_, told) = send(&house, &event).await;
    assert_eq!(told["dedup_key"].as_str().map(str::len), Some(32));
    assert_eq!(house.get("/alerts").await[0]["labels"]["dedup_key"], told["dedup_key"]);
}

#[tokio::test]
async fn the_routing_key_may_be_a_token() {
    let house = House::open().await;
    let mut event = trigger("k2");
    event["routing_key"] = json!(house.token);
    assert_eq!(send(&house, &event).await.0, StatusCode::ACCEPTED);
    assert_eq!(house.get("/alerts").await[0]["source"], "tester");
    event["routing_key"] = json!(house.token.replace('7', "8"));
    assert_eq!(send(&house, &event).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_is_reported() {
    let house = House::open().await;
    let event = json!({
        "routing_key": "checkout",
        "payload": {
            "summary": "deployed 1.2", "source": "pipeline", "timestamp": "2026-02-03T04:05:06Z",
            "custom_details": { "build": 7, "by": "ada" },
        },
        "links": [{ "href": "http://build/7", "text": "Build 7" }],
    });
    let (status, told) = house.door("/v2/change/enqueue", event.to_string()).await;
    assert_eq!((status, &told["status"]), (StatusCode::ACCEPTED, &json!("success")));
    let change = &house.get("/changes").await[0];
    assert_eq!((&change["service"], &change["source"]), (&json!("checkout"), &json!("pipeline")));
    assert_eq!(change["details"], json!({ "build": "7", "by": "ada" }));
    assert_eq!(change["links"], json!([{ "href": "http://build/7", "text": "Build 7" }]));
}

#[tokio::test]
async fn a_lost_journal_asks_for_another_try() {
    let house = House::open().await;
    house.engine.stop().await;
    let (status, told) = send(&house, &trigger("k3")).await;
    assert_eq!((status, &told["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("retry later")));
}
