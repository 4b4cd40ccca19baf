//! OTLP logs and traces: a request becomes log events or spans; what cannot be one is counted with its reason.
//!
//! Everything that came is kept as it came, at any depth, but for what the message's own rules call invalid: a span whose
//! ids are not sixteen and eight bytes is rejected, and a log event's invalid ids are left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::log::{SpanEvent, SpanLink};
use kernel::{Attribute, Attributes, LogEvent, Nanos, Origin, Span};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::{logs::v1 as logs, trace::v1 as trace};
use prost::Message as _;

use super::{DecodeError, Encoding, json};

/// The most records that one request may hold; those beyond are rejected.
pub const RECORDS_PER_REQUEST_MAX: usize = 100_000;
/// How deep lists and maps may be nested; what is deeper is kept as empty.
pub const DEPTH_MAX: usize = 32;

/// The largest resource together with its scope, in bytes as protobuf; records of a larger one are rejected.
pub const ORIGIN_BYTES_MAX: usize = 64 * 1024;
/// The most bytes of them all in one request, each scope counted with its resource; records beyond are rejected.
pub const ORIGINS_BYTES_MAX: usize = 64 * 1024 * 1024;

const TOO_MANY: &str = "over the limit of records in a request";
const ORIGIN: &str = "whose resource and scope are over the limit of 64 KiB";
const ORIGINS: &str = "over the limit of bytes of resources and scopes in a request";
const SPAN_IDS: &str = "whose trace id is not 16 bytes or whose span id is not 8";

/// What a request holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Records<T> {
    /// What can be kept, in the order in which it came.
    pub records: Vec<T>,
    /// How many cannot.
    pub rejected: u64,
    /// Why, in one line; empty when none was rejected.
    pub reason: String,
}

/// Reads the body of a request to `/v1/logs`, already decompressed. Events without a time get `received`.
///
/// # Errors
/// When the body as a whole cannot be read.
pub fn decode_logs(body: &[u8], encoding: Encoding, received: Nanos) -> Result<Records<LogEvent>, DecodeError> {
    let request = match encoding {
        Encoding::Protobuf => ExportLogsServiceRequest::decode(body).map_err(|e| DecodeError::Protobuf(e.to_string())),
        Encoding::Json => json::read_logs(body).map_err(|error| DecodeError::Json(error.to_string())),
    };
    Ok(log_events(request?, received))
}

/// Reads the body of a request to `/v1/traces`, already decompressed.
///
/// # Errors
/// When the body as a whole cannot be read.
pub fn decode_spans(body: &[u8], encoding: Encoding) -> Result<Records<Span>, DecodeError> {
    let request = match encoding {
        Encoding::Protobuf => ExportTraceServiceRequest::decode(body).map_err(|e| DecodeError::Protobuf(e.to_string())),
        Encoding::Json => json::read_spans(body).map_err(|error| DecodeError::Json(error.to_string())),
    };
    Ok(spans(request?))
}

/// The log events of a request that was read already, such as one by gRPC.
#[must_use]
pub fn log_events(request: ExportLogsServiceRequest, received: Nanos) -> Records<LogEvent> {
    let mut sink = Sink::default();
    for of_resource in request.resource_logs {
        let base = Base::of(of_resource.resource, of_resource.schema_url);
        for of_scope in of_resource.scope_logs {
            let records = of_scope.log_records;
            if let Some(origin) = sink.origin(&base, of_scope.scope, of_scope.schema_url, records.len()) {
                records.into_iter().for_each(|record| sink.take(Ok(log_event(record, &origin, received))));
            }
        }
    }
    sink.finish("log records")
}

/// The spans of a request that was read already, such as one by gRPC.
#[must_use]
pub fn spans(request: ExportTraceServiceRequest) -> Records<Span> {
    let mut sink = Sink::default();
    for of_resource in request.resource_spans {
        let base = Base::of(of_resource.resource, of_resource.schema_url);
        for of_scope in of_resource.scope_spans {
            let records = of_scope.spans;
            if let Some(origin) = sink.origin(&base, of_scope.scope, of_scope.schema_url, records.len()) {
                records.into_iter().for_each(|record| sink.take(span(record, &origin)));
            }
        }
    }
    sink.finish("spans")
}

struct Sink<T> {
    records: Vec<T>,
    rejected: BTreeMap<&'static str, u64>,
    /// How many bytes the origins have so far.
    origins: usize,
}

impl<T> Default for Sink<T> {
    fn default() -> Self {
        Self { records: Vec::new(), rejected: BTreeMap::new(), origins: 0 }
    }
}

impl<T> Sink<T> {
    /// The origin of so many records; `None` when there are none, or when they are rejected for it.
    fn origin(
        &mut self,
        base: &Base,
        scope: Option<InstrumentationScope>,
        schema: String,
        records: usize,
    ) -> Option<Arc<Origin>> {
        let scope = scope.unwrap_or_default();
        let bytes = base.bytes + scope.encoded_len() + schema.len();
        if records == 0 {
            return None;
        }
        let reason = match () {
            () if bytes > ORIGIN_BYTES_MAX => ORIGIN,
            () if self.origins + bytes > ORIGINS_BYTES_MAX => ORIGINS,
            () => {
                self.origins += bytes;
                return Some(Arc::new(scoped(&base.origin, scope, schema)));
            }
        };
        *self.rejected.entry(reason).or_default() += records as u64;
        None
    }

    fn take(&mut self, record: Result<T, &'static str>) {
        let room = self.records.len() < RECORDS_PER_REQUEST_MAX;
        match record.and_then(|record| if room { Ok(record) } else { Err(TOO_MANY) }) {
            Ok(record) => self.records.push(record),
            Err(reason) => *self.rejected.entry(reason).or_default() += 1,
        }
    }

    fn finish(self, what: &str) -> Records<T> {
        let reasons = self.rejected.iter().map(|(reason, count)| format!("{count} {what} {reason}"));
        let reason = reasons.collect::<Vec<_>>().join(", ");
        Records { records: self.records, rejected: self.rejected.values().sum(), reason }
    }
}

/// What a resource gives to the origins of its scopes.
struct Base {
    origin: Origin,
    /// Its size as protobuf.
    bytes: usize,
}

impl Base {
    fn of(resource: Option<Resource>, schema: String) -> Self {
        let resource = resource.unwrap_or_default();
        let bytes = resource.encoded_len() + schema.len();
        let resource = attributes(resource.attributes);
        Self { origin: Origin { resource, resource_schema: schema, ..Origin::default() }, bytes }
    }
}

fn scoped(base: &Origin, scope: InstrumentationScope, schema: String) -> Origin {
    Origin {
        scope: scope.name,
        scope_version: scope.version,
        scope_attributes: attributes(scope.attributes),
        scope_schema: schema,
        ..base.clone()
    }
}

fn log_event(record: logs::LogRecord, origin: &Arc<Origin>, received: Nanos) -> LogEvent {
    let (at, observed) = (instant(record.time_unix_nano), instant(record.observed_time_unix_nano));
    let observed = observed.unwrap_or(received);
    LogEvent {
        at: at.unwrap_or(observed),
        observed,
        severity: u8::try_from(record.severity_number).ok().filter(|number| *number <= 24).unwrap_or(0),
        severity_text: record.severity_text,
        name: record.event_name,
        body: record.body.map(|body| attribute(body, 0)).unwrap_or_default(),
        attributes: attributes(record.attributes),
        origin: Arc::clone(origin),
        trace: id::<16>(&record.trace_id).unwrap_or_default(),
        span: id::<8>(&record.span_id).unwrap_or_default(),
        flags: record.flags,
        dropped: record.dropped_attributes_count,
    }
}

fn span(record: trace::Span, origin: &Arc<Origin>) -> Result<Span, &'static str> {
    let status = record.status.unwrap_or_default();
    Ok(Span {
        trace: id::<16>(&record.trace_id).ok_or(SPAN_IDS)?,
        id: id::<8>(&record.span_id).ok_or(SPAN_IDS)?,
        parent: id::<8>(&record.parent_span_id).unwrap_or_default(),
        state: record.trace_state,
        flags: record.flags,
        name: record.name,
        kind: u8::try_from(record.kind).ok().filter(|kind| *kind <= 5).unwrap_or(0),
        start: instant(record.start_time_unix_nano).unwrap_or(0),
        end: instant(record.end_time_unix_nano).unwrap_or(0),
        attributes: attributes(record.attributes),
        events: record.events.into_iter().map(span_event).collect(),
        links: record.links.into_iter().map(span_link).collect(),
        status: u8::try_from(status.code).ok().filter(|code| *code <= 2).unwrap_or(0),
        status_message: status.message,
        origin: Arc::clone(origin),
        dropped: [record.dropped_attributes_count, record.dropped_events_count, record.dropped_links_count],
    })
}

fn span_event(event: trace::span::Event) -> SpanEvent {
    SpanEvent {
        at: instant(event.time_unix_nano).unwrap_or(0),
        name: event.name,
        attributes: attributes(event.attributes),
        dropped: event.dropped_attributes_count,
    }
}

fn span_link(link: trace::span::Link) -> SpanLink {
    SpanLink {
        trace: id::<16>(&link.trace_id).unwrap_or_default(),
        span: id::<8>(&link.span_id).unwrap_or_default(),
        state: link.trace_state,
        attributes: attributes(link.attributes),
        flags: link.flags,
        dropped: link.dropped_attributes_count,
    }
}

/// An instant; `None` when it is zero, which says "not known", or beyond what can be counted.
fn instant(nanoseconds: u64) -> Option<Nanos> {
    i64::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds != 0)
}

/// An id in hexadecimal digits; `None` when it has the wrong length or is all zeros, which is no id.
fn id<const BYTES: usize>(bytes: &[u8]) -> Option<String> {
    let valid = bytes.len() == BYTES && bytes.iter().any(|byte| *byte != 0);
    valid.then(|| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs_at(pairs, 0)
}

fn pairs_at(pairs: Vec<KeyValue>, depth: usize) -> Attributes {
    let value = |value: Option<AnyValue>| value.map(|value| attribute(value, depth)).unwrap_or_default();
    pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

fn attribute(value: AnyValue, depth: usize) -> Attribute {
    match value.value {
        _ if depth > DEPTH_MAX => Attribute::Empty,
        Some(Value::StringValue(text)) => Attribute::Text(text),
        Some(Value::BoolValue(value)) => Attribute::Bool(value),
        Some(Value::IntValue(value)) => Attribute::Int(value),
        Some(Value::DoubleValue(value)) => Attribute::Double(value),
        Some(Value::BytesValue(bytes)) => Attribute::Bytes(bytes),
        Some(Value::ArrayValue(list)) => {
            Attribute::List(list.values.into_iter().map(|value| attribute(value, depth + 1)).collect())
        }
        Some(Value::KvlistValue(list)) => Attribute::Map(pairs_at(list.values, depth + 1)),
        Some(_) | None => Attribute::Empty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Nanos = 1_700_000_000_000_000_000;

    fn logs(record: &str) -> Records<LogEvent> {
        let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#);
        decode_logs(body.as_bytes(), Encoding::Json, RECEIVED).unwrap()
    }

    fn log(record: &str) -> LogEvent {
        logs(record).records.remove(0)
    }

    fn traced(span: &str) -> Records<Span> {
        let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        decode_spans(body.as_bytes(), Encoding::Json).unwrap()
    }

    #[test]
    fn ids_are_hexadecimal_of_either_case() {
        let event = log(r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174"}"#);
        assert_eq!((&*event.trace, &*event.span), ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"));
    }

    #[test]
    fn ids_of_the_wrong_length_are_none_and_a_span_needs_its_own() {
        for wrong in ["", "5b8e", "W477L9OZgQPSabYzgT/GDA==", "00000000000000000000000000000000", "zz"] {
            assert_eq!(log(&format!(r#"{{"traceId":"{wrong}"}}"#)).trace, "", "{wrong}");
            let found = traced(&format!(r#"{{"traceId":"{wrong}","spanId":"eee19b7ec3c1b174","name":"x"}}"#));
            assert_eq!(found.rejected, 1, "{wrong}");
            assert_eq!(found.reason, "1 spans whose trace id is not 16 bytes or whose span id is not 8");
        }
    }

    #[test]
    fn sixty_four_bit_integers_are_text_and_enums_are_numbers() {
        let event = log(r#"{"timeUnixNano":"1544712660300000000","severityNumber":10,
            "body":{"intValue":"-9007199254740993"}}"#);
        assert_eq!((event.at, event.severity), (1_544_712_660_300_000_000, 10));
        assert_eq!(event.body, Attribute::Int(-9_007_199_254_740_993));
        let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO"}]}]}]}"#;
        assert!(decode_logs(body, Encoding::Json, RECEIVED).is_err());
    }

    #[test]
    fn values_of_every_kind_are_kept_as_they_came() {
        let event = log(r#"{"attributes":[
            {"key":"nan","value":{"doubleValue":"NaN"}}, {"key":"empty list","value":{"arrayValue":{}}},
            {"key":"empty map","value":{"kvlistValue":{}}}, {"key":"null","value":null}, {"key":"none"},
            {"key":"bytes","value":{"bytesValue":"AP8="}}, {"key":"empty text","value":{"stringValue":""}},
            {"key":"no","value":{"boolValue":false}}, {"key":"zero","value":{"intValue":0}}]}"#);
        let shown: Vec<String> = event.attributes.iter().map(|(key, value)| format!("{key}: {value:?}")).collect();
        let expected = [
            "nan: Double(NaN)",
            "empty list: List([])",
            "empty map: Map([])",
            "null: Empty",
            "none: Empty",
            "bytes: Bytes([0, 255])",
            "empty text: Text(\"\")",
            "no: Bool(false)",
            "zero: Int(0)",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_event_without_a_time_happened_when_it_was_seen() {
        assert_eq!(log("{}").at, RECEIVED);
        let seen = log(r#"{"observedTimeUnixNano":"5"}"#);
        assert_eq!((seen.at, seen.observed), (5, 5));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = (0..100)
            .fold(r#"{"intValue":1}"#.to_owned(), |inner, _| format!(r#"{{"arrayValue":{{"values":[{inner}]}}}}"#));
        let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{deep}}}]}}]}}]}}"#);
        // The JSON reader has a bound of its own; whichever comes first, nothing overflows.
        if let Ok(read) = decode_logs(body.as_bytes(), Encoding::Json, RECEIVED) {
            assert!(read.records[0].body.to_string().matches('[').count() <= DEPTH_MAX + 2);
        }
    }

    #[test]
    fn both_encodings_say_the_same() {
        let json =
            br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},
            "schemaUrl":"s","scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{"name":"x","kind":2,
            "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173",
            "startTimeUnixNano":"1","endTimeUnixNano":"3","events":[{"name":"e","timeUnixNano":"2"}],
            "links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}],
            "status":{"code":2,"message":"no"}}]}]}]}"#;
        let request = json::read_spans(json).unwrap();
        let by_json = decode_spans(json, Encoding::Json).unwrap();
        let by_protobuf = decode_spans(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
        assert_eq!(by_json, by_protobuf);
        let span = &by_json.records[0];
        assert_eq!((span.duration(), span.status, span.origin.service()), (2, 2, "a"));
        assert_eq!((span.events.len(), span.links.len(), &*span.origin.scope), (1, 1, "lib"));
    }

    /// A request of logs with a resource of so many bytes and so many scopes with one record each.
    fn wide(bytes: usize, scopes: usize) -> ExportLogsServiceRequest {
        let value = Some(AnyValue { value: Some(Value::StringValue("x".repeat(bytes))) });
        let attributes = vec![KeyValue { key: "host.name".into(), value, ..KeyValue::default() }];
        let resource = Some(Resource { attributes, ..Resource::default() });
        let scope = logs::ScopeLogs { log_records: vec![logs::LogRecord::default()], ..logs::ScopeLogs::default() };
        let scope_logs = vec![scope; scopes];
        let resource_logs = vec![logs::ResourceLogs { resource, scope_logs, ..logs::ResourceLogs::default() }];
        ExportLogsServiceRequest { resource_logs }
    }

    #[test]
    fn a_resource_is_bounded_alone_and_with_all_the_scopes_that_repeat_it() {
        assert_eq!(log_events(wide(ORIGIN_BYTES_MAX - 100, 2), RECEIVED).records.len(), 2);
        let found = log_events(wide(ORIGIN_BYTES_MAX, 2), RECEIVED);
        assert_eq!((found.records.len(), found.rejected), (0, 2));
        assert_eq!(found.reason, "2 log records whose resource and scope are over the limit of 64 KiB");
        let found = log_events(wide(60_000, 5000), RECEIVED);
        assert_eq!(found.records.len(), ORIGINS_BYTES_MAX / 60_018);
        assert!(found.reason.ends_with("over the limit of bytes of resources and scopes in a request"));
        let empty = log_events(ExportLogsServiceRequest::default(), RECEIVED);
        assert_eq!((empty.rejected, &*empty.reason), (0, ""));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = decode_logs(&bytes, Encoding::Protobuf, RECEIVED);
            let _ = decode_spans(&bytes, Encoding::Protobuf);
            let _ = decode_logs(&bytes, Encoding::Json, RECEIVED);
            let _ = decode_spans(&bytes, Encoding::Json);
        }
    }
}
