//! What nodes agree on that share a store: who writes, who is there, and who evaluates which rules over a source. Every instant
//! is the store's own, so no two nodes must agree about the time.

use std::time::Duration;

use async_trait::async_trait;

use crate::digest::Digest;
use crate::port::StoreFailure;
use crate::time::Timestamp;

/// Who writes the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The node that holds it; empty where it was given up.
    pub holder: String,
    /// How often it was taken.
    pub fence: u64,
    /// When it ends, unless it is renewed.
    pub until: Timestamp,
}

/// A node that shares the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Where people reach it.
    pub url: String,
    /// The watchbook that it has.
    pub book: Digest,
}

/// A shard that was taken, and what is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// What it is: a group of rules over a source.
    pub key: String,
    /// How often it was taken; what is written under an older fence is refused.
    pub fence: u64,
    /// What the group remembers.
    pub state: Option<Vec<u8>>,
    /// What its series have taught it.
    pub learnt: Option<Vec<u8>>,
}

/// A shard that is held: its key and its fence.
pub type Held = (String, u64);

/// Which of the things that are remembered of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What the group remembers.
    State,
    /// What its series have taught it.
    Learnt,
    /// What the evaluating node tells readers.
    Report,
}

/// A shard as every node sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// What it is.
    pub key: String,
    /// The node that holds it; empty where nobody does.
    pub holder: String,
    /// What that node last told readers.
    pub report: Option<Vec<u8>>,
}

/// What an evaluation decided, on its way to the one writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its number in the inbox.
    pub id: i64,
    /// The shard that it is of.
    pub shard: String,
    /// The fence under which it was decided,
    pub fence: u64,
    /// and its number under that fence: letters of a shard are ordered by both.
    pub number: u64,
    /// What was decided.
    pub bytes: Vec<u8>,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It is in the inbox, or was already.
    Done,
    /// Too many of its shard wait for the writer.
    Full,
    /// Another node holds the shard.
    Lost,
}

/// Samples that rules of a shard recorded at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Their number, which grows for each shard.
    pub id: i64,
    /// The shard.
    pub shard: String,
    /// The samples.
    pub bytes: Vec<u8>,
}

/// What nodes agree on that share a store.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// Who writes the journal, or wrote it last.
    async fn lease(&self) -> Result<Lease, StoreFailure>;

    /// Takes the journal when its lease is still as it was `seen`. For a caller who has watched it for longer than any
    /// lease lasts by a clock of its own: then it was not renewed, whatever became of the store's clock.
    async fn take_silent(&self, holder: &str, lasts: Duration, seen: &Lease) -> Result<Option<u64>, StoreFailure>;

    /// Says that a node is there, for as long as that lasts, and gives all that are there.
    async fn announce(&self, node: &Node, lasts: Duration) -> Result<Vec<Node>, StoreFailure>;

    /// Every node that is there.
    async fn present(&self) -> Result<Vec<Node>, StoreFailure>;

    /// Says that a node is there no longer, and gives up what it held.
    async fn leave(&self, name: &str) -> Result<(), StoreFailure>;

    /// Takes those of the shards that are free, over or the same holder's.
    async fn take_shards(&self, holder: &str, keys: &[String], lasts: Duration) -> Result<Vec<Shard>, StoreFailure>;

    /// Keeps shards for longer, and gives the keys of those that are still ours.
    async fn renew_shards(&self, holder: &str, held: &[Held], lasts: Duration) -> Result<Vec<String>, StoreFailure>;

    /// Gives shards up.
    async fn release_shards(&self, held: &[Held]) -> Result<(), StoreFailure>;

    /// Keeps a part of what is remembered of a shard; `false` when another node holds it.
    async fn keep_shard(&self, held: &Held, part: Part, bytes: &[u8]) -> Result<bool, StoreFailure>;

    /// Every shard.
    async fn shards(&self) -> Result<Vec<Sharing>, StoreFailure>;

    /// Puts a letter into the inbox, where at most so many of its shard may wait. A repetition is no second letter.
    async fn post(&self, held: &Held, number: u64, bytes: &[u8], most: u32) -> Result<Posted, StoreFailure>;

    /// The first letters of the inbox: in order for each shard.
    async fn letters(&self, limit: u32) -> Result<Vec<Letter>, StoreFailure>;

    /// Takes letters out.
    async fn discard(&self, letters: &[i64]) -> Result<(), StoreFailure>;

    /// Which of these shards have letters in the inbox.
    async fn waiting(&self, keys: &[String]) -> Result<Vec<String>, StoreFailure>;

    /// Leaves recorded samples for the other nodes, and forgets those of the shard that are older than `lasts`; `false` when
    /// another node holds it.
    async fn record(&self, held: &Held, bytes: &[u8], lasts: Duration) -> Result<bool, StoreFailure>;

    /// What was recorded after the given numbers of each shard, except by one holder.
    async fn recorded(&self, after: &[(String, i64)], but_of: &str, limit: u32) -> Result<Vec<Recorded>, StoreFailure>;
}
