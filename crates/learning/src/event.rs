//! What can have happened in this room. The forms are frozen: tests hold their bytes; fields added later have defaults.

use jiff::civil::Date;
use kernel::area::{EventMeta, Stream};
use kernel::{PersonName, Sensitivity};
use serde::{Deserialize, Serialize};

use crate::words::{ActionKind, ReviewId, Section, Source};

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A review was drafted from the journal.
    ReviewOpened {
        /// Which review.
        review: ReviewId,
        /// The incident.
        source: Box<Source>,
        /// The sections as they were drafted.
        sections: Vec<(Section, String)>,
    },
    /// The incident was reopened and is over again: the facts of the review are new, its words stay.
    SourceRenewed {
        /// Which review.
        review: ReviewId,
        /// The incident as it is now.
        source: Box<Source>,
    },
    /// Somebody wrote a section.
    SectionEdited {
        /// Which review.
        review: ReviewId,
        /// Which section.
        section: Section,
        /// What it says now.
        text: String,
        /// Its revision.
        revision: u32,
    },
    /// Something is to be done.
    ActionAdded {
        /// Which review.
        review: ReviewId,
        /// The action's number, counted from one.
        action: u32,
        /// What is to be done.
        title: String,
        /// Who sees to it.
        owner: PersonName,
        /// Until when.
        due: Date,
        /// What it is meant to do.
        kind: ActionKind,
    },
    /// Something is done.
    ActionCompleted {
        /// Which review.
        review: ReviewId,
        /// Which action.
        action: u32,
        /// What shows it.
        evidence: String,
    },
    /// Everybody may read it.
    ReviewPublished {
        /// Which review.
        review: ReviewId,
        /// Its text at that moment, as Markdown; what was published stands.
        text: String,
    },
}

impl Event {
    /// The review that it is about.
    #[must_use]
    pub fn review(&self) -> ReviewId {
        match self {
            Self::ReviewOpened { review, .. }
            | Self::SourceRenewed { review, .. }
            | Self::SectionEdited { review, .. }
            | Self::ActionAdded { review, .. }
            | Self::ActionCompleted { review, .. }
            | Self::ReviewPublished { review, .. } => *review,
        }
    }
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::ReviewOpened { .. } => "ReviewOpened",
            Self::SourceRenewed { .. } => "SourceRenewed",
            Self::SectionEdited { .. } => "SectionEdited",
            Self::ActionAdded { .. } => "ActionAdded",
            Self::ActionCompleted { .. } => "ActionCompleted",
            Self::ReviewPublished { .. } => "ReviewPublished",
        }
    }

    fn stream(&self) -> Stream {
        Stream(self.review().to_string().into())
    }

    fn sensitivity(&self) -> Sensitivity {
        Sensitivity::Internal
    }
}
