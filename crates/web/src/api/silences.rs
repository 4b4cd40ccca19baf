//! Silences: mute what meets all matchers, for a while.

use alerts::{Command, Silence, SilenceId, SilenceStatus};
use axum::Json;
use axum::extract::State;
use engine::{Event, Read};
use kernel::{Matcher, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Made, Problems, ask, made};
use super::input::{Id, Input, missing};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_silences, create_silence))
        .routes(routes!(show_silence))
        .routes(routes!(expire_silence))
}

/// A silence.
#[derive(Debug, Serialize, ToSchema)]
struct SilenceBody {
    /// Its id.
    id: String,
    /// `pending`, `active` or `expired`.
    state: &'static str,
    /// The conditions, all of which must hold.
    matchers: Vec<String>,
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// Why.
    comment: String,
    /// Who says so.
    created_by: String,
}

fn body(silence: &Silence, now: Timestamp) -> SilenceBody {
    SilenceBody {
        id: silence.id.to_string(),
        state: match silence.status(now) {
            SilenceStatus::Pending => "pending",
            SilenceStatus::Active => "active",
            SilenceStatus::Expired => "expired",
        },
        matchers: silence.matchers.iter().map(ToString::to_string).collect(),
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        comment: silence.comment.clone(),
        created_by: silence.created_by.clone(),
    }
}

/// List silences, those that are over included.
#[utoipa::path(get, path = "/silences", tag = "silences",
    responses((status = 200, body = Vec<SilenceBody>), Problems))]
async fn list_silences(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<Vec<SilenceBody>>, Problem> {
    let now = state.engine.now();
    let silences: Vec<Silence> =
        state.engine.read(&actor, Read::of("alerts:read"), |world| world.alerts.silences().cloned().collect())?;
    Ok(Json(silences.iter().map(|silence| body(silence, now)).collect()))
}

/// A silence that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSilence {
    /// Conditions such as `service="checkout"`; at least one must not accept an absent label.
    #[schema(value_type = Vec<String>)]
    matchers: Vec<Matcher>,
    /// When it begins; now, when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// When it ends. Give this or `lasts`.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// For how long, such as `2h`.
    #[schema(value_type = Option<String>)]
    lasts: Option<Seconds>,
    /// Why.
    comment: String,
    /// The silence that this one takes the place of.
    replaces: Option<String>,
}

/// A silence that was written.
#[derive(Debug, Serialize, ToSchema)]
struct Silenced {
    /// Its id.
    id: Option<String>,
    /// The facts that it made.
    facts: Vec<Made>,
}

/// Mute what meets all matchers.
#[utoipa::path(post, path = "/silences", tag = "silences", request_body = NewSilence,
    responses((status = 200, body = Silenced), Problems))]
async fn create_silence(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(new): Input<NewSilence>,
) -> Result<Json<Silenced>, Problem> {
    let starts_at = new.starts_at.unwrap_or_else(|| state.engine.now());
    let ends_at = new.ends_at.or_else(|| new.lasts.map(|lasts| lasts.after(starts_at)));
    let needed = || Problem::bad("ends_at: say when it ends, or how long it lasts").field("ends_at");
    let command = Command::CreateSilence {
        matchers: new.matchers,
        starts_at,
        ends_at: ends_at.ok_or_else(needed)?,
        created_by: String::new(),
        comment: new.comment,
        replaces: new.replaces.map(|id| SilenceId(id.into())),
    };
    let facts = state.engine.ask(&actor, command).await?;
    let id = facts.iter().find_map(|fact| match &fact.event {
        Event::Alerts(alerts::Event::SilenceCreated { id, .. }) => Some(id.to_string()),
        _ => None,
    });
    Ok(Json(Silenced { id, facts: made(&facts) }))
}

/// Show a silence.
#[utoipa::path(get, path = "/silences/{id}", tag = "silences", params(("id" = String, Path)),
    responses((status = 200, body = SilenceBody), Problems))]
async fn show_silence(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<String>,
) -> Result<Json<SilenceBody>, Problem> {
    let (id, now) = (SilenceId(id.into()), state.engine.now());
    let shown =
        state.engine.read(&actor, Read::of("alerts:read"), |world| world.alerts.silence(&id).map(|s| body(s, now)))?;
    shown.map(Json).ok_or_else(|| missing(format!("silence {id}")))
}

/// End a silence now.
#[utoipa::path(post, path = "/silences/{id}/expire", tag = "silences", params(("id" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn expire_silence(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<String>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::ExpireSilence { id: SilenceId(id.into()) }).await
}
