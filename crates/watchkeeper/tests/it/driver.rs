//! A real headless Chromium, driven over the WebDriver protocol. It waits for elements by itself, up to [`WAIT_MS`], so no test
//! sleeps. Everything that it logged and asked for can be looked at in the end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const DRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";
/// How long the browser waits for an element, in milliseconds.
const WAIT_MS: u64 = 30_000;
/// How often an element is looked for again when a live update replaced it under the hand.
const STALE_MAX: usize = 10;
/// How long the browser may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);
/// The name by which the protocol calls an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub const TAB: &str = "\u{E004}";
pub const ENTER: &str = "\u{E007}";
pub const ESCAPE: &str = "\u{E00C}";

/// How a browser is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Desktop,
    Phone,
    WithoutJavaScript,
}

/// An open browser with one window.
pub struct Browser {
    client: reqwest::Client,
    authority: String,
    session: String,
    _driver: Child,
    _home: TempDir,
}

impl Drop for Browser {
    /// Ends the session also when a test fails; the browser would outlive its driver.
    fn drop(&mut self) {
        let Ok(mut stream) = TcpStream::connect(&self.authority) else { return };
        let request = format!("DELETE {} HTTP/1.1\r\nhost: {}\r\n\r\n", self.session, self.authority);
        let _ = stream.set_read_timeout(Some(END_WITHIN)).and_then(|()| stream.write_all(request.as_bytes()));
        let _ = stream.read(&mut [0; 64]);
    }
}

impl Browser {
    /// Opens a browser; `None` where there is none, and then the test should return.
    pub async fn open(kind: Kind) -> Option<Self> {
        if let Some(missing) = [DRIVER, CHROMIUM].into_iter().find(|program| !Path::new(program).exists()) {
            eprintln!("skipped: {missing} is not installed");
            return None;
        }
        let home = testkit::temp_dir();
        let (driver, authority) = start_driver(home.path()).await;
        let mut browser =
            Self { client: reqwest::Client::new(), authority, session: String::new(), _driver: driver, _home: home };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities(kind, browser._home.path()) } });
        let session = browser.ask(Method::POST, "/session", wanted).await;
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        browser.post("/timeouts", json!({ "implicit": WAIT_MS, "pageLoad": WAIT_MS, "script": WAIT_MS })).await;
        Some(browser)
    }

    async fn try_ask(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = self.client.request(method.clone(), format!("http://{}{path}", self.authority));
        let request = if method == Method::POST { request.json(&body) } else { request };
        let answer = request.send().await.unwrap();
        let good = answer.status().is_success();
        let value = answer.json::<Value>().await.unwrap()["value"].take();
        if good { Ok(value) } else { Err(value) }
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.try_ask(method, path, body.clone()).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {}: {}", error["error"], error["message"]))
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, &format!("{}{path}", self.session), body).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, &format!("{}{path}", self.session), Value::Null).await
    }

    /// Opens an address.
    pub async fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Waits for an element: a CSS selector, or an XPath when it begins with `//`.
    async fn find(&self, what: &str) -> String {
        let using = if what.starts_with("//") { "xpath" } else { "css selector" };
        let found = self.post("/element", json!({ "using": using, "value": what })).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Waits for an element and does something to it; once more when a live update has just replaced it.
    async fn act(&self, what: &str, act: &str, body: Value) {
        let mut said = Value::Null;
        for _ in 0..STALE_MAX {
            let path = format!("{}/element/{}/{act}", self.session, self.find(what).await);
            match self.try_ask(Method::POST, &path, body.clone()).await {
                Ok(_) => return,
                Err(error) => said = error,
            }
            if said["error"] != "stale element reference" {
                break;
            }
        }
        panic!("{act} {what}: {}; {}", said["message"], self.text().await);
    }

    /// Clicks on an element.
    pub async fn click(&self, what: &str) {
        self.act(what, "click", json!({})).await;
    }

    /// Types into a field, in the place of what stood there.
    pub async fn fill(&self, what: &str, text: &str) {
        self.act(what, "clear", json!({})).await;
        self.act(what, "value", json!({ "text": text })).await;
    }

    /// Presses keys, one after another, wherever the focus is.
    pub async fn press(&self, keys: &str) {
        let strokes = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })));
        let actions = strokes.collect::<Vec<_>>();
        self.post("/actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] })).await;
    }

    /// Waits until an element that matches is there.
    pub async fn sees(&self, what: &str) {
        self.find(what).await;
    }

    /// Waits until a text is somewhere on the page.
    pub async fn reads(&self, text: &str) {
        self.find(&format!("//body//*[contains(normalize-space(.), \"{text}\")]")).await;
    }

    /// What the page says at this moment.
    pub async fn text(&self) -> String {
        let body = self.find("body").await;
        self.get(&format!("/element/{body}/text")).await.as_str().unwrap().to_owned()
    }

    /// What a script gives.
    pub async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The addresses of all requests since the last time.
    pub async fn requests(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "performance" })).await;
        let entries = log.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap());
        let events = entries.map(|text| serde_json::from_str::<Value>(text).unwrap()["message"].take());
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }

    /// What the browser complained of since the last time.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({ "type": "browser" })).await;
        let bad =
            log.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        bad.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// Starts the driver on a free port, and gives where it listens.
async fn start_driver(home: &Path) -> (Child, String) {
    let mut command = Command::new(DRIVER);
    command.arg("--port=0").env("HOME", home).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (driver, format!("127.0.0.1:{}", port.trim_end_matches('.')));
        }
    }
    panic!("chromedriver ended before it listened");
}

fn capabilities(kind: Kind, home: &Path) -> Value {
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let mut arguments: Vec<&str> = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        "--window-size=1440,900",
        // Nothing but this machine can be reached.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ];
    arguments.push(&profile);
    let mut options = json!({ "binary": CHROMIUM, "args": arguments });
    match kind {
        Kind::Desktop => {}
        Kind::Phone => {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": 390, "height": 844, "pixelRatio": 2.0 } });
        }
        Kind::WithoutJavaScript => {
            options["prefs"] = json!({ "profile.managed_default_content_settings.javascript": 2 });
        }
    }
    json!({ "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" } })
}
