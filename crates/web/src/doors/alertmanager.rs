//! The Alertmanager API v2, as Prometheus posts to it and `amtool` reads it. Its words stay here: inside, an alert is ours.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::Read;
use kernel::{Labels, Matcher, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::doors::body::{self, BODY_BYTES_MAX};
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many alerts are looked at before the world is let go for a moment.
const ALERTS_AT_ONCE: usize = 500;
/// How many alerts one post may hold; more must be split.
const POST_ALERTS_MAX: usize = 10_000;

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/v2/alerts", post(post_alerts).get(get_alerts))
        .route("/api/v2/alerts/groups", get(get_groups))
        .route("/api/v2/silences", post(post_silence).get(get_silences))
        .route("/api/v2/silence/{id}", get(get_silence).delete(delete_silence))
        .route("/api/v2/status", get(get_status))
        .route("/api/v2/receivers", get(get_receivers))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// An alert as a client posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert {
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    #[serde(default)]
    starts_at: Option<Timestamp>,
    #[serde(default)]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: Box<str>,
}

impl PostedAlert {
    /// Year one is how clients say "no time"; empty values are how they say "no label".
    fn observed(self) -> alerts::Observed {
        let real = |time: Option<Timestamp>| time.filter(|t| t.as_second() > 0);
        let has_empty = self.labels.iter().any(|(_, value)| value.is_empty());
        let labels = if has_empty {
            let kept = self.labels.iter().filter(|(_, value)| !value.is_empty());
            Labels::from_pairs(kept).unwrap_or_default()
        } else {
            self.labels
        };
        alerts::Observed {
            labels,
            annotations: self.annotations,
            starts_at: real(self.starts_at),
            ends_at: real(self.ends_at),
            generator_url: self.generator_url,
        }
    }
}

async fn post_alerts(State(state): State<AppState>, Program(actor): Program, bytes: Bytes) -> Result<(), Problem> {
    let posted: Vec<PostedAlert> = body::json(&bytes)?;
    drop(bytes);
    if posted.len() > POST_ALERTS_MAX {
        let message = format!("there are {} alerts, at most {POST_ALERTS_MAX} are taken at once: split them", posted.len());
        return Err(Problem::bad(message));
    }
    let alerts = posted.into_iter().map(PostedAlert::observed).collect();
    let source = source_of(&actor);
    state.engine.ask(&actor, alerts::Command::Observe { source, alerts }).await?;
    Ok(())
}

/// The name under which a program's alerts are kept.
pub(crate) fn source_of(actor: &kernel::Actor) -> Box<str> {
    match actor {
        kernel::Actor::Integration(name) => name.clone(),
        other => other.to_string().into(),
    }
}

/// What a listing asks for.
#[derive(Debug, Clone)]
struct Wanted {
    filter: Vec<Matcher>,
    receiver: Option<Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
}

impl Wanted {
    fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut wanted =
            Self { filter: Vec::new(), receiver: None, active: true, silenced: true, inhibited: true };
        for (name, value) in form(query.unwrap_or_default()) {
            let flag = || value.parse::<bool>().map_err(|_| Problem::bad(format!("{name}: write true or false")).field(&name));
            match name.as_str() {
                "filter" => {
                    let matcher = value.parse::<Matcher>();
                    wanted.filter.push(matcher.map_err(|error| Problem::bad(error.to_string()).field("filter"))?);
                }
                "receiver" => {
                    let matcher = Matcher::new("receiver", kernel::matcher::Comparison::Matches, &value);
                    wanted.receiver = Some(matcher.map_err(|error| Problem::bad(error.to_string()).field("receiver"))?);
                }
                "active" => wanted.active = flag()?,
                "silenced" | "muted" => wanted.silenced = flag()?,
                "inhibited" => wanted.inhibited = flag()?,
                _ => {}
            }
        }
        Ok(wanted)
    }

    fn takes(&self, alert: &alerts::AlertView<'_>) -> bool {
        let shown = match alert.mute {
            None => self.active,
            Some(alerts::Mute::Silence { .. }) => self.silenced,
            Some(_) => self.inhibited,
        };
        let receiver = |m: &Matcher| alert.policies.iter().any(|policy| m.accepts(policy.as_str()));
        shown && self.filter.iter().all(|m| m.matches(alert.labels)) && self.receiver.as_ref().is_none_or(receiver)
    }
}

/// The pairs of a query, decoded.
pub(crate) fn form(query: &str) -> Vec<(String, String)> {
    url_pairs(query).collect()
}

fn url_pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// An alert as a client gets it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GotAlert<'a> {
    annotations: &'a Labels,
    ends_at: Timestamp,
    fingerprint: kernel::Fingerprint,
    receivers: Vec<Named>,
    starts_at: Timestamp,
    status: GotStatus,
    updated_at: Timestamp,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: &'a str,
    labels: &'a Labels,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GotStatus {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

#[derive(Debug, Serialize)]
struct Named {
    name: String,
}

fn got(alert: &alerts::AlertView<'_>) -> serde_json::Value {
    let (silenced_by, inhibited_by) = match alert.mute {
        None => (Vec::new(), Vec::new()),
        Some(alerts::Mute::Silence { id }) => (vec![id.to_string()], Vec::new()),
        Some(alerts::Mute::Inhibition { by, .. }) => (Vec::new(), vec![by.to_string()]),
    };
    let suppressed = alert.mute.is_some();
    let got = GotAlert {
        annotations: alert.annotations,
        ends_at: alert.ends_at,
        fingerprint: alert.fingerprint,
        receivers: alert.policies.iter().map(|name| Named { name: name.to_string() }).collect(),
        starts_at: alert.starts_at,
        status: GotStatus {
            inhibited_by,
            muted_by: Vec::new(),
            silenced_by,
            state: if suppressed { "suppressed" } else { "active" },
        },
        updated_at: alert.updated_at,
        generator_url: alert.generator_url,
        labels: alert.labels,
    };
    serde_json::to_value(&got).unwrap_or_default()
}

/// Streams the list in pieces, so that a million alerts are never in memory as text.
async fn get_alerts(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let wanted = Wanted::parse(query.as_deref())?;
    state.engine.may(&actor, Read::of("alerts:read"))?;
    // An equality in the filter finds its alerts by the index; everything else is looked at piece by piece.
    let found = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let views = world.alerts.find(&wanted.filter)?;
        Some(views.filter(|alert| wanted.takes(alert)).map(|alert| got(&alert)).collect::<Vec<_>>())
    })?;
    if let Some(found) = found {
        return Ok(Json(found).into_response());
    }
    let pieces = futures::stream::unfold((0_u32, Piece::First), move |(cursor, piece)| {
        let (state, actor, wanted) = (state.clone(), actor.clone(), wanted.clone());
        async move { next_piece(&state, &actor, &wanted, cursor, piece) }
    });
    let body = Body::from_stream(pieces);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Where a streamed list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    First,
    Later,
    Done,
}

type Chunk = Result<Bytes, std::convert::Infallible>;

fn next_piece(
    state: &AppState,
    actor: &kernel::Actor,
    wanted: &Wanted,
    cursor: u32,
    piece: Piece,
) -> Option<(Chunk, (u32, Piece))> {
    if piece == Piece::Done {
        return None;
    }
    let mut text = Vec::with_capacity(64 * 1024);
    let mut empty = piece == Piece::First;
    text.extend(if empty { b"[".as_slice() } else { b"" });
    let next = state.engine.read(actor, Read::of("alerts:read"), |world| {
        let (views, next) = world.alerts.alerts_from(cursor, ALERTS_AT_ONCE);
        for alert in views.filter(|alert| wanted.takes(alert)) {
            if !std::mem::take(&mut empty) {
                text.push(b',');
            }
            // Writing into memory cannot fail.
            let _ = serde_json::to_writer(&mut text, &got(&alert));
        }
        next
    });
    match next {
        Ok(Some(next)) => {
            let piece = if empty { Piece::First } else { Piece::Later };
            if empty {
                text.clear();
            }
            Some((Ok(text.into()), (next, piece)))
        }
        // The end, or access was withdrawn meanwhile: the list ends here either way.
        Ok(None) | Err(_) => {
            text.push(b']');
            Some((Ok(text.into()), (cursor, Piece::Done)))
        }
    }
}

async fn get_groups(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<serde_json::Value>>, Problem> {
    let wanted = Wanted::parse(query.as_deref())?;
    let groups = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let group = |group: alerts::GroupView<'_>| {
            let alerts: Vec<_> = group.alerts.iter().filter(|a| wanted.takes(a)).map(got).collect();
            let receiver = json!({ "name": group.policy.map_or("none", |policy| policy.as_str()) });
            (!alerts.is_empty()).then(|| json!({ "labels": group.labels, "receiver": receiver, "alerts": alerts }))
        };
        world.alerts.groups().filter_map(group).collect()
    })?;
    Ok(Json(groups))
}

/// A silence as a client posts it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedSilence {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<PostedMatcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    created_by: String,
    comment: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: String,
    value: String,
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

fn yes() -> bool {
    true
}

impl PostedMatcher {
    fn matcher(&self) -> Result<Matcher, Problem> {
        use kernel::matcher::Comparison::{Equal, Matches, NotEqual, NotMatches};
        let comparison = match (self.is_regex, self.is_equal) {
            (false, true) => Equal,
            (false, false) => NotEqual,
            (true, true) => Matches,
            (true, false) => NotMatches,
        };
        Matcher::new(&self.name, comparison, &self.value)
            .map_err(|error| Problem::bad(error.to_string()).field(format!("matchers.{}", self.name)))
    }

    fn of(matcher: &Matcher) -> Self {
        use kernel::matcher::Comparison::{Equal, Matches, NotMatches};
        let comparison = matcher.comparison();
        Self {
            name: matcher.name().to_owned(),
            value: matcher.value().to_owned(),
            is_regex: matches!(comparison, Matches | NotMatches),
            is_equal: matches!(comparison, Equal | Matches),
        }
    }
}

async fn post_silence(
    State(state): State<AppState>,
    Program(actor): Program,
    bytes: Bytes,
) -> Result<Json<serde_json::Value>, Problem> {
    let posted: PostedSilence = body::json(&bytes)?;
    let matchers = posted.matchers.iter().map(PostedMatcher::matcher).collect::<Result<Vec<_>, _>>()?;
    let command = alerts::Command::CreateSilence {
        matchers,
        starts_at: posted.starts_at,
        ends_at: posted.ends_at,
        created_by: posted.created_by,
        comment: posted.comment,
        replaces: posted.id.filter(|id| !id.is_empty()).map(|id| alerts::SilenceId(id.into())),
    };
    // Alertmanager answers a silence that breaks a rule with 400.
    let facts = state.engine.ask(&actor, command).await.map_err(|error| match Problem::from(error) {
        problem if problem.status == StatusCode::UNPROCESSABLE_ENTITY => {
            Problem { status: StatusCode::BAD_REQUEST, ..problem }
        }
        problem => problem,
    })?;
    let id = facts.iter().find_map(|fact| match &fact.event {
        engine::Event::Alerts(alerts::Event::SilenceCreated { id, .. }) => Some(id.to_string()),
        _ => None,
    });
    Ok(Json(json!({ "silenceID": id.unwrap_or_default() })))
}

fn silence_json(silence: &alerts::Silence, now: Timestamp) -> serde_json::Value {
    let state = match silence.status(now) {
        alerts::SilenceStatus::Pending => "pending",
        alerts::SilenceStatus::Active => "active",
        alerts::SilenceStatus::Expired => "expired",
    };
    json!({
        "id": silence.id.to_string(),
        "status": { "state": state },
        "updatedAt": silence.updated_at,
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "startsAt": silence.starts_at,
        "endsAt": silence.ends_at,
        "matchers": silence.matchers.iter().map(PostedMatcher::of).collect::<Vec<_>>(),
    })
}

async fn get_silences(
    State(state): State<AppState>,
    Program(actor): Program,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<serde_json::Value>>, Problem> {
    let wanted = Wanted::parse(query.as_deref())?;
    let now = state.engine.now();
    let listed = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let meets = |silence: &&alerts::Silence| {
            wanted.filter.iter().all(|m| silence.matchers.iter().any(|own| own.name() == m.name() && m.accepts(own.value())))
        };
        world.alerts.silences().filter(meets).map(|silence| silence_json(silence, now)).collect()
    })?;
    Ok(Json(listed))
}

async fn get_silence(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let now = state.engine.now();
    let id = alerts::SilenceId(id.into());
    let found = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.alerts.silence(&id).map(|silence| silence_json(silence, now))
    })?;
    found.map(Json).ok_or_else(|| Problem::missing("there is no such silence"))
}

async fn delete_silence(
    State(state): State<AppState>,
    Program(actor): Program,
    Path(id): Path<String>,
) -> Result<(), Problem> {
    state.engine.ask(&actor, alerts::Command::ExpireSilence { id: alerts::SilenceId(id.into()) }).await?;
    Ok(())
}

async fn get_status(State(state): State<AppState>, Program(actor): Program) -> Result<Json<serde_json::Value>, Problem> {
    let (started, version) = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.governance.started.clone().unwrap_or((Timestamp::UNIX_EPOCH, String::new()))
    })?;
    let book = state.engine.book();
    Ok(Json(json!({
        "cluster": { "status": "disabled" },
        "config": { "original": format!("# the watchbook with digest {} is live\nroute:\n  receiver: watchbook\nreceivers:\n- name: watchbook\n", book.digest) },
        "uptime": started,
        "versionInfo": {
            "branch": "", "buildDate": "", "buildUser": "", "goVersion": "", "revision": "",
            "version": format!("watchkeeper {version}"),
        },
    })))
}

async fn get_receivers(State(state): State<AppState>, Program(actor): Program) -> Result<Json<Vec<serde_json::Value>>, Problem> {
    let names = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        world.book.policies.keys().map(|name| json!({ "name": name })).collect()
    })?;
    Ok(Json(names))
}

/// The longest that a client may keep a connection without sending a whole request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
