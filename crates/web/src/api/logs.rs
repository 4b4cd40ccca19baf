//! Log events, their patterns, and what was found in them.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use engine::patterns::{FindingView, LogView, PatternView};
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::input::Asked;
use crate::doors::reply::Problem;
use crate::elsewhere;
use crate::logs::{EVENTS_MAX, EXPORT_BYTES_MAX, EXPORT_EVENTS_MAX, EventBody, Found, Wanted};
use crate::state::AppState;

/// How many patterns are listed when nobody says how many.
const PATTERNS_USUAL: usize = 100;
/// The most patterns of one answer.
const PATTERNS_MAX: usize = 1000;
/// The header of an export that says where it goes on, when there is more.
pub const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(search_logs))
        .routes(routes!(export_logs))
        .routes(routes!(list_logs))
        .routes(routes!(list_patterns))
        .routes(routes!(list_findings))
}

/// Log events that were found.
#[derive(Debug, Serialize, ToSchema)]
struct FoundBody {
    /// The events, newest first.
    events: Vec<EventBody>,
    /// Where it goes on, as `cursor`, when there is more.
    next: Option<String>,
    /// Whether everything was looked at up to here; a search that would read more than 1 GiB stops.
    whole: bool,
    /// Blocks that could not be read, and why: what they hold is missing among the events.
    damaged: Vec<String>,
}

/// Search log events, the newest first.
#[utoipa::path(get, path = "/logs", tag = "logs", params(Wanted), responses((status = 200, body = FoundBody), Problems))]
async fn search_logs(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<FoundBody>, Problem> {
    let found = search(&state, &actor, &wanted, EVENTS_MAX).await?;
    let next = found.next.map(|next| next.to_string());
    let (events, whole) = (bodies(&state, &actor, &found)?, found.whole);
    Ok(Json(FoundBody { events, next, whole, damaged: found.damaged }))
}

/// Export log events as JSON lines, the newest first.
///
/// At most 10,000 events and 32 MiB; when there is more, the header `x-next-cursor` says where it goes on.
#[utoipa::path(get, path = "/logs/export", tag = "logs", params(Wanted),
    responses((status = 200, content_type = "application/x-ndjson", body = String), Problems))]
async fn export_logs(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, Problem> {
    let limit = Some(wanted.limit.clone().filter(|limit| !limit.is_empty()).unwrap_or(EXPORT_EVENTS_MAX.to_string()));
    let found = search(&state, &actor, &Wanted { limit, ..wanted }, EXPORT_EVENTS_MAX).await?;
    let mut lines = Vec::new();
    let mut next = found.next;
    for (number, body) in bodies(&state, &actor, &found)?.iter().enumerate() {
        if lines.len() >= EXPORT_BYTES_MAX {
            next = found.goes_on(number);
            break;
        }
        // Writing into memory cannot fail.
        let _ = serde_json::to_writer(&mut lines, body);
        lines.push(b'\n');
    }
    let named = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"logs.jsonl\"".to_owned()),
    ];
    let mut response = (named, lines).into_response();
    if let Some(next) = next.and_then(|next| next.to_string().parse().ok()) {
        response.headers_mut().insert(NEXT, next);
    }
    Ok(response)
}

async fn search(state: &AppState, actor: &Actor, wanted: &Wanted, max: usize) -> Result<Found, Problem> {
    let query = wanted.understood(state, actor, None, max)?;
    Ok(elsewhere::logs(state, actor, query, None).await?.1)
}

fn bodies(state: &AppState, actor: &Actor, found: &Found) -> Result<Vec<EventBody>, Problem> {
    let patterns = state.stores.patterns.patterns_of(actor, &found.events)?;
    Ok(found.events.iter().zip(patterns).map(|(event, pattern)| EventBody::of(event, pattern)).collect())
}

/// A log that is watched.
#[derive(Debug, Serialize, ToSchema)]
struct LogBody {
    /// The service, as its log events name it; empty where they name none.
    service: String,
    /// Whether patterns are looked for.
    watched: bool,
    /// Which findings raise an alert: `new`, `more`, `fewer`.
    raises: Vec<&'static str>,
    /// How many patterns there are.
    patterns: usize,
    /// How many lines came.
    lines: u64,
    /// When its first line came.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// When its last line came.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
    /// Until when nothing is called new.
    #[schema(value_type = String, format = DateTime)]
    learns_until: Timestamp,
    /// How many lines have no pattern of their own, because there are too many patterns.
    without: u64,
}

/// The logs that are watched.
#[derive(Debug, Serialize, ToSchema)]
struct LogsBody {
    /// By service.
    logs: Vec<LogBody>,
    /// Lines of services for which there was no place, since the start: at most 200 logs are watched.
    unwatched: u64,
    /// Lines that nobody looked at since the start, because more came than could be looked at.
    left_out: u64,
}

impl From<&LogView> for LogBody {
    fn from(log: &LogView) -> Self {
        let over = log.over;
        Self {
            service: log.service.clone(),
            watched: log.watched,
            raises: log.raises.iter().map(|finding| finding.as_str()).collect(),
            patterns: log.patterns,
            lines: log.lines,
            since: log.since,
            last: log.last,
            learns_until: log.learns_until,
            without: over.templates + over.numbers + over.leaf + over.vocabulary,
        }
    }
}

/// List the logs that are watched, service by service.
#[utoipa::path(get, path = "/logs/watched", tag = "logs", responses((status = 200, body = LogsBody), Problems))]
async fn list_logs(State(state): State<AppState>, Caller(actor): Caller) -> Result<Json<LogsBody>, Problem> {
    let watched = state.stores.patterns.watched(&actor)?;
    let logs = watched.logs.iter().map(LogBody::from).collect();
    Ok(Json(LogsBody { logs, unwatched: watched.unwatched, left_out: watched.left_out }))
}

/// Which patterns.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this service only.
    service: Option<String>,
    /// A text that the pattern holds; upper and lower case are the same.
    text: Option<String>,
    /// How many, at most 1000; 100 when absent.
    limit: Option<usize>,
    /// How many are left out before the first.
    #[serde(default)]
    offset: usize,
}

/// A pattern: what lines that say the same of different things have in common.
#[derive(Debug, Serialize, ToSchema)]
struct PatternBody {
    /// The service, as its log events name it; empty where they name none.
    service: String,
    /// Its number, such as `t17`; also the label `template` of its series `log_template_events_total`.
    pattern: String,
    /// Its words, with `<*>` for what varies.
    text: String,
    /// The worst level of its lines.
    level: &'static str,
    /// How many lines it has had.
    lines: u64,
    /// When its first line came.
    #[schema(value_type = String, format = DateTime)]
    first: Timestamp,
    /// When its last line came.
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
    /// When it was found to be new, within the last day.
    #[schema(value_type = Option<String>, format = DateTime)]
    new: Option<Timestamp>,
    /// `more` or `fewer`, when its rate is off the usual now.
    changed: Option<&'static str>,
    /// One of its lines.
    example: String,
    /// Its lines in the last minutes, the oldest first; at most sixty.
    minutes: Vec<u32>,
}

impl From<&PatternView> for PatternBody {
    fn from(pattern: &PatternView) -> Self {
        Self {
            service: pattern.service.clone(),
            pattern: pattern.id.to_string(),
            text: pattern.text.clone(),
            level: pattern.level.as_str(),
            lines: pattern.lines,
            first: pattern.first,
            last: pattern.last,
            new: pattern.new,
            changed: pattern.changed.map(kernel::book::LogFinding::as_str),
            example: pattern.example.clone(),
            minutes: pattern.minutes.clone(),
        }
    }
}

/// Patterns.
#[derive(Debug, Serialize, ToSchema)]
struct PatternsBody {
    /// Those that are new or off their usual rate first, then the most frequent.
    patterns: Vec<PatternBody>,
    /// How many there are, those left out included.
    total: usize,
}

/// List the patterns of logs.
#[utoipa::path(get, path = "/logs/patterns", tag = "logs", params(Which),
    responses((status = 200, body = PatternsBody), Problems))]
async fn list_patterns(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(which): Asked<Which>,
) -> Result<Json<PatternsBody>, Problem> {
    let text = which.text.unwrap_or_default().to_lowercase();
    let mut all = state.stores.patterns.patterns(&actor, which.service.as_deref())?;
    all.retain(|pattern| pattern.text.to_lowercase().contains(&text));
    let limit = which.limit.unwrap_or(PATTERNS_USUAL).min(PATTERNS_MAX);
    let patterns = all.iter().skip(which.offset).take(limit).map(PatternBody::from).collect();
    Ok(Json(PatternsBody { patterns, total: all.len() }))
}

/// Of which service.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfService {
    /// Of this service only.
    service: Option<String>,
}

/// What was found in a log.
#[derive(Debug, Serialize, ToSchema)]
struct FindingBody {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `new`, `more` or `fewer`.
    found: &'static str,
    /// In the log of which service.
    service: String,
    /// The number of the pattern.
    pattern: String,
    /// Its words when it was found.
    text: String,
    /// The worst level of its lines.
    level: &'static str,
    /// How many lines: since the first one, or in the minute.
    lines: u32,
    /// How many lines a minute were usual; zero for a new pattern.
    usual: f64,
}

impl From<&FindingView> for FindingBody {
    fn from(view: &FindingView) -> Self {
        let finding = &view.finding;
        Self {
            at: finding.at,
            found: finding.what.as_str(),
            service: view.service.clone(),
            pattern: view.id.to_string(),
            text: finding.template.to_string(),
            level: finding.level.as_str(),
            lines: finding.lines,
            usual: finding.usual,
        }
    }
}

/// List what was found in logs lately, the newest first: new patterns, and patterns whose rate changed.
#[utoipa::path(get, path = "/logs/findings", tag = "logs", params(OfService),
    responses((status = 200, body = Vec<FindingBody>), Problems))]
async fn list_findings(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(which): Asked<OfService>,
) -> Result<Json<Vec<FindingBody>>, Problem> {
    let all = state.stores.patterns.findings(&actor, which.service.as_deref())?;
    Ok(Json(all.iter().map(FindingBody::from).collect()))
}
