//! *Traces*: those that are like what is asked, and one of them as a waterfall.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use kernel::book::source::Table;
use kernel::log::SpanEvent;
use kernel::{Attribute, Attributes, Nanos, Seconds, Span};
use serde::Deserialize;
use telemetry::traces::{Row, Summary, Trace};

use super::explore::RANGES;
use super::frame::{Screen, Stop, encoded, frame, html, stop};
use super::logs::trace_href;
use super::view::traces::{Bar, Moment, SpanRow, TraceLine, TracePage, TracesPage, took};
use super::view::{Chip, Chrome, Named, Tab, Tone};
use crate::doors::reply::Problem;
use crate::elsewhere;
use crate::session::Reader;
use crate::state::AppState;
use crate::traces::{self, Question, instant};

/// How far back is looked when nothing is said, in seconds.
const RANGE: i64 = 3600;
/// How many spans of a trace one screen shows.
const ROWS_MAX: usize = 500;
/// How many attributes of a span, and how many events, are shown.
const DETAILS_MAX: usize = 60;
/// How many characters of a value are shown.
const VALUE_CHARS_MAX: usize = 2000;
/// How deep spans are moved in.
const DEPTH_MAX: usize = 16;
/// How many colours there are; further services begin again.
const HUES: usize = 8;
/// Lengths of time along the top of a waterfall.
const TICKS: i64 = 4;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/traces", get(list)).route("/traces/{trace}", get(show))
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    service: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    min_duration: String,
    #[serde(default)]
    error: bool,
    #[serde(default)]
    attribute: String,
    /// The source that is looked into.
    #[serde(default)]
    source: String,
    range: Option<i64>,
    /// Until when, in nanoseconds since 1970: where an earlier list ended.
    until: Option<Nanos>,
}

async fn list(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Traces, "Traces", "/traces")?;
    let actor = session.actor();
    traces::may(&state, &actor).map_err(stop(&chrome))?;
    let range = RANGES.iter().map(|(seconds, _)| *seconds).find(|seconds| Some(*seconds) == wanted.range);
    let range = range.unwrap_or(RANGE);
    let since = Seconds(u32::try_from(range).unwrap_or(u32::MAX)).before(chrome.now);
    let question = Question {
        service: wanted.service.clone(),
        operation: wanted.operation.clone(),
        min_duration: wanted.min_duration.clone(),
        error: wanted.error,
        attribute: wanted.attribute.clone(),
        source: wanted.source.clone(),
        from: Some(since),
        until: wanted.until.map(instant),
        limit: None,
    };
    let known = state.stores.records.sources(&actor).map_err(stop(&chrome))?;
    let (list, wrong) = match traces::list(&state, &actor, question).await {
        Ok(list) => (list, None),
        Err(problem) => (Default::default(), Some(problem.message)),
    };
    let longest = list.traces.iter().map(|line| line.end.saturating_sub(line.start)).max().unwrap_or(0);
    Ok(html(&TracesPage {
        lines: list.traces.iter().map(|line| line_of(line, longest, &wanted.source)).collect(),
        sources: known.iter().map(|source| source.name.to_string()).collect(),
        state: elsewhere::state(&known, &wanted.source, Table::Traces, chrome.now),
        kept: state.stores.spans.counts().records,
        whole: list.whole,
        older: list.next().map(|until| older(&wanted, range, until)),
        wrong,
        service: wanted.service,
        operation: wanted.operation,
        min_duration: wanted.min_duration,
        error: wanted.error,
        attribute: wanted.attribute,
        source: wanted.source,
        range,
        ranges: RANGES.to_vec(),
        chrome,
    }))
}

/// The address of the list that comes next.
fn older(wanted: &Wanted, range: i64, until: Nanos) -> String {
    let texts = [
        ("service", &wanted.service),
        ("operation", &wanted.operation),
        ("min_duration", &wanted.min_duration),
        ("attribute", &wanted.attribute),
        ("source", &wanted.source),
    ];
    let texts = texts.iter().filter(|(_, text)| !text.is_empty());
    let texts: String = texts.map(|(name, text)| format!("&{name}={}", encoded(text))).collect();
    format!("/traces?error={}&range={range}&until={until}{texts}", wanted.error)
}

fn line_of(line: &Summary, longest: Nanos, source: &str) -> TraceLine {
    let lasted = line.end.saturating_sub(line.start).max(0);
    TraceLine {
        href: trace_href(&line.trace, source),
        service: line.service.clone(),
        name: line.name.clone(),
        start: instant(line.start),
        took: took(lasted),
        bar: Bar::of(0, lasted, longest),
        spans: line.spans,
        failed: line.failed,
        services: line.services.len(),
    }
}

/// Which trace, beside its id.
#[derive(Debug, Default, Deserialize)]
struct Within {
    /// The source that it is in.
    #[serde(default)]
    source: String,
}

async fn show(
    State(state): State<AppState>,
    Reader(session): Reader,
    Path(id): Path<String>,
    Query(within): Query<Within>,
) -> Screen {
    let path = format!("/traces/{}", encoded(&id));
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Traces, "Trace", &path)?;
    let found = traces::one(&state, &session.actor(), &id, &within.source).await;
    let trace = found.map_err(|problem| told(&chrome, problem))?;
    let root = trace.rows.first().map(|row| row.span.name.clone()).unwrap_or_default();
    let services: Vec<&String> = trace.services.iter().collect();
    let tick = |i: i64| took(trace.duration() / TICKS * i);
    Ok(html(&TracePage {
        name: root,
        start: instant(trace.start),
        took: took(trace.duration()),
        ticks: (0..=TICKS).map(tick).collect(),
        services: services.iter().enumerate().map(|(place, name)| (place % HUES, (*name).clone())).collect(),
        failed: trace.failed,
        total: trace.rows.len(),
        rows: trace.rows.iter().take(ROWS_MAX).map(|row| span_row(row, &trace)).collect(),
        whole: trace.whole,
        within: if within.source.is_empty() { String::new() } else { format!("source={}", encoded(&within.source)) },
        source: within.source,
        id: trace.id.clone(),
        chrome,
    }))
}

fn told(chrome: &Chrome, problem: Problem) -> Stop {
    Stop::Problem(Box::new(chrome.clone()), problem)
}

fn span_row(row: &Row, trace: &Trace) -> SpanRow {
    let span = &row.span;
    let after = span.start.saturating_sub(trace.start);
    SpanRow {
        id: span.id.clone(),
        depth: row.depth.min(DEPTH_MAX),
        name: span.name.clone(),
        service: span.origin.service().to_owned(),
        hue: hue(span.origin.service(), &trace.services),
        kind: crate::api::traces::kind(span),
        state: state_of(row),
        after: took(after),
        took: took(span.duration()),
        bar: Bar::of(after, span.duration(), trace.duration()),
        message: short(&span.status_message),
        attributes: shown(span.attributes.iter()),
        resource: shown(span.origin.resource.iter()),
        events: span.events.iter().take(DETAILS_MAX).map(|event| moment(event, span)).collect(),
        links: span.links.iter().take(DETAILS_MAX).map(|link| Named::new(&link.trace, &link.span)).collect(),
        left_out: span.attributes.len().saturating_sub(DETAILS_MAX) + span.events.len().saturating_sub(DETAILS_MAX),
    }
}

fn hue(service: &str, services: &BTreeSet<String>) -> usize {
    services.iter().position(|known| known == service).unwrap_or(HUES - 1) % HUES
}

fn state_of(row: &Row) -> Option<Chip> {
    match (row.span.status, row.is_lost) {
        (2, _) => Some(Chip::new(Tone::Bad, "failed")),
        (_, true) => Some(Chip::new(Tone::Warn, "its parent is not here")),
        _ => None,
    }
}

fn moment(event: &SpanEvent, span: &Span) -> Moment {
    let after = took(event.at.saturating_sub(span.start));
    Moment { after, name: short(&event.name), attributes: shown(event.attributes.iter()) }
}

fn shown<'a>(pairs: impl Iterator<Item = &'a (String, Attribute)>) -> Attributes {
    let short = |(name, value): &(String, Attribute)| (name.clone(), Attribute::Text(short(&value.to_string())));
    pairs.take(DETAILS_MAX).map(short).collect()
}

fn short(text: &str) -> String {
    text.chars().take(VALUE_CHARS_MAX).collect()
}
