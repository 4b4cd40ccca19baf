//! Our own API: one outage from its alert to its published review, told by the API alone.

use kernel::Seconds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer};

async fn alert(house: &House, labels: Value) -> Value {
    house.post("/alerts", json!({ "alerts": [{ "labels": labels, "annotations": { "summary": "no orders" } }] })).await
}

fn down() -> Value {
    json!({ "alertname": "Down", "service": "checkout", "severity": "critical" })
}

fn kinds(done: &Value) -> Vec<&str> {
    done["facts"].as_array().unwrap().iter().filter_map(|fact| fact["kind"].as_str()).collect()
}

#[tokio::test]
async fn an_outage_is_told_from_its_alert_to_its_review() {
    let house = House::open().await;
    let opened = alert(&house, down()).await;
    assert_eq!(kinds(&opened)[0], "AlertOpened");
    assert_eq!(
        (&opened["facts"][0]["actor"], &opened["facts"][0]["area"]),
        (&json!("integration:tester"), &json!("alerts"))
    );
    house.pass(Seconds(1)).await;
    let now = house.get("/now").await;
    assert_eq!(
        (&now["alerts_firing"], &now["health"], &now["oncall"][0]["schedule"]),
        (&json!(1), &json!("ready"), &json!("primary"))
    );
    assert_eq!((&now["pages"][0]["state"], &now["incidents"][0]["severity"]), (&json!("paging"), &json!("P1")));
    let incident = now["incidents"][0]["incident"].as_str().unwrap().to_owned();

    let page = &now["pages"][0]["page"];
    let whole = house.get(&format!("/pages/{page}")).await;
    assert_eq!(whole["deliveries"][0]["address"].as_str().map(|to| to.starts_with("mail to ")), Some(true), "{whole}");
    house.post(&format!("/pages/{page}/acknowledge"), json!({ "note": "on it" })).await;
    assert_eq!(house.get(&format!("/pages/{page}")).await["acknowledged_by"], "integration:tester");

    let act = async |act: &str, body: Value| house.post(&format!("/incidents/{incident}/{act}"), body).await;
    act("assign", json!({ "role": "commander", "person": "ada" })).await;
    act("handover", json!({ "role": "commander", "to": "bruno", "summary": "end of shift" })).await;
    act("assign", json!({ "role": "scribe", "person": "ada" })).await;
    act("unassign", json!({ "role": "scribe", "person": "ada" })).await;
    act("note", json!({ "text": "the disk is full" })).await;
    act("severity", json!({ "severity": "p2", "why": "some orders go through" })).await;
    act(
        "impact",
        json!({ "impact": { "summary": "orders fail", "users_percent": 40, "functions": ["taking orders"] } }),
    )
    .await;
    act("mitigate", json!({ "how": "made room" })).await;
    act("resolve", json!({ "how": "it holds" })).await;
    act("reopen", json!({ "why": "it is back" })).await;
    let resolved = act("resolve", json!({ "how": "more room" })).await;
    assert_eq!(kinds(&resolved)[0], "IncidentResolved");
    let again =
        house.api(Method::POST, &format!("/incidents/{incident}/resolve"), Some(json!({ "how": "again" }))).await;
    assert_eq!(again.0, StatusCode::CONFLICT);
    let whole = house.get(&format!("/incidents/{incident}")).await;
    assert_eq!(
        (&whole["phase"], &whole["commander"], &whole["severity"]),
        (&json!("resolved"), &json!("bruno"), &json!("P2"))
    );
    assert_eq!((&whole["impact"]["users_percent"], &whole["reopened"]), (&json!(40), &json!(1)));
    let said = whole["timeline"].as_array().unwrap().iter().any(|entry| entry["text"] == "the disk is full");
    assert!(said, "{whole}");

    let review = house.get("/reviews").await[0].clone();
    assert_eq!((&review["incident"], &review["state"]), (&json!(incident), &json!("draft")));
    write_review(&house, &review["review"]).await;
}

async fn write_review(house: &House, number: &Value) {
    let path = format!("/reviews/{number}");
    let refused = house.api(Method::POST, &format!("{path}/publish"), Some(json!({}))).await;
    assert_eq!(refused.0, StatusCode::CONFLICT, "{}", refused.1);
    let whole = house.get(&path).await;
    for section in whole["sections"].as_array().unwrap().iter().filter(|section| section["section"] != "timeline") {
        let at = format!("{path}/sections/{}", section["section"].as_str().unwrap());
        let text = json!({ "text": "- the disk had no alert", "revision": section["revision"] });
        let (status, told) = house.api(Method::PUT, &at, Some(text)).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        let stale = json!({ "text": "mine", "revision": section["revision"] });
        assert_eq!(house.api(Method::PUT, &at, Some(stale)).await.0, StatusCode::CONFLICT);
    }
    let action = json!({ "title": "Watch the disk", "owner": "ada", "due": "2030-01-01", "kind": "detect" });
    house.post(&format!("{path}/actions"), action).await;
    house.post(&format!("{path}/actions/1/complete"), json!({ "evidence": "rule disk-full" })).await;
    house.post(&format!("{path}/publish"), json!({})).await;
    let whole = house.get(&path).await;
    assert_eq!((&whole["state"], &whole["open_actions"]), (&json!("published"), &json!(0)));
    let request = house.request(Method::GET, &format!("/api/v1{path}/markdown")).bearer_auth(&house.token);
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("the disk had no alert") && !text.contains("bruno"), "{text}");
}

#[tokio::test]
async fn an_alert_says_why_it_paged_and_is_resolved_by_hand() {
    let house = House::open().await;
    alert(&house, down()).await;
    house.pass(Seconds(1)).await;
    let print = house.get("/alerts").await[0]["fingerprint"].as_str().unwrap().to_owned();
    let shown = house.get(&format!("/alerts/{print}")).await;
    assert_eq!((&shown["state"], shown["pages"].as_array().map(Vec::len)), (&json!("firing"), Some(1)));
    let stages = house.get(&format!("/alerts/{print}/why")).await;
    let names: Vec<_> =
        stages["stages"].as_array().unwrap().iter().filter_map(|stage| stage["stage"].as_str()).collect();
    assert_eq!(names[..4], ["observed", "route", "group", "mute"]);
    assert_eq!(house.get("/alerts?filter=severity%3D%22info%22").await, json!([]));
    house.post(&format!("/alerts/{print}/acknowledge"), json!({})).await;
    house.post(&format!("/alerts/{print}/resolve"), json!({ "note": "a test" })).await;
    assert_eq!(house.get("/alerts").await, json!([]));
    let (status, _) = house.api(Method::GET, &format!("/alerts/{print}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/pages?all=true").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn silences_and_shifts_are_taken_and_given_back() {
    let house = House::open().await;
    let made =
        house.post("/silences", json!({ "matchers": ["service=checkout"], "lasts": "2h", "comment": "moving" })).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(house.get(&format!("/silences/{id}")).await["created_by"], "integration:tester");
    alert(&house, down()).await;
    assert_eq!(house.get("/alerts").await[0]["state"], "muted");
    house.post(&format!("/silences/{id}/expire"), json!({})).await;
    assert_eq!(house.get("/silences").await[0]["state"], "expired");

    let until = Seconds::hours(4).after(house.engine.now()).to_string();
    let taken = house.post("/oncall/primary/overrides", json!({ "person": "bruno", "until": until })).await;
    let duty = &house.get("/oncall").await[0];
    assert_eq!((&duty["person"], &duty["by"]), (&json!("bruno"), &json!("override")));
    assert_eq!(house.get("/oncall/primary/overrides").await[0]["id"], taken["id"]);
    let shifts = house.get("/oncall/primary/shifts").await;
    assert_eq!(shifts[0]["person"], "bruno");
    house.post(&format!("/overrides/{}/cancel", taken["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(house.get("/oncall").await[0]["by"], "rotation");
}

#[tokio::test]
async fn updates_are_drafted_revised_published_and_put_away() {
    let house = House::open().await;
    let wording =
        |text: &str| json!({ "title": "Orders fail", "stage": "investigating", "text": text, "next_update_in": "30m" });
    let drafted = house.post("/updates", wording("We look into it.")).await;
    let update = &drafted["update"];
    let (status, _) = house.api(Method::PUT, &format!("/updates/{update}"), Some(wording("We found the cause."))).await;
    assert_eq!(status, StatusCode::OK);
    let stale = house.api(Method::POST, &format!("/updates/{update}/publish"), Some(json!({ "revision": 0 }))).await;
    assert_eq!(stale.0, StatusCode::CONFLICT, "{}", stale.1);
    house.post(&format!("/updates/{update}/publish"), json!({ "revision": 1 })).await;
    let shown = house.get(&format!("/updates/{update}")).await;
    assert_eq!((&shown["state"], &shown["text"]), (&json!("published"), &json!("We found the cause.")));
    let other = house.post("/updates", wording("More.")).await;
    house.post(&format!("/updates/{}/discard", other["update"]), json!({})).await;
    let left = house.get("/updates").await;
    assert_eq!(
        (left.as_array().map(Vec::len), &left[0]["state"]),
        (Some(1), &json!("published")),
        "nobody ever heard of the other"
    );
}

#[tokio::test]
async fn facts_are_listed_and_proved() {
    let house = House::open().await;
    alert(&house, down()).await;
    house.settle().await;
    let facts = house.get("/journal?from=0&limit=1000").await;
    let opened = facts.as_array().unwrap().iter().find(|fact| fact["kind"] == "AlertOpened").unwrap();
    assert_eq!(
        (&opened["actor"], &opened["body"]["AlertOpened"]["source"]),
        (&json!("integration:tester"), &json!("tester"))
    );
    let proof = house.get(&format!("/journal/{}", opened["seq"])).await;
    assert_eq!(proof["leaf"], opened["leaf"]);
    assert!(proof["proof"].as_str().is_some_and(|text| text.contains("test.example/journal")), "{proof}");
    let head = house.get("/journal/checkpoint").await;
    assert_eq!((&head["size"], &head["root"]), (&json!(house.next().0), &proof["root"]));
    let one = house.get(&format!("/journal?from={}&limit=1", opened["seq"])).await;
    assert_eq!(one[0]["seq"], opened["seq"]);
    assert_eq!(house.api(Method::GET, "/journal/999999", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.api(Method::POST, "/journal/checkpoint", Some(json!({}))).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_watchbook_its_services_and_people_are_told() {
    let house = House::open().await;
    assert_eq!(house.get("/watchbook").await["digest"], json!(house.engine.book().digest.to_string()));
    let service = &house.get("/services").await[0];
    assert_eq!((&service["service"], &service["policy"]), (&json!("checkout"), &json!("shop")));
    let people = house.get("/people").await;
    assert_eq!(
        people[0],
        json!({ "person": "ada", "title": "Ada", "time_zone": "Europe/Berlin", "roles": ["commander"] })
    );
    house.post("/changes", json!({ "summary": "deployed", "service": "checkout", "details": { "build": "7" } })).await;
    assert_eq!(house.get("/changes").await[0]["source"], "integration:tester");
    assert_eq!(house.get("/signals").await, json!([]));
}

#[tokio::test]
async fn rules_that_never_fired_and_objectives_without_samples_say_so() {
    let house = House::open().await;
    let report = house.get("/rules/noise").await;
    let rule = &report["rules"][0];
    assert_eq!((&rule["rule"], &rule["line"], &rule["firings"]), (&json!("Orders <few>"), &json!(4), &json!(0)));
    assert_eq!((&rule["suggestion"], &rule["median_seconds"]), (&Value::Null, &Value::Null));
    let slo = &house.get("/slos").await[0];
    assert_eq!(
        (&slo["burning"], &slo["budget_left"], &slo["period"]),
        (&json!("unknown"), &Value::Null, &json!("30d"))
    );
    for (since, said) in [("9x", "since"), ("400d", "366 days"), ("", "since")] {
        let (status, problem) = house.api(Method::GET, &format!("/rules/noise?since={since}"), None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
        assert!(problem["error"].as_str().is_some_and(|error| error.contains(said)), "{problem}");
    }
}

#[tokio::test]
async fn a_beat_needs_a_check_that_awaits_it() {
    let house = House::open().await;
    let (status, problem) = house.api(Method::POST, "/checks/none/beat", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
    let (status, _) =
        answer(house.request(Method::POST, "/api/v1/checks/none/beat").bearer_auth("wrong").send().await.unwrap())
            .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_confidential_incident_is_shown_to_those_who_may() {
    let house = House::open().await;
    let declare = async |sensitivity: &str| {
        let asked = json!({ "title": "Leak", "severity": "P2", "why": "mail", "sensitivity": sensitivity });
        house.post("/incidents", asked).await["incident"].as_str().unwrap().to_owned()
    };
    let confidential = declare("confidential").await;
    assert_eq!(house.get("/incidents").await[0]["incident"], json!(confidential));
    let (status, told) = house
        .api(
            Method::POST,
            "/incidents",
            Some(json!({ "title": "x", "severity": "P2", "why": "y", "sensitivity": "restricted" })),
        )
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
}
