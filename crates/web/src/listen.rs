//! The listener: connections are bounded in number, and one that does not say what it wants is closed. What comes after the
//! head of a request has limits of its own.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

/// The bounds of a listener.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many connections stand at once; further ones wait until one ends.
    pub connections: usize,
    /// How many of them one address may have; a further one is closed at once. This machine's own are not counted, because a
    /// proxy on it stands for everybody.
    pub of_one: usize,
    /// How long a connection may take until the head of its next request is there. An idle one is closed after it too.
    pub head: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 10_000, of_one: 5_000, head: Duration::from_secs(75) }
    }
}

/// How long to wait after a connection could not be taken, which is when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/1.1
    Http1,
    /// HTTP/2 without encryption and without an upgrade, as gRPC does.
    Http2,
}

/// How many requests of one HTTP/2 connection are open at once.
const STREAMS_MAX: u32 = 200;

/// Serves HTTP/1.1 for ever. Handlers find the other side's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, app: Router, bounds: Bounds) {
    serve_as(Speech::Http1, listener, app, bounds).await;
}

/// Serves for ever in either version of HTTP.
pub async fn serve_as(speech: Speech, listener: TcpListener, app: Router, bounds: Bounds) {
    let (places, crowd) = (Arc::new(Semaphore::new(bounds.connections)), Crowd::default());
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some(seat) = crowd.enter(peer.ip(), bounds.of_one) else {
                    tracing::debug!(%peer, "a connection too many from one address");
                    continue;
                };
                let app = app.clone();
                tokio::spawn(async move {
                    converse(speech, stream, peer, app, bounds.head).await;
                    drop((place, seat));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// How many connections each address has.
#[derive(Debug, Clone, Default)]
struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address; gives its place back when it is dropped.
struct Seat(Crowd, IpAddr);

impl Crowd {
    /// A place for one more, when the address has fewer than `most`.
    fn enter(&self, ip: IpAddr, most: usize) -> Option<Seat> {
        let mut counts = self.0.lock();
        let count = counts.entry(ip).or_default();
        if *count >= most && !ip.to_canonical().is_loopback() {
            return None;
        }
        *count += 1;
        Some(Seat(self.clone(), ip))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock();
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

async fn converse(speech: Speech, stream: TcpStream, peer: SocketAddr, app: Router, head: Duration) {
    // Answers are written whole, so waiting for more to send only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection would not send at once");
    }
    let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request.map(Body::new), peer));
    let (stream, timer) = (TokioIo::new(stream), TokioTimer::new());
    let served = match speech {
        Speech::Http1 => {
            http1::Builder::new().timer(timer).header_read_timeout(head).serve_connection(stream, service).await
        }
        Speech::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(timer).keep_alive_interval(head).keep_alive_timeout(head).max_concurrent_streams(STREAMS_MAX);
            builder.serve_connection(stream, service).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

async fn answer(app: Router, mut request: Request<Body>, peer: SocketAddr) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    app.oneshot(request).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn start(bounds: Bounds) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string();
        tokio::spawn(serve(listener, Router::new().route("/", get(told)), bounds));
        address
    }

    async fn say(address: SocketAddr, words: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        stream
    }

    async fn heard(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    const WHOLE: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_request_is_answered_and_one_that_never_comes_is_not_waited_for() {
        let address = start(Bounds { head: Duration::from_millis(200), ..Bounds::default() }).await;
        assert!(heard(say(address, WHOLE).await).await.ends_with("127.0.0.1"));
        for never in ["", "GET / HTTP/1.1\r\nhost:", "GET / HTTP/1.1\r\nx: y\r\n"] {
            let told = tokio::time::timeout(Duration::from_secs(20), heard(say(address, never).await)).await;
            assert!(told.is_ok_and(|told| !told.contains("200 OK")), "{never:?} is closed");
        }
    }

    #[test]
    fn one_address_does_not_take_every_place() {
        let (crowd, stranger, here) = (Crowd::default(), IpAddr::from([192, 0, 2, 1]), IpAddr::from([127, 0, 0, 1]));
        let first = crowd.enter(stranger, 2).unwrap();
        let second = crowd.enter(stranger, 2).unwrap();
        assert!(crowd.enter(stranger, 2).is_none());
        assert!(crowd.enter(IpAddr::from([192, 0, 2, 2]), 2).is_some(), "others come in");
        let own: Vec<_> = (0..9).map_while(|_| crowd.enter(here, 2)).collect();
        assert_eq!(own.len(), 9);
        drop(first);
        assert!(crowd.enter(stranger, 2).is_some());
        drop((second, own));
        assert!(crowd.0.lock().is_empty(), "nobody who left is remembered");
    }

    #[tokio::test]
    async fn connections_beyond_the_bound_wait_for_a_place() {
        let address = start(Bounds { connections: 1, head: Duration::from_secs(60), ..Bounds::default() }).await;
        let first = say(address, "GET / HTTP/1.1\r\n").await;
        let second = say(address, WHOLE).await;
        let mut second = tokio::spawn(heard(second));
        let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
        assert!(early.is_err(), "there is no place yet");
        drop(first);
        assert!(second.await.unwrap().ends_with("127.0.0.1"));
    }
}
