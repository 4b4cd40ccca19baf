//! Logs from the door to the alert: lines come in, a new pattern pages, and a restart knows it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Base, Server, binary, told};
use crate::shop;

/// New patterns raise at once and are told after a second.
const LOGS: &str = "default: { raise: [new], learn_for: 0, gather_for: 1s, labels: { severity: critical } }\n";

async fn send(server: &Server, lines: &[Value]) {
    let body = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let told = told(server.request(Method::POST, "/v1/lines?service=checkout").body(body)).await;
    assert_eq!(told["kept"], json!(lines.len()), "{told}");
}

#[tokio::test]
async fn a_new_pattern_in_real_lines_becomes_an_alert_and_survives_a_restart() {
    let mut book = shop::book("webhook", "http://127.0.0.1:9/");
    book.push(("logs.yaml", LOGS.into()));
    let mut server = Server::open(Base::Sqlite, &book).await;
    let line =
        |n: usize| json!({ "level": "error", "msg": format!("cannot reach bank {n}: connection refused"), "order": n });
    send(&server, &(1..=4).map(line).collect::<Vec<_>>()).await;
    let alerts = server.until_get("/alerts", |alerts| !alerts.as_array().unwrap().is_empty()).await;
    let labels = &alerts[0]["labels"];
    assert_eq!((&labels["alertname"], &labels["service"]), (&json!("NewLogPatterns"), &json!("checkout")), "{alerts}");
    let signals = server.get("/signals").await;
    assert_eq!(signals[0]["kind"], "pattern", "{signals}");
    let pattern = server.get("/logs/patterns").await["patterns"][0].clone();
    assert_eq!((&pattern["text"], &pattern["lines"]), (&json!("cannot reach bank <*>: connection refused"), &json!(4)));

    server.restart().await;
    let known = server.get("/logs/patterns").await["patterns"][0].clone();
    for same in ["text", "lines", "pattern", "first", "new"] {
        assert_eq!(known[same], pattern[same], "{same}");
    }
    send(&server, &[line(5), line(6), line(7)]).await;
    let found = server.get("/logs?service=checkout&pattern=t1&level=error").await;
    assert_eq!(found["events"].as_array().unwrap().len(), 7, "{found}");
    for (verb, says) in
        [("search", "cannot reach bank 6"), ("patterns", "cannot reach bank <*>"), ("export", "\"order\":7")]
    {
        let told =
            binary().args(["logs", verb, "--server", &server.url, "--token", &server.token]).output().await.unwrap();
        let shown = String::from_utf8_lossy(&told.stdout);
        assert!(
            told.status.success() && shown.contains(says),
            "{verb}: {shown}{}",
            String::from_utf8_lossy(&told.stderr)
        );
    }
    let raised = server.facts().await.iter().filter(|fact| fact["kind"] == "SignalRaised").count();
    assert_eq!(raised, 1, "what is known is not new again");
}
