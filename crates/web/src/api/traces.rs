//! Traces: those that are like what is asked, and one with its spans.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use kernel::log::{SpanEvent, SpanLink};
use kernel::{Attributes, Nanos, Span, Timestamp};
use serde::{Deserialize, Serialize};
use telemetry::traces::{Row, Summary, Trace};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::fact::Problems;
use super::input::{Asked, Id};
use crate::doors::reply::Problem;
use crate::state::AppState;
use crate::traces::{self, Question, instant};

/// How many spans of a trace are shown when nobody says how many.
const SPANS_USUAL: usize = 1_000;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_traces)).routes(routes!(show_trace))
}

/// Which traces: those with a span for which all of this holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// It is of this service.
    #[serde(default)]
    service: String,
    /// Its name holds this text, whatever the case.
    #[serde(default)]
    operation: String,
    /// It took at least so long, such as `250ms` or `1.5s`.
    #[serde(default)]
    min_duration: String,
    /// It failed.
    #[serde(default)]
    error: bool,
    /// It, or its resource, has this attribute: `name`, or `name=value`.
    #[serde(default)]
    attribute: String,
    /// In this source of spans instead of here, by its name in the watchbook; a day back when `from` is absent.
    #[serde(default)]
    source: String,
    /// It began not before this instant,
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// and not after this one.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// How many, at most 200; 50 when absent.
    limit: Option<u32>,
}

/// Traces, those with the newest spans first.
#[derive(Debug, Serialize, ToSchema)]
struct TracesBody {
    /// The traces.
    traces: Vec<TraceRow>,
    /// Whether these are all there are.
    whole: bool,
    /// What to ask as `until` for those that come next; absent when these are all.
    #[schema(value_type = Option<String>, format = DateTime)]
    next: Option<Timestamp>,
}

/// A trace in one line.
#[derive(Debug, Serialize, ToSchema)]
struct TraceRow {
    /// Its id, in hexadecimal digits.
    trace: String,
    /// The service that it begins in.
    service: String,
    /// What was done.
    operation: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// How many spans are there.
    spans: usize,
    /// How many of them failed.
    errors: usize,
    /// How many of them are like what was asked.
    matched: usize,
    /// The services that take part.
    services: Vec<String>,
}

impl From<Summary> for TraceRow {
    fn from(line: Summary) -> Self {
        Self {
            service: line.service,
            operation: line.name,
            start: instant(line.start),
            duration_ms: milliseconds(line.end.saturating_sub(line.start)),
            spans: line.spans,
            errors: line.failed,
            matched: line.matched,
            services: line.services.into_iter().collect(),
            trace: line.trace,
        }
    }
}

fn milliseconds(length: Nanos) -> f64 {
    length.max(0) as f64 / 1e6
}

/// List traces, those with the newest spans first.
#[utoipa::path(get, path = "/traces", tag = "traces", params(Which), responses((status = 200, body = TracesBody), Problems))]
async fn list_traces(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Asked(which): Asked<Which>,
) -> Result<Json<TracesBody>, Problem> {
    let Which { service, operation, min_duration, error, attribute, source, from, until, limit } = which;
    let question = Question { service, operation, min_duration, error, attribute, source, from, until, limit };
    let list = traces::list(&state, &actor, question).await?;
    let next = list.next().map(instant);
    Ok(Json(TracesBody { whole: list.whole, next, traces: list.traces.into_iter().map(Into::into).collect() }))
}

/// Which spans of a trace.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Of the trace in this source of spans instead of here, by its name in the watchbook.
    #[serde(default)]
    source: String,
    /// How many are left out before the first.
    #[serde(default)]
    offset: usize,
    /// How many, at most 10000; 1000 when absent.
    limit: Option<usize>,
}

/// A trace with its spans: each before those below it, which are in order of time.
#[derive(Debug, Serialize, ToSchema)]
struct TraceBody {
    /// Its id, in hexadecimal digits.
    trace: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// How many spans there are.
    total: usize,
    /// How many of them failed.
    errors: usize,
    /// The services that take part.
    services: Vec<String>,
    /// The spans that were asked for.
    spans: Vec<SpanBody>,
    /// Whether all spans that are kept were looked at.
    whole: bool,
}

/// A span.
#[derive(Debug, Serialize, ToSchema)]
struct SpanBody {
    /// Its id, in hexadecimal digits.
    span: String,
    /// The span that it is a part of; empty for the root.
    parent: String,
    /// How many spans are above it.
    depth: usize,
    /// Its service.
    service: String,
    /// What was done.
    operation: String,
    /// `unspecified`, `internal`, `server`, `client`, `producer` or `consumer`.
    kind: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    start: Timestamp,
    /// How long after the trace, in milliseconds.
    after_ms: f64,
    /// How long it took, in milliseconds.
    duration_ms: f64,
    /// `unset`, `ok` or `error`.
    status: &'static str,
    /// What went wrong.
    message: String,
    /// What else is known of it.
    attributes: BTreeMap<String, String>,
    /// Where it comes from.
    resource: BTreeMap<String, String>,
    /// What happened within it.
    events: Vec<EventBody>,
    /// Spans elsewhere that it belongs to.
    links: Vec<LinkBody>,
}

/// What happened within a span.
#[derive(Debug, Serialize, ToSchema)]
struct EventBody {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What.
    name: String,
    /// What else is known of it.
    attributes: BTreeMap<String, String>,
}

impl From<&SpanEvent> for EventBody {
    fn from(event: &SpanEvent) -> Self {
        Self { at: instant(event.at), name: event.name.clone(), attributes: named(&event.attributes) }
    }
}

/// A span elsewhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SpanLinkBody)]
struct LinkBody {
    /// Its trace.
    trace: String,
    /// The span.
    span: String,
}

impl From<&SpanLink> for LinkBody {
    fn from(link: &SpanLink) -> Self {
        Self { trace: link.trace.clone(), span: link.span.clone() }
    }
}

fn named(pairs: &Attributes) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

/// A word for the kind of a span.
pub(crate) fn kind(span: &Span) -> &'static str {
    match span.kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "unspecified",
    }
}

fn status(span: &Span) -> &'static str {
    match span.status {
        1 => "ok",
        2 => "error",
        _ => "unset",
    }
}

impl SpanBody {
    fn of(row: &Row, trace: &Trace) -> Self {
        let span = &row.span;
        Self {
            span: span.id.clone(),
            parent: span.parent.clone(),
            depth: row.depth,
            service: span.origin.service().to_owned(),
            operation: span.name.clone(),
            kind: kind(span),
            start: instant(span.start),
            after_ms: milliseconds(span.start.saturating_sub(trace.start)),
            duration_ms: milliseconds(span.duration()),
            status: status(span),
            message: span.status_message.clone(),
            attributes: named(&span.attributes),
            resource: named(&span.origin.resource),
            events: span.events.iter().map(EventBody::from).collect(),
            links: span.links.iter().map(LinkBody::from).collect(),
        }
    }
}

/// Show a trace with its spans as a tree.
#[utoipa::path(get, path = "/traces/{trace}", tag = "traces", params(("trace" = String, Path), Part),
    responses((status = 200, body = TraceBody), Problems))]
async fn show_trace(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Id(id): Id<String>,
    Asked(part): Asked<Part>,
) -> Result<Json<TraceBody>, Problem> {
    let trace = traces::one(&state, &actor, &id, &part.source).await?;
    let rows = trace.rows.iter().skip(part.offset).take(part.limit.unwrap_or(SPANS_USUAL));
    Ok(Json(TraceBody {
        start: instant(trace.start),
        duration_ms: milliseconds(trace.duration()),
        total: trace.rows.len(),
        errors: trace.failed,
        services: trace.services.iter().cloned().collect(),
        spans: rows.map(|row| SpanBody::of(row, &trace)).collect(),
        whole: trace.whole,
        trace: trace.id,
    }))
}
