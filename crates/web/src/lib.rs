//! Shows and accepts: the JSON API, the doors in, the pages and the status page.
//!
//! | module | who comes here |
//! |---|---|
//! | [`doors`] | programs that speak somebody else's words: Alertmanager's, PagerDuty's, OTLP, webhooks, Statuspage's |
//! | [`api`] | programs and the command line, in our own words: `/api/v1` |
//! | [`pages`] | people, in a browser |
//! | [`health`], [`metrics`] | supervisors and whoever watches the watchkeeper |
//!
//! [`long`] keeps those who read much out of the way of those who are paged.
//!
//! Every handler is thin: it reads a request, asks or reads the engine as an actor, and tells what came of it. No rule
//! of the lifecycle is here; what may be done is decided in the engine.

pub mod ack;
pub mod api;
pub mod doors;
pub mod health;
pub mod long;
pub mod metrics;
pub mod pages;
pub mod session;
pub mod state;

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::metrics::{Part, counted};
pub use crate::state::{AppState, NotReloaded, RefusedSamples, Reload, SampleSink, WebConfig};

/// How long a request may take until its answer begins. A stream that has begun may go on.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole server. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that a door knows who calls.
pub fn app(state: AppState) -> Router {
    let calm = Router::new()
        .merge(counted(api::router(), Part::Api, &state))
        .merge(counted(Router::new().merge(ack::router()).merge(pages::router()), Part::Pages, &state))
        .merge(health::router())
        .merge(metrics::router())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, ANSWER_TIMEOUT))
        .layer(TraceLayer::new_for_http().make_span_with(route_span));
    // Alerts come in by the thousand a second: the doors carry no layer that they do not need.
    Router::new().merge(doors::router(&state)).merge(calm).with_state(state)
}

/// What a log line says about its request: the route, because a path may hold the key of a link.
fn route_span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    tracing::debug_span!(target: "tower_http", "request", method = %request.method(), route)
}
