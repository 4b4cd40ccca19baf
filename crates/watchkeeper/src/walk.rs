//! The whole journal, record by record, as whoever verifies or exports it reads it: in order, without a gap, each with its
//! leaf hashed again. While one stretch is hashed, the next is read and unpacked.

use std::sync::Arc;

use governance::tlog::merkle::Hash;
use kernel::Seq;
use kernel::block::{Raw, Reader};
use kernel::port::{Block, JournalStore, StoreFailure};
use kernel::record::RecordError;
use tokio::task::JoinHandle;

/// How many blocks are read at once.
const BLOCKS_AT_ONCE: u32 = 256;

/// Reads every block in order, checks that each continues the last, and hands each record on with its leaf. Returns how
/// many there are.
///
/// # Errors
/// When the journal cannot be read, something in it is missing or damaged, or `each` fails.
pub async fn walk<E: From<StoreFailure>>(
    store: &Arc<dyn JournalStore>,
    mut each: impl FnMut(Hash, &Raw<'_>) -> Result<(), E>,
) -> Result<u64, E> {
    let (mut next, mut coming) = (Seq(0), ahead(store, Seq(0)));
    loop {
        let blocks =
            coming.await.map_err(|error| StoreFailure::Unavailable { doing: "read", cause: error.to_string() })??;
        let Some(last) = blocks.last() else { return Ok(next.0) };
        coming = ahead(store, Seq(last.first.0 + u64::from(last.count)));
        for (block, leaves) in blocks.iter().zip(hashed(&blocks)) {
            next = walk_block(block, &leaves?, next, &mut each)?;
        }
    }
}

/// The leaves of each block, hashed by two threads: one is not enough to hash a million facts in a second.
fn hashed(blocks: &[Block]) -> Vec<Result<Vec<Hash>, StoreFailure>> {
    let (here, there) = blocks.split_at(blocks.len() / 2);
    std::thread::scope(|scope| {
        let there = scope.spawn(|| there.iter().map(leaves).collect::<Vec<_>>());
        let mut all: Vec<_> = here.iter().map(leaves).collect();
        let stopped = |_| vec![Err(StoreFailure::Unavailable { doing: "read", cause: "a thread stopped".into() })];
        all.extend(there.join().unwrap_or_else(stopped));
        all
    })
}

fn leaves(block: &Block) -> Result<Vec<Hash>, StoreFailure> {
    let broken = |error: RecordError| damaged(block, error.to_string());
    let raws = Reader::new(&block.bytes).map_err(broken)?;
    raws.map(|raw| raw.map(|raw| raw.leaf()).map_err(broken)).collect()
}

fn damaged(block: &Block, cause: String) -> StoreFailure {
    StoreFailure::Damaged { place: format!("the block at {}", block.first), cause }
}

/// Begins to read the blocks from a place on, beside whatever goes on meanwhile.
fn ahead(store: &Arc<dyn JournalStore>, from: Seq) -> JoinHandle<Result<Vec<Block>, StoreFailure>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.blocks(from, BLOCKS_AT_ONCE).await })
}

fn walk_block<E: From<StoreFailure>>(
    block: &Block,
    leaves: &[Hash],
    expected: Seq,
    each: &mut impl FnMut(Hash, &Raw<'_>) -> Result<(), E>,
) -> Result<Seq, E> {
    let damaged = |cause: String| damaged(block, cause);
    if block.first != expected {
        return Err(damaged(format!("fact {expected} is missing before it")).into());
    }
    let mut next = block.first.0;
    for (raw, leaf) in Reader::new(&block.bytes).map_err(|error| damaged(error.to_string()))?.zip(leaves) {
        let raw = raw.map_err(|error| damaged(error.to_string()))?;
        let seq = raw.header.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes);
        if seq != Some(next) {
            return Err(damaged(format!("fact {next} has another number")).into());
        }
        each(*leaf, &raw)?;
        next += 1;
    }
    if next - block.first.0 != u64::from(block.count) {
        return Err(damaged(format!("it should hold {} facts", block.count)).into());
    }
    Ok(Seq(next))
}
