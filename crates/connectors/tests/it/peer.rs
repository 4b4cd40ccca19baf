//! What the tests speak to: an HTTP server of ours that keeps what it was sent, and messages to send.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri};
use connectors::outbound::Outbound;
use kernel::book::{Channel, SecretRef};
use kernel::delivery::{Acknowledge, Message};
use kernel::port::{Clock, Links};
use kernel::{Address, ChannelKind, Delivery, DeliveryId, Severity, Timestamp};

/// The folder of test data, or of a part of it.
pub fn data(part: &str) -> PathBuf {
    let data = std::env::var("WATCHKEEPER_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(data).join(part)
}

/// A clock that stands still.
pub struct Still;

pub const NOW: i64 = 1_614_265_330;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }
}

pub fn outbound() -> Outbound {
    Outbound::new(Arc::new(Still)).unwrap()
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer to give: a status, headers, a body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

#[derive(Clone, Default)]
struct Shared {
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

/// A server that keeps every request and gives the answers it was told, the last one again and again.
pub struct Peer {
    pub address: SocketAddr,
    shared: Shared,
}

impl Peer {
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let shared = Shared { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Shared::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(keep).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared }
    }

    pub async fn answering(status: u16, body: &str) -> Self {
        Self::start([(status, Vec::new(), body.to_owned())]).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The only request that came.
    pub fn only(&self) -> Seen {
        let seen = self.all();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    pub fn all(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn keep(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    shared.seen.lock().unwrap().push(Seen { method, uri, headers, body });
    let (status, headers, body) = {
        let mut answers = shared.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

/// A page as the alerts area words it.
pub fn page(to: &str) -> Delivery {
    Delivery {
        id: DeliveryId("page-12-1".into()),
        address: Address { channel: "channel".parse().unwrap(), to: to.to_owned() },
        message: Message {
            title: "Checkout fails\r\nBcc: mallory@example.com".to_owned(),
            body: "5 % of payments & <more> fail.\nSince 14:02.".to_owned(),
            severity: Some(Severity::P1),
            details: vec![("Service".to_owned(), "checkout".to_owned()), ("Region".to_owned(), "eu <west>".to_owned())],
            path: "/pages/12".to_owned(),
            acknowledge: Some(Acknowledge { page: 12, person: "ada".parse().unwrap() }),
            data: None,
        },
    }
}

pub fn links() -> Links {
    Links {
        page: "https://watch.example.com/pages/12".to_owned(),
        acknowledge: Some("https://watch.example.com/ack/12?sig=a&b".to_owned()),
    }
}

/// A channel; its secret, if it has one, stands in a file for as long as the file handle lives.
pub fn channel(kind: ChannelKind, url: String, secret: Option<&str>) -> (Channel, Option<tempfile::NamedTempFile>) {
    let file = secret.map(|secret| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{secret}\n")).unwrap();
        file
    });
    let secret = file.as_ref().map(|file| SecretRef::File(file.path().display().to_string()));
    let from = Some("Watchkeeper <pager@watch.example.com>".to_owned());
    (Channel { kind, url, from, secret }, file)
}
