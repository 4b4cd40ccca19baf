//! The ports the world must fill. Rooms never see them; the engine is given them, and tests give it others.

use std::time::Duration;

use async_trait::async_trait;

use crate::book::Channel;
use crate::delivery::{Delivery, Outcome};
use crate::matcher::Matcher;
use crate::nodes::Nodes;
use crate::record::Seq;
use crate::sample::Window;
use crate::time::Timestamp;

/// The world failed; nothing of what was asked is half-done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreFailure {
    /// Another writer holds the journal: this one must stop.
    #[error("another writer holds the journal (fence {held}, ours {ours}): this node stands by")]
    Fenced {
        /// The fence in force.
        held: u64,
        /// Our own.
        ours: u64,
    },
    /// The block does not continue the journal.
    #[error("the block begins at {first}, but the journal ends before {expected}")]
    Gap {
        /// Where the block begins.
        first: Seq,
        /// Where it should begin.
        expected: Seq,
    },
    /// The disk or the database failed; trying again may help.
    #[error("the journal cannot be {doing}: {cause}")]
    Unavailable {
        /// "written", "read", "opened".
        doing: &'static str,
        /// What the database said.
        cause: String,
    },
    /// What was read is not what was written.
    #[error("the journal is damaged at {place}: {cause}")]
    Damaged {
        /// Which block or row.
        place: String,
        /// What is wrong.
        cause: String,
    },
}

/// The records of one commit, as the journal keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The place of its first record.
    pub first: Seq,
    /// How many records it holds; at least one.
    pub count: u32,
    /// When its last record was decided.
    pub at: Timestamp,
    /// The records, as [`crate::block`] writes them.
    pub bytes: Vec<u8>,
}

/// One entry of the index from streams to their facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// `area/stream`.
    pub stream: String,
    /// A fact of it.
    pub seq: Seq,
}

/// A snapshot of folded state, so that a start need not read the whole journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first fact that is not in it.
    pub next: Seq,
    /// The state, as the engine writes it.
    pub bytes: Vec<u8>,
}

/// The journal and what lives beside it, on whatever database.
#[async_trait]
pub trait JournalStore: Send + Sync {
    /// Takes the journal for writing. The fence grows with each taking; an append under an older one is refused. A store
    /// that several nodes share counts by a clock of its own and not by `now`.
    async fn take_lease(&self, holder: &str, now: Timestamp, lasts: Duration) -> Result<u64, StoreFailure>;

    /// Keeps the lease for longer, when it is still ours. One that was given up stays free: a renewal under way at the
    /// end must not hold the next taker back.
    async fn renew_lease(&self, fence: u64, now: Timestamp, lasts: Duration) -> Result<(), StoreFailure>;

    /// Gives the lease up, so that the next taker need not wait for its end.
    async fn release_lease(&self, fence: u64) -> Result<(), StoreFailure>;

    /// Appends a block and its index entries, durably and as a whole, when it continues the journal and the fence holds.
    async fn append(&self, fence: u64, block: &Block, index: &[IndexEntry]) -> Result<(), StoreFailure>;

    /// The place after the last record.
    async fn next_seq(&self) -> Result<Seq, StoreFailure>;

    /// Up to `limit` blocks in order, beginning with the one that holds `from`.
    async fn blocks(&self, from: Seq, limit: u32) -> Result<Vec<Block>, StoreFailure>;

    /// The facts of a stream in order, after `after`, at most `limit`.
    async fn stream(&self, stream: &str, after: Option<Seq>, limit: u32) -> Result<Vec<Seq>, StoreFailure>;

    /// Replaces a block's bytes by others of the same records with erased bodies. Proofs stay whole. Refused until a whole
    /// snapshot holds what these records did, because nothing else will after this.
    async fn rewrite(&self, fence: u64, block: &Block) -> Result<(), StoreFailure>;

    /// The newest snapshot.
    async fn snapshot(&self) -> Result<Option<Snapshot>, StoreFailure>;

    /// Keeps a snapshot and drops those before the last two.
    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreFailure>;

    /// A secret or a session by kind and key; expired ones are gone. Never journaled.
    async fn vault_get(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure>;

    /// Keeps a secret, until an instant when one is given.
    async fn vault_put(
        &self,
        kind: &str,
        key: &str,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> Result<(), StoreFailure>;

    /// Takes a secret out: it is returned at most once, whoever asks at the same time.
    async fn vault_take(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure>;

    /// Forgets all of a kind whose keys begin with a prefix, and says how many there were.
    async fn vault_forget(&self, kind: &str, key_prefix: &str) -> Result<u64, StoreFailure>;

    /// A word about the database for `/readyz` and the logs, such as `sqlite 3.51.3`.
    async fn describe(&self) -> Result<String, StoreFailure>;

    /// What nodes agree on that share this store; `None` where it is one node's alone.
    fn nodes(&self) -> Option<&dyn Nodes> {
        None
    }
}

/// What performs deliveries. One attempt a call; the engine decides about the next.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Tries once. `links` are absolute addresses that the message may carry.
    async fn deliver(&self, delivery: &Delivery, channel: &Channel, links: &Links) -> Outcome;
}

/// Absolute addresses for a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The page that shows it.
    pub page: String,
    /// Acknowledges by one click and a confirmation; signed, for this page only.
    pub acknowledge: Option<String>,
}

/// Where recent samples are found.
pub trait SampleSource: Send + Sync {
    /// The series of a metric whose labels meet all matchers, with their points in `(from, to]`. Sorted by labels.
    fn windows(&self, metric: &str, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Vec<Window>;
}

/// The clock.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// Chance.
pub trait Chance: Send + Sync {
    /// Fills bytes with random ones, good enough for secrets.
    fn fill(&self, bytes: &mut [u8]);

    /// A random number.
    fn number(&self) -> u128 {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        u128::from_be_bytes(bytes)
    }
}
