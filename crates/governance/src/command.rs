//! What may be asked of this room. Secrets are never in a command: they stay in the store's vault, and commands say that they
//! are there.

use kernel::area::{Ask, Resource};
use kernel::{Actor, Digest, PersonName, Sensitivity, Timestamp};

use crate::event::SessionId;

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a watchbook live. It has been checked; nothing happens when it is the live one already.
    ApplyBook {
        /// The digest over its files.
        digest: Digest,
        /// Its Git commit, when it is a clean checkout.
        commit: Option<String>,
        /// Where it was read.
        source: String,
    },
    /// Note that a watchbook was not good, so that the live one stays. Nothing happens when that was noted last.
    RefuseBook {
        /// The digest over its files.
        digest: Digest,
        /// How many findings there are.
        findings: u32,
        /// Where it was read.
        source: String,
    },
    /// Note that the access policies denied something.
    RecordDenial {
        /// Who asked.
        actor: Actor,
        /// What for.
        action: Box<str>,
        /// Of what.
        resource: String,
        /// Why not.
        reason: String,
    },
    /// Note that somebody read something restricted.
    RecordRead {
        /// Who read.
        actor: Actor,
        /// What.
        resource: String,
    },
    /// Invite a person to set a password. The invitation's secret is in the vault.
    IssueInvite {
        /// Whom; the watchbook names them.
        person: PersonName,
        /// Until when the invitation is good.
        expires: Timestamp,
    },
    /// Note that a person set a password, whose hash is in the vault. Ends all their sessions.
    SetPassword {
        /// Who; only they themselves may.
        person: PersonName,
    },
    /// Note that somebody gave a wrong password for a person.
    RecordPasswordFailure {
        /// For whom.
        person: PersonName,
    },
    /// Open a session for a person who gave the right password.
    OpenSession {
        /// Who; only they themselves may.
        person: PersonName,
        /// Until when it lasts at most.
        expires: Timestamp,
    },
    /// Close one's own session.
    CloseSession {
        /// Which one.
        session: SessionId,
    },
    /// Close all sessions of a person.
    EndSessions {
        /// Whose.
        person: PersonName,
    },
    /// Let a program in. The digest of its token is in the vault.
    IssueToken {
        /// What the token is called.
        name: Box<str>,
        /// What it may do: `AREA:read`, `AREA:write` or a single action.
        scopes: Vec<Box<str>>,
        /// Until when it works.
        expires: Timestamp,
    },
    /// Let a program in no more.
    RevokeToken {
        /// What the token is called.
        name: Box<str>,
    },
    /// Note that a checkpoint of the journal was signed.
    RecordCheckpoint {
        /// How many facts it covers.
        size: u64,
        /// The root over them.
        root: Digest,
    },
    /// Note that the server started.
    RecordStart {
        /// Its version.
        version: String,
    },
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::ApplyBook { .. } => "watchbook:apply",
            Self::RefuseBook { .. } => "watchbook:refuse",
            Self::RecordDenial { .. }
            | Self::RecordRead { .. }
            | Self::RecordPasswordFailure { .. }
            | Self::RecordStart { .. } => "governance:record",
            Self::IssueInvite { .. } => "governance:invite",
            Self::SetPassword { .. } => "governance:password",
            Self::OpenSession { .. } | Self::CloseSession { .. } => "governance:session",
            Self::EndSessions { .. } => "governance:end-sessions",
            Self::IssueToken { .. } => "governance:issue-token",
            Self::RevokeToken { .. } => "governance:revoke-token",
            Self::RecordCheckpoint { .. } => "journal:checkpoint",
        }
    }

    fn resource(&self) -> Resource {
        let (kind, id, sensitivity): (_, &str, _) = match self {
            Self::ApplyBook { .. } | Self::RefuseBook { .. } => ("watchbook", "", Sensitivity::Internal),
            Self::RecordDenial { .. } | Self::RecordRead { .. } => ("access", "", Sensitivity::Confidential),
            Self::IssueInvite { person, .. }
            | Self::SetPassword { person }
            | Self::RecordPasswordFailure { person }
            | Self::OpenSession { person, .. }
            | Self::EndSessions { person } => ("person", person.as_str(), Sensitivity::Confidential),
            Self::CloseSession { session } => ("session", session.as_str(), Sensitivity::Confidential),
            Self::IssueToken { name, .. } | Self::RevokeToken { name } => ("token", name, Sensitivity::Internal),
            Self::RecordCheckpoint { .. } => ("journal", "", Sensitivity::Internal),
            Self::RecordStart { .. } => ("server", "", Sensitivity::Internal),
        };
        Resource { kind, id: id.into(), sensitivity }
    }
}
