//! *Acknowledge*: the link by which a paged person acknowledges, without logging in. It is signed for one page and one person.
//! Opening it shows what it would do; only the button does it, so a mail scanner that opens links acknowledges nothing.

use alerts::{Command, Page, PageId, Phase};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use engine::Read;
use kernel::{Actor, PersonName};
use serde::Deserialize;

use super::frame::{Screen, Stop, chrome, html, missing, stop};
use super::rows;
use super::view::page::{AckPage, AckState};
use super::view::{Chrome, Tab};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/ack/{page}", get(ask).post(acknowledge))
}

#[derive(Debug, Deserialize)]
struct Link {
    person: PersonName,
    key: String,
}

/// A link as it was followed; mail programs may have cut it.
type Followed = Result<Query<Link>, QueryRejection>;

/// The frame, in whose name the link acts, and the link, when it is whole and its key is the right one.
fn opened(state: &AppState, page: u64, followed: Followed) -> Result<(Chrome, Actor, Link), Stop> {
    let chrome = chrome(state, None, Tab::Other, "Acknowledge", "/");
    if let Ok(Query(link)) = followed
        && state.engine.link_verify(page, &link.person, &link.key)
    {
        return Ok((chrome, Actor::Person(link.person.clone()), link));
    }
    let problem = Problem::of(StatusCode::FORBIDDEN, "this link is not one of ours: log in and open the page there");
    Err(Stop::Problem(Box::new(chrome), problem))
}

async fn ask(State(state): State<AppState>, Path(page): Path<u64>, followed: Followed) -> Screen {
    let (chrome, actor, link) = opened(&state, page, followed)?;
    shown(&state, &actor, chrome, page, link, None)
}

async fn acknowledge(State(state): State<AppState>, Path(page): Path<u64>, followed: Followed) -> Screen {
    let (chrome, actor, link) = opened(&state, page, followed)?;
    let note = "by the link in the message".to_owned();
    let asked = state.engine.ask(&actor, Command::Acknowledge { page: PageId(page), note }).await;
    shown(&state, &actor, chrome, page, link, asked.err().map(|error| error.to_string()))
}

fn shown(
    state: &AppState,
    actor: &Actor,
    chrome: Chrome,
    id: u64,
    link: Link,
    refused: Option<String>,
) -> Result<Response, Stop> {
    let (stopped, gone) = (stop(&chrome), missing(&chrome, format!("There is no page {id} any more")));
    let page = state.engine.read(actor, Read::of("alerts:read"), |world| {
        let page = world.alerts.page(PageId(id))?;
        Some(AckPage {
            id,
            severity: page.severity,
            title: page.title.clone(),
            person: rows::person(&world.book, &link.person),
            key: link.key,
            opened_at: page.opened_at,
            state: standing(&world.book, page, actor, refused),
            chrome,
        })
    });
    let page = page.map_err(stopped)?.ok_or(gone)?;
    // The address holds the key, so it goes nowhere else.
    Ok(([(header::REFERRER_POLICY, "no-referrer")], html(&page)).into_response())
}

/// What the link can still do.
fn standing(book: &kernel::Book, page: &Page, actor: &Actor, refused: Option<String>) -> AckState {
    match &page.phase {
        Phase::Closed { .. } => AckState::Closed,
        Phase::Acknowledged { by, .. } if by == actor => AckState::Mine,
        Phase::Acknowledged { by, at, .. } => AckState::Taken { by: rows::actor(book, by), at: *at },
        Phase::Told | Phase::Exhausted => refused.map_or(AckState::Open, |message| AckState::Refused { message }),
    }
}
