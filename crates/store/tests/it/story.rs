//! One story that every store must be able to tell.

use std::sync::Arc;
use std::time::Duration;

use kernel::port::{IndexEntry, JournalStore, Snapshot, StoreFailure};
use kernel::{Body, Seq};
use testkit::MemoryStore;
use testkit::postgres::Server;

use crate::blocks::{HELD, at, block, block_of, end, index, record, whole};

#[tokio::test]
async fn in_memory() {
    story(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn on_sqlite() {
    let home = testkit::temp_dir();
    let url = format!("sqlite:{}", home.path().join("data/journal.db").display());
    let store = store::open(&url).await.unwrap();
    assert_eq!(store.describe().await.unwrap(), "sqlite 3.51.3");
    story(Arc::clone(&store)).await;
    assert_survives(&url, store).await;
}

#[tokio::test]
async fn on_postgres() {
    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).await.unwrap();
    assert!(store.describe().await.unwrap().starts_with("postgresql 1"));
    story(Arc::clone(&store)).await;
    assert_survives(&server.url(), store).await;
}

/// Whoever opens the database anew finds what was there.
async fn assert_survives(url: &str, old: Arc<dyn JournalStore>) {
    let before = (old.blocks(Seq(0), 100).await.unwrap(), old.snapshot().await.unwrap());
    drop(old);
    let new = store::open(url).await.unwrap();
    assert_eq!((new.blocks(Seq(0), 100).await.unwrap(), new.snapshot().await.unwrap()), before);
    assert_eq!(new.vault_get("session", "kept", at(0)).await.unwrap().as_deref(), Some(&b"value"[..]));
}

async fn story(store: Arc<dyn JournalStore>) {
    let fence = lease(&*store).await;
    journal(&*store, fence).await;
    streams(&*store, fence).await;
    rewriting(&*store, fence).await;
    snapshots(&*store).await;
    vault(Arc::clone(&store)).await;
    whole(&*store).await;
}

/// One writer at a time; each taking raises the fence; the last one taken holds.
async fn lease(store: &dyn JournalStore) -> u64 {
    let one = store.take_lease("one", at(0), HELD).await.unwrap();
    let refused = store.take_lease("two", at(9), HELD).await.unwrap_err();
    assert!(matches!(refused, StoreFailure::Fenced { held, ours: 0 } if held == one), "{refused}");
    store.renew_lease(one, at(10), HELD).await.unwrap();
    assert!(store.take_lease("two", at(29), HELD).await.is_err(), "the lease was renewed");
    store.renew_lease(one, at(29), Duration::ZERO).await.unwrap();

    let two = store.take_lease("two", at(30), HELD).await.unwrap();
    assert!(two > one, "the lease was over, so another may take it");
    let stale =
        |failure: StoreFailure| matches!(failure, StoreFailure::Fenced { held, ours } if (held, ours) == (two, one));
    assert!(stale(store.append(one, &block(0, 1, "stale"), &[]).await.unwrap_err()));
    assert!(stale(store.renew_lease(one, at(90), HELD).await.unwrap_err()));
    assert!(stale(store.release_lease(one).await.unwrap_err()));

    let again = store.take_lease("two", at(31), HELD).await.unwrap();
    assert!(again > two, "its own holder need not wait, but its older fence is over");
    let refused = store.append(two, &block(0, 1, "stale"), &[]).await.unwrap_err();
    assert!(matches!(refused, StoreFailure::Fenced { held, ours } if (held, ours) == (again, two)), "{refused}");
    store.release_lease(again).await.unwrap();
    store.renew_lease(again, at(90), HELD).await.unwrap();
    let three = store.take_lease("three", at(32), HELD).await.unwrap();
    assert!(three > again, "a released lease is free at once, even when a renewal was under way");
    three
}

/// Blocks are appended in order, once, and read from anywhere.
async fn journal(store: &dyn JournalStore, fence: u64) {
    assert_eq!(store.next_seq().await.unwrap(), Seq(0));
    assert_eq!(store.blocks(Seq(0), 10).await.unwrap(), []);
    let early = store.append(fence, &block(1, 1, "early"), &[]).await.unwrap_err();
    assert!(matches!(early, StoreFailure::Gap { first: Seq(1), expected: Seq(0) }), "{early}");

    // A small block, a large one that is compressed, and one whose bytes do not shrink.
    let noise: String =
        (0_u32..700).map(|n| char::from(b' ' + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    let blocks = [block(0, 2, "small"), block(2, 5000, "large"), block_of(&[record(5002, &noise)])];
    for block in &blocks {
        store.append(fence, block, &index(block)).await.unwrap();
    }
    assert_eq!(store.next_seq().await.unwrap(), Seq(5003));
    whole(store).await;

    store.append(fence, &blocks[2], &index(&blocks[2])).await.expect("an append may be repeated");
    for wrong in [blocks[1].clone(), block(5002, 1, "other"), block(5001, 2, "other"), block(5004, 1, "late")] {
        let refused = store.append(fence, &wrong, &[]).await.unwrap_err();
        assert!(matches!(refused, StoreFailure::Gap { expected: Seq(5003), .. }), "{refused}");
    }
    let mut empty = block(5003, 1, "empty");
    empty.count = 0;
    assert!(matches!(store.append(fence, &empty, &[]).await, Err(StoreFailure::Unavailable { .. })));

    let from = async |seq, limit| store.blocks(Seq(seq), limit).await.unwrap();
    assert_eq!(from(0, 10).await, blocks);
    assert_eq!(from(0, 1).await, blocks[..1]);
    for inside in [2, 3, 5001] {
        assert_eq!(from(inside, 10).await, blocks[1..], "the block that holds {inside} comes first");
    }
    for outside in [5003, 9999, u64::MAX] {
        assert_eq!(from(outside, 10).await, [], "nothing from {outside}");
    }
    assert_eq!(from(0, 0).await, []);
}

/// The index knows each stream's facts, whatever the stream is called.
async fn streams(store: &dyn JournalStore, fence: u64) {
    let names = ["x/1", "x/10", "x/", "x/\u{0}1", "x/\u{0}", "x/ö\"'\\", "x/\u{1F4DF}"];
    let more = block(5003, 6, "named");
    let mut entries = index(&more);
    for (shift, name) in names.iter().enumerate() {
        let seqs = (0..3).map(|n| Seq(more.first.0 + (shift as u64 + n) % 6));
        entries.extend(seqs.map(|seq| IndexEntry { stream: (*name).to_owned(), seq }));
    }
    entries.push(entries[0].clone());
    store.append(fence, &more, &entries).await.unwrap();
    for name in names {
        let mut expected: Vec<Seq> = entries.iter().filter(|e| e.stream == name).map(|e| e.seq).collect();
        expected.sort_unstable();
        assert_eq!(store.stream(name, None, 10).await.unwrap(), expected, "{name:?}");
        assert_eq!(store.stream(name, Some(expected[0]), 10).await.unwrap(), expected[1..], "{name:?}");
        assert_eq!(store.stream(name, None, 2).await.unwrap(), expected[..2], "{name:?}");
    }
    assert_eq!(store.stream("x", None, 10).await.unwrap(), []);
    assert_eq!(store.stream("x/1", Some(Seq(u64::MAX)), 10).await.unwrap(), []);
}

/// Bodies can be erased; nothing else about a record can be changed.
async fn rewriting(store: &dyn JournalStore, fence: u64) {
    let first = store.next_seq().await.unwrap().0;
    let mut records = [record(first, "{\"name\":\"x\"}"), record(first + 1, "{}")];
    let kept = block_of(&records);
    store.append(fence, &kept, &index(&kept)).await.unwrap();
    records[0].body = Body::Erased { commitment: records[0].body.commitment() };
    let erased = block_of(&records);

    assert_eq!(store.snapshot().await.unwrap(), None);
    // One fact short of what the snapshot must hold.
    store.save_snapshot(&Snapshot { next: Seq(first + 1), bytes: vec![1] }).await.unwrap();
    let early = store.rewrite(fence, &erased).await.unwrap_err();
    assert!(matches!(&early, StoreFailure::Unavailable { cause, .. } if cause.contains("snapshot")), "{early}");
    assert_eq!(store.blocks(Seq(first), 1).await.unwrap(), std::slice::from_ref(&kept));
    store.save_snapshot(&Snapshot { next: Seq(first + 2), bytes: vec![2] }).await.unwrap();

    assert!(matches!(store.rewrite(fence - 1, &erased).await, Err(StoreFailure::Fenced { .. })));
    let mut wrong = vec![block(first, 2, "other"), block(first, 1, "fewer"), block(first + 1, 1, "inside")];
    wrong.push(kernel::port::Block { at: at(2), ..erased.clone() });
    wrong.push(kernel::port::Block { bytes: b"noise".to_vec(), ..erased.clone() });
    for wrong in wrong {
        let refused = store.rewrite(fence, &wrong).await.unwrap_err();
        assert!(matches!(refused, StoreFailure::Damaged { .. }), "{refused}");
    }
    assert_eq!(store.blocks(Seq(first), 1).await.unwrap(), [kept]);
    store.rewrite(fence, &erased).await.unwrap();
    assert_eq!(store.blocks(Seq(first), 1).await.unwrap(), std::slice::from_ref(&erased));
    store.rewrite(fence, &erased).await.expect("erasing again changes nothing");
    assert_eq!(store.next_seq().await.unwrap().0, end(&erased));
}

/// The newest snapshot is given.
async fn snapshots(store: &dyn JournalStore) {
    for (next, bytes) in [(9_010, vec![1; 10]), (9_030, vec![3; 100_000]), (9_020, vec![2]), (9_030, vec![4; 100_000])]
    {
        store.save_snapshot(&Snapshot { next: Seq(next), bytes }).await.unwrap();
    }
    assert_eq!(store.snapshot().await.unwrap(), Some(Snapshot { next: Seq(9_030), bytes: vec![4; 100_000] }));
}

/// Secrets are kept until they expire, are taken, or are forgotten.
async fn vault(store: Arc<dyn JournalStore>) {
    let get = async |kind, key, second| store.vault_get(kind, key, at(second)).await.unwrap();
    store.vault_put("session", "kept", b"value", None).await.unwrap();
    store.vault_put("session", "short", b"one", Some(at(110))).await.unwrap();
    store.vault_put("password", "short", b"", None).await.unwrap();
    assert_eq!(get("session", "short", 109).await.as_deref(), Some(&b"one"[..]));
    assert_eq!(get("session", "short", 110).await, None, "it ends at its instant");
    assert_eq!(get("password", "short", 110).await.as_deref(), Some(&b""[..]), "kinds are apart");
    assert_eq!(get("session", "none", 100).await, None);

    store.vault_put("session", "short", b"two", Some(at(120))).await.unwrap();
    assert_eq!(get("session", "short", 115).await.as_deref(), Some(&b"two"[..]), "the later one holds");
    assert_eq!(store.vault_take("session", "short", at(120)).await.unwrap(), None, "expired, so not given");
    assert_eq!(get("session", "short", 100).await, None, "but gone");

    store.vault_put("link", "once", b"secret", Some(at(160))).await.unwrap();
    let takers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.vault_take("link", "once", at(130)).await.unwrap() })
    });
    let mut taken = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.extend(taker.await.unwrap());
    }
    assert_eq!(taken, [b"secret"], "one of eight gets it");

    for key in ["a%", "a%1", "a%\u{0}2", "ab", "A%", "a"] {
        store.vault_put("token", key, b"t", None).await.unwrap();
    }
    store.vault_put("other", "a%1", b"t", None).await.unwrap();
    assert_eq!(store.vault_forget("token", "a%").await.unwrap(), 3);
    assert_eq!(get("token", "ab", 100).await.as_deref(), Some(&b"t"[..]));
    assert_eq!(store.vault_forget("token", "").await.unwrap(), 3);
    assert_eq!(get("other", "a%1", 100).await.as_deref(), Some(&b"t"[..]));
}
