//! How a body is read: bounded before it is read whole, then as JSON with the field named when it is wrong.

use serde::de::DeserializeOwned;

use crate::doors::reply::Problem;

/// The largest body of a door, in bytes.
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Reads JSON. The fast reader goes first; only when it fails does a slower one find out where.
///
/// # Errors
/// 400, naming the field and what is wrong with it.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|_| explain::<T>(bytes))
}

fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Err(error) => {
            let path = error.path().to_string();
            let at = if path == "." { "the body".to_owned() } else { path.clone() };
            Problem::bad(format!("{at}: {}", error.into_inner())).field(path)
        }
        Ok(_) => Problem::bad("the body has more after its JSON value: send one value"),
    }
}
