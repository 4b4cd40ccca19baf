//! The people of the watchbook, and letting them in.

use axum::Json;
use axum::extract::State;
use engine::Read;
use kernel::{PersonName, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::{Id, Input};
use crate::doors::reply::Problem;
use crate::letting_in::{self, INVITE_LASTS};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_people)).routes(routes!(invite_person)).routes(routes!(end_sessions))
}

/// A person of the watchbook. How to reach them is not told.
#[derive(Debug, Serialize, ToSchema)]
struct PersonBody {
    /// Their name.
    person: String,
    /// The name to show.
    title: String,
    /// Where they live, for local times.
    time_zone: Option<String>,
    /// What they may be, such as `responder`.
    roles: Vec<String>,
}

/// List the people.
#[utoipa::path(get, path = "/people", tag = "people", responses((status = 200, body = Vec<PersonBody>), Problems))]
async fn list_people(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<PersonBody>>, Problem> {
    let body = |(name, person): (&PersonName, &kernel::book::Person)| PersonBody {
        person: name.to_string(),
        title: person.title.clone(),
        time_zone: person.time_zone.iana_name().map(str::to_owned),
        roles: person.roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect(),
    };
    let people =
        state.engine.read(&actor, Read::of("watchbook:read"), |world| world.book.people.iter().map(body).collect())?;
    Ok(Json(people))
}

/// How long an invitation is good.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteBody {
    /// Such as `72h`, which is what it is when absent.
    #[schema(value_type = Option<String>)]
    lasts: Option<Seconds>,
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
struct Invited {
    /// The link by which they set a password. It is shown once and kept nowhere.
    url: String,
    /// Until when it is good.
    #[schema(value_type = String, format = DateTime)]
    expires: Timestamp,
}

/// Invite a person to set a password.
#[utoipa::path(post, path = "/people/{person}/invite", tag = "people", params(("person" = String, Path)),
    request_body = InviteBody, responses((status = 200, body = Invited), Problems))]
async fn invite_person(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(person): Id<PersonName>,
    Input(InviteBody { lasts }): Input<InviteBody>,
) -> Result<Json<Invited>, Problem> {
    let lasts = lasts.unwrap_or(INVITE_LASTS);
    let issued = letting_in::invite(&state.engine, &actor, &person, lasts).await?;
    Ok(Json(Invited { url: format!("{}{}", state.config.base_url, issued.text), expires: issued.expires }))
}

/// Log a person out everywhere.
#[utoipa::path(post, path = "/people/{person}/end-sessions", tag = "people", params(("person" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn end_sessions(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(person): Id<PersonName>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, governance::Command::EndSessions { person }).await
}
