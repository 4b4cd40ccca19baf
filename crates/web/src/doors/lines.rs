//! Logs as JSON lines over HTTP: `POST /v1/lines?service=NAME`, one object or one line of text a line.

use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use connectors::lines;
use engine::Read;
use serde::{Deserialize, Serialize};

use crate::doors::aside::aside;
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::otlp::{PUSH, SENT_BYTES_MAX, nanos_now, unpacked};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new().route("/v1/lines", post(take))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    service: String,
}

/// What became of the log events of a body.
#[derive(Serialize)]
pub(crate) struct Kept {
    /// How many are kept.
    pub(crate) kept: u64,
    /// How many are not.
    pub(crate) rejected: u64,
    /// Why not, in one line; empty when none was rejected.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

async fn take(
    State(state): State<AppState>,
    Query(Asked { service }): Query<Asked>,
    request: Request,
) -> Result<Json<Kept>, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, &state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let sent = body::read(body, SENT_BYTES_MAX).await?;
    aside(&state, move |state| keep(state, &parts.headers, sent, &service)).await
}

fn keep(state: &AppState, headers: &HeaderMap, sent: Bytes, service: &str) -> Result<Json<Kept>, Problem> {
    let lines = lines::read(&unpacked(headers, sent)?, service, nanos_now(state));
    let sent = lines.events.len() as u64;
    let refused = (state.sinks.logs)(lines.events).map_err(Problem::unavailable)?;
    let reasons: Vec<String> = [lines.reason, refused.why].into_iter().filter(|reason| !reason.is_empty()).collect();
    let rejected = lines.rejected + refused.count;
    Ok(Json(Kept { kept: sent.saturating_sub(refused.count), rejected, reason: reasons.join("; ") }))
}
