//! The JSON form of a request for traces.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1 as proto;

use super::*;

/// Reads it.
pub(crate) fn read(body: &[u8]) -> Result<ExportTraceServiceRequest, serde_json::Error> {
    let request: Request = serde_json::from_slice(body)?;
    Ok(ExportTraceServiceRequest { resource_spans: all(request.resource_spans) })
}

shapes! {
    Request { resource_spans: Vec<ResourceSpans> }
    ResourceSpans { resource: Attributed, scope_spans: Vec<ScopeSpans>, schema_url: String }
    ScopeSpans { scope: Scope, spans: Vec<Span>, schema_url: String }
    Span {
        trace_id: String,
        span_id: String,
        trace_state: String,
        parent_span_id: String,
        flags: u32,
        name: String,
        kind: i32,
        start_time_unix_nano: Unsigned,
        end_time_unix_nano: Unsigned,
        attributes: Vec<Pair>,
        dropped_attributes_count: u32,
        events: Vec<SpanEvent>,
        dropped_events_count: u32,
        links: Vec<Link>,
        dropped_links_count: u32,
        status: Option<Status>,
    }
    SpanEvent { time_unix_nano: Unsigned, name: String, attributes: Vec<Pair>, dropped_attributes_count: u32 }
    Link {
        trace_id: String,
        span_id: String,
        trace_state: String,
        attributes: Vec<Pair>,
        dropped_attributes_count: u32,
        flags: u32,
    }
    Status { message: String, code: i32 }
}

impl From<ResourceSpans> for proto::ResourceSpans {
    fn from(of: ResourceSpans) -> Self {
        Self { resource: Some(of.resource.into()), scope_spans: all(of.scope_spans), schema_url: of.schema_url }
    }
}

impl From<ScopeSpans> for proto::ScopeSpans {
    fn from(of: ScopeSpans) -> Self {
        Self { scope: Some(of.scope.into()), spans: all(of.spans), schema_url: of.schema_url }
    }
}

impl From<Span> for proto::Span {
    fn from(of: Span) -> Self {
        Self {
            trace_id: id(&of.trace_id),
            span_id: id(&of.span_id),
            trace_state: of.trace_state,
            parent_span_id: id(&of.parent_span_id),
            flags: of.flags,
            name: of.name,
            kind: of.kind,
            start_time_unix_nano: of.start_time_unix_nano.0,
            end_time_unix_nano: of.end_time_unix_nano.0,
            attributes: all(of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
            events: all(of.events),
            dropped_events_count: of.dropped_events_count,
            links: all(of.links),
            dropped_links_count: of.dropped_links_count,
            status: of.status.map(|status| proto::Status { message: status.message, code: status.code }),
        }
    }
}

impl From<SpanEvent> for proto::span::Event {
    fn from(of: SpanEvent) -> Self {
        Self {
            time_unix_nano: of.time_unix_nano.0,
            name: of.name,
            attributes: all(of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
        }
    }
}

impl From<Link> for proto::span::Link {
    fn from(of: Link) -> Self {
        Self {
            trace_id: id(&of.trace_id),
            span_id: id(&of.span_id),
            trace_state: of.trace_state,
            attributes: all(of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
            flags: of.flags,
        }
    }
}
