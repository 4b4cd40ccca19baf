//! *Journal*: facts, newest first, and each one with its proof.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::Proof;
use kernel::record::{Body, Record};
use kernel::{Sensitivity, Seq};
use serde::Deserialize;

use super::frame::{Screen, encoded, frame, html, missing, stop};
use super::view::journal::{FactPage, FactRow, JournalPage};
use super::view::{Named, Tab};
use crate::session::Reader;
use crate::state::AppState;

/// How many facts one screen shows.
const FACTS_MAX: usize = 100;
/// How many facts one search looks at.
const SEARCHED_MAX: u64 = 2000;
/// How much of a body a row shows, in characters.
const BODY_CHARS_MAX: usize = 160;
/// The areas to choose from.
const AREAS: [&str; 6] = ["signals", "alerts", "incidents", "comms", "learning", "governance"];

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/journal", get(list))
        .route("/journal/{seq}", get(fact))
        .route("/journal/{seq}/proof", get(proof))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    area: String,
    #[serde(default)]
    text: String,
    /// Only facts before this place.
    before: Option<u64>,
}

impl Wanted {
    fn takes(&self, record: &Record) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.text.to_lowercase());
        let area = self.area.is_empty() || *record.area == *self.area;
        area && (holds(&record.kind) || holds(&record.stream) || holds(&record.actor.to_string()))
    }

    fn address(&self, before: u64) -> String {
        format!("/journal?area={}&text={}&before={before}", encoded(&self.area), encoded(&self.text))
    }
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Journal, "Journal", "/journal")?;
    let (size, root) = state.engine.head();
    let end = wanted.before.unwrap_or(size).min(size);
    let (mut facts, mut low) = (Vec::new(), end);
    while facts.len() < FACTS_MAX && low > end.saturating_sub(SEARCHED_MAX) && low > 0 {
        let from = low.saturating_sub(500);
        let limit = u32::try_from(low - from).unwrap_or(u32::MAX);
        let read = state.engine.facts(&session.actor(), Seq(from), limit).await.map_err(stop(&chrome))?;
        facts.extend(read.into_iter().rev().filter(|record| record.seq.0 < low && wanted.takes(record)));
        low = from;
    }
    facts.truncate(FACTS_MAX);
    let last = if facts.len() == FACTS_MAX { facts.last().map_or(0, |record| record.seq.0) } else { low };
    let looked = end - last;
    let narrowed = !wanted.area.is_empty() || !wanted.text.is_empty();
    Ok(html(&JournalPage {
        facts: facts.iter().map(row).collect(),
        size,
        root: root.short(),
        older: (last > 0).then(|| wanted.address(last)),
        newer: wanted.before.map(|_| "/journal".to_owned()),
        searched: narrowed.then(|| format!("looked at {looked} facts")),
        area: wanted.area,
        text: wanted.text,
        areas: AREAS.to_vec(),
        chrome,
    }))
}

/// A body as text; `None` when it was erased.
fn body(record: &Record) -> Option<&str> {
    match &record.body {
        Body::Kept { json, .. } => std::str::from_utf8(json).ok(),
        Body::Erased { .. } => None,
    }
}

fn row(record: &Record) -> FactRow {
    let text = body(record).unwrap_or("erased");
    let cut: String = text.chars().take(BODY_CHARS_MAX).collect();
    FactRow {
        seq: record.seq.0,
        at: record.at,
        area: record.area.to_string(),
        stream: record.stream.to_string(),
        kind: record.kind.to_string(),
        actor: record.actor.to_string(),
        body: if cut.len() < text.len() { cut + "…" } else { cut },
        sensitivity: (record.sensitivity > Sensitivity::Internal).then(|| record.sensitivity.as_str()),
    }
}

async fn fact(State(state): State<AppState>, Reader(session): Reader, Path(seq): Path<u64>) -> Screen {
    let (chrome, session) =
        frame(&state, session.as_ref(), Tab::Journal, &format!("Fact {seq}"), &format!("/journal/{seq}"))?;
    let proof = state.engine.fact_proof(&session.actor(), Seq(seq)).await.map_err(stop(&chrome))?;
    let Proof { record, leaf, root, proof, verifier } =
        proof.ok_or_else(|| missing(&chrome, format!("The journal has no fact {seq} yet")))?;
    let (size, _) = state.engine.head();
    let pretty = body(&record).map(|text| match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => format!("{value:#}"),
        Err(_) => text.to_owned(),
    });
    Ok(html(&FactPage {
        row: row(&record),
        version: record.version,
        policy: record.policy.to_string(),
        cause: record.cause.map(|cause| cause.0),
        body: pretty,
        leaf: leaf.to_string(),
        path: proof.path.iter().map(|hash| STANDARD.encode(hash)).collect(),
        root: root.to_string(),
        size,
        checkpoint: proof.checkpoint.clone(),
        proof: proof.to_string(),
        verifier,
        about: about(&record),
        before: seq.checked_sub(1),
        after: (seq + 1 < size).then_some(seq + 1),
        chrome,
    }))
}

/// The screen that shows what a fact is about.
fn about(record: &Record) -> Option<Named> {
    let stream = &*record.stream;
    if let Some(number) = stream.strip_prefix("INC-") {
        return Some(Named::new(format!("/incidents/{number}"), stream));
    }
    stream.strip_prefix("page-").map(|number| Named::new(format!("/pages/{number}"), format!("Page {number}")))
}

async fn proof(State(state): State<AppState>, Reader(session): Reader, Path(seq): Path<u64>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Journal, "Proof", &format!("/journal/{seq}"))?;
    let proof = state.engine.fact_proof(&session.actor(), Seq(seq)).await.map_err(stop(&chrome))?;
    let proof = proof.ok_or_else(|| missing(&chrome, format!("The journal has no fact {seq} yet")))?;
    let name = format!("attachment; filename=\"fact-{seq}.tlog-proof\"");
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, proof.proof.to_string()).into_response())
}
