//! Changes to the organisation's systems that somebody reported, and the signals that are raised.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use engine::Read;
use kernel::{Labels, RuleName, ServiceName, Timestamp};
use serde::{Deserialize, Serialize};
use signals::{Change, Command, Link, Signal};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::input::Input;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_changes, report_change))
        .routes(routes!(list_signals))
        .routes(routes!(dismiss_signal))
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeBody {
    /// What was changed, in one line.
    summary: String,
    /// Who or what reports it.
    source: String,
    /// The service that it touches.
    service: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Where more can be read.
    links: Vec<LinkBody>,
    /// Named details.
    details: BTreeMap<String, String>,
}

/// An address.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    /// The address.
    href: String,
    /// What to call it.
    #[serde(default)]
    text: String,
}

impl From<&Change> for ChangeBody {
    fn from(change: &Change) -> Self {
        let link = |link: &Link| LinkBody { href: link.href.clone(), text: link.text.clone() };
        Self {
            summary: change.summary.clone(),
            source: change.source.clone(),
            service: change.service.as_ref().map(ToString::to_string),
            at: change.at,
            links: change.links.iter().map(link).collect(),
            details: change.details.iter().cloned().collect(),
        }
    }
}

/// List the changes that were reported, the newest report first.
#[utoipa::path(get, path = "/changes", tag = "signals", responses((status = 200, body = Vec<ChangeBody>), Problems))]
async fn list_changes(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<ChangeBody>>, Problem> {
    let changes = state
        .engine
        .read(&actor, Read::of("signals:read"), |world| world.signals.changes().map(ChangeBody::from).collect())?;
    Ok(Json(changes))
}

/// A change that somebody reports.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewChange {
    /// What was changed, in one line.
    summary: String,
    /// The service that it touches.
    #[schema(value_type = Option<String>)]
    service: Option<ServiceName>,
    /// When it was made; now, when absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// Where more can be read.
    #[serde(default)]
    links: Vec<LinkBody>,
    /// Named details.
    #[serde(default)]
    details: BTreeMap<String, String>,
}

/// Report a change.
#[utoipa::path(post, path = "/changes", tag = "signals", request_body = NewChange,
    responses((status = 200, body = Done), Problems))]
async fn report_change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(new): Input<NewChange>,
) -> Result<Json<Done>, Problem> {
    let change = Change {
        summary: new.summary,
        source: actor.to_string(),
        service: new.service,
        at: new.at.unwrap_or_else(|| state.engine.now()),
        links: new.links.into_iter().map(|LinkBody { href, text }| Link { href, text }).collect(),
        details: new.details.into_iter().collect(),
    };
    ask(&state, &actor, Command::ReportChange { change }).await
}

/// A raised signal.
#[derive(Debug, Serialize, ToSchema)]
struct SignalBody {
    /// The rule or the check.
    rule: String,
    /// `rule`, `check`, `alerting`, `sigma` or `pattern`.
    kind: &'static str,
    /// The series that was looked at; empty for a check.
    #[schema(value_type = BTreeMap<String, String>)]
    series: Labels,
    /// What happened, in one line.
    summary: String,
    /// The value that raised it.
    value: Option<f64>,
    /// When it was raised.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Whether the series has had no value for a while.
    missing: bool,
}

/// List the signals that are raised.
#[utoipa::path(get, path = "/signals", tag = "signals", responses((status = 200, body = Vec<SignalBody>), Problems))]
async fn list_signals(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<SignalBody>>, Problem> {
    let now = state.engine.now();
    let raised = state.engine.read(&actor, Read::of("signals:read"), |world| {
        let body = |signal: &Signal| SignalBody {
            rule: signal.rule.to_string(),
            kind: match signal.kind {
                signals::Kind::Rule => "rule",
                signals::Kind::Check => "check",
                signals::Kind::Alerting => "alerting",
                signals::Kind::Sigma => "sigma",
                signals::Kind::Pattern => "pattern",
            },
            series: signal.series.clone(),
            summary: signal.summary.clone(),
            value: signal.value,
            since: signal.since,
            missing: world.signals.missing(signal, now),
        };
        world.signals.raised().map(body).collect()
    })?;
    Ok(Json(raised))
}

/// A raised signal whose series vanished.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Dismissal {
    /// The rule.
    #[schema(value_type = String)]
    rule: RuleName,
    /// The series.
    #[schema(value_type = BTreeMap<String, String>)]
    series: Labels,
}

/// Say that a raised signal whose series vanished is over.
#[utoipa::path(post, path = "/signals/dismiss", tag = "signals", request_body = Dismissal,
    responses((status = 200, body = Done), Problems))]
async fn dismiss_signal(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(Dismissal { rule, series }): Input<Dismissal>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Dismiss { rule, series }).await
}
