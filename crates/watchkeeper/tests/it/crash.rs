//! `kill -9` in the middle of load, again and again: nothing that was answered is lost, nothing that was done is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::SeededChance;

use crate::hook::Hook;
use crate::load::{Load, Noted};
use crate::server::{Base, Server, of, told};
use crate::shop;

const SQLITE_KILLS: u64 = 12;
const POSTGRES_KILLS: u64 = 8;
/// The fewest and the most answers before a kill.
const ANSWERS: std::ops::Range<u64> = 10..60;

#[tokio::test]
async fn sqlite_loses_and_repeats_nothing_when_the_server_is_killed() {
    survive(Base::Sqlite, SQLITE_KILLS).await;
}

#[tokio::test]
async fn postgres_loses_and_repeats_nothing_when_the_server_is_killed() {
    let Some(base) = Base::postgres() else { return };
    survive(base, POSTGRES_KILLS).await;
}

async fn survive(base: Base, kills: u64) {
    let hook = Hook::start().await;
    let mut server = Server::open(base, &shop::book("webhook", &hook.url)).await;
    let (chance, mut noted) = (SeededChance::new(kills), Noted::default());
    for kill in 0..kills {
        let load = Load::start(&server, kill);
        load.answered(ANSWERS.start + chance.below(ANSWERS.end - ANSWERS.start)).await;
        // The kill falls anywhere within the work of a few milliseconds.
        tokio::time::sleep(Duration::from_micros(chance.below(5000))).await;
        server.kill9().await;
        load.end(&mut noted).await;
        server.start().await;
        assert_nothing_lost(&server, &noted).await;
    }
    assert!(noted.len() as u64 > kills * 4, "{noted:?}");
    let facts = settled(&server, &noted).await;
    assert_nothing_repeated(&facts, &noted);
    assert_same_ids(&facts, &hook);
    assert!(server.terminate().await.success());
    let verified: Value = serde_json::from_str(&server.cli(&["journal", "verify", "--json"]).await).unwrap();
    assert_eq!(verified["verified"], true);
}

/// Whatever was answered with 200 is so.
pub async fn assert_nothing_lost(server: &Server, noted: &Noted) {
    let alerts = told(server.request(Method::GET, "/api/v2/alerts")).await;
    let named = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
    let muting = |alert: &Value| alert["status"]["state"] == "suppressed";
    let states: BTreeMap<String, bool> =
        alerts.as_array().unwrap().iter().map(|alert| (named(alert), muting(alert))).collect();
    for (names, wanted, what) in [
        (&noted.firing, Some(&false), "an alert is lost"),
        (&noted.muted, Some(&true), "a muted alert is lost"),
        (&noted.resolved, None, "a resolve is lost"),
    ] {
        let wrong: Vec<&String> = names.iter().filter(|name| states.get(*name) != wanted).collect();
        assert!(wrong.is_empty(), "{what}: {wrong:?}");
    }
    let silences = told(server.request(Method::GET, "/api/v2/silences")).await;
    let active = |silence: &&Value| silence["status"]["state"] == "active";
    let ids = silences.as_array().unwrap().iter().filter(active).map(|silence| silence["id"].as_str().unwrap());
    let ids: BTreeSet<&str> = ids.collect();
    assert!(noted.silences.iter().all(|id| ids.contains(&**id)), "a silence is lost");
}

/// Waits until every firing alert has its page and every message that is still wanted was taken.
pub async fn settled(server: &Server, noted: &Noted) -> Vec<Value> {
    let settled = |facts: &[Value]| {
        let paged: BTreeSet<String> = of(facts, "PageOpened").map(alert_of).collect();
        let accepted = accepted(facts);
        let all_taken = wanted(facts).is_subset(&accepted);
        (all_taken && noted.firing.is_subset(&paged)).then(|| facts.to_vec())
    };
    server.until("all pages are taken", settled).await
}

/// The messages that must arrive. Once all is over, nobody is told any more that it fires.
fn wanted(facts: &[Value]) -> BTreeSet<&str> {
    let closed: BTreeSet<String> = of(facts, "PageClosed").map(|fact| body(fact)["page"].to_string()).collect();
    let still = |fact: &&Value| body(fact)["says"] == "closed" || !closed.contains(&body(fact)["page"].to_string());
    of(facts, "PageRequested").filter(still).map(id_of).collect()
}

fn accepted(facts: &[Value]) -> BTreeSet<&str> {
    of(facts, "PageAttempted").filter(|fact| is_accepted(fact)).map(id_of).collect()
}

fn body(fact: &Value) -> &Value {
    &fact["body"][fact["kind"].as_str().unwrap()]
}

fn id_of(fact: &Value) -> &str {
    body(fact)["delivery"].as_str().unwrap()
}

fn is_accepted(fact: &Value) -> bool {
    body(fact)["attempt"]["outcome"].get("accepted").is_some()
}

/// The name of the one alert that a page was opened for; its title begins with it.
fn alert_of(opened: &Value) -> String {
    body(opened)["title"].as_str().unwrap().split(' ').next().unwrap().to_owned()
}

/// Each group was paged once, the muted ones never, and nothing was asked of anybody twice.
pub fn assert_nothing_repeated(facts: &[Value], noted: &Noted) {
    let paged: Vec<String> = of(facts, "PageOpened").map(alert_of).collect();
    let once: BTreeSet<&String> = paged.iter().collect();
    assert_eq!(once.len(), paged.len(), "a group was paged twice");
    let disturbed: Vec<_> = noted.muted.iter().filter(|name| once.contains(name)).collect();
    assert!(disturbed.is_empty(), "muted, and paged all the same: {disturbed:?}");
    let mut asked = BTreeSet::new();
    for fact in of(facts, "PageRequested") {
        let fields = ["page", "address", "step", "round", "says"].map(|field| body(fact)[field].to_string());
        assert!(asked.insert(fields), "asked twice: {fact}");
    }
}

/// What the receiver got carries the ids of the facts and no other, so that a repeat is known as one.
pub fn assert_same_ids(facts: &[Value], hook: &Hook) {
    let asked: BTreeSet<&str> = of(facts, "PageRequested").map(id_of).collect();
    let seen = hook.seen();
    let ids: BTreeSet<&str> = seen.keys().map(String::as_str).collect();
    assert!(ids.is_subset(&asked), "sent, but never asked for: {:?}", ids.difference(&asked));
    assert!(accepted(facts).is_subset(&ids), "recorded as taken, but never sent");
    for (id, bodies) in &seen {
        let first = &bodies[0]["groupLabels"];
        assert!(bodies.iter().all(|body| body["groupLabels"] == *first), "{id} was two pages: {}", json!(bodies));
    }
}
