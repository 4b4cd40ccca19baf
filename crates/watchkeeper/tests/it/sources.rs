//! Rules over existing stores, by the real binary: a real Prometheus and a real `VictoriaMetrics` are asked, and an outage of a
//! source resolves nothing.

use serde_json::{Value, json};

use crate::scrape::{PROMETHEUS, installed, poll, run, target};
use crate::server::{Base, Server};
use crate::shop;

const VICTORIA: &str = "/usr/bin/victoria-metrics";

const OVER_PROMETHEUS: &str = r#"
groups:
  - name: elsewhere
    interval: 1s
    rules:
      - record: shop:targets
        expr: count(up)
      - alert: TargetDown
        expr: up{job="shop"} == 0
        labels: { service: checkout, severity: warning }
        annotations: { summary: "{{ $labels.instance }} is down" }
      - alert: OneOfThem
        expr: up{job="shop"} == 0 and on () shop:targets > 0
        labels: { severity: info }
"#;

const OVER_VICTORIA: &str = r#"
groups:
  - name: depths
    interval: 1s
    watchkeeper: { source: victoria }
    rules:
      - alert: Deep
        expr: depth{queue="mail"} > 10
        labels: { severity: info }
"#;

fn raised(signals: &Value, rule: &str) -> bool {
    signals.as_array().unwrap().iter().any(|signal| signal["rule"] == rule)
}

/// Why a rule failed last, as Prometheus' API says; `None` where there is no such rule yet.
async fn last_error(server: &Server, rule: &str) -> Option<String> {
    let rules = server.get("/rules").await;
    let groups = rules["data"]["groups"].as_array()?.clone();
    let mut all = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone());
    all.find(|one| one["name"] == rule).map(|one| one["lastError"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn rules_run_over_existing_stores_and_an_outage_resolves_nothing() {
    if !installed(&[PROMETHEUS, VICTORIA]) {
        return;
    }
    let [shop, prometheus, victoria] = std::array::from_fn(|_| format!("127.0.0.1:{}", testkit::free_port()));
    let place = testkit::temp_dir();
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs: [ {{ job_name: shop, static_configs: [ {{ targets: ['{shop}'] }} ] }} ]\n"
    );
    std::fs::write(place.path().join("prometheus.yml"), config).unwrap();
    let listen = format!("--web.listen-address={prometheus}");
    let start =
        || run(PROMETHEUS, place.path(), &["--config.file=prometheus.yml", "--storage.tsdb.path=data", &listen]);
    let mut running = start();
    let _victoria = run(
        VICTORIA,
        place.path(),
        &[&format!("-httpListenAddr={victoria}"), "-storageDataPath=vm", "-search.latencyOffset=0s"],
    );
    let client = reqwest::Client::new();
    poll("VictoriaMetrics takes samples", async || {
        let sent = client
            .post(format!("http://{victoria}/api/v1/import/prometheus"))
            .body("depth{queue=\"mail\"} 12\n")
            .send();
        sent.await.ok()?.status().is_success().then_some(())
    })
    .await;

    let sources = json!({
        "prom": { "url": format!("http://{prometheus}"), "timeout": "2s", "rules": ["prometheus/prom-*.yml"] },
        "victoria": { "url": format!("http://{victoria}") },
    });
    let mut book = shop::book("webhook", "http://127.0.0.1:9/");
    book.push(("sources.yaml", sources.to_string()));
    book.push(("prometheus/prom-shop.yml", OVER_PROMETHEUS.to_owned()));
    book.push(("prometheus/depths.yml", OVER_VICTORIA.to_owned()));
    let server = Server::open(Base::Sqlite, &book).await;

    let all = ["elsewhere/TargetDown", "elsewhere/OneOfThem", "depths/Deep"];
    server.until_get("/signals", |signals| all.iter().all(|rule| raised(signals, rule))).await;
    let recorded = server.get("/query?query=shop:targets").await;
    assert_eq!(recorded["data"]["result"][0]["value"][1], "1", "what rules record is ours: {recorded}");

    running.kill().await.unwrap();
    let error =
        poll("the outage shows", async || last_error(&server, "TargetDown").await.filter(|error| !error.is_empty()))
            .await;
    assert!(error.starts_with("source prom: "), "{error}");
    let up = poll("the source is down", async || {
        let up = server.get("/query?query=rule_source_up%7Bsource%3D%22prom%22%7D").await;
        up["data"]["result"].as_array()?.first().filter(|one| one["value"][1] == "0").cloned()
    });
    up.await;
    let signals = server.get("/signals").await;
    assert!(all.iter().all(|rule| raised(&signals, rule)), "{signals}");
    assert!(server.page("/rules").await.contains("over prom"));

    // The source is back, and says that what was wrong is over.
    let _target = target(&shop, "orders_total 1\n").await;
    let _running = start();
    server.until_get("/signals", |signals| !raised(signals, "elsewhere/TargetDown")).await;
    assert!(raised(&server.get("/signals").await, "depths/Deep"));
}
