//! Full disks, dead servers, stale writers, damaged bytes, callers who go away: each is named, and none outlives its cause.

use std::sync::Arc;
use std::time::Duration;

use kernel::Seq;
use kernel::port::{Snapshot, StoreFailure};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use testkit::postgres::Server;
use testkit::{SeededChance, SmallDisk};

use crate::blocks::{HELD, at, block, end, index, whole};

#[tokio::test]
async fn a_full_disk_is_named_and_recovered_from() {
    let home = testkit::temp_dir();
    let Some(disk) = SmallDisk::mount(home.path(), 1) else { return };
    let store = store::open(&format!("sqlite:{}", disk.path().join("journal.db").display())).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![1; 300 * 1024]).unwrap();

    let mut appended = 0;
    let failure = loop {
        let block = block(appended, 20, "fill");
        match store.append(fence, &block, &index(&block)).await {
            Ok(()) => appended = end(&block),
            Err(failure) => break failure,
        }
        assert!(appended < 200_000, "the disk never fills");
    };
    let said = failure.to_string();
    assert!(said.contains("cannot be written") && said.contains("full"), "{said}");
    assert_eq!(store.next_seq().await.unwrap(), Seq(appended), "what was acknowledged is there");
    let block = block(appended, 20, "fill");
    assert!(store.append(fence, &block, &index(&block)).await.is_err(), "it is still full");

    std::fs::remove_file(filler).unwrap();
    store.append(fence, &block, &index(&block)).await.expect("there is room again");
    whole(&*store).await;
}

#[tokio::test]
async fn a_dead_server_is_named_and_recovered_from() {
    let Some(mut server) = Server::start() else { return };
    let store = store::open(&server.url()).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();
    let blocks = [block(0, 3, "before"), block(3, 3, "after")];
    store.append(fence, &blocks[0], &index(&blocks[0])).await.unwrap();

    server.kill9();
    let failure = store.append(fence, &blocks[1], &index(&blocks[1])).await.unwrap_err();
    assert!(matches!(failure, StoreFailure::Unavailable { doing: "written", .. }), "{failure}");
    let failure = store.blocks(Seq(0), 1).await.unwrap_err();
    assert!(matches!(failure, StoreFailure::Unavailable { doing: "read", .. }), "{failure}");
    let failure = store::open(&server.url()).await.map(|_| ()).unwrap_err();
    assert!(matches!(failure, StoreFailure::Unavailable { doing: "opened", .. }), "{failure}");

    server.restart();
    store.append(fence, &blocks[1], &index(&blocks[1])).await.expect("the server is back");
    assert_eq!(whole(&*store).await, blocks);

    // A restart that nobody notices, because nothing was asked meanwhile.
    server.restart();
    let last = block(6, 1, "unnoticed");
    store.append(fence, &last, &index(&last)).await.expect("a new connection is made");
}

/// Two nodes on one database: the one whose lease was taken cannot write any more, whatever it believes.
async fn assert_fenced(url: &str) {
    let (one, two) = (store::open(url).await.unwrap(), store::open(url).await.unwrap());
    let old = one.take_lease("one", at(0), Duration::ZERO).await.unwrap();
    one.append(old, &block(0, 1, "one"), &index(&block(0, 1, ""))).await.unwrap();
    let new = two.take_lease("two", at(10), HELD).await.unwrap();
    let stale = one.append(old, &block(1, 1, "stale"), &[]).await.unwrap_err();
    assert!(matches!(stale, StoreFailure::Fenced { held, ours } if (held, ours) == (new, old)), "{stale}");
    two.append(new, &block(1, 1, "two"), &index(&block(1, 1, ""))).await.unwrap();
    assert_eq!(whole(&*one).await.len(), 2);
}

#[tokio::test]
async fn a_stale_writer_is_refused_by_sqlite() {
    let home = testkit::temp_dir();
    assert_fenced(&format!("sqlite:{}", home.path().join("journal.db").display())).await;
}

#[tokio::test]
async fn a_stale_writer_is_refused_by_postgres() {
    let Some(server) = Server::start() else { return };
    assert_fenced(&server.url()).await;
}

/// The hard moment: the lease is being taken by a transaction that has not ended when the old writer appends.
#[tokio::test]
async fn an_append_waits_for_a_taker_and_is_then_refused() {
    let Some(server) = Server::start() else { return };
    let store = store::open(&server.url()).await.unwrap();
    let old = store.take_lease("one", at(0), HELD).await.unwrap();
    let mut taker = PgConnection::connect(&server.url()).await.unwrap();
    taker.execute("BEGIN; UPDATE lease SET fence = fence + 1, holder = 'two'").await.unwrap();
    let append = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(old, &block(0, 1, "stale"), &[]).await }
    });
    let mut watcher = PgConnection::connect(&server.url()).await.unwrap();
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO block%'";
    while watcher.fetch_optional(waits).await.unwrap().is_none() {
        assert!(!append.is_finished(), "the append did not wait");
    }
    taker.execute("COMMIT").await.unwrap();
    let stale = append.await.unwrap().unwrap_err();
    assert!(matches!(stale, StoreFailure::Fenced { held, ours } if held == old + 1 && ours == old), "{stale}");
    assert_eq!(store.next_seq().await.unwrap(), Seq(0));
}

/// Callers leave at any moment of an append. Each block is there wholly or not at all.
async fn assert_cancellable(url: &str) {
    let store = store::open(url).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();
    let (chance, mut next, mut left) = (SeededChance::new(3), 0, 0);
    for round in 0..200 {
        let block = block(next, 1 + round % 5, "left");
        let entries = index(&block);
        let append = store.append(fence, &block, &entries);
        match tokio::time::timeout(Duration::from_micros(chance.below(1500)), append).await {
            Ok(Ok(())) => next = end(&block),
            Ok(Err(StoreFailure::Gap { expected, .. })) => next = expected.0,
            Ok(Err(failure)) => panic!("{failure}"),
            Err(_) => left += 1,
        }
    }
    assert!(left > 0, "no caller left, so nothing was tried");
    // The writer serves its callers in line, so after this one all the others are done.
    store.vault_put("line", "end", b"", None).await.unwrap();
    whole(&*store).await;
}

#[tokio::test]
async fn callers_of_sqlite_may_leave() {
    let home = testkit::temp_dir();
    assert_cancellable(&format!("sqlite:{}", home.path().join("journal.db").display())).await;
}

#[tokio::test]
async fn callers_of_postgres_may_leave() {
    let Some(server) = Server::start() else { return };
    assert_cancellable(&server.url()).await;
}

#[tokio::test]
async fn damage_is_named_and_an_older_snapshot_serves() {
    let home = testkit::temp_dir();
    let path = home.path().join("journal.db");
    let store = store::open(&format!("sqlite:{}", path.display())).await.unwrap();
    let fence = store.take_lease("test", at(0), HELD).await.unwrap();
    for first in [0, 5, 10] {
        store.append(fence, &block(first, 5, "whole"), &[]).await.unwrap();
        store.save_snapshot(&Snapshot { next: Seq(first), bytes: vec![7; 5000] }).await.unwrap();
    }
    let mut raw = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    raw.execute("UPDATE snapshot SET bytes = zeroblob(20) WHERE next = 10").await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().unwrap().next, Seq(5));
    raw.execute("UPDATE snapshot SET digest = zeroblob(32)").await.unwrap();
    assert_eq!(store.snapshot().await.unwrap(), None);

    raw.execute(
        "UPDATE block SET bytes = CAST(substr(bytes, 1, 50) || x'00' || substr(bytes, 52) AS BLOB) WHERE first = 5",
    )
    .await
    .unwrap();
    assert_eq!(store.blocks(Seq(0), 1).await.unwrap().len(), 1);
    let failure = store.blocks(Seq(0), 10).await.unwrap_err();
    assert!(matches!(&failure, StoreFailure::Damaged { place, .. } if place == "block 5"), "{failure}");
    raw.execute("DELETE FROM block WHERE first = 5").await.unwrap();
    let failure = store.blocks(Seq(0), 10).await.unwrap_err().to_string();
    assert!(failure.contains("damaged at block 10: the facts from 5 are missing"), "{failure}");

    let noise = home.path().join("noise.db");
    std::fs::write(&noise, vec![7; 8192]).unwrap();
    let failure = store::open(&format!("sqlite:{}", noise.display())).await.map(|_| ()).unwrap_err();
    assert!(matches!(failure, StoreFailure::Damaged { .. }), "{failure}");
}

/// Two processes that open a new database at once both succeed, and a database from the future is left alone.
#[tokio::test]
async fn opening_is_safe() {
    let home = testkit::temp_dir();
    let url = format!("sqlite:{}", home.path().join("journal.db").display());
    let openers: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { store::open(&url).await.map(|_| ()) }
            })
        })
        .collect();
    for opener in openers {
        opener.await.unwrap().unwrap();
    }
    let mut raw = SqliteConnection::connect(&url).await.unwrap();
    raw.execute(
        "INSERT INTO _sqlx_migrations SELECT 9999, 'future', installed_on, success, checksum, 0 FROM _sqlx_migrations \
         WHERE version = 1",
    )
    .await
    .unwrap();
    let failure = store::open(&url).await.map(|_| ()).unwrap_err().to_string();
    assert!(failure.contains("9999"), "{failure}");
}
