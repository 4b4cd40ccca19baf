//! Who a program is: by an API token, as `Bearer` or as the password of `Basic`; or, when it comes from this machine itself
//! and the server trusts that, as the program `local`.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Actor, Digest};
use parking_lot::RwLock;

use crate::doors::reply::Problem;
use crate::letting_in::TOKENS;
use crate::state::AppState;
use crate::throttle;

/// The program that calls from this machine without a token.
pub const LOCAL: &str = "local";
/// How many tokens are remembered as known, so that a request need not ask the vault.
const KNOWN_MAX: usize = 10_000;

/// Tokens that were checked before: digest and name. Whether a token still works is asked of governance each time.
#[derive(Debug, Default)]
pub struct KnownTokens(RwLock<HashMap<Digest, Box<str>>>);

impl KnownTokens {
    /// Forgets a token, so that it is looked up again. Whoever issues or revokes one must call it: an old secret must not
    /// live on under a name that was given anew.
    pub fn forget(&self, name: &str) {
        self.0.write().retain(|_, known| **known != *name);
    }
}

/// A program, known by its token or by its place.
#[derive(Debug, Clone)]
pub struct Program(pub Actor);

impl FromRequestParts<AppState> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let text = header.to_str().map_err(|_| Problem::unauthorised("the Authorization header is not text"))?;
            let token = token_in(text).ok_or_else(|| {
                Problem::unauthorised(
                    "the Authorization header is neither Bearer TOKEN nor Basic with a token as password",
                )
            })?;
            return by_token(state, parts, &token).await.map(Self);
        }
        if is_trusted(parts, state) {
            return Ok(Self(Actor::Integration(LOCAL.into())));
        }
        Err(Problem::unauthorised("send an API token: Authorization: Bearer wk_…"))
    }
}

/// Headers that a program on this machine does not send: those of proxies, and those of browsers, in which a page of
/// somebody else may be what asks.
const NOT_LOCAL: [&str; 6] = ["forwarded", "x-forwarded-for", "x-real-ip", "via", "origin", "sec-fetch-site"];

/// Whether a request comes from a program on this machine, and the server trusts that.
#[must_use]
pub fn is_trusted(parts: &Parts, state: &AppState) -> bool {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    state.config.trust_loopback
        && peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !NOT_LOCAL.iter().any(|name| parts.headers.contains_key(*name))
        && names_this_machine(parts)
}

/// Whether the `Host` is this machine by number or as `localhost`: a name could be somebody else's that leads here.
fn names_this_machine(parts: &Parts) -> bool {
    let Some(host) = parts.headers.get(HOST) else { return true };
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// Where a request comes from, as a key of the throttles.
#[must_use]
pub fn address(parts: &Parts) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or_else(String::new, |ConnectInfo(peer)| throttle::address(peer.ip()))
}

/// Counts a request of somebody who is known. Not at the doors: an alert is not turned away for coming with many others;
/// there the writer's bounded queue says when it is too much.
///
/// # Errors
/// When there are too many.
pub fn count(state: &AppState, actor: &Actor) -> Result<(), Problem> {
    let taken = state.throttles.requests.take(&actor.to_string(), state.engine.now());
    taken.map_err(|wait| Problem::too_often("requests", wait))
}

/// The program that a token belongs to. Whoever tries many wrong ones is not listened to for a while.
///
/// # Errors
/// When it is no token of ours, too much is asked with it or from there, or the vault cannot be asked.
pub async fn by_token(state: &AppState, parts: &Parts, token: &str) -> Result<Actor, Problem> {
    let known = state.tokens.0.read().get(&governance::token::digest(token)).cloned();
    let name = match known {
        Some(name) => name,
        None => {
            let (address, now) = (address(parts), state.engine.now());
            let tries = &state.throttles.tokens;
            tries.check(&address, now).map_err(|wait| Problem::too_often("wrong tokens", wait))?;
            look_up(state, token).await.inspect_err(|problem| {
                if problem.status == StatusCode::UNAUTHORIZED {
                    // An empty bucket is told with the next try.
                    let _ = tries.take(&address, now);
                }
            })?
        }
    };
    Ok(Actor::Integration(name))
}

async fn look_up(state: &AppState, token: &str) -> Result<Box<str>, Problem> {
    let wrong = || Problem::unauthorised("the token is unknown, revoked or expired: issue a new one");
    let name = governance::token::name(token).ok_or_else(wrong)?;
    let kept = state.engine.vault().vault_get(TOKENS, name, state.engine.now()).await;
    let kept = kept.map_err(|failure| Problem::unavailable(failure.to_string()))?.ok_or_else(wrong)?;
    if !governance::token::matches(token, &kept) {
        return Err(wrong());
    }
    let mut known = state.tokens.0.write();
    if known.len() >= KNOWN_MAX {
        known.clear();
    }
    known.retain(|_, other| **other != *name);
    known.insert(governance::token::digest(token), name.into());
    Ok(name.into())
}

fn token_in(header: &str) -> Option<String> {
    if let Some(token) = header.strip_prefix("Bearer ") {
        return Some(token.trim().to_owned());
    }
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}
