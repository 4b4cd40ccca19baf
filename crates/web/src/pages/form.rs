//! Forms: their fields, and whether they were sent from one of our own pages by whoever is logged in.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode};

use governance::token;

use super::frame;
use super::frame::{Screen, Stop};
use super::view::{Chrome, Refused, Tab};
use crate::doors::reply::Problem;
use crate::doors::{caller, query};
use crate::session::{self, Reader, Session};
use crate::state::AppState;

/// The fields of a form, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The value of a field; empty when it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value.trim())
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A form from one of our own pages.
pub(super) struct Form {
    /// Who sent it; `None` when nobody is logged in.
    pub(super) session: Option<Session>,
    /// What they typed.
    pub(super) fields: Fields,
    /// Where it came from, as a key of the throttles.
    pub(super) from: String,
}

impl FromRequest<AppState> for Form {
    type Rejection = Stop;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Stop> {
        let (mut parts, body) = request.into_parts();
        let chrome = frame::chrome(state, None, Tab::Other, "Form", parts.uri.path());
        let said = |problem| Stop::Problem(Box::new(chrome.clone()), problem);
        let reader = <Reader as axum::extract::FromRequestParts<AppState>>::from_request_parts(&mut parts, state).await;
        let Reader(session) = reader.map_err(said)?;
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await;
        let bytes = bytes.map_err(|error| said(Problem::of(error.status(), error.body_text())))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| said(Problem::bad("the form is not text")))?;
        let fields = Fields(query::pairs(text).collect());
        ours(&parts.headers, session.as_ref(), &fields).map_err(said)?;
        Ok(Self { session, fields, from: caller::address(&parts) })
    }
}

/// Whether a form comes from our own pages and, when somebody is logged in, carries their token.
fn ours(headers: &HeaderMap, session: Option<&Session>, fields: &Fields) -> Result<(), Problem> {
    let forbidden = |message: &str| Problem::of(StatusCode::FORBIDDEN, message);
    if !session::is_ours(headers) {
        return Err(forbidden("this form was sent from another site: open the page here and send it again"));
    }
    // Digests are compared, so that time tells nothing about how much of a token is right.
    let is_theirs = |session: &Session| token::digest(&session.csrf) == token::digest(fields.get("csrf"));
    if !session.is_none_or(is_theirs) {
        return Err(forbidden("this form is from another login: go back, load the page again and send it once more"));
    }
    Ok(())
}

impl Form {
    /// The session of a form that needs one.
    ///
    /// # Errors
    /// When nobody is logged in.
    pub(super) fn session(&self, back: &str) -> Result<&Session, Stop> {
        self.session.as_ref().ok_or_else(|| Stop::LogIn(back.to_owned()))
    }
}

/// A path of ours to go on to; anything that could lead elsewhere leads to `home`. Browsers take `\\` for `/` and pass over
/// tabs and line breaks, so only what a path needs is taken.
pub(super) fn onward<'a>(next: &'a str, home: &'a str) -> &'a str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { home }
}

/// A screen that shows what was refused, with the status that says so.
pub(super) fn unprocessed(screen: Screen) -> Screen {
    screen.map(|mut response| {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        response
    })
}

/// A frame that shows what was refused.
pub(super) fn with_refusal(chrome: Chrome, refused: Refused) -> Chrome {
    Chrome { refused: Some(refused), ..chrome }
}

/// What is wrong with a field, with everything that was typed.
pub(super) fn wrong(form: &str, fields: &Fields, field: &str, message: String) -> Box<Refused> {
    let typed = fields.0.iter().cloned().collect();
    Box::new(Refused { form: form.into(), field: Some(field.into()), message, typed })
}

/// A field as one of our words, or what is wrong with it.
pub(super) fn word<T: std::str::FromStr>(form: &str, fields: &Fields, field: &str) -> Result<T, Box<Refused>>
where
    T::Err: std::fmt::Display,
{
    fields.get(field).parse().map_err(|error: T::Err| wrong(form, fields, field, error.to_string()))
}

/// A field that may be empty.
pub(super) fn optional<T: std::str::FromStr>(
    form: &str,
    fields: &Fields,
    field: &str,
) -> Result<Option<T>, Box<Refused>>
where
    T::Err: std::fmt::Display,
{
    if fields.get(field).is_empty() { Ok(None) } else { word(form, fields, field).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_gone_on_to() {
        for ours in ["/", "/incidents/7?tab=a%20b#note", "/a//b"] {
            assert_eq!(onward(ours, "/home"), ours);
        }
        let elsewhere = ["", "me", "//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example"];
        for next in elsewhere.into_iter().chain(["https://evil.example", "javascript:alert(1)", "/a b", "/\u{2028}/x"])
        {
            assert_eq!(onward(next, "/home"), "/home", "{next:?}");
        }
    }
}
