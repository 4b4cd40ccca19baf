//! Windows event logs as files: `POST /v1/evtx?service=NAME` with an EVTX file as the body.

use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::routing::post;
use axum::{Json, Router};
use connectors::evtx;
use engine::Read;
use serde::Deserialize;

use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::lines::Kept;
use crate::doors::otlp::{PUSH, nanos_now, unpacked};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest file as it is sent, in bytes; larger ones are exported in parts.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new().route("/v1/evtx", post(take))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    service: String,
}

async fn take(
    State(state): State<AppState>,
    Query(Asked { service }): Query<Asked>,
    request: Request,
) -> Result<Json<Kept>, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, &state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let bytes = unpacked(&parts.headers, body::read(body, FILE_BYTES_MAX).await?)?;
    let received = nanos_now(&state);
    // Unpacking a file takes seconds, in which others are served.
    let read = tokio::task::spawn_blocking(move || evtx::log_events(bytes.to_vec(), &service, received));
    let (events, summary) = read
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?
        .map_err(|error| Problem::bad(error.to_string()))?;
    let sent = events.len() as u64;
    let refused = (state.sinks.logs)(events).map_err(Problem::unavailable)?;
    let reasons = summary.reasons.into_iter().chain([refused.why]).filter(|reason| !reason.is_empty());
    Ok(Json(Kept {
        kept: sent.saturating_sub(refused.count),
        rejected: summary.skipped + refused.count,
        reason: reasons.collect::<Vec<_>>().join("; "),
    }))
}
