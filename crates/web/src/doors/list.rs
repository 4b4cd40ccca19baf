//! A JSON list written in pieces, so that a million things are never in memory as text, and nobody who writes waits long
//! for one who reads.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use engine::{Read, World};
use kernel::Actor;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many pieces are ready before a slow reader has taken them.
const PIECES_AHEAD: usize = 4;

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
    let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
    let rest = Rest { state: state.clone(), actor, what, fill, cursor, is_begun: first.is_begun };
    state.long.spawn(rest.write(Bytes::from(first.text), sender));
    Ok((JSON, Body::from_stream(ReceiverStream::new(pieces))).into_response())
}

/// A piece, or why there are no more.
type Written = Result<Bytes, engine::Error>;

impl<F: Fn(&World, u32, &mut Piece) -> Option<u32>> Rest<F> {
    /// Writes piece after piece for as long as somebody takes them.
    async fn write(self, first: Bytes, sender: mpsc::Sender<Written>) {
        let (mut piece, mut left) = (Ok(first), Some(self));
        loop {
            // Nothing of a long stretch may be wanted; an empty piece would say nothing.
            let is_empty = piece.as_ref().is_ok_and(Bytes::is_empty);
            if !is_empty && sender.send(piece).await.is_err() {
                return;
            }
            let Some(rest) = left else { return };
            // Whoever came later gets a turn between two pieces.
            tokio::task::yield_now().await;
            (piece, left) = rest.next();
        }
    }

    fn next(mut self) -> (Written, Option<Self>) {
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
