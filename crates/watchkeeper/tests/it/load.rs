//! Clients that post alerts, resolves and silences until their server is gone, and note what was answered with 200.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::server::Server;

/// How many clients post at once.
const CLIENTS: u64 = 4;
/// Long over, and long to come.
const PAST: &str = "2026-01-01T00:00:00Z";
const FUTURE: &str = "2090-01-01T00:00:00Z";

/// What the server said yes to. What was asked and not answered may be done or not, and stands in none of these.
#[derive(Debug, Default)]
pub struct Noted {
    /// Alerts that fire; each is a group of its own.
    pub firing: BTreeSet<String>,
    /// Alerts that fired and are over.
    pub resolved: BTreeSet<String>,
    /// Silences, by their ids.
    pub silences: BTreeSet<String>,
    /// Alerts that fire and that a silence mutes since before they did.
    pub muted: BTreeSet<String>,
}

impl Noted {
    /// How many alerts and silences there are.
    pub fn len(&self) -> usize {
        self.firing.len() + self.resolved.len() + self.silences.len() + self.muted.len()
    }

    fn add(&mut self, mut other: Self) {
        self.firing.append(&mut other.firing);
        self.resolved.append(&mut other.resolved);
        self.silences.append(&mut other.silences);
        self.muted.append(&mut other.muted);
    }
}

/// Clients at work.
pub struct Load {
    clients: JoinSet<Noted>,
    answered: Arc<Answered>,
}

#[derive(Default)]
struct Answered {
    count: AtomicU64,
    more: Notify,
}

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    name: String,
    noted: Noted,
    answered: Arc<Answered>,
}

/// The server is gone.
struct Gone;

impl Load {
    /// Lets all clients begin. What they name carries the number of this load.
    pub fn start(server: &Server, number: u64) -> Self {
        let answered = Arc::<Answered>::default();
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (url, token, answered) = (server.url.clone(), server.token.clone(), Arc::clone(&answered));
            let (http, name, noted) = (reqwest::Client::new(), format!("{number}-{client}"), Noted::default());
            clients.spawn(Client { http, url, token, name, noted, answered }.work());
        }
        Self { clients, answered }
    }

    /// Waits until so many requests were answered.
    pub async fn answered(&self, count: u64) {
        loop {
            let more = self.answered.more.notified();
            if self.answered.count.load(Ordering::Relaxed) >= count {
                return;
            }
            more.await;
        }
    }

    /// Adds what was answered, once all clients found their server gone.
    pub async fn end(self, noted: &mut Noted) {
        self.clients.join_all().await.into_iter().for_each(|own| noted.add(own));
    }
}

impl Client {
    async fn work(mut self) -> Noted {
        for number in 0.. {
            if self.round(format!("{}-{number}", self.name)).await.is_err() {
                break;
            }
        }
        self.noted
    }

    /// One alert that stays, one that is resolved, and one that is muted before it fires.
    async fn round(&mut self, name: String) -> Result<(), Gone> {
        let (stays, ends, quiet) = (format!("stays-{name}"), format!("ends-{name}"), format!("quiet-{name}"));
        self.alert(&stays, Value::Null).await?;
        self.noted.firing.insert(stays);
        self.alert(&ends, Value::Null).await?;
        self.alert(&ends, json!(PAST)).await?;
        self.noted.resolved.insert(ends);
        let silence = self.silence(&quiet).await?;
        self.noted.silences.insert(silence);
        self.alert(&quiet, Value::Null).await?;
        self.noted.muted.insert(quiet);
        Ok(())
    }

    async fn alert(&self, name: &str, ends_at: Value) -> Result<(), Gone> {
        let alerts = json!([{ "labels": { "alertname": name, "service": "search" }, "endsAt": ends_at }]);
        self.post("/api/v2/alerts", alerts).await.map(|_| ())
    }

    async fn silence(&self, name: &str) -> Result<String, Gone> {
        let matcher = json!({ "name": "alertname", "value": name, "isRegex": false, "isEqual": true });
        let silence = json!({
            "matchers": [matcher], "startsAt": PAST, "endsAt": FUTURE, "createdBy": "load", "comment": "moving",
        });
        let said = self.post("/api/v2/silences", silence).await?;
        let said: Value = serde_json::from_str(&said).map_err(|_| Gone)?;
        Ok(said["silenceID"].as_str().unwrap().to_owned())
    }

    /// Posts, and counts the answer when it is a yes. A server that dies answers nothing; any other answer is wrong.
    async fn post(&self, path: &str, body: Value) -> Result<String, Gone> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(&body);
        let answer = request.send().await.map_err(|_| Gone)?;
        let status = answer.status();
        let said = answer.text().await.map_err(|_| Gone);
        assert_eq!(status, StatusCode::OK, "{path} {body}");
        self.answered.count.fetch_add(1, Ordering::Relaxed);
        self.answered.more.notify_one();
        said
    }
}
