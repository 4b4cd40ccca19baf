//! What nodes agree on that share the database. Everything here is one statement, or may be left after any of them: a node that
//! is stopped in between holds no lock.

use std::time::Duration;

use async_trait::async_trait;
use kernel::nodes::{Held, Lease, Letter, Node, Nodes, Part, Posted, Recorded, Shard, Sharing};
use kernel::port::StoreFailure;
use kernel::{Digest, Timestamp};
use sqlx::{PgConnection, query, query_as, query_scalar};

use super::{PostgresStore, micros, number, sql};
use crate::failure::{Trouble, bounded, damaged};
use crate::pack::{Packed, pack, unpack};

/// The most nodes of one database; far more than make sense.
const NODES_MAX: i64 = 100;

/// Names of shards as the database keeps them.
fn keys_of(keys: &[String]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.as_bytes().to_vec()).collect()
}

/// Shards that are held, as two columns.
fn columns(held: &[Held]) -> (Vec<Vec<u8>>, Vec<i64>) {
    held.iter().map(|(key, fence)| (key.as_bytes().to_vec(), number(*fence))).unzip()
}

fn text(bytes: Vec<u8>) -> Result<String, StoreFailure> {
    String::from_utf8(bytes).map_err(|error| damaged("the name of a shard", error))
}

/// Bytes with their size and digest in front, compressed where that helps: columns that are checked when they are read.
fn wrapped(plain: &[u8]) -> Result<Vec<u8>, StoreFailure> {
    let Packed { size, digest, bytes } = pack(plain)?;
    Ok([&size.to_le_bytes()[..], &digest, &bytes].concat())
}

fn unwrapped(what: &str, wrapped: &[u8]) -> Result<Vec<u8>, StoreFailure> {
    let cut = || damaged(what, "it is too short");
    let (size, rest) = wrapped.split_first_chunk::<8>().ok_or_else(cut)?;
    let (digest, bytes) = rest.split_at_checked(32).ok_or_else(cut)?;
    let packed = Packed { size: i64::from_le_bytes(*size), digest: digest.to_vec(), bytes: bytes.to_vec() };
    unpack(|| what.to_owned(), packed)
}

/// What is remembered, or nothing where it is damaged: it can be found again, and the log says so.
fn remembered(what: &str, wrapped: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let read = wrapped.map(|wrapped| unwrapped(what, &wrapped)).transpose();
    read.inspect_err(|failure| tracing::warn!(%failure, "what is remembered of rules over a source begins anew"))
        .ok()?
}

async fn present(c: &mut PgConnection) -> Result<Vec<Node>, Trouble> {
    let rows: Vec<(String, String, Vec<u8>)> = query_as(sql::NODES).bind(NODES_MAX).fetch_all(c).await?;
    let node = |(name, url, book): (String, String, Vec<u8>)| {
        let book = book.try_into().map(Digest).map_err(|_| damaged(&name, "its watchbook is no digest"))?;
        Ok(Node { name, url, book })
    };
    rows.into_iter().map(node).collect()
}

async fn leave(c: &mut PgConnection, name: String) -> Result<(), Trouble> {
    query(sql::FREE_SHARDS_OF).bind(&name).execute(&mut *c).await?;
    query(sql::FORGET_NODE).bind(&name).execute(c).await?;
    Ok(())
}

async fn take_shards(
    c: &mut PgConnection,
    holder: String,
    keys: Vec<String>,
    lasts: Duration,
) -> Result<Vec<Shard>, Trouble> {
    let wanted = keys_of(&keys);
    query(sql::NAME_SHARDS).bind(&wanted).execute(&mut *c).await?;
    type Row = (Vec<u8>, i64, Option<Vec<u8>>, Option<Vec<u8>>);
    let taken = query_as(sql::TAKE_SHARDS).bind(holder).bind(wanted).bind(micros(lasts));
    let rows: Vec<Row> = taken.fetch_all(c).await?;
    let shard = |(key, fence, state, learnt): Row| {
        let (key, fence) = (text(key)?, fence.unsigned_abs());
        let (state, learnt) = (remembered(&key, state), remembered(&key, learnt));
        Ok(Shard { key, fence, state, learnt })
    };
    rows.into_iter().map(shard).collect()
}

#[async_trait]
impl Nodes for PostgresStore {
    async fn lease(&self) -> Result<Lease, StoreFailure> {
        bounded("read", async {
            let (holder, fence, until): (String, i64, i64) = query_as(sql::LEASE).fetch_one(&self.readers).await?;
            // Whoever gave it up left the earliest instant that the database knows.
            let until = Timestamp::from_microsecond(until).unwrap_or(Timestamp::MIN);
            Ok(Lease { holder, fence: fence.unsigned_abs(), until })
        })
        .await
    }

    async fn take_silent(&self, holder: &str, lasts: Duration, seen: &Lease) -> Result<Option<u64>, StoreFailure> {
        let (holder, lasts) = (holder.to_owned(), micros(lasts));
        let (fence, until) = (number(seen.fence), seen.until.as_microsecond());
        let work = async move |c: &mut PgConnection| -> Result<Option<u64>, Trouble> {
            let take = query_scalar(sql::TAKE_SILENT_LEASE).bind(holder).bind(lasts).bind(fence).bind(until);
            let taken: Option<i64> = take.fetch_optional(c).await?;
            Ok(taken.map(i64::unsigned_abs))
        };
        self.keeper.run("opened", |c| Box::pin(work(c))).await
    }

    async fn announce(&self, node: &Node, lasts: Duration) -> Result<Vec<Node>, StoreFailure> {
        let (node, lasts) = (node.clone(), micros(lasts));
        let work = async move |c: &mut PgConnection| -> Result<Vec<Node>, Trouble> {
            let Node { name, url, book } = node;
            query(sql::ANNOUNCE).bind(name).bind(url).bind(&book.0[..]).bind(lasts).execute(&mut *c).await?;
            present(c).await
        };
        self.keeper.run("written", |c| Box::pin(work(c))).await
    }

    async fn present(&self) -> Result<Vec<Node>, StoreFailure> {
        bounded("read", async {
            let mut connection = self.readers.acquire().await?;
            present(&mut connection).await
        })
        .await
    }

    async fn leave(&self, name: &str) -> Result<(), StoreFailure> {
        let name = name.to_owned();
        self.keeper.run("written", |c| Box::pin(leave(c, name))).await
    }

    async fn take_shards(&self, holder: &str, keys: &[String], lasts: Duration) -> Result<Vec<Shard>, StoreFailure> {
        let (holder, keys) = (holder.to_owned(), keys.to_vec());
        self.keeper.run("written", move |c| Box::pin(take_shards(c, holder, keys, lasts))).await
    }

    async fn renew_shards(&self, holder: &str, held: &[Held], lasts: Duration) -> Result<Vec<String>, StoreFailure> {
        let (holder, (keys, fences), lasts) = (holder.to_owned(), columns(held), micros(lasts));
        let work = async move |c: &mut PgConnection| -> Result<Vec<String>, Trouble> {
            let renew = query_scalar(sql::RENEW_SHARDS).bind(holder).bind(keys).bind(fences).bind(lasts);
            let ours: Vec<Vec<u8>> = renew.fetch_all(c).await?;
            Ok(ours.into_iter().map(text).collect::<Result<_, _>>()?)
        };
        self.keeper.run("written", |c| Box::pin(work(c))).await
    }

    async fn release_shards(&self, held: &[Held]) -> Result<(), StoreFailure> {
        let (keys, fences) = columns(held);
        let work = async move |c: &mut PgConnection| -> Result<(), Trouble> {
            query(sql::FREE_SHARDS).bind(keys).bind(fences).execute(c).await?;
            Ok(())
        };
        self.keeper.run("written", |c| Box::pin(work(c))).await
    }

    async fn keep_shard(&self, held: &Held, part: Part, bytes: &[u8]) -> Result<bool, StoreFailure> {
        let statement = match part {
            Part::State => sql::KEEP_STATE,
            Part::Learnt => sql::KEEP_LEARNT,
            Part::Report => sql::KEEP_REPORT,
        };
        let (key, fence, bytes) = (held.0.as_bytes().to_vec(), number(held.1), wrapped(bytes)?);
        let work = async move |c: &mut PgConnection| -> Result<bool, Trouble> {
            let kept: Option<i64> = query_scalar(statement).bind(key).bind(fence).bind(bytes).fetch_optional(c).await?;
            Ok(kept.is_some())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn shards(&self) -> Result<Vec<Sharing>, StoreFailure> {
        bounded("read", async {
            type Row = (Vec<u8>, String, Option<Vec<u8>>);
            let rows: Vec<Row> = query_as(sql::SHARDS).fetch_all(&self.readers).await?;
            let sharing = |(key, holder, report): Row| {
                let key = text(key)?;
                let report = remembered(&key, report);
                Ok(Sharing { key, holder, report })
            };
            rows.into_iter().map(sharing).collect()
        })
        .await
    }

    async fn post(&self, held: &Held, letter: u64, bytes: &[u8], most: u32) -> Result<Posted, StoreFailure> {
        let (key, fence, letter, bytes) = (held.0.as_bytes().to_vec(), number(held.1), number(letter), wrapped(bytes)?);
        let work = async move |c: &mut PgConnection| -> Result<Posted, Trouble> {
            let post = query_as(sql::POST).bind(key).bind(fence).bind(letter).bind(bytes).bind(i64::from(most));
            let (ours, room): (bool, bool) = post.fetch_one(c).await?;
            Ok(match (ours, room) {
                (false, _) => Posted::Lost,
                (true, false) => Posted::Full,
                (true, true) => Posted::Done,
            })
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn letters(&self, limit: u32) -> Result<Vec<Letter>, StoreFailure> {
        bounded("read", async {
            type Row = (i64, Vec<u8>, i64, i64, Vec<u8>);
            let rows: Vec<Row> = query_as(sql::LETTERS).bind(i64::from(limit)).fetch_all(&self.readers).await?;
            let letter = |(id, shard, fence, number, bytes): Row| {
                let (shard, fence, number) = (text(shard)?, fence.unsigned_abs(), number.unsigned_abs());
                Ok(Letter { id, bytes: unwrapped(&format!("letter {id}"), &bytes)?, shard, fence, number })
            };
            rows.into_iter().map(letter).collect()
        })
        .await
    }

    async fn discard(&self, letters: &[i64]) -> Result<(), StoreFailure> {
        let letters = letters.to_vec();
        let work = async move |c: &mut PgConnection| -> Result<(), Trouble> {
            query(sql::DISCARD).bind(letters).execute(c).await?;
            Ok(())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn waiting(&self, keys: &[String]) -> Result<Vec<String>, StoreFailure> {
        bounded("read", async {
            let rows: Vec<Vec<u8>> = query_scalar(sql::WAITING).bind(keys_of(keys)).fetch_all(&self.readers).await?;
            Ok(rows.into_iter().map(text).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn record(&self, held: &Held, bytes: &[u8], lasts: Duration) -> Result<bool, StoreFailure> {
        let (key, fence, bytes) = (held.0.as_bytes().to_vec(), number(held.1), wrapped(bytes)?);
        let work = async move |c: &mut PgConnection| -> Result<bool, Trouble> {
            let record = query_scalar(sql::RECORD).bind(key).bind(fence).bind(bytes).bind(micros(lasts));
            let recorded: Option<i64> = record.fetch_optional(c).await?;
            Ok(recorded.is_some())
        };
        self.writer.run("written", |c| Box::pin(work(c))).await
    }

    async fn recorded(&self, after: &[(String, i64)], but_of: &str, limit: u32) -> Result<Vec<Recorded>, StoreFailure> {
        let (keys, ids): (Vec<Vec<u8>>, Vec<i64>) =
            after.iter().map(|(key, id)| (key.as_bytes().to_vec(), *id)).unzip();
        bounded("read", async {
            let read = query_as(sql::RECORDED).bind(keys).bind(ids).bind(but_of).bind(i64::from(limit));
            let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = read.fetch_all(&self.readers).await?;
            let recorded = |(id, shard, bytes): (i64, Vec<u8>, Vec<u8>)| {
                Ok(Recorded { id, bytes: unwrapped(&format!("recorded samples {id}"), &bytes)?, shard: text(shard)? })
            };
            rows.into_iter().map(recorded).collect()
        })
        .await
    }
}
