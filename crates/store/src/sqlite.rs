//! The journal in a SQLite file: write-ahead log, a flush at each commit, one writer and a few readers.
//!
//! Versions of SQLite below [`OLDEST`] can corrupt a file when one connection writes while another moves the log, so they
//! are refused. The file is readable by its owner only, and what is erased from it is overwritten.

pub(crate) mod sql;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use kernel::port::{Block, IndexEntry, JournalStore, Snapshot, StoreFailure};
use kernel::{Seq, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool, query, query_as, query_scalar};
use tracing::Instrument as _;

use crate::failure::{Trouble, bounded};
use crate::journal::{Columns, Gathered, Row, Tail, check_fence, json_pairs, place, seq};
use crate::migrations;
use crate::pack::{Packed, pack};
use crate::snapshots::{KEPT, newest_whole};
use crate::writer::{Writer, append_span};

/// The oldest SQLite that does not lose writes in its log (sqlite.org/wal.html, "the WAL-reset bug").
const OLDEST: (u32, u32, u32) = (3, 51, 3);
/// How long a statement waits for another process's lock.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// The connections that read.
const READERS: u32 = 4;
/// The log is cut back to this many bytes after it has been moved into the file.
const LOG_BYTES: &str = "67108864";
/// Begins a transaction that may write, so that it need not be promoted later, which fails at once.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A journal in a SQLite file.
pub(crate) struct SqliteStore {
    pub(crate) writer: Arc<Writer<SqliteConnection>>,
    pub(crate) readers: SqlitePool,
    /// The latest instant that a caller named, in microseconds; what expired before it may be swept.
    seen: AtomicI64,
}

impl SqliteStore {
    /// Opens or creates the file, and brings its tables up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreFailure> {
        let locked = bounded("opened", lock_private(path.to_owned())).await?;
        let shared = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_MAX).pragma("trusted_schema", "OFF");
        let writer = Writer::new(
            shared
                .clone()
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("journal_size_limit", LOG_BYTES)
                .pragma("secure_delete", "ON"),
        );
        writer.run("opened", |c| Box::pin(prepare(c))).await?;
        drop(locked);
        let readers = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(BUSY_MAX);
        let readers = readers.connect_lazy_with(shared.pragma("query_only", "ON"));
        Ok(Self { writer, readers, seen: AtomicI64::new(i64::MIN) })
    }

    fn see(&self, now: Timestamp) -> i64 {
        let now = now.as_microsecond();
        self.seen.fetch_max(now, Ordering::Relaxed);
        now
    }
}

async fn lock_private(path: PathBuf) -> Result<File, Trouble> {
    let create = tokio::task::spawn_blocking(move || {
        create_private(&path).map_err(|error| StoreFailure::Unavailable {
            doing: "opened",
            cause: format!("{}: {error}", path.display()),
        })
    });
    Ok(create.await.map_err(|error| sqlx::Error::Io(io::Error::other(error)))??)
}

/// Creates the directory and the file for their owner only; an existing file becomes so. Returns the directory, locked:
/// while one process makes the tables and turns on the log, another would be told "busy" without waiting.
fn create_private(path: &Path) -> io::Result<File> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let directory = File::open(directory)?;
    directory.lock()?;
    // An existing file is not even opened here, because closing it would drop the locks that SQLite holds on it.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
        }
        Err(error) => return Err(error),
    }
    // The file's name is durable only when its directory is.
    directory.sync_all()?;
    Ok(directory)
}

async fn prepare(c: &mut SqliteConnection) -> Result<(), Trouble> {
    let version: String = query_scalar(sql::VERSION).fetch_one(&mut *c).await?;
    check_version(&version)?;
    // Inside one transaction, so that two processes that open a new file at once do not both create its tables.
    let mut tx = c.begin_with(BEGIN).await?;
    migrations::migrator(migrations::SQLITE).run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

pub(crate) fn check_version(version: &str) -> Result<(), StoreFailure> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) >= OLDEST {
        return Ok(());
    }
    let cause =
        format!("sqlite {version} can corrupt its log; at least {}.{}.{} is needed", OLDEST.0, OLDEST.1, OLDEST.2);
    Err(StoreFailure::Unavailable { doing: "opened", cause })
}

async fn append(c: &mut SqliteConnection, fence: u64, row: Row, index: Option<String>) -> Result<(), Trouble> {
    let mut tx = c.begin_with(BEGIN).await?;
    let (held, end) = query_as(sql::TAIL).fetch_one(&mut *tx).await?;
    let tail = Tail { fence: held, end };
    if !tail.admits(fence, &row)? {
        let found = query_as(sql::BLOCK_IDENTITY).bind(row.first).fetch_optional(&mut *tx).await?;
        return Ok(tail.repeats(&row, found)?);
    }
    let Row { first, count, at, packed } = row;
    let insert = query(sql::INSERT_BLOCK).bind(first).bind(count).bind(at);
    insert.bind(packed.size).bind(packed.digest).bind(packed.bytes).execute(&mut *tx).await?;
    if let Some(index) = index {
        query(sql::INSERT_INDEX).bind(index).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

async fn rewrite(c: &mut SqliteConnection, fence: u64, row: Row) -> Result<(), Trouble> {
    let mut tx = c.begin_with(BEGIN).await?;
    check_fence(query_scalar(sql::FENCE).fetch_one(&mut *tx).await?, fence)?;
    let old: Option<Columns> = query_as(sql::BLOCK).bind(row.first).fetch_optional(&mut *tx).await?;
    row.check_rewrites(old.map(Row::from))?;
    let Packed { size, digest, bytes } = row.packed;
    query(sql::REWRITE_BLOCK).bind(row.first).bind(size).bind(digest).bind(bytes).execute(&mut *tx).await?;
    tx.commit().await?;
    query(sql::EMPTY_LOG).execute(c).await?;
    Ok(())
}

async fn change_lease(c: &mut SqliteConnection, fence: u64, until: Option<i64>) -> Result<(), Trouble> {
    let mut tx = c.begin_with(BEGIN).await?;
    check_fence(query_scalar(sql::FENCE).fetch_one(&mut *tx).await?, fence)?;
    match until {
        Some(until) => query(sql::SET_LEASE_END).bind(until).execute(&mut *tx).await?,
        None => query(sql::FREE_LEASE).execute(&mut *tx).await?,
    };
    Ok(tx.commit().await?)
}

/// When a lease ends, in microseconds.
fn end(now: Timestamp, lasts: Duration) -> i64 {
    now.saturating_add(lasts).unwrap_or(Timestamp::MAX).as_microsecond()
}

#[async_trait]
impl JournalStore for SqliteStore {
    async fn take_lease(&self, holder: &str, now: Timestamp, lasts: Duration) -> Result<u64, StoreFailure> {
        let (holder, until, now) = (holder.to_owned(), end(now, lasts), self.see(now));
        let work = async move |c: &mut SqliteConnection| -> Result<u64, Trouble> {
            // All rows are fetched, because a statement that is left early may not have committed.
            let taken: Vec<i64> =
                query_scalar(sql::TAKE_LEASE).bind(holder).bind(now).bind(until).fetch_all(&mut *c).await?;
            if let Some(fence) = taken.first() {
                return Ok(fence.unsigned_abs());
            }
            let held: i64 = query_scalar(sql::FENCE).fetch_one(c).await?;
            Err(StoreFailure::Fenced { held: held.unsigned_abs(), ours: 0 }.into())
        };
        self.writer.run("opened", |c| Box::pin(work(c))).await
    }

    async fn renew_lease(&self, fence: u64, now: Timestamp, lasts: Duration) -> Result<(), StoreFailure> {
        let until = end(now, lasts);
        self.writer.run("written", move |c| Box::pin(change_lease(c, fence, Some(until)))).await
    }

    async fn release_lease(&self, fence: u64) -> Result<(), StoreFailure> {
        self.writer.run("written", move |c| Box::pin(change_lease(c, fence, None))).await
    }

    async fn append(&self, fence: u64, block: &Block, index: &[IndexEntry]) -> Result<(), StoreFailure> {
        let span = append_span(block);
        let row = Row::of(block)?;
        let index = (!index.is_empty()).then(|| json_pairs(index));
        self.writer.run("written", move |c| Box::pin(append(c, fence, row, index))).instrument(span).await
    }

    async fn next_seq(&self) -> Result<Seq, StoreFailure> {
        bounded("read", async { Ok(seq(query_scalar(sql::NEXT_SEQ).fetch_one(&self.readers).await?)) }).await
    }

    async fn blocks(&self, from: Seq, limit: u32) -> Result<Vec<Block>, StoreFailure> {
        bounded("read", async {
            let mut rows = query_as(sql::BLOCKS).bind(place(from)).bind(limit).fetch(&self.readers);
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
            let facts: Vec<i64> =
                query_scalar(sql::STREAM).bind(stream).bind(after).bind(limit).fetch_all(&self.readers).await?;
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
        let work = async move |c: &mut SqliteConnection| -> Result<(), Trouble> {
            let mut tx = c.begin_with(BEGIN).await?;
            query(sql::PUT_SNAPSHOT).bind(next).bind(size).bind(digest).bind(bytes).execute(&mut *tx).await?;
            query(sql::DROP_SNAPSHOTS).bind(KEPT).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_get(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let now = self.see(now);
        bounded("read", async {
            Ok(query_scalar(sql::VAULT_GET).bind(kind).bind(key).bind(now).fetch_optional(&self.readers).await?)
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
        let (kind, key, value) = (kind.to_owned(), key.to_owned(), value.to_vec());
        let (expires, seen) = (expires.map(Timestamp::as_microsecond), self.seen.load(Ordering::Relaxed));
        let work = async move |c: &mut SqliteConnection| -> Result<(), Trouble> {
            query(sql::VAULT_SWEEP).bind(seen).execute(&mut *c).await?;
            query(sql::VAULT_PUT).bind(kind).bind(key).bind(value).bind(expires).execute(c).await?;
            Ok(())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_take(&self, kind: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let (kind, key, now) = (kind.to_owned(), key.to_owned(), self.see(now));
        let work = async move |c: &mut SqliteConnection| -> Result<Option<Vec<u8>>, Trouble> {
            let taken = query_scalar(sql::VAULT_TAKE).bind(kind).bind(key).bind(now).fetch_all(c).await?;
            Ok(taken.into_iter().next().flatten())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn vault_forget(&self, kind: &str, key_prefix: &str) -> Result<u64, StoreFailure> {
        let (kind, prefix) = (kind.to_owned(), key_prefix.to_owned());
        let work = async move |c: &mut SqliteConnection| -> Result<u64, Trouble> {
            Ok(query(sql::VAULT_FORGET).bind(kind).bind(prefix).execute(c).await?.rows_affected())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn describe(&self) -> Result<String, StoreFailure> {
        bounded("read", async {
            let version: String = query_scalar(sql::VERSION).fetch_one(&self.readers).await?;
            Ok(format!("sqlite {version}"))
        })
        .await
    }
}
