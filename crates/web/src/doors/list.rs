//! A JSON list written in pieces, so that a million things are never in memory as text, and nobody who writes waits long
//! for one who reads.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use engine::{Read, World};
use kernel::Actor;
use serde::Serialize;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// One piece of a list, as text.
#[derive(Debug, Default)]
pub struct Piece {
    text: Vec<u8>,
    is_begun: bool,
}

impl Piece {
    /// Appends an item.
    pub fn push(&mut self, item: &impl Serialize) {
        self.text.extend(if std::mem::replace(&mut self.is_begun, true) { b"," } else { b"[" });
        // Writing into memory cannot fail, and no wire type of ours holds what JSON cannot.
        let _ = serde_json::to_writer(&mut self.text, item);
    }

    fn end(&mut self) {
        self.text.extend(if self.is_begun { b"]".as_slice() } else { b"[]" });
    }
}

/// Where a list that is read in pieces stands.
struct Rest<F> {
    state: AppState,
    actor: Actor,
    what: Read,
    fill: F,
    cursor: u32,
    is_begun: bool,
}

/// Answers with a list. `fill` appends one piece from a cursor on and returns the cursor of the next, if there is one.
/// A list that fits into the first piece has a length; a longer one is streamed, and breaks off when access is withdrawn.
///
/// # Errors
/// When the reading is denied.
pub fn answer<F>(state: AppState, actor: Actor, what: Read, fill: F) -> Result<Response, Problem>
where
    F: Fn(&World, u32, &mut Piece) -> Option<u32> + Send + 'static,
{
    const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    let mut first = Piece::default();
    let next = state.engine.read(&actor, what.clone(), |world| fill(world, 0, &mut first))?;
    let Some(cursor) = next else {
        first.end();
        return Ok((JSON, first.text).into_response());
    };
    let rest = Rest { state, actor, what, fill, cursor, is_begun: first.is_begun };
    let head = futures::stream::iter([Ok(Bytes::from(first.text))]);
    let tail = futures::stream::unfold(Some(rest), |rest| async move {
        tokio::task::yield_now().await;
        rest.map(Rest::next)
    });
    Ok((JSON, Body::from_stream(futures::StreamExt::chain(head, tail))).into_response())
}

impl<F: Fn(&World, u32, &mut Piece) -> Option<u32>> Rest<F> {
    fn next(mut self) -> (Result<Bytes, engine::Error>, Option<Self>) {
        let mut piece = Piece { text: Vec::new(), is_begun: self.is_begun };
        let read =
            self.state.engine.read(&self.actor, self.what.clone(), |world| (self.fill)(world, self.cursor, &mut piece));
        match read {
            Ok(Some(cursor)) => (self.cursor, self.is_begun) = (cursor, piece.is_begun),
            Ok(None) => {
                piece.end();
                return (Ok(piece.text.into()), None);
            }
            Err(error) => return (Err(error), None),
        }
        (Ok(piece.text.into()), Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_separated_and_an_empty_list_is_one() {
        let mut piece = Piece::default();
        piece.end();
        assert_eq!(piece.text, b"[]");
        let mut piece = Piece::default();
        piece.push(&1);
        piece.push(&"a");
        piece.end();
        assert_eq!(piece.text, b"[1,\"a\"]");
    }
}
