//! Rules replayed over the samples at hand: begun, looked at, ended.

use axum::Json;
use axum::extract::State;
use engine::backtests::{Backtest, Found, Stage};
use kernel::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use signals::backtest::RuleReport;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::input::{Id, Input, missing};
use crate::backtests::{Given, NotBegun, begin};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How far back is looked when nothing is said.
const HISTORY: Seconds = Seconds::hours(72);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_backtests, start_backtest))
        .routes(routes!(show_backtest))
        .routes(routes!(cancel_backtest))
}

/// What is to be replayed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartBody {
    /// A rule file in Prometheus' form.
    rules: String,
    /// Another one, replayed over the same time and compared.
    #[serde(default)]
    compare: String,
    /// How far back to begin, such as `24h`; `72h` when absent. It begins no earlier than there are samples.
    #[schema(value_type = Option<String>)]
    history: Option<Seconds>,
}

/// A backtest.
#[derive(Debug, Serialize, ToSchema)]
struct BacktestBody {
    /// Its number since the start of the server.
    id: u64,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Who asked for it.
    by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    asked: Timestamp,
    /// The first instant that is replayed.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// The last.
    #[schema(value_type = String, format = DateTime)]
    end: Timestamp,
    /// How much of it is done, from 0 to 1.
    done: f64,
    /// Why it failed; empty where it did not.
    why: String,
    /// What each rule would have done, in short; empty until it is done.
    rules: Vec<RuleBody>,
}

/// A backtest with everything that it found.
#[derive(Debug, Serialize, ToSchema)]
struct WholeBody {
    /// The backtest.
    #[serde(flatten)]
    backtest: BacktestBody,
    /// All that is known, as `rules backtest --json` prints it: `report`, `other`, `comparison`; null until it is done.
    #[schema(value_type = Option<Object>)]
    found: Option<Value>,
}

/// What a rule would have done.
#[derive(Debug, Serialize, ToSchema)]
struct RuleBody {
    /// Its group.
    group: String,
    /// Its name.
    rule: String,
    /// How often it fired.
    firings: usize,
    /// How many pages that makes.
    pages: usize,
    /// The share of firings that were over within five minutes, from 0 to 1.
    short_share: Option<f64>,
    /// How often an alert came back soon after it was over.
    flaps: usize,
    /// How many incidents it catches.
    caught: usize,
    /// How many it misses.
    missed: usize,
    /// What to change and why; empty where nothing better was found.
    suggestion: String,
}

impl From<&RuleReport> for RuleBody {
    fn from(rule: &RuleReport) -> Self {
        let caught = rule.incidents.iter().filter(|judged| judged.raised.is_some()).count();
        Self {
            group: rule.group.clone(),
            rule: rule.rule.clone(),
            firings: rule.firings,
            pages: rule.pages,
            short_share: rule.durations.short_share,
            flaps: rule.flaps,
            caught,
            missed: rule.incidents.len().saturating_sub(caught),
            suggestion: rule.suggestion.as_ref().map(|one| one.reason.clone()).unwrap_or_default(),
        }
    }
}

impl From<&Backtest> for BacktestBody {
    fn from(backtest: &Backtest) -> Self {
        let (state, done, why) = match &backtest.stage {
            Stage::Waiting => ("waiting", 0.0, String::new()),
            Stage::Running(progress) => ("running", progress.share(), String::new()),
            Stage::Done(_) => ("done", 1.0, String::new()),
            Stage::Failed(why) => ("failed", 1.0, why.clone()),
            Stage::Cancelled => ("cancelled", 1.0, String::new()),
        };
        let rules = match &backtest.stage {
            Stage::Done(found) => found.report.rules.iter().map(RuleBody::from).collect(),
            _ => Vec::new(),
        };
        let instant = |at| Timestamp::from_millisecond(at).unwrap_or_default();
        Self {
            id: backtest.id,
            state,
            by: backtest.by.to_string(),
            asked: backtest.asked,
            start: instant(backtest.wanted.start),
            end: instant(backtest.wanted.end),
            done,
            why,
            rules,
        }
    }
}

impl From<&Backtest> for WholeBody {
    fn from(backtest: &Backtest) -> Self {
        let whole = |found: &Found| serde_json::json!({ "report": found.report, "other": found.other, "comparison": found.comparison });
        let found = match &backtest.stage {
            Stage::Done(found) => Some(whole(found)),
            _ => None,
        };
        Self { backtest: backtest.into(), found }
    }
}

/// List the backtests that are remembered, the newest first.
#[utoipa::path(get, path = "/backtests", tag = "signals",
    responses((status = 200, body = Vec<BacktestBody>), Problems))]
async fn list_backtests(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Result<Json<Vec<BacktestBody>>, Problem> {
    Ok(Json(state.backtests.list(&actor)?.iter().map(BacktestBody::from).collect()))
}

/// Replay rules over the samples at hand. It runs in the background: ask for it by its number.
#[utoipa::path(post, path = "/backtests", tag = "signals", request_body = StartBody,
    responses((status = 200, body = BacktestBody), Problems))]
async fn start_backtest(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Input(body): Input<StartBody>,
) -> Result<Json<BacktestBody>, Problem> {
    let given = Given { rules: &body.rules, compare: &body.compare, history: body.history.unwrap_or(HISTORY) };
    let id = begin(&state, &actor, given).map_err(|error| match error {
        NotBegun::Wrong(field, message) => {
            Problem::of(axum::http::StatusCode::UNPROCESSABLE_ENTITY, message).field(field)
        }
        NotBegun::Engine(error) => error.into(),
    })?;
    found(&state, &actor, id, |backtest| Json(backtest.into()))
}

/// Show a backtest.
#[utoipa::path(get, path = "/backtests/{backtest}", tag = "signals", params(("backtest" = u64, Path)),
    responses((status = 200, body = WholeBody), Problems))]
async fn show_backtest(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<u64>,
) -> Result<Json<WholeBody>, Problem> {
    found(&state, &actor, id, |backtest| Json(backtest.into()))
}

/// End a backtest of one's own.
#[utoipa::path(post, path = "/backtests/{backtest}/cancel", tag = "signals", params(("backtest" = u64, Path)),
    responses((status = 200, body = BacktestBody), Problems))]
async fn cancel_backtest(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<u64>,
) -> Result<Json<BacktestBody>, Problem> {
    state.backtests.cancel(&actor, id)?;
    found(&state, &actor, id, |backtest| Json(backtest.into()))
}

fn found<T>(state: &AppState, actor: &kernel::Actor, id: u64, told: impl Fn(&Backtest) -> T) -> Result<T, Problem> {
    let known = state.backtests.get(actor, id)?;
    known.as_ref().map(told).ok_or_else(|| missing(format!("backtest {id}")))
}
