//! The one clock: wakes the writer when something is due, lets the threshold rules look, and heeds the loss of the lease.

use std::sync::Arc;

use kernel::Actor;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::batch::{CLOCK_POLICY, Permitted};
use crate::handle::{Health, Shared};
use crate::lease::Tenure;
use crate::limits::{CLOCK_SLEEP_MAX, RULES_EVERY};
use crate::writer::Wake;

/// Sleeps until the next thing is due and says so; a change of what is due wakes it early.
pub(crate) async fn wake_when_due(shared: Arc<Shared>, mut changes: watch::Receiver<kernel::Seq>) {
    loop {
        let due = shared.world.read().next_due();
        let sleep = due.map_or(CLOCK_SLEEP_MAX, |due| {
            let left = due.duration_since(shared.now());
            std::time::Duration::try_from(left).unwrap_or_default().min(CLOCK_SLEEP_MAX)
        });
        tokio::select! {
            () = tokio::time::sleep(sleep) => {
                let (done, looked) = tokio::sync::oneshot::channel();
                if shared.queue.send(Wake::Due(Some(done))).await.is_err() {
                    return;
                }
                let quiet = matches!(looked.await, Ok(Ok(facts)) if facts.is_empty());
                if quiet {
                    // Due, but nothing came of it: look again in a moment, never in a spin.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
            changed = changes.changed() => if changed.is_err() { return },
            () = shared.stopped.cancelled() => return,
        }
    }
}

/// Lets the threshold rules look at their windows.
pub(crate) async fn look(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(RULES_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.stopped.cancelled() => return,
        }
        let looks = signals::looks(&shared.book(), &*shared.samples, shared.now());
        if looks.is_empty() {
            continue;
        }
        let command = signals::Command::Look { looks }.into();
        let permitted = Permitted { actor: Actor::system("signals"), policy: CLOCK_POLICY.into(), command };
        if let Err(error) = shared.submit(permitted).await {
            tracing::warn!(%error, "the threshold rules could not look");
        }
    }
}

/// Ends the writer when another node has taken the journal: the next append would be refused.
pub(crate) async fn heed_loss(shared: Arc<Shared>, tenure: Arc<Tenure>) {
    tokio::select! {
        () = tenure.lost() => {}
        () = shared.stopped.cancelled() => return,
    }
    shared.set_health(Health::Fenced { reason: "another node has taken it".to_owned() });
    let _ = shared.queue.send(Wake::Stop).await;
}
