//! The screens, for people: rendered here, live by server-sent events, readable without JavaScript.
//!
//! | module | screens |
//! |---|---|
//! | [`access`] | log in, invitation, log out |
//! | [`ack`] | what the link in a message leads to |
//! | [`now`] | *Now* |
//! | [`room`], [`acts`] | *Incident room*, the list, declaring, and everything its forms ask |
//! | [`paging`] | *Page*: one run of a policy |
//! | [`journal`] | *Journal*: facts and their proofs |
//! | [`rule`], [`slos`] | one rule with its noise, *SLOs* |
//! | [`rules`], [`explore`], [`logs`], [`patterns`], [`traces`], [`checks`] | *Rules*, *Explore*, *Logs* with its *Patterns*, *Traces*, *Checks*: what is sensed |
//! | [`sigma`] | *Security rules* |
//! | [`backtest`], [`backtested`] | *Backtest*: rules over the past |
//! | [`silences`] | *Alert* with why it paged or not, *Silences* |
//! | [`oncall`], [`services`], [`reviews`] | *On call*, *Services*, *Review* |
//! | [`me`] | one's own page, tokens and invitations, the keyboard |
//! | [`status`] | *Status page*, public |

mod access;
mod ack;
mod acts;
mod assets;
mod backtest;
mod backtested;
mod checks;
mod explore;
mod form;
mod frame;
mod journal;
mod live;
mod logs;
mod me;
mod now;
mod oncall;
mod paging;
mod patterns;
mod reviews;
mod room;
mod rows;
mod rule;
mod rules;
mod services;
mod sigma;
mod silences;
mod slos;
mod status;
mod traces;
pub mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;

pub(crate) use self::assets::router as assets_router;
pub(crate) use self::frame::{nowhere, standing_by};
use crate::state::AppState;

/// The largest form, in bytes.
pub const FORM_BYTES_MAX: usize = 256 * 1024;

/// All screens.
pub fn router() -> Router<AppState> {
    let screens = Router::new()
        .merge(access::router())
        .merge(ack::router())
        .merge(now::router())
        .merge(room::router())
        .merge(acts::router())
        .merge(paging::router())
        .merge(journal::router())
        .merge(rules::router())
        .merge(backtest::router())
        .merge(rule::router())
        .merge(slos::router())
        .merge(explore::router())
        .merge(logs::router())
        .merge(patterns::router())
        .merge(traces::router())
        .merge(checks::router())
        .merge(sigma::router())
        .merge(silences::router())
        .merge(oncall::router())
        .merge(services::router())
        .merge(reviews::router())
        .merge(me::router())
        .merge(status::router())
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX));
    screens.merge(assets::router()).merge(live::router())
}
