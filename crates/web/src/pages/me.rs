//! One's own page, API tokens and invitations, the keyboard's shortcuts, and which colours somebody prefers.

use alerts::oncall;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use engine::Read;
use kernel::{PersonName, Seconds};

use super::form::{Fields, Form, onward, unprocessed, with_refusal, word};
use super::frame::{Screen, frame, html, missing, refused, stop};
use super::rows;
use super::view::access::{KeysPage, MePage, TokenRow, TokensPage};
use super::view::{Chip, Chrome, Named, Refused, Tab, Tone};
use crate::doors::reply::Problem;
use crate::letting_in::{self, INVITE_LASTS};
use crate::session::{self, Checked, Reader, Session};
use crate::state::AppState;

/// How far ahead shifts are shown.
const AHEAD: Seconds = Seconds(28 * 86_400);

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/me", get(me))
        .route("/me/password", post(password))
        .route("/me/sessions/end", post(end_sessions))
        .route("/keys", get(keys))
        .route("/theme", post(theme))
        .route("/admin/tokens", get(tokens).post(issue))
        .route("/admin/tokens/{name}/revoke", post(revoke))
        .route("/admin/invitations", post(invite))
}

async fn me(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Me, "You", "/me")?;
    me_page(&state, &session, chrome)
}

fn me_page(state: &AppState, session: &Session, chrome: Chrome) -> Screen {
    let (stopped, gone) = (stop(&chrome), missing(&chrome, "The live watchbook does not name you"));
    let name = &session.person;
    let page = state.engine.read(&session.actor(), Read::of("me:read"), |world| {
        let (book, person) = (&world.book, world.book.people.get(name)?);
        let shifts = book.schedules.iter().flat_map(|(own, schedule)| {
            let all = oncall::shifts(schedule, world.alerts.overrides(own), chrome.now, AHEAD.after(chrome.now));
            let mine = all.into_iter().filter(|shift| shift.on_duty.as_ref().is_some_and(|(who, _)| who == name));
            mine.map(|shift| (Named::new(own.as_str(), &schedule.title), shift.from, shift.until)).collect::<Vec<_>>()
        });
        let live = world.governance.session(&session.id, chrome.now);
        Some(MePage {
            title: person.title.clone(),
            roles: person.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect(),
            teams: book
                .teams
                .iter()
                .filter(|(_, team)| team.members.contains(name))
                .map(|(own, team)| Named::new(own.as_str(), &team.title))
                .collect(),
            zone: person.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            contacts: person.contacts.iter().map(ToString::to_string).collect(),
            last_login: live.map(|session| session.opened),
            session_ends: live.map(|session| session.expires),
            shifts: shifts.collect(),
            chrome,
        })
    });
    page.map_err(stopped)?.map(|page| html(&page)).ok_or(gone)
}

async fn password(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/me")?.clone();
    let raw = |field: &str| form.fields.0.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value);
    let checked = match session::check_password(&state, &form.from, &session.person, raw("current")).await {
        Ok(Checked::Right) => session::set_password(&state, &session.person, raw("password")).await,
        Ok(Checked::Wrong) => Err(Problem::bad("this is not your password").field("current")),
        Ok(Checked::Locked(wait)) => Err(Problem::too_often("wrong passwords", wait).field("current")),
        Err(problem) => Err(problem.field("current")),
    };
    match checked {
        // A new password ends all sessions, this one included.
        Ok(()) => Ok((AppendHeaders([(SET_COOKIE, session::forget(&state))]), Redirect::to("/login")).into_response()),
        Err(problem) => {
            let (chrome, session) = frame(&state, Some(&session), Tab::Me, "You", "/me")?;
            let refused = Refused {
                form: "password".into(),
                field: problem.field,
                message: problem.message,
                ..Refused::default()
            };
            unprocessed(me_page(&state, &session, with_refusal(chrome, refused)))
        }
    }
}

async fn end_sessions(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/me")?.clone();
    let (chrome, _) = frame(&state, Some(&session), Tab::Me, "You", "/me")?;
    let command = governance::Command::EndSessions { person: session.person.clone() };
    state.engine.ask(&session.actor(), command).await.map_err(stop(&chrome))?;
    Ok((AppendHeaders([(SET_COOKIE, session::forget(&state))]), Redirect::to("/login")).into_response())
}

async fn keys(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, _) = frame(&state, session.as_ref(), Tab::Other, "Keyboard", "/keys")?;
    Ok(html(&KeysPage { chrome }))
}

/// Switches between light, dark, and as the device says.
async fn theme(form: Form) -> Response {
    let next = match form.fields.get("theme") {
        "light" => "dark",
        "dark" => "auto",
        _ => "light",
    };
    let to = onward(form.fields.get("back"), "/");
    let cookie = format!("{}={next}; Path=/; SameSite=Lax; Max-Age=31536000", session::THEME_COOKIE);
    (AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(to)).into_response()
}

async fn tokens(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Tokens, "Access", "/admin/tokens")?;
    tokens_page(&state, &session, chrome, None, None)
}

fn tokens_page(
    state: &AppState,
    session: &Session,
    chrome: Chrome,
    issued: Option<String>,
    invited: Option<(String, String)>,
) -> Screen {
    let stopped = stop(&chrome);
    let page = state.engine.read(&session.actor(), Read::of("governance:read"), |world| {
        let row = |(name, token): (&str, &governance::Token)| {
            let live = token.is_live(chrome.now);
            let state = match (live, token.revoked) {
                (true, _) => Chip::new(Tone::Ok, "Works"),
                (false, Some(_)) => Chip::new(Tone::Plain, "Revoked"),
                (false, None) => Chip::new(Tone::Plain, "Expired"),
            };
            let scopes = token.scopes.iter().map(ToString::to_string).collect();
            TokenRow { name: name.to_owned(), scopes, state, live, expires: token.expires, issued_at: token.issued }
        };
        let mut tokens: Vec<TokenRow> = world.governance.tokens().map(row).collect();
        tokens.sort_by_key(|row| !row.live);
        let people = world.book.people.keys().map(|name| rows::person(&world.book, name)).collect();
        TokensPage { tokens, issued, invited, people, chrome }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

async fn issue(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/admin/tokens")?.clone();
    let (chrome, session) = frame(&state, Some(&session), Tab::Tokens, "Access", "/admin/tokens")?;
    match new_token(&state, &session, &form.fields).await {
        Ok(text) => tokens_page(&state, &session, chrome, Some(text), None),
        Err(refused) => unprocessed(tokens_page(&state, &session, with_refusal(chrome, *refused), None, None)),
    }
}

async fn new_token(state: &AppState, session: &Session, fields: &Fields) -> Result<String, Box<Refused>> {
    let lasts: Seconds = word("token", fields, "lasts")?;
    let name = fields.get("name");
    let scopes = fields.get("scopes").split_whitespace().map(Into::into).collect();
    let issued = letting_in::issue_token(&state.engine, &session.actor(), name, scopes, lasts).await;
    let issued = issued.map_err(|error| Box::new(refused("token", error, &fields.0)))?;
    state.tokens.forget(name);
    Ok(issued.text)
}

async fn revoke(State(state): State<AppState>, Path(name): Path<String>, form: Form) -> Screen {
    let session = form.session("/admin/tokens")?.clone();
    let (chrome, _) = frame(&state, Some(&session), Tab::Tokens, "Access", "/admin/tokens")?;
    let command = governance::Command::RevokeToken { name: name.as_str().into() };
    state.engine.ask(&session.actor(), command).await.map_err(stop(&chrome))?;
    state.tokens.forget(&name);
    Ok(Redirect::to("/admin/tokens").into_response())
}

async fn invite(State(state): State<AppState>, form: Form) -> Screen {
    let session = form.session("/admin/tokens")?.clone();
    let (chrome, session) = frame(&state, Some(&session), Tab::Tokens, "Access", "/admin/tokens")?;
    match new_invite(&state, &session, &form.fields).await {
        Ok(invited) => tokens_page(&state, &session, chrome, None, Some(invited)),
        Err(refused) => unprocessed(tokens_page(&state, &session, with_refusal(chrome, *refused), None, None)),
    }
}

async fn new_invite(state: &AppState, session: &Session, fields: &Fields) -> Result<(String, String), Box<Refused>> {
    let person: PersonName = word("invitation", fields, "person")?;
    let issued = letting_in::invite(&state.engine, &session.actor(), &person, INVITE_LASTS).await;
    let issued = issued.map_err(|error| Box::new(refused("invitation", error, &fields.0)))?;
    let title = rows::person(&state.engine.book(), &person).title;
    Ok((title, format!("{}{}", state.config.base_url, issued.text)))
}
