//! The doors out: one attempt to hand one message to one channel. Retries, breakers and fall-backs are the engine's.
//!
//! Every attempt ends in an [`Outcome`]: taken, not now, or never. What it says names the other side's host and its own
//! words, cut short, and never a secret: those are read when they are needed and are taken out of every reason.
//!
//! | kind | module | the receiver drops repeats by |
//! |---|---|---|
//! | e-mail | `email` | `Message-ID`, made from the delivery's id |
//! | webhook | `webhook` | `webhook-id`, the delivery's id |
//! | Matrix | `matrix` | the transaction's id, the delivery's id |
//! | Slack | `slack` | nothing; the delivery's id travels as metadata |
//! | ntfy | `ntfy` | nothing |

mod email;
mod matrix;
mod ntfy;
pub(crate) mod secret;
mod slack;
mod webhook;
mod words;

use std::sync::Arc;

use async_trait::async_trait;
use kernel::book::Channel;
use kernel::port::{Clock, Deliver, Links};
use kernel::{ChannelKind, Delivery, Outcome, Timestamp};
use reqwest::{Client, Url};

use crate::http::{TOTAL_TIMEOUT, failed, refused};
use crate::text;
use secret::Secret;

/// Performs deliveries over all kinds of channel. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    clock: Arc<dyn Clock>,
}

/// Why there are no doors out.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up: {0}")]
pub struct OutboundError(#[from] reqwest::Error);

/// One attempt and all it may use.
struct Job<'a> {
    client: &'a Client,
    now: Timestamp,
    delivery: &'a Delivery,
    channel: &'a Channel,
    links: &'a Links,
    secret: Option<&'a Secret>,
}

/// Who took it and with which receipt; or the outcome that it came to instead.
type Attempted = Result<String, Outcome>;

impl Outbound {
    /// Opens the doors out.
    ///
    /// # Errors
    /// When the system offers no usable encryption.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        Ok(Self { client: crate::http::client()?, clock })
    }

    async fn attempt(&self, delivery: &Delivery, channel: &Channel, links: &Links) -> Outcome {
        let secret = match &channel.secret {
            None => None,
            Some(reference) => match Secret::read(reference).await {
                Ok(secret) => Some(secret),
                Err(reason) => return refused(reason),
            },
        };
        let secret = secret.as_ref();
        let job = Job { client: &self.client, now: self.clock.now(), delivery, channel, links, secret };
        let attempted = match channel.kind {
            ChannelKind::Email => email::send(&job).await,
            ChannelKind::Webhook => webhook::post(&job).await,
            ChannelKind::Ntfy => ntfy::publish(&job).await,
            ChannelKind::Slack => slack::post(&job).await,
            ChannelKind::Matrix => matrix::send(&job).await,
        };
        match attempted {
            Ok(by) => Outcome::Accepted { by: job.hide(&by) },
            Err(outcome) => job.hide_in(outcome),
        }
    }
}

#[async_trait]
impl Deliver for Outbound {
    async fn deliver(&self, delivery: &Delivery, channel: &Channel, links: &Links) -> Outcome {
        let attempt = self.attempt(delivery, channel, links);
        let late = |_| failed(format!("no answer within {} s", TOTAL_TIMEOUT.as_secs()));
        tokio::time::timeout(TOTAL_TIMEOUT, attempt).await.unwrap_or_else(late)
    }
}

impl Job<'_> {
    /// The channel's address.
    fn url(&self) -> Result<Url, Outcome> {
        let url = Url::parse(&self.channel.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.ok_or_else(|| refused("the channel's url is no HTTP address: write https://host/path"))
    }

    /// The channel's address with more segments, each encoded.
    fn url_with(&self, segments: &[&str]) -> Result<Url, Outcome> {
        let mut url = self.url()?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Ok(url)
    }

    /// The recipient on the channel.
    fn recipient(&self, what: &str) -> Result<&str, Outcome> {
        let to = self.delivery.address.to.trim();
        if to.is_empty() { Err(refused(format!("the address names no {what}: add it to the contact"))) } else { Ok(to) }
    }

    /// The credential, where the channel cannot do without.
    fn secret(&self, what: &str) -> Result<&str, Outcome> {
        let secret = self.secret.map(Secret::expose);
        secret.ok_or_else(|| refused(format!("the channel has no {what}: name one by secret in the watchbook")))
    }

    fn hide(&self, reason: &str) -> String {
        let path = Url::parse(&self.channel.url).map_or_else(|_| String::new(), |url| url.path().to_owned());
        let secrets = self.secret.into_iter().flat_map(Secret::parts);
        text::hide(reason, secrets.chain([path.as_str()]))
    }

    fn hide_in(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Failed { reason, wait } => Outcome::Failed { reason: self.hide(&reason), wait },
            Outcome::Refused { reason } => Outcome::Refused { reason: self.hide(&reason) },
            accepted @ Outcome::Accepted { .. } => accepted,
        }
    }
}

/// Who answered, for a receipt.
fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("")
}
