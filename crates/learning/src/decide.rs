//! The rules of learning, one function a command.

use jiff::civil::Date;
use kernel::PersonName;
use kernel::area::{Context, RefusalKind, Refuse};

use crate::command::Command;
use crate::draft::draft;
use crate::event::Event;
use crate::markdown::markdown;
use crate::state::{Review, State};
use crate::words::{ActionKind, ReviewId, Section, Source};
use crate::{ACTIONS_MAX, MOMENTS_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX};

/// Why this room says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such review.
    #[error("there is no review {0}")]
    NoReview(ReviewId),
    /// There is no such action.
    #[error("{0} has no action {1}")]
    NoAction(ReviewId, u32),
    /// It is done already.
    #[error("action {1} of {0} is done already")]
    Done(ReviewId, u32),
    /// Somebody else wrote meanwhile.
    #[error("the section is at revision {now}, you have read {read}: read it again, your text is not lost")]
    Stale {
        /// The revision that was read.
        read: u32,
        /// The one there is.
        now: u32,
    },
    /// Something is missing before it can be published.
    #[error("it cannot be published yet: {0}")]
    Missing(&'static str),
    /// A text is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A text is too long.
    #[error("{0} has at most {1} bytes")]
    Long(&'static str, usize),
    /// There are too many actions.
    #[error("a review has at most {ACTIONS_MAX} actions: fewer are more likely to be done")]
    Many,
    /// No such person.
    #[error("the watchbook has no person called {0}")]
    NoPerson(PersonName),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoReview(_) | Self::NoAction(..) => RefusalKind::NotFound,
            Self::Done(..) | Self::Stale { .. } | Self::Missing(_) | Self::Many => RefusalKind::Conflict,
            Self::Empty(_) | Self::Long(..) | Self::NoPerson(_) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Empty(field) | Self::Long(field, _) => Some(field),
            Self::NoPerson(_) => Some("owner"),
            Self::Stale { .. } => Some("revision"),
            _ => None,
        }
    }
}

type Decided = Result<Vec<Event>, Refusal>;

/// Decides a command.
pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Decided {
    match command {
        Command::Open { source } => Ok(open(state, source)),
        Command::Edit { review, section, text, revision } => edit(found(state, review)?, section, text, revision),
        Command::AddAction { review, title, owner, due, kind } => {
            add_action(found(state, review)?, context, title, owner, due, kind)
        }
        Command::CompleteAction { review, action, evidence } => complete(found(state, review)?, action, &evidence),
        Command::Publish { review } => publish(found(state, review)?),
    }
}

/// An incident has one review; when it is over again, the review's facts are renewed and its words stay.
fn open(state: &State, mut source: Box<Source>) -> Vec<Event> {
    source.timeline.truncate(MOMENTS_MAX);
    match state.of_incident(source.incident) {
        Some(review) if review.source == *source => Vec::new(),
        Some(review) => vec![Event::SourceRenewed { review: review.id, source }],
        None => vec![Event::ReviewOpened { review: state.next_id(), sections: draft(&source), source }],
    }
}

fn edit(review: &Review, section: Section, text: String, read: u32) -> Decided {
    let now = review.revision(section);
    if read != now {
        return Err(Refusal::Stale { read, now });
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(Refusal::Long("text", TEXT_BYTES_MAX));
    }
    if text == review.section(section) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::SectionEdited { review: review.id, section, text, revision: now.saturating_add(1) }])
}

fn add_action(
    review: &Review,
    context: &Context<'_>,
    title: String,
    owner: PersonName,
    due: Date,
    kind: ActionKind,
) -> Decided {
    let title = said("title", &title, TITLE_BYTES_MAX)?;
    if !context.book.people.contains_key(&owner) {
        return Err(Refusal::NoPerson(owner));
    }
    if review.actions.len() >= ACTIONS_MAX {
        return Err(Refusal::Many);
    }
    let action = review.actions.iter().map(|action| action.number).max().unwrap_or(0) + 1;
    Ok(vec![Event::ActionAdded { review: review.id, action, title, owner, due, kind }])
}

fn complete(review: &Review, number: u32, evidence: &str) -> Decided {
    let action = review.actions.iter().find(|action| action.number == number);
    let action = action.ok_or(Refusal::NoAction(review.id, number))?;
    if action.done.is_some() {
        return Err(Refusal::Done(review.id, number));
    }
    let evidence = said("evidence", evidence, TEXT_BYTES_MAX)?;
    Ok(vec![Event::ActionCompleted { review: review.id, action: number, evidence }])
}

fn publish(review: &Review) -> Decided {
    let needed = [
        (Section::Summary, "the summary is empty: say what happened in a few sentences"),
        (Section::Impact, "the impact is empty: say who was hurt, how much and how long"),
        (Section::ContributingFactors, "no contributing factor is named: say what made it possible"),
    ];
    if let Some((_, missing)) = needed.iter().find(|(section, _)| review.section(*section).trim().is_empty()) {
        return Err(Refusal::Missing(missing));
    }
    if review.is_published() && !review.changed {
        return Ok(Vec::new());
    }
    Ok(vec![Event::ReviewPublished { review: review.id, text: markdown(review) }])
}

fn found(state: &State, id: ReviewId) -> Result<&Review, Refusal> {
    state.review(id).ok_or(Refusal::NoReview(id))
}

fn said(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Empty(field));
    }
    if text.len() > limit {
        return Err(Refusal::Long(field, limit));
    }
    Ok(text.to_owned())
}
