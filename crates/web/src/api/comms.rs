//! Updates for customers: list notices, draft, revise, publish, discard.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use comms::{Command, ComponentStatus, Notice, Phase, Stage, UpdateId};
use engine::{Event, Read};
use kernel::{ComponentName, IncidentId, Seconds, Sensitivity};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Made, ask, told, word};
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/updates", get(list).post(draft))
        .route("/updates/{update}", post(revise))
        .route("/updates/{update}/publish", post(publish))
        .route("/updates/{update}/discard", post(discard))
}

fn rows(notice: &Notice) -> Vec<Value> {
    let row = |update: &comms::Update| {
        let state = match update.phase {
            Phase::Draft => "draft",
            Phase::Published { .. } => "published",
            Phase::Discarded => "discarded",
        };
        json!({
            "update": update.id.0, "revision": update.revision, "state": state, "notice": notice.id.to_string(),
            "incident": notice.incident.map(|incident| incident.to_string()), "title": update.wording.title,
            "stage": update.wording.stage, "text": update.wording.text,
            "findings": comms::lint_update(&update.wording),
        })
    };
    notice.updates.iter().rev().map(row).collect()
}

async fn list(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let all =
        state.engine.read(&actor, Read::of("comms:read"), |world| world.comms.notices().flat_map(rows).collect())?;
    Ok(Json(all))
}

#[derive(Debug, Deserialize)]
struct Written {
    #[serde(default)]
    incident: Option<String>,
    title: String,
    stage: Stage,
    text: String,
    #[serde(default)]
    components: Vec<Hurt>,
    #[serde(default)]
    next_update_in: Option<Seconds>,
}

#[derive(Debug, Deserialize)]
struct Hurt {
    component: ComponentName,
    status: ComponentStatus,
}

fn pairs(components: Vec<Hurt>) -> Vec<(ComponentName, ComponentStatus)> {
    components.into_iter().map(|hurt| (hurt.component, hurt.status)).collect()
}

async fn draft(State(state): State<AppState>, Program(actor): Program, bytes: Bytes) -> Made {
    let written: Written = body::json(&bytes)?;
    let incident: Option<IncidentId> = written.incident.map(|id| word("incident", &id)).transpose()?;
    let command = Command::Draft {
        notice: None,
        incident,
        title: written.title,
        stage: written.stage,
        text: written.text,
        components: pairs(written.components),
        next_update_in: written.next_update_in,
        sensitivity: Sensitivity::Internal,
    };
    let facts = state.engine.ask(&actor, command).await?;
    let update = facts.iter().find_map(|fact| match &fact.event {
        Event::Comms(comms::Event::UpdateDrafted { update, .. }) => Some(update.0),
        _ => None,
    });
    Ok(Json(json!({ "update": update, "facts": told(&facts) })))
}

async fn revise(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>, bytes: Bytes) -> Made {
    let update: UpdateId = word("update", &id)?;
    let Written { title, stage, text, components, next_update_in, .. } = body::json(&bytes)?;
    let components = pairs(components);
    ask(&state, &actor, Command::Revise { update, title, stage, text, components, next_update_in }).await
}

async fn publish(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>) -> Made {
    ask(&state, &actor, Command::Publish { update: word("update", &id)?, revision: None }).await
}

async fn discard(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>) -> Made {
    ask(&state, &actor, Command::Discard { update: word("update", &id)? }).await
}
