//! Backtests: by the API and by the screen, with their limits, and who may.

use std::convert::Infallible;

use engine::Error;
use engine::backtests::{Stage, WAITING_MAX, Wanted};
use kernel::area::RefusalKind;
use kernel::{Actor, PersonName};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;
use crate::walk::Visitor;

const RULES: &str = "groups:
  - name: queues
    interval: 15s
    rules:
      - alert: QueueDeep
        expr: depth > 5
        labels: { severity: warning }
";
/// How often a backtest is looked at before a test gives up on it.
const LOOKS_MAX: usize = 100_000;

/// Samples of the last hour: a peak of one sample every five minutes, and one that lasts ten minutes.
fn fill(house: &House) {
    let now = house.engine.now().as_millisecond();
    for step in 0..240_i64 {
        let at = now - (240 - step) * 15_000;
        let value = if step % 20 == 0 || (100..140).contains(&step) { 9.0 } else { 1.0 };
        let mut appender = house.state.stores.metrics.appender(at).unwrap();
        let labels = vec![("__name__", "depth"), ("service", "checkout")];
        appender.series(b"depth", || Ok::<_, Infallible>(labels));
        appender.float(at, 0, value);
        appender.finish().unwrap();
    }
}

async fn over(house: &House, id: u64) -> Value {
    for _ in 0..LOOKS_MAX {
        let shown = house.get(&format!("/backtests/{id}")).await;
        if !matches!(shown["state"].as_str(), Some("waiting" | "running")) {
            return shown;
        }
    }
    unreachable!("backtest {id} is not over")
}

#[tokio::test]
async fn a_rule_is_replayed_by_the_api_and_read_on_the_screen() {
    let house = House::open().await;
    fill(&house);
    let declared = json!({ "title": "Slow", "severity": "P2", "why": "x", "services": ["checkout"] });
    house.post("/incidents", declared).await;
    let quieter = RULES.replace("depth > 5", "depth > 100");
    let begun = house.post("/backtests", json!({ "rules": RULES, "compare": quieter, "history": "1h" })).await;
    let shown = over(&house, begun["id"].as_u64().unwrap()).await;
    let rule = &shown["rules"][0];
    // A peak every five minutes, of which three are within the long one or at its end.
    assert_eq!(
        (&shown["state"], &rule["firings"], &rule["pages"]),
        (&json!("done"), &json!(10), &json!(10)),
        "{shown}"
    );
    assert_eq!((&rule["caught"], &rule["missed"]), (&json!(1), &json!(0)), "{shown}");
    assert!(rule["suggestion"].as_str().unwrap().contains("instead of 10"), "{rule}");
    let found = &shown["found"];
    assert_eq!((&found["comparison"]["before"], &found["comparison"]["after"]), (&json!(10), &json!(0)), "{found}");
    let ada = Visitor::person(&house, "ada").await;
    let page = ada.get("/backtest/1").await.text().await.unwrap();
    for words in
        ["QueueDeep", "class=\"band\"", "Suggested", "+        keep_firing_for:", "Caught", "Compared", "As written"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("http-equiv=\"refresh\""), "it is over");
    assert!(ada.get("/backtest").await.text().await.unwrap().contains("/backtest/1"), "it is listed");
    assert!(ada.get("/backtest?from=1").await.text().await.unwrap().contains("depth &gt; 100"), "both can be changed");
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_with_what_was_typed() {
    let house = House::open().await;
    let ada = Visitor::person(&house, "ada").await;
    let send = async |rules: &str, history: &str| {
        let answer = ada.post("/backtest", &[("rules", rules), ("compare", ""), ("history", history)]).await;
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, page) = send(RULES, "3d").await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("there are no samples yet"), "{page}");
    fill(&house);
    for (rules, history, wrong, says) in [
        ("groups: [{ name: g, rules: [{ alert: A, expr: 'm >' }] }]", "3d", "rules", "RF003"),
        ("groups: []", "3d", "rules", "there is no rule"),
        (RULES, "long", "history", "long"),
        (RULES, "0s", "history", "look back between"),
    ] {
        let (status, page) = send(rules, history).await;
        let place = format!("id=\"backtest-{wrong}-wrong\"");
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains(&place) && page.contains(says), "{page}");
    }
    let told = house.api(Method::POST, "/backtests", Some(json!({ "rules": "groups: []" }))).await;
    assert_eq!((told.0, &told.1["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("rules")));
    assert_eq!(house.api(Method::GET, "/backtests/9", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn each_person_has_one_at_a_time_and_ends_only_their_own() {
    let house = House::open().await;
    fill(&house);
    let backtests = &house.state.backtests;
    let file = connectors::rules::check("rules", RULES.as_bytes()).whole().unwrap();
    let end = house.engine.now().as_millisecond();
    let wanted = || Wanted { file: file.clone(), other: None, start: end - 3_600_000, end };
    let person = |name: &str| Actor::Person(PersonName::new(name).unwrap());
    let refusal = |asked: Result<(u64, bool), Error>| match asked {
        Err(Error::Refused(refusal)) => refusal.kind,
        other => panic!("{other:?}"),
    };
    let (ada, bruno) = (person("ada"), person("bruno"));
    assert!(matches!(backtests.ask(&person("carl"), wanted()), Err(Error::Denied { .. })), "carl may read nothing");
    let (first, lend) = backtests.ask(&ada, wanted()).unwrap();
    assert!(lend, "nobody works yet");
    assert_eq!(refusal(backtests.ask(&ada, wanted())), RefusalKind::Conflict);
    let (second, lend) = backtests.ask(&bruno, wanted()).unwrap();
    assert!(!lend, "whoever lent a thread first works on it");
    for other in 2..WAITING_MAX {
        backtests.ask(&Actor::system(["a", "b", "c", "d"][other - 2]), wanted()).unwrap();
    }
    assert_eq!(refusal(backtests.ask(&Actor::system("e"), wanted())), RefusalKind::Conflict, "too many wait");
    assert!(backtests.cancel(&bruno, first).is_err(), "it is Ada's");
    assert!(backtests.cancel(&ada, first).unwrap() && !backtests.cancel(&ada, 99).unwrap());
    backtests.work();
    let stage = |id| backtests.get(&ada, id).unwrap().unwrap().stage;
    assert_eq!(stage(first), Stage::Cancelled);
    assert!(matches!(stage(second), Stage::Done(_)));
    assert!(backtests.ask(&ada, wanted()).unwrap().1, "the thread was given back");
}
