//! The journal in a PostgreSQL database, which several nodes may share: one of them writes, under the lease's fence.
//!
//! The database itself refuses a stale writer: the statement that appends also locks the lease and compares the fence.
//! Keys are compared as bytes. What is erased by `rewrite` is gone from every answer at once, and from the database's
//! files after the next vacuum.

mod nodes;
pub(crate) mod sql;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use kernel::nodes::Nodes;
use kernel::port::{Block, IndexEntry, JournalStore, Snapshot, StoreFailure};
use kernel::{Seq, Timestamp};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool, query, query_as, query_scalar};
use tracing::Instrument as _;

use crate::failure::{Trouble, bounded};
use crate::journal::{Columns, Gathered, Row, Tail, check_fence, place, seq};
use crate::migrations;
use crate::pack::{Packed, pack};
use crate::snapshots::{KEPT, newest_whole};
use crate::writer::{Writer, append_span};

/// What the server itself ends, so that no lost client holds a lock or a transaction for long.
const SERVER_LIMITS: [(&str, &str); 3] =
    [("idle_in_transaction_session_timeout", "3s"), ("statement_timeout", "30s"), ("lock_timeout", "10s")];
/// The connections that read.
const READERS: u32 = 8;
/// How long a reader waits for a free connection.
const FREE_CONNECTION_MAX: Duration = Duration::from_secs(5);
/// No lease lasts longer.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);
/// How often an append is tried when an earlier try of it, whose answer was lost, commits in between.
const APPEND_TRIES: u32 = 3;

/// A journal in a PostgreSQL database.
pub(crate) struct PostgresStore {
    pub(crate) writer: Arc<Writer<PgConnection>>,
    /// What keeps leases: no append and no snapshot may make a renewal wait.
    keeper: Arc<Writer<PgConnection>>,
    pub(crate) readers: PgPool,
    /// The latest instant that a caller named, in microseconds; what expired before it may be swept.
    seen: AtomicI64,
}

/// Index entries as two columns.
struct Index {
    streams: Vec<Vec<u8>>,
    seqs: Vec<i64>,
}

impl Index {
    fn of(index: &[IndexEntry]) -> Self {
        Self {
            streams: index.iter().map(|entry| entry.stream.as_bytes().to_vec()).collect(),
            seqs: index.iter().map(|entry| place(entry.seq)).collect(),
        }
    }
}

impl PostgresStore {
    /// Connects, and brings the tables up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreFailure> {
        let options: PgConnectOptions = url.parse().map_err(|e| Trouble::from(e).into_failure("opened"))?;
        let options = options.application_name("watchkeeper").options(SERVER_LIMITS);
        let wait_for_disk = Writer::new(options.clone()).run("opened", |c| Box::pin(prepare(c))).await?;
        let writer = Writer::new(options.clone().options(wait_for_disk));
        let keeper = Writer::new(options.clone());
        let readers = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(FREE_CONNECTION_MAX)
            // sqlx 0.9.0 can return a connection inside a transaction when its user was cancelled (issue 4393).
            .after_release(|c, _| Box::pin(async move { c.execute(sql::END_TRANSACTION).await.map(|_| true) }));
        let readers = readers.connect_lazy_with(options);
        Ok(Self { writer, keeper, readers, seen: AtomicI64::new(i64::MIN) })
    }

    fn see(&self, now: Timestamp) -> i64 {
        let now = now.as_microsecond();
        self.seen.fetch_max(now, Ordering::Relaxed);
        now
    }
}

/// Brings the tables up to date. Returns the setting that makes commits wait for the disk where the server would not;
/// stricter settings stay.
async fn prepare(c: &mut PgConnection) -> Result<Option<(&'static str, &'static str)>, Trouble> {
    let risks: Vec<String> = query_scalar(sql::RISKS).fetch_all(&mut *c).await?;
    for setting in risks {
        tracing::warn!(setting, "the server may lose acknowledged facts when it crashes: turn this setting on");
    }
    migrations::migrator(migrations::POSTGRES).run_direct(None, &mut *c, false).await?;
    let waits: bool = query_scalar(sql::COMMITS_WAIT).fetch_one(c).await?;
    Ok((!waits).then_some(("synchronous_commit", "on")))
}

async fn append(c: &mut PgConnection, fence: u64, row: Row, index: Index) -> Result<(), Trouble> {
    for _ in 0..APPEND_TRIES {
        if insert(c, fence, &row, &index).await? {
            return Ok(());
        }
        let (held, end) = query_as(sql::TAIL).fetch_one(&mut *c).await?;
        let tail = Tail { fence: held, end };
        if !tail.admits(fence, &row)? {
            let found = query_as(sql::BLOCK_IDENTITY).bind(row.first).fetch_optional(&mut *c).await?;
            return Ok(tail.repeats(&row, found)?);
        }
    }
    let cause = format!("another append won the place {} {APPEND_TRIES} times", row.first);
    Err(StoreFailure::Unavailable { doing: "written", cause }.into())
}

/// Writes a row when fence and place are right, and says whether it did.
async fn insert(c: &mut PgConnection, fence: u64, row: &Row, index: &Index) -> Result<bool, Trouble> {
    let Row { first, count, at, packed } = row;
    let fence = i64::try_from(fence).unwrap_or(i64::MAX);
    let append = query_scalar(sql::APPEND).bind(fence).bind(first).bind(count).bind(at);
    let append = append.bind(packed.size).bind(&packed.digest).bind(&packed.bytes);
    match append.bind(&index.streams).bind(&index.seqs).fetch_one(c).await {
        Ok(written) => Ok(written),
        Err(sqlx::Error::Database(said)) if said.is_unique_violation() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn rewrite(c: &mut PgConnection, fence: u64, row: Row) -> Result<(), Trouble> {
    let mut tx = c.begin().await?;
    check_fence(query_scalar(sql::LOCK_FENCE).fetch_one(&mut *tx).await?, fence)?;
    let old: Option<Columns> = query_as(sql::BLOCK).bind(row.first).fetch_optional(&mut *tx).await?;
    row.check_rewrites(old.map(Row::from))?;
    let Packed { size, digest, bytes } = row.packed;
    query(sql::REWRITE_BLOCK).bind(row.first).bind(size).bind(digest).bind(bytes).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Checks that a statement which asks for the fence found it.
async fn check_changed(c: &mut PgConnection, fence: u64, changed: Option<i64>) -> Result<(), Trouble> {
    if changed.is_none() {
        check_fence(query_scalar(sql::FENCE).fetch_one(c).await?, fence)?;
    }
    Ok(())
}

async fn renew_lease(c: &mut PgConnection, fence: u64, lasts: i64) -> Result<(), Trouble> {
    let renewed = query_scalar(sql::RENEW_LEASE).bind(number(fence)).bind(lasts).fetch_optional(&mut *c).await?;
    check_changed(c, fence, renewed).await
}

async fn release_lease(c: &mut PgConnection, fence: u64) -> Result<(), Trouble> {
    let freed = query_scalar(sql::FREE_LEASE).bind(number(fence)).fetch_optional(&mut *c).await?;
    check_changed(c, fence, freed).await
}

/// A fence or a number as the database counts it.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

/// A span as the database counts it.
fn micros(lasts: Duration) -> i64 {
    // A lease is never longer than that, and an end beyond all instants would be an error of the database.
    i64::try_from(lasts.min(LONGEST).as_micros()).unwrap_or(i64::MAX)
}

#[async_trait]
impl JournalStore for PostgresStore {
    async fn take_lease(&self, holder: &str, _: Timestamp, lasts: Duration) -> Result<u64, StoreFailure> {
        let (holder, lasts) = (holder.to_owned(), micros(lasts));
        let work = async move |c: &mut PgConnection| -> Result<u64, Trouble> {
            let taken: Vec<i64> = query_scalar(sql::TAKE_LEASE).bind(holder).bind(lasts).fetch_all(&mut *c).await?;
            if let Some(fence) = taken.first() {
                return Ok(fence.unsigned_abs());
            }
            let held: i64 = query_scalar(sql::FENCE).fetch_one(c).await?;
            Err(StoreFailure::Fenced { held: held.unsigned_abs(), ours: 0 }.into())
        };
        self.keeper.run("opened", |c| Box::pin(work(c))).await
    }

    async fn renew_lease(&self, fence: u64, _: Timestamp, lasts: Duration) -> Result<(), StoreFailure> {
        self.keeper.run("written", move |c| Box::pin(renew_lease(c, fence, micros(lasts)))).await
    }

    async fn release_lease(&self, fence: u64) -> Result<(), StoreFailure> {
        self.keeper.run("written", move |c| Box::pin(release_lease(c, fence))).await
    }

    async fn append(&self, fence: u64, block: &Block, index: &[IndexEntry]) -> Result<(), StoreFailure> {
        let span = append_span(block);
        let row = Row::of(block)?;
        let index = Index::of(index);
        self.writer.run("written", move |c| Box::pin(append(c, fence, row, index))).instrument(span).await
    }

    async fn next_seq(&self) -> Result<Seq, StoreFailure> {
        bounded("read", async { Ok(seq(query_scalar(sql::NEXT_SEQ).fetch_one(&self.readers).await?)) }).await
    }

    async fn blocks(&self, from: Seq, limit: u32) -> Result<Vec<Block>, StoreFailure> {
        bounded("read", async {
            let mut rows = query_as(sql::BLOCKS).bind(place(from)).bind(i64::from(limit)).fetch(&self.readers);
            let mut gathered = Gathered::default();
            while let Some(row) = rows.try_next().await? {
                if !gathered.take(row)? {
                    break;
                }
            }
            Ok(gathered.finish())
        })
        .await
    }

    async fn stream(&self, stream: &str, after: Option<Seq>, limit: u32) -> Result<Vec<Seq>, StoreFailure> {
        let after = after.map_or(-1, place);
        bounded("read", async {
            let facts: Vec<i64> = query_scalar(sql::STREAM)
                .bind(stream.as_bytes())
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&self.readers)
                .await?;
            Ok(facts.into_iter().map(seq).collect())
        })
        .await
    }

    async fn rewrite(&self, fence: u64, block: &Block) -> Result<(), StoreFailure> {
        let row = Row::of(block)?;
        // The newest snapshot is never dropped, so what it holds now it holds when the row is written.
        row.check_kept(self.snapshot().await?)?;
        self.writer.run("written", move |c| Box::pin(rewrite(c, fence, row))).await
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>, StoreFailure> {
        bounded("read", async { Ok(newest_whole(query_as(sql::SNAPSHOTS).fetch_all(&self.readers).await?)) }).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreFailure> {
        let (next, Packed { size, digest, bytes }) = (place(snapshot.next), pack(&snapshot.bytes)?);
        let work = async move |c: &mut PgConnection| -> Result<(), Trouble> {
            let mut tx = c.begin().await?;
            query(sql::PUT_SNAPSHOT).bind(next).bind(size).bind(digest).bind(bytes).execute(&mut *tx).await?;
            query(sql::DROP_SNAPSHOTS).bind(KEPT).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_get(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let now = self.see(now);
        bounded("read", async {
            Ok(query_scalar(sql::VAULT_GET)
                .bind(kind.as_bytes())
                .bind(key.as_bytes())
                .bind(now)
                .fetch_optional(&self.readers)
                .await?)
        })
        .await
    }

    async fn vault_put(
        &self,
        kind: &str,
        key: &str,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> Result<(), StoreFailure> {
        let (kind, key, value) = (kind.as_bytes().to_vec(), key.as_bytes().to_vec(), value.to_vec());
        let (expires, seen) = (expires.map(Timestamp::as_microsecond), self.seen.load(Ordering::Relaxed));
        let work = async move |c: &mut PgConnection| -> Result<(), Trouble> {
            query(sql::VAULT_SWEEP).bind(seen).execute(&mut *c).await?;
            query(sql::VAULT_PUT).bind(kind).bind(key).bind(value).bind(expires).execute(c).await?;
            Ok(())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_take(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let (kind, key, now) = (kind.as_bytes().to_vec(), key.as_bytes().to_vec(), self.see(now));
        let work = async move |c: &mut PgConnection| -> Result<Option<Vec<u8>>, Trouble> {
            let taken = query_scalar(sql::VAULT_TAKE).bind(kind).bind(key).bind(now).fetch_optional(c).await?;
            Ok(taken.flatten())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_forget(&self, kind: &str, key_prefix: &str) -> Result<u64, StoreFailure> {
        let (kind, prefix) = (kind.as_bytes().to_vec(), key_prefix.as_bytes().to_vec());
        let work = async move |c: &mut PgConnection| -> Result<u64, Trouble> {
            Ok(query(sql::VAULT_FORGET).bind(kind).bind(prefix).execute(c).await?.rows_affected())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn describe(&self) -> Result<String, StoreFailure> {
        bounded("read", async {
            let version: String = query_scalar(sql::VERSION).fetch_one(&self.readers).await?;
            Ok(format!("postgresql {version}"))
        })
        .await
    }

    fn nodes(&self) -> Option<&dyn Nodes> {
        Some(self)
    }
}
