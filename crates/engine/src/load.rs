//! Folding the journal: the newest snapshot, then every fact after it. The one way to a world, at start, after a failed
//! append, and for a new snapshot.

use std::sync::Arc;

use kernel::port::{JournalStore, Snapshot, StoreFailure};
use kernel::{Book, Seq};
use parking_lot::RwLock;
use tokio::task::{JoinError, JoinHandle};

use crate::codec::{self, Decoded};
use crate::limits::BLOCKS_AT_ONCE;
use crate::world::World;

/// Folds the journal up to its present end. While one stretch is folded, the next is read and decoded.
///
/// # Errors
/// When the journal cannot be read or is damaged.
pub(crate) async fn world(store: &Arc<dyn JournalStore>, book: Arc<Book>) -> Result<World, StoreFailure> {
    let mut world = match store.snapshot().await? {
        Some(snapshot) => from_snapshot(&snapshot)?,
        None => World::default(),
    };
    world.book = book;
    on(store, world).await
}

/// Folds what is new in the journal into a world that was folded before.
///
/// # Errors
/// When the journal cannot be read or is damaged.
pub(crate) async fn on(store: &Arc<dyn JournalStore>, mut world: World) -> Result<World, StoreFailure> {
    let mut coming = ahead(store, world.next);
    loop {
        let records = coming.await.map_err(broken)??;
        let Some(last) = records.last() else { return Ok(world) };
        coming = ahead(store, Seq(last.record.seq.0 + 1));
        fold(&mut world, records)?;
    }
}

/// Folds what is new in the journal into a world that others read.
///
/// # Errors
/// When the journal cannot be read or is damaged.
pub(crate) async fn catch_up(store: &Arc<dyn JournalStore>, world: &RwLock<World>) -> Result<(), StoreFailure> {
    loop {
        let next = world.read().next;
        let records = ahead(store, next).await.map_err(broken)??;
        if records.is_empty() {
            return Ok(());
        }
        fold(&mut world.write(), records)?;
    }
}

fn broken(error: JoinError) -> StoreFailure {
    StoreFailure::Unavailable { doing: "read", cause: error.to_string() }
}

/// Begins to read and decode the records of the blocks from a place on.
fn ahead(store: &Arc<dyn JournalStore>, from: Seq) -> JoinHandle<Result<Vec<Decoded>, StoreFailure>> {
    let store = Arc::clone(store);
    tokio::spawn(async move {
        let mut records = Vec::new();
        for block in store.blocks(from, BLOCKS_AT_ONCE).await? {
            records.extend(codec::decode(&block)?);
        }
        Ok(records)
    })
}

fn fold(world: &mut World, records: Vec<Decoded>) -> Result<(), StoreFailure> {
    for decoded in records {
        let seq = decoded.record.seq;
        if seq < world.next {
            continue;
        }
        if seq > world.next {
            let cause = format!("fact {} is missing", world.next);
            return Err(StoreFailure::Damaged { place: format!("fact {seq}"), cause });
        }
        world.chain.push(decoded.leaf);
        // Erasing waits for a snapshot, so a fold that meets an erased fact begins before the snapshots that are kept.
        let erased = || StoreFailure::Damaged {
            place: format!("fact {seq}"),
            cause: "it was erased, and no whole snapshot holds what it did: restore the snapshots from your backup"
                .into(),
        };
        world.evolve(&decoded.fact.ok_or_else(erased)?);
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

#[cfg(test)]
mod tests {
    use kernel::block::{Builder, Reader};
    use kernel::port::Block;
    use kernel::{Actor, Body, Timestamp};
    use testkit::{MemoryStore, SeededChance};

    use super::*;
    use crate::command::Fact;

    /// A block with one fact, which issues a token.
    fn issued(seq: u64, name: &str) -> Block {
        let event = governance::Event::TokenIssued { name: name.into(), scopes: Vec::new(), expires: Timestamp::MAX };
        let (at, actor) = (Timestamp::UNIX_EPOCH, Actor::system("test"));
        let fact = Fact { seq: Seq(seq), at, actor, policy: "test".into(), cause: None, event: event.into() };
        codec::encode(&[fact], &SeededChance::new(seq)).unwrap().unwrap().block
    }

    /// The same block without its bodies.
    fn erased(block: &Block) -> Block {
        let mut builder = Builder::new();
        for raw in Reader::new(&block.bytes).unwrap() {
            let mut record = raw.unwrap().to_record().unwrap();
            record.body = Body::Erased { commitment: record.body.commitment() };
            builder.push(&record);
        }
        Block { bytes: builder.finish(), ..block.clone() }
    }

    /// A journal with one fact, and its fence.
    async fn journal(block: &Block) -> (Arc<dyn JournalStore>, u64) {
        let store: Arc<dyn JournalStore> = Arc::new(MemoryStore::new());
        let fence = store.take_lease("test", Timestamp::UNIX_EPOCH, crate::limits::LEASE).await.unwrap();
        store.append(fence, block, &[]).await.unwrap();
        (store, fence)
    }

    #[tokio::test]
    async fn what_an_erased_fact_did_stays() {
        let first = issued(0, "first");
        let (store, fence) = journal(&first).await;
        store.rewrite(fence, &erased(&first)).await.expect_err("no snapshot holds what it did");
        let before = world(&store, Arc::default()).await.unwrap();
        store.save_snapshot(&to_snapshot(&before).unwrap()).await.unwrap();
        store.rewrite(fence, &erased(&first)).await.unwrap();
        store.append(fence, &issued(1, "second"), &[]).await.unwrap();

        let after = world(&store, Arc::default()).await.unwrap();
        let knows = |name: &str| after.governance.token_scopes(name, Timestamp::UNIX_EPOCH).is_some();
        assert!(knows("first") && knows("second"));
        assert_eq!(after.next, Seq(2));
    }

    #[tokio::test]
    async fn a_fold_never_steps_over_an_erased_fact() {
        // As it would be if every snapshot were lost.
        let (store, _) = journal(&erased(&issued(0, "first"))).await;
        let refused = world(&store, Arc::default()).await.err().unwrap().to_string();
        assert!(refused.contains("fact 0") && refused.contains("backup"), "{refused}");
    }
}
