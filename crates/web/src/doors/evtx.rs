//! Windows event logs as files: `POST /v1/evtx?service=NAME` with an EVTX file as the body.

use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Query, Request, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use connectors::evtx;
use engine::Read;
use kernel::{LogEvent, Nanos, Seconds};
use serde::Deserialize;

use crate::doors::aside::aside;
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
    let sent = body::read(body, FILE_BYTES_MAX).await?;
    aside(&state, move |state| keep(state, &parts.headers, sent, &service)).await
}

fn keep(state: &AppState, headers: &HeaderMap, sent: Bytes, service: &str) -> Result<Json<Kept>, Problem> {
    let now = nanos_now(state);
    let read = evtx::log_events(unpacked(headers, sent)?.to_vec(), service, now);
    let (mut events, summary) = read.map_err(|error| Problem::bad(error.to_string()))?;
    let age = state.stores.logs.limits().age;
    let old = drop_old(&mut events, now, age);
    let sent = events.len() as u64;
    let refused = (state.sinks.logs)(events).map_err(Problem::unavailable)?;
    let late = (old > 0).then(|| {
        format!(
            "{old} older than the {age} for which log events are kept; what security rules say of them: \
             watchkeeper sigma match RULES FILE.evtx"
        )
    });
    let reasons = summary.reasons.into_iter().chain(late).chain([refused.why]).filter(|reason| !reason.is_empty());
    Ok(Json(Kept {
        kept: sent.saturating_sub(refused.count),
        rejected: summary.skipped + old + refused.count,
        reason: reasons.collect::<Vec<_>>().join("; "),
    }))
}

/// Leaves out what is older than log events are kept, which no search would reach; says how many these were. A file holds
/// months, where other senders are late by minutes.
fn drop_old(events: &mut Vec<LogEvent>, now: Nanos, age: Seconds) -> u64 {
    let (before, first) = (events.len(), now - i64::from(age.0) * 1_000_000_000);
    events.retain(|event| event.at >= first);
    (before - events.len()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_events_are_kept_is_left_out() {
        let now = 1_800_000_000_000_000_000;
        let day = 86_400_000_000_000;
        let at = |at| LogEvent { at, ..LogEvent::default() };
        let mut events = vec![at(now - day - 1), at(now - day), at(now)];
        assert_eq!((drop_old(&mut events, now, Seconds::hours(24)), events.len()), (1, 2));
    }
}
