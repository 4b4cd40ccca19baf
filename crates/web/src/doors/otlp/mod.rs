//! OTLP: `/v1/metrics`, `/v1/logs` and `/v1/traces` over HTTP as an OpenTelemetry SDK or Collector posts them, and the
//! same over gRPC. None of these data are facts: they go to the sinks, and whatever is refused is told in a partial success.

pub mod grpc;
mod packed;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use connectors::otlp::{self, Decoded, Encoding, Plain, Signal};
use engine::Read;
use kernel::{LogEvent, Nanos, Span};

use crate::doors::aside::aside;
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::metrics::{Part, counted};
use crate::secure;
use crate::state::AppState;

pub use packed::UNPACKED_BYTES_MAX;
pub(crate) use packed::unpacked;

/// The largest body as it is sent, in bytes.
pub const SENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The action that access policies know for it.
pub(crate) const PUSH: &str = "signals:push";

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/v1/metrics", post(async |state, request| answer(state, request, Signal::Metrics).await))
        .route("/v1/logs", post(async |state, request| answer(state, request, Signal::Logs).await))
        .route("/v1/traces", post(async |state, request| answer(state, request, Signal::Traces).await))
}

/// This door alone, for a listener of its own.
pub fn app(state: &AppState) -> Router {
    secure::secured(counted(router(), Part::Otlp, state), state.config.base_url.starts_with("https://"))
        .with_state(state.clone())
}

async fn answer(State(state): State<AppState>, request: Request, signal: Signal) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(encoding) = content_type.and_then(Encoding::of) else {
        let message = "Content-Type: write application/x-protobuf or application/json";
        return Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Type").into_response();
    };
    let typed = [(header::CONTENT_TYPE, encoding.content_type())];
    match take(&state, request, encoding, signal).await {
        Ok(rest) => (typed, otlp::answer(encoding, signal, rest.count, &rest.why)).into_response(),
        Err(problem) => {
            let body = otlp::failure(encoding, grpc_code(problem.status), &problem.message);
            problem.with_body((typed, body))
        }
    }
}

async fn take(state: &AppState, request: Request, encoding: Encoding, signal: Signal) -> Result<Rest, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let sent = body::read(body, SENT_BYTES_MAX).await.map_err(again)?;
    aside(state, move |state| read(state, &unpacked(&parts.headers, sent)?, encoding, signal)).await
}

/// A body that came too late may come in time when it is sent again. Exporters repeat what is answered with 503, not with
/// 408.
fn again(problem: Problem) -> Problem {
    if problem.status == StatusCode::REQUEST_TIMEOUT { Problem::unavailable(problem.message) } else { problem }
}

fn read(state: &AppState, bytes: &Bytes, encoding: Encoding, signal: Signal) -> Result<Rest, Problem> {
    let bad = |error: otlp::DecodeError| Problem::bad(error.to_string());
    match signal {
        Signal::Metrics => match plain(state, bytes, encoding)? {
            Some(plain) => keep_plain(state, plain),
            None => keep_samples(state, state.totals.decode(bytes, encoding, state.engine.now()).map_err(bad)?),
        },
        Signal::Logs => keep_logs(state, otlp::decode_logs(bytes, encoding, nanos_now(state)).map_err(bad)?),
        Signal::Traces => keep_spans(state, otlp::decode_spans(bytes, encoding).map_err(bad)?),
    }
}

/// What of a request was not kept.
struct Rest {
    count: u64,
    why: String,
}

impl Rest {
    fn of<const PARTS: usize>(parts: [(u64, String); PARTS]) -> Self {
        let count = parts.iter().map(|(count, _)| count).sum();
        let why: Vec<String> = parts.into_iter().map(|(_, why)| why).filter(|why| !why.is_empty()).collect();
        Self { count, why: why.join("; ") }
    }
}

/// The numbers of a body, those with labels whose series are not known yet; `None` where the body is read as a message.
fn plain<'b>(state: &AppState, bytes: &'b [u8], encoding: Encoding) -> Result<Option<Plain<'b>>, Problem> {
    let read = || Plain::read(bytes, &state.resources, state.engine.now());
    let Some(mut plain) = (encoding == Encoding::Protobuf).then(read).flatten() else { return Ok(None) };
    let unknown = state.sinks.numbers.unknown(&plain).map_err(Problem::unavailable)?;
    Ok(plain.name(&unknown).map(|()| plain))
}

/// Numbers go to their sink as they are; what stands beside them goes the way of messages.
fn keep_plain(state: &AppState, plain: Plain<'_>) -> Result<Rest, Problem> {
    let numbers = plain.numbers().count() as u64;
    let refused = (state.sinks.numbers.keep(&plain)).map_err(Problem::unavailable)?;
    let rest = keep_samples(state, state.totals.beside(plain, state.engine.now()))?;
    state.counters.note_samples(numbers, refused.count);
    Ok(Rest::of([(refused.count, refused.why), (rest.count, rest.why)]))
}

fn keep_samples(state: &AppState, decoded: Decoded) -> Result<Rest, Problem> {
    let received = (decoded.samples.len() + decoded.histograms.len()) as u64 + decoded.rejected;
    let refused = (state.sinks.samples)(decoded.samples).map_err(Problem::unavailable)?;
    let natives = (state.sinks.histograms)(decoded.histograms).map_err(Problem::unavailable)?;
    let refusals = [(decoded.rejected, decoded.reason), (refused.count, refused.why), (natives.count, natives.why)];
    let rest = Rest::of(refusals);
    state.counters.note_samples(received, rest.count);
    Ok(rest)
}

fn keep_logs(state: &AppState, records: otlp::Records<LogEvent>) -> Result<Rest, Problem> {
    let refused = (state.sinks.logs)(records.records).map_err(Problem::unavailable)?;
    Ok(Rest::of([(records.rejected, records.reason), (refused.count, refused.why)]))
}

fn keep_spans(state: &AppState, records: otlp::Records<Span>) -> Result<Rest, Problem> {
    let refused = (state.sinks.spans)(records.records).map_err(Problem::unavailable)?;
    Ok(Rest::of([(records.rejected, records.reason), (refused.count, refused.why)]))
}

/// Now, as monitoring data count.
pub fn nanos_now(state: &AppState) -> Nanos {
    i64::try_from(state.engine.now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// The code that gRPC has for the same.
fn grpc_code(status: StatusCode) -> i32 {
    match status {
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_body_is_one_to_send_again() {
        let late = again(Problem::of(StatusCode::REQUEST_TIMEOUT, "late"));
        assert_eq!((late.status, grpc_code(late.status)), (StatusCode::SERVICE_UNAVAILABLE, 14));
        assert!(late.wait.is_some() && late.message == "late");
        assert_eq!(again(Problem::bad("no")).status, StatusCode::BAD_REQUEST);
    }
}
