//! On call: who is on duty, who will be, and who takes a shift.

use alerts::oncall::{self, By};
use alerts::{Command, OverrideId};
use axum::Json;
use axum::extract::State;
use engine::{Event, Read, World};
use kernel::{PersonName, ScheduleName, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Made, Problems, ask, made};
use super::input::{Asked, Id, Input, missing, word};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How far ahead shifts are listed when nobody says how far.
const AHEAD: Seconds = Seconds::hours(14 * 24);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_oncall))
        .routes(routes!(list_shifts))
        .routes(routes!(list_overrides, override_shift))
        .routes(routes!(cancel_override))
}

/// Who is on duty for a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DutyBody {
    /// The schedule.
    schedule: String,
    /// What people call it.
    title: String,
    /// Who is on duty; absent for nobody.
    person: Option<String>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// `rotation`, or `override`.
    by: Option<&'static str>,
}

fn by(by: By) -> &'static str {
    match by {
        By::Rotation { .. } => "rotation",
        By::Override { .. } => "override",
    }
}

/// Who is on duty for each schedule.
pub(super) fn duties(world: &World, at: Timestamp) -> Vec<DutyBody> {
    let duty = |(name, schedule): (&ScheduleName, &kernel::book::Schedule)| {
        let duty = oncall::on_call(schedule, world.alerts.overrides(name), at);
        DutyBody {
            schedule: name.to_string(),
            title: schedule.title.clone(),
            person: duty.as_ref().map(|duty| duty.person.to_string()),
            since: duty.as_ref().map(|duty| duty.since),
            until: duty.as_ref().map(|duty| duty.until),
            by: duty.as_ref().map(|duty| by(duty.by)),
        }
    };
    world.book.schedules.iter().map(duty).collect()
}

/// Say who is on call now.
#[utoipa::path(get, path = "/oncall", tag = "on call", responses((status = 200, body = Vec<DutyBody>), Problems))]
async fn list_oncall(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<DutyBody>>, Problem> {
    let now = state.engine.now();
    Ok(Json(state.engine.read(&actor, Read::of("alerts:read"), |world| duties(world, now))?))
}

/// A stretch of time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Stretch {
    /// From when; now, when absent.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Until when; two weeks after `from`, when absent.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// A shift, or a gap.
#[derive(Debug, Serialize, ToSchema)]
struct ShiftBody {
    /// Who; absent for a gap.
    person: Option<String>,
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// When it ends, exclusive.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// `rotation`, or `override`.
    by: Option<&'static str>,
}

/// List the shifts of a schedule, gaps included.
#[utoipa::path(get, path = "/oncall/{schedule}/shifts", tag = "on call", params(("schedule" = String, Path), Stretch),
    responses((status = 200, body = Vec<ShiftBody>), Problems))]
async fn list_shifts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(name): Id<ScheduleName>,
    Asked(stretch): Asked<Stretch>,
) -> Result<Json<Vec<ShiftBody>>, Problem> {
    let from = stretch.from.unwrap_or_else(|| state.engine.now());
    let until = stretch.until.unwrap_or_else(|| AHEAD.after(from));
    let shifts = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let schedule = world.book.schedules.get(&name)?;
        Some(oncall::shifts(schedule, world.alerts.overrides(&name), from, until))
    })?;
    let shown = |shift: oncall::Shift| {
        let (person, by) = shift.on_duty.map(|(person, why)| (person.to_string(), by(why))).unzip();
        ShiftBody { person, from: shift.from, until: shift.until, by }
    };
    let shifts = shifts.ok_or_else(|| missing(format!("schedule {name}")))?;
    Ok(Json(shifts.into_iter().map(shown).collect()))
}

/// Somebody takes a shift.
#[derive(Debug, Serialize, ToSchema)]
struct OverrideBody {
    /// Its id.
    id: String,
    /// Who is on duty instead.
    person: String,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Who said so.
    actor: String,
}

/// List the overrides of a schedule.
#[utoipa::path(get, path = "/oncall/{schedule}/overrides", tag = "on call", params(("schedule" = String, Path)),
    responses((status = 200, body = Vec<OverrideBody>), Problems))]
async fn list_overrides(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(name): Id<ScheduleName>,
) -> Result<Json<Vec<OverrideBody>>, Problem> {
    let shown = |one: &alerts::Override| OverrideBody {
        id: one.id.to_string(),
        person: one.person.to_string(),
        from: one.from,
        until: one.until,
        actor: one.actor.to_string(),
    };
    let all = state
        .engine
        .read(&actor, Read::of("alerts:read"), |world| world.alerts.overrides(&name).iter().map(shown).collect())?;
    Ok(Json(all))
}

/// An override that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOverride {
    /// Who is on duty instead.
    #[schema(value_type = String)]
    person: PersonName,
    /// From when; now, when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// An override that was written.
#[derive(Debug, Serialize, ToSchema)]
struct Overridden {
    /// Its id.
    id: Option<String>,
    /// The facts that it made.
    facts: Vec<Made>,
}

/// Take a shift of a schedule.
#[utoipa::path(post, path = "/oncall/{schedule}/overrides", tag = "on call", params(("schedule" = String, Path)),
    request_body = NewOverride, responses((status = 200, body = Overridden), Problems))]
async fn override_shift(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(schedule): Id<ScheduleName>,
    Input(new): Input<NewOverride>,
) -> Result<Json<Overridden>, Problem> {
    let from = new.from.unwrap_or_else(|| state.engine.now());
    let command = Command::OverrideShift { schedule, person: new.person, from, until: new.until };
    let facts = state.engine.ask(&actor, command).await?;
    let id = facts.iter().find_map(|fact| match &fact.event {
        Event::Alerts(alerts::Event::ShiftOverridden { id, .. }) => Some(id.to_string()),
        _ => None,
    });
    Ok(Json(Overridden { id, facts: made(&facts) }))
}

/// Take an override back.
#[utoipa::path(post, path = "/overrides/{id}/cancel", tag = "on call", params(("id" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn cancel_override(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<String>,
) -> Result<Json<Done>, Problem> {
    let number: u32 = word("id", id.strip_prefix("override-").unwrap_or(&id))?;
    ask(&state, &actor, Command::CancelOverride { id: OverrideId(number) }).await
}
