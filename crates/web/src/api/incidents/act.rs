//! What is done to an incident: roles, notes, severity, impact, and the way to its end.

use axum::Json;
use axum::extract::State;
use incidents::{Command, IncidentRole};
use kernel::{IncidentId, PersonName, Severity};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ImpactBody;
use crate::api::caller::Caller;
use crate::api::fact::{Done, Problems, ask};
use crate::api::input::{Id, Input, worded};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(assign_role))
        .routes(routes!(unassign_role))
        .routes(routes!(hand_over_role))
        .routes(routes!(add_note))
        .routes(routes!(change_severity))
        .routes(routes!(state_impact))
        .routes(routes!(mitigate_incident))
        .routes(routes!(resolve_incident))
        .routes(routes!(reopen_incident))
}

/// A role and a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleBody {
    /// commander, deputy, scribe, subject_matter_expert, communications_lead or liaison.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    role: IncidentRole,
    /// Who.
    #[schema(value_type = String)]
    person: PersonName,
}

/// A role that goes from one person to another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandOverBody {
    /// Which role.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    role: IncidentRole,
    /// Who takes it.
    #[schema(value_type = String)]
    to: PersonName,
    /// Where things stand.
    summary: String,
}

/// What somebody writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TextBody {
    /// What happened or was found.
    text: String,
}

/// How bad it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SeverityBody {
    /// P1 (worst) to P5.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    severity: Severity,
    /// Why.
    why: String,
}

/// What is hurt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatedBody {
    /// As far as it is known now.
    impact: ImpactBody,
}

/// By what means.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HowBody {
    /// By what.
    how: String,
}

/// For what reason.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct WhyBody {
    /// Why.
    pub why: String,
}

/// Give a role to a person; whoever held it hands it over.
#[utoipa::path(post, path = "/incidents/{incident}/assign", tag = "incidents", params(("incident" = String, Path)),
    request_body = RoleBody, responses((status = 200, body = Done), Problems))]
async fn assign_role(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(RoleBody { role, person }): Input<RoleBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Assign { incident, role, person }).await
}

/// Take a person out of a role. Command is handed over, never dropped.
#[utoipa::path(post, path = "/incidents/{incident}/unassign", tag = "incidents", params(("incident" = String, Path)),
    request_body = RoleBody, responses((status = 200, body = Done), Problems))]
async fn unassign_role(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(RoleBody { role, person }): Input<RoleBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Unassign { incident, role, person }).await
}

/// Hand a role over, with what the next person must know.
#[utoipa::path(post, path = "/incidents/{incident}/handover", tag = "incidents", params(("incident" = String, Path)),
    request_body = HandOverBody, responses((status = 200, body = Done), Problems))]
async fn hand_over_role(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(HandOverBody { role, to, summary }): Input<HandOverBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::HandOver { incident, role, to, summary }).await
}

/// Write into the timeline.
#[utoipa::path(post, path = "/incidents/{incident}/note", tag = "incidents", params(("incident" = String, Path)),
    request_body = TextBody, responses((status = 200, body = Done), Problems))]
async fn add_note(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(TextBody { text }): Input<TextBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Note { incident, text }).await
}

/// Say that it is worse or less bad than was thought.
#[utoipa::path(post, path = "/incidents/{incident}/severity", tag = "incidents", params(("incident" = String, Path)),
    request_body = SeverityBody, responses((status = 200, body = Done), Problems))]
async fn change_severity(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(SeverityBody { severity, why }): Input<SeverityBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::ChangeSeverity { incident, severity, why }).await
}

/// Say what is hurt.
#[utoipa::path(post, path = "/incidents/{incident}/impact", tag = "incidents", params(("incident" = String, Path)),
    request_body = StatedBody, responses((status = 200, body = Done), Problems))]
async fn state_impact(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(StatedBody { impact }): Input<StatedBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::StateImpact { incident, impact: impact.into() }).await
}

/// Say that users no longer notice it.
#[utoipa::path(post, path = "/incidents/{incident}/mitigate", tag = "incidents", params(("incident" = String, Path)),
    request_body = HowBody, responses((status = 200, body = Done), Problems))]
async fn mitigate_incident(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(HowBody { how }): Input<HowBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Mitigate { incident, how }).await
}

/// Say that it is over.
#[utoipa::path(post, path = "/incidents/{incident}/resolve", tag = "incidents", params(("incident" = String, Path)),
    request_body = HowBody, responses((status = 200, body = Done), Problems))]
async fn resolve_incident(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(HowBody { how }): Input<HowBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Resolve { incident, how }).await
}

/// Say that it was not over.
#[utoipa::path(post, path = "/incidents/{incident}/reopen", tag = "incidents", params(("incident" = String, Path)),
    request_body = WhyBody, responses((status = 200, body = Done), Problems))]
async fn reopen_incident(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(incident): Id<IncidentId>,
    Input(WhyBody { why }): Input<WhyBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Reopen { incident, why }).await
}
