//! A journal in memory that keeps every promise of `JournalStore` except to outlive the process, and that fails when a
//! test wants it to. To restart an engine, hand the same store to the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use kernel::block::{Raw, Reader};
use kernel::port::{Block, IndexEntry, JournalStore, Snapshot, StoreFailure};
use kernel::record::RecordError;
use kernel::{Seq, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

/// How many snapshots are kept.
const SNAPSHOTS_KEPT: usize = 2;

/// A journal in memory with fault switches.
#[derive(Debug)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
    faults: Mutex<Faults>,
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Kept {
    blocks: BTreeMap<u64, Block>,
    index: BTreeSet<(String, u64)>,
    snapshots: BTreeMap<u64, Vec<u8>>,
    vault: BTreeMap<(String, String), Secret>,
    lease: Lease,
}

#[derive(Debug)]
struct Secret {
    value: Vec<u8>,
    expires: Option<Timestamp>,
}

#[derive(Debug)]
struct Lease {
    fence: u64,
    holder: String,
    until: Timestamp,
}

#[derive(Debug, Default)]
struct Faults {
    appends_to_fail: u32,
    answers_to_lose: u32,
    broken: bool,
    full: bool,
    appends_seen: u64,
}

impl Default for Lease {
    fn default() -> Self {
        Self { fence: 0, holder: String::new(), until: Timestamp::MIN }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty journal without faults.
    #[must_use]
    pub fn new() -> Self {
        Self { kept: Mutex::default(), faults: Mutex::default(), held: watch::Sender::new(false) }
    }

    /// The next `count` appends fail and write nothing.
    pub fn fail_appends(&self, count: u32) {
        self.faults.lock().appends_to_fail = count;
    }

    /// The next `count` appends are written, but their callers are told that they failed, as when a connection breaks
    /// between a commit and its answer.
    pub fn lose_answers(&self, count: u32) {
        self.faults.lock().answers_to_lose = count;
    }

    /// Everything fails until [`Self::repair`].
    pub fn break_down(&self) {
        self.faults.lock().broken = true;
    }

    /// Whether everything that writes fails and what reads does not, as on a full disk.
    pub fn fail_writes(&self, full: bool) {
        self.faults.lock().full = full;
    }

    /// Ends a breakdown and forgets faults that were still to come.
    pub fn repair(&self) {
        let mut faults = self.faults.lock();
        (faults.broken, faults.full, faults.appends_to_fail, faults.answers_to_lose) = (false, false, 0, 0);
    }

    /// Appends wait, as on a slow disk, until [`Self::release_appends`].
    pub fn hold_appends(&self) {
        self.held.send_replace(true);
    }

    /// Lets held appends go on.
    pub fn release_appends(&self) {
        self.held.send_replace(false);
    }

    /// How many appends were asked for, the failed ones too.
    #[must_use]
    pub fn appends_seen(&self) -> u64 {
        self.faults.lock().appends_seen
    }

    /// Flips the lowest bit of a stored byte, as a bad disk does.
    ///
    /// # Panics
    /// When no block begins at `first` or it has no such byte.
    pub fn flip_bit(&self, first: Seq, byte: usize) {
        self.kept.lock().blocks.get_mut(&first.0).expect("a block begins there").bytes[byte] ^= 1;
    }

    fn kept(&self, doing: &'static str) -> Result<parking_lot::MutexGuard<'_, Kept>, StoreFailure> {
        // The two locks are never held together here: an append takes them the other way round.
        let fails = {
            let faults = self.faults.lock();
            faults.broken || (faults.full && doing == "written")
        };
        if fails { Err(unavailable(doing)) } else { Ok(self.kept.lock()) }
    }

    fn fault(&self, which: impl Fn(&mut Faults) -> &mut u32) -> Result<(), StoreFailure> {
        let mut faults = self.faults.lock();
        let left = which(&mut faults);
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(unavailable("written"))
    }
}

fn unavailable(doing: &'static str) -> StoreFailure {
    StoreFailure::Unavailable { doing, cause: "the test wants it so".to_owned() }
}

impl Kept {
    fn end(&self) -> u64 {
        self.blocks.values().next_back().map_or(0, |block| block.first.0 + u64::from(block.count))
    }

    fn check_fence(&self, ours: u64) -> Result<(), StoreFailure> {
        let held = self.lease.fence;
        if held == ours { Ok(()) } else { Err(StoreFailure::Fenced { held, ours }) }
    }

    fn append(&mut self, block: &Block, index: &[IndexEntry]) -> Result<(), StoreFailure> {
        let expected = self.end();
        if block.first.0 != expected {
            let again = self.blocks.values().next_back() == Some(block);
            return if again { Ok(()) } else { Err(StoreFailure::Gap { first: block.first, expected: Seq(expected) }) };
        }
        if block.count == 0 {
            let cause = "a block holds at least one record".to_owned();
            return Err(StoreFailure::Unavailable { doing: "written", cause });
        }
        self.blocks.insert(block.first.0, block.clone());
        self.index.extend(index.iter().map(|entry| (entry.stream.clone(), entry.seq.0)));
        Ok(())
    }

    fn rewrite(&mut self, block: &Block) -> Result<(), StoreFailure> {
        let damaged = |cause: &str| StoreFailure::Damaged {
            place: format!("block {}", block.first),
            cause: format!("{cause}; nothing was rewritten"),
        };
        let old = self.blocks.get(&block.first.0).ok_or_else(|| damaged("no block begins there"))?;
        if (old.count, old.at) != (block.count, block.at) {
            return Err(damaged("the rewritten block has another count or instant"));
        }
        let same = leaves(&old.bytes).map_err(|e| damaged(&e.to_string()))?
            == leaves(&block.bytes).map_err(|e| damaged(&e.to_string()))?;
        if !same {
            return Err(damaged("the rewritten records have other leaves"));
        }
        self.blocks.insert(block.first.0, block.clone());
        Ok(())
    }
}

fn leaves(bytes: &[u8]) -> Result<Vec<[u8; 32]>, RecordError> {
    Reader::new(bytes)?.map(|raw| raw.as_ref().map(Raw::leaf).map_err(Clone::clone)).collect()
}

fn key(kind: &str, key: &str) -> (String, String) {
    (kind.to_owned(), key.to_owned())
}

fn alive(secret: &Secret, now: Timestamp) -> bool {
    secret.expires.is_none_or(|expires| expires > now)
}

#[async_trait]
impl JournalStore for MemoryStore {
    async fn take_lease(&self, holder: &str, now: Timestamp, lasts: Duration) -> Result<u64, StoreFailure> {
        let mut kept = self.kept("opened")?;
        if kept.lease.holder != holder && kept.lease.until > now {
            return Err(StoreFailure::Fenced { held: kept.lease.fence, ours: 0 });
        }
        let fence = kept.lease.fence + 1;
        let until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        kept.lease = Lease { fence, holder: holder.to_owned(), until };
        Ok(fence)
    }

    async fn renew_lease(&self, fence: u64, now: Timestamp, lasts: Duration) -> Result<(), StoreFailure> {
        let mut kept = self.kept("written")?;
        kept.check_fence(fence)?;
        if !kept.lease.holder.is_empty() {
            kept.lease.until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        }
        Ok(())
    }

    async fn release_lease(&self, fence: u64) -> Result<(), StoreFailure> {
        let mut kept = self.kept("written")?;
        kept.check_fence(fence)?;
        kept.lease = Lease { fence, ..Lease::default() };
        Ok(())
    }

    async fn append(&self, fence: u64, block: &Block, index: &[IndexEntry]) -> Result<(), StoreFailure> {
        self.faults.lock().appends_seen += 1;
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.fault(|faults| &mut faults.appends_to_fail)?;
        let mut kept = self.kept("written")?;
        kept.check_fence(fence)?;
        kept.append(block, index)?;
        self.fault(|faults| &mut faults.answers_to_lose)
    }

    async fn next_seq(&self) -> Result<Seq, StoreFailure> {
        Ok(Seq(self.kept("read")?.end()))
    }

    async fn blocks(&self, from: Seq, limit: u32) -> Result<Vec<Block>, StoreFailure> {
        let kept = self.kept("read")?;
        let start = kept.blocks.range(..=from.0).next_back().map_or(0, |(first, _)| *first);
        let holds = |block: &&Block| block.first.0 + u64::from(block.count) > from.0;
        Ok(kept.blocks.range(start..).map(|(_, block)| block).filter(holds).take(limit as usize).cloned().collect())
    }

    async fn stream(&self, stream: &str, after: Option<Seq>, limit: u32) -> Result<Vec<Seq>, StoreFailure> {
        let from = (stream.to_owned(), after.map_or(0, |seq| seq.0.saturating_add(1)));
        let kept = self.kept("read")?;
        let facts = kept.index.range(from..).take_while(|(name, _)| name == stream);
        Ok(facts.take(limit as usize).map(|(_, seq)| Seq(*seq)).collect())
    }

    async fn rewrite(&self, fence: u64, block: &Block) -> Result<(), StoreFailure> {
        let mut kept = self.kept("written")?;
        kept.check_fence(fence)?;
        let end = block.first.0 + u64::from(block.count);
        if kept.snapshots.keys().next_back().is_none_or(|next| *next < end) {
            let cause = format!("what the facts before {end} did is in no snapshot");
            return Err(StoreFailure::Unavailable { doing: "written", cause });
        }
        kept.rewrite(block)
    }

    async fn snapshot(&self) -> Result<Option<Snapshot>, StoreFailure> {
        let kept = self.kept("read")?;
        let newest = kept.snapshots.iter().next_back();
        Ok(newest.map(|(next, bytes)| Snapshot { next: Seq(*next), bytes: bytes.clone() }))
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreFailure> {
        let mut kept = self.kept("written")?;
        kept.snapshots.insert(snapshot.next.0, snapshot.bytes.clone());
        while kept.snapshots.len() > SNAPSHOTS_KEPT {
            kept.snapshots.pop_first();
        }
        Ok(())
    }

    async fn vault_get(&self, kind: &str, name: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let kept = self.kept("read")?;
        Ok(kept.vault.get(&key(kind, name)).filter(|secret| alive(secret, now)).map(|secret| secret.value.clone()))
    }

    async fn vault_put(
        &self,
        kind: &str,
        name: &str,
        value: &[u8],
        expires: Option<Timestamp>,
    ) -> Result<(), StoreFailure> {
        self.kept("written")?.vault.insert(key(kind, name), Secret { value: value.to_vec(), expires });
        Ok(())
    }

    async fn vault_take(&self, kind: &str, name: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreFailure> {
        let taken = self.kept("written")?.vault.remove(&key(kind, name));
        Ok(taken.filter(|secret| alive(secret, now)).map(|secret| secret.value))
    }

    async fn vault_forget(&self, kind: &str, key_prefix: &str) -> Result<u64, StoreFailure> {
        let mut kept = self.kept("written")?;
        let before = kept.vault.len();
        kept.vault.retain(|(k, name), _| k != kind || !name.starts_with(key_prefix));
        Ok((before - kept.vault.len()) as u64)
    }

    async fn describe(&self) -> Result<String, StoreFailure> {
        self.kept("read").map(|_| "memory, for tests".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn block(first: u64) -> Block {
        Block { first: Seq(first), count: 1, at: Timestamp::UNIX_EPOCH, bytes: vec![1] }
    }

    #[tokio::test]
    async fn faults_come_and_go() {
        let store = Arc::new(MemoryStore::new());
        let fence = store.take_lease("test", Timestamp::UNIX_EPOCH, Duration::MAX).await.unwrap();
        store.fail_appends(1);
        assert!(store.append(fence, &block(0), &[]).await.is_err());
        assert_eq!(store.next_seq().await.unwrap(), Seq(0));
        store.append(fence, &block(0), &[]).await.unwrap();

        store.break_down();
        assert!(store.append(fence, &block(1), &[]).await.is_err() && store.next_seq().await.is_err());
        store.repair();

        store.hold_appends();
        let held = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.append(fence, &block(1), &[]).await }
        });
        while store.appends_seen() < 4 {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.next_seq().await.unwrap(), Seq(1));
        store.release_appends();
        held.await.unwrap().unwrap();
        assert_eq!(store.next_seq().await.unwrap(), Seq(2));

        store.lose_answers(1);
        assert!(store.append(fence, &block(2), &[]).await.is_err());
        assert_eq!(store.next_seq().await.unwrap(), Seq(3), "written all the same");
        store.append(fence, &block(2), &[]).await.expect("the same append may be repeated");
    }
}
