//! Scraping by the real binary: the same jobs as a real Prometheus has, over a real node exporter and a target of our own, and
//! the same series with the same values come of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::server::{Base, PATIENCE, Server};
use crate::shop;

pub const PROMETHEUS: &str = "/usr/bin/prometheus";
const EXPORTER: &str = "/usr/bin/prometheus-node-exporter";
/// How often is looked at what no stream tells of.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks again and again, at what other programs keep, until a look finds something.
pub async fn poll<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// A program that ends with the test.
pub fn run(program: &str, directory: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// Whether programs are installed; says which is not.
pub fn installed(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !Path::new(program).exists());
    missing.inspect(|program| eprintln!("skipped: {program} is not installed")).is_none()
}

/// A target that says always the same, at an address.
pub async fn target(address: &str, text: &'static str) -> JoinHandle<()> {
    let listener = TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 8192];
                while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\n\r\n",
                        text.len()
                    );
                    if stream.write_all(format!("{head}{text}").as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}

const TEXT: &str = "# TYPE orders_total counter\norders_total{shop=\"a\",job=\"own\"} 17\norders_total{shop=\"b\"} 4\n\
                    queue_depth{queue=\"mail\",tmp=\"x\"} 3.5\nnoise 1\nlatency_bucket{le=\"0.1\"} 2\nlatency_bucket{le=\"+Inf\"} 5\nodd NaN\n";

fn jobs(exporter: &str, target: &str) -> String {
    format!(
        "global: {{ scrape_interval: 1s }}
scrape_configs:
  - job_name: node
    static_configs: [ {{ targets: ['{exporter}'], labels: {{ zone: eu }} }} ]
  - job_name: shop
    honor_labels: true
    file_sd_configs: [ {{ files: ['targets/*.json'] }} ]
    relabel_configs:
      - {{ source_labels: [__meta_filepath], regex: '.*/(.+).json', target_label: file }}
      - {{ source_labels: [__address__], modulus: 8, target_label: shard, action: hashmod }}
    metric_relabel_configs:
      - {{ source_labels: [__name__], regex: noise, action: drop }}
      - {{ regex: tmp, action: labeldrop }}
  - job_name: plain
    static_configs: [ {{ targets: ['{target}'] }} ]
"
    )
}

/// The newest value of each series of the jobs, by its labels; those that differ from scrape to scrape are only named.
async fn series(query: &str) -> Option<BTreeMap<String, String>> {
    let answer = reqwest::get(query).await.ok()?.json::<Value>().await.ok()?;
    let fickle = |name: &str| {
        name.starts_with("node_")
            || name.starts_with("go_")
            || name.starts_with("process_")
            || name.starts_with("prom")
            || name.starts_with("scrape_")
    };
    let one = |found: &Value| {
        let (labels, name) = (found["metric"].to_string(), found["metric"]["__name__"].as_str().unwrap_or(""));
        let value = if fickle(name) { "some".to_owned() } else { found["value"][1].to_string() };
        let sorted: BTreeMap<String, Value> = serde_json::from_str(&labels).ok()?;
        Some((json!(sorted).to_string(), value))
    };
    answer["data"]["result"].as_array()?.iter().map(one).collect()
}

#[tokio::test]
async fn the_same_jobs_give_the_same_series_as_prometheus_keeps() {
    if !installed(&[PROMETHEUS, EXPORTER]) {
        return;
    }
    let [exports, shop, theirs] = std::array::from_fn(|_| format!("127.0.0.1:{}", testkit::free_port()));
    let place = testkit::temp_dir();
    let listen = format!("--web.listen-address={exports}");
    let arguments =
        [&*listen, "--collector.disable-defaults", "--collector.loadavg", "--collector.meminfo", "--collector.cpu"];
    let mut exporter = run(EXPORTER, place.path(), &arguments);
    let _target = target(&shop, TEXT).await;

    let (jobs, targets) =
        (jobs(&exports, &shop), json!([{ "targets": [shop], "labels": { "team": "money" } }]).to_string());
    std::fs::create_dir(place.path().join("targets")).unwrap();
    std::fs::write(place.path().join("targets/shop.json"), &targets).unwrap();
    std::fs::write(place.path().join("prometheus.yml"), &jobs).unwrap();
    let listen = format!("--web.listen-address={theirs}");
    let _prometheus =
        run(PROMETHEUS, place.path(), &["--config.file=prometheus.yml", "--storage.tsdb.path=data", &listen]);

    let mut book = shop::book("webhook", "http://127.0.0.1:9/");
    book.push(("scrape.yaml", jobs));
    book.push(("targets/shop.json", targets));
    let server = Server::open(Base::Sqlite, &book).await;

    let query = "/api/v1/query?query=%7Bjob%3D~%22node%7Cshop%7Cplain%7Cown%22%7D";
    let (ours, theirs) = (format!("{}{query}", server.url), format!("http://{theirs}{query}"));
    let same = poll("the same series", async || {
        let (ours, theirs) = (series(&ours).await?, series(&theirs).await?);
        (ours.len() > 40 && ours == theirs).then_some(ours)
    })
    .await;
    assert!(
        same.keys().any(|labels| labels.contains("orders_total") && labels.contains("\"exported_job\":\"own\"")),
        "{same:?}"
    );
    assert!(same.keys().any(|labels| labels.contains("orders_total") && labels.contains("\"shard\"")), "{same:?}");

    let listed = server.get("/targets").await;
    let up = listed.as_array().unwrap().iter().filter(|target| target["health"] == "up").count();
    assert_eq!(up, 3, "{listed}");
    assert!(server.page("/checks").await.contains("127.0.0.1"), "the page shows the targets");
    let told: Value = reqwest::get(format!("{}/prometheus/api/v1/targets?state=active", server.url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(told["data"]["activeTargets"].as_array().unwrap().len(), 3);

    exporter.kill().await.unwrap();
    let count = |query: &'static str| {
        let server = &server;
        async move { server.get(&format!("/query?query={query}")).await["data"]["result"].as_array().unwrap().clone() }
    };
    poll("the exporter is down", async || {
        let up = count("up%7Bjob%3D%22node%22%7D").await;
        (up.first()?["value"][1] == "0" && count("node_load1").await.is_empty()).then_some(())
    })
    .await;
    // A target that leaves takes its series with it.
    std::fs::write(server.book().join("targets/shop.json"), "[]").unwrap();
    poll("the target has left", async || count("up%7Bjob%3D%22shop%22%7D").await.is_empty().then_some(())).await;
    assert!(!count("orders_total%7Bjob%3D%22plain%22%7D").await.is_empty());
}
