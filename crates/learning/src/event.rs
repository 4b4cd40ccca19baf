//! What can have happened in this room. The forms are frozen: tests hold their bytes; fields added later have defaults.

use jiff::civil::Date;
use kernel::area::{EventMeta, Stream};
use kernel::{PersonName, Sensitivity};
use serde::{Deserialize, Serialize};

use crate::words::{ActionKind, ReviewId, Section, Source};

/// Which review a fact is about, and who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The review.
    pub review: ReviewId,
    /// The sensitivity of its incident.
    #[serde(default, skip_serializing_if = "is_internal")]
    pub sensitivity: Sensitivity,
}

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A review was drafted from the journal.
    ReviewOpened {
        /// Which review.
        #[serde(flatten)]
        about: About,
        /// The incident, without names.
        source: Box<Source>,
        /// The sections as they were drafted.
        sections: Vec<(Section, String)>,
    },
    /// The incident was reopened and is over again: the facts of the review are new, what people wrote stays.
    SourceRenewed {
        /// Which review.
        #[serde(flatten)]
        about: About,
        /// The incident as it is now, without names.
        source: Box<Source>,
        /// The sections that nobody wrote, drafted anew.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sections: Vec<(Section, String)>,
    },
    /// Somebody wrote a section.
    SectionEdited {
        /// Which review.
        #[serde(flatten)]
        about: About,
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
        #[serde(flatten)]
        about: About,
        /// The action's number, counted from one.
        action: u32,
        /// What is to be done.
        title: String,
        /// Who sees to it.
        owner: PersonName,
        /// Until when, the day included.
        due: Date,
        /// What it is meant to do.
        kind: ActionKind,
    },
    /// Something is done.
    ActionCompleted {
        /// Which review.
        #[serde(flatten)]
        about: About,
        /// Which action.
        action: u32,
        /// What shows it.
        evidence: String,
    },
    /// Something is not done after all.
    ActionDropped {
        /// Which review.
        #[serde(flatten)]
        about: About,
        /// Which action.
        action: u32,
        /// Why not.
        why: String,
    },
    /// Everybody may read it.
    ReviewPublished {
        /// Which review.
        #[serde(flatten)]
        about: About,
        /// Which edition, counted from one.
        #[serde(default = "first")]
        edition: u32,
        /// Its text at that moment, as Markdown; what was published stands.
        text: String,
    },
}

impl Event {
    /// Which review it is about, and who may read it.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::ReviewOpened { about, .. }
            | Self::SourceRenewed { about, .. }
            | Self::SectionEdited { about, .. }
            | Self::ActionAdded { about, .. }
            | Self::ActionCompleted { about, .. }
            | Self::ActionDropped { about, .. }
            | Self::ReviewPublished { about, .. } => *about,
        }
    }

    /// The review that it is about.
    #[must_use]
    pub fn review(&self) -> ReviewId {
        self.about().review
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
            Self::ActionDropped { .. } => "ActionDropped",
            Self::ReviewPublished { .. } => "ReviewPublished",
        }
    }

    fn stream(&self) -> Stream {
        Stream(self.review().to_string().into())
    }

    fn sensitivity(&self) -> Sensitivity {
        self.about().sensitivity
    }
}

fn is_internal(sensitivity: &Sensitivity) -> bool {
    *sensitivity == Sensitivity::Internal
}

/// The edition of facts written before editions were counted.
fn first() -> u32 {
    1
}
