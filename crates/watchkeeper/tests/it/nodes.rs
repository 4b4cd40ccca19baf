//! Two nodes on one PostgreSQL: one leads and the other stands by, whatever becomes of the first. Nothing that was answered is
//! lost, and nobody is told a thing twice under two ids.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::crash::{assert_nothing_lost, assert_nothing_repeated, assert_same_ids, settled};
use crate::hook::Hook;
use crate::load::{Load, Noted};
use crate::scrape::poll;
use crate::server::{Base, Server, of, told};
use crate::shop::{self, Files};

/// How soon the other node must lead.
const SOON: Duration = Duration::from_secs(5);
/// How often a leader is killed under load.
const KILLS: u64 = 3;
/// How many answers there are before that.
const ANSWERS: u64 = 30;

async fn ask(server: &Server, path: &str) -> Option<(StatusCode, String)> {
    let answer = reqwest::get(format!("{}{path}", server.url)).await.ok()?;
    Some((answer.status(), answer.text().await.ok()?))
}

/// Waits until a node leads, and gives how long that took since an instant.
pub async fn leads(server: &Server, since: Instant) -> Duration {
    poll("the node leads", async || {
        let (status, _) = ask(server, "/readyz").await?;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    since.elapsed()
}

/// Waits until a node says that it stands by, and gives its words.
pub async fn stands_by(server: &Server) -> String {
    poll("the node stands by", async || {
        let (status, said) = ask(server, "/readyz").await?;
        let stands = status == StatusCode::SERVICE_UNAVAILABLE && said.contains(" writes the journal until ");
        stands.then_some(said)
    })
    .await
}

async fn pair(book: &Files) -> Option<(Server, Server)> {
    let first = Server::open(Base::postgres()?, book).await;
    let second = first.beside(book).await;
    Some((first, second))
}

fn alert(server: &Server, name: &str) -> reqwest::RequestBuilder {
    let alerts = json!([{ "labels": { "alertname": name, "service": "search" } }]);
    server.request(Method::POST, "/api/v2/alerts").json(&alerts)
}

#[tokio::test]
async fn a_node_that_stands_by_says_so_and_who_leads() {
    let book = shop::book("webhook", "http://127.0.0.1:1/");
    let Some((first, second)) = pair(&book).await else { return };
    assert_eq!(ask(&second, "/healthz").await.unwrap(), (StatusCode::OK, "ok\n".to_owned()));
    let said = stands_by(&second).await;
    assert!(said.starts_with("standing by: node-"), "{said}");
    assert!(ask(&second, "/metrics").await.unwrap().1.contains("\nwatchkeeper_leading 0\n"));
    let leader = poll("the leader's address is known", async || {
        let answer = alert(&second, "Refused").send().await.ok()?;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        let problem: serde_json::Value = answer.json().await.ok()?;
        let text = problem["error"].as_str().unwrap().to_owned();
        text.contains("; ask ").then_some(text)
    })
    .await;
    assert!(leader.ends_with(&format!("; ask {}/api/v2/alerts", first.url)), "{leader}");
    let page = reqwest::Client::new().get(format!("{}/alerts", second.url)).header("accept", "text/html");
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.headers().contains_key("retry-after") && page.headers().contains_key("content-security-policy"));
    let page = page.text().await.unwrap();
    assert!(page.contains("This node stands by") && page.contains(&format!("{}/alerts", first.url)), "{page}");
}

#[tokio::test]
async fn when_the_leader_is_killed_the_other_leads_and_nothing_is_lost() {
    let hook = Hook::start().await;
    let book = shop::book("webhook", &hook.url);
    let Some((mut leader, mut other)) = pair(&book).await else { return };
    let mut noted = Noted::default();
    for kill in 0..KILLS {
        let load = Load::start(&leader, kill);
        load.answered(ANSWERS).await;
        leader.kill9().await;
        let killed = Instant::now();
        let took = leads(&other, killed).await;
        eprintln!("kill -9: the other node leads after {took:?}");
        assert!(took < SOON, "{took:?}");
        load.end(&mut noted).await;
        assert_nothing_lost(&other, &noted).await;
        leader.start().await;
        stands_by(&leader).await;
        std::mem::swap(&mut leader, &mut other);
    }
    let facts = settled(&leader, &noted).await;
    assert_nothing_repeated(&facts, &noted);
    assert_same_ids(&facts, &hook);
    assert_eq!(of(&facts, "Started").count() as u64, KILLS + 1);
}

#[tokio::test]
async fn a_leader_that_slept_past_its_lease_writes_no_more_and_says_so() {
    let hook = Hook::start().await;
    let book = shop::book("webhook", &hook.url);
    let Some((first, mut second)) = pair(&book).await else { return };
    told(alert(&first, "Before")).await;
    first.fact("PageAttempted").await;
    first.signal("STOP");
    let took = leads(&second, Instant::now()).await;
    eprintln!("stopped: the other node leads after {took:?}");
    assert!(took < SOON, "{took:?}");
    told(alert(&second, "Meanwhile")).await;
    first.signal("CONT");
    let answer = alert(&first, "Stale").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    stands_by(&first).await;
    assert!(first.log().contains("another node has taken the journal"), "{}", first.log());
    let alerts = second.get("/alerts").await.to_string();
    assert!(alerts.contains("Before") && alerts.contains("Meanwhile") && !alerts.contains("Stale"), "{alerts}");

    // And back again: what stood by leads, in the same process.
    second.kill9().await;
    let took = leads(&first, Instant::now()).await;
    assert!(took < SOON, "{took:?}");
    let alerts = first.get("/alerts").await.to_string();
    assert!(alerts.contains("Before") && alerts.contains("Meanwhile"), "{alerts}");
    let pages = first.until("both pages are taken", |facts| {
        let taken = of(facts, "PageAttempted").filter(|fact| fact.to_string().contains("accepted")).count();
        (taken >= 2).then(|| of(facts, "PageOpened").count())
    });
    assert_eq!(pages.await, 2);
    assert_same_ids(&first.facts().await, &hook);
}

#[tokio::test]
async fn a_leader_that_is_told_to_stop_hands_over_at_once() {
    let book = shop::book("webhook", "http://127.0.0.1:1/");
    let Some((mut first, second)) = pair(&book).await else { return };
    told(alert(&first, "Before")).await;
    assert!(first.terminate().await.success());
    let took = leads(&second, Instant::now()).await;
    eprintln!("told to stop: the other node leads {took:?} after the end");
    assert!(took < SOON, "{took:?}");
    assert!(second.get("/alerts").await.to_string().contains("Before"));
    told(alert(&second, "After")).await;
}
