//! What the world must be asked to do because of a fact, and what the world answered. Not how: that is a connector's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{ChannelName, PersonName};
use crate::severity::Severity;
use crate::time::{Seconds, Timestamp};

/// The identity of a delivery, stable over retries and restarts: receivers use it to drop repeats.
/// The area that asks makes it unique, such as `page-12-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(pub Box<str>);

/// The kinds of channel that a connector speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// SMTP.
    Email,
    /// A signed HTTP POST (Standard Webhooks).
    Webhook,
    /// Push by an ntfy-compatible server.
    Ntfy,
    /// A Slack message.
    Slack,
    /// A Matrix message.
    Matrix,
}

/// Where a message goes: a configured channel, and whom to reach on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// The configured channel.
    pub channel: ChannelName,
    /// A mail address, a topic, a room, a Slack channel; empty where the channel itself says it all.
    pub to: String,
}

/// What a message says, without any markup; each connector gives it its form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// One line: what happened to what.
    pub title: String,
    /// The details in plain sentences.
    pub body: String,
    /// How urgent it is.
    pub severity: Option<Severity>,
    /// Named details, in order.
    #[serde(default)]
    pub details: Vec<(String, String)>,
    /// The path of the page that shows it, such as `/incidents/42`.
    pub path: String,
    /// What the reader may acknowledge by a signed link, and as whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Acknowledge>,
    /// A machine-readable form for webhook receivers, when the area has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// An offer to acknowledge by a link in the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledge {
    /// The number of the page.
    pub page: u64,
    /// The person who was paged, and in whose name the link acts.
    pub person: PersonName,
}

/// One thing to be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its identity, which is also the idempotency key for the receiver.
    pub id: DeliveryId,
    /// Where it goes.
    pub address: Address,
    /// What it says.
    pub message: Message,
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The other side took it; `by` says who and with which receipt, as far as they told.
    Accepted {
        /// The server and its receipt.
        by: String,
    },
    /// It was not taken now; another attempt makes sense.
    Failed {
        /// Why, in one line.
        reason: String,
        /// How long the other side asked us to wait, when it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Seconds>,
    },
    /// It will never be taken: a wrong address, a refused login, a channel that is not configured.
    Refused {
        /// Why, in one line.
        reason: String,
    },
}

/// One attempt, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from one.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether this was the last attempt that will be made.
    pub last: bool,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to.is_empty() { write!(f, "{}", self.channel) } else { write!(f, "{} to {}", self.channel, self.to) }
    }
}
