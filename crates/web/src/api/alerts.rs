//! Alerts: what fires, why it paged somebody or nobody, and what can be done about one.

use alerts::{AlertView, Command, Observed, Stage};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use engine::{Read, World};
use kernel::{Fingerprint, Labels, Matcher, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::{Id, Input, missing, word};
use crate::doors::list::{self, Piece};
use crate::doors::query::pairs;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many alerts are looked at before the world is let go for a moment.
const ALERTS_AT_ONCE: usize = 200;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_alerts, observe_alerts))
        .routes(routes!(show_alert))
        .routes(routes!(explain_alert))
        .routes(routes!(acknowledge_alert))
        .routes(routes!(resolve_alert))
}

/// A firing alert.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertBody<'a> {
    /// Its identity.
    #[schema(value_type = String)]
    fingerprint: Fingerprint,
    /// `firing`, or `muted`.
    state: &'static str,
    /// Why it pages nobody.
    muted_because: Option<String>,
    /// The labels that make it what it is.
    #[schema(value_type = BTreeMap<String, String>)]
    labels: &'a Labels,
    /// What it says to people.
    #[schema(value_type = BTreeMap<String, String>)]
    annotations: &'a Labels,
    /// Since when it fires.
    #[schema(value_type = String, format = DateTime)]
    starts_at: Timestamp,
    /// When it ends unless it is sent again; absent for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// When it was last sent.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Who reports it.
    source: &'a str,
    /// Where it was made; may be empty.
    generator_url: &'a str,
    /// Its open pages.
    pages: Vec<u64>,
}

fn body<'a>(view: &AlertView<'a>) -> AlertBody<'a> {
    AlertBody {
        fingerprint: view.fingerprint(),
        state: if view.muted().is_some() { "muted" } else { "firing" },
        muted_because: view.muted().map(engine::react::muted_because),
        labels: view.labels(),
        annotations: view.annotations(),
        starts_at: view.starts_at(),
        ends_at: view.ends_at(),
        updated_at: view.updated_at(),
        source: view.source(),
        generator_url: view.generator_url(),
        pages: view.pages().map(|page| page.id.0).collect(),
    }
}

/// List what fires.
///
/// The list is streamed; it breaks off when access is withdrawn meanwhile.
#[utoipa::path(get, path = "/alerts", tag = "alerts",
    params(("filter" = Option<Vec<String>>, Query, description = "Matchers such as `service=\"checkout\"`; all must hold.")),
    responses((status = 200, body = Vec<AlertBody>), Problems))]
async fn list_alerts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let filters = pairs(query.as_deref().unwrap_or_default()).filter(|(name, _)| name == "filter");
    let matchers: Vec<Matcher> = filters.map(|(_, text)| word("filter", &text)).collect::<Result<_, _>>()?;
    list::answer(state, actor, Read::of("alerts:read"), move |world: &World, cursor, piece: &mut Piece| {
        let (views, next) = world.alerts.find(&matchers, cursor, ALERTS_AT_ONCE);
        views.iter().for_each(|view| piece.push(&body(view)));
        next
    })
}

/// Alerts that a program reports.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Report {
    /// At most 10,000. One bad alert refuses all.
    alerts: Vec<ReportedAlert>,
}

/// An alert that a program reports.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportedAlert {
    /// Its identity: at least one.
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
    /// What it says to people.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    annotations: Labels,
    /// Since when it fires; now, when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// When it ends unless it is sent again. Not after now: it is over. Absent: five minutes from now.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// Where it was made.
    #[serde(default)]
    generator_url: String,
}

impl From<ReportedAlert> for Observed {
    fn from(alert: ReportedAlert) -> Self {
        Self {
            labels: alert.labels,
            annotations: alert.annotations,
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            generator_url: alert.generator_url.into(),
        }
    }
}

/// Report alerts.
#[utoipa::path(post, path = "/alerts", tag = "alerts", request_body = Report,
    responses((status = 200, body = Done), Problems))]
async fn observe_alerts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(report): Input<Report>,
) -> Result<Json<Done>, Problem> {
    let source = crate::doors::alertmanager::source_of(&actor);
    let alerts = report.alerts.into_iter().map(Observed::from).collect();
    ask(&state, &actor, Command::Observe { source, alerts }).await
}

/// Show an alert.
#[utoipa::path(get, path = "/alerts/{alert}", tag = "alerts", params(("alert" = String, Path)),
    responses((status = 200, body = AlertBody), Problems))]
async fn show_alert(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(alert): Id<Fingerprint>,
) -> Result<Response, Problem> {
    let shown = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.alerts.alert(alert).map(|view| Json(body(&view)).into_response())
    })?;
    shown.ok_or_else(|| missing(format!("firing alert {alert}")))
}

/// The stages that an alert came through.
#[derive(Debug, Serialize, ToSchema)]
struct Explained {
    /// The alert.
    alert: String,
    /// Every stage, in order.
    stages: Vec<StageBody>,
}

/// One stage on the way from an alert to somebody's pocket.
#[derive(Debug, Serialize, ToSchema)]
struct StageBody {
    /// Which stage: observed, route, group, mute, page, step, nobody or delivery.
    stage: &'static str,
    /// When it was reached, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// What happened there, and why.
    says: String,
}

/// Say why an alert paged somebody, or nobody.
#[utoipa::path(get, path = "/alerts/{alert}/why", tag = "alerts", params(("alert" = String, Path)),
    responses((status = 200, body = Explained), Problems))]
async fn explain_alert(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(alert): Id<Fingerprint>,
) -> Result<Json<Explained>, Problem> {
    let stages = state.engine.read(&actor, Read::of("alerts:read"), |world| world.alerts.why(&world.book, alert))?;
    if stages.is_empty() {
        return Err(missing(format!("firing alert {alert}")));
    }
    let told = |Stage { stage, at, said }: Stage| StageBody { stage, at, says: said };
    Ok(Json(Explained { alert: alert.to_string(), stages: stages.into_iter().map(told).collect() }))
}

/// What somebody says about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NoteBody {
    /// May be empty.
    #[serde(default)]
    pub note: String,
}

/// Take all open pages of an alert.
#[utoipa::path(post, path = "/alerts/{alert}/acknowledge", tag = "alerts", params(("alert" = String, Path)),
    request_body = NoteBody, responses((status = 200, body = Done), Problems))]
async fn acknowledge_alert(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(alert): Id<Fingerprint>,
    Input(NoteBody { note }): Input<NoteBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::AcknowledgeAlert { alert, note }).await
}

/// Say that an alert is over.
#[utoipa::path(post, path = "/alerts/{alert}/resolve", tag = "alerts", params(("alert" = String, Path)),
    request_body = NoteBody, responses((status = 200, body = Done), Problems))]
async fn resolve_alert(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(alert): Id<Fingerprint>,
    Input(NoteBody { note }): Input<NoteBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Resolve { alert, note }).await
}
