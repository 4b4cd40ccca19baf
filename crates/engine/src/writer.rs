//! The one writer: takes permitted commands from the queue, makes a batch, appends it, answers. It runs on a thread of its
//! own, so that deciding never waits behind somebody's request.

use std::sync::Arc;
use std::time::Duration;

use kernel::Timestamp;
use kernel::port::{IndexEntry, StoreFailure};
use tokio::sync::{mpsc, oneshot};

use crate::batch::{Batch, Permitted, index_entry};
use crate::codec::{self, Encoded};
use crate::command::Fact;
use crate::handle::{Error, Health, Shared};
use crate::lease::Tenure;
use crate::limits::{BLOCK_COMMANDS_MAX, RECOVERY_FIRST, RECOVERY_MAX};
use crate::load;
use crate::world::World;

/// How an answer gets back to whoever asked.
pub(crate) type Answer = oneshot::Sender<Result<Vec<Fact>, Error>>;

/// Everything that can wake the writer.
#[derive(Debug)]
pub(crate) enum Wake {
    /// Somebody asked and waits for the answer.
    Asked(Permitted, Answer),
    /// The same, with a mark for the index of whatever comes of it.
    Marked(Permitted, String, Answer),
    /// Somebody told and does not wait.
    Told(Permitted),
    /// Something may be due; answered when it has been looked at.
    Due(Option<Answer>),
    /// The engine stops: finish what is queued, then end.
    Stop,
}

/// The writer's own things.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) queue: mpsc::Receiver<Wake>,
    pub(crate) tenure: Arc<Tenure>,
}

/// An answer that waits for the append: how many facts are its own, or the refusal it already has.
struct Waiting {
    answer: Option<Answer>,
    facts: Result<usize, Error>,
}

impl Writer {
    /// Runs until the engine stops or another writer has taken the journal.
    pub(crate) async fn run(mut self) {
        let mut stopping = false;
        while !stopping {
            let Some(first) = self.queue.recv().await else { break };
            let mut batch = Batch::default();
            let mut waiting = Vec::new();
            stopping = self.take(first, &mut batch, &mut waiting);
            while !stopping && waiting.len() < BLOCK_COMMANDS_MAX && !batch.is_full() {
                let Ok(next) = self.queue.try_recv() else { break };
                stopping = self.take(next, &mut batch, &mut waiting);
            }
            match self.append(&batch).await {
                Ok(()) => self.answer(batch, waiting),
                Err(failure) => {
                    refuse_all(waiting, &failure);
                    if !self.recover(failure).await {
                        break;
                    }
                }
            }
        }
        self.end().await;
    }

    /// Decides one wake into the batch. Returns whether it was the last.
    fn take(&self, wake: Wake, batch: &mut Batch, waiting: &mut Vec<Waiting>) -> bool {
        let (now, nonce) = (self.now(), self.shared.chance.number());
        let (permitted, mark, answer) = match wake {
            Wake::Stop => return true,
            Wake::Due(answer) => {
                let before = batch.facts.len();
                batch.wake(&self.shared.world, now, nonce);
                waiting.push(Waiting { answer, facts: Ok(batch.facts.len() - before) });
                return false;
            }
            Wake::Asked(permitted, answer) => (permitted, None, Some(answer)),
            Wake::Marked(permitted, mark, answer) => (permitted, Some(mark), Some(answer)),
            Wake::Told(permitted) => (permitted, None, None),
        };
        let taken = batch.take(&self.shared.world, now, nonce, permitted);
        let first = taken.as_ref().ok().and_then(|range| batch.facts.get(range.clone())?.first()).map(|fact| fact.seq);
        batch.marks.extend(mark.zip(first).map(|(stream, seq)| IndexEntry { stream, seq }));
        let facts = taken.map(|range| range.len());
        waiting.push(Waiting { answer, facts });
        false
    }

    /// The present instant to the microsecond, never before the last fact's.
    fn now(&self) -> Timestamp {
        let now = self.shared.now();
        self.shared.world.read().last_at.map_or(now, |last| last.max(now))
    }

    async fn append(&self, batch: &Batch) -> Result<(), StoreFailure> {
        let encoded = codec::encode(&batch.facts, &*self.shared.chance).map_err(|error| StoreFailure::Unavailable {
            doing: "written",
            cause: format!("an event has no JSON form: {error}"),
        })?;
        let Some(Encoded { block, leaves }) = encoded else { return Ok(()) };
        let index: Vec<_> = batch.facts.iter().filter_map(index_entry).chain(batch.marks.iter().cloned()).collect();
        self.shared.store.append(self.tenure.fence(), &block, &index).await?;
        let mut world = self.shared.world.write();
        leaves.into_iter().for_each(|leaf| world.chain.push(leaf));
        Ok(())
    }

    /// Tells everybody, now that the batch is durable.
    fn answer(&self, batch: Batch, waiting: Vec<Waiting>) {
        let grew = !batch.facts.is_empty();
        let mut facts = batch.facts.into_iter();
        for Waiting { answer, facts: count } in waiting {
            let own = count.map(|count| facts.by_ref().take(count).collect());
            if let Some(answer) = answer {
                // Whoever asked may have left; the facts stand all the same.
                let _ = answer.send(own);
            }
        }
        self.shared.dispatch(batch.deliveries);
        if grew {
            self.shared.announce();
        }
    }

    /// After a failed append: folds the world again from what is durable. Returns whether the writer may go on.
    async fn recover(&mut self, failure: StoreFailure) -> bool {
        tracing::error!(%failure, "the journal could not be appended to; folding it again");
        self.shared.note_failure();
        if let StoreFailure::Fenced { .. } = failure {
            self.shared.set_health(Health::Fenced { reason: failure.to_string() });
            return false;
        }
        let mut pause = RECOVERY_FIRST;
        let mut reason = failure.to_string();
        loop {
            self.shared.set_health(Health::Recovering { reason: reason.clone() });
            self.refuse_for(pause, &reason).await;
            match self.reload().await {
                Ok(world) => {
                    *self.shared.world.write() = world;
                    self.shared.set_health(Health::Ready);
                    self.shared.redispatch();
                    return true;
                }
                Err(again @ StoreFailure::Fenced { .. }) => {
                    self.shared.set_health(Health::Fenced { reason: again.to_string() });
                    return false;
                }
                Err(again) => reason = again.to_string(),
            }
            pause = (pause * 2).min(RECOVERY_MAX);
        }
    }

    /// The world as it is durable, when the journal can be written again too: on a full disk it can still be read. The
    /// lease is what there is to write that is no fact.
    async fn reload(&self) -> Result<World, StoreFailure> {
        let world = load::world(&self.shared.store, self.shared.book()).await?;
        self.tenure.renew().await?;
        Ok(world)
    }

    /// Refuses whatever is asked during a pause, so that nobody waits for a journal that is not there.
    async fn refuse_for(&mut self, pause: Duration, reason: &str) {
        let end = tokio::time::Instant::now() + pause;
        while let Ok(Some(wake)) = tokio::time::timeout_at(end, self.queue.recv()).await {
            if let Wake::Asked(_, answer) | Wake::Marked(_, _, answer) | Wake::Due(Some(answer)) = wake {
                let _ = answer.send(Err(Error::Failed { reason: reason.to_owned() }));
            }
        }
    }

    async fn end(self) {
        self.tenure.give_up().await;
        self.shared.stopped.cancel();
    }
}

fn refuse_all(waiting: Vec<Waiting>, failure: &StoreFailure) {
    for Waiting { answer, facts } in waiting {
        if let Some(answer) = answer {
            let error = facts.err().unwrap_or_else(|| Error::Failed { reason: failure.to_string() });
            let _ = answer.send(Err(error));
        }
    }
}
