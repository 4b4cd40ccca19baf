//! How the watchbook's objectives stand, for the screen and for the API: read from the store, off the threads that serve.

use std::sync::Arc;

use engine::{Error, Read};
use kernel::Actor;
use kernel::book::slo::{Placed, Urgency};
use signals::slo::{Catalogue, Status, status};

use crate::state::AppState;

/// An objective, and how it stands or why that is not known.
pub struct Standing {
    /// The objective.
    pub placed: Placed,
    /// How it stands.
    pub status: Result<Status, String>,
}

impl Standing {
    /// How soon somebody must know, when its budget burns too fast.
    #[must_use]
    pub fn burning(&self) -> Option<Urgency> {
        let burns = self.status.as_ref().map(|status| status.burns.as_slice()).unwrap_or_default();
        burns.iter().filter(|burn| burn.burning).map(|burn| burn.urgency).min()
    }
}

/// Every objective of the live watchbook, those that burn first.
///
/// # Errors
/// When the actor may not read signals, or the store does not answer.
pub async fn all(state: &AppState, actor: &Actor) -> Result<Vec<Standing>, Error> {
    state.engine.may(actor, Read::of("signals:read"))?;
    let (book, metrics, at) = (state.engine.book(), state.stores.metrics.clone(), state.engine.now().as_millisecond());
    // Nobody closes the semaphore. The place is taken until all are read, whoever still waits for them.
    let place = Arc::clone(&state.queries).acquire_owned().await;
    let read = move || {
        let catalogue = Catalogue { own: book.objectives.windows.clone(), ..Catalogue::default() };
        let standing = |placed: &Placed| {
            let windows = catalogue.of(&placed.slo).map_err(|refusal| refusal.to_string());
            let status = windows.and_then(|windows| status(&placed.slo, &windows, &metrics, at));
            Standing { placed: placed.clone(), status }
        };
        let mut all: Vec<Standing> = book.objectives.slos.iter().map(standing).collect();
        all.sort_by_key(|standing| standing.burning().map_or(2, |urgency| urgency as u8));
        drop(place);
        all
    };
    let all = tokio::task::spawn_blocking(read).await;
    all.map_err(|_| Error::Failed { reason: "the objectives could not be read".to_owned() })
}
