//! Shows and accepts: the JSON API, the doors in, the pages and the status page.
//!
//! | module | who comes here |
//! |---|---|
//! | [`doors`] | programs that speak somebody else's words: Alertmanager's, PagerDuty's, OTLP, webhooks, Statuspage's |
//! | [`api`] | programs and the command line, in our own words: `/api/v1` |
//! | [`pages`] | people, in a browser |
//! | [`health`], [`metrics`] | supervisors and whoever watches the watchkeeper |
//! | [`standby`] | whoever asks a node that does not lead |
//!
//! [`letting_in`] makes what lets people and programs in. [`long`] keeps those who read much out of the way of those who are paged.
//!
//! Every handler is thin: it reads a request, asks or reads the engine as an actor, and tells what came of it. No rule
//! of the lifecycle is here; what may be done is decided in the engine.

pub mod api;
mod backtests;
pub mod doors;
mod elsewhere;
mod health;
pub mod letting_in;
pub mod listen;
pub mod logs;
pub mod long;
pub mod metrics;
mod noise;
mod objectives;
pub mod pages;
pub mod secure;
pub mod session;
pub mod standby;
pub mod state;
pub mod throttle;
mod traces;

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::doors::reply::Problem;
use crate::metrics::{Part, counted};
use crate::session::Reader;
pub use crate::state::{AppState, NotReloaded, Numbers, Refused, Reload, Sink, Sinks, Stores, WebConfig};

/// How long a request may take until its answer begins. A stream that has begun may go on.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole server. Serve it with [`listen::serve`], so that a door knows who calls.
pub fn app(state: AppState) -> Router {
    let other = Router::new().merge(health::router()).merge(metrics::router());
    let calm = Router::new()
        .merge(counted(api::router(), Part::Api, &state))
        .merge(counted(pages::router(), Part::Pages, &state))
        .merge(counted(other.fallback(nowhere), Part::Other, &state))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_TIMEOUT))
        .layer(TraceLayer::new_for_http().make_span_with(route_span));
    // Alerts come in by the thousand a second: the doors carry no layer that they do not need.
    let all = Router::new().merge(doors::router(&state)).merge(calm).method_not_allowed_fallback(otherwise);
    let https = state.config.base_url.starts_with("https://");
    secure::secured(all, https).with_state(state)
}

/// No route has this path: a screen for people, words for programs.
async fn nowhere(State(state): State<AppState>, Reader(session): Reader, headers: HeaderMap, uri: Uri) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") && !uri.path().starts_with("/api/") {
        return pages::nowhere(&state, session.as_ref(), &uri);
    }
    let path: String = uri.path().chars().take(100).collect();
    Problem::missing(format!("there is nothing at {path:?}: the API is described at /api/openapi.json")).into_response()
}

/// The path is there, for other methods.
async fn otherwise(method: Method) -> Problem {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here: see the header Allow"))
}

/// What a log line says about its request: the route, because a path may hold the key of a link.
fn route_span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    tracing::debug_span!(target: "tower_http", "request", method = %request.method(), route)
}
