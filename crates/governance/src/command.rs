//! What may be asked of governance.

use kernel::area::{Ask, Resource};
use kernel::{Actor, Digest, PersonName, Sensitivity, Timestamp};

/// A wish to govern. None of them carries a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a watchbook live. Its parts are given to the engine beside this.
    ApplyBook {
        /// The digest over its files.
        digest: Digest,
        /// Its Git commit, when it is clean.
        commit: Option<String>,
        /// Where it came from.
        source: String,
    },
    /// Note that a watchbook was refused; the live one stays.
    RefuseBook {
        /// Where it came from.
        source: String,
        /// How many errors it has.
        errors: u32,
        /// The first of them.
        first: String,
    },
    /// Note that somebody was denied something.
    RecordDenial {
        /// Who.
        actor: Actor,
        /// What they asked.
        action: String,
        /// Of what.
        resource: String,
        /// Why not.
        reason: String,
    },
    /// Note that somebody read something restricted.
    RecordRead {
        /// Who.
        actor: Actor,
        /// What.
        resource: String,
    },
    /// Note that a person has set their password.
    SetPassword {
        /// Who.
        person: PersonName,
    },
    /// Note how a login went.
    NoteLogin {
        /// Who.
        person: PersonName,
        /// Whether they are in.
        succeeded: bool,
    },
    /// Note that a person logged out.
    CloseSession {
        /// Who.
        person: PersonName,
    },
    /// Let a person in by a link.
    IssueInvite {
        /// Who.
        person: PersonName,
        /// Until when the link works.
        expires: Timestamp,
    },
    /// Issue an API token.
    IssueToken {
        /// Its name.
        name: Box<str>,
        /// What it may do.
        scopes: Vec<Box<str>>,
        /// Until when it works.
        expires: Timestamp,
    },
    /// Revoke an API token.
    RevokeToken {
        /// Its name.
        name: Box<str>,
    },
    /// Note that a checkpoint was signed.
    RecordCheckpoint {
        /// How many facts it covers.
        size: u64,
        /// The root over them.
        root: Digest,
    },
    /// Note that the server started.
    Start {
        /// Its version.
        version: String,
    },
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::ApplyBook { .. } | Self::RefuseBook { .. } => "watchbook:apply",
            Self::RecordDenial { .. } | Self::RecordRead { .. } | Self::Start { .. } => "governance:record",
            Self::RecordCheckpoint { .. } => "journal:seal",
            Self::SetPassword { .. } => "governance:password",
            Self::NoteLogin { .. } | Self::CloseSession { .. } => "governance:session",
            Self::IssueInvite { .. } => "governance:invite",
            Self::IssueToken { .. } | Self::RevokeToken { .. } => "governance:token",
        }
    }

    fn resource(&self) -> Resource {
        let (kind, id): (&'static str, &str) = match self {
            Self::ApplyBook { .. } | Self::RefuseBook { .. } => ("watchbook", ""),
            Self::RecordDenial { .. } | Self::RecordRead { .. } | Self::Start { .. } => ("governance", ""),
            Self::RecordCheckpoint { .. } => ("journal", ""),
            Self::SetPassword { person }
            | Self::NoteLogin { person, .. }
            | Self::CloseSession { person }
            | Self::IssueInvite { person, .. } => ("person", person.as_str()),
            Self::IssueToken { name, .. } | Self::RevokeToken { name } => ("token", name),
        };
        Resource { kind, id: id.into(), sensitivity: Sensitivity::Internal }
    }
}
