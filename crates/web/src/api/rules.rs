//! What the rules of the watchbook did: how noisy each was, and how the objectives stand that some are made of.

use axum::Json;
use axum::extract::State;
use engine::noise::RuleNoise;
use kernel::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use signals::noise::{Change, Suggestion};
use signals::slo::{Burn, duration};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::input::{Asked, word};
use crate::doors::reply::Problem;
use crate::noise;
use crate::objectives::{self, Standing};
use crate::state::AppState;

/// How far back firings are counted when nobody says how far: 30 days.
pub const NOISE_SINCE: Seconds = Seconds::hours(30 * 24);
/// How far back one may ask: a year.
pub const NOISE_SINCE_MAX: Seconds = Seconds::hours(366 * 24);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_noise)).routes(routes!(list_slos))
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// Such as `30d` or `12h`; 30 days when absent, at most 366.
    since: Option<String>,
}

/// How noisy the rules were.
#[derive(Debug, Serialize, ToSchema)]
struct NoiseReportBody {
    /// From when on. Later than asked for when there are too many facts since then.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Every alerting rule of the live watchbook's rule files, those that fired most often first.
    rules: Vec<NoiseBody>,
}

/// How noisy a rule was.
#[derive(Debug, Serialize, ToSchema)]
struct NoiseBody {
    /// Its group.
    group: String,
    /// The alert's name.
    rule: String,
    /// Its file.
    file: String,
    /// Its line.
    line: usize,
    /// How often it fired.
    firings: usize,
    /// Of how many alerts.
    alerts: usize,
    /// How often in a week.
    per_week: f64,
    /// How many firings paged.
    paged: usize,
    /// How many a person acknowledged, or ended.
    acknowledged: usize,
    /// How many led to an incident that is neither confidential nor restricted.
    incidents: usize,
    /// How many were acted on in any way.
    acted_on: usize,
    /// How many paged, are over, and were not acted on.
    ignored: usize,
    /// How many are not over.
    open: usize,
    /// How long the middle one lasted, in seconds.
    median_seconds: Option<i64>,
    /// How long the longest lasted, in seconds.
    longest_seconds: Option<i64>,
    /// How many were over within five minutes.
    short: usize,
    /// How many came back within fifteen minutes.
    flaps: usize,
    /// What would have been quieter, in a sentence; absent when there is nothing to say, or too little to say it from.
    suggestion: Option<String>,
    /// The same in numbers.
    change: Option<ChangeBody>,
}

/// What would have been quieter.
#[derive(Debug, Serialize, ToSchema)]
struct ChangeBody {
    /// What to change: `for`, `keep_firing_for` or `page_nobody`.
    what: &'static str,
    /// How long it should be, such as `5m`.
    to: Option<String>,
    /// How many firings it would have taken away.
    removed: usize,
    /// How many that were acted on would have come later.
    delayed: usize,
    /// By how many seconds.
    delay_seconds: i64,
}

impl From<&RuleNoise> for NoiseBody {
    fn from(told: &RuleNoise) -> Self {
        let noise = &told.noise;
        Self {
            group: told.group.clone(),
            rule: told.rule.clone(),
            file: told.file.clone(),
            line: told.line,
            firings: noise.firings,
            alerts: noise.alerts,
            per_week: noise.per_week,
            paged: noise.paged,
            acknowledged: noise.acknowledged,
            incidents: noise.incidents,
            acted_on: noise.acted_on,
            ignored: noise.ignored,
            open: noise.open,
            median_seconds: noise.median.map(|span| span / 1000),
            longest_seconds: noise.longest.map(|span| span / 1000),
            short: noise.short,
            flaps: noise.flaps,
            suggestion: noise.suggestion.as_ref().map(|suggestion| suggestion.text.clone()),
            change: noise.suggestion.as_ref().map(ChangeBody::from),
        }
    }
}

impl From<&Suggestion> for ChangeBody {
    fn from(suggestion: &Suggestion) -> Self {
        let (what, to) = match suggestion.change {
            Change::For(span) => ("for", Some(span)),
            Change::KeepFiringFor(span) => ("keep_firing_for", Some(span)),
            Change::PageNobody => ("page_nobody", None),
        };
        Self {
            what,
            to: to.and_then(|span| u32::try_from(span / 1000).ok()).map(|seconds| duration(Seconds(seconds))),
            removed: suggestion.removed,
            delayed: suggestion.delayed,
            delay_seconds: suggestion.delay / 1000,
        }
    }
}

/// Say how noisy each alerting rule was: how often it fired, whom that helped, and what would have been quieter.
#[utoipa::path(get, path = "/rules/noise", tag = "signals", params(Since),
    responses((status = 200, body = NoiseReportBody), Problems))]
async fn list_noise(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(asked): Asked<Since>,
) -> Result<Json<NoiseReportBody>, Problem> {
    let since = asked.since.as_deref().map_or(Ok(NOISE_SINCE), |text| word::<Seconds>("since", text))?;
    if since > NOISE_SINCE_MAX {
        return Err(Problem::bad("since: at most 366 days").field("since"));
    }
    let report = noise::of(&state, &actor, since).await?;
    let rules = report.rules.iter().map(NoiseBody::from).collect();
    Ok(Json(NoiseReportBody { from: report.from, until: report.until, rules }))
}

/// A service-level objective, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
struct SloBody {
    /// The service that promises.
    service: String,
    /// The objective's name, once in its service.
    name: String,
    /// What is promised, in words.
    description: String,
    /// The share of good events that is promised, in percent.
    objective: f64,
    /// Over how long, such as `30d`.
    period: String,
    /// `page` or `ticket` while its error budget burns too fast, else `no`; `unknown` without samples.
    burning: &'static str,
    /// How many times faster than allowed the budget burns now, over the shortest window.
    burn_rate: Option<f64>,
    /// The share of the period's budget that is left; below zero when more was used than there is.
    budget_left: Option<f64>,
    /// Since when anything is known of the period.
    #[schema(value_type = Option<String>, format = DateTime)]
    known_since: Option<Timestamp>,
    /// Each pair of windows that alerts, the fastest first.
    burns: Vec<BurnBody>,
    /// Its file.
    file: String,
    /// Its line.
    line: usize,
    /// Why it is not known how it stands.
    error: Option<String>,
}

/// A pair of windows.
#[derive(Debug, Serialize, ToSchema)]
struct BurnBody {
    /// Which pair it is, such as `page_quick`.
    tier: &'static str,
    /// The short window, such as `5m`.
    short: String,
    /// The long window.
    long: String,
    /// From how many times the allowed speed on it alerts, over both windows.
    factor: f64,
    /// The speed over the short window.
    over_short: Option<f64>,
    /// The speed over the long window.
    over_long: Option<f64>,
    /// How many bad events there were in the long window, where an alert needs a least number of them.
    bad_events: Option<f64>,
    /// Whether this part of the alert's condition holds.
    burning: bool,
}

impl From<&Burn> for BurnBody {
    fn from(burn: &Burn) -> Self {
        Self {
            tier: burn.tier.word(),
            short: duration(burn.short),
            long: duration(burn.long),
            factor: burn.factor,
            over_short: burn.over_short,
            over_long: burn.over_long,
            bad_events: burn.bad_events,
            burning: burn.burning,
        }
    }
}

impl From<&Standing> for SloBody {
    fn from(standing: &Standing) -> Self {
        let (slo, status) = (&standing.placed.slo, standing.status.as_ref().ok());
        let burn_rate = status.and_then(|status| status.burn_rate);
        Self {
            service: slo.service.clone(),
            name: slo.name.clone(),
            description: slo.description.clone(),
            objective: slo.objective.as_percent(),
            period: status.map_or_else(String::new, |status| duration(status.period)),
            burning: match (standing.burning(), burn_rate) {
                (Some(urgency), _) => urgency.word(),
                (None, Some(_)) => "no",
                (None, None) => "unknown",
            },
            burn_rate,
            budget_left: status.and_then(|status| status.budget_left),
            known_since: status.and_then(|s| s.known_since).and_then(|at| Timestamp::from_millisecond(at).ok()),
            burns: status.map(|status| status.burns.iter().map(BurnBody::from).collect()).unwrap_or_default(),
            file: standing.placed.file.clone(),
            line: standing.placed.line,
            error: standing.status.as_ref().err().cloned(),
        }
    }
}

/// List the service-level objectives: what is promised, how fast each error budget burns, and how much of it is left.
#[utoipa::path(get, path = "/slos", tag = "signals", responses((status = 200, body = Vec<SloBody>), Problems))]
async fn list_slos(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<Vec<SloBody>>, Problem> {
    let all = objectives::all(&state, &actor).await?;
    Ok(Json(all.iter().map(SloBody::from).collect()))
}
