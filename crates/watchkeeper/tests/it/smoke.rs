//! A server starts, takes an alert, pages, and is still the same after a restart; on both databases.

use reqwest::Method;
use serde_json::json;

use crate::server::{Base, Server, of, told};
use crate::shop;

async fn assert_lives(base: Base) {
    let nowhere = format!("http://127.0.0.1:{}/", testkit::free_port());
    let mut server = Server::open(base, &shop::book("webhook", &nowhere)).await;
    assert!(!server.url.ends_with(":0"), "{}", server.url);
    let alerts = json!([{ "labels": { "alertname": "Slow", "service": "search" } }]);
    told(server.request(Method::POST, "/api/v2/alerts").json(&alerts)).await;
    let page = server.fact("PageAttempted").await["body"]["PageAttempted"]["page"].clone();
    server.post(&format!("/pages/{page}/acknowledge"), json!({ "note": "I look" })).await;
    let before = server.url.clone();
    server.restart().await;
    assert_eq!(server.url, before);
    assert_eq!(server.get("/alerts").await[0]["labels"]["alertname"], "Slow");
    assert!(server.page("/").await.contains("Slow"));
    server.kill9().await;
    server.start().await;
    assert_eq!(of(&server.facts().await, "Started").count(), 3);
    assert!(server.terminate().await.success());
    assert!(server.cli(&["journal", "verify"]).await.contains("whole and in order"));
}

#[tokio::test]
async fn a_server_lives_on_sqlite() {
    assert_lives(Base::Sqlite).await;
}

#[tokio::test]
async fn a_server_lives_on_postgres() {
    let Some(base) = Base::postgres() else { return };
    assert_lives(base).await;
}
