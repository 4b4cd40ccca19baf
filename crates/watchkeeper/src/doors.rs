//! The listeners beside the main one: OTLP on its own ports, and syslog.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clap::Args;
use connectors::syslog;
use kernel::LogEvent;
use parking_lot::Mutex;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use web::AppState;
use web::doors::otlp;
use web::doors::reply::Problem;
use web::listen::{Speech, serve_as};
use web::standby::Front;

use crate::descriptors;
use crate::failure::Failure;

/// Where OTLP over gRPC is expected.
const OTLP_GRPC: &str = "127.0.0.1:4317";
/// Where OTLP over HTTP is expected.
const OTLP_HTTP: &str = "127.0.0.1:4318";
/// The largest UDP datagram.
const DATAGRAM_BYTES: usize = 65_536;
/// The most TCP connections that send syslog at once.
const SYSLOG_CONNECTIONS_MAX: usize = 1000;
/// How long a TCP connection may say nothing.
const SYSLOG_IDLE: Duration = Duration::from_secs(15 * 60);
/// How many messages wait to be kept; a sender by TCP then waits, one by UDP loses the datagram.
const WAITING_MAX: usize = 10_000;
/// How often lost datagrams are said.
const LOST_SAID_EVERY: Duration = Duration::from_secs(1);
/// The most messages that are kept in one piece.
const KEPT_AT_ONCE: usize = 1000;

/// The listeners beside the main one.
#[derive(Debug, Args)]
pub struct Doors {
    /// Where OTLP over gRPC comes in; `off` closes it. 127.0.0.1:4317 when not given and free.
    #[arg(long, env = "WATCHKEEPER_OTLP_GRPC", value_name = "ADDRESS")]
    otlp_grpc: Option<Place>,
    /// Where OTLP over HTTP comes in besides the main address; `off` closes it. 127.0.0.1:4318 when not given and free.
    #[arg(long, env = "WATCHKEEPER_OTLP_HTTP", value_name = "ADDRESS")]
    otlp_http: Option<Place>,
    /// Where syslog (RFC 5424 and 3164) comes in by TCP and by UDP. Whoever reaches it may send: bind it to a network that
    /// you trust.
    #[arg(long, env = "WATCHKEEPER_SYSLOG", value_name = "ADDRESS")]
    syslog: Option<SocketAddr>,
}

/// An address, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Off,
    At(SocketAddr),
}

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| "write an address such as 127.0.0.1:4317, or off".to_owned())
    }
}

/// Listeners that stand. Those for OTLP are served all the time, by whatever a front shows; syslog has no way to say "not
/// now", so its port is open while this node leads and closed while it stands by.
pub struct Open {
    grpc: Option<Front>,
    http: Option<Front>,
    syslog: Option<SocketAddr>,
    /// The first sockets for syslog, opened early so that a wrong address is known at the start.
    first: Mutex<Option<(TcpListener, UdpSocket)>>,
}

impl Doors {
    /// Opens the listeners.
    ///
    /// # Errors
    /// When an address that was asked for cannot be listened on. One that is only usual is left alone when it is taken.
    pub async fn open(&self) -> Result<Open, Failure> {
        let first = match self.syslog {
            Some(at) => Some(both(at).await.map_err(|error| refused(at, &error, "--syslog"))?),
            None => None,
        };
        let syslog = first.as_ref().and_then(|(tcp, _)| tcp.local_addr().ok());
        let grpc = listen(self.otlp_grpc, OTLP_GRPC, "--otlp-grpc").await?;
        let http = listen(self.otlp_http, OTLP_HTTP, "--otlp-http").await?;
        let grpc = grpc.map(|listener| fronted(Speech::Http2, listener, "OTLP over gRPC"));
        let http = http.map(|listener| fronted(Speech::Http1, listener, "OTLP over HTTP"));
        Ok(Open { grpc, http, syslog, first: Mutex::new(first) })
    }
}

/// Serves a listener by a front, which shows nothing at first.
fn fronted(speech: Speech, listener: TcpListener, what: &str) -> Front {
    let front = Front::of(Router::new().fallback(async || Problem::unavailable("this node is starting")));
    told(listener.local_addr(), what);
    tokio::spawn(serve_as(speech, listener, front.app(), descriptors::bounds()));
    front
}

fn told(at: std::io::Result<SocketAddr>, what: &str) {
    let at = at.map_or_else(|_| String::new(), |at| at.to_string());
    tracing::info!("{what} is taken at {at}");
}

async fn listen(asked: Option<Place>, usual: &str, flag: &str) -> Result<Option<TcpListener>, Failure> {
    match asked {
        Some(Place::Off) => Ok(None),
        Some(Place::At(at)) => TcpListener::bind(at).await.map(Some).map_err(|error| refused(at, &error, flag)),
        None => match TcpListener::bind(usual).await {
            Ok(listener) => Ok(Some(listener)),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                tracing::info!("{usual} is taken: choose another address with {flag}, or `off`");
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%error, "cannot listen on {usual}");
                Ok(None)
            }
        },
    }
}

/// One port, by TCP and by UDP.
async fn both(at: SocketAddr) -> std::io::Result<(TcpListener, UdpSocket)> {
    let tcp = TcpListener::bind(at).await?;
    let udp = UdpSocket::bind(tcp.local_addr()?).await?;
    Ok((tcp, udp))
}

fn refused(at: SocketAddr, error: &std::io::Error, flag: &str) -> Failure {
    Failure::new(format!("cannot listen on {at}: {error}")).hint(format!("choose another address with {flag}"))
}

impl Open {
    /// Lets all listeners answer as a node does that stands by.
    pub fn show(&self, standby: &Router) {
        self.first.lock().take();
        for front in self.grpc.iter().chain(&self.http) {
            front.show(standby.clone());
        }
    }

    /// Serves the listeners for a node that leads. What must end with that is spawned into `tasks`.
    pub fn serve(&self, state: &AppState, tasks: &mut JoinSet<()>) {
        if let Some(front) = &self.grpc {
            front.show(otlp::grpc::app(state.clone()));
        }
        if let Some(front) = &self.http {
            front.show(otlp::app(state));
        }
        if let Some(at) = self.syslog {
            tasks.spawn(take_syslog(at, self.first.lock().take(), state.clone()));
        }
    }
}

/// Takes syslog until the engine stops.
async fn take_syslog(at: SocketAddr, first: Option<(TcpListener, UdpSocket)>, state: AppState) {
    let sockets = match first {
        Some(sockets) => Ok(sockets),
        None => both(at).await,
    };
    let (tcp, udp) = match sockets {
        Ok(sockets) => sockets,
        Err(error) => return tracing::error!(%error, "syslog cannot be taken at {at}"),
    };
    told(tcp.local_addr(), "syslog");
    let (sender, waiting) = mpsc::channel(WAITING_MAX);
    tokio::select! {
        () = by_udp(udp, sender.clone(), state.clone()) => {}
        () = by_tcp(tcp, sender, state.clone()) => {}
        () = keep(waiting, state.clone()) => {}
        () = state.engine.stopped() => {}
    }
}

async fn by_udp(socket: UdpSocket, sender: mpsc::Sender<LogEvent>, state: AppState) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let mut lost = Lost::default();
    let mut ticks = tokio::time::interval(LOST_SAID_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            _ = ticks.tick(), if lost.count > 0 => {
                lost.say();
                continue;
            }
        };
        match received {
            Ok((length, peer)) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                let event = syslog::read(bytes, &peer.ip().to_string(), otlp::nanos_now(&state));
                if sender.try_send(event).is_err() {
                    lost.note(peer);
                }
            }
            Err(error) => tracing::debug!(%error, "a syslog datagram could not be taken"),
        }
    }
}

/// Datagrams that were lost since this was last said, and who sent the last of them.
#[derive(Debug, Default)]
struct Lost {
    count: u64,
    peer: Option<SocketAddr>,
}

impl Lost {
    fn note(&mut self, peer: SocketAddr) {
        self.count = self.count.saturating_add(1);
        self.peer = Some(peer);
    }

    /// Says it in the log in one line, and begins anew.
    fn say(&mut self) {
        let Self { count, peer } = std::mem::take(self);
        let peer = peer.map_or_else(String::new, |peer| peer.to_string());
        tracing::warn!(count, peer, "syslog datagrams are lost: too many wait to be kept");
    }
}

async fn by_tcp(listener: TcpListener, sender: mpsc::Sender<LogEvent>, state: AppState) {
    let places = Arc::new(Semaphore::new(SYSLOG_CONNECTIONS_MAX));
    loop {
        // Nobody closes the semaphore.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (sender, state) = (sender.clone(), state.clone());
                tokio::spawn(async move {
                    hear(stream, peer, &sender, &state).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a syslog connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn hear(mut stream: TcpStream, peer: SocketAddr, sender: &mpsc::Sender<LogEvent>, state: &AppState) {
    let host = peer.ip().to_string();
    let mut sent = syslog::Stream::default();
    while let Ok(Ok(length)) = tokio::time::timeout(SYSLOG_IDLE, stream.read_buf(sent.buffer())).await {
        while let Some(message) = sent.next_message() {
            if sender.send(syslog::read(&message, &host, otlp::nanos_now(state))).await.is_err() {
                return;
            }
        }
        if length == 0 {
            break;
        }
    }
    if let Some(message) = sent.last_message() {
        let _ = sender.send(syslog::read(&message, &host, otlp::nanos_now(state))).await;
    }
}

async fn keep(mut waiting: mpsc::Receiver<LogEvent>, state: AppState) {
    let mut events = Vec::new();
    while waiting.recv_many(&mut events, KEPT_AT_ONCE).await > 0 {
        let (sink, batch) = (Arc::clone(&state.sinks.logs), std::mem::take(&mut events));
        // Masking and the disk take their time, in which others are served.
        let kept = tokio::task::spawn_blocking(move || sink(batch)).await;
        match kept.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(refused) if refused.count > 0 => tracing::warn!(why = refused.why, "syslog messages were refused"),
            Ok(_) => {}
            Err(failure) => tracing::error!(%failure, "syslog messages are lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_datagrams_are_counted_until_they_are_told() {
        let mut lost = Lost::default();
        let peers = ["192.0.2.1:514", "192.0.2.2:514"].map(|peer| peer.parse::<SocketAddr>().ok());
        peers.into_iter().flatten().for_each(|peer| lost.note(peer));
        assert_eq!((lost.count, lost.peer), (2, peers[1]));
        lost.say();
        assert_eq!((lost.count, lost.peer), (0, None));
    }
}
