//! The Alertmanager API v2, as Prometheus posts to it and `amtool` reads it. Its words stay here: inside, an alert is ours.
//!
//! What differs from Alertmanager 0.25, and why, is in `docs/doors/alertmanager.md`.

mod alerts;
mod config;
mod query;
mod silences;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::Read;
use kernel::Timestamp;
use serde_json::json;

use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(crate) use alerts::source_of;

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v2/alerts", post(alerts::post).get(alerts::list))
        .route("/api/v2/alerts/groups", get(alerts::groups))
        .route("/api/v2/silences", post(silences::post).get(silences::list))
        .route("/api/v2/silence/{id}", get(silences::one).delete(silences::delete))
        .route("/api/v2/status", get(status))
        .route("/api/v2/receivers", get(receivers))
}

/// A problem as Alertmanager tells it: a JSON text.
struct Said(Problem);

impl<T: Into<Problem>> From<T> for Said {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        self.0.with_body(Json(&self.0.message))
    }
}

async fn status(State(state): State<AppState>, Program(actor): Program) -> Result<Json<serde_json::Value>, Said> {
    let started = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.governance.started.as_ref().map_or(Timestamp::UNIX_EPOCH, |(at, _)| *at)
    })?;
    Ok(Json(json!({
        "cluster": { "status": "disabled" },
        "config": { "original": config::written(&state.engine.book()) },
        "uptime": started,
        "versionInfo": {
            "branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "",
            "version": format!("watchkeeper {}", state.config.version),
        },
    })))
}

async fn receivers(
    State(state): State<AppState>,
    Program(actor): Program,
) -> Result<Json<Vec<serde_json::Value>>, Said> {
    Ok(Json(state.engine.read(&actor, Read::of("alerts:read"), |world| config::receivers(&world.book))?))
}
