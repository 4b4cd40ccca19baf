//! The lease on the journal: who holds it may write. It is kept for as long as the engine runs, and it is asked for before a
//! message leaves by a node that may have slept past its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::port::{Clock, JournalStore, StoreFailure};
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::limits::{LEASE, LEASE_ALONE, LEASE_RENEW, LEASE_RENEW_ALONE};

/// After how many failed renewals in a row the log says so again.
const SAID_EVERY: u32 = 20;

/// The journal, held for writing. Taken by [`Tenure::take`], kept until [`Tenure::give_up`] or until another node has it.
pub struct Tenure {
    store: Arc<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    fence: u64,
    /// When the last renewal that succeeded began: the lease lasts from then at least.
    renewed: Mutex<Instant>,
    lost: CancellationToken,
    ended: CancellationToken,
}

/// How long a lease on this store lasts. Where no other node can take it, nobody waits for its end, and a short one would only
/// wear out the disk.
#[must_use]
pub fn lasts(store: &dyn JournalStore) -> Duration {
    if store.nodes().is_some() { LEASE } else { LEASE_ALONE }
}

impl Tenure {
    /// Takes the journal and begins to keep it.
    ///
    /// # Errors
    /// [`StoreFailure::Fenced`] while another node holds it; otherwise when the store fails.
    pub async fn take(
        store: Arc<dyn JournalStore>,
        clock: Arc<dyn Clock>,
        holder: &str,
    ) -> Result<Arc<Self>, StoreFailure> {
        let began = Instant::now();
        let fence = store.take_lease(holder, clock.now(), lasts(&*store)).await?;
        Ok(Self::begin(store, clock, fence, began))
    }

    /// Begins to keep a lease that was taken just now.
    pub(crate) fn begin(store: Arc<dyn JournalStore>, clock: Arc<dyn Clock>, fence: u64, began: Instant) -> Arc<Self> {
        let (lost, ended) = (CancellationToken::new(), CancellationToken::new());
        let tenure = Arc::new(Self { store, clock, fence, renewed: Mutex::new(began), lost, ended });
        tokio::spawn(Arc::clone(&tenure).keep());
        tenure
    }

    pub(crate) fn fence(&self) -> u64 {
        self.fence
    }

    async fn keep(self: Arc<Self>) {
        let renew = if self.store.nodes().is_some() { LEASE_RENEW } else { LEASE_RENEW_ALONE };
        let mut ticks = tokio::time::interval(renew);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures: u32 = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.ended.cancelled() => return,
            }
            match self.renew().await {
                Ok(()) => failures = 0,
                Err(StoreFailure::Fenced { .. }) => return,
                Err(failure) => {
                    if failures.is_multiple_of(SAID_EVERY) {
                        tracing::warn!(%failure, "the lease on the journal could not be renewed");
                    }
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Keeps the journal for longer.
    pub(crate) async fn renew(&self) -> Result<(), StoreFailure> {
        let began = Instant::now();
        let renewed = self.store.renew_lease(self.fence, self.clock.now(), lasts(&*self.store)).await;
        match &renewed {
            Ok(()) => *self.renewed.lock() = began,
            Err(StoreFailure::Fenced { .. }) => self.lost.cancel(),
            Err(_) => {}
        }
        renewed
    }

    /// For how long the lease has been over, as far as this node knows; `None` while it lasts.
    pub(crate) fn overdue(&self) -> Option<Duration> {
        let age = self.renewed.lock().elapsed();
        age.checked_sub(lasts(&*self.store)).filter(|over| !over.is_zero())
    }

    /// Whether another node has not taken the journal. While the lease lasts nobody is asked; after it the store is. When the
    /// store does not answer, the journal counts as ours: no other node can take it there, unless only this one is cut off, and
    /// a message that arrives twice under one id is better than one that does not arrive.
    pub(crate) async fn is_ours(&self) -> bool {
        if self.store.nodes().is_none() {
            return true;
        }
        if self.overdue().is_some() {
            // What it says is known by whether it is lost.
            let _ = tokio::time::timeout(LEASE, self.renew()).await;
        }
        !self.lost.is_cancelled()
    }

    /// Resolves when another node has taken the journal.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives the journal up, so that the next taker need not wait.
    pub(crate) async fn give_up(&self) {
        self.ended.cancel();
        if self.lost.is_cancelled() {
            return;
        }
        if let Err(error) = self.store.release_lease(self.fence).await {
            tracing::warn!(%error, "the lease could not be given up; it ends by itself");
        }
    }
}
