//! Incidents: list, show, declare. What is done to one is in `act`.

pub(super) mod act;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use engine::{Event, Read};
use incidents::{Command, Entry, Incident};
use kernel::{Impact, IncidentId, Seconds, Sensitivity, ServiceName, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Made, Problems, made};
use super::input::{Id, Input, missing, worded};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_incidents, declare_incident))
        .routes(routes!(show_incident))
        .merge(act::router())
}

/// An incident in one line.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IncidentBody {
    /// Its number, such as `INC-42`.
    incident: String,
    /// One line for people.
    title: String,
    /// `open`, `mitigated` or `resolved`.
    phase: &'static str,
    /// How bad it is, P1 to P5.
    severity: &'static str,
    /// Why it is that bad.
    severity_why: String,
    /// Who decides.
    commander: Option<String>,
    /// The services that are hurt.
    services: Vec<String>,
    /// Who may read it: public, internal, confidential or restricted.
    sensitivity: &'static str,
    /// When it was declared.
    #[schema(value_type = String, format = DateTime)]
    declared_at: Timestamp,
    /// When a machine first noticed it.
    #[schema(value_type = Option<String>, format = DateTime)]
    detected_at: Option<Timestamp>,
    /// When it was last said to be over; only while it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    resolved_at: Option<Timestamp>,
    /// When the next update is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    update_due: Option<Timestamp>,
}

/// An incident with its people and its timeline.
#[derive(Debug, Serialize, ToSchema)]
struct WholeIncident {
    /// The incident.
    #[serde(flatten)]
    incident: IncidentBody,
    /// What is hurt.
    impact: ImpactBody,
    /// Who is in which role.
    roles: BTreeMap<&'static str, Vec<String>>,
    /// The pages that it comes from or took in.
    pages: Vec<u64>,
    /// Who declared it.
    declared_by: String,
    /// When one of its pages was first acknowledged.
    #[schema(value_type = Option<String>, format = DateTime)]
    acknowledged_at: Option<Timestamp>,
    /// When somebody first took command.
    #[schema(value_type = Option<String>, format = DateTime)]
    commanded_at: Option<Timestamp>,
    /// When users were last said to be no longer hurt.
    #[schema(value_type = Option<String>, format = DateTime)]
    mitigated_at: Option<Timestamp>,
    /// How often it was reopened.
    reopened: u32,
    /// Whether the next update is overdue.
    update_overdue: bool,
    /// What was said and done, oldest first.
    timeline: Vec<EntryBody>,
}

/// What is hurt, in plain words and numbers, as far as it is known.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImpactBody {
    /// What users notice, in their words.
    #[serde(default)]
    summary: String,
    /// The share of users that notice, in percent.
    #[serde(default)]
    users_percent: Option<u8>,
    /// The business functions that are hurt.
    #[serde(default)]
    functions: Vec<String>,
}

impl From<ImpactBody> for Impact {
    fn from(body: ImpactBody) -> Self {
        Self { summary: body.summary, users_percent: body.users_percent, functions: body.functions }
    }
}

impl From<&Impact> for ImpactBody {
    fn from(of: &Impact) -> Self {
        Self { summary: of.summary.clone(), users_percent: of.users_percent, functions: of.functions.clone() }
    }
}

/// An entry of a timeline.
#[derive(Debug, Serialize, ToSchema)]
struct EntryBody {
    /// Its fact in the journal.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who said or did it.
    actor: String,
    /// The role in which they did.
    role: Option<&'static str>,
    /// What kind of fact it is, such as `IncidentMitigated`.
    kind: String,
    /// What was said or done.
    text: String,
}

impl From<&Entry> for EntryBody {
    fn from(entry: &Entry) -> Self {
        Self {
            seq: entry.seq.0,
            at: entry.at,
            actor: entry.actor.to_string(),
            role: entry.role.map(|role| role.as_str()),
            kind: entry.kind.as_str().to_owned(),
            text: entry.text.clone(),
        }
    }
}

/// An incident in one line.
pub(super) fn body(incident: &Incident) -> IncidentBody {
    IncidentBody {
        incident: incident.id.to_string(),
        title: incident.title.clone(),
        phase: incident.phase.as_str(),
        severity: incident.severity.as_str(),
        severity_why: incident.severity_why.clone(),
        commander: incident.commander().map(ToString::to_string),
        services: incident.services.iter().map(ToString::to_string).collect(),
        sensitivity: incident.sensitivity.as_str(),
        declared_at: incident.declared_at,
        detected_at: incident.detected_at,
        resolved_at: incident.resolved_at,
        update_due: incident.update_due,
    }
}

fn whole(incident: &Incident) -> WholeIncident {
    let roles = incident.roles.iter();
    let named = roles.map(|(role, people)| (role.as_str(), people.iter().map(ToString::to_string).collect()));
    WholeIncident {
        incident: body(incident),
        impact: ImpactBody::from(&incident.impact),
        roles: named.collect(),
        pages: incident.pages.iter().copied().collect(),
        declared_by: incident.declared_by.to_string(),
        acknowledged_at: incident.acknowledged_at,
        commanded_at: incident.commanded_at,
        mitigated_at: incident.mitigated_at,
        reopened: incident.reopened,
        update_overdue: incident.update_overdue,
        timeline: incident.timeline.iter().map(EntryBody::from).collect(),
    }
}

/// The incidents that an actor may see, open ones first, in one line each.
pub(super) fn bodies(
    state: &AppState,
    actor: &kernel::Actor,
    wanted: impl Fn(&Incident) -> bool,
) -> Result<Vec<IncidentBody>, Problem> {
    let reach = state.engine.reach(actor, "incidents:read");
    let bodies = state.engine.read(actor, Read::of("incidents:read"), |world| {
        let list = world.incidents.list().into_iter().filter(|incident| wanted(incident));
        list.filter(|incident| reach.shows(&incident.id.to_string(), incident.sensitivity)).map(body).collect()
    })?;
    Ok(bodies)
}

/// List incidents: open ones first, the worst first; then those resolved lately.
#[utoipa::path(get, path = "/incidents", tag = "incidents",
    responses((status = 200, body = Vec<IncidentBody>), Problems))]
async fn list_incidents(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<Vec<IncidentBody>>, Problem> {
    Ok(Json(bodies(&state, &actor, |_| true)?))
}

/// Show an incident with its timeline.
#[utoipa::path(get, path = "/incidents/{incident}", tag = "incidents", params(("incident" = String, Path)),
    responses((status = 200, body = WholeIncident), Problems))]
async fn show_incident(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<IncidentId>,
) -> Result<Json<WholeIncident>, Problem> {
    let label = state.engine.read(&actor, Read::of("incidents:read"), |world| world.incidents.sensitivity_of(id))?;
    let what = Read::one("incidents:read", &id.to_string(), label.ok_or_else(|| missing(id))?);
    let shown = state.engine.read(&actor, what, |world| world.incidents.get(id).map(whole))?;
    shown.map(Json).ok_or_else(|| missing(id))
}

/// An incident that somebody declares.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Declaration {
    /// What is wrong, in one line.
    title: String,
    /// How bad it is, P1 (worst) to P5.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    severity: Severity,
    /// Why it is that bad.
    why: String,
    /// What is hurt, as far as it is known.
    #[serde(default)]
    impact: ImpactBody,
    /// The services that are hurt.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    services: Vec<ServiceName>,
    /// Who may read it: public, internal (when absent), confidential or restricted.
    #[serde(default)]
    #[schema(value_type = String)]
    sensitivity: Sensitivity,
    /// How often an update is owed, such as `30m`. When absent, what the watchbook says of this severity, else 30m for P1
    /// and 1h for P2.
    #[schema(value_type = Option<String>)]
    update_every: Option<Seconds>,
}

/// An incident that was declared.
#[derive(Debug, Serialize, ToSchema)]
struct DeclaredBody {
    /// Its number, such as `INC-42`.
    incident: Option<String>,
    /// The facts that it made.
    facts: Vec<Made>,
}

/// Declare an incident.
#[utoipa::path(post, path = "/incidents", tag = "incidents", request_body = Declaration,
    responses((status = 200, body = DeclaredBody), Problems))]
async fn declare_incident(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(new): Input<Declaration>,
) -> Result<Json<DeclaredBody>, Problem> {
    let command = Command::Declare {
        title: new.title,
        severity: new.severity,
        impact: new.impact.into(),
        services: new.services,
        why: new.why,
        page: None,
        detected_at: None,
        update_every: new.update_every,
        sensitivity: new.sensitivity,
    };
    let facts = state.engine.ask(&actor, command).await?;
    let incident = facts.iter().find_map(|fact| match &fact.event {
        Event::Incidents(incidents::Event::IncidentDeclared(declared)) => Some(declared.about.incident.to_string()),
        _ => None,
    });
    Ok(Json(DeclaredBody { incident, facts: made(&facts) }))
}
