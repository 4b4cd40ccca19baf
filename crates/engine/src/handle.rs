//! The handle that everybody holds: ask, read, watch. What is behind it is shared by the writer, the dispatcher and the clock.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::area::{Ask, RefusalKind, Resource};
use kernel::port::{Chance, Clock, Deliver, JournalStore, SampleSource};
use kernel::{Actor, Area, Book, Delivery, DeliveryId, PersonName, Sensitivity, Seq, Timestamp};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument as _;

use crate::access::Access;
use crate::batch::Permitted;
use crate::command::{Command, Fact};
use crate::dispatch::{self, Lanes};
use crate::lease::Tenure;
use crate::trace;
use crate::world::World;
use crate::writer::{Answer, Wake};

/// What an engine is made of.
pub struct Parts {
    /// Where the journal is.
    pub store: Arc<dyn JournalStore>,
    /// What performs deliveries.
    pub deliver: Arc<dyn Deliver>,
    /// Where recent samples are.
    pub samples: Arc<dyn SampleSource>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance, good enough for secrets.
    pub chance: Arc<dyn Chance>,
    /// The watchbook to begin with.
    pub book: Book,
    /// What the journal's checkpoints are signed with.
    pub signing_seed: [u8; 32],
    /// The journal's name in its checkpoints, such as `watchkeeper.example.org/journal`.
    pub origin: String,
    /// What acknowledge links are signed with.
    pub link_secret: [u8; 32],
    /// Where people reach this server, without a slash at the end.
    pub base_url: String,
    /// This node's name in the lease.
    pub holder: String,
}

/// Why an ask or a read came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The access policies do not allow it. The denial is a fact.
    #[error("{action} is not allowed: {reason}")]
    Denied {
        /// What was asked.
        action: String,
        /// Why not, and who could.
        reason: String,
    },
    /// A rule of an area says no; nothing changed.
    #[error("{0}")]
    Refused(Refusal),
    /// The world failed; nothing of it is known to be done. Trying again later makes sense.
    #[error("the journal is not available: {reason}")]
    Failed {
        /// What is wrong, in one line.
        reason: String,
    },
    /// Too many commands wait already.
    #[error("too many commands are waiting: try again in a moment")]
    Overloaded,
}

/// What a rule said when it said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which kind of refusal.
    pub kind: RefusalKind,
    /// The field that broke the rule, where one did.
    pub field: Option<&'static str>,
    /// The rule and a way out.
    pub message: String,
}

/// How the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Commands are taken.
    Ready,
    /// The journal failed; commands are refused until it can be read and written again.
    Recovering {
        /// What failed.
        reason: String,
    },
    /// Another node writes the journal; this one must be started anew to stand by.
    Fenced {
        /// What the database said.
        reason: String,
    },
}

/// What a reader wants to see, for the access decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The action's name in access policies, such as `alerts:read`.
    pub action: &'static str,
    /// What is read.
    pub resource: Resource,
}

impl Read {
    /// Reading all of a kind, internal sensitivity. `action` is like `alerts:read`.
    #[must_use]
    pub fn of(action: &'static str) -> Self {
        let kind = action.split(':').next().unwrap_or(action);
        Self { action, resource: Resource { kind, id: "".into(), sensitivity: Sensitivity::Internal } }
    }

    /// Reading one thing of a given sensitivity.
    #[must_use]
    pub fn one(action: &'static str, id: &str, sensitivity: Sensitivity) -> Self {
        let Self { action, resource } = Self::of(action);
        Self { action, resource: Resource { id: id.into(), sensitivity, ..resource } }
    }
}

/// What the handle, the writer, the dispatcher and the clock share.
pub(crate) struct Shared {
    pub(crate) world: RwLock<World>,
    pub(crate) store: Arc<dyn JournalStore>,
    pub(crate) deliver: Arc<dyn Deliver>,
    pub(crate) samples: Arc<dyn SampleSource>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) queue: mpsc::Sender<Wake>,
    pub(crate) lanes: Lanes,
    pub(crate) access: Access,
    pub(crate) base_url: String,
    /// This node's name.
    pub(crate) holder: String,
    pub(crate) origin: String,
    pub(crate) signing_seed: [u8; 32],
    pub(crate) stopped: tokio_util::sync::CancellationToken,
    /// The hold on the journal; none where this engine only follows it.
    pub(crate) tenure: Option<Arc<Tenure>>,
    /// Taken by whoever folds what another node wrote.
    pub(crate) folding: tokio::sync::Mutex<()>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) link_secret: [u8; 32],
    pub(crate) next: watch::Sender<Seq>,
    pub(crate) health: Mutex<Health>,
    pub(crate) failures: AtomicU64,
    pub(crate) in_flight: Mutex<HashSet<DeliveryId>>,
    pub(crate) runtime: tokio::runtime::Handle,
}

/// The engine, as everybody holds it. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

impl Engine {
    /// Asks for something. When this returns facts, they are durable: the command's own and those that followed, in order.
    ///
    /// # Errors
    /// When it is denied, refused, or the journal cannot take it; then nothing changed.
    pub async fn ask(&self, actor: &Actor, command: impl Into<Command>) -> Result<Vec<Fact>, Error> {
        let command = self.labelled(command.into());
        let span = trace::command(&command);
        let asking = async {
            let policy = self.permit(actor, command.action(), self.resource(&command))?;
            self.shared.submit(Permitted { actor: actor.clone(), policy, command }).await
        };
        let asked = asking.instrument(span.clone()).await;
        trace::asked(&span, &asked);
        asked
    }

    /// The same with a mark that is found in the journal's index once anything has come of it: who asks again after a crash looks
    /// for that first.
    pub(crate) async fn ask_once(&self, actor: &Actor, command: Command, mark: String) -> Result<Vec<Fact>, Error> {
        let policy = self.permit(actor, command.action(), self.resource(&command))?;
        let permitted = Permitted { actor: actor.clone(), policy, command };
        self.shared.send(|answer| Wake::Marked(permitted, mark, answer)).await
    }

    /// A draft that tells of an incident is at least as sensitive as that.
    fn labelled(&self, mut command: Command) -> Command {
        if let Command::Comms(comms::Command::Draft { incident: Some(id), sensitivity, .. }) = &mut command {
            let known = self.shared.world.read().incidents.sensitivity_of(*id);
            *sensitivity = known.map_or(*sensitivity, |known| known.max(*sensitivity));
        }
        command
    }

    /// What a command acts on. What is done to an incident, to its review or to a draft is as sensitive as they are.
    fn resource(&self, command: &Command) -> Resource {
        let resource = command.resource();
        let world = self.shared.world.read();
        let known = match command {
            Command::Incidents(inner) => inner.incident().and_then(|id| world.incidents.sensitivity_of(id)),
            Command::Learning(inner) => inner.review().and_then(|id| world.learning.sensitivity_of(id)),
            Command::Comms(inner) => inner.update().and_then(|id| world.comms.sensitivity_of(id)),
            _ => None,
        };
        Resource { sensitivity: known.unwrap_or(resource.sensitivity), ..resource }
    }

    /// Reads the world, when the actor may. A read of something restricted is itself a fact.
    ///
    /// # Errors
    /// When it is denied.
    pub fn read<R>(&self, actor: &Actor, what: Read, f: impl FnOnce(&World) -> R) -> Result<R, Error> {
        self.may(actor, what)?;
        Ok(f(&self.shared.world.read()))
    }

    /// Decides whether an actor may read something, for readers that look at more than the world.
    ///
    /// # Errors
    /// When it is denied.
    pub fn may(&self, actor: &Actor, what: Read) -> Result<(), Error> {
        let restricted = what.resource.sensitivity == Sensitivity::Restricted;
        let noted = restricted.then(|| what.resource.clone());
        self.permit(actor, what.action, what.resource)?;
        if let Some(resource) = noted {
            self.tell(governance::Command::RecordRead { actor: actor.clone(), resource: resource_text(&resource) });
        }
        Ok(())
    }

    fn permit(&self, actor: &Actor, action: &'static str, resource: Resource) -> Result<Box<str>, Error> {
        let scopes = self.scopes(actor)?;
        self.shared.access.permit(actor, &scopes, action, &resource).map_err(|reason| {
            self.tell(governance::Command::RecordDenial {
                actor: actor.clone(),
                action: action.into(),
                resource: resource_text(&resource),
                reason: reason.clone(),
            });
            Error::Denied { action: action.into(), reason }
        })
    }

    /// The scopes of an integration's token; empty for everybody else.
    pub(crate) fn scopes(&self, actor: &Actor) -> Result<Arc<[Box<str>]>, Error> {
        let Actor::Integration(name) = actor else { return Ok(Arc::default()) };
        let world = self.shared.world.read();
        world.governance.token_scopes(name, self.shared.now()).ok_or_else(|| Error::Denied {
            action: "token".into(),
            reason: format!("token {name:?} is unknown, revoked or expired: issue a new one"),
        })
    }

    /// Tells governance something without waiting; dropped with a log line when the queue is full.
    pub(crate) fn tell(&self, command: governance::Command) {
        let permitted = Permitted {
            actor: Actor::system("governance"),
            policy: "governance-records".into(),
            command: command.into(),
        };
        if self.shared.queue.try_send(Wake::Told(permitted)).is_err() {
            tracing::warn!("the queue is full: a record of governance was dropped");
        }
    }

    /// Lets everything that is due be decided now; returns what happened. Tests with a clock of their own call it.
    ///
    /// # Errors
    /// When the journal cannot take it.
    pub async fn wake(&self) -> Result<Vec<Fact>, Error> {
        let (answer, answered) = oneshot::channel();
        self.shared.queue.send(Wake::Due(Some(answer))).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// Changes after each commit to the place of the next fact.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Seq> {
        self.shared.next.subscribe()
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// How the engine is.
    #[must_use]
    pub fn health(&self) -> Health {
        let health = self.shared.health.lock().clone();
        match self.shared.overdue() {
            Some(overdue) if health == Health::Ready => {
                let seconds = overdue.as_secs() + 1;
                Health::Recovering { reason: format!("the lease on it ended {seconds} s ago and could not be renewed") }
            }
            _ => health,
        }
    }

    /// How often the journal could not be appended to since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// The channels whose breaker holds attempts back.
    #[must_use]
    pub fn held_back(&self) -> Vec<kernel::ChannelName> {
        self.shared.lanes.held_back()
    }

    /// How many commands wait for the writer.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.queue.max_capacity() - self.shared.queue.capacity()
    }

    /// Whether this node writes the journal; otherwise it follows it.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.shared.tenure.is_some()
    }

    /// Lets an engine that follows use another watchbook. The one that writes takes it by [`Engine::apply_book`].
    pub fn adopt_book(&self, book: Book) {
        if !self.leads() {
            self.shared.world.write().book = Arc::new(book);
        }
    }

    /// The live watchbook.
    #[must_use]
    pub fn book(&self) -> Arc<Book> {
        self.shared.book()
    }

    /// Where people reach this server.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Sessions, passwords and tokens. Never journaled.
    #[must_use]
    pub fn vault(&self) -> &dyn JournalStore {
        &*self.shared.store
    }

    /// Chance, good enough for secrets.
    #[must_use]
    pub fn chance(&self) -> &dyn Chance {
        &*self.shared.chance
    }

    /// The key of the link by which a person acknowledges a page.
    #[must_use]
    pub fn link_key(&self, page: u64, person: &PersonName) -> String {
        self.shared.link_key(page, person)
    }

    /// Whether a link's key is the one for this page and person.
    #[must_use]
    pub fn link_verify(&self, page: u64, person: &PersonName, key: &str) -> bool {
        governance::link::verify(&self.shared.link_secret, page, person, key)
    }

    /// Makes another watchbook live. The old one stays until the fact is durable.
    ///
    /// # Errors
    /// When it is denied, its access policies do not parse, or the journal cannot take it; then the old one stays.
    pub async fn apply_book(&self, actor: &Actor, book: Book, source: &str) -> Result<Vec<Fact>, Error> {
        let access = self.shared.access.prepare(&book).map_err(|message| {
            Error::Refused(Refusal { kind: RefusalKind::Invalid, field: Some("access"), message })
        })?;
        let command = governance::Command::ApplyBook {
            digest: book.digest,
            commit: book.commit.clone(),
            source: source.to_owned(),
        };
        let facts = self.ask(actor, command).await?;
        self.shared.access.replace(access);
        self.shared.world.write().book = Arc::new(book);
        // Whoever looked when the fact came saw the old one.
        self.shared.announce();
        // Signals whose rule or check is gone are over.
        self.ask(&Actor::system("signals"), signals::Command::Reconsider).await?;
        Ok(facts)
    }

    /// Ends the writer after what is queued, and gives the journal up.
    pub async fn stop(&self) {
        if self.shared.queue.send(Wake::Stop).await.is_ok() {
            self.shared.stopped.cancelled().await;
        }
    }

    /// Resolves when the engine has ended, by [`Engine::stop`] or because another node took the journal.
    pub async fn stopped(&self) {
        self.shared.stopped.cancelled().await;
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// For how long the lease on a journal that other nodes may take has been over.
    fn overdue(&self) -> Option<std::time::Duration> {
        self.tenure.as_ref().filter(|_| self.store.nodes().is_some())?.overdue()
    }

    /// Whether messages may still leave by this node.
    pub(crate) async fn may_send(&self) -> bool {
        match &self.tenure {
            Some(tenure) if !self.stopped.is_cancelled() => tenure.is_ours().await,
            _ => false,
        }
    }

    pub(crate) fn book(&self) -> Arc<Book> {
        Arc::clone(&self.world.read().book)
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    pub(crate) fn note_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn link_key(&self, page: u64, person: &PersonName) -> String {
        governance::link::key(&self.link_secret, page, person)
    }

    /// Hands a permitted command to the writer and waits for the append.
    pub(crate) async fn submit(&self, permitted: Permitted) -> Result<Vec<Fact>, Error> {
        self.send(|answer| Wake::Asked(permitted, answer)).await
    }

    async fn send(&self, wake: impl FnOnce(Answer) -> Wake) -> Result<Vec<Fact>, Error> {
        let (answer, answered) = oneshot::channel();
        match self.queue.try_send(wake(answer)) {
            Ok(()) => answered.await.map_err(|_| stopped())?,
            Err(mpsc::error::TrySendError::Full(_)) => Err(Error::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(stopped()),
        }
    }

    pub(crate) fn announce(&self) {
        self.next.send_replace(self.world.read().next);
    }

    /// Starts each delivery that is not on its way already.
    pub(crate) fn dispatch(self: &Arc<Self>, deliveries: Vec<(&'static str, Delivery)>) {
        for (area, delivery) in deliveries {
            if !self.in_flight.lock().insert(delivery.id.clone()) {
                continue;
            }
            let shared = Arc::clone(self);
            self.runtime.spawn(async move {
                let id = delivery.id.clone();
                dispatch::carry(Arc::clone(&shared), area, delivery).await;
                shared.in_flight.lock().remove(&id);
            });
        }
    }

    /// Starts again what was asked and not answered: after a start, and after the world was folded again.
    pub(crate) fn redispatch(self: &Arc<Self>) {
        let outstanding = self.world.read().outstanding();
        self.dispatch(outstanding);
    }

    /// Whether a delivery is still to be tried.
    pub(crate) fn still_wanted(&self, area: &str, id: &DeliveryId) -> bool {
        let world = self.world.read();
        match area {
            <alerts::Alerts as Area>::NAME => world.alerts.wants(id),
            <comms::Comms as Area>::NAME => world.comms.is_outstanding(id),
            _ => false,
        }
    }
}

fn stopped() -> Error {
    Error::Failed { reason: "the engine has stopped".into() }
}

pub(crate) fn resource_text(resource: &Resource) -> String {
    if resource.id.is_empty() { resource.kind.to_owned() } else { format!("{}/{}", resource.kind, resource.id) }
}
