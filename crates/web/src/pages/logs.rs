//! *Logs*: log events of the last day, newest first, by word, service and level.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use engine::Read;
use kernel::{LogEvent, Timestamp};
use serde::Deserialize;
use telemetry::blocks::{Found, SEARCH_BYTES_MAX, Search};

use super::explore::RANGES;
use super::frame::{Screen, frame, html, missing, stop};
use super::view::monitoring::{EventRow, LogsPage};
use super::view::{Chip, Tab, Tone};
use crate::session::Reader;
use crate::state::AppState;

/// How far back is looked when nothing is said, in seconds.
const RANGE: i64 = 3600;
/// How many events one screen shows.
const EVENTS_MAX: usize = 200;
/// How many attributes of an event are shown.
const ATTRIBUTES_MAX: usize = 40;
/// How many characters of a value are shown.
const VALUE_CHARS_MAX: usize = 2000;
/// The levels to choose from: the least number of each as OpenTelemetry counts.
const LEVELS: [(u8, &str); 6] = [(0, "any"), (5, "debug"), (9, "info"), (13, "warning"), (17, "error"), (21, "fatal")];

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/logs", get(list))
}

#[derive(Debug, Clone, Deserialize)]
struct Wanted {
    #[serde(default)]
    text: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    level: u8,
    range: Option<i64>,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Logs, "Logs", "/logs")?;
    state.engine.may(&session.actor(), Read::of("signals:read")).map_err(stop(&chrome))?;
    let range = RANGES.iter().map(|(seconds, _)| *seconds).find(|seconds| Some(*seconds) == wanted.range);
    let range = range.unwrap_or(RANGE);
    let now = i64::try_from(chrome.now.as_nanosecond()).unwrap_or(i64::MAX);
    let (logs, asked) = (Arc::clone(&state.stores.logs), wanted.clone());
    let place = Arc::clone(&state.queries).acquire_owned().await;
    let found = tokio::task::spawn_blocking(move || search(&logs, &asked, now - range * 1_000_000_000)).await;
    drop(place);
    if let Ok(found) = &found {
        found.damaged.iter().for_each(|failure| tracing::warn!(%failure, "a block of log events cannot be read"));
    }
    let found = found.map_err(|_| missing(&chrome, "The search ended without an answer".to_owned()))?;
    Ok(html(&LogsPage {
        events: found.records.iter().map(|event| row(event)).collect(),
        kept: state.stores.logs.counts().records,
        more: !found.whole || !found.damaged.is_empty(),
        text: wanted.text,
        service: wanted.service,
        level: wanted.level,
        levels: LEVELS.to_vec(),
        range,
        ranges: RANGES.to_vec(),
        chrome,
    }))
}

fn search(logs: &telemetry::blocks::Blocks<LogEvent>, wanted: &Wanted, from: i64) -> Found<LogEvent> {
    let text = wanted.text.to_lowercase();
    // Whole words in the middle of the text are asked of the filters; those at its ends may be parts of longer ones.
    let inner: Vec<&str> = text.split_whitespace().collect();
    let words = inner.get(1..inner.len().saturating_sub(1)).unwrap_or_default();
    let test = |event: &LogEvent| event.severity >= wanted.level && (text.is_empty() || says(event, &text));
    let service = Some(wanted.service.trim()).filter(|service| !service.is_empty());
    let search =
        Search { from, until: i64::MAX, service, words, test: &test, limit: EVENTS_MAX, bytes: SEARCH_BYTES_MAX };
    logs.search(&search)
}

/// Whether any text of an event holds another, whatever their case.
fn says(event: &LogEvent, text: &str) -> bool {
    let mut found = false;
    event.texts(&mut |part| found = found || part.to_lowercase().contains(text));
    found || event.body.to_string().to_lowercase().contains(text)
}

fn row(event: &LogEvent) -> EventRow {
    let shown = |value: &kernel::Attribute| value.to_string().chars().take(VALUE_CHARS_MAX).collect::<String>();
    let named = |(name, value): &(String, kernel::Attribute)| (name.clone(), shown(value));
    let resource = event.origin.resource.iter().filter(|(name, _)| name != "service.name");
    EventRow {
        at: Timestamp::from_nanosecond(i128::from(event.at)).unwrap_or_default(),
        level: level(event),
        service: event.origin.service().to_owned(),
        body: if event.name.is_empty() { shown(&event.body) } else { format!("{} {}", event.name, shown(&event.body)) },
        attributes: event.attributes.iter().chain(resource).take(ATTRIBUTES_MAX).map(named).collect(),
        trace: event.trace.clone(),
    }
}

fn level(event: &LogEvent) -> Chip {
    let (tone, word) = match event.severity {
        0 => (Tone::Plain, "log"),
        1..=4 => (Tone::Plain, "trace"),
        5..=8 => (Tone::Plain, "debug"),
        9..=12 => (Tone::Info, "info"),
        13..=16 => (Tone::Warn, "warning"),
        17..=20 => (Tone::Bad, "error"),
        _ => (Tone::Bad, "fatal"),
    };
    Chip::new(tone, if event.severity_text.is_empty() { word } else { &event.severity_text })
}
