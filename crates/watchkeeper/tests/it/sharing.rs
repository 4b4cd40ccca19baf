//! Rules over a source, shared out to two nodes of one PostgreSQL: each evaluates some groups, and when one dies the other
//! evaluates all. An alert that fires stays one alert.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::nodes::{leads, stands_by};
use crate::scrape::poll;
use crate::server::{Base, Server, of};
use crate::shop::{self, Files};

/// How many groups there are.
const GROUPS: usize = 6;

/// A store that answers Prometheus' query API: one target, which is down while that is wanted.
struct Store {
    url: String,
    down: Arc<AtomicBool>,
}

/// The present second, since 1970.
#[expect(clippy::disallowed_methods, reason = "the server's own clock says which samples are new")]
fn present() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

impl Store {
    async fn start() -> Self {
        let down = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&down);
        let answer = async move |body: String| {
            let time = present();
            let counts = body.contains("count");
            let result = match (counts, seen.load(Ordering::Relaxed)) {
                (true, _) => json!([{ "metric": {}, "value": [time, "1"] }]),
                (false, true) => json!([{ "metric": { "instance": "shop:80" }, "value": [time, "0"] }]),
                (false, false) => json!([]),
            };
            Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
        };
        let router = Router::new().route("/api/v1/query", post(answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, down }
    }
}

fn book(store: &Store) -> Files {
    let mut book = shop::book("webhook", "http://127.0.0.1:9/");
    book.push(("sources.yaml", json!({ "shop": { "url": store.url, "rules": ["prometheus/*.yml"] } }).to_string()));
    let group = |number: usize| {
        format!(
            "  - name: g{number}\n    interval: 1s\n    rules:\n\
             \x20     - record: shop:targets:g{number}\n        expr: count(up)\n\
             \x20     - alert: Down\n        expr: up == 0\n        for: 2s\n        labels: {{ severity: warning }}\n"
        )
    };
    let groups: String = (0..GROUPS).map(group).collect();
    book.push(("prometheus/shop.yml", format!("groups:\n{groups}")));
    book
}

/// How many groups each node evaluates, as the rules of the node that leads say; groups that nobody evaluates by "".
async fn nodes_of(leader: &Server) -> BTreeMap<String, usize> {
    let rules = leader.get("/rules").await;
    let mut counts = BTreeMap::new();
    for group in rules["data"]["groups"].as_array().unwrap() {
        let is_evaluated = group["rules"][0]["health"] == "ok";
        let node = group["node"].as_str().filter(|_| is_evaluated).unwrap_or_default();
        *counts.entry(node.to_owned()).or_default() += 1;
    }
    counts
}

async fn until_shared(leader: &Server, wanted: &[(&Server, usize)]) {
    let wanted: BTreeMap<String, usize> = wanted.iter().map(|(node, count)| (node.url.clone(), *count)).collect();
    let shared = poll("groups are shared out", async || (nodes_of(leader).await == wanted).then_some(()));
    shared.await;
}

fn raised(signals: &Value) -> BTreeSet<String> {
    signals.as_array().unwrap().iter().map(|signal| signal["rule"].as_str().unwrap().to_owned()).collect()
}

async fn shards_held(node: &Server) -> String {
    let metrics = reqwest::get(format!("{}/metrics", node.url)).await.unwrap().text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("watchkeeper_shards_held "));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

/// Each alert was raised once, and so many of them are over.
async fn assert_raised_once(leader: &Server, over: usize) {
    let facts = leader.facts().await;
    let count = |kind: &'static str| of(&facts, kind).filter(|fact| fact.to_string().contains("/Down")).count();
    assert_eq!((count("SignalRaised"), count("SignalCleared")), (GROUPS, over));
}

#[tokio::test]
async fn two_nodes_share_rules_over_a_source_and_either_goes_on_alone() {
    let Some(base) = Base::postgres() else { return };
    let store = Store::start().await;
    let book = book(&store);
    let mut first = Server::open(base, &book).await;
    let mut second = first.beside(&book).await;
    until_shared(&first, &[(&first, GROUPS / 2), (&second, GROUPS / 2)]).await;
    first.until_get("/signals", |signals| raised(signals).len() == GROUPS).await;
    poll("the node that stands by counts its shards", async || (shards_held(&second).await == "3").then_some(())).await;
    assert_eq!(shards_held(&first).await, "3");
    poll("what is recorded is where people look", async || {
        let found = first.get("/query?query=count(%7B__name__%3D~%22shop:targets:.*%22%7D)").await;
        (found["data"]["result"][0]["value"][1].as_str() == Some(&*GROUPS.to_string())).then_some(())
    })
    .await;
    assert!(first.page("/rules").await.contains(&format!("by {}", second.url)));

    // The node that stands by dies.
    second.kill9().await;
    let killed = Instant::now();
    until_shared(&first, &[(&first, GROUPS)]).await;
    eprintln!("the node that leads evaluates all after {:?}", killed.elapsed());
    assert_raised_once(&first, 0).await;

    // It comes back, and then the node that leads dies.
    second.start().await;
    stands_by(&second).await;
    until_shared(&first, &[(&first, GROUPS / 2), (&second, GROUPS / 2)]).await;
    first.kill9().await;
    let killed = Instant::now();
    leads(&second, killed).await;
    until_shared(&second, &[(&second, GROUPS)]).await;
    eprintln!("the node that stood by leads and evaluates all after {:?}", killed.elapsed());
    assert_raised_once(&second, 0).await;
    assert_eq!(raised(&second.get("/signals").await).len(), GROUPS);

    store.down.store(false, Ordering::Relaxed);
    second.until_get("/signals", |signals| raised(signals).is_empty()).await;
    assert_raised_once(&second, GROUPS).await;
}
