//! Folding the journal: the newest snapshot, then every fact after it. The one way to a world, at start, after a failed
//! append, and for a new snapshot.

use std::sync::Arc;

use kernel::Book;
use kernel::port::{JournalStore, Snapshot, StoreFailure};

use crate::codec;
use crate::limits::BLOCKS_AT_ONCE;
use crate::world::World;

/// Folds the journal up to its present end.
///
/// # Errors
/// When the journal cannot be read or is damaged.
pub(crate) async fn world(store: &dyn JournalStore, book: Arc<Book>) -> Result<World, StoreFailure> {
    let mut world = match store.snapshot().await? {
        Some(snapshot) => from_snapshot(&snapshot)?,
        None => World::default(),
    };
    world.book = book;
    loop {
        let from = world.next;
        let blocks = store.blocks(from, BLOCKS_AT_ONCE).await?;
        if blocks.is_empty() {
            return Ok(world);
        }
        for block in &blocks {
            fold(&mut world, block)?;
        }
        if world.next == from {
            return Ok(world);
        }
    }
}

fn fold(world: &mut World, block: &kernel::port::Block) -> Result<(), StoreFailure> {
    for decoded in codec::decode(block)? {
        let seq = decoded.record.seq;
        if seq < world.next {
            continue;
        }
        if seq > world.next {
            let cause = format!("fact {} is missing", world.next);
            return Err(StoreFailure::Damaged { place: format!("the block at {}", block.first), cause });
        }
        world.chain.push(decoded.leaf);
        match decoded.fact {
            Some(fact) => world.evolve(&fact),
            None => world.skip(seq, decoded.record.at),
        }
    }
    Ok(())
}

fn from_snapshot(snapshot: &Snapshot) -> Result<World, StoreFailure> {
    rmp_serde::from_slice(&snapshot.bytes).map_err(|error| StoreFailure::Damaged {
        place: format!("the snapshot at {}", snapshot.next),
        cause: format!("{error}; remove it and the journal is read from its beginning"),
    })
}

/// The world as a snapshot.
///
/// # Errors
/// When a state cannot be written, which the rooms' tests rule out.
pub(crate) fn to_snapshot(world: &World) -> Result<Snapshot, rmp_serde::encode::Error> {
    Ok(Snapshot { next: world.next, bytes: rmp_serde::to_vec_named(world)? })
}
