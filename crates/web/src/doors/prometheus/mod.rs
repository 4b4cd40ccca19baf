//! Prometheus' HTTP API over our own store, so that its clients and `promtool query` work: queries, series, labels, rules,
//! alerts; and remote write.
//!
//! Everything is at `/prometheus/api/v1`, for clients that are given an address to put paths behind; what has no other
//! meaning here is at `/api/v1` as well. Queries run on threads that may block, a bounded number at once, and each is
//! bounded in samples and in points.

mod answer;
mod labels;
mod query;
mod rules;
mod targets;
mod times;
mod write;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequest as _, FromRequestParts as _, Request};
use axum::http::{Method, StatusCode, header};
use axum::routing::{get, post};
use engine::Read;
use promql::Options;
use telemetry::metrics::Store;

use crate::doors::body;
use crate::doors::caller::Program;
use crate::doors::query::pairs;
use crate::state::AppState;

use answer::Written;

pub use answer::{ANSWER_POINTS_MAX, Failed};

/// The most points of one series that a query may ask for; Prometheus has the same limit.
pub const POINTS_MAX: i64 = 11_000;
/// The longest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 1024 * 1024;
/// The most queries that run at once; further ones wait.
pub const QUERIES_MAX: usize = 4;
/// The most samples that a query loads and computes, all its steps together.
pub const QUERY_SAMPLES_MAX: usize = 20_000_000;
/// The longest time that a query may take, the wait for its place included; `timeout` makes it shorter.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(120);
/// The action that access policies know for reading.
const READ: &str = "signals:read";

/// The routes of this door.
pub fn router() -> Router<AppState> {
    here().merge(behind_an_address())
}

/// What has no other meaning at `/api/v1`.
fn here() -> Router<AppState> {
    Router::new()
        .route("/api/v1/query", get(query::instant).post(query::instant))
        .route("/api/v1/query_range", get(query::range).post(query::range))
        .route("/api/v1/format_query", get(query::format).post(query::format))
        .route("/api/v1/series", get(labels::series).post(labels::series))
        .route("/api/v1/labels", get(labels::names).post(labels::names))
        .route("/api/v1/label/{name}/values", get(labels::values))
        .route("/api/v1/rules", get(rules::rules))
        .route("/api/v1/write", post(write::write))
}

/// Everything, for clients that put their paths behind an address.
fn behind_an_address() -> Router<AppState> {
    Router::new()
        .route("/prometheus/api/v1/query", get(query::instant).post(query::instant))
        .route("/prometheus/api/v1/query_range", get(query::range).post(query::range))
        .route("/prometheus/api/v1/format_query", get(query::format).post(query::format))
        .route("/prometheus/api/v1/series", get(labels::series).post(labels::series))
        .route("/prometheus/api/v1/labels", get(labels::names).post(labels::names))
        .route("/prometheus/api/v1/label/{name}/values", get(labels::values))
        .route("/prometheus/api/v1/rules", get(rules::rules))
        .route("/prometheus/api/v1/alerts", get(rules::alerts))
        .route("/prometheus/api/v1/targets", get(targets::targets))
        .route("/prometheus/api/v1/metadata", get(labels::metadata))
        .route("/prometheus/api/v1/status/buildinfo", get(labels::build))
        .route("/prometheus/api/v1/write", post(write::write))
}

/// The parameters of a request: those of its address and those of its form, by name, each maybe several times.
struct Form(Vec<(String, String)>);

impl Form {
    /// Reads them, when the caller may.
    async fn of(state: &AppState, request: Request) -> Result<Self, Failed> {
        let (mut parts, body) = request.into_parts();
        let Program(actor) = Program::from_request_parts(&mut parts, state).await?;
        state.engine.may(&actor, Read::of(READ))?;
        let mut all: Vec<_> = pairs(parts.uri.query().unwrap_or("")).collect();
        let typed = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        if parts.method == Method::POST && typed.starts_with("application/x-www-form-urlencoded") {
            let whole = body::Whole::<FORM_BYTES_MAX>::from_request(Request::from_parts(parts, body), state).await?;
            all.extend(pairs(&String::from_utf8_lossy(&whole.0)));
        }
        Ok(Self(all))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str, Failed> {
        self.get(name).ok_or_else(|| Failed::bad(format!("invalid parameter {name:?}: it is missing")))
    }
}

/// What a query may do here.
pub(crate) fn bounded() -> Options {
    Options { samples_max: QUERY_SAMPLES_MAX, ..Options::default() }
}

/// Runs a piece of work over the samples on a thread that may block, the writing of its answer included. Its place is
/// taken until the work has ended, whether or not anybody still waits for it.
async fn over(
    state: &AppState,
    timeout: Duration,
    work: impl FnOnce(&Store) -> Result<Written, Failed> + Send + 'static,
) -> Result<Written, Failed> {
    let (places, metrics) = (Arc::clone(&state.queries), state.stores.metrics.clone());
    let asked = async move {
        // Nobody closes the semaphore.
        let place = places.acquire_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&metrics);
            drop(place);
            done
        });
        done.await
    };
    match tokio::time::timeout(timeout, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            Err(Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the query ended without an answer"))
        }
        Err(_) => {
            let message = format!("query timed out after {timeout:?}: ask for less, or for a longer timeout");
            Err(Failed::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", message))
        }
    }
}
