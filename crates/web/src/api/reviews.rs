//! Reviews: list, show, write, add, complete and drop actions, publish, export.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use engine::Read;
use jiff::civil::Date;
use kernel::{PersonName, Timestamp};
use learning::{Action, ActionKind, Command, Moment, Review, ReviewId, Section};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Problems, ask};
use super::incidents::act::WhyBody;
use super::input::{Id, Ids, Input, missing, worded};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_reviews))
        .routes(routes!(show_review))
        .routes(routes!(export_review))
        .routes(routes!(write_section))
        .routes(routes!(add_action))
        .routes(routes!(complete_action))
        .routes(routes!(drop_action))
        .routes(routes!(publish_review))
}

/// A review in one line.
#[derive(Debug, Serialize, ToSchema)]
struct ReviewBody {
    /// Its number.
    review: u32,
    /// The incident that it is about.
    incident: String,
    /// The incident's title.
    title: String,
    /// `draft`, `published`, or `changed` since it was published.
    state: &'static str,
    /// How bad the incident was, P1 to P5.
    severity: &'static str,
    /// When it was drafted.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// When it was last published.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// How many of its actions are neither done nor dropped.
    open_actions: usize,
}

/// A review with its words.
#[derive(Debug, Serialize, ToSchema)]
struct WholeReview {
    /// The review.
    #[serde(flatten)]
    review: ReviewBody,
    /// What people write, in the order in which it is read.
    sections: Vec<SectionBody>,
    /// What is to be done.
    actions: Vec<ActionBody>,
    /// What happened, by role and never by name.
    timeline: Vec<MomentBody>,
}

/// A section.
#[derive(Debug, Serialize, ToSchema)]
struct SectionBody {
    /// Its name, such as `contributing_factors`.
    section: &'static str,
    /// Its heading.
    title: &'static str,
    /// What it says.
    text: String,
    /// How often it was written; whoever writes it names the one that they have read.
    revision: u32,
}

/// Something to be done.
#[derive(Debug, Serialize, ToSchema)]
struct ActionBody {
    /// Its number within the review, from one.
    action: u32,
    /// What is to be done.
    title: String,
    /// Who sees to it.
    owner: String,
    /// Until when.
    #[schema(value_type = String, format = Date)]
    due: Date,
    /// What it is for, such as `prevent`.
    kind: &'static str,
    /// What shows that it is done.
    evidence: Option<String>,
    /// Why it is not done after all.
    dropped_because: Option<String>,
}

/// A moment of the timeline.
#[derive(Debug, Serialize, ToSchema)]
struct MomentBody {
    /// Its fact in the journal.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who, as a role or an area.
    who: String,
    /// What happened.
    text: String,
}

impl From<&Action> for ActionBody {
    fn from(of: &Action) -> Self {
        Self {
            action: of.number,
            title: of.title.clone(),
            owner: of.owner.to_string(),
            due: of.due,
            kind: of.kind.as_str(),
            evidence: of.done.as_ref().map(|(_, evidence)| evidence.clone()),
            dropped_because: of.dropped.as_ref().map(|(_, why)| why.clone()),
        }
    }
}

impl From<&Moment> for MomentBody {
    fn from(of: &Moment) -> Self {
        Self { seq: of.seq.0, at: of.at, who: of.who.clone(), text: of.text.clone() }
    }
}

fn body(review: &Review) -> ReviewBody {
    let state = match (review.is_published(), review.changed) {
        (false, _) => "draft",
        (true, false) => "published",
        (true, true) => "changed",
    };
    ReviewBody {
        review: review.id.0,
        incident: review.source.incident.to_string(),
        title: review.source.title.clone(),
        state,
        severity: review.source.severity.as_str(),
        opened_at: review.opened_at,
        published_at: review.published.as_ref().map(|(at, ..)| *at),
        open_actions: review.actions.iter().filter(|action| action.is_open()).count(),
    }
}

fn whole(review: &Review) -> WholeReview {
    let section = |section: Section| SectionBody {
        section: section.as_str(),
        title: section.title(),
        text: review.section(section).to_owned(),
        revision: review.revision(section),
    };
    WholeReview {
        review: body(review),
        sections: Section::ALL.into_iter().map(section).collect(),
        actions: review.actions.iter().map(ActionBody::from).collect(),
        timeline: review.source.timeline.iter().map(MomentBody::from).collect(),
    }
}

/// List reviews, the newest first.
#[utoipa::path(get, path = "/reviews", tag = "reviews", responses((status = 200, body = Vec<ReviewBody>), Problems))]
async fn list_reviews(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<ReviewBody>>, Problem> {
    let reach = state.engine.reach(&actor, "learning:read");
    let all = state.engine.read(&actor, Read::of("learning:read"), |world| {
        let shown = world.learning.reviews().filter(|review| reach.shows(&review.id.to_string(), review.sensitivity));
        shown.map(body).collect()
    })?;
    Ok(Json(all))
}

/// Reads a review, which is as sensitive as its incident.
fn read<R>(state: &AppState, actor: &kernel::Actor, id: ReviewId, f: impl FnOnce(&Review) -> R) -> Result<R, Problem> {
    let label = state.engine.read(actor, Read::of("learning:read"), |world| world.learning.sensitivity_of(id))?;
    let gone = || missing(format!("review {id}"));
    let what = Read::one("learning:read", &id.to_string(), label.ok_or_else(gone)?);
    state.engine.read(actor, what, |world| world.learning.review(id).map(f))?.ok_or_else(gone)
}

/// Show a review with its words, its actions and its timeline.
#[utoipa::path(get, path = "/reviews/{review}", tag = "reviews", params(("review" = String, Path)),
    responses((status = 200, body = WholeReview), Problems))]
async fn show_review(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<ReviewId>,
) -> Result<Json<WholeReview>, Problem> {
    read(&state, &actor, id, whole).map(Json)
}

/// Export a review as Markdown.
#[utoipa::path(get, path = "/reviews/{review}/markdown", tag = "reviews", params(("review" = String, Path)),
    responses((status = 200, content_type = "text/markdown", body = String), Problems))]
async fn export_review(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<ReviewId>,
) -> Result<Response, Problem> {
    let text = read(&state, &actor, id, learning::markdown)?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// A section that somebody writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewText {
    /// What it says now.
    text: String,
    /// The revision that the writer has read.
    revision: u32,
}

/// Write a section. It is refused over a revision that the writer has not read.
#[utoipa::path(put, path = "/reviews/{review}/sections/{section}", tag = "reviews",
    params(("review" = String, Path), ("section" = String, Path)),
    request_body = NewText, responses((status = 200, body = Done), Problems))]
async fn write_section(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Ids(review, section): Ids<ReviewId, Section>,
    Input(NewText { text, revision }): Input<NewText>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Edit { review, section, text, revision }).await
}

/// An action that somebody asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAction {
    /// What is to be done.
    title: String,
    /// Who sees to it.
    #[schema(value_type = String)]
    owner: PersonName,
    /// Until when, such as `2026-12-24`.
    #[schema(value_type = String, format = Date)]
    due: Date,
    /// What it is for: prevent, detect or mitigate.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    kind: ActionKind,
}

/// Ask for something to be done.
#[utoipa::path(post, path = "/reviews/{review}/actions", tag = "reviews", params(("review" = String, Path)),
    request_body = NewAction, responses((status = 200, body = Done), Problems))]
async fn add_action(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(review): Id<ReviewId>,
    Input(NewAction { title, owner, due, kind }): Input<NewAction>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::AddAction { review, title, owner, due, kind }).await
}

/// What shows that something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EvidenceBody {
    /// A link, a test, a check.
    evidence: String,
}

/// Say that an action is done.
#[utoipa::path(post, path = "/reviews/{review}/actions/{action}/complete", tag = "reviews",
    params(("review" = String, Path), ("action" = u32, Path)),
    request_body = EvidenceBody, responses((status = 200, body = Done), Problems))]
async fn complete_action(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Ids(review, action): Ids<ReviewId, u32>,
    Input(EvidenceBody { evidence }): Input<EvidenceBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::CompleteAction { review, action, evidence }).await
}

/// Say that an action is not done after all.
#[utoipa::path(post, path = "/reviews/{review}/actions/{action}/drop", tag = "reviews",
    params(("review" = String, Path), ("action" = u32, Path)),
    request_body = WhyBody, responses((status = 200, body = Done), Problems))]
async fn drop_action(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Ids(review, action): Ids<ReviewId, u32>,
    Input(WhyBody { why }): Input<WhyBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::DropAction { review, action, why }).await
}

/// Publish a review as it stands.
#[utoipa::path(post, path = "/reviews/{review}/publish", tag = "reviews", params(("review" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn publish_review(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(review): Id<ReviewId>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Publish { review }).await
}
