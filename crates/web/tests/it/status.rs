//! The public status: Statuspage's JSON and Atom. Drafts and internal words never show.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, answer};

async fn public(house: &House, path: &str) -> Value {
    // From anywhere, with no token.
    let request = house.request(Method::GET, path).header("x-forwarded-for", "192.0.2.7");
    let (status, value) = answer(request.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{path}: {value}");
    value
}

async fn publish(house: &House, stage: &str, status: &str, text: &str) {
    let drafted = house
        .post(
            "/updates",
            json!({
                "title": "Orders <b>fail</b>", "stage": stage, "text": text,
                "components": [{ "component": "orders", "status": status }],
            }),
        )
        .await;
    assert!(!public(house, "/api/v2/incidents.json").await.to_string().contains(text), "a draft is not public");
    house.post(&format!("/updates/{}/publish", drafted["update"]), json!({ "revision": 0 })).await;
}

#[tokio::test]
async fn what_is_published_is_what_everybody_sees() {
    let house = House::open().await;
    let quiet = public(&house, "/api/v2/summary.json").await;
    assert_eq!(quiet["status"]["indicator"], "none");
    assert_eq!(quiet["page"]["name"], "Test <Shop>");
    assert_eq!((&quiet["incidents"], &quiet["components"][0]["status"]), (&json!([]), &json!("operational")));
    assert_eq!(quiet["components"][0]["name"], "Orders & baskets");

    publish(&house, "investigating", "major_outage", "Nobody can order & we look into it.").await;
    let summary = public(&house, "/api/v2/summary.json").await;
    assert_eq!(summary["status"]["indicator"], "critical");
    assert_eq!(summary["components"][0]["status"], "major_outage");
    let incident = &summary["incidents"][0];
    assert_eq!((&incident["status"], &incident["impact"]), (&json!("investigating"), &json!("critical")));
    let update = &incident["incident_updates"][0];
    assert_eq!(update["body"], "Nobody can order & we look into it.");
    assert_eq!(update["affected_components"][0]["old_status"], "operational");
    assert_eq!(update["affected_components"][0]["new_status"], "major_outage");
    assert_eq!(public(&house, "/api/v2/status.json").await["status"], summary["status"]);
    assert_eq!(public(&house, "/api/v2/components.json").await["components"], summary["components"]);
    assert_eq!(public(&house, "/api/v2/incidents/unresolved.json").await["incidents"][0]["id"], incident["id"]);
    assert_eq!(public(&house, "/api/v1/status").await["components"], json!({ "orders": "major_outage" }));

    let feed = house.request(Method::GET, "/status.atom").send().await.unwrap();
    assert_eq!(feed.headers()["content-type"], "application/atom+xml; charset=utf-8");
    let feed = feed.text().await.unwrap();
    assert!(feed.contains("<title>Orders &lt;b&gt;fail&lt;/b&gt;</title>"), "{feed}");
    assert!(feed.contains("&lt;p&gt;Nobody can order &amp;amp; we look into it.&lt;/p&gt;"), "{feed}");
}
