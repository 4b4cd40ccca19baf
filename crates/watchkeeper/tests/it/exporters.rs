//! Rule files of other people, unchanged, at work on real metrics: a real node exporter and a real Prometheus are scraped by
//! Prometheus, which sends everything to us by remote write. A disk of a RAID array fails for real, as far as the exporter
//! can tell from the kernel's own list; the alert of the published rule fires and pages by mail, and clears when the disk is
//! back.

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::mail::Mailbox;
use tokio::process::Child;

use crate::outside::{EXPORTER, PROMETHEUS, missing, run};
use crate::server::{Base, Server, of};
use crate::shop;

/// The archive of published rules within the data of these tests.
const RULES: &str = "alert-rules/rules.tar.xz";
/// How many mails about other alerts may come first.
const MAILS_MAX: usize = 50;
const ALERT: &str = "HostSoftwareRaidInsufficientDrives";
/// The kernel's list of arrays with both disks, and with one of them.
const WHOLE: &str = "Personalities : [raid1]
md0 : active raid1 sdb1[1] sda1[0]
      1048576 blocks super 1.2 [2/2] [UU]

unused devices: <none>
";
const BROKEN: &str = "Personalities : [raid1]
md0 : active raid1 sda1[0]
      1048576 blocks super 1.2 [2/1] [U_]

unused devices: <none>
";

/// Rules of our own, which say that samples of each job came in.
const SEEN: &str = "
groups:
  - name: seen
    rules:
      - { alert: ArraySeen, expr: 'node_md_disks_required{job=\"array\"}', labels: { severity: info } }
      - { alert: NodeSeen, expr: 'node_load1{job=\"node\"} >= 0', labels: { severity: info } }
      - { alert: PrometheusSeen, expr: 'prometheus_build_info{job=\"prometheus\"}', labels: { severity: info } }
";

/// The published rule files, unpacked; `None` where they are not at hand.
fn published(place: &Path) -> Option<Vec<PathBuf>> {
    let Some(data) = std::env::var_os("WATCHKEEPER_DATA") else {
        eprintln!("skipped: WATCHKEEPER_DATA names no directory of data");
        return None;
    };
    let archive = Path::new(&data).join(RULES);
    if !archive.exists() {
        eprintln!("skipped: there is no {}", archive.display());
        return None;
    }
    let mut tar = std::process::Command::new("tar");
    assert!(tar.arg("-xJf").arg(&archive).arg("-C").arg(place).status().unwrap().success());
    let (mut files, mut folders) = (Vec::new(), vec![place.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (inner, rules): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        folders.extend(inner);
        files.extend(rules);
    }
    files.sort();
    Some(files)
}

/// Exporters and a Prometheus that scrapes them and itself and sends what it sees to us, labelled with the service that runs
/// there; they end with the test.
struct Monitored {
    place: tempfile::TempDir,
    _programs: Vec<Child>,
}

impl Monitored {
    fn start(us: &str) -> Self {
        let place = testkit::temp_dir();
        let address = || format!("127.0.0.1:{}", testkit::free_port());
        let (node, array, own) = (address(), address(), address());
        let monitored = place.path();
        std::fs::create_dir(monitored.join("proc")).unwrap();
        std::fs::write(monitored.join("proc/mdstat"), WHOLE).unwrap();
        let job = |name: &str, target: &str| {
            format!("  - {{ job_name: {name}, static_configs: [ {{ targets: ['{target}'] }} ] }}\n")
        };
        let config = format!(
            "global: {{ scrape_interval: 1s, external_labels: {{ service: checkout }} }}\nscrape_configs:\n{}{}{}remote_write:\n  - url: http://{us}/api/v1/write\n    \
             queue_config: {{ batch_send_deadline: 1s }}\n",
            job("node", &node),
            job("array", &array),
            job("prometheus", &own)
        );
        std::fs::write(monitored.join("prometheus.yml"), config).unwrap();
        let listen = |address: &str| format!("--web.listen-address={address}");
        let programs = vec![
            run(EXPORTER, monitored, &[&listen(&node)]),
            run(
                EXPORTER,
                monitored,
                &[&listen(&array), "--path.procfs=proc", "--collector.disable-defaults", "--collector.mdadm"],
            ),
            run(PROMETHEUS, monitored, &["--config.file=prometheus.yml", "--storage.tsdb.path=data", &listen(&own)]),
        ];
        Self { place, _programs: programs }
    }

    /// What the kernel says of its arrays from now on. It is put in place at once, so that nobody reads half of it.
    fn say(&self, mdstat: &str) {
        let proc = self.place.path().join("proc");
        std::fs::write(proc.join("next"), mdstat).unwrap();
        std::fs::rename(proc.join("next"), proc.join("mdstat")).unwrap();
    }
}

/// The rules of a server as its Prometheus API tells them.
fn rules(told: &Value) -> impl Iterator<Item = &Value> {
    let groups = told["data"]["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap())
}

#[tokio::test]
async fn published_rules_run_unchanged_on_real_metrics_and_page() {
    let place = testkit::temp_dir();
    let Some(files) = published(place.path()) else { return };
    if missing() {
        return;
    }
    let Some(mailbox) = Mailbox::open() else { return };
    let book = shop::book("email", &format!("smtp://127.0.0.1:{}", mailbox.port()));
    let mut server = Server::open(Base::Sqlite, &book).await;
    server.terminate().await;
    server.write("prometheus/seen.yml", SEEN);
    let mut written = SEEN.matches("alert: ").count();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        written += text.lines().filter(|line| line.trim_start().starts_with("- alert:")).count();
        let name = file.strip_prefix(place.path()).unwrap().display().to_string().replace('/', "-");
        server.write(&format!("prometheus/{name}"), &text);
    }
    server.start().await;
    let monitored = Monitored::start(server.url.trim_start_matches("http://"));
    for job in ["Array", "Node", "Prometheus"] {
        opened(&server, &format!("{job}Seen")).await;
    }
    monitored.say(BROKEN);
    let opened = opened(&server, ALERT).await;
    let labels = &opened["body"]["AlertOpened"]["labels"];
    assert_eq!((&labels["job"], &labels["device"]), (&"array".into(), &"md0".into()), "{labels}");
    // Rules that miss something which nobody runs here page as well, as they should.
    let mut mails = std::iter::repeat_with(|| mailbox.mail()).take(MAILS_MAX);
    let about = |mail: &Value| mail["headers"]["subject"].as_str().unwrap().contains(ALERT);
    let mail = mails.find(about).unwrap();
    assert!(mail["plain"].as_str().unwrap().contains("md0"), "{mail}");
    monitored.say(WHOLE);
    let cleared = |facts: &[Value]| {
        let alert = &opened["body"]["AlertOpened"]["alert"];
        of(facts, "AlertResolved").find(|fact| &fact["body"]["AlertResolved"]["alert"] == alert).cloned()
    };
    server.until("it clears", cleared).await;
    let told = server.get("/rules").await;
    let failing: Vec<_> = rules(&told).filter(|rule| rule["health"] != "ok").collect();
    assert!(failing.is_empty(), "{failing:?}");
    assert_eq!(rules(&told).count(), written, "every rule runs");
    assert!(written > 500, "{written}");
    assert!(server.page("/rules").await.contains(ALERT));
}

/// Waits until an alert opened.
async fn opened(server: &Server, name: &str) -> Value {
    let named = |fact: &&Value| fact["body"]["AlertOpened"]["labels"]["alertname"] == name;
    server.until(name, |facts| of(facts, "AlertOpened").find(named).cloned()).await
}
