//! Why this room says no.

use kernel::ComponentName;
use kernel::area::{RefusalKind, Refuse};

use crate::words::{NoticeId, Stage, UpdateId};

/// A rule said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such notice.
    #[error("there is no notice {0}")]
    NoNotice(NoticeId),
    /// There is no such draft.
    #[error("there is no draft {0}")]
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
    #[error("an update is published by a person or a program that was let in, never by Watchkeeper itself")]
    Unattended,
    /// The notice is resolved.
    #[error("{0} is resolved: reopen it first, or write a post-mortem")]
    Resolved(NoticeId),
    /// The notice is not resolved.
    #[error("{0} is not resolved, so it {1}")]
    NotResolved(NoticeId, &'static str),
    /// A text is empty.
    #[error("{0} is empty: write it in words that customers understand")]
    Empty(&'static str),
    /// A text is too long.
    #[error("{0} has at most {1} bytes")]
    Long(&'static str, usize),
    /// There are too many of something.
    #[error("there are {1} {0} already, which is the most: publish or discard some")]
    Many(&'static str, usize),
    /// No such component.
    #[error("the watchbook has no component called {0}: see status.yaml")]
    NoComponent(ComponentName),
    /// A component is named twice.
    #[error("component {0} is named twice")]
    Twice(ComponentName),
    /// A resolved notice leaves components hurt.
    #[error("stage {0} leaves component {1} hurt: say operational, or another stage")]
    StillHurt(Stage, ComponentName),
    /// No such delivery.
    #[error("no update asked for delivery {0}")]
    NoDelivery(String),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoNotice(_) | Self::NoDraft(_) | Self::NoDelivery(_) => RefusalKind::NotFound,
            Self::Published(_)
            | Self::Discarded(_)
            | Self::Stale { .. }
            | Self::Unattended
            | Self::Resolved(_)
            | Self::NotResolved(..)
            | Self::Many(..) => RefusalKind::Conflict,
            Self::Empty(_) | Self::Long(..) | Self::NoComponent(_) | Self::Twice(_) | Self::StillHurt(..) => {
                RefusalKind::Invalid
            }
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty(field) | Self::Long(field, _) => Some(field),
            Self::NoComponent(_) | Self::Twice(_) | Self::StillHurt(..) => Some("components"),
            Self::Stale { .. } => Some("revision"),
            _ => None,
        }
    }
}
