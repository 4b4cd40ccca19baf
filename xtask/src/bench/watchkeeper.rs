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

    /// A bearer token that may write and read alerts and signals and follow the journal, issued once for each data folder.
    fn token(&self, dir: &Path) -> Measured<String> {
        let note = dir.join("token.txt");
        if !note.exists() {
            let scopes = ["alerts:write", "alerts:read", "signals:write", "signals:read", "journal:read"];
            let arguments: Vec<&str> = ["token", "issue", "bench"]
                .into_iter()
                .chain(scopes.iter().flat_map(|scope| ["--scope", scope]))
                .collect();
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

/// Writes the scene as a watchbook, in the format of docs/watchbook.md.
fn write_watchbook(book: &Path, scene: &Scene) -> Measured {
    fs::create_dir_all(book)?;
    fs::write(book.join("watchkeeper.yaml"), "organisation: Bench\n")?;
    let hooks: Vec<&String> = scene.hook.iter().chain(&scene.hanging).collect();
    if !hooks.is_empty() {
        let channel = |(at, url): (usize, &&String)| format!("hook-{at}:\n  kind: webhook\n  url: {url}\n");
        let targets: Vec<String> = (0..hooks.len()).map(|at| format!("channel: hook-{at}")).collect();
        fs::write(book.join("channels.yaml"), hooks.iter().enumerate().map(channel).collect::<String>())?;
        let policy =
            format!("bench:\n  title: Bench\n  steps:\n    - page: [{}]\n      wait: 1h\n", targets.join(", "));
        fs::write(book.join("policies.yaml"), policy)?;
    }
    Ok(fs::write(book.join("routes.yaml"), routes(scene, !hooks.is_empty()))?)
}

/// The routing tree of a scene; what is called a backdrop reaches nobody.
fn routes(scene: &Scene, tells: bool) -> String {
    let group_by = if scene.alone { "['...']" } else { "[alertname, cluster, service]" };
    let mut routes = format!(
        "route:\n  group_by: {group_by}\n  group_wait: {}s\n  group_interval: {}s\n  repeat_interval: 4h\n",
        scene.group_wait.as_secs_f64().ceil(),
        scene.group_interval.as_secs_f64().ceil(),
    );
    routes.push_str(if tells { "  policy: bench\n" } else { "" });
    routes.push_str("  routes:\n    - matchers: ['cluster=~\"backdrop-.*\"']\n      group_wait: 1d\n");
    routes.push_str(if scene.inhibitions > 0 { "inhibitions:\n" } else { "" });
    for rule in 0..scene.inhibitions {
        routes.push_str(&format!(
            "  - source: ['alertname=Outage{rule}', 'severity=critical']\n    target: ['severity=~\"warning|info\"']\n    \
             equal: [cluster, service]\n"
        ));
    }
    routes
}
