//! The journal, its index, snapshots and the vault on SQLite and on PostgreSQL.
//!
//! [`open`] gives a [`JournalStore`]; nothing else is public. It does not look inside records, decide who may write when,
//! or retry: it keeps bytes, checks the fence and the order, and says exactly what went wrong.
//!
//! What both databases keep:
//! - An append is one transaction: the block, its index entries, the check of the fence and of the journal's end. When
//!   `append` has failed, the same append may be tried again: a block that is there already is not written twice.
//! - Work that writes runs in a task of its own, so that a caller who goes away cannot leave it half-done.
//! - Every block and snapshot carries a digest that is checked when it is read.
//!
//! | module | purpose |
//! |---|---|
//! | `sqlite`, `postgres` | the two databases, each with its statements in `sql` |
//! | `writer` | the one connection that writes |
//! | `pack` | bytes as they are stored: compressed, with a digest |
//! | `journal` | what may follow what: fences, gaps, rewritten blocks |
//! | `failure` | what a database says, as a `StoreFailure` |
//! | `migrations` | the tables |

mod failure;
mod journal;
mod migrations;
mod pack;
mod postgres;
mod snapshots;
mod sqlite;
mod statements;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use kernel::port::{JournalStore, StoreFailure};

/// Opens a journal, and creates it where there is none: `sqlite:PATH` or `postgres://user@host/database`.
///
/// # Errors
/// [`StoreFailure::Unavailable`] when the address is not one of these, the database cannot be reached, it is too old to
/// be safe, or its tables are those of a newer version.
pub async fn open(url: &str) -> Result<Arc<dyn JournalStore>, StoreFailure> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Arc::new(sqlite::SqliteStore::open(path.as_ref()).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::PostgresStore::open(url).await?));
    }
    // The address may hold a password, so the message does not repeat it.
    let cause = "the store's address is neither sqlite:PATH nor postgres://user@host/database".to_owned();
    Err(StoreFailure::Unavailable { doing: "opened", cause })
}
