//! Why this room says no. Each message names the notice, the update or the field, the rule, and a way out.

use kernel::area::{RefusalKind, Refuse};
use kernel::{ComponentName, DeliveryId, IncidentId};

use crate::UPDATES_MAX;
use crate::words::{NoticeId, Stage, UpdateId};

/// A rule said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such notice.
    #[error("{0} is not among the open or lately resolved notices: see the list of notices, or the journal")]
    NoNotice(NoticeId),
    /// There is no such draft.
    #[error("{0} is not an update that is remembered: see the list of updates, or the journal")]
    NoDraft(UpdateId),
    /// It is public already, and what was published does not change.
    #[error("{0} is published, and what was published does not change: draft another update")]
    Published(UpdateId),
    /// It was put away.
    #[error("{0} was discarded: draft another update")]
    Discarded(UpdateId),
    /// The draft was written anew meanwhile.
    #[error("{update} is at revision {now}, you have read {read}: read it again before you publish it")]
    Stale {
        /// Which draft.
        update: UpdateId,
        /// The revision that was read.
        read: u32,
        /// The one there is.
        now: u32,
    },
    /// Watchkeeper does not publish by itself.
    #[error("updates are published by somebody, never by the system: let a person read {0} and publish it")]
    Unattended(UpdateId),
    /// The notice is resolved.
    #[error("{0} is resolved: reopen it first, or write a post-mortem")]
    Resolved(NoticeId),
    /// Nothing is resolved that a post-mortem could be about.
    #[error("a post-mortem tells of a resolved notice: name one, or choose another stage")]
    NothingResolved,
    /// The notice tells of another incident.
    #[error("{0} does not tell of {1}: leave the notice out, or name the incident's own")]
    OtherIncident(NoticeId, IncidentId),
    /// The incident has another notice that takes updates.
    #[error("{0} cannot be reopened while {1} tells of the same incident: draft an update of that one")]
    ToldElsewhere(NoticeId, NoticeId),
    /// The notice has too many updates.
    #[error("{0} has {UPDATES_MAX} updates, which is the most there can be: resolve it, and draft another notice")]
    Full(NoticeId),
    /// The notice is not resolved.
    #[error("{0} is not resolved, so it {1}")]
    NotResolved(NoticeId, &'static str),
    /// A text is empty.
    #[error("{0} is empty: write it in words that customers understand")]
    Empty(&'static str),
    /// A text is too long.
    #[error("{0} has {1} bytes, at most {2} are accepted: shorten it")]
    Long(&'static str, usize, usize),
    /// A list is too long.
    #[error("{0} has {1} entries, at most {2} are accepted: leave some out")]
    TooMany(&'static str, usize, usize),
    /// There are too many of something.
    #[error("there are {1} {0} already, which is the most: finish some first")]
    Many(&'static str, usize),
    /// No such component.
    #[error("the watchbook has no component called {0}: add it there, or leave it out")]
    NoComponent(ComponentName),
    /// A component is named twice.
    #[error("component {0} is named twice: give it one status")]
    Twice(ComponentName),
    /// A resolved notice leaves components hurt.
    #[error("stage {0} leaves component {1} hurt: say operational, or another stage")]
    StillHurt(Stage, ComponentName),
    /// No such delivery.
    #[error("delivery {0} is not outstanding: it was answered, or never asked for")]
    NoDelivery(DeliveryId),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoNotice(_) | Self::NoDraft(_) | Self::NoDelivery(_) => RefusalKind::NotFound,
            Self::Published(_)
            | Self::Discarded(_)
            | Self::Stale { .. }
            | Self::Unattended(_)
            | Self::Resolved(_)
            | Self::ToldElsewhere(..)
            | Self::Full(_)
            | Self::NotResolved(..)
            | Self::Many(..) => RefusalKind::Conflict,
            Self::Empty(_)
            | Self::Long(..)
            | Self::TooMany(..)
            | Self::NothingResolved
            | Self::OtherIncident(..)
            | Self::NoComponent(_)
            | Self::Twice(_)
            | Self::StillHurt(..) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty(field) | Self::Long(field, ..) | Self::TooMany(field, ..) => Some(field),
            Self::NothingResolved => Some("stage"),
            Self::OtherIncident(..) => Some("notice"),
            Self::NoComponent(_) | Self::Twice(_) | Self::StillHurt(..) => Some("components"),
            Self::Stale { .. } => Some("revision"),
            _ => None,
        }
    }
}
