//! The real `amtool` against the Alertmanager door; skipped where it is not installed.

use std::process::Output;

use serde_json::Value;

use crate::house::House;

const AMTOOL: &str = "/usr/bin/amtool";

async fn run(house: &House, arguments: &[&str]) -> Output {
    let url = format!("--alertmanager.url={}", house.url);
    tokio::process::Command::new(AMTOOL).arg(url).args(arguments).output().await.unwrap()
}

async fn amtool(house: &House, arguments: &[&str]) -> String {
    let output = run(house, arguments).await;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "amtool {arguments:?}: {out}{err}");
    out.trim().to_owned()
}

async fn json(house: &House, arguments: &[&str]) -> Value {
    serde_json::from_str(&amtool(house, arguments).await).unwrap()
}

fn is_missing() -> bool {
    let missing = !std::path::Path::new(AMTOOL).exists();
    if missing {
        eprintln!("skipped: {AMTOOL} is not installed");
    }
    missing
}

#[tokio::test]
async fn alerts_are_added_and_found() {
    if is_missing() {
        return;
    }
    let house = House::open().await;
    amtool(&house, &["alert", "add", "Down", "service=checkout", "severity=critical", "--annotation=summary=gone"])
        .await;
    amtool(&house, &["alert", "add", "Quiet", "severity=info", "--end=2090-01-01T00:00:00Z"]).await;
    let all = json(&house, &["alert", "query", "-o", "json"]).await;
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let found = json(&house, &["alert", "query", "service=checkout", "-o", "json"]).await;
    assert_eq!(found[0]["annotations"]["summary"], "gone");
    let by_receiver = json(&house, &["alert", "query", "--receiver=late", "-o", "json"]).await;
    assert_eq!(by_receiver[0]["labels"]["alertname"], "Quiet");
    assert!(amtool(&house, &["alert", "query"]).await.contains("Down"));
    assert!(amtool(&house, &["alert", "query", "-o", "extended"]).await.contains("active"));
    assert!(!run(&house, &["alert", "query", "--receiver=("]).await.status.success());
}

#[tokio::test]
async fn silences_are_added_queried_updated_and_expired() {
    if is_missing() {
        return;
    }
    let house = House::open().await;
    let added = ["silence", "add", "service=checkout", "severity=~warn.*", "-d", "2h", "-c", "moving", "-a", "ada"];
    let id = amtool(&house, &added).await;
    assert_eq!(id.len(), 36, "{id}");
    let listed = json(&house, &["silence", "query", "-o", "json"]).await;
    assert_eq!((listed[0]["id"].as_str(), listed[0]["createdBy"].as_str()), (Some(id.as_str()), Some("ada")));
    assert_eq!(amtool(&house, &["silence", "query", "-q", "service=checkout"]).await, id);
    amtool(&house, &["silence", "update", "-d", "4h", "-c", "still moving", &id]).await;
    let listed = json(&house, &["silence", "query", "-o", "json"]).await;
    assert_eq!(listed[0]["comment"], "still moving");
    amtool(&house, &["silence", "expire", &id]).await;
    assert_eq!(amtool(&house, &["silence", "query", "-q"]).await, "");
    assert!(!amtool(&house, &["silence", "query", "-q", "--expired"]).await.is_empty());
    assert!(!run(&house, &["silence", "add", "a=~.*", "-c", "everything"]).await.status.success());
}

#[tokio::test]
async fn the_configuration_is_shown_and_routes_are_tested() {
    if is_missing() {
        return;
    }
    let house = House::open().await;
    assert!(amtool(&house, &["config", "show"]).await.contains("group_interval"));
    assert!(amtool(&house, &["config", "routes", "show"]).await.contains("late"));
    assert_eq!(amtool(&house, &["config", "routes", "test", "severity=info"]).await, "late");
    assert_eq!(amtool(&house, &["config", "routes", "test", "severity=critical"]).await, "policy-of-the-service");
    assert!(amtool(&house, &["cluster", "show"]).await.contains("disabled"));
}
