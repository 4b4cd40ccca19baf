//! People in a browser: a cookie whose digest the vault knows, and a session that governance knows. Whatever a form asks carries
//! the session's own token, and comes from our own pages.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::request::Parts;
use governance::SessionId;
use kernel::{Actor, PersonName, Seconds};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::doors::caller;
use crate::doors::reply::Problem;
use crate::letting_in;
use crate::state::AppState;

/// The cookie's name.
pub const COOKIE_NAME: &str = "watchkeeper_session";
/// The cookie that remembers which colours somebody chose.
pub const THEME_COOKIE: &str = "watchkeeper_theme";
/// The vault's kind for sessions, by the digest of the cookie.
const SESSIONS: &str = "session";
/// The vault's kind for password hashes, by person.
const PASSWORDS: &str = "password";
/// How long a session lasts at most.
pub const SESSION_LASTS: Seconds = Seconds::hours(12);

/// How many passwords are hashed at once.
const HASHES_AT_ONCE: usize = 4;
/// How long somebody waits for their turn to be hashed.
const HASH_WAIT: Duration = Duration::from_secs(10);

/// A person who is logged in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub person: PersonName,
    /// The session, by a name that is no secret.
    pub id: SessionId,
    /// The token that their forms carry.
    pub csrf: String,
    /// Which colours they chose: `light`, `dark`, or anything else for as their device says.
    pub theme: String,
}

/// What the vault keeps of a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    person: PersonName,
    id: SessionId,
}

/// Whoever looks: a person who is logged in, or nobody.
#[derive(Debug, Clone)]
pub struct Reader(pub Option<Session>);

impl Session {
    /// The person as an actor.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Person(self.person.clone())
    }
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Some(secret) = cookie(&parts.headers, COOKIE_NAME) else { return Ok(Self(None)) };
        let theme = cookie(&parts.headers, THEME_COOKIE).unwrap_or_default();
        let found = find(state, &secret).await?;
        if let Some(session) = &found {
            caller::count(state, &session.actor())?;
        }
        Ok(Self(found.map(|session| Session { theme, ..session })))
    }
}

/// A cookie, when the browser sent it.
fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

async fn find(state: &AppState, cookie: &str) -> Result<Option<Session>, Problem> {
    let (now, key) = (state.engine.now(), governance::token::digest(cookie).to_string());
    let kept = state.engine.vault().vault_get(SESSIONS, &key, now).await;
    let kept = kept.map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let Some(kept) = kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok()) else { return Ok(None) };
    let csrf = governance::session::form_token(cookie);
    let session = Session { person: kept.person, id: kept.id, csrf, theme: String::new() };
    Ok(is_open(state, &session)?.then_some(session))
}

/// Whether a session is still open: it was not closed, has not ended, and its person is still in the watchbook.
///
/// # Errors
/// When the access policies do not let this server look.
pub fn is_open(state: &AppState, session: &Session) -> Result<bool, Problem> {
    let now = state.engine.now();
    let open = state.engine.read(&Actor::system("web"), engine::Read::of("governance:read"), |world| {
        world.governance.session(&session.id, now).is_some() && world.book.people.contains_key(&session.person)
    });
    Ok(open?)
}

/// Opens a session and gives the cookie to set.
///
/// # Errors
/// When governance refuses it or the vault cannot keep it.
pub async fn open(state: &AppState, person: &PersonName) -> Result<String, Problem> {
    let mut secret = [0; 32];
    state.engine.chance().fill(&mut secret);
    let cookie = governance::token::secret_text(&secret);
    let expires = SESSION_LASTS.after(state.engine.now());
    let command = governance::Command::OpenSession { person: person.clone(), expires };
    let facts = state.engine.ask(&Actor::Person(person.clone()), command).await?;
    let id = facts.into_iter().find_map(|fact| match fact.event {
        engine::Event::Governance(governance::Event::SessionOpened { session, .. }) => Some(session),
        _ => None,
    });
    let id = id.ok_or_else(|| Problem::unavailable("no session was opened"))?;
    let kept = serde_json::to_vec(&Kept { person: person.clone(), id }).unwrap_or_default();
    let key = governance::token::digest(&cookie).to_string();
    let put = state.engine.vault().vault_put(SESSIONS, &key, &kept, Some(expires)).await;
    put.map_err(|failure| Problem::unavailable(failure.to_string()))?;
    Ok(set_cookie(state, &cookie, SESSION_LASTS.0))
}

/// The header that ends a session in the browser.
#[must_use]
pub fn forget(state: &AppState) -> String {
    set_cookie(state, "", 0)
}

fn set_cookie(state: &AppState, value: &str, seconds: u32) -> String {
    let secure = if state.config.cookie_secure { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// What came of checking a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is theirs.
    Right,
    /// It is not.
    Wrong,
    /// There were too many wrong ones for this name: nobody may try for so long.
    Locked(Seconds),
}

/// Checks a password that was sent from an address. A wrong one is recorded, and too many lock the name for a while, and
/// the address too. It takes the same time whether the name exists, has a password, or is locked.
///
/// # Errors
/// When the address or the server has too many tries behind it, or the vault cannot be asked.
pub async fn check_password(
    state: &AppState,
    from: &str,
    person: &PersonName,
    password: &str,
) -> Result<Checked, Problem> {
    let place = hashing().await?;
    let (now, wrong_ones) = (state.engine.now(), &state.throttles.passwords);
    wrong_ones.check(from, now).map_err(|wait| Problem::too_often("wrong passwords from your address", wait))?;
    let kept = state.engine.vault().vault_get(PASSWORDS, person.as_str(), now).await;
    let kept = kept.map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let (given, kept) = (password.to_owned(), kept.and_then(|bytes| String::from_utf8(bytes).ok()));
    let verify = move || governance::password::verify(&given, kept.as_deref().unwrap_or(governance::password::DECOY));
    let right = tokio::task::spawn_blocking(verify).await.map_err(|error| Problem::unavailable(error.to_string()))?;
    // Looked at only now, when whoever tried at the same time has been recorded.
    let system = Actor::system("web");
    let locked = state.engine.read(&system, engine::Read::of("governance:read"), |world| {
        world.governance.locked_until(person.as_str(), now)
    })?;
    if let Some(until) = locked {
        return Ok(Checked::Locked(kernel::time::between(now, until)));
    }
    if right {
        return Ok(Checked::Right);
    }
    // What the address has left was looked at above.
    let _ = wrong_ones.take(from, now);
    // An unknown name is refused by governance, and quickly, so nobody waits for this; the place is free when it is done.
    let (engine, person) = (state.engine.clone(), person.clone());
    tokio::spawn(async move {
        let recorded = engine.ask(&system, governance::Command::RecordPasswordFailure { person }).await;
        if let Err(engine::Error::Failed { reason }) = recorded {
            tracing::warn!(reason, "a wrong password was not recorded");
        }
        drop(place);
    });
    Ok(Checked::Wrong)
}

/// A place among those who may hash at once: each hash takes 19 MiB and a while, on purpose.
async fn hashing() -> Result<SemaphorePermit<'static>, Problem> {
    static PLACES: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);
    match tokio::time::timeout(HASH_WAIT, PLACES.acquire()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(Problem::too_often("people log in at once", Seconds(5))),
    }
}

/// Sets a person's password. An invitation that they still had ends.
///
/// # Errors
/// When it is too short or too long, or cannot be kept.
pub async fn set_password(state: &AppState, person: &PersonName, password: &str) -> Result<(), Problem> {
    governance::password::check(password).map_err(|error| Problem::bad(error.to_string()).field("password"))?;
    let mut salt = [0; 16];
    state.engine.chance().fill(&mut salt);
    let password = password.to_owned();
    let _hashing = hashing().await?;
    let hashed = tokio::task::spawn_blocking(move || governance::password::hash(&password, &salt)).await;
    let hashed = hashed.map_err(|error| Problem::unavailable(error.to_string()))?;
    let hashed = hashed.map_err(|error| Problem::bad(error.to_string()).field("password"))?;
    // Before the new one is kept: no older way to set one may outlive it.
    letting_in::end_invitation(&state.engine, person).await?;
    let put = state.engine.vault().vault_put(PASSWORDS, person.as_str(), hashed.as_bytes(), None).await;
    put.map_err(|failure| Problem::unavailable(failure.to_string()))?;
    let command = governance::Command::SetPassword { person: person.clone() };
    state.engine.ask(&Actor::Person(person.clone()), command).await?;
    Ok(())
}

/// Whether a form comes from one of our own pages: browsers say so, and a form of another site cannot say otherwise.
#[must_use]
pub fn is_ours(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|value| value.to_str().ok()) else { return true };
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, authority)| authority == host)
}
