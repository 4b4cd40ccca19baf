//! The present in one answer: what fires, who is paged, who is on call, which incidents are open.

use axum::Json;
use axum::extract::State;
use engine::{Health, Read};
use kernel::{Sensitivity, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::incidents::{self, IncidentBody};
use super::oncall::{self, DutyBody};
use super::pages::{self, PageBody};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_now))
}

/// The present.
#[derive(Debug, Serialize, ToSchema)]
struct NowBody {
    /// The instant.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether commands are taken, and if not, why.
    health: String,
    /// How many alerts fire.
    alerts_firing: usize,
    /// How many of them are muted.
    alerts_muted: usize,
    /// The open pages, the newest first.
    pages: Vec<PageBody>,
    /// The incidents that are not resolved, the worst first.
    incidents: Vec<IncidentBody>,
    /// Who is on duty.
    oncall: Vec<DutyBody>,
    /// The channels that are held back because they failed too often.
    channels_held_back: Vec<String>,
}

/// Say what fires, who is paged, who is on call, and which incidents are open.
#[utoipa::path(get, path = "/now", tag = "now", responses((status = 200, body = NowBody), Problems))]
async fn show_now(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<NowBody>, Problem> {
    let at = state.engine.now();
    let (counts, pages, oncall) = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let pages: Vec<PageBody> = world.alerts.open_pages().map(|page| pages::body(world, page)).collect();
        (world.alerts.counts(), pages, oncall::duties(world, at))
    })?;
    let health = match state.engine.health() {
        Health::Ready => "ready".to_owned(),
        Health::Recovering { reason } => format!("recovering: {reason}"),
        Health::Fenced { reason } => format!("standing by: {reason}"),
    };
    // Whoever may read alerts only still gets an answer, without incidents.
    let reads = state.engine.reach(&actor, "incidents:read").covers("", Sensitivity::Internal);
    let incidents = if reads { incidents::bodies(&state, &actor, |incident| incident.is_open())? } else { Vec::new() };
    let channels_held_back = state.engine.held_back().iter().map(ToString::to_string).collect();
    let (alerts_firing, alerts_muted) = (counts.alerts, counts.muted);
    Ok(Json(NowBody { at, health, alerts_firing, alerts_muted, pages, incidents, oncall, channels_held_back }))
}
