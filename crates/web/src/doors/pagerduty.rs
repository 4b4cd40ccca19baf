//! The PagerDuty Events API v2: `/v2/enqueue` and `/v2/change/enqueue`, as Alertmanager's `pagerduty_configs` and the official
//! client speak it. The routing key is an API token, or any text from a trusted local program.

use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use engine::Read;
use kernel::{Actor, Labels, Matcher, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::doors::alertmanager::source_of;
use crate::doors::body;
use crate::doors::caller::{self, Program};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest event, as PagerDuty's own limit.
pub const EVENT_BYTES_MAX: usize = 512 * 1024;
/// The longest dedup key, as PagerDuty's own limit.
pub const DEDUP_KEY_CHARS_MAX: usize = 255;
/// The longest summary that is kept, as PagerDuty's own limit.
pub const SUMMARY_CHARS_MAX: usize = 1024;
/// How long an alert from an event lasts unless it is resolved: events are not repeated.
pub const LASTS: kernel::Seconds = kernel::Seconds(100 * 365 * 86_400);

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new().route("/v2/enqueue", post(enqueue)).route("/v2/change/enqueue", post(enqueue_change))
}

#[derive(Debug, Deserialize)]
struct Event {
    routing_key: String,
    event_action: String,
    #[serde(default)]
    dedup_key: Option<String>,
    #[serde(default)]
    payload: Option<Payload>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    client_url: Option<String>,
    #[serde(default)]
    links: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Payload {
    summary: String,
    source: String,
    severity: String,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    component: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    custom_details: Value,
}

#[derive(Debug, Deserialize)]
struct ChangeEvent {
    routing_key: String,
    payload: ChangePayload,
    #[serde(default)]
    links: Vec<signals::Link>,
}

#[derive(Debug, Deserialize)]
struct ChangePayload {
    summary: String,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    custom_details: Value,
}

/// How PagerDuty says that an event is not one.
struct Invalid(Problem);

impl<T: Into<Problem>> From<T> for Invalid {
    fn from(problem: T) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        let Self(mut problem) = self;
        if problem.status.is_server_error() {
            return problem.with_body(Json(json!({ "status": "retry later", "message": problem.message })));
        }
        if problem.status == StatusCode::TOO_MANY_REQUESTS {
            return problem.with_body(Json(json!({ "status": "throttle exceeded", "message": problem.message })));
        }
        if problem.status == StatusCode::UNPROCESSABLE_ENTITY {
            problem.status = StatusCode::BAD_REQUEST;
        }
        let told =
            json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [problem.message] });
        problem.with_body(Json(told))
    }
}

/// Who sent an event: its routing key when that is a token, else the trusted local program.
async fn sender(state: &AppState, request: Request) -> Result<(Actor, Bytes), Invalid> {
    let (mut parts, body) = request.into_parts();
    let bytes = body::read(body, EVENT_BYTES_MAX).await?;
    if let Some(token) = routing_key(&bytes).filter(|key| key.starts_with(governance::token::PREFIX)) {
        return Ok((caller::by_token(state, &parts, &token).await?, bytes));
    }
    let Program(actor) = Program::from_request_parts(&mut parts, state).await?;
    Ok((actor, bytes))
}

fn routing_key(bytes: &Bytes) -> Option<String> {
    #[derive(Deserialize)]
    struct Keyed {
        routing_key: String,
    }
    serde_json::from_slice::<Keyed>(bytes).ok().map(|keyed| keyed.routing_key)
}

async fn enqueue(State(state): State<AppState>, request: Request) -> Result<Response, Invalid> {
    let (actor, bytes) = sender(&state, request).await?;
    let event: Event = body::json(&bytes)?;
    let key = key(&state, &event)?;
    match event.event_action.as_str() {
        "acknowledge" => acknowledge(&state, &actor, &key).await?,
        "resolve" => resolve(&state, &actor, &key).await?,
        _ => trigger(&state, &actor, &event, &key).await?,
    }
    let told = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
    Ok((StatusCode::ACCEPTED, Json(told)).into_response())
}

/// The key of an event; a trigger without one gets one.
fn key(state: &AppState, event: &Event) -> Result<String, Problem> {
    let action = event.event_action.as_str();
    if !matches!(action, "trigger" | "acknowledge" | "resolve") {
        let message = format!("event_action: {action:?} is none of trigger, acknowledge, resolve");
        return Err(Problem::bad(message).field("event_action"));
    }
    match event.dedup_key.as_deref().unwrap_or_default() {
        "" if action == "trigger" => Ok(format!("{:032x}", state.engine.chance().number())),
        "" => Err(Problem::bad("dedup_key: is needed to acknowledge or resolve").field("dedup_key")),
        given if given.chars().count() > DEDUP_KEY_CHARS_MAX => {
            Err(Problem::bad(format!("dedup_key: has at most {DEDUP_KEY_CHARS_MAX} characters")).field("dedup_key"))
        }
        given => Ok(given.to_owned()),
    }
}

/// The alert that a dedup key stands for, when it fires.
fn firing(state: &AppState, actor: &Actor, key: &str) -> Result<Option<(kernel::Fingerprint, Labels)>, Invalid> {
    let matcher = Matcher::new("dedup_key", kernel::matcher::Comparison::Equal, key)
        .map_err(|error| Problem::bad(format!("dedup_key: {error}")).field("dedup_key"))?;
    let mut cursor = Some(0);
    while let Some(from) = cursor {
        // Who may report alerts may know whether the one that they report fires.
        let (found, next) = state.engine.read(actor, Read::of("alerts:observe"), |world| {
            let (views, next) = world.alerts.find(std::slice::from_ref(&matcher), from, 1);
            (views.first().map(|alert| (alert.fingerprint(), alert.labels().clone())), next)
        })?;
        if found.is_some() {
            return Ok(found);
        }
        cursor = next;
    }
    Ok(None)
}

async fn trigger(state: &AppState, actor: &Actor, event: &Event, key: &str) -> Result<(), Invalid> {
    let payload =
        event.payload.as_ref().ok_or_else(|| Problem::bad("payload: is needed to trigger").field("payload"))?;
    for (name, text) in [("summary", &payload.summary), ("source", &payload.source)] {
        if text.is_empty() {
            return Err(Problem::bad(format!("payload.{name}: is empty")).field(format!("payload.{name}")).into());
        }
    }
    if !matches!(payload.severity.as_str(), "critical" | "error" | "warning" | "info") {
        let message = format!("payload.severity: {:?} is none of critical, error, warning, info", payload.severity);
        return Err(Problem::bad(message).field("payload.severity").into());
    }
    let labels = match firing(state, actor, key)? {
        Some((_, labels)) => labels,
        None => labels(state, event, payload, key)?,
    };
    let observed = alerts::Observed {
        labels,
        annotations: annotations(event, payload)?,
        starts_at: payload.timestamp,
        ends_at: Some(LASTS.after(state.engine.now())),
        generator_url: event.client_url.clone().unwrap_or_default().into(),
    };
    observe(state, actor, observed).await
}

fn labels(state: &AppState, event: &Event, payload: &Payload, key: &str) -> Result<Labels, Problem> {
    let book = state.engine.book();
    let is_service = |name: &&str| book.services.contains_key(*name);
    let component = payload.component.as_deref().unwrap_or_default();
    let service = [event.routing_key.as_str(), component, payload.source.as_str()].into_iter().find(is_service);
    let pairs = [
        ("alertname", payload.class.as_deref().filter(|class| !class.is_empty()).unwrap_or("Event")),
        ("dedup_key", key),
        ("severity", payload.severity.as_str()),
        ("source", payload.source.as_str()),
        ("component", component),
        ("group", payload.group.as_deref().unwrap_or_default()),
        ("service", service.unwrap_or_default()),
    ];
    Labels::from_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()))
        .map_err(|error| Problem::bad(error.to_string()).field("payload"))
}

fn annotations(event: &Event, payload: &Payload) -> Result<Labels, Problem> {
    let summary: String = payload.summary.chars().take(SUMMARY_CHARS_MAX).collect();
    let details = if payload.custom_details.is_null() { String::new() } else { payload.custom_details.to_string() };
    let links = if event.links.is_empty() { String::new() } else { Value::from(event.links.clone()).to_string() };
    let pairs = [
        ("summary", summary),
        ("details", details),
        ("links", links),
        ("client", event.client.clone().unwrap_or_default()),
    ];
    Labels::from_pairs(pairs.into_iter().filter(|(_, value)| !value.is_empty()))
        .map_err(|error| Problem::bad(error.to_string()).field("payload.custom_details"))
}

async fn acknowledge(state: &AppState, actor: &Actor, key: &str) -> Result<(), Invalid> {
    // PagerDuty takes an acknowledgement of what it does not know, and does nothing.
    let Some((alert, _)) = firing(state, actor, key)? else { return Ok(()) };
    let note = format!("acknowledged by {actor}");
    match state.engine.ask(actor, alerts::Command::AcknowledgeAlert { alert, note }).await {
        Ok(_) => Ok(()),
        Err(engine::Error::Refused(refusal)) => {
            tracing::debug!(%refusal, "an acknowledgement changed nothing");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn resolve(state: &AppState, actor: &Actor, key: &str) -> Result<(), Invalid> {
    let Some((_, labels)) = firing(state, actor, key)? else { return Ok(()) };
    let ends_at = Some(state.engine.now());
    let annotations = Labels::default();
    observe(state, actor, alerts::Observed { labels, annotations, starts_at: None, ends_at, generator_url: "".into() })
        .await
}

async fn observe(state: &AppState, actor: &Actor, observed: alerts::Observed) -> Result<(), Invalid> {
    let command = alerts::Command::Observe { source: source_of(actor), alerts: vec![observed] };
    state.engine.ask(actor, command).await?;
    Ok(())
}

async fn enqueue_change(State(state): State<AppState>, request: Request) -> Result<Response, Invalid> {
    let (actor, bytes) = sender(&state, request).await?;
    let event: ChangeEvent = body::json(&bytes)?;
    let book = state.engine.book();
    let source = event.payload.source.clone().unwrap_or_else(|| source_of(&actor).into());
    let service = [event.routing_key.as_str(), source.as_str()]
        .into_iter()
        .find_map(|name| book.services.get_key_value(name).map(|(name, _)| name.clone()));
    let details = match &event.payload.custom_details {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Null => Vec::new(),
        other => vec![("details".to_owned(), plain(other))],
    };
    let at = event.payload.timestamp.unwrap_or_else(|| state.engine.now());
    let change = signals::Change { summary: event.payload.summary, source, service, at, links: event.links, details };
    state.engine.ask(&actor, signals::Command::ReportChange { change }).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "status": "success", "message": "Change event processed" })))
        .into_response())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
