//! Our own server under test: how its watchbook is written, how it is started, and how a token is had.

use super::Measured;
use super::http::Door;
use super::peer::{JournalCheck, Peer, Scene, Server, free_port};
use super::postgres::Postgres;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Watchkeeper on one of its two databases.
pub struct Watchkeeper {
    binary: PathBuf,
    postgres: Option<Arc<Postgres>>,
}

impl Watchkeeper {
    /// With the embedded database.
    pub fn on_sqlite(binary: PathBuf) -> Self {
        Self { binary, postgres: None }
    }

    /// With a database of its own for each data folder.
    pub fn on_postgres(binary: PathBuf, postgres: Arc<Postgres>) -> Self {
        Self { binary, postgres: Some(postgres) }
    }

    /// A command on the data in `dir`: `watchkeeper ARGUMENTS --data DIR/data [--database URL]`.
    fn command(&self, dir: &Path, arguments: &[&str]) -> Measured<Command> {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data").arg(dir.join("data"));
        if let Some(url) = self.database(dir)? {
            command.arg("--database").arg(url);
        }
        Ok(command)
    }

    /// The database that belongs to `dir`, made at first use and remembered there.
    fn database(&self, dir: &Path) -> Measured<Option<String>> {
        let Some(postgres) = &self.postgres else { return Ok(None) };
        let note = dir.join("database.url");
        if !note.exists() {
            fs::write(&note, postgres.database()?)?;
        }
        Ok(Some(fs::read_to_string(note)?))
    }

    /// A bearer token that may write and read alerts, issued once for each data folder.
    fn token(&self, dir: &Path) -> Measured<String> {
        let note = dir.join("token.txt");
        if !note.exists() {
            let arguments = ["token", "issue", "bench", "--scope", "alerts:write", "--scope", "alerts:read"];
            let output = self.command(dir, &arguments)?.stdin(Stdio::null()).output()?;
            if !output.status.success() {
                return Err(format!("token issue: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
            }
            let said = String::from_utf8(output.stdout)?;
            let token = said.split_whitespace().last().ok_or("token issue printed nothing")?;
            fs::write(&note, token)?;
        }
        Ok(fs::read_to_string(note)?)
    }
}

impl Peer for Watchkeeper {
    fn name(&self) -> &str {
        if self.on_postgres() { "Watchkeeper, PostgreSQL" } else { "Watchkeeper, SQLite" }
    }

    fn on_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    fn start(&self, dir: &Path, scene: &Scene) -> Measured<Server> {
        let book = dir.join("watchbook");
        write_watchbook(&book, scene)?;
        fs::create_dir_all(dir.join("data"))?;
        let token = Some(self.token(dir)?);
        let address = format!("127.0.0.1:{}", free_port()?).parse()?;
        let mut command = self.command(dir, &["serve"])?;
        command.arg("--watchbook").arg(book).arg("--listen").arg(format!("{address}"));
        Server::launch(command, Door { address, token }, "/readyz", &dir.join("log.txt"))
    }

    fn journal(&self, dir: &Path) -> Option<Measured<JournalCheck>> {
        Some(self.verify(dir))
    }
}

impl Watchkeeper {
    /// Runs `watchkeeper journal verify --json` and reads how many facts it looked at.
    fn verify(&self, dir: &Path) -> Measured<JournalCheck> {
        let began = Instant::now();
        let output = self.command(dir, &["journal", "verify", "--json"])?.stdin(Stdio::null()).output()?;
        let took: Duration = began.elapsed();
        if !output.status.success() {
            return Err(format!("journal verify: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
        }
        let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let facts = said["facts"].as_u64().ok_or("journal verify --json named no number of facts")?;
        Ok(JournalCheck { facts, took })
    }
}

/// Writes the scene as a watchbook.
fn write_watchbook(book: &Path, scene: &Scene) -> Measured {
    fs::create_dir_all(book)?;
    let group_by = if scene.alone { "[\"...\"]" } else { "[alertname, cluster, service]" };
    let mut routes = format!(
        "routes:\n  group_by: {group_by}\n  group_wait: {}ms\n  group_interval: {}s\n  repeat_interval: 4h\n",
        scene.group_wait.as_millis(),
        scene.group_interval.as_secs(),
    );
    let hooks: Vec<&String> = scene.hook.iter().chain(&scene.hanging).collect();
    routes.push_str(if hooks.is_empty() { "  receivers: []\n" } else { "  receivers:\n" });
    for url in hooks {
        routes.push_str(&format!("    - webhook: {url}\n"));
    }
    if scene.inhibitions > 0 {
        routes.push_str("inhibitions:\n");
    }
    for rule in 0..scene.inhibitions {
        routes.push_str(&format!(
            "  - source: [alertname=Outage{rule}, severity=critical]\n    target: ['severity=~\"warning|info\"']\n    \
             equal: [cluster, service]\n"
        ));
    }
    Ok(fs::write(book.join("routes.yaml"), routes)?)
}
