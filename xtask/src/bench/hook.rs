//! A webhook server that takes pages: it notes when each came, and can refuse or hang on demand.
//!
//! It runs on a thread of its own and only stores what arrives; bodies are read after the clock has stopped.

use super::Measured;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The mood of a server that never answers.
pub const HANG: u16 = 0;
/// The mood of a server that is well.
pub const WELL: u16 = 200;
/// The longest request that is read, in bytes.
const LONGEST: usize = 16 << 20;
/// The buffer for reading, in bytes.
const BUFFER: usize = 8 << 10;
/// How often waiting looks whether what it waits for has come.
const GLANCE: Duration = Duration::from_millis(10);
/// After how long without a request waiting looks closer.
const CALM: Duration = Duration::from_millis(500);

/// A running webhook server.
pub struct Hook {
    /// Where it listens.
    pub address: SocketAddr,
    inner: Arc<Inner>,
    _stop: oneshot::Sender<()>,
}

struct Inner {
    mood: AtomicU16,
    taken: Mutex<Vec<Delivery>>,
}

/// One request as it came.
#[derive(Debug, Clone)]
struct Delivery {
    at: Instant,
    status: u16,
    key: Option<String>,
    body: Vec<u8>,
}

/// One alert in a request.
#[derive(Debug, Clone)]
pub struct Page {
    /// The alert's label `seq`.
    pub seq: String,
    /// Whether the alert was said to be over.
    pub resolved: bool,
    /// The idempotency key that came with the request.
    pub key: Option<String>,
    /// When the request had been read.
    pub at: Instant,
    /// What we answered.
    pub status: u16,
}

impl Hook {
    /// Starts a server on a free port that answers `mood`.
    pub fn start(mood: u16) -> Measured<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner { mood: AtomicU16::new(mood), taken: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&inner);
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, served) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, inner, _stop: stop })
    }

    /// The address to put into a configuration.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Changes what is answered from now on: a status code, or `HANG`.
    pub fn set_mood(&self, mood: u16) {
        self.inner.mood.store(mood, Ordering::Relaxed);
    }

    /// How many requests came so far.
    pub fn requests(&self) -> usize {
        self.inner.taken().len()
    }

    /// The pages that came so far, in order, with those we refused.
    pub fn attempts(&self) -> Vec<Page> {
        let taken = self.inner.taken().clone();
        taken.iter().flat_map(pages).collect()
    }

    /// The pages that we took.
    pub fn pages(&self) -> Vec<Page> {
        self.attempts().into_iter().filter(|page| page.status == WELL).collect()
    }

    /// The first time each alert was taken, by its label `seq`.
    pub fn first_taken(&self, resolved: bool) -> BTreeMap<String, Instant> {
        let mut first = BTreeMap::new();
        for page in self.pages().into_iter().filter(|page| page.resolved == resolved) {
            first.entry(page.seq).or_insert(page.at);
        }
        first
    }

    /// Waits until `count` different alerts were taken, or until `patience` ends; says how many there were.
    pub fn wait_for(&self, count: usize, resolved: bool, patience: Duration) -> usize {
        let deadline = Instant::now() + patience;
        let (mut seen, mut looked, mut changed) = (0, 0, Instant::now());
        while Instant::now() < deadline {
            let requests = self.requests();
            if requests != seen {
                (seen, changed) = (requests, Instant::now());
            }
            // Reading bodies costs time that the server under test should have: only when they may be enough.
            if requests != looked && (requests >= count || changed.elapsed() > CALM) {
                looked = requests;
                if self.first_taken(resolved).len() >= count {
                    break;
                }
            }
            std::thread::sleep(GLANCE);
        }
        self.first_taken(resolved).len()
    }
}

impl Inner {
    fn taken(&self) -> MutexGuard<'_, Vec<Delivery>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: std::net::TcpListener, inner: Arc<Inner>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let inner = Arc::clone(&inner);
            tokio::spawn(async move { serve(stream, inner).await });
        }
    }
}

/// Serves one connection until its other end leaves or says what is not HTTP.
async fn serve(mut stream: TcpStream, inner: Arc<Inner>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let (head, length) = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                let length =
                    header(&head, "content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
                break (head, end + 4 + length);
            }
            more(&mut stream, &mut buffer).await?;
        };
        while buffer.len() < length {
            more(&mut stream, &mut buffer).await?;
        }
        let status = inner.mood.load(Ordering::Relaxed);
        let body = buffer[head.len() + 4..length].to_vec();
        let key = header(&head, "webhook-id").or_else(|| header(&head, "idempotency-key"));
        inner.taken().push(Delivery { at: Instant::now(), status, key, body });
        buffer.drain(..length);
        if status == HANG {
            std::future::pending::<()>().await;
        }
        let answer = format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let count = stream.read_buf(buffer).await.ok()?;
    (count > 0 && buffer.len() <= LONGEST).then_some(())
}

fn header(head: &str, name: &str) -> Option<String> {
    let line =
        head.lines().find(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// Every object with a label `seq` in the body is an alert, whatever stands around it.
fn pages(delivery: &Delivery) -> Vec<Page> {
    let mut found = BTreeMap::new();
    if let Ok(body) = serde_json::from_slice::<Value>(&delivery.body) {
        collect(&body, false, &mut found);
    }
    let page =
        |(seq, resolved)| Page { seq, resolved, key: delivery.key.clone(), at: delivery.at, status: delivery.status };
    found.into_iter().map(page).collect()
}

fn collect(value: &Value, over: bool, found: &mut BTreeMap<String, bool>) {
    match value {
        Value::Object(fields) => {
            let over = fields.get("status").and_then(Value::as_str).map_or(over, |status| status == "resolved");
            if let Some(seq) = value.pointer("/labels/seq").and_then(Value::as_str) {
                found.insert(seq.to_owned(), over);
            }
            fields.values().for_each(|field| collect(field, over, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, over, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::http::Door;

    #[test]
    fn pages_are_found_in_what_alertmanager_sends() {
        let hook = Hook::start(WELL).unwrap();
        let door = Door { address: hook.address, token: None };
        let body = r#"{"status":"firing","groupLabels":{"seq":"s9"},"alerts":[
            {"status":"firing","labels":{"seq":"s1"}},{"status":"resolved","labels":{"seq":"s2"}}]}"#;
        door.post("/hook", body, Duration::from_secs(5)).unwrap();
        hook.set_mood(503);
        door.post("/hook", body, Duration::from_secs(5)).unwrap_err();
        let attempts: Vec<_> = hook.attempts().into_iter().map(|page| (page.seq, page.resolved, page.status)).collect();
        let expected = [("s1", false, 200), ("s2", true, 200), ("s1", false, 503), ("s2", true, 503)];
        assert_eq!(attempts, expected.map(|(seq, resolved, status)| (seq.to_owned(), resolved, status)));
        assert_eq!(hook.wait_for(1, true, Duration::from_secs(1)), 1);
    }

    #[test]
    fn one_connection_carries_many_requests() {
        let hook = Hook::start(WELL).unwrap();
        let door = Door { address: hook.address, token: None };
        let mut connection = door.open(Duration::from_secs(5)).unwrap();
        for seq in 0..3 {
            let body = format!(r#"{{"labels":{{"seq":"s{seq}"}}}}"#);
            assert_eq!(connection.send(&door.request("POST", "/hook", body.as_bytes())).unwrap().status, 200);
        }
        assert_eq!(hook.requests(), 3);
    }
}
