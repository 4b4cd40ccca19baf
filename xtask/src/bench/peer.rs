//! The servers under test. What differs between them stands here and in `watchkeeper.rs`; benches see a `Peer`.

use super::Measured;
use super::alerts::BACKDROP;
use super::http::Door;
use super::machine;
use super::postgres::Postgres;
use super::watchkeeper::Watchkeeper;
use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take until it is ready.
const START_UP: Duration = Duration::from_secs(120);
/// How long a server may take to end when asked to.
const GOODBYE: Duration = Duration::from_secs(30);
/// How often a starting server is asked whether it is ready.
const GLANCE: Duration = Duration::from_millis(2);

/// What the server is told to do with alerts, in words that every peer can translate.
///
/// In every scene alerts of a cluster called `backdrop-..` are grouped by alert name, cluster and service, and nobody is
/// told about them.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The webhook that takes pages; none means that nobody is told.
    pub hook: Option<String>,
    /// Webhooks beside it that never answer.
    pub hanging: Vec<String>,
    /// Whether each alert is a group of its own; else groups are by alert name, cluster and service.
    pub alone: bool,
    /// How long a new group waits for more alerts.
    pub group_wait: Duration,
    /// How long a group waits before it tells what changed.
    pub group_interval: Duration,
    /// How many inhibition rules there are; none of them matches a bench's alerts.
    pub inhibitions: usize,
}

impl Scene {
    /// Alerts are taken in, grouped, and nobody is told.
    pub fn silent() -> Self {
        Self {
            hook: None,
            hanging: Vec::new(),
            alone: false,
            group_wait: Duration::from_secs(30),
            group_interval: Duration::from_secs(300),
            inhibitions: 0,
        }
    }

    /// Each alert is a page of its own, sent after `group_wait`.
    pub fn paging(hook: String, group_wait: Duration) -> Self {
        Self { hook: Some(hook), alone: true, group_wait, ..Self::silent() }
    }
}

/// A server that speaks Alertmanager's API v2.
pub trait Peer: Sync {
    /// What it is called in tables.
    fn name(&self) -> &str;
    /// Whether it keeps its data in PostgreSQL.
    fn on_postgres(&self) -> bool {
        false
    }
    /// Starts it on the data in `dir`, which may come from an earlier start.
    fn start(&self, dir: &Path, scene: &Scene) -> Measured<Server>;
    /// What our own journal says about itself, where there is one: see `watchkeeper.rs`.
    fn journal(&self, _dir: &Path) -> Option<Measured<JournalCheck>> {
        None
    }
}

/// What a check of a whole journal said.
#[derive(Debug, Clone, Copy)]
pub struct JournalCheck {
    /// How many facts there are.
    pub facts: u64,
    /// How long the check took.
    pub took: Duration,
}

/// A running server; it is killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where its API listens.
    pub door: Door,
    /// From start to the first answer that it is ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts `command` and waits until `ready` is answered with 200.
    pub fn launch(mut command: Command, door: Door, ready: &str, log: &Path) -> Measured<Self> {
        let log_file = fs::OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log_file.try_clone()?).stderr(log_file);
        let began = Instant::now();
        let mut server = Self { child: command.spawn()?, door, ready_after: Duration::ZERO };
        while began.elapsed() < START_UP {
            if server.door.get(ready, START_UP).is_ok_and(|answer| answer.status == 200) {
                server.ready_after = began.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                let said = fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(5).collect();
                return Err(format!("ended while starting ({status}): {}", tail.join(" | ")).into());
            }
            thread::sleep(GLANCE);
        }
        Err(format!("not ready after {} s", START_UP.as_secs()).into())
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it without any warning.
    pub fn kill9(mut self) -> Measured {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(mut self) -> Measured {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let deadline = Instant::now() + GOODBYE;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(GLANCE);
        }
        Err(format!("still there {} s after SIGTERM", GOODBYE.as_secs()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The servers that are installed here, the one we compare with first; `wanted` narrows the choice.
pub fn available(root: &Path, wanted: &[String]) -> Result<Vec<Box<dyn Peer>>, Box<dyn Error>> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wish| wish == name);
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    if is_wanted("alertmanager") {
        match machine::find_program("prometheus-alertmanager") {
            Some(binary) => peers.push(Box::new(Alertmanager { binary })),
            None => println!("bench: no prometheus-alertmanager: apt-get install prometheus-alertmanager"),
        }
    }
    let binary = release_binary(root);
    if !binary.is_file() {
        println!("bench: no {}: cargo build --release -p watchkeeper", binary.display());
    } else {
        if is_wanted("watchkeeper") {
            peers.push(Box::new(Watchkeeper::on_sqlite(binary.clone())));
        }
        if is_wanted("watchkeeper-postgresql") {
            match Postgres::start() {
                Ok(postgres) => peers.push(Box::new(Watchkeeper::on_postgres(binary, Arc::new(postgres)))),
                Err(error) => println!("bench: no PostgreSQL: {error}"),
            }
        }
    }
    if peers.is_empty() { Err("bench: there is no server to measure".into()) } else { Ok(peers) }
}

/// Where the server under test is built.
pub fn release_binary(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release/watchkeeper")
}

/// A port on the loopback address that was free a moment ago.
pub fn free_port() -> Measured<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Debian's Alertmanager, in memory as it comes.
struct Alertmanager {
    binary: PathBuf,
}

impl Peer for Alertmanager {
    fn name(&self) -> &str {
        "Alertmanager 0.25"
    }

    fn start(&self, dir: &Path, scene: &Scene) -> Measured<Server> {
        fs::create_dir_all(dir)?;
        let config = dir.join("alertmanager.yml");
        fs::write(&config, alertmanager_config(scene))?;
        let address = format!("127.0.0.1:{}", free_port()?).parse()?;
        let mut command = Command::new(&self.binary);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", dir.display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--cluster.listen-address=", "--log.level=error"]);
        Server::launch(command, Door { address, token: None }, "/-/ready", &dir.join("log.txt"))
    }
}

fn alertmanager_config(scene: &Scene) -> String {
    let group_by = if scene.alone { "['...']" } else { "[alertname, cluster, service]" };
    let mut config = format!(
        "route:\n  receiver: bench\n  group_by: {group_by}\n  group_wait: {}ms\n  group_interval: {}s\n  repeat_interval: 4h\n  \
         routes:\n  - receiver: nobody\n    matchers: ['cluster =~ \"{BACKDROP}-.*\"']\n    group_by: [alertname, cluster, service]\n\
         receivers:\n- name: nobody\n- name: bench\n",
        scene.group_wait.as_millis(),
        scene.group_interval.as_secs(),
    );
    let hooks: Vec<&String> = scene.hook.iter().chain(&scene.hanging).collect();
    if !hooks.is_empty() {
        config.push_str("  webhook_configs:\n");
    }
    for url in hooks {
        config.push_str(&format!("  - url: {url}\n    send_resolved: true\n"));
    }
    if scene.inhibitions > 0 {
        config.push_str("inhibit_rules:\n");
    }
    for rule in 0..scene.inhibitions {
        config.push_str(&format!(
            "- source_matchers: [alertname = Outage{rule}, severity = critical]\n  \
             target_matchers: ['severity =~ \"warning|info\"']\n  equal: [cluster, service]\n"
        ));
    }
    config
}
