//! Remote write, 1.0 and 2.0: what a Prometheus, or an agent that speaks like one, pushes to us.
//!
//! What can be kept is kept, whatever else stands in the same message; the rest is answered with 400 and the reasons, as
//! Prometheus answers, so that the sender does not send it again.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use connectors::remote_write::{self, Contents, LabelBytes, Sink, Unpacker, Version};
use engine::Read;
use promql::{Histogram, Millis};
use telemetry::metrics::{Appended, Appender, Store};

use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::otlp::{PUSH, SENT_BYTES_MAX};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// Carries what is read into the store.
struct Door<'a, 's>(&'a mut Appender<'s>);

impl Sink for Door<'_, '_> {
    fn series(&mut self, labels: LabelBytes<'_>) {
        self.0.series(labels.key(), || labels.pairs());
    }
    fn float(&mut self, at: Millis, born: Millis, value: f64) {
        self.0.float(at, born, value);
    }
    fn histogram(&mut self, at: Millis, born: Millis, histogram: Histogram) {
        self.0.histogram(at, born, &Arc::new(histogram));
    }
}

pub(super) async fn write(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, &state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let version = version(&parts.headers)?;
    let sent = body::read(body, SENT_BYTES_MAX).await?;
    let (contents, appended) = take(&state.stores.metrics, version, &sent, state.engine.now().as_millisecond())?;
    let refused = appended.tally.refused_all() + contents.bad_histograms;
    state.counters.note_samples(contents.floats + contents.histograms, refused);
    let written = [
        (
            "x-prometheus-remote-write-samples-written",
            contents.floats.saturating_sub(appended.tally.refused_all()).to_string(),
        ),
        ("x-prometheus-remote-write-histograms-written", contents.histograms.to_string()),
        ("x-prometheus-remote-write-exemplars-written", "0".to_owned()),
    ];
    if refused > 0 {
        let bad = contents.why.map(|why| format!("{} bad histograms: {why}", contents.bad_histograms));
        let reasons: Vec<String> = [Some(appended.to_string()), bad].into_iter().flatten().collect();
        return Ok((StatusCode::BAD_REQUEST, written, reasons.join("; ")).into_response());
    }
    Ok((StatusCode::NO_CONTENT, written).into_response())
}

/// The version that the headers name, packed as it must be.
fn version(headers: &HeaderMap) -> Result<Version, Problem> {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok()).unwrap_or("");
    if text(header::CONTENT_ENCODING) != "snappy" {
        let message = "Content-Encoding: write snappy, the block form";
        return Err(Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Encoding"));
    }
    Version::of(text(header::CONTENT_TYPE))
        .map_err(|unknown| Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, unknown.to_string()).field("Content-Type"))
}

/// Reads a message into the store. Nothing is awaited in here: the store's head is locked meanwhile.
fn take(store: &Store, version: Version, sent: &[u8], now: Millis) -> Result<(Contents, Appended), Problem> {
    let mut unpacker = Unpacker::default();
    let message = unpacker.unpack(sent).map_err(|bad| Problem::bad(bad.to_string()))?;
    let mut appender = store.appender(now).map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let read = remote_write::read(version, message, &mut Door(&mut appender));
    let appended = appender.finish().map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let contents = read.map_err(|malformed| Problem::bad(malformed.to_string()))?;
    Ok((contents, appended))
}
