//! Silences, as `amtool silence` writes, reads and ends them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use alerts::{Silence, SilenceId, SilenceStatus};
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Read, World};
use kernel::matcher::Comparison;
use kernel::{Matcher, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Said;
use super::query::Wanted;
use crate::doors::body::{self, Whole};
use crate::doors::caller::Program;
use crate::doors::list::{self, Piece};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many silences are looked at before the world is let go for a moment.
const SILENCES_AT_ONCE: usize = 50;
/// The largest silence, in bytes.
const SILENCE_BYTES_MAX: usize = 256 * 1024;

/// A silence as a client posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostedSilence {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<WireMatcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    created_by: String,
    comment: String,
}

/// A matcher as clients write and read it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

impl WireMatcher {
    fn matcher(&self) -> Result<Matcher, Problem> {
        let comparison = match (self.is_regex, self.is_equal) {
            (false, true) => Comparison::Equal,
            (false, false) => Comparison::NotEqual,
            (true, true) => Comparison::Matches,
            (true, false) => Comparison::NotMatches,
        };
        if self.name.is_empty() {
            return Err(Problem::bad("matchers: a matcher has no name").field("matchers"));
        }
        Matcher::new(&self.name, comparison, &self.value)
            .map_err(|error| Problem::bad(format!("matchers.{}: {error}", self.name)).field("matchers"))
    }

    fn of(matcher: &Matcher) -> Self {
        let comparison = matcher.comparison();
        Self {
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
            is_regex: matches!(comparison, Comparison::Matches | Comparison::NotMatches),
            is_equal: matches!(comparison, Comparison::Equal | Comparison::Matches),
        }
    }
}

pub(super) async fn post(
    State(state): State<AppState>,
    Program(actor): Program,
    Whole(bytes): Whole<SILENCE_BYTES_MAX>,
) -> Result<Json<Value>, Said> {
    let posted: PostedSilence = body::json(&bytes)?;
    let matchers = posted.matchers.iter().map(WireMatcher::matcher).collect::<Result<Vec<_>, _>>()?;
    let command = alerts::Command::CreateSilence {
        matchers,
        starts_at: posted.starts_at,
        ends_at: posted.ends_at,
        created_by: posted.created_by,
        comment: posted.comment,
        replaces: posted.id.filter(|id| !id.is_empty()).map(|id| SilenceId(id.into())),
    };
    let facts = state.engine.ask(&actor, command).await.map_err(as_alertmanager)?;
    let id = facts.iter().find_map(|fact| match &fact.event {
        engine::Event::Alerts(alerts::Event::SilenceCreated { id, .. }) => Some(id.to_string()),
        _ => None,
    });
    let id = id.ok_or_else(|| Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "the silence was not written"))?;
    Ok(Json(json!({ "silenceID": id })))
}

/// Alertmanager answers a silence that breaks a rule with 400.
fn as_alertmanager(error: engine::Error) -> Problem {
    let problem = Problem::from(error);
    if problem.status != StatusCode::UNPROCESSABLE_ENTITY {
        return problem;
    }
    let named = problem.field.as_ref().map_or_else(String::new, |field| format!("{field}: "));
    Problem { status: StatusCode::BAD_REQUEST, message: format!("{named}{}", problem.message), ..problem }
}

fn got(silence: &Silence, now: Timestamp) -> Value {
    let state = match silence.status(now) {
        SilenceStatus::Pending => "pending",
        SilenceStatus::Active => "active",
        SilenceStatus::Expired => "expired",
    };
    json!({
        "id": silence.id.to_string(),
        "status": { "state": state },
        "updatedAt": silence.updated_at,
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "startsAt": silence.starts_at,
        "endsAt": silence.ends_at,
        "matchers": silence.matchers.iter().map(WireMatcher::of).collect::<Vec<_>>(),
    })
}

/// Whether a silence is one that a filter looks for: its matchers' values are taken for labels, as Alertmanager does.
fn meets(silence: &Silence, filter: &[Matcher]) -> bool {
    let values: BTreeMap<&str, &str> = silence.matchers.iter().map(|own| (own.name(), own.value())).collect();
    filter.iter().all(|matcher| {
        let value = values.get(matcher.name());
        let negative = matches!(matcher.comparison(), Comparison::NotEqual | Comparison::NotMatches);
        (matcher.value().is_empty() && value.is_some() == negative)
            || matcher.accepts(value.copied().unwrap_or_default())
    })
}

/// Active ones first, the next to end at the top; then those to come; then those that are over, the latest at the top.
fn order(silence: &Silence, now: Timestamp) -> (u8, Timestamp, Reverse<Timestamp>) {
    match silence.status(now) {
        SilenceStatus::Active => (0, silence.ends_at, Reverse(now)),
        SilenceStatus::Pending => (1, silence.starts_at, Reverse(now)),
        SilenceStatus::Expired => (2, now, Reverse(silence.ends_at)),
    }
}

pub(super) async fn list(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Response, Said> {
    let (wanted, now) = (Wanted::parse(query.as_deref())?, state.engine.now());
    let mut found: Vec<_> = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let met = world.alerts.silences().filter(|silence| meets(silence, &wanted.filter));
        met.map(|silence| (order(silence, now), silence.id.clone())).collect()
    })?;
    found.sort_unstable();
    let fill = move |world: &World, cursor: u32, piece: &mut Piece| {
        let (done, next) = (cursor as usize, cursor as usize + SILENCES_AT_ONCE);
        let ids = found.get(done..).unwrap_or_default().iter().take(SILENCES_AT_ONCE);
        let silences = ids.filter_map(|(_, id)| world.alerts.silence(id));
        silences.for_each(|silence| piece.push(&got(silence, now)));
        u32::try_from(next).ok().filter(|_| next < found.len())
    };
    Ok(list::answer(state, actor, Read::of("alerts:read"), fill)?)
}

pub(super) async fn one(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Json<Value>, Said> {
    let (id, now) = (SilenceId(id.into()), state.engine.now());
    let found = state
        .engine
        .read(&actor, Read::of("alerts:read"), |world| world.alerts.silence(&id).map(|silence| got(silence, now)))?;
    Ok(found.map(Json).ok_or_else(|| Problem::missing(format!("silence {id} is not known")))?)
}

pub(super) async fn delete(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<(), Said> {
    state.engine.ask(&actor, alerts::Command::ExpireSilence { id: SilenceId(id.into()) }).await?;
    Ok(())
}
