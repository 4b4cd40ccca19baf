//! Pages: one run of an escalation policy for a group of alerts, with the ledger of what was asked of whom.

use alerts::{Command, Page, PageId, Phase, Request, Status};
use axum::Json;
use axum::extract::State;
use engine::{Read, World};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::alerts::NoteBody;
use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::{Asked, Id, Input, missing};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_pages)).routes(routes!(show_page)).routes(routes!(acknowledge_page))
}

/// A page in one line.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PageBody {
    /// Its number.
    page: u64,
    /// `paging`, `acknowledged`, `exhausted` (the policy has come to its end) or `closed`.
    state: &'static str,
    /// How bad it is, P1 to P5.
    severity: &'static str,
    /// Why it is that bad.
    why: String,
    /// One line for people.
    title: String,
    /// The service that the worst alert names.
    service: Option<String>,
    /// The policy that it runs.
    policy: Option<String>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// Who took it.
    acknowledged_by: Option<String>,
    /// When the next step follows unless somebody takes it.
    #[schema(value_type = Option<String>, format = DateTime)]
    escalates_at: Option<Timestamp>,
    /// The step that was begun last, from one.
    step: u32,
    /// The round through the policy, from one.
    round: u32,
    /// How many alerts it told of last.
    alerts: u32,
    /// Why nobody was reached, the last time.
    nobody_reached: Option<String>,
    /// The incident that it led to.
    incident: Option<String>,
}

/// A page with its ledger.
#[derive(Debug, Serialize, ToSchema)]
struct WholePage {
    /// The page.
    #[serde(flatten)]
    page: PageBody,
    /// The alerts that it told of last.
    fingerprints: Vec<String>,
    /// Every message that was asked for, in order.
    deliveries: Vec<DeliveryBody>,
}

/// One message that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryBody {
    /// Its identity, which receivers see as the idempotency key.
    delivery: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whom; absent for a machine or a room.
    person: Option<String>,
    /// Where.
    address: String,
    /// The step of the policy, from one.
    step: u32,
    /// The round through the policy, from one.
    round: u32,
    /// How often it was tried.
    attempts: u32,
    /// `pending`, `accepted` or `failed`.
    state: &'static str,
    /// Who took it, or why it failed.
    says: Option<String>,
}

/// A page in one line.
pub(super) fn body(world: &World, page: &Page) -> PageBody {
    let (state, by) = match &page.phase {
        Phase::Told => ("paging", None),
        Phase::Acknowledged { by, .. } => ("acknowledged", Some(by.to_string())),
        Phase::Exhausted => ("exhausted", None),
        Phase::Closed { .. } => ("closed", None),
    };
    PageBody {
        page: page.id.0,
        state,
        severity: page.severity.as_str(),
        why: page.why.clone(),
        title: page.title.clone(),
        service: page.service.as_ref().map(ToString::to_string),
        policy: page.policy.as_ref().map(ToString::to_string),
        opened_at: page.opened_at,
        acknowledged_by: by,
        escalates_at: page.escalates_at,
        step: page.step + 1,
        round: page.round + 1,
        alerts: page.count,
        nobody_reached: page.nobody.as_ref().map(|(_, why)| why.clone()),
        incident: world
            .incidents
            .of_page(page.id.0)
            .filter(|i| i.sensitivity <= kernel::Sensitivity::Internal)
            .map(|i| i.id.to_string()),
    }
}

fn delivery(page: PageId, request: &Request) -> DeliveryBody {
    let (state, says) = match &request.status {
        Status::Pending { reason } => ("pending", reason.clone()),
        Status::Accepted { by, .. } => ("accepted", Some(by.clone())),
        Status::Failed { reason } => ("failed", Some(reason.clone())),
    };
    DeliveryBody {
        delivery: page.delivery(request.number).to_string(),
        at: request.at,
        person: request.person.as_ref().map(ToString::to_string),
        address: request.address.to_string(),
        step: request.step + 1,
        round: request.round + 1,
        attempts: request.attempts,
        state,
        says,
    }
}

fn whole(world: &World, page: &Page) -> WholePage {
    WholePage {
        page: body(world, page),
        fingerprints: page.alerts.iter().map(ToString::to_string).collect(),
        deliveries: page.requests.iter().map(|request| delivery(page.id, request)).collect(),
    }
}

/// Which pages.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Closed ones as well.
    #[serde(default)]
    all: bool,
}

/// List pages, the newest first.
#[utoipa::path(get, path = "/pages", tag = "pages", params(Which),
    responses((status = 200, body = Vec<PageBody>), Problems))]
async fn list_pages(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(Which { all }): Asked<Which>,
) -> Result<Json<Vec<PageBody>>, Problem> {
    let pages = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let wanted = world.alerts.pages().filter(|page| all || page.is_open());
        wanted.map(|page| body(world, page)).collect()
    })?;
    Ok(Json(pages))
}

/// Show a page with its ledger of messages.
#[utoipa::path(get, path = "/pages/{page}", tag = "pages", params(("page" = String, Path)),
    responses((status = 200, body = WholePage), Problems))]
async fn show_page(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<PageId>,
) -> Result<Json<WholePage>, Problem> {
    let shown =
        state.engine.read(&actor, Read::of("alerts:read"), |world| world.alerts.page(id).map(|p| whole(world, p)))?;
    shown.map(Json).ok_or_else(|| missing(id))
}

/// Take a page: escalation stops.
#[utoipa::path(post, path = "/pages/{page}/acknowledge", tag = "pages", params(("page" = String, Path)),
    request_body = NoteBody, responses((status = 200, body = Done), Problems))]
async fn acknowledge_page(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(page): Id<PageId>,
    Input(NoteBody { note }): Input<NoteBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Acknowledge { page, note }).await
}
