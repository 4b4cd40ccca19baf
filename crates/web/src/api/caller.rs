//! Who calls the API: a program by its token; a person by the session of their browser; or, where it comes from this machine
//! and the server trusts that, the program `local`.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use governance::token;
use kernel::Actor;

use crate::doors::caller::{self, Program};
use crate::doors::reply::Problem;
use crate::session::Reader;
use crate::state::AppState;

/// The header by which a script of our own pages shows that it is one: it carries the token of the session's forms.
pub const FORM_TOKEN: &str = "x-form-token";

/// Whoever calls.
#[derive(Debug, Clone)]
pub(super) struct Caller(pub Actor);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if !parts.headers.contains_key(AUTHORIZATION)
            && let Some(actor) = person(parts, state).await?
        {
            return Ok(Self(actor));
        }
        let Program(actor) = Program::from_request_parts(parts, state).await?;
        caller::count(state, &actor)?;
        Ok(Self(actor))
    }
}

/// The person whose session a request carries. What changes something must show that it comes from our own pages.
async fn person(parts: &mut Parts, state: &AppState) -> Result<Option<Actor>, Problem> {
    let Reader(session) = Reader::from_request_parts(parts, state).await?;
    let Some(session) = session else { return Ok(None) };
    let given = parts.headers.get(FORM_TOKEN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Digests are compared, so that time tells nothing about how much of a token is right.
    let is_ours = token::digest(given) == token::digest(&session.csrf);
    if parts.method != Method::GET && !is_ours {
        let message = format!("{FORM_TOKEN}: a request with a session must carry the token of the session's forms");
        return Err(Problem::of(StatusCode::FORBIDDEN, message).field(FORM_TOKEN));
    }
    Ok(Some(session.actor()))
}
