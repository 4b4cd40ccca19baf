//! Logs: searched, followed page by page, exported and sent in again; their patterns; the screens about both.

use kernel::Seconds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;
use crate::walk::Visitor;

/// A line that was written so many seconds ago.
fn line(house: &House, ago: u32, level: &str, says: &str) -> Value {
    let at = Seconds(ago).before(house.engine.now()).to_string();
    json!({ "time": at, "level": level, "msg": says, "order": ago, "trace_id": "ab12" })
}

async fn send(house: &House, service: &str, lines: &[Value]) {
    let body = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (status, told) = house.door(&format!("/v1/lines?service={service}"), body).await;
    assert_eq!((status, &told["kept"]), (StatusCode::OK, &json!(lines.len())), "{told}");
}

fn says(found: &Value) -> Vec<&str> {
    found["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}

/// A shop with six lines: of each minute one, two of one instant, and one of another service.
async fn written(house: &House) {
    let lines = [
        line(house, 300, "info", "order 1 was paid"),
        line(house, 240, "error", "card was refused by bank seven"),
        line(house, 180, "warning", "slow answer of bank seven"),
        line(house, 120, "info", "order 2 was paid"),
        line(house, 120, "info", "order 3 was paid"),
    ];
    send(house, "checkout", &lines).await;
    send(house, "search", &[line(house, 60, "error", "index is broken")]).await;
}

#[tokio::test]
async fn events_are_found_by_word_service_level_and_time() {
    let house = House::open().await;
    written(&house).await;
    let from = Seconds(200).before(house.engine.now());
    let cases = [
        ("", 6),
        ("?text=REFUSED", 1),
        ("?text=bank+seven", 2),
        ("?text=nothing+like+it", 0),
        ("?service=search", 1),
        ("?level=warning", 3),
        ("?level=error&service=checkout", 1),
        ("?since=130s", 3),
        (&*format!("?from={from}"), 4),
        (&*format!("?since=1h&until={from}"), 2),
        ("?since=10s", 0),
    ];
    for (query, count) in cases {
        let found = house.get(&format!("/logs{query}")).await;
        assert_eq!(
            (says(&found).len(), &found["next"], &found["whole"]),
            (count, &Value::Null, &json!(true)),
            "{query}"
        );
    }
    let found = house.get("/logs?level=error&service=checkout").await;
    let event = &found["events"][0];
    assert_eq!((&event["level"], &event["trace_id"]), (&json!("error"), &json!("ab12")));
    assert_eq!(event["attributes"], json!({ "order": 240 }));
}

#[tokio::test]
async fn every_event_is_on_one_page_and_on_no_other() {
    let house = House::open().await;
    written(&house).await;
    let whole = house.get("/logs").await;
    for limit in 1..=6 {
        let (mut all, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = house.get(&format!("/logs?limit={limit}{cursor}")).await;
            all.extend(says(&page).into_iter().map(str::to_owned));
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((&all, pages), (&says(&whole).into_iter().map(str::to_owned).collect(), 6_usize.div_ceil(limit)));
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_named() {
    let house = House::open().await;
    let cases = [
        ("level=loud", "level"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("since=soon", "since"),
        ("from=noon", "from"),
        ("from=2026-01-05T09:00", "from"),
        ("from=2026-01-05T09:00:00Z&until=2026-01-05T08:00:00Z", "from"),
        ("cursor=1", "cursor"),
        ("cursor=1-99999", "cursor"),
        ("pattern=17", "pattern"),
        (&*format!("text={}", "x".repeat(501)), "text"),
    ];
    for (query, field) in cases {
        let (status, told) = house.api(Method::GET, &format!("/logs?{query}"), None).await;
        assert_eq!((status, &told["field"]), (StatusCode::BAD_REQUEST, &json!(field)), "{query}: {told}");
    }
    let (status, told) = house.api(Method::GET, "/logs?service=checkout&pattern=t9", None).await;
    assert_eq!((status, &told["field"]), (StatusCode::NOT_FOUND, &json!("pattern")), "{told}");
}

#[tokio::test]
async fn what_is_exported_can_be_sent_in_again() {
    let house = House::open().await;
    written(&house).await;
    let export = async |query: &str| {
        let request = house.request(Method::GET, &format!("/api/v1/logs/export{query}")).bearer_auth(&house.token);
        let answer = request.send().await.unwrap();
        let next = answer.headers().get("x-next-cursor").map(|next| next.to_str().unwrap().to_owned());
        (answer.text().await.unwrap(), next)
    };
    let (lines, next) = export("").await;
    assert_eq!((lines.lines().count(), next), (6, None));
    let (first, next) = export("?limit=2").await;
    let (rest, end) = export(&format!("?cursor={}", next.unwrap())).await;
    assert_eq!((format!("{first}{rest}"), end), (lines.clone(), None));
    let (status, told) = house.door("/v1/lines", lines).await;
    assert_eq!((status, &told["kept"]), (StatusCode::OK, &json!(6)), "{told}");
    let twice = house.get("/logs?text=index+is+broken").await;
    let (one, other) = (&twice["events"][0], &twice["events"][1]);
    for same in ["time", "level", "service", "message", "trace_id", "pattern"] {
        assert_eq!(one[same], other[same], "{same}");
    }
}

#[tokio::test]
async fn patterns_are_listed_and_lead_to_their_events() {
    let house = House::open().await;
    written(&house).await;
    let listed = house.get("/logs/patterns?service=checkout").await;
    assert_eq!(listed["total"], 3, "{listed}");
    let first = &listed["patterns"][0];
    assert_eq!((&first["text"], &first["lines"]), (&json!("order <*> was paid"), &json!(3)));
    let pattern = first["pattern"].as_str().unwrap();
    let found = house.get(&format!("/logs?service=checkout&pattern={pattern}")).await;
    assert_eq!(says(&found), ["order 2 was paid", "order 3 was paid", "order 1 was paid"]);
    assert!(found["events"].as_array().unwrap().iter().all(|event| event["pattern"] == pattern), "{found}");
    assert_eq!(house.get("/logs/patterns?text=INDEX").await["patterns"][0]["service"], "search");
    assert_eq!(house.get("/logs/patterns?limit=1&offset=3").await["patterns"].as_array().unwrap().len(), 1);
    let watched = house.get("/logs/watched").await;
    assert_eq!((&watched["logs"][0]["service"], &watched["logs"][0]["patterns"]), (&json!("checkout"), &json!(3)));
    assert_eq!(house.get("/logs/findings").await, json!([]), "everything is new while it is learned");
}

#[tokio::test]
async fn the_screens_show_events_their_time_and_their_patterns() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let page = async |path: &str| ada.get(path).await.text().await.unwrap();
    assert!(page("/logs").await.contains("No log event has come in yet"));
    assert!(page("/logs/patterns").await.contains("No log event has come in yet"));
    written(&house).await;
    send(&house, "checkout", &[line(&house, 90, "error", "<script>alert(1)</script> came \"in\"")]).await;
    let events = page("/logs").await;
    assert!(events.contains("7 events") && events.contains("3 errors or worse"), "{events}");
    assert!(!events.contains("<script>alert") && events.contains("&#60;script&#62;alert"), "it is escaped");
    assert!(events.contains("bar-bad") && events.contains("data-live=\"/live\""), "{events}");
    assert!(page("/logs?follow=true").await.contains("data-live=\"/logs/live\""));
    let patterns = page("/logs/patterns").await;
    assert!(patterns.contains("order &#60;*&#62; was paid") && !patterns.contains("<script>alert"), "{patterns}");
    let like = patterns.split("href=\"/logs?service=checkout").nth(1).unwrap().split('"').next().unwrap();
    let like = page(&format!("/logs?service=checkout{}", like.replace("&#38;", "&").replace("&amp;", "&"))).await;
    assert!(like.contains("Only events of the pattern"), "{like}");
    let wrong = ada.get("/logs?from=noon").await;
    assert_eq!(wrong.status(), StatusCode::OK);
    assert!(wrong.text().await.unwrap().contains("from: &#34;noon&#34; is not an instant"));
    let older = page("/logs?since=1h&cursor=1-0").await;
    assert!(older.contains("No event here is like that"), "{older}");
}

#[tokio::test]
async fn local_times_are_in_the_zone_of_the_reader() {
    let house = House::open().await;
    written(&house).await;
    let ada = Visitor::person(&house, "ada").await;
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let local = |ago: u32| {
        let at = zone.to_datetime(Seconds(ago).before(house.engine.now()));
        at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let path = format!("/logs?from={}&until={}", local(190), local(100));
    let page = ada.get(&path).await.text().await.unwrap();
    assert!(page.contains("3 events") && page.contains("slow answer of bank seven"), "{page}");
}

#[tokio::test]
async fn whoever_follows_is_told_that_something_came() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let mut told = ada.get("/logs/live").await;
    assert_eq!(told.status(), StatusCode::OK);
    let first = told.chunk().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("data:"), "at once, so that nothing is missed: {first:?}");
    written(&house).await;
    let next = tokio::time::timeout(std::time::Duration::from_secs(60), told.chunk()).await.unwrap();
    assert!(String::from_utf8_lossy(&next.unwrap().unwrap()).contains("data:"));
}

#[tokio::test]
async fn a_block_that_cannot_be_read_is_told_with_what_is_left() {
    let house = House::open().await;
    let lines =
        |name: &str| json!({ "time": "2096-10-02T07:00:00Z", "level": "error", "msg": format!("{name} is here") });
    send(&house, "checkout", &[lines("first")]).await;
    // The clock by which these tests' sink takes events in, eleven minutes later: what came is sealed.
    let sealed_at = 4_000_000_000_000_000_000 + 660 * 1_000_000_000;
    house.state.stores.logs.tend(sealed_at).unwrap();
    send(&house, "checkout", &[lines("second")]).await;
    let range = "from=2096-10-02T00:00:00Z&until=2096-10-03T00:00:00Z";
    let before = house.get(&format!("/logs?{range}")).await;
    assert_eq!((says(&before).len(), &before["damaged"]), (2, &json!([])), "{before}");

    let block = house.data.path().join("logs/0000000000000001.block");
    let bytes = std::fs::read(&block).unwrap();
    std::fs::write(&block, &bytes[..bytes.len() / 2]).unwrap();
    let found = house.get(&format!("/logs?{range}")).await;
    assert_eq!(says(&found), ["second is here"]);
    assert!(found["damaged"][0].as_str().unwrap().contains("0000000000000001.block"), "{found}");
    let ada = Visitor::person(&house, "ada").await;
    let page = ada.get(&format!("/logs?{range}")).await.text().await.unwrap();
    assert!(page.contains("1 block of log events cannot be read"), "{page}");
    assert!(page.contains("second is here") && page.contains("0000000000000001.block"), "{page}");
}
