//! One HTTP exchange, bounded in time and size, and what its failures mean. Not who is asked what.

use std::error::Error as _;
use std::time::Duration;

use kernel::delivery::Outcome;
use kernel::{Seconds, Timestamp, time};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use crate::text;

/// How long a connection may take to stand.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an attempt may take altogether.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of an answer is read.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest reason, in bytes; the rest is cut.
pub const REASON_BYTES_MAX: usize = 300;

/// Where an exchange broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The address is not one.
    Address,
    /// The host's name was not found.
    Dns,
    /// Nobody took the connection.
    Connect,
    /// The two sides could not agree on encryption, or the certificate is not trusted.
    Tls,
    /// It took too long.
    Timeout,
    /// What came back was no HTTP, or ended early.
    Protocol,
    /// The status says no.
    Status,
    /// The body is not as it should be.
    Body,
    /// A header of the answer is not as it should be.
    Header,
    /// A place of a JSON body is not as it should be.
    Json,
    /// The answer is right, and late.
    Slow,
    /// The certificate is over, or soon will be.
    Certificate,
    /// The answer on a connection, or the list of answers, is not as it should be.
    Answer,
    /// The other side says itself that it is not well.
    Unhealthy,
    /// Our own system does not let us ask.
    Forbidden,
    /// No beat came in time.
    Overdue,
}

impl Fault {
    /// The fault as one word, for labels and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Body => "body",
            Self::Header => "header",
            Self::Json => "json",
            Self::Slow => "slow",
            Self::Certificate => "certificate",
            Self::Answer => "answer",
            Self::Unhealthy => "unhealthy",
            Self::Forbidden => "forbidden",
            Self::Overdue => "overdue",
        }
    }
}

/// An answer with a status, whatever it is.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    pub(crate) wait: Option<Seconds>,
}

/// A client that follows no redirect: a message goes where the watchbook says, or nowhere.
pub(crate) fn client() -> Result<Client, reqwest::Error> {
    let agent = concat!("watchkeeper/", env!("CARGO_PKG_VERSION"));
    let patient = Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(TOTAL_TIMEOUT);
    patient.pool_idle_timeout(IDLE_TIMEOUT).redirect(redirect::Policy::none()).user_agent(agent).build()
}

/// Sends a request and reads the beginning of the answer.
pub(crate) async fn exchange(request: RequestBuilder, now: Timestamp) -> Result<Answer, Outcome> {
    let response = request.send().await.map_err(|error| broken(&error))?;
    let (status, wait) = (response.status(), retry_after(&response, now));
    let body = beginning(response, ANSWER_BYTES_MAX).await.map_err(|error| broken(&error))?;
    Ok(Answer { status, body, wait })
}

/// The same, and anything but success is an outcome: a later attempt makes sense, or none ever will.
pub(crate) async fn accepted(request: RequestBuilder, now: Timestamp) -> Result<Answer, Outcome> {
    let answer = exchange(request, now).await?;
    if answer.status.is_success() { Ok(answer) } else { Err(answer.outcome()) }
}

impl Answer {
    pub(crate) fn outcome(&self) -> Outcome {
        let status = self.status;
        if status.is_redirection() {
            return refused(format!(
                "status {status}: redirects are not followed; set the channel's url to the new one"
            ));
        }
        let said = text::one_line(&String::from_utf8_lossy(&self.body), REASON_BYTES_MAX);
        let reason = if said.is_empty() { format!("status {status}") } else { format!("status {status}: {said}") };
        let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
        if status.is_client_error() && !passing.contains(&status) {
            return refused(reason);
        }
        Outcome::Failed { reason, wait: self.wait }
    }
}

/// The first bytes of a body. Reading to its end lets the connection be used again.
pub(crate) async fn beginning(mut response: Response, max: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = max - body.len();
        body.extend(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            break;
        }
    }
    Ok(body)
}

/// How long the other side asks us to wait, in seconds or until a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<Seconds> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Seconds(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(time::between(now, until.timestamp()))
}

/// Where an exchange broke, and why, without the address: it may hold a secret.
pub(crate) fn fault(error: &reqwest::Error) -> (Fault, String) {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let last = text::one_line(causes.last().map_or("no cause is known", String::as_str), REASON_BYTES_MAX);
    let fault = kind_of(error, &causes);
    let reason = match fault {
        Fault::Address => format!("the address is not valid: {last}"),
        Fault::Dns => format!("the host's name was not found: {last}"),
        Fault::Connect => format!("no connection: {last}"),
        Fault::Tls => format!("no encrypted connection: {last}"),
        Fault::Timeout => "no answer in time".to_owned(),
        _ => format!("the answer broke off: {last}"),
    };
    (fault, reason)
}

fn kind_of(error: &reqwest::Error, causes: &[String]) -> Fault {
    let says = |words: &[&str]| causes.iter().any(|cause| words.iter().any(|word| cause.contains(word)));
    if error.is_builder() {
        Fault::Address
    } else if says(&["dns error"]) {
        Fault::Dns
    } else if error.is_timeout() {
        Fault::Timeout
    } else if error.is_connect() {
        let tls = says(&["certificate", "tls", "TLS", "handshake", "corrupt message", "InvalidContentType"]);
        if tls { Fault::Tls } else { Fault::Connect }
    } else {
        Fault::Protocol
    }
}

fn broken(error: &reqwest::Error) -> Outcome {
    match fault(error) {
        (Fault::Address, reason) => refused(reason),
        (_, reason) => failed(reason),
    }
}

/// An outcome after which another attempt makes sense.
pub(crate) fn failed(reason: impl Into<String>) -> Outcome {
    Outcome::Failed { reason: reason.into(), wait: None }
}

/// An outcome after which none does.
pub(crate) fn refused(reason: impl Into<String>) -> Outcome {
    Outcome::Refused { reason: reason.into() }
}
