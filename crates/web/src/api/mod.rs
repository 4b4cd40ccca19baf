//! Our own JSON API, `/api/v1`: every command and every read of the rooms, in our own words, described at `/api/openapi.json`.
//!
//! A command answers with the facts that it made, its own first; a refusal answers as [`crate::doors::reply::Problem`].
//! Every type on the wire is declared beside its handler, so that a room may change without a client noticing.

mod alerts;
mod backtests;
mod book;
mod caller;
mod changes;
mod checks;
mod fact;
mod incidents;
mod input;
mod journal;
mod logs;
mod now;
mod oncall;
mod pages;
mod people;
mod reviews;
mod rules;
mod sigma;
mod silences;
mod sources;
mod targets;
mod tokens;
pub(crate) mod traces;
mod updates;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

pub use rules::{NOISE_SINCE, NOISE_SINCE_MAX};

use crate::session::COOKIE_NAME;
use crate::state::AppState;

/// What the description says about the whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Watchkeeper",
        description = "Alerts, pages, incidents, updates, reviews and the journal. A command answers with the facts that it made.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&WaysIn),
    security(("token" = []), ("session" = [])),
)]
struct Described;

/// Says how a caller is known.
struct WaysIn;

impl utoipa::Modify for WaysIn {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let said = "A person's session; whatever changes something carries the token of its forms as `x-form-token`.";
        let cookie = ApiKeyValue::with_description(COOKIE_NAME, said);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The routes with their description.
fn documented() -> OpenApiRouter<AppState> {
    let routes = OpenApiRouter::new()
        .merge(now::router())
        .merge(alerts::router())
        .merge(pages::router())
        .merge(silences::router())
        .merge(oncall::router())
        .merge(incidents::router())
        .merge(updates::router())
        .merge(reviews::router())
        .merge(journal::router())
        .merge(logs::router())
        .merge(changes::router())
        .merge(checks::router())
        .merge(backtests::router())
        .merge(rules::router())
        .merge(sigma::router())
        .merge(sources::router())
        .merge(targets::router())
        .merge(traces::router())
        .merge(book::router())
        .merge(people::router())
        .merge(tokens::router());
    OpenApiRouter::with_openapi(Described::openapi()).nest("/api/v1", routes)
}

/// All of `/api/v1`, and its description.
pub fn router() -> Router<AppState> {
    let (routes, openapi) = documented().split_for_parts();
    let text = description(&openapi);
    routes.route("/api/openapi.json", get(async move || ([(header::CONTENT_TYPE, "application/json")], text)))
}

/// The description as text.
fn description(openapi: &utoipa::openapi::OpenApi) -> String {
    // Nothing in it has a form that JSON cannot hold; a test reads it back.
    openapi.to_pretty_json().unwrap_or_default()
}

/// The OpenAPI 3.1 description of this API as JSON.
#[must_use]
pub fn openapi_json() -> String {
    description(documented().get_openapi())
}
