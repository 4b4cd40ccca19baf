//! What may be asked of this room. Not what comes of it: see `decide`.

use jiff::civil::Date;
use kernel::area::{Ask, Resource};
use kernel::{PersonName, Sensitivity};

use crate::words::{ActionKind, ReviewId, Section, Source};

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An incident is over: draft its review, or draft it again when the incident had been reopened.
    Open {
        /// The incident.
        source: Box<Source>,
    },
    /// Write a section.
    Edit {
        /// Which review.
        review: ReviewId,
        /// Which section.
        section: Section,
        /// What it says now.
        text: String,
        /// The section's revision that the writer has read.
        revision: u32,
    },
    /// Ask for something to be done.
    AddAction {
        /// Which review.
        review: ReviewId,
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
    CompleteAction {
        /// Which review.
        review: ReviewId,
        /// Which action, counted from one.
        action: u32,
        /// What shows that it is done.
        evidence: String,
    },
    /// Something is not done after all.
    DropAction {
        /// Which review.
        review: ReviewId,
        /// Which action, counted from one.
        action: u32,
        /// Why not.
        why: String,
    },
    /// Let everybody read it.
    Publish {
        /// Which review.
        review: ReviewId,
    },
}

impl Command {
    /// The review it acts on, where it names one. An access decision takes that review's sensitivity:
    /// [`crate::State::sensitivity_of`].
    #[must_use]
    pub fn review(&self) -> Option<ReviewId> {
        match self {
            Self::Open { .. } => None,
            Self::Edit { review, .. }
            | Self::AddAction { review, .. }
            | Self::CompleteAction { review, .. }
            | Self::DropAction { review, .. }
            | Self::Publish { review } => Some(*review),
        }
    }
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::Open { .. } => "learning:open",
            Self::Edit { .. } => "learning:edit",
            Self::AddAction { .. } => "learning:add_action",
            Self::CompleteAction { .. } => "learning:complete_action",
            Self::DropAction { .. } => "learning:drop_action",
            Self::Publish { .. } => "learning:publish",
        }
    }

    fn resource(&self) -> Resource {
        let id = match self {
            Self::Open { source } => source.incident.to_string(),
            _ => self.review().map(|review| review.to_string()).unwrap_or_default(),
        };
        let sensitivity = match self {
            Self::Open { source } => source.sensitivity,
            _ => Sensitivity::Internal,
        };
        Resource { kind: "review", id: id.into(), sensitivity }
    }
}
