//! The whole journal, record by record, as whoever verifies or exports it reads it: in order, without a gap, each with its
//! leaf hashed again. While one stretch is hashed, the next is read and unpacked.

use std::sync::Arc;

use governance::tlog::merkle::Hash;
use kernel::Seq;
use kernel::block::{Raw, Reader};
use kernel::port::{Block, JournalStore, StoreFailure};
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
        for block in &blocks {
            next = walk_block(block, next, &mut each)?;
        }
    }
}

/// Begins to read the blocks from a place on, beside whatever goes on meanwhile.
fn ahead(store: &Arc<dyn JournalStore>, from: Seq) -> JoinHandle<Result<Vec<Block>, StoreFailure>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.blocks(from, BLOCKS_AT_ONCE).await })
}

fn walk_block<E: From<StoreFailure>>(
    block: &Block,
    expected: Seq,
    each: &mut impl FnMut(Hash, &Raw<'_>) -> Result<(), E>,
) -> Result<Seq, E> {
    let damaged = |cause: String| StoreFailure::Damaged { place: format!("the block at {}", block.first), cause };
    if block.first != expected {
        return Err(damaged(format!("fact {expected} is missing before it")).into());
    }
    let mut next = block.first.0;
    for raw in Reader::new(&block.bytes).map_err(|error| damaged(error.to_string()))? {
        let raw = raw.map_err(|error| damaged(error.to_string()))?;
        let seq = raw.header.get(1..9).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()).map(u64::from_be_bytes);
        if seq != Some(next) {
            return Err(damaged(format!("fact {next} has another number")).into());
        }
        each(raw.leaf(), &raw)?;
        next += 1;
    }
    if next - block.first.0 != u64::from(block.count) {
        return Err(damaged(format!("it should hold {} facts", block.count)).into());
    }
    Ok(Seq(next))
}
