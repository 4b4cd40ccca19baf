//! What can have happened in governance. Frozen: a variant is never changed, only joined by another.

use kernel::area::{EventMeta, Stream};
use kernel::{Actor, Digest, PersonName, Sensitivity, Timestamp};
use serde::{Deserialize, Serialize};

/// A fact of governance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A watchbook is live.
    BookApplied {
        /// The digest over its files.
        digest: Digest,
        /// Its Git commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Where it came from.
        source: String,
    },
    /// A watchbook was refused; the one before stays live.
    BookRefused {
        /// Where it came from.
        source: String,
        /// How many errors it has.
        errors: u32,
        /// The first of them.
        first: String,
    },
    /// Somebody was denied something.
    CommandDenied {
        /// Who.
        actor: Actor,
        /// What they asked.
        action: String,
        /// Of what.
        resource: String,
        /// Why not.
        reason: String,
    },
    /// Somebody read something restricted.
    RestrictedRead {
        /// Who.
        actor: Actor,
        /// What.
        resource: String,
    },
    /// A person set their password.
    PasswordSet {
        /// Who.
        person: PersonName,
    },
    /// A person logged in.
    SessionOpened {
        /// Who.
        person: PersonName,
    },
    /// A login failed.
    LoginFailed {
        /// As whom.
        person: PersonName,
    },
    /// A person logged out.
    SessionClosed {
        /// Who.
        person: PersonName,
    },
    /// A person was invited to set a password.
    InviteIssued {
        /// Who.
        person: PersonName,
        /// Until when the link works.
        expires: Timestamp,
    },
    /// An API token was issued.
    TokenIssued {
        /// Its name.
        name: Box<str>,
        /// What it may do.
        scopes: Vec<Box<str>>,
        /// Until when it works.
        expires: Timestamp,
    },
    /// An API token was revoked.
    TokenRevoked {
        /// Its name.
        name: Box<str>,
    },
    /// A checkpoint was signed.
    CheckpointSigned {
        /// How many facts it covers.
        size: u64,
        /// The root over them.
        root: Digest,
    },
    /// The server started.
    Started {
        /// Its version.
        version: String,
    },
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::BookApplied { .. } => "BookApplied",
            Self::BookRefused { .. } => "BookRefused",
            Self::CommandDenied { .. } => "CommandDenied",
            Self::RestrictedRead { .. } => "RestrictedRead",
            Self::PasswordSet { .. } => "PasswordSet",
            Self::SessionOpened { .. } => "SessionOpened",
            Self::LoginFailed { .. } => "LoginFailed",
            Self::SessionClosed { .. } => "SessionClosed",
            Self::InviteIssued { .. } => "InviteIssued",
            Self::TokenIssued { .. } => "TokenIssued",
            Self::TokenRevoked { .. } => "TokenRevoked",
            Self::CheckpointSigned { .. } => "CheckpointSigned",
            Self::Started { .. } => "Started",
        }
    }

    fn stream(&self) -> Stream {
        Stream(match self {
            Self::BookApplied { .. } | Self::BookRefused { .. } => "watchbook".into(),
            Self::CommandDenied { actor, .. } | Self::RestrictedRead { actor, .. } => actor.to_string().into(),
            Self::PasswordSet { person }
            | Self::SessionOpened { person }
            | Self::LoginFailed { person }
            | Self::SessionClosed { person }
            | Self::InviteIssued { person, .. } => format!("person:{person}").into(),
            Self::TokenIssued { name, .. } | Self::TokenRevoked { name } => format!("token:{name}").into(),
            Self::CheckpointSigned { .. } => "journal".into(),
            Self::Started { .. } => "server".into(),
        })
    }

    fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::CommandDenied { .. }
            | Self::RestrictedRead { .. }
            | Self::LoginFailed { .. }
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. } => Sensitivity::Confidential,
            _ => Sensitivity::Internal,
        }
    }
}
