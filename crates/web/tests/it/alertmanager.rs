//! The Alertmanager door, as Prometheus and its clients use it.

use kernel::Seconds;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer};

/// Year one, which is how clients say "no time".
const NONE: &str = "0001-01-01T00:00:00Z";

/// What Prometheus 2.42 posts for one alert.
fn posted(name: &str, severity: &str, ends_at: &str) -> Value {
    json!({
        "annotations": { "summary": format!("{name} is wrong") },
        "endsAt": ends_at,
        "startsAt": "2026-02-03T04:05:06.789Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "labels": { "alertname": name, "service": "checkout", "severity": severity, "empty": "" },
    })
}

async fn post(house: &House, alerts: Value) -> (StatusCode, Value) {
    house.door("/api/v2/alerts", alerts.to_string()).await
}

fn names(listed: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        listed.as_array().unwrap().iter().filter_map(|alert| alert["labels"]["alertname"].as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn what_prometheus_posts_is_listed_as_alertmanager_lists_it() {
    let house = House::open().await;
    let ends_at = Seconds::hours(1).after(house.engine.now()).to_string();
    let (status, body) = post(&house, json!([posted("Down", "critical", &ends_at)])).await;
    assert_eq!((status, body), (StatusCode::OK, Value::Null));
    let listed = house.look("/api/v2/alerts").await;
    let alert = &listed[0];
    assert_eq!(alert["labels"], json!({ "alertname": "Down", "service": "checkout", "severity": "critical" }));
    assert_eq!(alert["annotations"]["summary"], "Down is wrong");
    assert_eq!(alert["startsAt"], "2026-02-03T04:05:06.789Z");
    assert_eq!(alert["generatorURL"], "http://prometheus:9090/graph?g0.expr=up");
    assert_eq!(alert["status"], json!({ "state": "active", "silencedBy": [], "inhibitedBy": [] }));
    assert_eq!(alert["receivers"], json!([{ "name": "shop" }]));
    assert_eq!(alert["fingerprint"].as_str().map(str::len), Some(16));
    assert!(alert["updatedAt"].is_string() && alert["endsAt"].is_string());

    let (status, _) = post(&house, json!([posted("Down", "critical", "2026-02-03T04:06:00Z")])).await;
    assert_eq!((status, house.look("/api/v2/alerts").await), (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn listings_are_filtered() {
    let house = House::open().await;
    let all = json!([posted("Down", "critical", NONE), posted("Slow", "warning", NONE), posted("Note", "info", NONE)]);
    assert_eq!(post(&house, all).await.0, StatusCode::OK);
    let cases: [(&str, &[&str]); 9] = [
        ("", &["Down", "Note", "Slow"]),
        ("?filter=alertname%3D%22Down%22", &["Down"]),
        ("?filter=alertname%3D~%22D.*%7CN.*%22&filter=severity!%3D%22info%22", &["Down"]),
        ("?inhibited=false", &["Down", "Note"]),
        ("?active=false", &["Slow"]),
        ("?receiver=late", &["Note"]),
        ("?receiver=sho", &[]),
        ("?filter=nothing%3D%22here%22", &[]),
        ("?silenced=false&unprocessed=false", &["Down", "Note", "Slow"]),
    ];
    for (query, wanted) in cases {
        assert_eq!(names(&house.look(&format!("/api/v2/alerts{query}")).await), wanted, "{query}");
    }
    let slow = house.look("/api/v2/alerts?filter=alertname%3DSlow").await;
    assert_eq!(slow[0]["status"]["state"], "suppressed");
    assert_eq!(slow[0]["status"]["inhibitedBy"].as_array().map(Vec::len), Some(1));
    let groups = house.look("/api/v2/alerts/groups").await;
    let told =
        groups.as_array().unwrap().iter().map(|group| (group["receiver"]["name"].as_str(), names(&group["alerts"])));
    let told: Vec<_> = told.collect();
    assert!(told.contains(&(Some("shop"), vec!["Down", "Slow"])), "{told:?}");
    assert!(told.contains(&(Some("late"), vec!["Note"])), "{told:?}");
    assert_eq!(groups[0]["labels"], json!({ "service": "checkout" }));
}

#[tokio::test]
async fn a_long_list_is_whole() {
    let house = House::open().await;
    let many: Vec<Value> = (0..1234).map(|n| posted(&format!("A{n}"), "info", NONE)).collect();
    assert_eq!(post(&house, Value::from(many)).await.0, StatusCode::OK);
    let listed = house.look("/api/v2/alerts").await;
    let mut names = names(&listed);
    names.dedup();
    assert_eq!(names.len(), 1234);
    assert_eq!(house.get("/alerts").await.as_array().map(Vec::len), Some(1234));
}

#[tokio::test]
async fn the_good_alerts_of_a_batch_are_taken_and_the_bad_ones_named() {
    let house = House::open().await;
    let batch = json!([
        posted("Down", "critical", NONE),
        { "labels": {} },
        { "labels": { "a": "b" }, "startsAt": "2026-02-03T05:00:00Z", "endsAt": "2026-02-03T04:00:00Z" },
    ]);
    let (status, said) = post(&house, batch).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let said = said.as_str().unwrap();
    assert!(said.contains("[1]: has no labels") && said.contains("[2]: ends before it starts"), "{said}");
    assert_eq!(names(&house.look("/api/v2/alerts").await), ["Down"]);
}

#[tokio::test]
async fn a_silence_is_written_read_changed_and_ended() {
    let house = House::open().await;
    let now = house.engine.now();
    assert_eq!(post(&house, json!([posted("Slow", "info", NONE)])).await.0, StatusCode::OK);
    let wanted = |comment: &str, id: Option<&str>| {
        json!({
            "id": id, "comment": comment, "createdBy": "someone", "startsAt": now.to_string(),
            "endsAt": Seconds::hours(2).after(now).to_string(),
            "matchers": [{ "name": "alertname", "value": "Sl.w", "isRegex": true, "isEqual": true }],
        })
    };
    let (status, made) = house.door("/api/v2/silences", wanted("one", None).to_string()).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let id = made["silenceID"].as_str().unwrap();
    let silence = house.look(&format!("/api/v2/silence/{id}")).await;
    assert_eq!((&silence["status"]["state"], &silence["createdBy"]), (&json!("active"), &json!("someone")));
    assert_eq!(
        silence["matchers"],
        json!([{ "name": "alertname", "value": "Sl.w", "isRegex": true, "isEqual": true }])
    );
    let alert = house.look("/api/v2/alerts").await;
    assert_eq!(alert[0]["status"], json!({ "state": "suppressed", "silencedBy": [id], "inhibitedBy": [] }));

    let (_, again) = house.door("/api/v2/silences", wanted("two", Some(id)).to_string()).await;
    assert_eq!(again["silenceID"], id);
    let found = house.look("/api/v2/silences?filter=alertname%3D%22Sl.w%22").await;
    assert_eq!((found.as_array().map(Vec::len), &found[0]["comment"]), (Some(1), &json!("two")));
    assert_eq!(house.look("/api/v2/silences?filter=alertname%3D%22Other%22").await, json!([]));

    let path = format!("/api/v2/silence/{id}");
    assert_eq!(house.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(house.look(&path).await["status"]["state"], "expired");
    assert_eq!(house.look("/api/v2/alerts").await[0]["status"]["state"], "active");
    let (status, _) = answer(house.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn many_silences_are_listed_in_pieces_and_in_order() {
    let house = House::open().await;
    for minute in 10..130 {
        let ends = Seconds::minutes(minute).after(house.engine.now());
        let matchers = json!([{ "name": "n", "value": format!("{minute}"), "isRegex": false }]);
        let starts = house.engine.now();
        let silence =
            json!({ "matchers": matchers, "startsAt": starts, "endsAt": ends, "createdBy": "ada", "comment": "x" });
        assert_eq!(house.door("/api/v2/silences", silence.to_string()).await.0, StatusCode::OK);
    }
    let listed = house.look("/api/v2/silences").await;
    let ends: Vec<&str> = listed.as_array().unwrap().iter().filter_map(|one| one["endsAt"].as_str()).collect();
    assert!(ends.len() == 120 && ends.is_sorted(), "the next to end comes first: {ends:?}");
}

#[tokio::test]
async fn status_and_receivers_are_told() {
    let house = House::open().await;
    let status = house.look("/api/v2/status").await;
    assert_eq!(status["versionInfo"]["version"], "watchkeeper 1.2.3");
    assert_eq!(status["cluster"]["status"], "disabled");
    let original = status["config"]["original"].as_str().unwrap();
    assert!(original.contains(r#""receiver": "late""#) && original.starts_with("# watchbook "), "{original}");
    let receivers = house.look("/api/v2/receivers").await;
    let named = ["late", "shop", "policy-of-the-service", "nobody"].map(|name| json!({ "name": name }));
    assert_eq!(receivers, json!(named));
}

#[tokio::test]
async fn an_alert_without_a_service_has_the_receiver_that_is_paged() {
    let house = House::open().await;
    let mut alert = posted("Strange", "critical", NONE);
    alert["labels"]["service"] = json!("unheard-of");
    assert_eq!(post(&house, json!([alert])).await.0, StatusCode::OK);
    assert_eq!(house.look("/api/v2/alerts").await[0]["receivers"], json!([{ "name": "nobody" }]));

    let root = kernel::PolicyName::new("late").unwrap();
    let book = |policy: Option<&kernel::PolicyName>| {
        let mut book = kernel::Book::clone(&house.engine.book());
        book.route.policy = policy.cloned();
        book
    };
    house.engine.apply_book(&kernel::Actor::system("test"), book(Some(&root)), "test").await.unwrap();
    let mut alert = posted("Stranger", "critical", NONE);
    alert["labels"]["service"] = json!("unheard-of-too");
    assert_eq!(post(&house, json!([alert])).await.0, StatusCode::OK);
    let listed = house.look("/api/v2/alerts?filter=alertname%3DStranger").await;
    assert_eq!(listed[0]["receivers"], json!([{ "name": "late" }]));
    let paged = house.engine.read(&kernel::Actor::system("test"), engine::Read::of("alerts:read"), |world| {
        world.alerts.open_pages().filter_map(|page| page.policy.clone()).collect::<Vec<_>>()
    });
    assert_eq!(paged.unwrap(), [root], "who is paged is who is shown");
}
