//! Reviews: list, show, write, add actions, publish, export.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::Read;
use jiff::civil::Date;
use kernel::PersonName;
use learning::{ActionKind, Command, Review, ReviewId, Section};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Made, ask, word};
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/reviews", get(list))
        .route("/reviews/{review}", get(show))
        .route("/reviews/{review}/markdown", get(markdown))
        .route("/reviews/{review}/sections/{section}", post(write))
        .route("/reviews/{review}/actions", post(add_action))
        .route("/reviews/{review}/actions/{action}/complete", post(complete))
        .route("/reviews/{review}/publish", post(publish))
}

fn brief(review: &Review) -> Value {
    let state = match (review.is_published(), review.changed) {
        (false, _) => "draft",
        (true, false) => "published",
        (true, true) => "published, changed since",
    };
    json!({
        "review": review.id.0, "incident": review.source.incident.to_string(), "title": review.source.title,
        "state": state, "opened_at": review.opened_at,
    })
}

fn whole(review: &Review) -> Value {
    let section = |section: &Section| json!({ "section": section, "revision": review.revision(*section), "text": review.section(*section) });
    let mut shown = brief(review);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("sections".into(), Section::ALL.iter().map(section).collect());
        fields.insert("actions".into(), json!(review.actions));
        fields.insert("source".into(), json!(review.source));
    }
    shown
}

async fn list(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<Value>>, Problem> {
    let all =
        state.engine.read(&actor, Read::of("learning:read"), |world| world.learning.reviews().map(brief).collect())?;
    Ok(Json(all))
}

async fn show(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let review: ReviewId = word("review", &id)?;
    let shown =
        state.engine.read(&actor, Read::of("learning:read"), |world| world.learning.review(review).map(whole))?;
    shown.map(Json).ok_or_else(|| Problem::missing(format!("there is no review {review}")))
}

async fn markdown(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let review: ReviewId = word("review", &id)?;
    let text =
        state.engine.read(&actor, Read::of("learning:read"), |w| w.learning.review(review).map(learning::markdown))?;
    let text = text.ok_or_else(|| Problem::missing(format!("there is no review {review}")))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

#[derive(Debug, Deserialize)]
struct Words {
    text: String,
    revision: u32,
}

async fn write(
    State(state): State<AppState>,
    Program(actor): Program,
    Path((id, section)): Path<(String, String)>,
    bytes: Bytes,
) -> Made {
    let Words { text, revision } = body::json(&bytes)?;
    let (review, section) = (word("review", &id)?, word("section", &section)?);
    ask(&state, &actor, Command::Edit { review, section, text, revision }).await
}

#[derive(Debug, Deserialize)]
struct NewAction {
    title: String,
    owner: PersonName,
    due: Date,
    kind: ActionKind,
}

async fn add_action(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Made {
    let NewAction { title, owner, due, kind } = body::json(&bytes)?;
    ask(&state, &actor, Command::AddAction { review: word("review", &id)?, title, owner, due, kind }).await
}

#[derive(Debug, Deserialize)]
struct Evidence {
    evidence: String,
}

async fn complete(
    State(state): State<AppState>,
    Program(actor): Program,
    Path((id, action)): Path<(String, u32)>,
    bytes: Bytes,
) -> Made {
    let Evidence { evidence } = body::json(&bytes)?;
    ask(&state, &actor, Command::CompleteAction { review: word("review", &id)?, action, evidence }).await
}

async fn publish(State(state): State<AppState>, Program(actor): Program, Path(id): Path<String>) -> Made {
    ask(&state, &actor, Command::Publish { review: word("review", &id)? }).await
}
