//! Whether the server lives, and whether it takes commands. For load balancers and supervisors; no secrets, no login.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use engine::Health;

use crate::state::AppState;

/// The routes of this module.
pub fn router() -> Router<AppState> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

async fn ready(State(state): State<AppState>) -> (StatusCode, String) {
    match state.engine.health() {
        Health::Ready => {}
        Health::Recovering { reason } => {
            return not_ready(&format!("the journal is not available: {reason}; trying again"));
        }
        Health::Fenced { reason } => return not_ready(&format!("another node writes the journal: {reason}")),
    }
    match state.engine.vault().describe().await {
        Ok(database) => (StatusCode::OK, format!("ready, {database}\n")),
        Err(failure) => not_ready(&failure.to_string()),
    }
}

fn not_ready(reason: &str) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n"))
}
