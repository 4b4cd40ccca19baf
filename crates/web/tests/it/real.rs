//! Real programs of others at the doors: Prometheus, and Alertmanager by its `pagerduty_configs`. Each is skipped where it is
//! not installed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use engine::Read;
use kernel::Actor;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::house::House;

/// How long a program of others may take until it did what it should.
const PATIENCE: Duration = Duration::from_secs(60);

const PROMETHEUS: &str = "/usr/bin/prometheus";
const ALERTMANAGER: &str = "/usr/bin/prometheus-alertmanager";

fn is_missing(program: &str) -> bool {
    let missing = !Path::new(program).exists();
    if missing {
        eprintln!("skipped: {program} is not installed");
    }
    missing
}

/// Starts a program that ends with the test.
fn start(program: &str, directory: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// The names of the alerts that fire.
fn firing(house: &House) -> Vec<String> {
    let names = house.engine.read(&Actor::system("test"), Read::of("alerts:read"), |world| {
        let (views, _) = world.alerts.alerts_from(0, 100);
        views.iter().map(|view| view.labels().value("alertname").to_owned()).collect()
    });
    names.unwrap()
}

/// Waits, fact by fact, until what fires is as wanted.
async fn until(house: &House, what: &str, wanted: impl Fn(&[String]) -> bool) {
    let mut facts = house.engine.watch();
    let waiting = async {
        while !wanted(&firing(house)) {
            facts.changed().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "{what} did not happen within {PATIENCE:?}; firing: {:?}", firing(house));
}

#[tokio::test]
async fn prometheus_pages_through_us_with_only_its_target_changed() {
    if is_missing(PROMETHEUS) {
        return;
    }
    let (house, place) = (House::open().await, testkit::temp_dir());
    let rules = r#"
groups:
  - name: test
    rules:
      - alert: AlwaysDown
        expr: vector(1) == 1
        labels: { service: checkout, severity: critical }
        annotations: { summary: "it is {{ $value }}" }
"#;
    let target = house.url.trim_start_matches("http://");
    let config = format!(
        "global: {{ evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
         alerting: {{ alertmanagers: [ {{ static_configs: [ {{ targets: ['{target}'] }} ] }} ] }}\n"
    );
    std::fs::write(place.path().join("rules.yml"), rules).unwrap();
    std::fs::write(place.path().join("prometheus.yml"), config).unwrap();
    let listen = format!("--web.listen-address=127.0.0.1:{}", testkit::free_port());
    // It finds us some seconds after its first evaluation, and would send the alert again only after a minute.
    let soon = "--rules.alert.resend-delay=1s".to_owned();
    let arguments = ["--config.file=prometheus.yml".into(), "--storage.tsdb.path=data".into(), listen, soon];
    let _prometheus = start(PROMETHEUS, place.path(), &arguments);
    until(&house, "an alert of Prometheus", |names| names == ["AlwaysDown"]).await;
    let alert = &house.get("/alerts").await[0];
    assert_eq!(alert["annotations"], json!({ "summary": "it is 1" }));
    assert_eq!(alert["source"], "local");
    assert!(alert["ends_at"].is_string(), "Prometheus says until when it is good: {alert}");
}

#[tokio::test]
async fn alertmanager_pages_through_us_by_its_pagerduty_configuration() {
    if is_missing(ALERTMANAGER) {
        return;
    }
    let (house, place) = (House::open().await, testkit::temp_dir());
    let us =
        format!("routing_key: checkout, url: '{}/v2/enqueue', class: '{{{{ .CommonLabels.alertname }}}}'", house.url);
    let config = format!(
        "route: {{ receiver: us, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname] }}\n\
         receivers: [ {{ name: us, pagerduty_configs: [ {{ {us} }} ] }} ]\n"
    );
    std::fs::write(place.path().join("alertmanager.yml"), config).unwrap();
    let theirs = format!("127.0.0.1:{}", testkit::free_port());
    let listen = format!("--web.listen-address={theirs}");
    let arguments = ["--config.file=alertmanager.yml".into(), listen, "--cluster.listen-address=".into()];
    let _alertmanager = start(ALERTMANAGER, place.path(), &arguments);
    let post = async |ends_at: Option<String>| {
        let alerts = json!([{ "labels": { "alertname": "DiskFull", "severity": "critical" }, "endsAt": ends_at }]);
        let client = reqwest::Client::new();
        let posting = async {
            // It takes a moment until it listens.
            while client.post(format!("http://{theirs}/api/v2/alerts")).json(&alerts).send().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, posting).await.unwrap();
    };
    post(None).await;
    until(&house, "a trigger of Alertmanager", |names| names == ["DiskFull"]).await;
    let labels = house.get("/alerts").await[0]["labels"].clone();
    assert_eq!((&labels["service"], &labels["source"]), (&json!("checkout"), &json!("Alertmanager")), "{labels}");
    post(Some(house.engine.now().to_string())).await;
    until(&house, "a resolve of Alertmanager", <[String]>::is_empty).await;
}
