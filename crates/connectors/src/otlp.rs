//! OTLP metrics: a request body becomes samples, point by point; what cannot be one is counted with its reason.
//!
//! Names and labels are those that Prometheus gives to OTLP: `http.server.duration` in seconds becomes
//! `http_server_duration_seconds`, a monotonic sum ends in `_total`, histograms become `_bucket`, `_sum` and `_count`, and
//! exponential histograms become native ones.
//! Attributes of the resource become labels of every series; `service.name` becomes `service` and `job`.

mod exponential;
mod json;
mod names;
mod plain;
mod records;
#[cfg(test)]
mod tests;
mod totals;
mod translate;

use kernel::Timestamp;
use kernel::sample::Sample;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use promql::{Labels, Point};
use prost::Message;
use serde_json::json;

pub use exponential::NATIVE_BUCKETS_MAX;
pub use plain::{Number, Plain, RESOURCES_BYTES_MAX, RESOURCES_MAX, Resources};
pub use records::{
    DEPTH_MAX, ORIGIN_BYTES_MAX, ORIGINS_BYTES_MAX, RECORDS_PER_REQUEST_MAX, Records, decode_logs, decode_spans,
    log_events, spans,
};
pub use totals::{DELTA_HISTOGRAMS_MAX, DELTA_SERIES_MAX, TOTALS_KEPT_FOR, Totals};

/// The most samples that one request may become; points beyond are rejected.
pub const SAMPLES_PER_REQUEST_MAX: usize = 200_000;
/// The most bytes that the labels of one series may have; points with more are rejected. The store's own limit.
pub const SERIES_BYTES_MAX: usize = 16_384;
/// The most bytes that the labels of all samples of one request may have; points beyond are rejected.
pub const LABELS_BYTES_PER_REQUEST_MAX: usize = 256 * 1024 * 1024;

/// The two encodings of OTLP over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

/// The three kinds of data that OTLP carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Samples of series.
    Metrics,
    /// Log events.
    Logs,
    /// Spans.
    Traces,
}

impl Signal {
    /// What the answer's JSON form calls the number of what was rejected.
    fn rejected(self) -> &'static str {
        match self {
            Self::Metrics => "rejectedDataPoints",
            Self::Logs => "rejectedLogRecords",
            Self::Traces => "rejectedSpans",
        }
    }
}

/// Why a body is not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is not the protobuf message.
    #[error("the body is no OTLP request of this kind in protobuf: {0}")]
    Protobuf(String),
    /// It is not the JSON form of the message.
    #[error("the body is no OTLP request of this kind in JSON: {0}")]
    Json(String),
}

/// What a request holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// What can be kept.
    pub samples: Vec<Sample>,
    /// Native histograms that can be kept, each with its series.
    pub histograms: Vec<(Labels, Point)>,
    /// How many data points cannot.
    pub rejected: u64,
    /// Why, in one line; empty when none was rejected.
    pub reason: String,
}

/// A `google.rpc.Status`, the body of an error.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Encoding {
    /// The encoding that a `Content-Type` names; parameters such as a charset are ignored.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or("").trim();
        let named = |name| essence.eq_ignore_ascii_case(name);
        match () {
            () if named("application/x-protobuf") => Some(Self::Protobuf),
            () if named("application/json") => Some(Self::Json),
            () => None,
        }
    }

    /// Its `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// Reads the body of a request to `/v1/metrics`, already decompressed. Points without a time get `received`. Points with
/// delta temporality are rejected, because nothing is remembered here: [`Totals::decode`] adds them up.
///
/// # Errors
/// When the body as a whole cannot be read; a single bad point is rejected instead.
pub fn decode(body: &[u8], encoding: Encoding, received: Timestamp) -> Result<Decoded, DecodeError> {
    request(body, encoding).map(|request| translate::request(request, received, None))
}

fn request(body: &[u8], encoding: Encoding) -> Result<ExportMetricsServiceRequest, DecodeError> {
    match encoding {
        Encoding::Protobuf => {
            ExportMetricsServiceRequest::decode(body).map_err(|error| DecodeError::Protobuf(error.to_string()))
        }
        Encoding::Json => json::read(body).map_err(|error| DecodeError::Json(error.to_string())),
    }
}

/// The body of the answer 200: empty, or a partial success that names how many records were rejected and why.
#[must_use]
pub fn answer(encoding: Encoding, signal: Signal, rejected: u64, reason: &str) -> Vec<u8> {
    let is_whole = rejected == 0 && reason.is_empty();
    match encoding {
        Encoding::Json if is_whole => b"{}".to_vec(),
        Encoding::Json => {
            // Protobuf's JSON writes 64-bit integers as text.
            let partial = json!({ signal.rejected(): rejected.to_string(), "errorMessage": reason });
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
        Encoding::Protobuf => {
            // The three answers are the same on the wire: a number under tag 1 and a text under tag 2.
            let partial = ExportMetricsPartialSuccess {
                rejected_data_points: i64::try_from(rejected).unwrap_or(i64::MAX),
                error_message: reason.to_owned(),
            };
            ExportMetricsServiceResponse { partial_success: (!is_whole).then_some(partial) }.encode_to_vec()
        }
    }
}

/// The body of an error answer: a `google.rpc.Status`. `code` is a gRPC code, such as 3 for an invalid argument.
#[must_use]
pub fn failure(encoding: Encoding, code: i32, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
        Encoding::Protobuf => Status { code, message: message.to_owned() }.encode_to_vec(),
    }
}
