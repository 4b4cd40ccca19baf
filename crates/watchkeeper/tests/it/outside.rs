//! The monitored world: a real node exporter that can be stopped, and a real Prometheus that scrapes it and knows us as its
//! only Alertmanager.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

pub const PROMETHEUS: &str = "/usr/bin/prometheus";
pub const EXPORTER: &str = "/usr/bin/prometheus-node-exporter";

/// The exporter is seen: a metric of its own is there. It is down: it was scraped and did not answer.
const RULES: &str = r#"
groups:
  - name: node
    rules:
      - alert: NodeWatched
        expr: node_exporter_build_info == 1
        labels: { severity: info }
      - alert: NodeDown
        expr: up{job="node"} == 0
        for: 1s
        labels: { service: checkout, severity: critical }
        annotations: { summary: "{{ $labels.job }} does not answer, up is {{ $value }}" }
"#;

/// The running programs; they end with the test.
pub struct Outside {
    place: TempDir,
    exports: String,
    exporter: Option<Child>,
    _prometheus: Child,
}

impl Outside {
    /// Starts both, Prometheus with `us` as its only target. `None` where one is not installed; then the test should return.
    pub fn start(us: &str) -> Option<Self> {
        if missing() {
            return None;
        }
        let place = testkit::temp_dir();
        let exports = format!("127.0.0.1:{}", testkit::free_port());
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
             scrape_configs: [ {{ job_name: node, static_configs: [ {{ targets: ['{exports}'] }} ] }} ]\n\
             alerting: {{ alertmanagers: [ {{ static_configs: [ {{ targets: ['{us}'] }} ] }} ] }}\n"
        );
        std::fs::write(place.path().join("rules.yml"), RULES).unwrap();
        std::fs::write(place.path().join("prometheus.yml"), config).unwrap();
        let listen = format!("--web.listen-address=127.0.0.1:{}", testkit::free_port());
        // It finds us some seconds after its first evaluation, and would send an alert again only after a minute.
        let soon = "--rules.alert.resend-delay=5s";
        let arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", &listen, soon];
        let prometheus = run(PROMETHEUS, place.path(), &arguments);
        let mut outside = Self { place, exports, exporter: None, _prometheus: prometheus };
        outside.start_exporter();
        Some(outside)
    }

    /// Starts the exporter, at the same address each time.
    pub fn start_exporter(&mut self) {
        let listen = format!("--web.listen-address={}", self.exports);
        let arguments = [&listen, "--collector.disable-defaults", "--collector.loadavg"];
        self.exporter = Some(run(EXPORTER, self.place.path(), &arguments));
    }

    /// Ends the exporter, so that it really does not answer.
    pub async fn stop_exporter(&mut self) {
        self.exporter.take().unwrap().kill().await.unwrap();
    }
}

/// Whether one of the programs is not installed; then it says so, and the test should return.
pub fn missing() -> bool {
    let missing = [PROMETHEUS, EXPORTER].into_iter().find(|program| !Path::new(program).exists());
    missing.inspect(|program| eprintln!("skipped: {program} is not installed")).is_some()
}

/// Runs a program in a directory; it ends with the test.
pub fn run(program: &str, directory: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}
