//! Incidents: list, show, declare, and everything that is done to one.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::Read;
use incidents::{Command, Incident, IncidentRole};
use kernel::{Impact, IncidentId, PersonName, Seconds, Sensitivity, ServiceName, Severity};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Made, ask, word};
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/incidents", get(list).post(declare))
        .route("/incidents/{incident}", get(show))
        .route("/incidents/{incident}/{act}", post(act))
}

/// An incident in one line.
pub(super) fn brief(incident: &Incident) -> Value {
    json!({
        "incident": incident.id.to_string(),
        "title": incident.title,
        "severity": incident.severity,
        "severity_why": incident.severity_why,
        "phase": incident.phase,
        "commander": incident.commander(),
        "services": incident.services,
        "declared_at": incident.declared_at,
        "update_due": incident.update_due,
    })
}

fn whole(incident: &Incident) -> Value {
    let entry = |entry: &incidents::Entry| json!({ "seq": entry.seq, "at": entry.at, "actor": entry.actor, "kind": entry.kind.as_str(), "text": entry.text });
    let mut shown = brief(incident);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("impact".into(), json!(incident.impact));
        fields.insert("roles".into(), json!(incident.roles));
        fields.insert("pages".into(), json!(incident.pages));
        fields.insert("mitigated_at".into(), json!(incident.mitigated_at));
        fields.insert("resolved_at".into(), json!(incident.resolved_at));
        fields.insert("timeline".into(), incident.timeline.iter().map(entry).collect());
    }
    shown
}

async fn list(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let all = state.engine.read(&actor, Read::of("incidents:read"), |world| {
        let readable = |i: &&Incident| i.sensitivity <= Sensitivity::Internal;
        world.incidents.list().into_iter().filter(readable).map(brief).collect()
    })?;
    Ok(Json(all))
}

async fn show(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let incident: IncidentId = word("incident", &id)?;
    let sensitivity =
        state.engine.read(&actor, Read::of("incidents:read"), |w| w.incidents.sensitivity_of(incident))?;
    let missing = || Problem::missing(format!("there is no {incident}"));
    let what = Read::one("incidents:read", &incident.to_string(), sensitivity.ok_or_else(missing)?);
    let shown = state.engine.read(&actor, what, |world| world.incidents.get(incident).map(whole))?;
    shown.map(Json).ok_or_else(missing)
}

#[derive(Debug, Deserialize)]
struct Declaration {
    title: String,
    severity: Severity,
    why: String,
    #[serde(default)]
    impact: Impact,
    #[serde(default)]
    services: Vec<ServiceName>,
    #[serde(default)]
    sensitivity: Sensitivity,
    #[serde(default)]
    update_every: Option<Seconds>,
}

async fn declare(State(state): State<AppState>, Program(actor): Program, bytes: Bytes) -> Made {
    let asked: Declaration = body::json(&bytes)?;
    let usual = state.engine.book().severity.iter().find(|r| r.severity == asked.severity).map(|r| r.update_every);
    let command = Command::Declare {
        title: asked.title,
        severity: asked.severity,
        impact: asked.impact,
        services: asked.services,
        why: asked.why,
        page: None,
        detected_at: None,
        update_every: asked.update_every.or(usual).unwrap_or_default(),
        sensitivity: asked.sensitivity,
    };
    ask(&state, &actor, command).await
}

/// What is said about an incident; which fields count depends on the act.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    role: Option<IncidentRole>,
    #[serde(default)]
    person: Option<PersonName>,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    impact: Option<Impact>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    how: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    summary: String,
}

fn needed<T>(field: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::bad(format!("{field}: is needed")).field(field))
}

async fn act(
    State(state): State<AppState>,
    Program(actor): Program,
    Path((id, act)): Path<(String, String)>,
    bytes: Bytes,
) -> Made {
    let incident: IncidentId = word("incident", &id)?;
    let said: Said = if bytes.is_empty() { Said::default() } else { body::json(&bytes)? };
    let command = match act.as_str() {
        "assign" => {
            Command::Assign { incident, role: needed("role", said.role)?, person: needed("person", said.person)? }
        }
        "unassign" => {
            Command::Unassign { incident, role: needed("role", said.role)?, person: needed("person", said.person)? }
        }
        "hand_over" => {
            let (role, to) = (needed("role", said.role)?, needed("person", said.person)?);
            Command::HandOver { incident, role, to, summary: said.summary }
        }
        "note" => Command::Note { incident, text: said.text },
        "severity" => Command::ChangeSeverity { incident, severity: needed("severity", said.severity)?, why: said.why },
        "impact" => Command::StateImpact { incident, impact: needed("impact", said.impact)? },
        "mitigate" => Command::Mitigate { incident, how: said.how },
        "resolve" => Command::Resolve { incident, how: said.how },
        "reopen" => Command::Reopen { incident, why: said.why },
        other => return Err(Problem::missing(format!("nothing called {other:?} can be done to an incident"))),
    };
    ask(&state, &actor, command).await
}
