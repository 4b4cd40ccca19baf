//! Logs as JSON lines: one object a line, or one line of plain text. What is known by its usual names becomes the event's
//! time, level, message, service and trace; everything else becomes its attributes, as it came.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Attribute, Attributes, LogEvent, Nanos, Origin, Timestamp};
use serde_json::Value;

/// The most lines that one body may have; those beyond are rejected.
pub const LINES_MAX: usize = 100_000;
/// The longest line, in bytes; a longer one is rejected.
pub const LINE_BYTES_MAX: usize = 128 * 1024;

/// The names under which common loggers write each thing, the first that is there wins.
const TIMES: [&str; 6] = ["time", "timestamp", "@timestamp", "ts", "t", "datetime"];
const LEVELS: [&str; 6] = ["level", "severity", "log.level", "lvl", "levelname", "severity_text"];
const MESSAGES: [&str; 5] = ["message", "msg", "body", "log", "event"];
const SERVICES: [&str; 4] = ["service.name", "service", "app", "application"];
const TRACES: [&str; 4] = ["trace_id", "traceId", "trace.id", "traceID"];
const SPANS: [&str; 4] = ["span_id", "spanId", "span.id", "spanID"];

const TOO_MANY: &str = "over the limit of lines in a body";
const TOO_LONG: &str = "longer than 128 KiB";
const NOT_TEXT: &str = "not in UTF-8";

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// What can be kept, in order.
    pub events: Vec<LogEvent>,
    /// How many lines cannot.
    pub rejected: u64,
    /// Why, in one line; empty when none was rejected.
    pub reason: String,
}

/// Reads a body line by line. `service` stands in where a line names none; empty lines are left out. A line that is no JSON
/// object is a message of plain text.
#[must_use]
pub fn read(body: &[u8], service: &str, received: Nanos) -> Lines {
    let mut origins: BTreeMap<String, Arc<Origin>> = BTreeMap::new();
    let mut rejected: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut events = Vec::new();
    for line in body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        match event(line, service, received).and_then(|found| within(found, events.len())) {
            Ok((mut event, service)) => {
                let origin = origins.entry(service).or_insert_with_key(|service| Arc::new(origin_of(service)));
                event.origin = Arc::clone(origin);
                events.push(event);
            }
            Err(reason) => *rejected.entry(reason).or_default() += 1,
        }
    }
    let reasons = rejected.iter().map(|(reason, count)| format!("{count} lines {reason}"));
    Lines { events, reason: reasons.collect::<Vec<_>>().join(", "), rejected: rejected.values().sum() }
}

fn within<T>(found: T, already: usize) -> Result<T, &'static str> {
    if already < LINES_MAX { Ok(found) } else { Err(TOO_MANY) }
}

/// An event and its service.
fn event(line: &[u8], service: &str, received: Nanos) -> Result<(LogEvent, String), &'static str> {
    if line.len() > LINE_BYTES_MAX {
        return Err(TOO_LONG);
    }
    let text = std::str::from_utf8(line).map_err(|_| NOT_TEXT)?;
    let plain = LogEvent { at: received, observed: received, ..LogEvent::default() };
    let Ok(Value::Object(mut fields)) = serde_json::from_str(text) else {
        return Ok((LogEvent { body: Attribute::Text(text.to_owned()), ..plain }, service.to_owned()));
    };
    let mut take = |names: &[&str]| names.iter().find_map(|name| fields.shift_remove(*name));
    let at = take(&TIMES).map(|value| (instant(&value), value));
    let level = take(&LEVELS).map(|value| text_of(&value)).unwrap_or_default();
    let body = take(&MESSAGES).map(attribute).unwrap_or_default();
    let named = take(&SERVICES).map_or_else(|| service.to_owned(), |value| text_of(&value));
    let (trace, span) = (take(&TRACES), take(&SPANS));
    let mut attributes: Attributes = fields.into_iter().map(|(name, value)| (name, attribute(value))).collect();
    let at = match at {
        Some((Some(at), _)) => at,
        // A time that cannot be read is not lost.
        Some((None, value)) => {
            attributes.push(("time".to_owned(), attribute(value)));
            received
        }
        None => received,
    };
    let hex = |value: Option<Value>| value.map(|value| text_of(&value).to_lowercase()).unwrap_or_default();
    let event = LogEvent {
        at,
        severity: severity(&level),
        severity_text: level,
        body,
        attributes,
        trace: hex(trace),
        span: hex(span),
        ..plain
    };
    Ok((event, named))
}

/// The origin of a service that is known by its name alone.
#[must_use]
pub fn origin_of(service: &str) -> Origin {
    let name = ("service.name".to_owned(), Attribute::Text(service.to_owned()));
    Origin { resource: if service.is_empty() { Vec::new() } else { vec![name] }, ..Origin::default() }
}

/// How bad a level is, from 1 to 24 as OpenTelemetry counts; 0 where the word is not known.
#[must_use]
pub fn severity(level: &str) -> u8 {
    match level.to_lowercase().as_str() {
        "trace" | "verbose" | "10" => 1,
        "debug" | "dbg" | "20" => 5,
        "info" | "information" | "informational" | "30" => 9,
        "notice" => 10,
        "warn" | "warning" | "40" => 13,
        "error" | "err" | "50" => 17,
        "critical" | "crit" | "severe" => 18,
        "alert" => 19,
        "fatal" | "emergency" | "emerg" | "panic" | "60" => 21,
        _ => 0,
    }
}

/// An instant: RFC 3339 text, or a number since 1970 whose size tells seconds, milliseconds, microseconds or nanoseconds.
pub(crate) fn instant(value: &Value) -> Option<Nanos> {
    match value {
        Value::String(text) => {
            let known: Option<Timestamp> = text.parse().ok();
            let number = || text.parse::<f64>().ok().and_then(since_1970);
            known.and_then(|at| i64::try_from(at.as_nanosecond()).ok()).or_else(number)
        }
        Value::Number(number) => number.as_f64().and_then(since_1970),
        _ => None,
    }
}

fn since_1970(number: f64) -> Option<Nanos> {
    let factor = match number.abs() {
        size if size < 1e11 => 1e9,
        size if size < 1e14 => 1e6,
        size if size < 1e17 => 1e3,
        _ => 1.0,
    };
    let nanos = number * factor;
    (nanos.is_finite() && nanos.abs() < 9e18).then_some(nanos as Nanos)
}

pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A JSON value as an attribute.
pub(crate) fn attribute(value: Value) -> Attribute {
    match value {
        Value::Null => Attribute::Empty,
        Value::Bool(value) => Attribute::Bool(value),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Attribute::Double(number.as_f64().unwrap_or(f64::NAN)), Attribute::Int)
        }
        Value::String(text) => Attribute::Text(text),
        Value::Array(values) => Attribute::List(values.into_iter().map(attribute).collect()),
        Value::Object(fields) => {
            Attribute::Map(fields.into_iter().map(|(name, value)| (name, attribute(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Nanos = 1_800_000_000_000_000_000;

    fn one(line: &str) -> LogEvent {
        let mut lines = read(line.as_bytes(), "shop", RECEIVED);
        assert_eq!((lines.events.len(), lines.rejected), (1, 0), "{line}");
        lines.events.remove(0)
    }

    #[test]
    fn what_loggers_usually_write_is_understood() {
        let event = one(
            r#"{"ts":1700000000.5,"level":"WARN","msg":"slow","service":"pay","trace_id":"AB","n":1,"o":{"a":[true,null]}}"#,
        );
        assert_eq!((event.at, event.severity, &*event.severity_text), (1_700_000_000_500_000_000, 13, "WARN"));
        assert_eq!((event.body.to_string().as_str(), event.origin.service(), &*event.trace), ("slow", "pay", "ab"));
        assert_eq!(Attribute::Map(event.attributes).to_string(), r#"{"n": 1, "o": {"a": [true, null]}}"#);
    }

    #[test]
    fn times_are_told_by_their_size_and_kept_when_they_cannot_be_read() {
        for (time, expected) in [
            ("1700000000", 1_700_000_000_000_000_000),
            ("1700000000000", 1_700_000_000_000_000_000),
            ("1700000000000000000", 1_700_000_000_000_000_000),
            (r#""2023-11-14T22:13:20Z""#, 1_700_000_000_000_000_000),
            (r#""2023-11-14T23:13:20+01:00""#, 1_700_000_000_000_000_000),
        ] {
            assert_eq!(one(&format!(r#"{{"time":{time}}}"#)).at, expected, "{time}");
        }
        let odd = one(r#"{"time":"yesterday"}"#);
        assert_eq!((odd.at, odd.attributes[0].1.to_string().as_str()), (RECEIVED, "yesterday"));
    }

    #[test]
    fn plain_text_and_broken_json_are_messages() {
        for line in ["GET / 200", "{\"a\":", "[1]", "7"] {
            assert_eq!((one(line).body.to_string().as_str(), one(line).origin.service()), (line, "shop"));
        }
    }

    #[test]
    fn lines_that_cannot_be_kept_are_counted_with_their_reason() {
        let body = [b"good\n\xff\xfe\n".as_slice(), &vec![b'x'; LINE_BYTES_MAX + 1], b"\n\n"].concat();
        let lines = read(&body, "", RECEIVED);
        assert_eq!((lines.events.len(), lines.rejected), (1, 2));
        assert_eq!(lines.reason, "1 lines longer than 128 KiB, 1 lines not in UTF-8");
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_kept_or_counted(body in "(\\PC{0,30}\n){0,20}") {
            let lines = read(body.as_bytes(), "", RECEIVED);
            let full = body.split('\n').filter(|line| !line.as_bytes().trim_ascii().is_empty()).count();
            proptest::prop_assert_eq!(lines.events.len() + usize::try_from(lines.rejected).unwrap(), full);
        }
    }
}
