//! The live watchbook: its digest and commit, the services in it, and how its files are made live at once.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use connectors::watchbook::{Findings, Level};
use engine::Read;
use kernel::book::rules::LeftOut;
use kernel::{Book, ServiceName, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Made, Problems, made};
use crate::doors::reply::Problem;
use crate::state::{AppState, NotReloaded};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(show_watchbook)).routes(routes!(apply_watchbook)).routes(routes!(list_services))
}

/// The live watchbook.
#[derive(Debug, Serialize, ToSchema)]
struct BookBody {
    /// The organisation.
    organisation: String,
    /// The digest over its files, in hexadecimal.
    digest: String,
    /// Its Git commit, when it is a clean checkout.
    commit: Option<String>,
    /// Since when it is live.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// How many services it has.
    services: usize,
    /// How many people.
    people: usize,
    /// How many threshold rules and checks.
    rules: usize,
    /// What was left out of it because it is bad.
    left_out: Vec<LeftOutBody>,
}

/// A rule or an objective that was left out.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutBody {
    /// Its file.
    file: String,
    /// Its line.
    line: usize,
    /// What it is.
    what: String,
    /// Why.
    message: String,
}

impl From<&LeftOut> for LeftOutBody {
    fn from(about: &LeftOut) -> Self {
        let LeftOut { file, line, what, message } = about.clone();
        Self { file, line, what, message }
    }
}

/// Say which watchbook is live.
#[utoipa::path(get, path = "/watchbook", tag = "watchbook", responses((status = 200, body = BookBody), Problems))]
async fn show_watchbook(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<BookBody>, Problem> {
    let told = state.engine.read(&actor, Read::of("watchbook:read"), |world| {
        let (book, live) = (&world.book, world.governance.live_book());
        BookBody {
            organisation: book.organisation.clone(),
            digest: book.digest.to_string(),
            commit: book.commit.clone(),
            since: live.filter(|live| live.digest == book.digest).map(|live| live.since),
            services: book.services.len(),
            people: book.people.len(),
            rules: book.rules.len() + book.checks.len(),
            left_out: book.left_out.iter().map(LeftOutBody::from).collect(),
        }
    })?;
    Ok(Json(told))
}

/// The watchbook that is live now.
#[derive(Debug, Serialize, ToSchema)]
struct AppliedBook {
    /// The digest over its files, in hexadecimal.
    digest: String,
    /// Its Git commit, when it is a clean checkout.
    commit: Option<String>,
    /// The facts that it made; empty when the files had not changed.
    facts: Vec<Made>,
}

/// A watchbook that is not good. The live one stays.
#[derive(Debug, Serialize, ToSchema)]
struct BadBook {
    /// What is wrong, in one line.
    error: String,
    /// No single field.
    field: Option<String>,
    /// How many findings are errors.
    errors: usize,
    /// Every finding as text for people.
    report: String,
    /// Every finding: `file`, `line`, `column`, `rule`, `severity`, `message`, `text`, `hint`.
    #[schema(value_type = Object)]
    findings: serde_json::Value,
}

/// Read the watchbook's files again and make them live: all or nothing.
#[utoipa::path(post, path = "/watchbook/apply", tag = "watchbook",
    responses((status = 200, body = AppliedBook), Problems, (status = 422, body = BadBook)))]
async fn apply_watchbook(State(state): State<AppState>, Caller(actor): Caller) -> Result<Response, Problem> {
    // Findings quote the files, so whoever may not apply them does not see them either.
    state.engine.may(&actor, Read::of("watchbook:apply"))?;
    let none = || Problem::missing("this server was started without a directory of watchbook files");
    let reload = state.reload.as_ref().ok_or_else(none)?;
    let facts = match reload(actor).await {
        Ok(facts) => made(&facts),
        Err(NotReloaded::Engine(error)) => return Err(error.into()),
        Err(NotReloaded::Bad { source, findings }) => return Ok(refused(&source, &findings)),
    };
    let book = state.engine.book();
    Ok(Json(AppliedBook { digest: book.digest.to_string(), commit: book.commit.clone(), facts }).into_response())
}

fn refused(source: &str, findings: &Findings) -> Response {
    let errors = findings.count(Level::Error);
    let told = BadBook {
        error: format!("the watchbook in {source} has errors ({errors}), so the live one stays"),
        field: None,
        errors,
        report: findings.to_string(),
        findings: findings.to_json()["findings"].take(),
    };
    (StatusCode::UNPROCESSABLE_ENTITY, Json(told)).into_response()
}

/// A service of the organisation.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceBody {
    /// Its name.
    service: String,
    /// What people call it.
    title: String,
    /// The team that owns it.
    owner: String,
    /// How much depends on it: 1 is the most critical.
    tier: u8,
    /// The business function that it carries.
    function: String,
    /// The services that it needs.
    depends_on: Vec<String>,
    /// Where it runs.
    regions: Vec<String>,
    /// How it is paged.
    policy: Option<String>,
    /// Where its runbook is.
    runbook: Option<String>,
    /// The incidents that hurt it now.
    incidents: Vec<String>,
}

fn body(book: &Book, name: &ServiceName, service: &kernel::book::Service, incidents: Vec<String>) -> ServiceBody {
    ServiceBody {
        service: name.to_string(),
        title: service.title.clone(),
        owner: service.owner.to_string(),
        tier: service.tier,
        function: service.function.clone(),
        depends_on: service.depends_on.iter().map(ToString::to_string).collect(),
        regions: service.regions.clone(),
        policy: book.policy_of(service).map(ToString::to_string),
        runbook: service.runbook.clone(),
        incidents,
    }
}

/// List the services.
#[utoipa::path(get, path = "/services", tag = "watchbook", responses((status = 200, body = Vec<ServiceBody>), Problems))]
async fn list_services(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<Vec<ServiceBody>>, Problem> {
    let reach = state.engine.reach(&actor, "incidents:read");
    let services = state.engine.read(&actor, Read::of("watchbook:read"), |world| {
        let hurt = |name: &ServiceName| {
            let open = world.incidents.of_service(name).filter(|i| reach.shows(&i.id.to_string(), i.sensitivity));
            open.map(|incident| incident.id.to_string()).collect()
        };
        world.book.services.iter().map(|(name, service)| body(&world.book, name, service, hurt(name))).collect()
    })?;
    Ok(Json(services))
}
