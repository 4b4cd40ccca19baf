//! Our own health checks: one question, judged, with the place where it broke; and the second look that a failure is given.
//! How many failures matter is the room's.
//!
//! | probe | module | a healthy answer |
//! |---|---|---|
//! | HTTP | `http` | status, body, JSON places, headers, time, certificate |
//! | TCP | `tcp` | the connection stands, and says what is expected |
//! | DNS | `dns` | the record is there, with the answers expected |
//! | TLS | `tls` | the certificate is trusted, has the name, and lasts |
//! | ICMP | `icmp` | the echo comes back |
//! | gRPC | `grpc` | the health service says `SERVING` |
//!
//! A heartbeat is not asked here: it is told, and [`overdue`] says when it was not.

mod dns;
mod grpc;
mod http;
mod icmp;
mod tcp;
mod tls;

use std::net::SocketAddr;
use std::time::Instant;

use kernel::book::probe::Heartbeat;
use kernel::book::{Check, Probe};
use kernel::{Seconds, Timestamp, time};
use reqwest::Client;

use crate::http::{Fault, REASON_BYTES_MAX};
use crate::text;
use tls::Trust;

/// How much of an answer is read and searched.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// The most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// Whether the answer was healthy.
    pub healthy: bool,
    /// Where it broke, when it did.
    pub fault: Option<Fault>,
    /// What was wrong, in one line; empty when healthy.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub latency_ms: u32,
}

/// What a look came to, after its second one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What counts.
    pub result: CheckResult,
    /// The failure that the second look did not confirm.
    pub unconfirmed: Option<Fault>,
}

/// Where an answer broke, and why in one line.
type Broken = (Fault, String);

/// Which way a question takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The addresses of a name in the order of its resolver.
    First,
    /// Beginning with the second of them, where there are several.
    Other,
}

/// A client that opens a new connection for each request and follows no redirect, for whoever asks in the same way.
///
/// # Errors
/// When the system offers no usable encryption.
pub fn client() -> Result<Client, reqwest::Error> {
    http::client(Way::First)
}

/// Asks. Every question opens its own connection, because a kept one would hide that no new one can be made.
#[derive(Clone)]
pub struct Prober {
    first: Client,
    other: Client,
    trust: Trust,
}

impl Prober {
    /// Reads the authorities that the system trusts. Blocks on the file system for a moment.
    ///
    /// # Errors
    /// When the system offers no usable encryption.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { first: http::client(Way::First)?, other: http::client(Way::Other)?, trust: Trust::of_system() })
    }

    /// Asks, and on a failure asks again at once by another way, if the check wants that. Takes at most twice the check's
    /// timeout.
    pub async fn look(&self, check: &Check) -> Looked {
        let result = self.ask(check, Way::First).await;
        let Some(fault) = result.fault.filter(|_| check.second_look) else {
            return Looked { result, unconfirmed: None };
        };
        let second = self.ask(check, Way::Other).await;
        let unconfirmed = second.healthy.then_some(fault);
        Looked { result: second, unconfirmed }
    }

    async fn ask(&self, check: &Check, way: Way) -> CheckResult {
        let start = Instant::now();
        let judged = tokio::time::timeout(check.timeout.std(), self.judge(&check.probe, way)).await;
        let latency_ms = u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX);
        let late = |_| Err((Fault::Timeout, format!("no answer within {}", check.timeout)));
        match judged.unwrap_or_else(late) {
            Ok(()) => CheckResult { healthy: true, fault: None, reason: String::new(), latency_ms },
            Err((fault, reason)) => {
                let reason = text::one_line(&reason, REASON_BYTES_MAX);
                CheckResult { healthy: false, fault: Some(fault), reason, latency_ms }
            }
        }
    }

    async fn judge(&self, probe: &Probe, way: Way) -> Result<(), Broken> {
        match probe {
            Probe::Http(http) => {
                let client = match way {
                    Way::First => &self.first,
                    Way::Other => &self.other,
                };
                http::judge(client, http).await
            }
            Probe::Tcp(tcp) => tcp::judge(tcp, way).await,
            Probe::Dns(dns) => dns::judge(dns).await,
            Probe::Tls(tls) => tls::judge(&self.trust, tls, way).await,
            Probe::Icmp(icmp) => icmp::judge(icmp, way).await,
            Probe::Grpc(grpc) => grpc::judge(&self.trust, grpc, way).await,
            Probe::Heartbeat(_) => Ok(()),
        }
    }
}

/// What a heartbeat without a beat in time is found to be; `None` while it is in time. The last beat, or when waiting
/// for one began, is `since`.
#[must_use]
pub fn overdue(beat: Heartbeat, every: Seconds, since: Timestamp, now: Timestamp) -> Option<CheckResult> {
    let silent = time::between(since, now);
    let allowed = Seconds(every.0.saturating_add(beat.grace.0));
    (silent > allowed).then(|| CheckResult {
        healthy: false,
        fault: Some(Fault::Overdue),
        reason: format!("no beat for {silent}, one is due every {every} and {} late at most", beat.grace),
        latency_ms: 0,
    })
}

/// The addresses of a host in the order of a way, the first [`ADDRESSES_MAX`] of them.
async fn addresses(host: &str, port: u16, way: Way) -> Result<Vec<SocketAddr>, Broken> {
    let wrong = |error: std::io::Error| (Fault::Dns, format!("the host's name was not found: {error}"));
    let found = tokio::net::lookup_host((host, port)).await.map_err(wrong)?;
    let mut found: Vec<SocketAddr> = found.take(ADDRESSES_MAX).collect();
    if found.is_empty() {
        return Err((Fault::Dns, "the host's name has no address".to_owned()));
    }
    turn(&mut found, way);
    Ok(found)
}

fn turn(found: &mut [SocketAddr], way: Way) {
    if way == Way::Other && found.len() > 1 {
        found.rotate_left(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_way_begins_with_another_address() {
        let of = |ports: &[u16], way| {
            let mut all: Vec<SocketAddr> = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
            turn(&mut all, way);
            all.iter().map(SocketAddr::port).collect::<Vec<_>>()
        };
        assert_eq!(of(&[1, 2, 3], Way::First), [1, 2, 3]);
        assert_eq!(of(&[1, 2, 3], Way::Other), [2, 3, 1]);
        assert_eq!((of(&[1], Way::Other), of(&[], Way::Other)), (vec![1], vec![]));
    }

    #[test]
    fn a_heartbeat_is_overdue_after_its_grace() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let found = |now| overdue(Heartbeat { grace: Seconds(10) }, Seconds(60), at(100), at(now));
        assert_eq!((found(90), found(170)), (None, None));
        let late = found(171).unwrap();
        assert_eq!((late.healthy, late.fault), (false, Some(Fault::Overdue)));
        assert_eq!(late.reason, "no beat for 1m11s, one is due every 1m and 10s late at most");
    }
}
