//! The journal: facts in order, the facts of one stream, facts as they happen, the proof of one fact, a signed checkpoint.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use engine::Engine;
use futures::Stream;
use kernel::record::{Body, Record};
use kernel::{Actor, Digest, Seq, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::input::{Asked, Id, missing};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many facts are shown when nobody says how many.
const FACTS_USUAL: u32 = 100;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_facts))
        .routes(routes!(follow_facts))
        .routes(routes!(prove_fact))
        .routes(routes!(show_head, sign_checkpoint))
}

/// Which facts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The first place that is shown.
    #[serde(default)]
    from: u64,
    /// How many, at most 1000; 100 when absent.
    limit: Option<u32>,
    /// Only the facts of this stream, such as `incidents/INC-42`.
    stream: Option<String>,
}

/// A fact, as the journal keeps it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FactBody {
    /// Its place in the one global order.
    seq: u64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The area that decided it.
    area: String,
    /// What it is about, such as `INC-42`.
    stream: String,
    /// What happened, such as `IncidentDeclared`.
    kind: String,
    /// The version of the body's form.
    version: u16,
    /// Who asked for it.
    actor: String,
    /// Who may read it.
    sensitivity: &'static str,
    /// The access policy that allowed it.
    policy: String,
    /// The fact that it reacts to.
    cause: Option<u64>,
    /// What exactly happened; absent when it was erased.
    #[schema(value_type = Object)]
    body: Option<Value>,
    /// Its leaf in the Merkle tree, in hexadecimal.
    leaf: String,
}

impl From<&Record> for FactBody {
    fn from(record: &Record) -> Self {
        let body = match &record.body {
            Body::Kept { json, .. } => serde_json::from_slice(json).ok(),
            Body::Erased { .. } => None,
        };
        Self {
            seq: record.seq.0,
            at: record.at,
            area: record.area.to_string(),
            stream: record.stream.to_string(),
            kind: record.kind.to_string(),
            version: record.version,
            actor: record.actor.to_string(),
            sensitivity: record.sensitivity.as_str(),
            policy: record.policy.to_string(),
            cause: record.cause.map(|seq| seq.0),
            body,
            leaf: Digest(record.leaf()).to_string(),
        }
    }
}

/// List facts in order. Those that are beyond the caller's reach are left out.
#[utoipa::path(get, path = "/journal", tag = "journal", params(Which),
    responses((status = 200, body = Vec<FactBody>), Problems))]
async fn list_facts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<FactBody>>, Problem> {
    let limit = which.limit.unwrap_or(FACTS_USUAL);
    let records = match &which.stream {
        Some(stream) => state.engine.stream(&actor, stream, limit).await?,
        None => state.engine.facts(&actor, Seq(which.from), limit).await?,
    };
    Ok(Json(records.iter().filter(|record| record.seq.0 >= which.from).map(FactBody::from).collect()))
}

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// The first place that is sent; the next fact, when absent. `Last-Event-ID` of a client that was cut off goes before.
    from: Option<u64>,
}

/// Follow the journal: each fact as it happens, as a server-sent event whose id is its place.
///
/// The stream ends when access is withdrawn.
#[utoipa::path(get, path = "/journal/live", tag = "journal", params(Since),
    responses((status = 200, content_type = "text/event-stream", body = FactBody), Problems))]
async fn follow_facts(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(since): Asked<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    state.engine.may(&actor, engine::Read::of("journal:read"))?;
    let changes = state.engine.watch();
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let next = seen.map(|seen| seen.saturating_add(1)).or(since.from).map_or(*changes.borrow(), Seq);
    let follower = Follower { engine: state.engine, actor, changes, next, read: VecDeque::new() };
    Ok(Sse::new(follower.events()).keep_alive(KeepAlive::default()))
}

/// Somebody who reads along.
struct Follower {
    engine: Engine,
    actor: Actor,
    changes: watch::Receiver<Seq>,
    /// The next place to read.
    next: Seq,
    /// What was read and not yet sent.
    read: VecDeque<Record>,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures::stream::unfold(self, async |mut follower| {
            let record = follower.take().await?;
            let event = Event::default().id(record.seq.to_string()).json_data(FactBody::from(&record)).ok()?;
            Some((Ok(event), follower))
        })
    }

    /// The next fact within reach; nothing once reading is denied or the engine has ended.
    async fn take(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.read.pop_front() {
                return Some(record);
            }
            let end = *self.changes.borrow_and_update();
            if self.next >= end {
                self.changes.changed().await.ok()?;
                continue;
            }
            self.read = self.engine.facts(&self.actor, self.next, FACTS_USUAL).await.ok()?.into();
            // What is left out lies beyond the reader's reach.
            self.next = self.read.back().map_or(end, |last| Seq(last.seq.0 + 1));
        }
    }
}

/// A fact with everything that is needed to check it offline.
#[derive(Debug, Serialize, ToSchema)]
struct ProofBody {
    /// The fact.
    fact: FactBody,
    /// Its leaf, in hexadecimal.
    leaf: String,
    /// The root that the path leads to, in hexadecimal.
    root: String,
    /// The proof with its signed checkpoint (c2sp.org/tlog-proof@v1).
    proof: String,
    /// The key that checks the checkpoint.
    verifier: String,
}

/// Show a fact with its proof.
#[utoipa::path(get, path = "/journal/{seq}", tag = "journal", params(("seq" = u64, Path)),
    responses((status = 200, body = ProofBody), Problems))]
async fn prove_fact(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(seq): Id<u64>,
) -> Result<Json<ProofBody>, Problem> {
    let proof = state.engine.fact_proof(&actor, Seq(seq)).await?.ok_or_else(|| missing(format!("fact {seq}")))?;
    Ok(Json(ProofBody {
        fact: FactBody::from(&proof.record),
        leaf: proof.leaf.to_string(),
        root: proof.root.to_string(),
        proof: proof.proof.to_string(),
        verifier: proof.verifier,
    }))
}

/// The journal as a tree.
#[derive(Debug, Serialize, ToSchema)]
struct HeadBody {
    /// How many facts there are.
    size: u64,
    /// The root over them, in hexadecimal.
    root: String,
}

/// Show the size and the root of the journal.
#[utoipa::path(get, path = "/journal/checkpoint", tag = "journal", responses((status = 200, body = HeadBody), Problems))]
async fn show_head(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<HeadBody>, Problem> {
    state.engine.may(&actor, engine::Read::of("journal:read"))?;
    let (size, root) = state.engine.head();
    Ok(Json(HeadBody { size, root: root.to_string() }))
}

/// A signed checkpoint.
#[derive(Debug, Serialize, ToSchema)]
struct CheckpointBody {
    /// The signed note (c2sp.org/tlog-checkpoint).
    checkpoint: String,
}

/// Sign a checkpoint over everything that is durable.
#[utoipa::path(post, path = "/journal/checkpoint", tag = "journal",
    responses((status = 200, body = CheckpointBody), Problems))]
async fn sign_checkpoint(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<CheckpointBody>, Problem> {
    Ok(Json(CheckpointBody { checkpoint: state.engine.checkpoint(&actor).await? }))
}
