//! What monitoring data cost: they are unpacked, read, masked and written to the disk on threads that may block, a bounded
//! number at once, so that whoever else is served does not wait for it.
//!
//! Small pushes go there too: the way costs some hundredths of a millisecond, and each may be the one that seals a block.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::doors::reply::Problem;
use crate::state::AppState;

/// The most pushes that are read and kept at once; further ones wait.
pub const PUSHES_MAX: usize = 4;

/// Does a piece of work on a thread that may block. Its place is taken until the work has ended, whether or not anybody
/// still waits for it.
///
/// # Errors
/// Those of the work, and 503 when it ended without an answer.
pub(crate) async fn aside<T: Send + 'static>(
    state: &AppState,
    work: impl FnOnce(&AppState) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let own = state.clone();
    beside(&state.pushes, move || work(&own)).await
}

async fn beside<T: Send + 'static>(
    places: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    // Nobody closes the semaphore.
    let place = Arc::clone(places).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(place);
        done
    });
    done.await.unwrap_or_else(|_| Err(Problem::unavailable("the work ended without an answer: try again")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use axum::http::StatusCode;

    use super::*;

    /// On one thread, work that waits for what is served meanwhile can only end beside it.
    #[tokio::test]
    async fn others_are_served_while_a_push_is_kept_and_places_are_bounded() {
        let places = Arc::new(Semaphore::new(1));
        let (sender, receiver) = mpsc::channel();
        let work = beside(&places, move || {
            receiver.recv_timeout(Duration::from_secs(30)).map_err(|error| Problem::bad(error.to_string()))
        });
        let serve = async {
            tokio::task::yield_now().await;
            let free = places.available_permits();
            sender.send(free).unwrap();
        };
        let (done, ()) = tokio::join!(work, serve);
        assert_eq!((done, places.available_permits()), (Ok(0), 1));
    }

    #[tokio::test]
    async fn work_that_panics_is_one_to_send_again() {
        let places = Arc::new(Semaphore::new(1));
        let problem = beside(&places, || -> Result<(), Problem> { panic!("on purpose") }).await.unwrap_err();
        assert_eq!((problem.status, places.available_permits()), (StatusCode::SERVICE_UNAVAILABLE, 1));
    }
}
