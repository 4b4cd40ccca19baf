//! OTLP over HTTP: `/v1/metrics` as an OpenTelemetry SDK or Collector posts it. Samples are no facts: they go to the sink,
//! and whatever is refused is told in a partial success.

use std::io::Read as _;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use connectors::otlp::{self, Encoding};
use engine::Read;

use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest body as it is sent, in bytes.
pub const SENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The largest body when it is unpacked, in bytes.
pub const UNPACKED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The action that access policies know for it.
const PUSH: &str = "signals:push";

/// The routes of this door.
pub fn router() -> Router<AppState> {
    Router::new().route("/v1/metrics", post(metrics))
}

async fn metrics(State(state): State<AppState>, request: Request) -> Response {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(encoding) = content_type.and_then(Encoding::of) else {
        let message = "Content-Type: write application/x-protobuf or application/json";
        return Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Type").into_response();
    };
    let typed = [(header::CONTENT_TYPE, encoding.content_type())];
    match take(&state, request, encoding).await {
        Ok(answer) => (typed, answer).into_response(),
        Err(problem) => {
            let body = otlp::failure(encoding, grpc_code(problem.status), &problem.message);
            problem.with_body((typed, body))
        }
    }
}

async fn take(state: &AppState, request: Request, encoding: Encoding) -> Result<Vec<u8>, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let sent = body::read(body, SENT_BYTES_MAX).await?;
    let bytes = unpacked(&parts.headers, sent)?;
    let decoded =
        state.totals.decode(&bytes, encoding, state.engine.now()).map_err(|error| Problem::bad(error.to_string()))?;
    let received = decoded.samples.len() as u64 + decoded.rejected;
    let refused = (state.samples)(decoded.samples);
    let rejected = decoded.rejected + refused.count;
    state.counters.note_samples(received, rejected);
    let reasons: Vec<String> = [decoded.reason, refused.why].into_iter().filter(|reason| !reason.is_empty()).collect();
    Ok(otlp::answer(encoding, rejected, &reasons.join("; ")))
}

/// The body without its `Content-Encoding`.
fn unpacked(headers: &HeaderMap, sent: Bytes) -> Result<Bytes, Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING).map_or(Ok(""), |value| value.to_str());
    match encoding {
        Ok("" | "identity") => Ok(sent),
        Ok("gzip") => gunzip(&sent).map(Bytes::from),
        _ => {
            let message = "Content-Encoding: write gzip, or send the body as it is";
            Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Encoding"))
        }
    }
}

fn gunzip(sent: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(sent.len().saturating_mul(4).min(UNPACKED_BYTES_MAX));
    let limit = UNPACKED_BYTES_MAX as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(sent).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Problem::bad(format!("the body is not gzip: {error}")))?;
    if bytes.len() > UNPACKED_BYTES_MAX {
        let message =
            format!("a body here has at most {UNPACKED_BYTES_MAX} bytes when it is unpacked: send less at once");
        return Err(Problem::of(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(bytes)
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
    use std::io::Write as _;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked_within_bounds() {
        assert_eq!(gunzip(&packed(b"hello")).unwrap(), b"hello");
        assert_eq!(gunzip(b"hello").unwrap_err().status, StatusCode::BAD_REQUEST);
        assert_eq!(gunzip(&packed(b"hello")[..12]).unwrap_err().status, StatusCode::BAD_REQUEST);
        let bomb = packed(&vec![0; UNPACKED_BYTES_MAX + 1]);
        assert!(bomb.len() < 1024 * 1024);
        assert_eq!(gunzip(&bomb).unwrap_err().status, StatusCode::PAYLOAD_TOO_LARGE);
    }
}
