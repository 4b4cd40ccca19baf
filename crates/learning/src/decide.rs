//! The rules of this room, one function for each command. Reads the state; changes nothing.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use kernel::area::Context;
use kernel::{PersonName, Seq};

use crate::blameless::Names;
use crate::command::Command;
use crate::draft::draft;
use crate::event::{About, Event};
use crate::markdown::markdown;
use crate::refusal::Refusal;
use crate::state::{Action, Review, State};
use crate::words::{ActionKind, Moment, ReviewId, Section, Source};
use crate::{ACTIONS_MAX, EVIDENCE_BYTES_MAX, MOMENT_BYTES_MAX, MOMENTS_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX};

type Decided = Result<Vec<Event>, Refusal>;

pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Decided {
    match command {
        Command::Open { source } => Ok(open(state, context, source)),
        Command::Edit { review, section, text, revision } => edit(found(state, review)?, section, text, revision),
        Command::AddAction { review, title, owner, due, kind } => {
            add_action(found(state, review)?, context, &title, owner, due, kind)
        }
        Command::CompleteAction { review, action, evidence } => complete(found(state, review)?, action, &evidence),
        Command::DropAction { review, action, why } => drop_action(found(state, review)?, action, &why),
        Command::Publish { review } => publish(found(state, review)?, context),
    }
}

/// Never refused: an incident that is over has one review. When it is over again, the review's facts are renewed and so is
/// what nobody wrote; told again without news, nothing happens.
fn open(state: &State, context: &Context<'_>, mut source: Box<Source>) -> Vec<Event> {
    without_names(&mut source, context);
    let sensitivity = source.sensitivity;
    let mut sections = draft(&source);
    let Some(review) = state.of_incident(source.incident) else {
        let about = About { review: state.next_id(), sensitivity };
        return vec![Event::ReviewOpened { about, source, sections }];
    };
    if review.source == *source {
        return Vec::new();
    }
    sections.retain(|(section, _)| review.revision(*section) == 0);
    let about = About { review: review.id, sensitivity };
    vec![Event::SourceRenewed { about, source, sections }]
}

/// What people wrote during the incident may name them; a review does not.
fn without_names(source: &mut Source, context: &Context<'_>) {
    let names = Names::new(&std::mem::take(&mut source.people), context.book);
    let Source { title, severity_why, impact, timeline, .. } = source;
    for text in [title, severity_why, &mut impact.summary].into_iter().chain(&mut impact.functions) {
        *text = names.hide(text);
    }
    shorten(timeline);
    for moment in timeline {
        moment.text.truncate(moment.text.floor_char_boundary(MOMENT_BYTES_MAX));
        moment.text = names.hide(&moment.text);
    }
}

/// Of a timeline that is too long the beginning and the end stay, and one line says what is missing.
fn shorten(timeline: &mut Vec<Moment>) {
    let Some(over) = timeline.len().checked_sub(MOMENTS_MAX).filter(|over| *over > 0) else { return };
    let (middle, count) = (MOMENTS_MAX / 2, over + 1);
    let mut gone = timeline.drain(middle..middle + count);
    let Some(Moment { seq: Seq(first), at, .. }) = gone.next() else { return };
    drop(gone);
    let text = format!("{count} entries, from fact {first} on, are left to the journal");
    timeline.insert(middle, Moment { seq: Seq(first), at, who: "learning".to_owned(), kind: String::new(), text });
}

fn edit(review: &Review, section: Section, text: String, read: u32) -> Decided {
    let now = review.revision(section);
    if read != now {
        let by = review.sections.get(&section).map(|words| words.written.1.to_string()).unwrap_or_default();
        return Err(Refusal::Stale { section, by: by.into(), read, now });
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(Refusal::Long("text", text.len(), TEXT_BYTES_MAX));
    }
    if text == review.section(section) {
        return Ok(Vec::new());
    }
    Ok(vec![Event::SectionEdited { about: review.about(), section, text, revision: now.saturating_add(1) }])
}

fn add_action(
    review: &Review,
    context: &Context<'_>,
    title: &str,
    owner: PersonName,
    due: Date,
    kind: ActionKind,
) -> Decided {
    let title = said("title", title, TITLE_BYTES_MAX)?;
    if !context.book.people.contains_key(&owner) {
        return Err(Refusal::NoPerson(owner));
    }
    // A day is over when it is over everywhere: twelve hours behind UTC at the latest.
    if due < TimeZone::fixed(Offset::constant(-12)).to_datetime(context.now).date() {
        return Err(Refusal::Past(due));
    }
    if review.actions.len() >= ACTIONS_MAX {
        return Err(Refusal::Many(review.id));
    }
    let newest = review.actions.iter().map(|action| action.number).max().unwrap_or_default();
    Ok(vec![Event::ActionAdded { about: review.about(), action: newest.saturating_add(1), title, owner, due, kind }])
}

fn complete(review: &Review, number: u32, evidence: &str) -> Decided {
    check_open(review, number)?;
    let evidence = said("evidence", evidence, EVIDENCE_BYTES_MAX)?;
    Ok(vec![Event::ActionCompleted { about: review.about(), action: number, evidence }])
}

fn drop_action(review: &Review, number: u32, why: &str) -> Decided {
    check_open(review, number)?;
    let why = said("why", why, EVIDENCE_BYTES_MAX)?;
    Ok(vec![Event::ActionDropped { about: review.about(), action: number, why }])
}

/// What is published stands, so nothing that is needed may be missing. Published again without news, nothing happens.
fn publish(review: &Review, context: &Context<'_>) -> Decided {
    let missing = missing(review, context);
    if !missing.is_empty() {
        return Err(Refusal::Missing { review: review.id, missing });
    }
    if review.is_published() && !review.changed {
        return Ok(Vec::new());
    }
    let (edition, text) = (review.edition.saturating_add(1), markdown(review));
    Ok(vec![Event::ReviewPublished { about: review.about(), edition, text }])
}

/// Everything that keeps a review from being published.
fn missing(review: &Review, context: &Context<'_>) -> Vec<String> {
    let needed = [
        (Section::Summary, "the summary is empty: say what happened in a few sentences"),
        (Section::Impact, "the impact is empty: say who was hurt, how much and how long"),
        (Section::ContributingFactors, "no contributing factor is named: say what made it possible"),
    ];
    let empty = needed.into_iter().filter(|(section, _)| is_empty(review.section(*section)));
    let gone = review.open_actions().filter(|action| !context.book.people.contains_key(&action.owner));
    let orphan = |action: &Action| {
        let Action { number, owner, .. } = action;
        format!("{owner}, who sees to action {number}, left the watchbook: drop it and add another")
    };
    empty.map(|(_, what)| what.to_owned()).chain(gone.map(orphan)).collect()
}

/// Whether a text holds nothing but spaces and marks of a list.
fn is_empty(text: &str) -> bool {
    !text.contains(char::is_alphanumeric)
}

fn found(state: &State, id: ReviewId) -> Result<&Review, Refusal> {
    state.review(id).ok_or(Refusal::NoReview(id))
}

fn check_open(review: &Review, number: u32) -> Result<(), Refusal> {
    let action = review.actions.iter().find(|action| action.number == number);
    match action.ok_or(Refusal::NoAction(review.id, number))? {
        Action { done: Some(_), .. } => Err(Refusal::Ended(review.id, number, "done")),
        Action { dropped: Some(_), .. } => Err(Refusal::Ended(review.id, number, "dropped")),
        _ => Ok(()),
    }
}

fn said(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Empty(field));
    }
    if text.len() > limit { Err(Refusal::Long(field, text.len(), limit)) } else { Ok(text.to_owned()) }
}
