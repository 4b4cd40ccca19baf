//! What the world does to a running server: a receiver that hangs, a database that dies, a disk that fills. Each is seen from
//! outside, stops nothing else, and is over when its cause is.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::SmallDisk;
use tokio::time::timeout;

use crate::hook::Hook;
use crate::server::{Base, PATIENCE, Server, of, told};
use crate::shop;

/// How many failures in a row hold a channel back.
const FAILURES: usize = 10;
/// How long a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(100);

fn alert(name: &str) -> Value {
    json!([{ "labels": { "alertname": name, "service": "search" } }])
}

async fn post(server: &Server, name: &str) -> (StatusCode, String) {
    let answer = server.request(Method::POST, "/api/v2/alerts").json(&alert(name)).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn text(server: &Server, path: &str) -> (StatusCode, String) {
    let answer = reqwest::get(format!("{}{path}", server.url)).await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

/// Asks again and again, as clients do, until the answer has a status; gives that answer.
async fn until_status(what: &str, wanted: StatusCode, ask: impl AsyncFn() -> (StatusCode, String)) -> String {
    let asking = async {
        loop {
            match ask().await {
                (status, said) if status == wanted => return said,
                _ => tokio::time::sleep(AGAIN).await,
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what}: not {wanted} within {PATIENCE:?}"))
}

#[tokio::test]
async fn a_hung_webhook_holds_its_own_channel_and_is_named() {
    let (hung, good) = (Hook::hanging().await, Hook::start().await);
    let mut book = shop::book("webhook", &hung.url);
    let channels =
        format!("out: {{ kind: webhook, url: '{}' }}\ngood: {{ kind: webhook, url: '{}' }}\n", hung.url, good.url);
    let policy = "money:\n  steps: [{ page: [schedule: money, channel: good], wait: 30m }]\n".to_owned();
    book.extend([("channels.yaml", channels), ("policies.yaml", policy)]);
    let server = Server::open(Base::Sqlite, &book).await;
    let names: Vec<String> = (0..FAILURES).map(|number| format!("Slow{number}")).collect();
    for name in &names {
        told(server.request(Method::POST, "/api/v2/alerts").json(&alert(name))).await;
    }
    let outcome = |fact: &Value, what: &str| fact["body"]["PageAttempted"]["attempt"]["outcome"].get(what).is_some();
    let facts = server
        .until("the hung channel fails", |facts| {
            let failed = of(facts, "PageAttempted").filter(|fact| outcome(fact, "failed")).count();
            (failed >= FAILURES).then(|| facts.to_vec())
        })
        .await;
    let attempts: Vec<&Value> = of(&facts, "PageAttempted").collect();
    let (first, rest) = attempts.split_at(FAILURES);
    assert!(first.iter().all(|fact| outcome(fact, "accepted")), "the other channel did not wait: {first:?}");
    assert!(rest.iter().all(|fact| outcome(fact, "failed")), "{rest:?}");
    assert_eq!(good.seen().len(), FAILURES);
    let (_, metrics) = text(&server, "/metrics").await;
    assert!(metrics.contains("watchkeeper_channel_held_back{channel=\"out\"} 1"), "{metrics}");
    assert_eq!(server.get("/now").await["channels_held_back"], json!(["out"]));
    assert!(server.page("/").await.contains("Messages cannot be delivered by out"));
    assert_eq!(text(&server, "/readyz").await.0, StatusCode::OK, "the server itself is well");
}

#[tokio::test]
async fn a_dead_database_is_told_and_recovered_from() {
    let Some(base) = Base::postgres() else { return };
    let hook = Hook::start().await;
    let mut server = Server::open(base, &shop::book("webhook", &hook.url)).await;
    assert_eq!(post(&server, "Before").await.0, StatusCode::OK);
    server.fact("PageAttempted").await;
    database(&mut server).kill9();
    let (status, said) = post(&server, "Lost").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    assert!(said.contains("the journal"), "{said}");
    let (status, said) = text(&server, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(said.contains("the journal is not available"), "{said}");
    assert_eq!(text(&server, "/healthz").await.0, StatusCode::OK, "it need not be started anew");
    assert!(text(&server, "/metrics").await.1.contains("watchkeeper_ready 0"));
    database(&mut server).restart();
    until_status("readyz", StatusCode::OK, async || text(&server, "/readyz").await).await;
    until_status("an alert", StatusCode::OK, async || post(&server, "After").await).await;
    assert_known(&server, &["After", "Before"]).await;
}

fn database(server: &mut Server) -> &mut testkit::postgres::Server {
    match &mut server.base {
        Base::Postgres(database) => database,
        Base::Sqlite | Base::Disk(_) | Base::Shared(_) => panic!("this server has no database of its own"),
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_recovered_from() {
    let home = testkit::temp_dir();
    let Some(disk) = SmallDisk::mount(home.path(), 4) else { return };
    let hook = Hook::start().await;
    let mut server = Server::open(Base::Disk(disk), &shop::book("webhook", &hook.url)).await;
    assert_eq!(post(&server, "Before").await.0, StatusCode::OK);
    server.fact("PageAttempted").await;
    disk_of(&server).fill();
    // What was allotted before is used up first.
    let said = until_status("an alert", StatusCode::SERVICE_UNAVAILABLE, async || post(&server, "Lost").await).await;
    assert!(said.contains("full"), "{said}");
    let (status, said) = text(&server, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(said.contains("full"), "{said}");
    disk_of(&server).clear();
    until_status("readyz", StatusCode::OK, async || text(&server, "/readyz").await).await;
    assert_eq!(post(&server, "After").await.0, StatusCode::OK);
    assert!(server.terminate().await.success());
    assert!(server.cli(&["journal", "verify"]).await.contains("whole and in order"));
}

fn disk_of(server: &Server) -> &SmallDisk {
    match &server.base {
        Base::Disk(disk) => disk,
        Base::Sqlite | Base::Postgres(_) | Base::Shared(_) => panic!("this server has no disk of its own"),
    }
}

async fn assert_known(server: &Server, wanted: &[&str]) {
    let alerts = server.get("/alerts").await;
    let names = alerts.as_array().unwrap().iter().map(|alert| alert["labels"]["alertname"].as_str().unwrap());
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    assert_eq!(names, wanted);
}
