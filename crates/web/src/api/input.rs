//! How requests are read: JSON bodies, queries, and the names in a path. Whatever is wrong is named.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::doors::body;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A JSON body. No body at all is read as an empty object.
pub(super) struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Problem> {
        let bytes = body::read(request.into_body(), BODY_BYTES_MAX).await?;
        body::json(if bytes.is_empty() { b"{}" } else { &bytes }).map(Self)
    }
}

/// A query.
pub(super) struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|rejection| Problem::bad(rejection.body_text()))
    }
}

/// The one name in a path.
pub(super) struct Id<T>(pub T);

impl<T> FromRequestParts<AppState> for Id<T>
where
    T: std::str::FromStr + Send,
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Path(text) = path::<String>(parts, state).await?;
        word("id", &text).map(Self)
    }
}

/// The two names in a path.
pub(super) struct Ids<A, B>(pub A, pub B);

impl<A, B> FromRequestParts<AppState> for Ids<A, B>
where
    A: std::str::FromStr + Send,
    A::Err: std::fmt::Display,
    B: std::str::FromStr + Send,
    B::Err: std::fmt::Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Path((a, b)) = path::<(String, String)>(parts, state).await?;
        Ok(Self(word("id", &a)?, word("id", &b)?))
    }
}

async fn path<T: DeserializeOwned + Send>(parts: &mut Parts, state: &AppState) -> Result<Path<T>, Problem> {
    Path::<T>::from_request_parts(parts, state).await.map_err(|rejection| Problem::bad(rejection.body_text()))
}

/// A text read as one of our words.
///
/// # Errors
/// 400, naming the field.
pub(super) fn word<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::bad(format!("{field}: {error}")).field(field))
}

/// Reads a word of ours within a body, so that a wrong one is told in its own words.
pub(super) fn worded<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// The same for a word that may be left out.
pub(super) fn maybe_worded<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text = <Option<std::borrow::Cow<'de, str>> as serde::Deserialize>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// There is no such thing.
pub(super) fn missing(what: impl std::fmt::Display) -> Problem {
    Problem::of(StatusCode::NOT_FOUND, format!("there is no {what} in memory: older ones are in the journal"))
}
