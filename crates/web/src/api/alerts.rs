//! Alerts, pages, silences, and who is on call.

use alerts::{AlertView, Command, Page, PageId, SilenceId, SilenceStatus, oncall};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::{Read, World};
use kernel::{Fingerprint, Matcher, Seconds, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Made, ask, word};
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::doors::{body, list};
use crate::state::AppState;

/// How many alerts are looked at before the world is let go for a moment.
const ALERTS_AT_ONCE: usize = 500;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/alerts", get(alerts))
        .route("/alerts/{alert}/why", get(why))
        .route("/alerts/{alert}/acknowledge", post(acknowledge_alert))
        .route("/alerts/{alert}/resolve", post(resolve))
        .route("/pages", get(pages))
        .route("/pages/{page}", get(page))
        .route("/pages/{page}/acknowledge", post(acknowledge))
        .route("/silences", get(silences).post(silence))
        .route("/silences/{id}/expire", post(expire))
        .route("/oncall", get(on_call_now))
}

fn alert(view: &AlertView<'_>) -> Value {
    json!({
        "fingerprint": view.fingerprint(), "labels": view.labels(), "annotations": view.annotations(),
        "starts_at": view.starts_at(), "ends_at": view.ends_at(), "source": view.source(),
        "state": if view.muted().is_some() { "muted" } else { "firing" },
        "muted_because": view.muted().map(engine::react::muted_because),
    })
}

async fn alerts(State(state): State<AppState>, Program(actor): Program) -> Result<Response, Problem> {
    list::answer(state, actor, Read::of("alerts:read"), |world, cursor, piece| {
        let (views, next) = world.alerts.alerts_from(cursor, ALERTS_AT_ONCE);
        views.iter().for_each(|view| piece.push(&alert(view)));
        next
    })
}

async fn why(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let alert: Fingerprint = word("alert", &id)?;
    let stages = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let stages = world.alerts.why(&world.book, alert);
        stages
            .iter()
            .map(|stage| json!({ "stage": stage.stage, "at": stage.at, "said": stage.said }))
            .collect::<Vec<_>>()
    })?;
    Ok(Json(json!({ "alert": alert, "stages": stages })))
}

#[derive(Debug, Default, Deserialize)]
struct Note {
    #[serde(default)]
    note: String,
}

fn note(bytes: &Bytes) -> Result<String, Problem> {
    if bytes.is_empty() { Ok(String::new()) } else { body::json::<Note>(bytes).map(|note| note.note) }
}

async fn acknowledge_alert(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Made {
    ask(&state, &actor, Command::AcknowledgeAlert { alert: word("alert", &id)?, note: note(&bytes)? }).await
}

async fn resolve(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>, bytes: Bytes) -> Made {
    ask(&state, &actor, Command::Resolve { alert: word("alert", &id)?, note: note(&bytes)? }).await
}

/// A page in one line.
pub(super) fn page_brief(page: &Page) -> Value {
    let state = match (page.is_open(), page.is_acknowledged()) {
        (false, _) => "closed",
        (true, true) => "acknowledged",
        (true, false) => "paging",
    };
    json!({ "page": page.id, "title": page.title, "severity": page.severity, "service": page.service, "state": state })
}

async fn pages(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let open =
        state.engine.read(&actor, Read::of("alerts:read"), |w| w.alerts.open_pages().map(page_brief).collect())?;
    Ok(Json(open))
}

async fn page(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<u64>,
) -> Result<Json<Value>, Problem> {
    let shown = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.alerts.page(PageId(id)).map(|page| json!({ "brief": page_brief(page), "page": page }))
    })?;
    shown.map(Json).ok_or_else(|| Problem::missing(format!("there is no page {id}")))
}

async fn acknowledge(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<u64>,
    bytes: Bytes,
) -> Made {
    ask(&state, &actor, Command::Acknowledge { page: PageId(id), note: note(&bytes)? }).await
}

async fn silences(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let now = state.engine.now();
    let row = |silence: &alerts::Silence| {
        let state = match silence.status(now) {
            SilenceStatus::Pending => "pending",
            SilenceStatus::Active => "active",
            SilenceStatus::Expired => "expired",
        };
        json!({
            "id": silence.id.to_string(), "state": state, "matchers": silence.matchers, "starts_at": silence.starts_at,
            "ends_at": silence.ends_at, "comment": silence.comment, "created_by": silence.created_by,
        })
    };
    let all = state.engine.read(&actor, Read::of("alerts:read"), |world| world.alerts.silences().map(row).collect())?;
    Ok(Json(all))
}

#[derive(Debug, Deserialize)]
struct NewSilence {
    matchers: Vec<Matcher>,
    lasts: Seconds,
    comment: String,
}

async fn silence(State(state): State<AppState>, Program(actor): Program, bytes: Bytes) -> Made {
    let NewSilence { matchers, lasts, comment } = body::json(&bytes)?;
    let starts_at = state.engine.now();
    let ends_at = lasts.after(starts_at);
    let created_by = String::new();
    ask(&state, &actor, Command::CreateSilence { matchers, starts_at, ends_at, created_by, comment, replaces: None })
        .await
}

async fn expire(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>) -> Made {
    ask(&state, &actor, Command::ExpireSilence { id: SilenceId(id.into()) }).await
}

/// Who is on call for each schedule.
pub(super) fn on_call(world: &World, at: Timestamp) -> Vec<Value> {
    let row = |(name, schedule): (&kernel::ScheduleName, &kernel::book::Schedule)| {
        let duty = oncall::on_call(schedule, world.alerts.overrides(name), at);
        json!({
            "schedule": name, "person": duty.as_ref().map(|duty| &duty.person),
            "since": duty.as_ref().map(|duty| duty.since), "until": duty.as_ref().map(|duty| duty.until),
        })
    };
    world.book.schedules.iter().map(row).collect()
}

async fn on_call_now(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let now = state.engine.now();
    let rows = state.engine.read(&actor, Read::of("alerts:read"), |world| on_call(world, now))?;
    Ok(Json(rows))
}
