//! The JSON form of a request for logs.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1 as proto;

use super::*;

/// Reads it.
pub(crate) fn read(body: &[u8]) -> Result<ExportLogsServiceRequest, serde_json::Error> {
    let request: Request = serde_json::from_slice(body)?;
    Ok(ExportLogsServiceRequest { resource_logs: all(request.resource_logs) })
}

shapes! {
    Request { resource_logs: Vec<ResourceLogs> }
    ResourceLogs { resource: Attributed, scope_logs: Vec<ScopeLogs>, schema_url: String }
    ScopeLogs { scope: Scope, log_records: Vec<Record>, schema_url: String }
    Record {
        time_unix_nano: Unsigned,
        observed_time_unix_nano: Unsigned,
        severity_number: i32,
        severity_text: String,
        body: Option<Any>,
        attributes: Vec<Pair>,
        dropped_attributes_count: u32,
        flags: u32,
        trace_id: String,
        span_id: String,
        event_name: String,
    }
}

impl From<ResourceLogs> for proto::ResourceLogs {
    fn from(of: ResourceLogs) -> Self {
        Self { resource: Some(of.resource.into()), scope_logs: all(of.scope_logs), schema_url: of.schema_url }
    }
}

impl From<ScopeLogs> for proto::ScopeLogs {
    fn from(of: ScopeLogs) -> Self {
        Self { scope: Some(of.scope.into()), log_records: all(of.log_records), schema_url: of.schema_url }
    }
}

impl From<Record> for proto::LogRecord {
    fn from(of: Record) -> Self {
        Self {
            time_unix_nano: of.time_unix_nano.0,
            observed_time_unix_nano: of.observed_time_unix_nano.0,
            severity_number: of.severity_number,
            severity_text: of.severity_text,
            body: of.body.map(Into::into),
            attributes: all(of.attributes),
            dropped_attributes_count: of.dropped_attributes_count,
            flags: of.flags,
            trace_id: id(&of.trace_id),
            span_id: id(&of.span_id),
            event_name: of.event_name,
        }
    }
}
