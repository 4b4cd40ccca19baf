//! Why this room says no. Each message names the review or the field, the rule, and a way out.

use jiff::civil::Date;
use kernel::PersonName;
use kernel::area::{RefusalKind, Refuse};

use crate::ACTIONS_MAX;
use crate::words::{ReviewId, Section};

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such review in memory.
    #[error("{0} is not among the reviews: see the list of reviews, or the journal")]
    NoReview(ReviewId),
    /// There is no such action.
    #[error("{0} has no action {1}: see its list of actions")]
    NoAction(ReviewId, u32),
    /// It has ended already.
    #[error("action {1} of {0} is {2} already: add another one")]
    Ended(ReviewId, u32, &'static str),
    /// Somebody else wrote meanwhile.
    #[error("{section} was written by {by} and is at revision {now}, you have read {read}: read it again, then write")]
    Stale {
        /// Which section.
        section: Section,
        /// Who wrote it last.
        by: Box<str>,
        /// The revision that was read.
        read: u32,
        /// The one there is.
        now: u32,
    },
    /// Something is missing before it can be published.
    #[error("{review} cannot be published yet: {}; write what is missing, then publish", missing.join("; "))]
    Missing {
        /// Which review.
        review: ReviewId,
        /// All that is missing.
        missing: Vec<String>,
    },
    /// A text is empty.
    #[error("{0} is empty: say it in one line")]
    Empty(&'static str),
    /// A text is too long.
    #[error("{0} has {1} bytes, at most {2} are accepted: shorten it")]
    Long(&'static str, usize, usize),
    /// There are too many actions.
    #[error("{0} has {ACTIONS_MAX} actions, which is the most: fewer are more likely to be done")]
    Many(ReviewId),
    /// No such person.
    #[error("the watchbook has no person called {0}: add them under people, or choose somebody who is there")]
    NoPerson(PersonName),
    /// The day is over everywhere.
    #[error("due {0} is in the past: choose a day to come")]
    Past(Date),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoReview(_) | Self::NoAction(..) => RefusalKind::NotFound,
            Self::Ended(..) | Self::Stale { .. } | Self::Missing { .. } | Self::Many(_) => RefusalKind::Conflict,
            Self::Empty(_) | Self::Long(..) | Self::NoPerson(_) | Self::Past(_) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoReview(_) | Self::Missing { .. } | Self::Many(_) => None,
            Self::NoAction(..) | Self::Ended(..) => Some("action"),
            Self::Stale { .. } => Some("revision"),
            Self::Empty(field) | Self::Long(field, ..) => Some(field),
            Self::NoPerson(_) => Some("owner"),
            Self::Past(_) => Some("due"),
        }
    }
}
