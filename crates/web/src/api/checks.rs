//! Heartbeats: a program says that it is well, so that its silence is noticed.

use axum::Json;
use axum::extract::State;
use kernel::RuleName;
use signals::Command;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::Id;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(beat_check))
}

/// Say that the program whose heartbeat a check awaits is well.
#[utoipa::path(post, path = "/checks/{check}/beat", tag = "signals",
    params(("check" = String, Path)), responses((status = 200, body = Done), Problems))]
async fn beat_check(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(check): Id<RuleName>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Beat { check }).await
}
