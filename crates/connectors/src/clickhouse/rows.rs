//! Rows of answers, one JSON object a line. A value that is missing, null or of another type than usual is as if it were
//! empty; a row without its place, or a line that is no row, is a failure of the whole answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::attribute::value_of;
use kernel::log::{SpanEvent, SpanLink};
use kernel::search::{Place, Summary};
use kernel::{Attribute, Attributes, LogEvent, Nanos, Origin, Span};
use serde_json::{Map, Value};

use super::SHOWN_BYTES_MAX;
use crate::lines;
use crate::sources::Unanswered;
use crate::text;

/// The longest id of a trace or a span that is kept, in characters.
const ID_CHARS_MAX: usize = 64;

/// A row by the names of its columns.
struct Row(Map<String, Value>);

/// A trace that has a span that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) trace: String,
    pub(super) newest: Nanos,
    pub(super) count: usize,
}

impl Row {
    fn take(&mut self, column: &str) -> Value {
        self.0.remove(column).unwrap_or_default()
    }

    fn text(&mut self, column: &str) -> String {
        match self.take(column) {
            Value::String(text) => text,
            _ => String::new(),
        }
    }

    /// A whole number, written with quotes or without.
    fn number<T: TryFrom<i128>>(&self, column: &str) -> Option<T> {
        let value = self.0.get(column)?;
        let number: i128 = match value {
            Value::String(text) => text.parse().ok()?,
            other => other.to_string().parse().ok()?,
        };
        T::try_from(number).ok()
    }

    /// The same, where a row without it is none.
    fn needed<T: TryFrom<i128>>(&self, column: &str) -> Result<T, Unanswered> {
        self.number(column).ok_or_else(|| Unanswered::Failed(format!("a row has no `{column}`")))
    }

    fn attributes(&mut self, column: &str) -> Attributes {
        named(self.take(column))
    }

    fn list(&mut self, column: &str) -> Vec<Value> {
        match self.take(column) {
            Value::Array(values) => values,
            _ => Vec::new(),
        }
    }

    fn id(&mut self, column: &str) -> String {
        id(&self.text(column))
    }

    fn place(&self) -> Result<Place, Unanswered> {
        Ok(Place { at: self.needed("at_nanos")?, hash: self.needed("row_hash")? })
    }

    fn origin(&mut self) -> Arc<Origin> {
        let (mut resource, service) = (self.attributes("ResourceAttributes"), self.text("ServiceName"));
        if !service.is_empty() && value_of(&resource, "service.name").is_none() {
            resource.insert(0, ("service.name".to_owned(), Attribute::Text(service)));
        }
        Arc::new(Origin {
            resource,
            resource_schema: self.text("ResourceSchemaUrl"),
            scope: self.text("ScopeName"),
            scope_version: self.text("ScopeVersion"),
            scope_attributes: self.attributes("ScopeAttributes"),
            scope_schema: self.text("ScopeSchemaUrl"),
        })
    }
}

/// An id as we write it: in lower case, and empty where it is all zeros.
fn id(text: &str) -> String {
    let id: String = text.trim().chars().take(ID_CHARS_MAX).collect();
    if id.chars().all(|c| c == '0') { String::new() } else { id.to_lowercase() }
}

fn named(value: Value) -> Attributes {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, lines::attribute(value))).collect(),
        _ => Vec::new(),
    }
}

fn text_of(value: Option<Value>) -> String {
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Every row of an answer. Bytes that are no text are replaced: the server writes what was stored.
fn each<T>(body: &[u8], mut read: impl FnMut(Row) -> Result<T, Unanswered>) -> Result<Vec<T>, Unanswered> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let row = |line: &[u8]| match serde_json::from_str(&String::from_utf8_lossy(line)) {
        Ok(Value::Object(row)) => read(Row(row)),
        Ok(_) | Err(_) => {
            let line = text::one_line(&String::from_utf8_lossy(line), SHOWN_BYTES_MAX);
            Err(Unanswered::Failed(format!("the answer has a line that is no row: {line}")))
        }
    };
    lines.map(row).collect()
}

/// The names of columns.
pub(super) fn names(body: &[u8]) -> Result<Vec<String>, Unanswered> {
    each(body, |mut row| Ok(row.text("name")))
}

/// Seconds and how many rows they have.
pub(super) fn counts(body: &[u8]) -> Result<Vec<(i64, u64)>, Unanswered> {
    each(body, |row| Ok((row.needed("at_second")?, row.needed("found")?)))
}

/// How many there are in each piece.
pub(super) fn volume(body: &[u8], pieces: usize) -> Result<Vec<[u64; 3]>, Unanswered> {
    let mut volume = vec![[0; 3]; pieces];
    each(body, |row| {
        let piece: usize = row.needed("piece")?;
        if let Some(place) = volume.get_mut(piece) {
            *place = [row.needed("errors")?, row.needed("warnings")?, row.needed("others")?];
        }
        Ok(())
    })?;
    Ok(volume)
}

/// Log events.
pub(super) fn events(body: &[u8]) -> Result<Vec<(Place, LogEvent)>, Unanswered> {
    each(body, |mut row| {
        let place = row.place()?;
        let event = LogEvent {
            at: place.at,
            observed: place.at,
            severity: row.number("SeverityNumber").unwrap_or_default(),
            severity_text: row.text("SeverityText"),
            name: row.text("EventName"),
            body: said(row.text("Body")),
            attributes: row.attributes("LogAttributes"),
            trace: row.id("TraceId"),
            span: row.id("SpanId"),
            flags: row.number("TraceFlags").unwrap_or_default(),
            dropped: 0,
            origin: row.origin(),
        };
        Ok((place, event))
    })
}

/// A body. The exporter writes one that is a map as JSON, so what is an object becomes one again.
fn said(body: String) -> Attribute {
    if body.starts_with('{')
        && let Ok(object @ Value::Object(_)) = serde_json::from_str(&body)
    {
        return lines::attribute(object);
    }
    if body.is_empty() { Attribute::Empty } else { Attribute::Text(body) }
}

/// Spans.
pub(super) fn spans(body: &[u8]) -> Result<Vec<(Place, Span)>, Unanswered> {
    each(body, |mut row| {
        let place = row.place()?;
        let duration: Nanos = row.number("Duration").unwrap_or_default();
        let span = Span {
            trace: row.id("TraceId"),
            id: row.id("SpanId"),
            parent: row.id("ParentSpanId"),
            state: row.text("TraceState"),
            name: row.text("SpanName"),
            kind: kind(&row.text("SpanKind")),
            start: place.at,
            end: place.at.saturating_add(duration.max(0)),
            status: status(&row.text("StatusCode")),
            status_message: row.text("StatusMessage"),
            attributes: row.attributes("SpanAttributes"),
            events: span_events(&mut row),
            links: span_links(&mut row),
            origin: row.origin(),
            ..Span::default()
        };
        Ok((place, span))
    })
}

/// The number of a kind of span, which newer exporters write as `Server` and older ones as `SPAN_KIND_SERVER`.
fn kind(word: &str) -> u8 {
    match word.trim_start_matches("SPAN_KIND_").to_ascii_lowercase().as_str() {
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 0,
    }
}

/// The number of a status, written likewise.
fn status(word: &str) -> u8 {
    match word.trim_start_matches("STATUS_CODE_").to_ascii_lowercase().as_str() {
        "ok" => 1,
        "error" => 2,
        _ => 0,
    }
}

fn span_events(row: &mut Row) -> Vec<SpanEvent> {
    let (mut names, mut all) = (row.list("Events.Name").into_iter(), row.list("Events.Attributes").into_iter());
    let event = |at: Value| SpanEvent {
        at: at.as_str().and_then(|at| at.parse().ok()).or_else(|| at.as_i64()).unwrap_or_default(),
        name: text_of(names.next()),
        attributes: named(all.next().unwrap_or_default()),
        dropped: 0,
    };
    row.list("event_nanos").into_iter().map(event).collect()
}

fn span_links(row: &mut Row) -> Vec<SpanLink> {
    let mut column = |name: &str| row.list(name).into_iter();
    let (traces, mut spans) = (column("Links.TraceId"), column("Links.SpanId"));
    let (mut states, mut all) = (column("Links.TraceState"), column("Links.Attributes"));
    let link = |trace: Value| SpanLink {
        trace: id(&text_of(Some(trace))),
        span: id(&text_of(spans.next())),
        state: text_of(states.next()),
        attributes: named(all.next().unwrap_or_default()),
        ..SpanLink::default()
    };
    traces.map(link).collect()
}

/// Traces that have a span that is wanted.
pub(super) fn matched(body: &[u8]) -> Result<Vec<Matched>, Unanswered> {
    each(body, |mut row| {
        Ok(Matched { newest: row.needed("newest")?, count: row.needed("matched")?, trace: row.text("trace") })
    })
}

/// One line for each of the traces that were matched, in their order.
pub(super) fn summaries(body: &[u8], matched: Vec<Matched>) -> Result<Vec<Summary>, Unanswered> {
    let read = each(body, |mut row| {
        let services = row.list("services").into_iter().map(|name| text_of(Some(name)));
        let summary = Summary {
            service: row.text("service"),
            name: row.text("name"),
            start: row.needed("start")?,
            end: row.needed("end")?,
            spans: row.needed("spans")?,
            failed: row.needed("failed")?,
            matched: 0,
            newest: 0,
            services: services.filter(|name| !name.is_empty()).collect(),
            trace: row.text("trace"),
        };
        Ok((summary.trace.clone(), summary))
    })?;
    let mut lines: BTreeMap<String, Summary> = read.into_iter().collect();
    let line = |one: Matched| {
        let line = lines.remove(&one.trace)?;
        Some(Summary { trace: id(&one.trace), matched: one.count, newest: one.newest, ..line })
    };
    Ok(matched.into_iter().filter_map(line).collect())
}
