//! A webhook receiver that keeps what it was sent, or takes requests and never answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

/// The header that is the same for each repeat of a message.
const ID: &str = "webhook-id";

/// The bodies that came under each id, in order.
pub type Seen = BTreeMap<String, Vec<Value>>;

/// A running receiver; it ends with the test.
pub struct Hook {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

impl Hook {
    /// A receiver that accepts everything.
    pub async fn start() -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let url = serve(Router::new().fallback(post(keep)).with_state(Arc::clone(&seen))).await;
        Self { url, seen }
    }

    /// A receiver that never answers.
    pub async fn hanging() -> Self {
        let url = serve(Router::new().fallback(std::future::pending::<StatusCode>)).await;
        Self { url, seen: Arc::default() }
    }

    /// What came so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

async fn keep(State(seen): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: String) {
    let id = headers[ID].to_str().unwrap().to_owned();
    seen.lock().unwrap().entry(id).or_default().push(serde_json::from_str(&body).unwrap());
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
