//! Servers that keep series, under test: Debian's Prometheus and VictoriaMetrics, and ours. All three take remote write 1.0
//! and answer Prometheus' query API.

use super::Measured;
use super::http::Door;
use super::machine;
use super::peer::{Peer, Scene, Server, free_port, release_binary};
use super::watchkeeper::Watchkeeper;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A server that keeps series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    kind: Kind,
    binary: PathBuf,
}

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian's Prometheus, with its remote write receiver.
    Prometheus,
    /// Debian's VictoriaMetrics, single node.
    VictoriaMetrics,
    /// Ours, on SQLite.
    Watchkeeper,
}

impl Kind {
    /// What it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "Prometheus 2.42",
            Self::VictoriaMetrics => "VictoriaMetrics 1.79",
            Self::Watchkeeper => "Watchkeeper",
        }
    }
}

impl Keeper {
    /// Which one it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What it is called in tables.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Starts it on the data in `dir`.
    pub fn start(&self, dir: &Path) -> Measured<Server> {
        self.start_with(dir, &[])
    }

    /// Starts it with these rule files. VictoriaMetrics has no rules.
    pub fn start_with(&self, dir: &Path, rules: &[String]) -> Measured<Server> {
        let folder = if self.kind == Kind::Watchkeeper { dir.join("watchbook/prometheus") } else { dir.to_owned() };
        fs::create_dir_all(&folder)?;
        for (number, text) in rules.iter().enumerate() {
            fs::write(folder.join(format!("rules{number:03}.yml")), text)?;
        }
        let address = format!("127.0.0.1:{}", free_port()?).parse()?;
        let mut command = Command::new(&self.binary);
        let ready = match self.kind {
            Kind::Watchkeeper => return Watchkeeper::on_sqlite(self.binary.clone()).start(dir, &Scene::silent()),
            Kind::Prometheus => {
                let config = dir.join("prometheus.yml");
                let files = format!("rule_files: ['{}/rules*.yml']\n", folder.display());
                fs::write(&config, format!("global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\n{files}"))?;
                command.arg(format!("--config.file={}", config.display()));
                command.arg(format!("--storage.tsdb.path={}", dir.join("data").display()));
                command.arg(format!("--web.listen-address={address}"));
                command.args(["--web.enable-remote-write-receiver", "--log.level=error"]);
                "/-/ready"
            }
            Kind::VictoriaMetrics => {
                command.arg(format!("-storageDataPath={}", dir.join("data").display()));
                command.arg(format!("-httpListenAddr={address}"));
                command.args(["-loggerLevel=ERROR", "-retentionPeriod=1"]);
                "/health"
            }
        };
        Server::launch(command, Door { address, token: None }, ready, &dir.join("log.txt"))
    }

    /// Lets queries see everything that was written.
    pub fn settle(&self, server: &Server) -> Measured {
        if self.kind == Kind::VictoriaMetrics {
            server.door.get("/internal/force_flush", Duration::from_secs(60))?;
        }
        Ok(())
    }

    /// The path of a range query that is answered from the samples, not from an earlier answer.
    pub fn range_query(&self, query: &str, start: u64, end: u64, step: u64) -> String {
        let uncached = if self.kind == Kind::VictoriaMetrics { "&nocache=1" } else { "" };
        format!("/api/v1/query_range?query={}&start={start}&end={end}&step={step}{uncached}", escaped(query))
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let piece = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(piece).collect()
}

/// The servers that are installed here, those we compare with first; `wanted` narrows the choice.
pub fn available(root: &Path, wanted: &[String]) -> Result<Vec<Keeper>, Box<dyn Error>> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wish| wish == name);
    let mut keepers = Vec::new();
    for (kind, program) in [(Kind::VictoriaMetrics, "victoria-metrics"), (Kind::Prometheus, "prometheus")] {
        match machine::find_program(program) {
            _ if !is_wanted(program) => {}
            Some(binary) => keepers.push(Keeper { kind, binary }),
            None => println!("bench: no {program}: apt-get install {program}"),
        }
    }
    let binary = release_binary(root);
    if is_wanted("watchkeeper") && binary.is_file() {
        keepers.push(Keeper { kind: Kind::Watchkeeper, binary });
    }
    if keepers.is_empty() { Err("bench: there is no server to measure".into()) } else { Ok(keepers) }
}
