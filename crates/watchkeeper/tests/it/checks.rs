//! Health checks of a running server: what fails raises with its kind of failure, a beat clears, and all of it is counted.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::hook::Hook;
use crate::server::{Base, Server};
use crate::shop;

const CHECKS: &str = "
port: { service: checkout, tcp: { address: \"127.0.0.1:PORT\" }, every: 1s, failures: 2, among: 3, successes: 1 }
nightly: { service: search, heartbeat: { grace: 1s }, every: 1s }
";

fn raised(signals: &Value, rule: &str) -> bool {
    signals.as_array().unwrap().iter().any(|signal| signal["rule"] == rule)
}

#[tokio::test]
async fn checks_raise_and_clear_with_what_they_found() {
    let port = testkit::free_port();
    let hook = Hook::start().await;
    let mut book = shop::book("webhook", &hook.url);
    book.push(("checks.yaml", CHECKS.replace("PORT", &port.to_string())));
    let server = Server::open(Base::Sqlite, &book).await;

    server.until_get("/signals", |signals| raised(signals, "port") && raised(signals, "nightly")).await;
    let alerts = server.until_get("/alerts", |alerts| alerts.as_array().unwrap().len() == 2).await;
    let fault = |name: &str| {
        let alert = alerts.as_array().unwrap().iter().find(|alert| alert["labels"]["alertname"] == name);
        alert.unwrap()["annotations"]["fault"].clone()
    };
    assert_eq!((fault("port"), fault("nightly")), (json!("connect"), json!("overdue")));
    let counted = server.get("/query?query=check_failures_total").await;
    let series = counted["data"]["result"].as_array().unwrap();
    let of = |check: &str| series.iter().find(|one| one["metric"]["check"] == check).unwrap();
    assert_eq!(
        (&of("port")["metric"]["fault"], &of("port")["metric"]["service"]),
        (&json!("connect"), &json!("checkout"))
    );
    assert_eq!(of("nightly")["metric"]["fault"], "overdue");

    let _listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let done = server.post("/checks/nightly/beat", json!({})).await;
    assert_eq!(done["facts"][0]["kind"], "SignalCleared");
    server.until_get("/signals", |signals| !raised(signals, "port")).await;
}
