//! Searching: newest first, block by block, until enough was found or enough was read.

use std::sync::Arc;

use kernel::Nanos;

use super::file::Sealed;
use super::{Blocks, BlocksFailure, Kept, bloom};

/// The most bytes that one search unpacks when nothing else is said.
pub const SEARCH_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What is looked for.
pub struct Search<'a, T> {
    /// Not before this instant,
    pub from: Nanos,
    /// and not after this one.
    pub until: Nanos,
    /// Of this service only.
    pub service: Option<&'a str>,
    /// Every whole word of these texts must occur somewhere in the record; how is for `test` to say.
    pub words: &'a [&'a str],
    /// Of these traces only; of any, when there is none.
    pub traces: &'a [&'a str],
    /// Records that took at least so long.
    pub took: Nanos,
    /// Whether a record is wanted.
    pub test: &'a dyn Fn(&T) -> bool,
    /// How many are wanted.
    pub limit: usize,
    /// How many bytes may be unpacked.
    pub bytes: u64,
}

/// What was found.
#[derive(Debug)]
pub struct Found<T> {
    /// The records, newest first.
    pub records: Vec<Arc<T>>,
    /// How many blocks were unpacked.
    pub blocks: usize,
    /// How many bytes that were.
    pub bytes: u64,
    /// Whether everything between `from` and `until` was looked at.
    pub whole: bool,
    /// Blocks that could not be read.
    pub damaged: Vec<BlocksFailure>,
}

impl<T: Kept> Blocks<T> {
    /// Looks for records, newest first. Blocks on the disk.
    #[must_use]
    pub fn search(&self, search: &Search<'_, T>) -> Found<T> {
        let (active, sealed) = {
            let shelf = self.shelf.read();
            (shelf.active.clone(), shelf.sealed.clone())
        };
        let mut found = Found { records: Vec::new(), blocks: 0, bytes: 0, whole: true, damaged: Vec::new() };
        search.sift(active, &mut found);
        let mut words = Vec::new();
        search.words.iter().for_each(|text| bloom::words(text, &mut |word| words.push(word)));
        let mut wanted: Vec<_> = sealed.iter().filter(|block| search.may_be_in(block, &words)).collect();
        wanted.sort_by_key(|block| std::cmp::Reverse(block.head.until));
        for block in wanted {
            // A block that ends before the oldest record of enough records can add nothing newer.
            let enough = found.records.get(search.limit.saturating_sub(1));
            if enough.is_some_and(|record| record.at() >= block.head.until) {
                found.whole = false;
                break;
            }
            if found.bytes + block.unpacked() > search.bytes {
                found.whole = false;
                break;
            }
            found.blocks += 1;
            found.bytes += block.unpacked();
            match block.records() {
                Ok(records) => search.sift(records, &mut found),
                Err(failure) => found.damaged.push(failure),
            }
        }
        found
    }
}

impl<'a, T> Search<'a, T> {
    /// Everything between two instants for which `test` says yes, as many as there are; to be narrowed by its fields.
    #[must_use]
    pub fn all(from: Nanos, until: Nanos, test: &'a dyn Fn(&T) -> bool) -> Self {
        let (limit, bytes) = (usize::MAX, SEARCH_BYTES_MAX);
        Self { from, until, service: None, words: &[], traces: &[], took: 0, test, limit, bytes }
    }
}

impl<T: Kept> Search<'_, T> {
    pub(super) fn may_be_in(&self, block: &Sealed, words: &[u64]) -> bool {
        let head = &block.head;
        let holds = |trace: &&str| bloom::may_hold(&head.keys, bloom::hash(trace));
        let served = |service: &str| head.services.as_ref().is_none_or(|known| known.contains(service));
        head.from <= self.until
            && head.until >= self.from
            && self.service.is_none_or(served)
            && words.iter().all(|word| bloom::may_hold(&head.words, *word))
            && (self.traces.is_empty() || self.traces.iter().any(holds))
            && head.longest.is_none_or(|longest| longest >= self.took)
    }

    pub(super) fn wants(&self, record: &T) -> bool {
        let at = record.at();
        self.from <= at
            && at <= self.until
            && self.service.is_none_or(|service| record.service() == service)
            && (self.traces.is_empty() || self.traces.contains(&record.key()))
            && record.took() >= self.took
            && (self.test)(record)
    }

    fn sift(&self, records: Vec<Arc<T>>, found: &mut Found<T>) {
        found.records.extend(records.into_iter().filter(|record| self.wants(record)));
        found.records.sort_by_key(|record| std::cmp::Reverse(record.at()));
        if found.records.len() > self.limit {
            found.records.truncate(self.limit);
            found.whole = false;
        }
    }
}
