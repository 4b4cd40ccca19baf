//! The binary under test: started as an operator starts it, on either database, with a watchbook of its own; restarted on the
//! same address; killed. What happens in it is awaited by its own stream of places, never by sleeping.

use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{SmallDisk, postgres};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::shop::Files;

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How many facts a failure shows.
const LAST_SHOWN: usize = 30;
/// The most facts that one request reads.
const FACTS_AT_ONCE: usize = 1000;
/// What the tests' own program may do.
const SCOPES: [&str; 15] = [
    "alerts:read",
    "alerts:write",
    "signals:read",
    "signals:write",
    "incidents:read",
    "incidents:write",
    "comms:read",
    "comms:write",
    "learning:read",
    "learning:write",
    "journal:read",
    "governance:read",
    "governance:write",
    "watchbook:read",
    "watchbook:write",
];

/// Where the journal is.
pub enum Base {
    /// In the data directory.
    Sqlite,
    /// In a data directory on a disk of its own.
    Disk(SmallDisk),
    /// In a database of a real server.
    Postgres(postgres::Server),
    /// In the database of another node, by its address.
    Shared(String),
}

impl Base {
    /// A PostgreSQL database; `None` where there is no server, and then the test should return.
    pub fn postgres() -> Option<Self> {
        postgres::Server::start().map(Self::Postgres)
    }
}

/// A running server with its directory, its watchbook, a token for the tests and a person who is logged in.
pub struct Server {
    pub base: Base,
    pub url: String,
    pub token: String,
    home: TempDir,
    listen: String,
    cookie: String,
    extra: Vec<String>,
    process: Option<Child>,
    client: reqwest::Client,
}

impl Server {
    /// Writes the watchbook, issues a token, starts the server and logs its administrator in.
    pub async fn open(base: Base, book: &Files) -> Self {
        Self::open_with(base, book, &[]).await
    }

    /// The same, started with further arguments each time.
    pub async fn open_with(base: Base, book: &Files, extra: &[&str]) -> Self {
        let extra = extra.iter().map(|&argument| argument.to_owned()).collect();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let home = testkit::temp_dir();
        let (url, token, cookie, listen) = (String::new(), String::new(), String::new(), "127.0.0.1:0".to_owned());
        let mut server = Self { base, url, token, home, listen, cookie, extra, process: None, client };
        book.iter().for_each(|(name, text)| server.write(name, text));
        let scopes = SCOPES.iter().flat_map(|scope| ["--scope", scope]);
        let issued = server.cli(&["token", "issue", "tests"].into_iter().chain(scopes).collect::<Vec<_>>()).await;
        server.token = issued.trim().to_owned();
        let login = server.start().await;
        server.cookie = server.enter(&login).await;
        server
    }

    /// A second node on the database of this one, with the same watchbook and the same keys. It stands by.
    pub async fn beside(&self, book: &Files) -> Self {
        let Base::Postgres(database) = &self.base else { panic!("nodes share a PostgreSQL") };
        let (base, home, extra) = (Base::Shared(database.url()), testkit::temp_dir(), self.extra.clone());
        let (token, cookie, client) = (self.token.clone(), self.cookie.clone(), self.client.clone());
        let (url, listen) = (String::new(), "127.0.0.1:0".to_owned());
        let mut server = Self { base, url, token, home, listen, cookie, extra, process: None, client };
        book.iter().for_each(|(name, text)| server.write(name, text));
        std::fs::create_dir(server.home.path().join("data")).unwrap();
        for key in ["journal.key", "links.key"] {
            let of = |home: &TempDir| home.path().join("data").join(key);
            std::fs::copy(of(&self.home), of(&server.home)).unwrap();
        }
        let told = server.start().await;
        assert!(told.starts_with("Standing by: "), "{told}");
        server
    }

    /// The watchbook's directory.
    pub fn book(&self) -> PathBuf {
        self.home.path().join("watchbook")
    }

    /// Writes a file of the watchbook.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.book().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Starts the server and waits until it says where it is. Gives what it says about logging in.
    pub async fn start(&mut self) -> String {
        let log = std::fs::File::options().create(true).append(true).open(self.home.path().join("log.txt")).unwrap();
        let mut command = self.command(&["serve", "--print-invite", "--listen", &self.listen]);
        command.args(&self.extra).arg("--watchbook").arg(self.book()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        self.process = Some(process);
        let mut next = async || timeout(PATIENCE, lines.next_line()).await.ok()?.unwrap();
        let (Some(url), Some(login)) = (next().await, next().await) else {
            panic!("no start; its log: {}", self.log())
        };
        // A pipe that nobody reads would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.url = url.strip_prefix("Watchkeeper is at ").unwrap().to_owned();
        self.listen = self.url.trim_start_matches("http://").to_owned();
        login
    }

    /// Ends the server without a word, as a power cut does.
    pub async fn kill9(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// Ends the server as a supervisor does.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut process = self.process.take().unwrap();
        timeout(PATIENCE, process.wait()).await.expect("it ends when it is told to").unwrap()
    }

    /// Sends the server a signal.
    pub fn signal(&self, name: &str) {
        let pid = self.process.as_ref().and_then(Child::id).unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Ends the server and starts it again.
    pub async fn restart(&mut self) {
        self.terminate().await;
        self.start().await;
    }

    /// What the server logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log.txt")).unwrap_or_default()
    }

    /// A verb of the command line over this server's journal.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// The same, when it should succeed; gives what it printed.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "watchkeeper {arguments:?}: {out}{err}");
        out.into_owned()
    }

    /// A verb that asks this server, when it should succeed; gives what it printed.
    pub async fn cli_of(&self, arguments: &[&str]) -> String {
        let output =
            binary().args(arguments).args(["--server", &self.url, "--token", &self.token]).output().await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "watchkeeper {arguments:?}: {out}{err}");
        out.into_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.args(arguments).arg("--data");
        match &self.base {
            Base::Sqlite => command.arg(self.home.path().join("data")),
            Base::Disk(disk) => command.arg(disk.path()),
            Base::Postgres(base) => command.arg(self.home.path().join("data")).arg("--database").arg(base.url()),
            Base::Shared(url) => command.arg(self.home.path().join("data")).arg("--database").arg(url),
        };
        command
    }

    /// Follows an invitation, sets a password, and gives the session's cookie.
    async fn enter(&self, login: &str) -> String {
        let (_, link) = login.split_once(": ").unwrap();
        let form = "password=correct+horse+battery&again=correct+horse+battery";
        let request = self.client.post(link).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let answer = request.send().await.unwrap();
        let cookie = answer.headers().get(SET_COOKIE).expect("the invitation leads to a session");
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// A request with the tests' token.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// A page as the logged-in administrator sees it.
    pub async fn page(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.url)).header(COOKIE, &self.cookie);
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    }

    /// What our own API says.
    pub async fn get(&self, path: &str) -> Value {
        told(self.request(Method::GET, &format!("/api/v1{path}"))).await
    }

    /// What our own API says to a command that should be done.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        told(self.request(Method::POST, &format!("/api/v1{path}")).json(&body)).await
    }

    /// All facts, in order.
    pub async fn facts(&self) -> Vec<Value> {
        let mut facts = Vec::new();
        self.news(&mut facts).await;
        facts
    }

    async fn news(&self, facts: &mut Vec<Value>) {
        loop {
            let from = facts.last().map_or(0, |fact: &Value| fact["seq"].as_u64().unwrap() + 1);
            let Value::Array(more) = self.get(&format!("/journal?from={from}&limit={FACTS_AT_ONCE}")).await else {
                panic!("the journal is a list")
            };
            let end = more.len() < FACTS_AT_ONCE;
            facts.extend(more);
            if end {
                return;
            }
        }
    }

    /// Waits, commit by commit, until the facts are as wanted.
    pub async fn until<T>(&self, what: &str, wanted: impl Fn(&[Value]) -> Option<T>) -> T {
        let mut facts = Vec::new();
        self.each_commit(what, async || {
            self.news(&mut facts).await;
            wanted(&facts)
        })
        .await
    }

    /// Waits, commit by commit, until what our own API says is as wanted, and gives it.
    pub async fn until_get(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.each_commit(path, async || Some(self.get(path).await).filter(&wanted)).await
    }

    /// Looks now and after each commit, until a look finds something.
    async fn each_commit<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let waiting = async {
            let request = self.client.get(format!("{}/live", self.url)).header(COOKIE, &self.cookie);
            let mut places = request.send().await.unwrap().error_for_status().unwrap();
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                places.chunk().await.unwrap().expect("the stream goes on while the server lives");
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {PATIENCE:?}; {:?}; log: {}", self.last_kinds().await, self.log()),
        }
    }

    /// The kinds of the last facts, for whoever asks why something did not happen.
    async fn last_kinds(&self) -> Vec<String> {
        let facts = self.facts().await;
        facts.iter().rev().take(LAST_SHOWN).map(|fact| fact["kind"].to_string()).collect()
    }

    /// Waits for the first fact of a kind.
    pub async fn fact(&self, kind: &str) -> Value {
        self.until(kind, |facts| of(facts, kind).next().cloned()).await
    }
}

/// The binary.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The facts of a kind.
pub fn of<'a>(facts: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    facts.iter().filter(move |fact| fact["kind"] == kind)
}

/// The answer to a request that should succeed.
pub async fn told(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}
