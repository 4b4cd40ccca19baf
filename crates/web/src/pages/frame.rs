//! What frames every screen, from the world; and how a screen becomes an answer.

use askama::Template;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use engine::{Health, Read};
use kernel::Actor;
use kernel::area::RefusalKind;

use super::assets;
use super::view::access::{ProblemPage, StandbyPage};
use super::view::{Chrome, Refused, Tab, Theme, Who};
use crate::doors::reply::Problem;
use crate::session::Session;
use crate::state::AppState;

/// How many people or services a page names before it stops.
pub(super) const LIST_MAX: usize = 200;

/// Why there is no screen.
pub(super) enum Stop {
    /// Nobody is logged in: log in first, then come back.
    LogIn(String),
    /// Something else, told on a screen of its own.
    Problem(Box<Chrome>, Problem),
}

/// A screen or the reason why there is none.
pub(super) type Screen = Result<Response, Stop>;

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::LogIn(next) => Redirect::to(&format!("/login?next={}", encoded(&next))).into_response(),
            Self::Problem(chrome, problem) => {
                let what = problem.status.canonical_reason().unwrap_or("This did not work").to_owned();
                let (status, message) = (problem.status, problem.message);
                let page = ProblemPage { chrome: *chrome, status: status.as_u16(), what, message };
                let mut response = html(&page);
                *response.status_mut() = status;
                response
            }
        }
    }
}

/// A path as the value of a query.
pub(super) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A template as an answer.
pub(super) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (headers, text).into_response()
        }
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("this page cannot be written: {error}\n")).into_response()
        }
    }
}

/// The frame of a screen that needs somebody who is logged in.
///
/// # Errors
/// When nobody is, or they may not read.
pub(super) fn frame(
    state: &AppState,
    session: Option<&Session>,
    tab: Tab,
    title: &str,
    path: &str,
) -> Result<(Chrome, Session), Stop> {
    let session = session.ok_or_else(|| Stop::LogIn(path.to_owned()))?;
    let chrome = chrome(state, Some(session), tab, title, path);
    Ok((chrome, session.clone()))
}

/// The frame of any screen.
pub(super) fn chrome(state: &AppState, session: Option<&Session>, tab: Tab, title: &str, path: &str) -> Chrome {
    let book = state.engine.book();
    let person = session.and_then(|session| book.people.get_key_value(&session.person));
    let who = person.map(|(name, person)| Who {
        name: name.to_string(),
        title: person.title.clone(),
        administers: person.roles.contains(&kernel::Role::Administrator),
    });
    let mut chrome = Chrome {
        title: title.to_owned(),
        tab,
        who,
        csrf: session.map(|session| session.csrf.clone()).unwrap_or_default(),
        theme: match session.map(|session| session.theme.as_str()) {
            Some("light") => Theme::Light,
            Some("dark") => Theme::Dark,
            _ => Theme::Auto,
        },
        organisation: book.organisation.clone(),
        assets: assets::base().to_owned(),
        path: path.to_owned(),
        now: state.engine.now(),
        zone: person.map(|(_, person)| person.time_zone.clone()),
        trouble: trouble(state),
        ..Chrome::default()
    };
    if let Some(session) = session {
        count(state, &session.actor(), &mut chrome);
    }
    chrome
}

/// What stands in the rail. Somebody who may not read alerts sees no numbers.
fn count(state: &AppState, actor: &Actor, chrome: &mut Chrome) {
    let reach = state.engine.reach(actor, "incidents:read");
    let counted = state.engine.read(actor, Read::of("alerts:read"), |world| {
        let counts = world.alerts.counts();
        let waiting = world.alerts.open_pages().filter(|page| !page.is_acknowledged()).count();
        let open = world.incidents.list().into_iter().filter(|incident| incident.is_open());
        let open = open.filter(|incident| reach.covers(&incident.id.to_string(), incident.sensitivity)).count();
        (world.next.0, counts.alerts - counts.muted.min(counts.alerts), waiting, open)
    });
    if let Ok((seq, firing, waiting, open)) = counted {
        (chrome.seq, chrome.firing, chrome.unacknowledged, chrome.open_incidents) = (seq, firing, waiting, open);
    }
}

/// What is wrong with this server itself.
fn trouble(state: &AppState) -> Option<String> {
    match state.engine.health() {
        Health::Ready => None,
        Health::Recovering { reason } => Some(format!("Nothing can be written at the moment: {reason}")),
        Health::Fenced { reason } => Some(format!("This node stands by: {reason}")),
    }
}

/// Turns a refusal of the engine into a stop on a screen.
pub(super) fn stop(chrome: &Chrome) -> impl FnOnce(engine::Error) -> Stop + use<> {
    let chrome = Box::new(chrome.clone());
    move |error| Stop::Problem(chrome, error.into())
}

/// A stop because there is no such thing.
pub(super) fn missing(chrome: &Chrome, what: impl Into<String>) -> Stop {
    Stop::Problem(Box::new(chrome.clone()), Problem::missing(what))
}

/// What a person sees at every address of a node that stands by.
pub(crate) fn standing_by(message: String, leader: Option<String>) -> Response {
    let chrome = Chrome { title: "Standing by".to_owned(), assets: assets::base().to_owned(), ..Chrome::default() };
    html(&StandbyPage { chrome, message, leader })
}

/// What a person sees at an address that is none of ours.
pub(crate) fn nowhere(state: &AppState, session: Option<&Session>, uri: &Uri) -> Response {
    let what = format!("There is nothing at {}", uri.path());
    missing(&chrome(state, session, Tab::Other, "Not found", "/"), what).into_response()
}

/// What a refused form shows: the rule beside its field, and everything that was typed.
pub(super) fn refused(form: &str, error: engine::Error, typed: &[(String, String)]) -> Refused {
    let field = match &error {
        engine::Error::Refused(refusal) if refusal.kind == RefusalKind::Invalid => refusal.field.map(str::to_owned),
        _ => None,
    };
    Refused { form: form.to_owned(), field, message: error.to_string(), typed: typed.iter().cloned().collect() }
}
