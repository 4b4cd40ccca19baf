//! *Reviews*: the list with open actions, and one review with its sections, timeline and actions.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use engine::{Command, Read, World};
use jiff::civil::Date;
use kernel::time::between;
use kernel::{Book, Timestamp};
use learning::{Action, ActionKind, Command as Asked, Review, ReviewId, Section as Part};
use serde::Deserialize;

use super::form::{Fields, Form, unprocessed, with_refusal, word};
use super::frame::{Screen, Stop, frame, html, missing, refused, stop};
use super::room::days;
use super::rows;
use super::view::incident::Moment;
use super::view::review::{ActionRow, ReviewPage, ReviewRow, ReviewsPage, Section};
use super::view::{Chip, Chrome, Named, Refused, Tab, Tone, words};
use crate::session::{Reader, Session};
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/reviews", get(list))
        .route("/reviews/{id}", get(review))
        .route("/reviews/{id}/markdown", get(markdown))
        .route("/reviews/{id}/{act}", post(act))
        .route("/reviews/{id}/actions/{action}/complete", post(complete))
        .route("/reviews/{id}/actions/{action}/drop", post(drop_action))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Reviews, "Reviews", "/reviews")?;
    let stopped = stop(&chrome);
    let actor = session.actor();
    let reach = state.engine.reach(&actor, "learning:read");
    let page = state.engine.read(&actor, Read::of("learning:read"), |world| {
        let shown = |review: &&Review| reach.shows(&review.id.to_string(), review.sensitivity);
        let reviews: Vec<&Review> = world.learning.reviews().filter(shown).collect();
        let open = |review: &Review| {
            review
                .open_actions()
                .map(|action| action_row(&world.book, review.id, action, chrome.now))
                .collect::<Vec<_>>()
        };
        let mut actions: Vec<ActionRow> = reviews.iter().copied().flat_map(open).collect();
        actions.sort_by(|a, b| a.due.cmp(&b.due));
        ReviewsPage { reviews: reviews.into_iter().map(row).collect(), actions, chrome }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

fn row(review: &Review) -> ReviewRow {
    let state = match (review.is_published(), review.changed) {
        (false, _) => Chip::new(Tone::Warn, "Draft"),
        (true, false) => Chip::new(Tone::Ok, "Published"),
        (true, true) => Chip::new(Tone::Info, "Published, changed since"),
    };
    let wanted = review.actions.iter().filter(|action| action.dropped.is_none());
    let done = wanted.clone().filter(|action| action.done.is_some()).count();
    ReviewRow {
        id: review.id.0,
        incident: review.source.incident.0,
        title: review.source.title.clone(),
        severity: review.source.severity,
        state,
        opened_at: review.opened_at,
        actions: (done, wanted.count()),
    }
}

fn action_row(book: &Book, review: ReviewId, action: &Action, now: Timestamp) -> ActionRow {
    ActionRow {
        id: action.number,
        review: review.0,
        title: action.title.clone(),
        kind: action.kind.as_str().to_owned(),
        owner: rows::person(book, &action.owner),
        due: action.due.to_string(),
        late: action.is_overdue(jiff::tz::TimeZone::UTC.to_datetime(now).date()),
        dropped: action.dropped.as_ref().map(|(_, why)| why.clone()),
        evidence: action.done.as_ref().map(|(_, evidence)| evidence.clone()),
    }
}

#[derive(Debug, Deserialize)]
struct How {
    /// Whether a published review is to be edited.
    edit: Option<u8>,
}

async fn review(
    State(state): State<AppState>,
    Reader(session): Reader,
    Path(id): Path<u32>,
    Query(how): Query<How>,
) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Reviews, "Review", &format!("/reviews/{id}"))?;
    page(&state, &session, chrome, ReviewId(id), how.edit.is_some())
}

fn page(state: &AppState, session: &Session, chrome: Chrome, id: ReviewId, edit: bool) -> Screen {
    let what = asked(state, session, &chrome, id)?;
    let (stopped, gone) = (stop(&chrome), missing(&chrome, format!("There is no review {id}")));
    let page =
        state.engine.read(&session.actor(), what, |world| Some(view(world, chrome, world.learning.review(id)?, edit)));
    page.map_err(stopped)?.map(|page| html(&page)).ok_or(gone)
}

/// What is to be permitted to somebody who reads a review: it is as sensitive as its incident.
fn asked(state: &AppState, session: &Session, chrome: &Chrome, id: ReviewId) -> Result<Read, Stop> {
    let gone = || missing(chrome, format!("There is no review {id}"));
    let all = Read::of("learning:read");
    let known = state.engine.read(&session.actor(), all, |world| world.learning.sensitivity_of(id));
    let sensitivity = known.map_err(stop(chrome))?.ok_or_else(gone)?;
    Ok(Read::one("learning:read", &id.to_string(), sensitivity))
}

fn view(world: &World, chrome: Chrome, review: &Review, edit: bool) -> ReviewPage {
    let (book, source) = (&world.book, &review.source);
    let moment = |moment: &learning::Moment| Moment {
        seq: moment.seq.0,
        at: moment.at,
        day: None,
        by: moment.who.clone(),
        human: false,
        text: moment.text.clone(),
        icon: "note",
        tone: Tone::Plain,
    };
    let mut timeline: Vec<Moment> = source.timeline.iter().map(moment).collect();
    days(&chrome, &mut timeline);
    let section = |part: &Part| Section {
        name: Named::new(part.as_str(), part.title()),
        revision: review.revision(*part),
        hint: hint(*part),
        text: review.section(*part).to_owned(),
    };
    let need = |part: Part, what: &str| (what.to_owned(), !review.section(part).trim().is_empty());
    ReviewPage {
        row: row(review),
        why: format!("{} because {}", source.severity, source.severity_why),
        draft: edit || !review.is_published(),
        published_at: review.published.as_ref().map(|(at, ..)| *at),
        times: times(review),
        services: source.services.iter().map(|name| rows::service(book, name)).collect(),
        sections: Part::ALL.iter().map(section).collect(),
        timeline,
        actions: review.actions.iter().map(|action| action_row(book, review.id, action, chrome.now)).collect(),
        needs: vec![
            need(Part::Summary, "A summary: what happened, in a few sentences"),
            need(Part::Impact, "The impact: who was hurt, how much and how long"),
            need(Part::ContributingFactors, "At least one contributing factor"),
        ],
        people: book.people.keys().map(|name| rows::person(book, name)).collect(),
        kinds: ActionKind::ALL.iter().map(|kind| Named::new(kind.as_str(), kind.as_str())).collect(),
        chrome,
    }
}

/// The times that count, each after the declaration.
fn times(review: &Review) -> Vec<(String, String)> {
    let source = &review.source;
    let after = |at: Option<Timestamp>| {
        at.map_or_else(|| "not said".to_owned(), |at| words::span(between(source.declared_at, at).0.into()))
    };
    let noticed = source.detected_at.map(|at| words::span(between(at, source.declared_at).0.into()));
    vec![
        ("Noticed before declared".to_owned(), noticed.unwrap_or_else(|| "by people".to_owned())),
        ("Responded after".to_owned(), after(source.acknowledged_at)),
        ("Mitigated after".to_owned(), after(source.mitigated_at)),
        ("Resolved after".to_owned(), after(Some(source.resolved_at))),
    ]
}

/// What to write in a section.
fn hint(part: Part) -> &'static str {
    match part {
        Part::Summary => "What happened, in a few sentences that somebody from another team understands",
        Part::Impact => "Who was hurt, how many, how much, how long",
        Part::Detection => "How it was noticed, and what could have noticed it sooner",
        Part::Response => "What was tried, what helped, what was in the way",
        Part::ContributingFactors => {
            "What made it possible and what made it worse. Things and conditions, never people"
        }
        Part::WhatWentWell => "What helped, by design or by luck",
        Part::OpenQuestions => "What is not known yet",
    }
}

async fn markdown(State(state): State<AppState>, Reader(session): Reader, Path(id): Path<u32>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Reviews, "Review", &format!("/reviews/{id}"))?;
    let what = asked(&state, &session, &chrome, ReviewId(id))?;
    let read =
        state.engine.read(&session.actor(), what, |world| world.learning.review(ReviewId(id)).map(learning::markdown));
    let text = read.map_err(stop(&chrome))?.ok_or_else(|| missing(&chrome, format!("There is no review {id}")))?;
    let name = format!("attachment; filename=\"review-{id}.md\"");
    let headers =
        [(header::CONTENT_TYPE, "text/markdown; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, text).into_response())
}

/// What a form asks, and the name under which its refusal is shown; `None` when there is no such form.
fn command(review: ReviewId, act: &str, fields: &Fields) -> Option<(String, Result<Asked, Box<Refused>>)> {
    match act {
        "publish" => Some((act.to_owned(), Ok(Asked::Publish { review }))),
        "sections" => {
            let form = fields.get("section").to_owned();
            let edit = || {
                let (section, revision) = (word(&form, fields, "section")?, word(&form, fields, "revision")?);
                Ok(Asked::Edit { review, section, text: fields.get("text").to_owned(), revision })
            };
            let edited = edit();
            Some((form, edited))
        }
        "actions" => {
            let add = || {
                let (owner, due): (_, Date) = (word("action", fields, "owner")?, word("action", fields, "due")?);
                let kind = word("action", fields, "kind")?;
                Ok(Asked::AddAction { review, title: fields.get("title").to_owned(), owner, due, kind })
            };
            Some(("action".to_owned(), add()))
        }
        _ => None,
    }
}

async fn act(State(state): State<AppState>, Path((id, act)): Path<(u32, String)>, form: Form) -> Screen {
    let session = form.session(&format!("/reviews/{id}"))?.clone();
    match command(ReviewId(id), &act, &form.fields) {
        Some((name, asked)) => answer(&state, &session, id, &name, asked, &form.fields).await,
        None => {
            let (chrome, _) = frame(&state, Some(&session), Tab::Reviews, "Review", &format!("/reviews/{id}"))?;
            Err(missing(&chrome, format!("Nothing called {act:?} can be done to a review")))
        }
    }
}

async fn complete(State(state): State<AppState>, Path((id, action)): Path<(u32, u32)>, form: Form) -> Screen {
    let session = form.session(&format!("/reviews/{id}"))?.clone();
    let evidence = form.fields.get("evidence").to_owned();
    let asked = Ok(Asked::CompleteAction { review: ReviewId(id), action, evidence });
    answer(&state, &session, id, "complete", asked, &form.fields).await
}

async fn drop_action(State(state): State<AppState>, Path((id, action)): Path<(u32, u32)>, form: Form) -> Screen {
    let session = form.session(&format!("/reviews/{id}"))?.clone();
    let why = form.fields.get("why").to_owned();
    let asked = Ok(Asked::DropAction { review: ReviewId(id), action, why });
    answer(&state, &session, id, "drop", asked, &form.fields).await
}

async fn answer(
    state: &AppState,
    session: &Session,
    id: u32,
    form: &str,
    asked: Result<Asked, Box<Refused>>,
    fields: &Fields,
) -> Screen {
    let answer = match asked {
        Ok(command) => {
            let asked = state.engine.ask(&session.actor(), Command::from(command)).await;
            asked.map_err(|error| Box::new(refused(form, error, &fields.0)))
        }
        Err(refused) => Err(refused),
    };
    let path = format!("/reviews/{id}");
    let section: Option<Part> = form.parse().ok();
    let Err(refused) = answer else {
        // Somebody who saves one section goes on with the next, where they were.
        let to = section.map_or(path.clone(), |section| format!("{path}?edit=1#section-{section}"));
        return Ok(Redirect::to(&to).into_response());
    };
    let (chrome, session) = frame(state, Some(session), Tab::Reviews, "Review", &path)?;
    unprocessed(page(state, &session, with_refusal(chrome, *refused), ReviewId(id), section.is_some()))
}
