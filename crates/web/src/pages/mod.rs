//! The screens, for people: rendered here, live by server-sent events, readable without JavaScript.
//!
//! | module | screens |
//! |---|---|
//! | [`access`] | log in, invitation, log out |
//! | [`now`] | *Now* |
//! | [`room`], [`acts`] | *Incident room*, the list, declaring, and everything its forms ask |
//! | [`paging`] | *Page*: one run of a policy |
//! | [`journal`] | *Journal*: facts and their proofs |
//! | [`status`] | *Status page*, public |

mod access;
mod acts;
mod assets;
mod form;
mod frame;
mod journal;
mod live;
mod now;
mod paging;
mod room;
mod rows;
mod status;
pub mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::state::AppState;

/// The largest form, in bytes.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// What every screen is sent with: nothing from elsewhere, nothing inline, no framing.
const HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// All screens.
pub fn router() -> Router<AppState> {
    let screens = Router::new()
        .merge(access::router())
        .merge(now::router())
        .merge(room::router())
        .merge(acts::router())
        .merge(paging::router())
        .merge(journal::router())
        .merge(status::router())
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX));
    let mut all = screens.merge(assets::router()).merge(live::router());
    for (name, value) in HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        all = all.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    all
}
