//! The doors in: programs that speak somebody else's words. Each file is one protocol; what they have in common is how a
//! caller is known, how a body is read, and how a refusal is told.

pub mod alertmanager;
pub(crate) mod aside;
pub mod body;
pub mod caller;
pub mod evtx;
pub mod hook;
pub mod lines;
pub mod list;
pub mod otlp;
pub mod pagerduty;
pub mod prometheus;
pub(crate) mod query;
pub mod reply;
pub mod statuspage;

use axum::Router;

use crate::metrics::{Part, counted};
use crate::state::AppState;

/// All doors.
pub fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .merge(counted(alertmanager::router(), Part::Alertmanager, state))
        .merge(counted(pagerduty::router(), Part::PagerDuty, state))
        .merge(counted(hook::router(), Part::Hook, state))
        .merge(counted(otlp::router().merge(lines::router()).merge(evtx::router()), Part::Otlp, state))
        .merge(counted(prometheus::router(), Part::Prometheus, state))
        .merge(counted(statuspage::router(), Part::Status, state))
}
