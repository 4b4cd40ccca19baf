//! Updates for customers: drafted, written anew, published or put away; and what the status page says now.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use comms::{Command, ComponentStatus, Finding, Notice, NoticeId, Phase, Stage, Update, UpdateId};
use engine::{Event, Read};
use kernel::{Actor, ComponentName, IncidentId, Seconds, Sensitivity, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::{Done, Made, Problems, ask, made};
use super::incidents::act::WhyBody;
use super::input::{Id, Input, maybe_worded, missing, worded};
use crate::doors::reply::Problem;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_updates, draft_update))
        .routes(routes!(show_update, revise_update))
        .routes(routes!(publish_update))
        .routes(routes!(discard_update))
        .routes(routes!(reopen_notice))
        .routes(routes!(show_status))
}

/// An update with the notice that it belongs to.
#[derive(Debug, Serialize, ToSchema)]
struct UpdateBody {
    /// Its number.
    update: u32,
    /// The notice that it belongs to, such as `N-7`.
    notice: String,
    /// The incident that it tells of.
    incident: Option<String>,
    /// `draft`, `published` or `discarded`.
    state: &'static str,
    /// How often it was written anew.
    revision: u32,
    /// The notice's title, for customers.
    title: String,
    /// investigating, identified, monitoring, resolved or postmortem.
    stage: &'static str,
    /// What customers are told.
    text: String,
    /// How well components do, by name.
    components: BTreeMap<String, &'static str>,
    /// When it was published.
    #[schema(value_type = Option<String>, format = DateTime)]
    published_at: Option<Timestamp>,
    /// What to think over before it goes out.
    findings: Vec<FindingBody>,
}

/// Something to think over.
#[derive(Debug, Serialize, ToSchema)]
struct FindingBody {
    /// Where in the text, in bytes from its start.
    at: usize,
    /// Which rule of plain language.
    #[schema(value_type = String)]
    rule: comms::LintRule,
    /// What to do about it.
    hint: String,
}

impl From<Finding> for FindingBody {
    fn from(finding: Finding) -> Self {
        Self { at: finding.at, rule: finding.rule, hint: finding.hint }
    }
}

fn body(notice: &Notice, update: &Update) -> UpdateBody {
    let wording = &update.wording;
    let (state, published_at) = match update.phase {
        Phase::Draft => ("draft", None),
        Phase::Published { at, .. } => ("published", Some(at)),
        Phase::Discarded => ("discarded", None),
    };
    UpdateBody {
        update: update.id.0,
        notice: notice.id.to_string(),
        incident: notice.incident.map(|incident| incident.to_string()),
        state,
        revision: update.revision,
        title: wording.title.clone(),
        stage: wording.stage.as_str(),
        text: wording.text.clone(),
        components: wording.components.iter().map(|(name, status)| (name.to_string(), status.as_str())).collect(),
        published_at,
        findings: comms::lint_update(wording).into_iter().map(FindingBody::from).collect(),
    }
}

/// Who may read an update: everybody once it is published.
fn label(update: &Update) -> Sensitivity {
    match update.phase {
        Phase::Published { .. } => Sensitivity::Public,
        Phase::Draft | Phase::Discarded => update.sensitivity,
    }
}

/// List updates, drafts included: those of the newest notice first.
#[utoipa::path(get, path = "/updates", tag = "updates", responses((status = 200, body = Vec<UpdateBody>), Problems))]
async fn list_updates(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<UpdateBody>>, Problem> {
    let reach = state.engine.reach(&actor, "comms:read");
    let updates = state.engine.read(&actor, Read::of("comms:read"), |world| {
        let of = |notice: &'_ Notice| {
            let shown = notice.updates.iter().rev().filter(|u| reach.shows(&u.id.to_string(), label(u)));
            shown.map(|update| body(notice, update)).collect::<Vec<_>>()
        };
        world.comms.notices().flat_map(of).collect()
    })?;
    Ok(Json(updates))
}

/// Show an update.
#[utoipa::path(get, path = "/updates/{update}", tag = "updates", params(("update" = String, Path)),
    responses((status = 200, body = UpdateBody), Problems))]
async fn show_update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<UpdateId>,
) -> Result<Json<UpdateBody>, Problem> {
    let found = state.engine.read(&actor, Read::of("comms:read"), |world| {
        world.comms.update(id).map(|(notice, update)| (body(notice, update), label(update)))
    })?;
    let (body, label) = found.ok_or_else(|| missing(format!("update {id}")))?;
    state.engine.may(&actor, Read::one("comms:read", &id.to_string(), label))?;
    Ok(Json(body))
}

/// An update that somebody writes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// The notice that goes on, such as `N-7`.
    #[serde(default, deserialize_with = "maybe_worded")]
    #[schema(value_type = Option<String>)]
    notice: Option<NoticeId>,
    /// The incident that it tells of, such as `INC-42`.
    #[serde(default, deserialize_with = "maybe_worded")]
    #[schema(value_type = Option<String>)]
    incident: Option<IncidentId>,
    /// The notice's title, for customers.
    title: String,
    /// investigating, identified, monitoring, resolved or postmortem.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    stage: Stage,
    /// What customers are told.
    text: String,
    /// How well components do; those that are not named stay as the notice has them.
    #[serde(default)]
    components: Vec<ComponentBody>,
    /// How long after its publication the next update is promised, such as `30m`.
    #[schema(value_type = Option<String>)]
    next_update_in: Option<Seconds>,
    /// Who may read the draft: internal, when absent.
    #[serde(default)]
    #[schema(value_type = String)]
    sensitivity: Sensitivity,
}

/// How well a component does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ComponentBody {
    /// Which component.
    #[schema(value_type = String)]
    component: ComponentName,
    /// operational, under_maintenance, degraded_performance, partial_outage or major_outage.
    #[serde(deserialize_with = "worded")]
    #[schema(value_type = String)]
    status: ComponentStatus,
}

fn pairs(components: Vec<ComponentBody>) -> Vec<(ComponentName, ComponentStatus)> {
    components.into_iter().map(|said| (said.component, said.status)).collect()
}

/// An update that was drafted.
#[derive(Debug, Serialize, ToSchema)]
struct Drafted {
    /// Its number.
    update: Option<u32>,
    /// The facts that it made.
    facts: Vec<Made>,
}

/// Draft an update; nobody outside sees it.
#[utoipa::path(post, path = "/updates", tag = "updates", request_body = Written,
    responses((status = 200, body = Drafted), Problems))]
async fn draft_update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(new): Input<Written>,
) -> Result<Json<Drafted>, Problem> {
    let command = Command::Draft {
        notice: new.notice,
        incident: new.incident,
        title: new.title,
        stage: new.stage,
        text: new.text,
        components: pairs(new.components),
        next_update_in: new.next_update_in,
        sensitivity: new.sensitivity,
    };
    let facts = state.engine.ask(&actor, command).await?;
    let update = facts.iter().find_map(|fact| match &fact.event {
        Event::Comms(comms::Event::UpdateDrafted { update, .. }) => Some(update.0),
        _ => None,
    });
    Ok(Json(Drafted { update, facts: made(&facts) }))
}

/// Write a draft anew.
#[utoipa::path(put, path = "/updates/{update}", tag = "updates", params(("update" = String, Path)),
    request_body = Written, responses((status = 200, body = Done), Problems))]
async fn revise_update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(update): Id<UpdateId>,
    Input(new): Input<Written>,
) -> Result<Json<Done>, Problem> {
    let Written { title, stage, text, next_update_in, .. } = new;
    let components = pairs(new.components);
    ask(&state, &actor, Command::Revise { update, title, stage, text, components, next_update_in }).await
}

/// What the publisher has read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishBody {
    /// The revision; whatever is there is published, when absent.
    revision: Option<u32>,
}

/// Make a draft public.
#[utoipa::path(post, path = "/updates/{update}/publish", tag = "updates", params(("update" = String, Path)),
    request_body = PublishBody, responses((status = 200, body = Done), Problems))]
async fn publish_update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(update): Id<UpdateId>,
    Input(PublishBody { revision }): Input<PublishBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Publish { update, revision }).await
}

/// Put a draft away.
#[utoipa::path(post, path = "/updates/{update}/discard", tag = "updates", params(("update" = String, Path)),
    responses((status = 200, body = Done), Problems))]
async fn discard_update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(update): Id<UpdateId>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Discard { update }).await
}

/// Say that the trouble of a resolved notice is back.
#[utoipa::path(post, path = "/notices/{notice}/reopen", tag = "updates", params(("notice" = String, Path)),
    request_body = WhyBody, responses((status = 200, body = Done), Problems))]
async fn reopen_notice(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(notice): Id<NoticeId>,
    Input(WhyBody { why }): Input<WhyBody>,
) -> Result<Json<Done>, Problem> {
    ask(&state, &actor, Command::Reopen { notice, why }).await
}

/// What the status page says now.
#[derive(Debug, Serialize, ToSchema)]
struct StatusBody {
    /// The whole in one sentence.
    says: &'static str,
    /// How well each component does, by name.
    components: BTreeMap<String, &'static str>,
    /// The notices that are not over.
    open_notices: Vec<String>,
}

/// Say what the status page says. Needs no token.
#[utoipa::path(get, path = "/status", tag = "updates", security(()),
    responses((status = 200, body = StatusBody), (status = 503, body = super::fact::ProblemBody)))]
async fn show_status(State(state): State<AppState>) -> Result<Json<StatusBody>, Problem> {
    let what = Read::one("status:read", "", Sensitivity::Public);
    let told = state.engine.read(&Actor::Anonymous, what, |world| StatusBody {
        says: world.comms.overall(&world.book).sentence(),
        components: world
            .comms
            .components(&world.book)
            .iter()
            .map(|now| (now.component.name.to_string(), now.status.as_str()))
            .collect(),
        open_notices: world
            .comms
            .public()
            .filter(|notice| notice.resolved_at.is_none())
            .map(|notice| notice.title.to_owned())
            .collect(),
    })?;
    Ok(Json(told))
}
