//! Our own health checks: one HTTP GET, judged, with the place where it broke. How many failures matter is the room's.

use std::time::Instant;

use kernel::book::Check;
use reqwest::{Client, redirect};

use crate::http::{self, CONNECT_TIMEOUT, Fault};

/// How much of a body is searched for the text that it must contain.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

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

/// A client for checks: each opens its own connection, because a kept one would hide that no new one can be made.
/// Redirects are not followed: their status is the answer.
///
/// # Errors
/// When the system offers no usable encryption.
pub fn client() -> Result<Client, reqwest::Error> {
    let agent = concat!("watchkeeper-check/", env!("CARGO_PKG_VERSION"));
    let fresh = Client::builder().pool_max_idle_per_host(0).redirect(redirect::Policy::none());
    fresh.connect_timeout(CONNECT_TIMEOUT).user_agent(agent).build()
}

/// Asks once and judges the answer. Takes at most the check's timeout.
pub async fn check(client: &Client, check: &Check) -> CheckResult {
    let start = Instant::now();
    let judged = tokio::time::timeout(check.timeout.std(), judge(client, check)).await;
    let latency_ms = u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX);
    let late = |_| Err((Fault::Timeout, format!("no answer within {}", check.timeout)));
    match judged.unwrap_or_else(late) {
        Ok(()) => CheckResult { healthy: true, fault: None, reason: String::new(), latency_ms },
        Err((fault, reason)) => CheckResult { healthy: false, fault: Some(fault), reason, latency_ms },
    }
}

async fn judge(client: &Client, check: &Check) -> Result<(), (Fault, String)> {
    let response = client.get(&check.url).send().await.map_err(|error| http::fault(&error))?;
    let status = response.status().as_u16();
    let (low, high) = check.status;
    if !(low..=high).contains(&status) {
        return Err((Fault::Status, format!("status {status}, healthy is {low} to {high}")));
    }
    let Some(text) = &check.contains else { return Ok(()) };
    let body = http::beginning(response, BODY_BYTES_MAX).await.map_err(|error| http::fault(&error))?;
    if String::from_utf8_lossy(&body).contains(text) {
        Ok(())
    } else {
        Err((Fault::Body, format!("the body does not contain {text:?}")))
    }
}
