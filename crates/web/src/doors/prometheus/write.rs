//! Remote write, 1.0 and 2.0: what a Prometheus, or an agent that speaks like one, pushes to us.
//!
//! What can be kept is kept, whatever else stands in the same message; the rest is answered with 400 and the reasons, as
//! Prometheus answers, so that the sender does not send it again.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use connectors::remote_write::{self, Contents, LabelBytes, Malformed, Sink, Unpacker, Version};
use engine::Read;
use promql::{Histogram, Millis};
use telemetry::metrics::{Appended, Appender, Store};

use crate::doors::aside::aside;
use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::otlp::{PUSH, SENT_BYTES_MAX};
use crate::doors::reply::Problem;
use crate::state::AppState;

/// Carries what is read into the store, and counts the histograms that it keeps.
struct Door<'a, 's> {
    appender: &'a mut Appender<'s>,
    histograms: u64,
}

impl Sink for Door<'_, '_> {
    fn series(&mut self, labels: LabelBytes<'_>) {
        self.appender.series(labels.key(), || labels.pairs());
    }
    fn float(&mut self, at: Millis, born: Millis, value: f64) {
        self.appender.float(at, born, value);
    }
    fn histogram(&mut self, at: Millis, born: Millis, histogram: Histogram) {
        let before = self.appender.tally().refused_all();
        self.appender.histogram(at, born, &Arc::new(histogram));
        self.histograms += u64::from(self.appender.tally().refused_all() == before);
    }
}

/// What became of a message.
struct Taken {
    /// What it held, or why it could be read no further.
    read: Result<Contents, Malformed>,
    appended: Appended,
    /// How many histograms were kept.
    histograms: u64,
}

impl Taken {
    /// How many samples were kept or had been before.
    fn kept(&self) -> u64 {
        let tally = &self.appended.tally;
        tally.kept + tally.late + tally.duplicates
    }

    fn refused(&self) -> u64 {
        self.appended.tally.refused_all() + self.read.as_ref().map_or(0, |contents| contents.bad_histograms)
    }

    /// Why not everything was kept; `None` when it was.
    fn why(&self) -> Option<String> {
        let bad = match &self.read {
            Err(malformed) => Some(malformed.to_string()),
            Ok(contents) => {
                contents.why.as_ref().map(|why| format!("{} bad histograms: {why}", contents.bad_histograms))
            }
        };
        let refused = Some(self.appended.to_string()).filter(|why| !why.is_empty());
        let reasons: Vec<String> = [refused, bad].into_iter().flatten().collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

/// 204 or 400 by whether everything was kept, with how much was, as remote write 2.0 says.
impl IntoResponse for Taken {
    fn into_response(self) -> Response {
        let floats = self.kept().saturating_sub(self.histograms);
        let written = [
            ("x-prometheus-remote-write-samples-written", floats.to_string()),
            ("x-prometheus-remote-write-histograms-written", self.histograms.to_string()),
            ("x-prometheus-remote-write-exemplars-written", "0".to_owned()),
        ];
        match self.why() {
            Some(why) => (StatusCode::BAD_REQUEST, written, why).into_response(),
            None => (StatusCode::NO_CONTENT, written).into_response(),
        }
    }
}

pub(super) async fn write(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let Program(actor) = Program::from_request_parts(&mut parts, &state).await?;
    state.engine.may(&actor, Read::of(PUSH))?;
    let version = version(&parts.headers)?;
    let sent = body::read(body, SENT_BYTES_MAX).await?;
    let now = state.engine.now().as_millisecond();
    let taken = aside(&state, move |state| take(&state.stores.metrics, version, &sent, now)).await?;
    state.counters.note_samples(taken.kept() + taken.refused(), taken.refused());
    Ok(taken.into_response())
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
fn take(store: &Store, version: Version, sent: &[u8], now: Millis) -> Result<Taken, Problem> {
    let mut unpacker = Unpacker::default();
    let message = unpacker.unpack(sent).map_err(|bad| Problem::bad(bad.to_string()))?;
    let mut appender = store.appender(now).map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let mut door = Door { appender: &mut appender, histograms: 0 };
    let read = remote_write::read(version, message, &mut door);
    let histograms = door.histograms;
    let appended = appender.finish().map_err(|failure| Problem::unavailable(failure.to_string()))?;
    Ok(Taken { read, appended, histograms })
}
