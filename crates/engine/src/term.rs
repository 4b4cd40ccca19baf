//! How an engine begins: as the one writer of the journal, or following it beside the node that writes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use kernel::nodes::Lease;
use kernel::port::{Clock, JournalStore, StoreFailure};
use kernel::{Actor, Book, Seq};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::access::Access;
use crate::batch::Permitted;
use crate::dispatch::Lanes;
use crate::handle::{Engine, Health, Parts, Shared};
use crate::lease::{self, Tenure};
use crate::limits::{FOLLOW_EVERY, LEASE_SILENT, QUEUE_COMMANDS_MAX};
use crate::world::World;
use crate::writer::{Wake, Writer};
use crate::{clockwork, inbox, load, snapshot};

/// After how many failed readings of the journal in a row the log says so again.
const SAID_EVERY: u32 = 120;

/// Tries to take a journal that another node writes.
#[derive(Default)]
pub struct Candidate {
    /// The lease as it was last seen to change, and when.
    seen: Option<(Lease, Instant)>,
}

impl Candidate {
    /// Takes the journal when its lease is free or over by the store's clock, or when it was not renewed for so long that no
    /// clock can explain it. Otherwise says who holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn attempt(
        &mut self,
        store: &Arc<dyn JournalStore>,
        clock: &Arc<dyn Clock>,
        holder: &str,
    ) -> Result<Result<Arc<Tenure>, Option<Lease>>, StoreFailure> {
        match Tenure::take(Arc::clone(store), Arc::clone(clock), holder).await {
            Ok(tenure) => return Ok(Ok(tenure)),
            Err(StoreFailure::Fenced { .. }) => {}
            Err(failure) => return Err(failure),
        }
        let Some(nodes) = store.nodes() else { return Ok(Err(None)) };
        let lease = nodes.lease().await?;
        match &self.seen {
            Some((seen, since)) if *seen == lease => {
                if since.elapsed() >= LEASE_SILENT {
                    let began = Instant::now();
                    if let Some(fence) = nodes.take_silent(holder, lease::lasts(&**store), &lease).await? {
                        tracing::warn!(
                            "the lease stood still although the database's clock does not say that it is over"
                        );
                        return Ok(Ok(Tenure::begin(Arc::clone(store), Arc::clone(clock), fence, began)));
                    }
                }
            }
            _ => self.seen = Some((lease.clone(), Instant::now())),
        }
        Ok(Err(Some(lease)))
    }
}

impl Engine {
    /// Takes the journal, folds it, and starts the writer, the dispatcher and the clock on the current runtime.
    ///
    /// # Errors
    /// When the journal cannot be taken or read, or the access policies do not parse.
    pub async fn start(parts: Parts) -> Result<Self, StoreFailure> {
        let tenure = Tenure::take(Arc::clone(&parts.store), Arc::clone(&parts.clock), &parts.holder).await?;
        Self::lead(parts, tenure, None).await
    }

    /// The same with a journal that was taken, and with the world where it was folded already.
    ///
    /// # Errors
    /// When the journal cannot be read, or the access policies do not parse; then it is given up.
    pub async fn lead(parts: Parts, tenure: Arc<Tenure>, warm: Option<World>) -> Result<Self, StoreFailure> {
        let led = Self::begin(parts, &tenure, warm).await;
        if led.is_err() {
            tenure.give_up().await;
        }
        led
    }

    async fn begin(parts: Parts, tenure: &Arc<Tenure>, warm: Option<World>) -> Result<Self, StoreFailure> {
        let book = Arc::new(parts.book.clone());
        let world = match warm {
            Some(world) => load::on(&parts.store, World { book: Arc::clone(&book), ..world }).await?,
            None => load::world(&parts.store, Arc::clone(&book)).await?,
        };
        let (engine, waiting, changes) = Self::assemble(parts, &book, world, Some(Arc::clone(tenure)))?;
        engine.spawn(waiting, tenure, &changes).map_err(|error| StoreFailure::Unavailable {
            doing: "opened",
            cause: format!("the writer's thread cannot start: {error}"),
        })?;
        engine.resume().await?;
        Ok(engine)
    }

    /// An engine that writes nothing and follows the journal that another node writes, until [`Engine::end_following`].
    ///
    /// # Errors
    /// When the journal cannot be read, or the access policies do not parse.
    pub async fn follow(parts: Parts) -> Result<Self, StoreFailure> {
        let book = Arc::new(parts.book.clone());
        let world = load::world(&parts.store, Arc::clone(&book)).await?;
        let (engine, _, _) = Self::assemble(parts, &book, world, None)?;
        engine.shared.set_health(Health::Fenced { reason: "this node stands by".to_owned() });
        tokio::spawn(keep_up(Arc::clone(&engine.shared)));
        Ok(engine)
    }

    /// Ends an engine that follows.
    pub fn end_following(&self) {
        self.shared.stopped.cancel();
    }

    /// Gives the world of an engine that followed, as far as it was folded.
    #[must_use]
    pub fn hand_over(&self) -> World {
        std::mem::take(&mut *self.shared.world.write())
    }

    /// Folds what is new in the journal. For an engine that follows; the one that writes knows it already.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn catch_up(&self) -> Result<(), StoreFailure> {
        if self.shared.tenure.is_some() {
            return Ok(());
        }
        let _turn = self.shared.folding.lock().await;
        if self.shared.stopped.is_cancelled() {
            return Ok(());
        }
        load::catch_up(&self.shared.store, &self.shared.world).await?;
        self.shared.announce();
        Ok(())
    }

    fn assemble(
        parts: Parts,
        book: &Arc<Book>,
        world: World,
        tenure: Option<Arc<Tenure>>,
    ) -> Result<(Self, mpsc::Receiver<Wake>, watch::Receiver<Seq>), StoreFailure> {
        let access = Access::new(book).map_err(|cause| StoreFailure::Unavailable { doing: "opened", cause })?;
        let (queue, waiting) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (next, changes) = watch::channel(world.next);
        let shared = Arc::new(Shared {
            world: RwLock::new(world),
            store: parts.store,
            deliver: parts.deliver,
            samples: parts.samples,
            chance: parts.chance,
            queue,
            lanes: Lanes::default(),
            access,
            base_url: parts.base_url,
            holder: parts.holder,
            origin: parts.origin,
            signing_seed: parts.signing_seed,
            stopped: tokio_util::sync::CancellationToken::new(),
            tenure,
            folding: tokio::sync::Mutex::new(()),
            clock: parts.clock,
            link_secret: parts.link_secret,
            next,
            health: Mutex::new(Health::Ready),
            failures: AtomicU64::new(0),
            in_flight: Mutex::new(HashSet::new()),
            runtime: tokio::runtime::Handle::current(),
        });
        Ok((Self { shared }, waiting, changes))
    }

    fn spawn(
        &self,
        queue: mpsc::Receiver<Wake>,
        tenure: &Arc<Tenure>,
        changes: &watch::Receiver<Seq>,
    ) -> std::io::Result<()> {
        let shared = &self.shared;
        let writer = Writer { shared: Arc::clone(shared), queue, tenure: Arc::clone(tenure) };
        let runtime = shared.runtime.clone();
        std::thread::Builder::new().name("writer".into()).spawn(move || runtime.block_on(writer.run()))?;
        tokio::spawn(clockwork::wake_when_due(Arc::clone(shared), changes.clone()));
        tokio::spawn(clockwork::look(Arc::clone(shared)));
        tokio::spawn(inbox::run(Arc::clone(shared)));
        tokio::spawn(clockwork::heed_loss(Arc::clone(shared), Arc::clone(tenure)));
        tokio::spawn(snapshot::run(Arc::clone(shared), changes.clone()));
        Ok(())
    }

    /// Extends what ran out while nobody listened, and asks again for what was not answered.
    async fn resume(&self) -> Result<(), StoreFailure> {
        let command = alerts::Command::Resume.into();
        let permitted = Permitted { actor: Actor::system("engine"), policy: "start".into(), command };
        self.shared
            .submit(permitted)
            .await
            .map_err(|error| StoreFailure::Unavailable { doing: "written", cause: error.to_string() })?;
        self.shared.redispatch();
        Ok(())
    }
}

/// Follows the journal until the engine ends.
async fn keep_up(shared: Arc<Shared>) {
    let engine = Engine { shared: Arc::clone(&shared) };
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures: u32 = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.stopped.cancelled() => return,
        }
        match engine.catch_up().await {
            Ok(()) => failures = 0,
            Err(failure) => {
                if failures.is_multiple_of(SAID_EVERY) {
                    tracing::warn!(%failure, "the journal could not be followed");
                }
                failures = failures.saturating_add(1);
            }
        }
    }
}
