//! How a body is read: bounded before it is read whole, then as JSON with the field named when it is wrong.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// The largest body of a door that takes batches, in bytes.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a client may take to send a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A whole body of at most `MAX` bytes.
#[derive(Debug, Clone)]
pub struct Whole<const MAX: usize>(pub Bytes);

impl<const MAX: usize> FromRequest<AppState> for Whole<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, Problem> {
        read(request.into_body(), MAX).await.map(Self)
    }
}

/// Reads a body whole, unless it says or turns out to be larger than `max` bytes.
///
/// # Errors
/// 413 for a body that is too large, 408 for one that does not come, 400 for one that breaks off.
pub async fn read(body: Body, max: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::of(StatusCode::PAYLOAD_TOO_LARGE, format!("a body here has at most {max} bytes: send less at once"))
    };
    if body.size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let whole = tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, max)).await;
    let late = |_| Problem::of(StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {BODY_TIMEOUT:?}"));
    whole.map_err(late)?.map_err(|error| {
        let is_limit =
            std::error::Error::source(&error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if is_limit { too_large() } else { Problem::bad(format!("the body broke off: {error}")) }
    })
}

/// Reads JSON. The fast reader goes first; only when it fails does a slower one find out where.
///
/// # Errors
/// 400, naming the field and what is wrong with it.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|_| explain::<T>(bytes))
}

/// What gzip begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];

fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    if bytes.starts_with(&GZIP) {
        let message = "Content-Encoding: the body is packed with gzip, send it as it is";
        return Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).field("Content-Encoding");
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if path == "." || path == "?" {
                return Problem::bad(format!("the body: {inner}"));
            }
            Problem::bad(format!("{path}: {inner}")).field(path)
        }
        Ok(_) => Problem::bad("the body has more after its JSON value: send one value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sent {
        #[expect(dead_code, reason = "only its type matters")]
        items: Vec<u8>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("", None, "EOF"),
            ("[", None, "EOF"),
            ("5", None, "invalid type: integer"),
            (r#"{"items": [1, "x"]}"#, Some("items[1]"), "invalid type: string"),
            (r#"{"other": 1}"#, None, "missing field `items`"),
            (r#"{"items": []} x"#, None, "more after its JSON value"),
        ];
        for (text, field, said) in cases {
            let problem = json::<Sent>(text.as_bytes()).unwrap_err();
            assert_eq!((problem.status, problem.field.as_deref()), (StatusCode::BAD_REQUEST, field), "{text}");
            assert!(problem.message.contains(said), "{text}: {}", problem.message);
        }
        let packed = json::<Sent>(&[0x1f, 0x8b, 8, 0]).unwrap_err();
        assert_eq!((packed.status.as_u16(), packed.field.as_deref()), (415, Some("Content-Encoding")));
    }

    #[tokio::test]
    async fn a_large_body_is_refused_by_its_word_and_by_its_length() {
        let said = read(Body::from(vec![0; 11]), 10).await.unwrap_err();
        let pieces =
            [b"12345".as_slice(), b"67890", b"1"].map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece)));
        let grown = read(Body::from_stream(futures::stream::iter(pieces)), 10).await.unwrap_err();
        assert_eq!([said.status, grown.status], [StatusCode::PAYLOAD_TOO_LARGE; 2]);
        assert_eq!(read(Body::from("1234567890"), 10).await.unwrap().len(), 10);
    }
}
