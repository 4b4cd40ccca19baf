//! Trouble of the server's own is seen where people and programs look: a journal that cannot be written, a channel that hangs.

use std::time::Duration;

use kernel::{Actor, Digest, Seconds};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::House;
use crate::walk::Visitor;

/// Asks until the answer has the words; a minute is more than it ever takes.
async fn until(what: &str, mut told: impl AsyncFnMut() -> String, words: &str) {
    let waiting = async {
        while !told().await.contains(words) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    assert!(waited.is_ok(), "{what} does not say {words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_is_seen_and_heals() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let text = async |path: &str| ada.get(path).await.text().await.unwrap();
    // It can be read, as on a full disk.
    house.store().fail_writes(true);
    let declared = json!({ "title": "Slow", "severity": "P3", "why": "a customer wrote" });
    let refused = house.request(Method::POST, "/api/v1/incidents").bearer_auth(&house.token).json(&declared);
    let refused = refused.send().await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"1".parse().unwrap())
    );
    until("/readyz", async || text("/readyz").await, "the journal is not available").await;
    assert_eq!(house.request(Method::GET, "/readyz").send().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    until("/metrics", async || text("/metrics").await, "watchkeeper_ready 0").await;
    until("/metrics", async || text("/metrics").await, "watchkeeper_journal_failures_total 1").await;
    until("Now", async || text("/").await, "Nothing can be written at the moment").await;
    assert!(house.get("/now").await["health"].as_str().is_some_and(|said| said.starts_with("recovering")));

    house.store().fail_writes(false);
    until("/readyz", async || text("/readyz").await, "ready, ").await;
    until("/metrics", async || text("/metrics").await, "watchkeeper_ready 1").await;
    assert!(!text("/").await.contains("Nothing can be written"));
    assert_eq!(house.api(Method::POST, "/incidents", Some(declared)).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_told_with_every_answer() {
    let house = House::open().await;
    house.store().break_down();
    let ready = house.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = house.door("/api/v2/alerts", r#"[{"labels":{"alertname":"Down"}}]"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "Prometheus keeps it and sends it again");
    house.store().repair();
    let told = async || house.request(Method::GET, "/readyz").send().await.unwrap().text().await.unwrap();
    until("/readyz", told, "ready, ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_fails_is_seen() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let failures = std::iter::repeat_with(|| testkit::Answer::Fail("no connection")).take(100);
    house.world.script("mail to bruno@shop.example", failures);
    let alert = |n: u32| format!(r#"[{{"labels":{{"alertname":"Down","service":"s{n}","severity":"info"}}}}]"#);
    for n in 0..30 {
        house.door("/api/v2/alerts", alert(n)).await;
    }
    house.pass(Seconds::minutes(5)).await;
    let text = async |path: &str| ada.get(path).await.text().await.unwrap();
    until("/metrics", async || text("/metrics").await, r#"watchkeeper_channel_held_back{channel="mail"} 1"#).await;
    assert!(text("/").await.contains("mail"));
    assert!(house.get("/now").await["channels_held_back"].to_string().contains("mail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_watchbook_is_seen_until_a_good_one_is_there() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let text = async |path: &str| ada.get(path).await.text().await.unwrap();
    let told =
        async || (text("/metrics").await, text("/").await.contains("The watchbook on disk was refused: 3 errors"));
    let (metrics, on_now) = told().await;
    assert!(metrics.contains("watchkeeper_watchbook_refused 0") && !on_now, "{metrics}");
    let server = Actor::system("server");
    let command =
        governance::Command::RefuseBook { digest: Digest([7; 32]), findings: 3, source: "/srv/watchbook".into() };
    house.engine.ask(&server, command).await.unwrap();
    let (metrics, on_now) = told().await;
    assert!(metrics.contains("watchkeeper_watchbook_refused 1") && on_now, "{metrics}");
    let live = kernel::Book::clone(&house.engine.book());
    house.engine.apply_book(&server, live, "/srv/watchbook").await.unwrap();
    let (metrics, on_now) = told().await;
    assert!(metrics.contains("watchkeeper_watchbook_refused 0") && !on_now, "{metrics}");
}
