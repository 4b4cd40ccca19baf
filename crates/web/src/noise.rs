//! How noisy the rules were, reckoned for all who ask: a report reads many facts, and screens ask again after each new one.

use std::sync::Arc;

use engine::noise::NoiseReport;
use engine::{Error, Read};
use kernel::{Actor, Digest, Seconds, Timestamp};
use tokio::sync::Mutex;

use crate::state::AppState;

/// For how long a report is told again.
const KEPT: Seconds = Seconds(30);

/// The last report. Whoever reckons the next one holds it, so that there is one reckoning at a time.
pub type Last = Arc<Mutex<Option<Told>>>;

/// A report that was told.
pub struct Told {
    since: Seconds,
    book: Digest,
    at: Timestamp,
    report: Arc<NoiseReport>,
}

/// How noisy the rules were, as far back as is asked.
///
/// # Errors
/// When the actor may not read signals and alerts, or the journal cannot be read.
pub async fn of(state: &AppState, actor: &Actor, since: Seconds) -> Result<Arc<NoiseReport>, Error> {
    for action in ["signals:read", "alerts:read"] {
        state.engine.may(actor, Read::of(action))?;
    }
    let (now, book) = (state.engine.now(), state.engine.book().digest);
    let mut last = state.noise.lock().await;
    let fits = |told: &&Told| (told.since, told.book) == (since, book) && KEPT.after(told.at) > now;
    if let Some(told) = last.as_ref().filter(fits) {
        return Ok(Arc::clone(&told.report));
    }
    let report = state.engine.noise(actor, now.saturating_sub(since.signed()).unwrap_or_default()).await?;
    let report = Arc::new(report);
    *last = Some(Told { since, book, at: now, report: Arc::clone(&report) });
    Ok(report)
}
