//! The doors for people: log in, accept an invitation, log out.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use kernel::PersonName;
use serde::Deserialize;

use super::form::{Form, onward, unprocessed, with_refusal};
use super::frame::{Screen, Stop, chrome, html};
use super::rows;
use super::view::access::{InvitePage, LoginPage};
use super::view::{Chrome, Refused, Tab};
use crate::doors::reply::Problem;
use crate::letting_in;
use crate::session::{self, Checked, Reader};
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/login", get(login_form).post(login))
        .route("/logout", post(logout))
        .route("/invite/{token}", get(invite_form).post(accept))
}

#[derive(Debug, Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn login_form(State(state): State<AppState>, Reader(session): Reader, Query(next): Query<Next>) -> Response {
    if session.is_some() {
        return Redirect::to(onward(&next.next, "/")).into_response();
    }
    let chrome = chrome(&state, None, Tab::Other, "Log in", "/login");
    html(&LoginPage { chrome, next: next.next })
}

async fn login(State(state): State<AppState>, form: Form) -> Screen {
    let (name, next) = (form.fields.get("person").to_lowercase(), form.fields.get("next").to_owned());
    let password = form.fields.0.iter().find(|(name, _)| name == "password").map_or("", |(_, value)| value);
    let problem = match PersonName::new(&name) {
        Ok(person) => match session::check_password(&state, &form.from, &person, password).await {
            Ok(Checked::Right) => return enter(&state, &person, onward(&next, "/")).await,
            // Only somebody who exists can be locked, so a lock is not told apart here.
            Ok(Checked::Wrong | Checked::Locked(_)) => wrong_login(),
            Err(problem) => problem,
        },
        Err(_) => wrong_login(),
    };
    let typed = [("person".to_owned(), name)].into_iter().collect();
    let message = problem.message.clone();
    let refused = Refused { form: "login".into(), field: Some("password".into()), message, typed };
    let chrome = with_refusal(chrome(&state, None, Tab::Other, "Log in", "/login"), refused);
    Ok(problem.with_body(html(&LoginPage { chrome, next })))
}

fn wrong_login() -> Problem {
    let (free, longest) = (governance::PASSWORD_FAILURES_FREE, governance::LOCK_MAX);
    let message = format!(
        "this name and this password do not belong together, or there were too many wrong ones: after {free}, wait up to {longest}"
    );
    Problem::of(StatusCode::FORBIDDEN, message)
}

/// Opens a session and goes on.
async fn enter(state: &AppState, person: &PersonName, next: &str) -> Screen {
    let frame = chrome(state, None, Tab::Other, "Log in", "/login");
    let cookie = session::open(state, person).await.map_err(|problem| Stop::Problem(Box::new(frame), problem))?;
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(next)).into_response())
}

async fn logout(State(state): State<AppState>, form: Form) -> Response {
    if let Some(session) = &form.session {
        let command = governance::Command::CloseSession { session: session.id.clone() };
        // A session that is closed already is what was asked for.
        let _ = state.engine.ask(&session.actor(), command).await;
    }
    (AppendHeaders([(SET_COOKIE, session::forget(&state))]), Redirect::to("/login")).into_response()
}

async fn peek(state: &AppState, token: &str) -> Option<PersonName> {
    letting_in::invited(&state.engine, token).await.ok().flatten()
}

fn invite_page(state: &AppState, chrome: Chrome, person: Option<&PersonName>, token: &str) -> Response {
    let book = state.engine.book();
    let person = person.map(|name| rows::person(&book, name));
    html(&InvitePage { chrome, person, action: format!("/invite/{token}") })
}

async fn invite_form(State(state): State<AppState>, Path(token): Path<String>) -> Response {
    let person = peek(&state, &token).await;
    let chrome = chrome(&state, None, Tab::Other, "Invitation", "/login");
    invite_page(&state, chrome, person.as_ref(), &token)
}

async fn accept(State(state): State<AppState>, Path(token): Path<String>, form: Form) -> Screen {
    let frame = chrome(&state, None, Tab::Other, "Invitation", "/login");
    let Some(person) = peek(&state, &token).await else {
        return Ok(invite_page(&state, frame, None, &token));
    };
    let password = form.fields.0.iter().find(|(name, _)| name == "password").map_or("", |(_, value)| value);
    let again = form.fields.0.iter().find(|(name, _)| name == "again").map_or("", |(_, value)| value);
    let checked = if password == again {
        governance::password::check(password).map_err(|error| ("password", error.to_string()))
    } else {
        Err(("again", "this is not the same as above".to_owned()))
    };
    if let Err((field, message)) = checked {
        let refused = Refused { form: "invite".into(), field: Some(field.into()), message, ..Refused::default() };
        return unprocessed(Ok(invite_page(&state, with_refusal(frame, refused), Some(&person), &token)));
    }
    // Taken out only now, and at most once, whoever asks at the same time.
    let said = |problem: Problem| Stop::Problem(Box::new(frame.clone()), problem);
    let accepted = letting_in::accept(&state.engine, &token).await.map_err(|error| said(error.into()))?;
    let Some(person) = accepted else {
        return Ok(invite_page(&state, frame, None, &token));
    };
    session::set_password(&state, &person, password).await.map_err(said)?;
    enter(&state, &person, "/").await
}
