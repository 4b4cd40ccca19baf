//! The journal: facts in order, one fact's proof, a signed checkpoint.

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use kernel::record::{Body, Record};
use kernel::{Digest, Seq};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many facts are shown when nobody says how many.
const FACTS_USUAL: u32 = 100;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/journal", get(facts))
        .route("/journal/{seq}", get(fact))
        .route("/journal/checkpoint", post(checkpoint))
}

#[derive(Debug, Deserialize)]
struct Range {
    #[serde(default)]
    from: u64,
    #[serde(default)]
    limit: Option<u32>,
}

fn shown(record: &Record) -> Value {
    let body = match &record.body {
        Body::Kept { json, .. } => serde_json::from_slice(json).unwrap_or(Value::Null),
        Body::Erased { .. } => Value::Null,
    };
    json!({
        "seq": record.seq, "at": record.at, "area": record.area, "stream": record.stream, "kind": record.kind,
        "actor": record.actor, "sensitivity": record.sensitivity, "policy": record.policy, "cause": record.cause,
        "leaf": Digest(record.leaf()), "body": body,
    })
}

async fn facts(
    State(state): State<AppState>,
    Program(actor): Program,
    Query(range): Query<Range>,
) -> Result<Json<Vec<Value>>, Problem> {
    let facts = state.engine.facts(&actor, Seq(range.from), range.limit.unwrap_or(FACTS_USUAL)).await?;
    Ok(Json(facts.iter().map(shown).collect()))
}

async fn fact(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(seq): Path<u64>,
) -> Result<Json<Value>, Problem> {
    let proof = state.engine.fact_proof(&actor, Seq(seq)).await?;
    let proof = proof.ok_or_else(|| Problem::missing(format!("there is no fact {seq}")))?;
    Ok(Json(json!({
        "fact": shown(&proof.record), "leaf": proof.leaf, "root": proof.root, "proof": proof.proof.to_string(),
        "verifier": proof.verifier,
    })))
}

async fn checkpoint(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "checkpoint": state.engine.checkpoint(&actor).await? })))
}
