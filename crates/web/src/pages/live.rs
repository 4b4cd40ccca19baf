//! Server-sent events: the place of the next fact after each commit. An event's id is that place, so a browser that was cut off
//! learns at once whether it missed anything.

use std::convert::Infallible;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use engine::Read;
use futures::{Stream, StreamExt as _};
use tokio_stream::wrappers::WatchStream;

use crate::doors::reply::Problem;
use crate::session::{self, Reader};
use crate::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/live", get(live))
}

async fn live(
    State(state): State<AppState>,
    Reader(session): Reader,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let session = session.ok_or_else(|| Problem::unauthorised("log in first"))?;
    state.engine.may(&session.actor(), Read::of("alerts:read"))?;
    let engine = state.engine.clone();
    // Logging out is a fact, so the stream ends with the session.
    let places = WatchStream::new(state.engine.watch());
    let places = places.take_while(move |_| std::future::ready(session::is_open(&state, &session).unwrap_or(false)));
    // A node that leads no more has no news.
    let places = places.take_until(Box::pin(async move { engine.stopped().await }));
    let events = places.map(|next| Ok(Event::default().id(next.to_string()).data(next.to_string())));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
