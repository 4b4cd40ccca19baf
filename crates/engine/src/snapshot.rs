//! Snapshots by replay: a fold beside the live one, so that no writer waits, and each snapshot shows that the journal suffices.

use std::sync::Arc;

use kernel::Seq;
use tokio::sync::watch;

use crate::handle::Shared;
use crate::limits::SNAPSHOT_EVERY_FACTS;
use crate::load;

/// Makes a snapshot each time the journal has grown enough; ends when the engine does.
pub(crate) async fn run(shared: Arc<Shared>, mut next: watch::Receiver<Seq>) {
    let mut last = match shared.store.snapshot().await {
        Ok(snapshot) => snapshot.map_or(Seq(0), |s| s.next),
        Err(_) => Seq(0),
    };
    loop {
        tokio::select! {
            changed = next.changed() => if changed.is_err() { return },
            () = shared.stopped.cancelled() => return,
        }
        let now = *next.borrow_and_update();
        if now.0.saturating_sub(last.0) < SNAPSHOT_EVERY_FACTS {
            continue;
        }
        match make(&shared).await {
            Ok(made) => last = made,
            Err(error) => {
                tracing::warn!(%error, "a snapshot could not be made; the next one is tried later");
                last = now;
            }
        }
    }
}

async fn make(shared: &Shared) -> Result<Seq, Box<dyn std::error::Error + Send + Sync>> {
    let world = load::world(&shared.store, shared.book()).await?;
    let snapshot = tokio::task::spawn_blocking(move || load::to_snapshot(&world)).await??;
    shared.store.save_snapshot(&snapshot).await?;
    tracing::info!(next = snapshot.next.0, bytes = snapshot.bytes.len(), "snapshot saved");
    Ok(snapshot.next)
}
