//! What can have happened in this room. The forms are frozen: tests hold their bytes. No secret is ever in one.

use std::fmt;

use kernel::area::{EventMeta, Stream};
use kernel::{Actor, Digest, PersonName, Sensitivity, Timestamp};
use serde::{Deserialize, Serialize};

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A watchbook became the live one.
    BookApplied {
        /// The digest over its files.
        digest: Digest,
        /// Its Git commit, when it is a clean checkout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Where it was read.
        source: String,
    },
    /// A watchbook was not good; the live one stayed.
    BookRefused {
        /// The digest over its files.
        digest: Digest,
        /// How many findings there were.
        findings: u32,
        /// Where it was read.
        source: String,
    },
    /// The access policies denied something.
    CommandDenied {
        /// Who asked.
        actor: Actor,
        /// What for.
        action: Box<str>,
        /// Of what.
        resource: String,
        /// Why not.
        reason: String,
        /// How many denials before this one were not recorded, because they repeated others or were too many.
        #[serde(default, skip_serializing_if = "is_zero")]
        unrecorded: u32,
    },
    /// Somebody read something restricted.
    RestrictedRead {
        /// Who read.
        actor: Actor,
        /// What.
        resource: String,
    },
    /// A person was invited to set a password.
    InviteIssued {
        /// Whom.
        person: PersonName,
        /// Until when the invitation is good.
        expires: Timestamp,
    },
    /// A person set a password; all their sessions ended.
    PasswordSet {
        /// Who.
        person: PersonName,
    },
    /// Somebody gave a wrong password for a person.
    PasswordFailed {
        /// For whom.
        person: PersonName,
        /// How many there were in a row.
        failures: u32,
        /// Until when no password is tried for them, when there were too many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        locked_until: Option<Timestamp>,
    },
    /// A person logged in.
    SessionOpened {
        /// Who.
        person: PersonName,
        /// The session, by a name that is no secret.
        session: SessionId,
        /// Until when it lasts at most.
        expires: Timestamp,
    },
    /// A session was closed before its end.
    SessionClosed {
        /// Whose.
        person: PersonName,
        /// Which one.
        session: SessionId,
    },
    /// A program was let in.
    TokenIssued {
        /// What its token is called.
        name: Box<str>,
        /// What it may do.
        scopes: Vec<Box<str>>,
        /// Until when it works.
        expires: Timestamp,
    },
    /// A program is let in no more.
    TokenRevoked {
        /// What its token is called.
        name: Box<str>,
    },
    /// A checkpoint of the journal was signed.
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

/// The name of a session, which is no secret: sixteen hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Box<str>);

impl SessionId {
    /// The name that a command's random number makes.
    pub(crate) fn of(nonce: u128) -> Self {
        Self(format!("{:016x}", nonce & u128::from(u64::MAX)).into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::BookApplied { .. } => "BookApplied",
            Self::BookRefused { .. } => "BookRefused",
            Self::CommandDenied { .. } => "CommandDenied",
            Self::RestrictedRead { .. } => "RestrictedRead",
            Self::InviteIssued { .. } => "InviteIssued",
            Self::PasswordSet { .. } => "PasswordSet",
            Self::PasswordFailed { .. } => "PasswordFailed",
            Self::SessionOpened { .. } => "SessionOpened",
            Self::SessionClosed { .. } => "SessionClosed",
            Self::TokenIssued { .. } => "TokenIssued",
            Self::TokenRevoked { .. } => "TokenRevoked",
            Self::CheckpointSigned { .. } => "CheckpointSigned",
            Self::Started { .. } => "Started",
        }
    }

    fn stream(&self) -> Stream {
        let stream = match self {
            Self::BookApplied { .. } | Self::BookRefused { .. } => "watchbook".to_owned(),
            Self::CommandDenied { actor, .. } | Self::RestrictedRead { actor, .. } => actor.to_string(),
            Self::InviteIssued { person, .. }
            | Self::PasswordSet { person }
            | Self::PasswordFailed { person, .. }
            | Self::SessionOpened { person, .. }
            | Self::SessionClosed { person, .. } => format!("person:{person}"),
            Self::TokenIssued { name, .. } | Self::TokenRevoked { name } => format!("integration:{name}"),
            Self::CheckpointSigned { .. } => "checkpoints".to_owned(),
            Self::Started { .. } => "server".to_owned(),
        };
        Stream(stream.into())
    }

    fn sensitivity(&self) -> Sensitivity {
        match self {
            Self::BookApplied { .. }
            | Self::BookRefused { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::CheckpointSigned { .. }
            | Self::Started { .. } => Sensitivity::Internal,
            Self::CommandDenied { .. }
            | Self::RestrictedRead { .. }
            | Self::InviteIssued { .. }
            | Self::PasswordSet { .. }
            | Self::PasswordFailed { .. }
            | Self::SessionOpened { .. }
            | Self::SessionClosed { .. } => Sensitivity::Confidential,
        }
    }

    /// Checkpoints are many, and found by their size.
    fn indexed(&self) -> bool {
        !matches!(self, Self::CheckpointSigned { .. })
    }
}
