//! Log events and spans that are kept in ClickHouse, by the real binary over its real engine: rules fire by what comes in
//! there, people search it from our screens, and an outage loses nothing.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::clickhouse::{ClickHouse, PASSWORD, TABLES, USER};

use crate::hook::Hook;
use crate::scrape::poll;
use crate::server::{Base, Server};
use crate::shop;

const REFUND: &str = "
title: A refund without an order
id: 5c1d1c4e-0b7f-4a53-9d3a-0f7f8f6f0a01
level: critical
logsource: {category: shop}
detection:
  sel:
    action: refund
  condition: sel
";

const PIPELINE: &str = "
sources:
  - { when: { service.name: checkout }, category: shop }
labels: { service: checkout }
";

const RULES: &str = r#"
groups:
  - name: lake
    interval: 1s
    rules:
      - alert: LogsCame
        expr: sum by (service) (log_events_total{service="checkout"}) > 0
        labels: { severity: info }
      - alert: CallsFail
        expr: traces_span_metrics_calls_total{service_name="bank", status_code="STATUS_CODE_ERROR"} > 0
        labels: { severity: info }
"#;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

async fn run(store: &ClickHouse, statement: &str) {
    let request = reqwest::Client::new().post(store.url()).body(statement.to_owned());
    let answer = request.header("X-ClickHouse-User", USER).header("X-ClickHouse-Key", PASSWORD).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{statement}: {}", answer.text().await.unwrap());
}

/// The present instant, as the engine writes one.
#[expect(clippy::disallowed_methods, reason = "the server's own clock says which rows are new")]
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("fromUnixTimestamp64Nano({})", since.as_nanos())
}

/// Log events of the service `checkout` come in, which happened at an instant.
async fn logged(store: &ClickHouse, at: &str, bodies: &[&str]) {
    let row = |body: &&str| {
        format!(
            "({at}, '{TRACE}', 'ERROR', 17, 'checkout', '{body}', \
             map('action', 'refund', 'host', 'till-<b>1', 'note', '{TOKEN}'), map('service.name', 'checkout'))"
        )
    };
    let rows = bodies.iter().map(row).collect::<Vec<_>>().join(", ");
    let columns =
        "Timestamp, TraceId, SeverityText, SeverityNumber, ServiceName, Body, LogAttributes, ResourceAttributes";
    run(store, &format!("INSERT INTO otel.otel_logs ({columns}) VALUES {rows}")).await;
}

async fn traced(store: &ClickHouse) {
    let columns = "Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, Duration, StatusCode, StatusMessage";
    let rows = format!(
        "(now64(9), '{TRACE}', '1111111111111111', '', 'POST /orders', 'Server', 'checkout', 250000000, 'Unset', ''), \
         (now64(9), '{TRACE}', '2222222222222222', '1111111111111111', 'pay', 'Client', 'bank', 100000000, 'Error', 'no <money>')"
    );
    run(store, &format!("INSERT INTO otel.otel_traces ({columns}) VALUES {rows}")).await;
}

fn of<'a>(sources: &'a Value, table: &str) -> &'a Value {
    sources.as_array().unwrap().iter().find(|one| one["table"] == table).unwrap()
}

/// Waits until what is known of the followed tables is as wanted.
async fn sources(server: &Server, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    poll(what, async || Some(server.get("/sources").await).filter(&wanted)).await
}

/// Waits until the lines of the service have been counted so often.
async fn counted(server: &Server, lines: &str) {
    poll(&format!("{lines} lines"), async || {
        let answer = server.get("/query?query=sum(log_events_total%7Bservice%3D%22checkout%22%7D)").await;
        (answer["data"]["result"][0]["value"][1] == lines).then_some(())
    })
    .await;
}

async fn open() -> Option<(ClickHouse, Hook, Server)> {
    let store = ClickHouse::open()?;
    for table in TABLES {
        run(&store, table).await;
    }
    let hook = Hook::start().await;
    let password = testkit::temp_dir().keep().join("password");
    std::fs::write(&password, PASSWORD).unwrap();
    let lake = json!({ "lake": {
        "kind": "clickhouse", "url": store.url(), "user": USER, "secret": format!("file:{}", password.display()),
        "database": "otel", "every": "1s", "lateness": "2m",
    } });
    let mut book = shop::book("webhook", &hook.url);
    book.push(("sources.yaml", lake.to_string()));
    book.push(("sigma/rules/shop/refund.yml", REFUND.to_owned()));
    book.push(("sigma.yaml", PIPELINE.to_owned()));
    book.push(("prometheus/lake.yml", RULES.to_owned()));
    let server = Server::open(Base::Sqlite, &book).await;
    sources(&server, "both tables are read", |all| {
        !of(all, "logs")["read"].is_null() && !of(all, "traces")["read"].is_null()
    })
    .await;
    Some((store, hook, server))
}

fn raised(signals: &Value, rule: &str) -> bool {
    signals.as_array().unwrap().iter().any(|signal| signal["rule"] == rule)
}

#[tokio::test]
async fn rules_see_what_comes_into_clickhouse_and_people_search_it() {
    let Some((store, _hook, server)) = open().await else { return };
    logged(&store, &now(), &["card refused", "card refused"]).await;
    traced(&store).await;
    server.until_get("/signals", |all| raised(all, "lake/LogsCame") && raised(all, "lake/CallsFail")).await;
    let is_refund = |alert: &Value| alert["labels"]["alertname"] == "A refund without an order";
    let alerts = server.until_get("/alerts", |alerts| alerts.as_array().unwrap().iter().any(is_refund)).await;
    let refund = alerts.as_array().unwrap().iter().find(|alert| is_refund(alert)).unwrap();
    assert_eq!(refund["labels"]["host"], "till-<b>1");
    counted(&server, "2").await;
    assert_eq!(server.get("/logs").await["events"], json!([]), "nothing is copied");

    let found = server.get("/logs?source=lake&text=REFUSED&level=error&attribute=action%3Drefund&limit=1").await;
    assert_eq!(
        (&found["events"][0]["service"], &found["events"][0]["message"]),
        (&json!("checkout"), &json!("card refused"))
    );
    assert!(!found.to_string().contains(TOKEN), "what is shown is masked: {found}");
    let next = found["next"].as_str().unwrap();
    let rest = server.get(&format!("/logs?source=lake&text=REFUSED&limit=1&cursor={next}")).await;
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null), "{rest}");
    let page = server.page("/logs?source=lake").await;
    assert!(page.contains("card refused") && page.contains("<h2>2 events</h2>") && !page.contains(TOKEN), "{page}");
    assert!(page.contains(&format!("/traces/{TRACE}?source=lake")) && page.contains("till-&#60;b&#62;1"), "{page}");

    let traces = server.get("/traces?source=lake&service=bank&error=true").await;
    assert_eq!((&traces["traces"][0]["trace"], &traces["traces"][0]["spans"]), (&json!(TRACE), &json!(2)), "{traces}");
    let waterfall = server.page(&format!("/traces/{TRACE}?source=lake")).await;
    assert!(waterfall.contains("POST /orders") && waterfall.contains("no &#60;money&#62;"), "{waterfall}");
    assert!(server.page("/traces?source=lake").await.contains("POST /orders"));
    let shown = server.cli_of(&["traces", "show", TRACE, "--source", "lake"]).await;
    assert!(shown.contains("pay"), "{shown}");
    assert!(server.cli_of(&["logs", "search", "refused", "--source", "lake"]).await.contains("card refused"));
    assert!(server.cli_of(&["source", "list"]).await.contains("lake"));

    let missing = server.request(Method::GET, "/api/v1/logs?source=pond").send().await.unwrap();
    assert_eq!(missing.status(), 404);
    let patterns =
        server.request(Method::GET, "/api/v1/logs?source=lake&pattern=t1&service=checkout").send().await.unwrap();
    assert_eq!(patterns.status(), 400);
    let stranger = reqwest::Client::new().get(format!("{}/logs?source=lake", server.url)).send().await.unwrap();
    assert!(!stranger.text().await.unwrap().contains("card refused"));
}

#[tokio::test]
async fn an_outage_of_clickhouse_raises_nothing_and_loses_nothing() {
    let Some((mut store, _hook, mut server)) = open().await else { return };
    logged(&store, &now(), &["one"]).await;
    counted(&server, "1").await;
    server.until_get("/signals", |all| raised(all, "lake/LogsCame")).await;
    let before = server.get("/signals").await.as_array().unwrap().len();

    store.stop();
    let down = sources(&server, "the outage shows", |all| of(all, "logs")["error"] != "").await;
    assert!(of(&down, "logs")["error"].as_str().unwrap().contains("connection"), "{down}");
    poll("the source is down", async || {
        let up = server.get("/query?query=rule_source_up%7Bsource%3D%22lake%22%2Ctable%3D%22logs%22%7D").await;
        (up["data"]["result"][0]["value"][1] == "0").then_some(())
    })
    .await;
    let signals = server.get("/signals").await;
    assert!(raised(&signals, "lake/LogsCame") && signals.as_array().unwrap().len() == before, "{signals}");
    let page = server.page("/logs?source=lake").await;
    assert!(page.contains("Rules do not see what is new in it") && page.contains("source lake: "), "{page}");
    let failed = server.request(Method::GET, "/api/v1/logs?source=lake").send().await.unwrap();
    assert_eq!(failed.status(), 503);

    let meanwhile = now();
    store.start();
    logged(&store, &meanwhile, &["late, from the outage", "late, from the outage"]).await;
    logged(&store, &now(), &["now"]).await;
    counted(&server, "4").await;

    // Over a restart nothing is seen twice.
    server.terminate().await;
    logged(&store, &now(), &["while nobody read"]).await;
    server.start().await;
    let read = sources(&server, "what came meanwhile", |all| of(all, "logs")["rows"] != 0).await;
    assert_eq!(of(&read, "logs")["rows"], 1, "{read}");
}
