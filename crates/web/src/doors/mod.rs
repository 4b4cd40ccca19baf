//! The doors in: programs that speak somebody else's words. Each file is one protocol; what they have in common is how a
//! caller is known, how a body is read, and how a refusal is told.

pub mod caller;
pub mod body;
pub mod reply;
pub mod alertmanager;
pub mod pagerduty;
pub mod hook;
pub mod otlp;
pub mod statuspage;

use axum::Router;

use crate::state::AppState;

/// All doors.
pub fn router() -> Router<AppState> {
    Router::new()
        .merge(alertmanager::router())
        .merge(pagerduty::router())
        .merge(hook::router())
        .merge(otlp::router())
        .merge(statuspage::router())
}
