//! Our own JSON API, `/api/v1`: every command and every read of the rooms, in our own words. A command answers with the facts
//! that it made, its own first; a refusal answers as [`crate::doors::reply::Problem`].

mod alerts;
mod comms;
mod incidents;
mod journal;
mod learning;

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::get;
use axum::{Json, Router};
use engine::{Command, Fact, Read};
use kernel::Actor;
use kernel::area::EventMeta as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What a command answers: the facts that it made.
pub(crate) type Made = Result<Json<Value>, Problem>;

/// All of `/api/v1`.
pub fn router() -> Router<AppState> {
    let routes = Router::new()
        .route("/now", get(now))
        .merge(alerts::router())
        .merge(incidents::router())
        .merge(comms::router())
        .merge(learning::router())
        .merge(journal::router());
    Router::new().nest("/api/v1", routes).layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// A fact as this API tells it.
#[derive(Debug, Serialize)]
struct Told {
    seq: u64,
    kind: &'static str,
    stream: String,
}

/// Asks for something and answers with the facts that it made.
pub(crate) async fn ask(state: &AppState, actor: &Actor, command: impl Into<Command>) -> Made {
    let facts = state.engine.ask(actor, command).await?;
    Ok(Json(json!({ "facts": told(&facts) })))
}

/// Facts as this API tells them.
pub(crate) fn told(facts: &[Fact]) -> Value {
    let told = facts.iter().map(|fact| Told {
        seq: fact.seq.0,
        kind: fact.event.kind(),
        stream: fact.event.stream().0.into(),
    });
    serde_json::to_value(told.collect::<Vec<_>>()).unwrap_or_default()
}

/// A field of a request, read as one of our words.
///
/// # Errors
/// 422, naming the field.
pub(crate) fn word<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    let wrong =
        |error: T::Err| Problem::of(axum::http::StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).field(field);
    text.parse().map_err(wrong)
}

/// What fires, who is paged, who is on call, which incidents are open.
async fn now(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Value>, Problem> {
    let instant = state.engine.now();
    let shown = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let incidents: Vec<_> =
            world.incidents.list().into_iter().filter(|i| i.is_open()).map(incidents::brief).collect();
        json!({
            "at": instant,
            "pages": world.alerts.open_pages().map(alerts::page_brief).collect::<Vec<_>>(),
            "incidents": incidents,
            "oncall": alerts::on_call(world, instant),
        })
    })?;
    Ok(Json(shown))
}
