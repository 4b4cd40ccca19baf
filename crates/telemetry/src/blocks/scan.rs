//! Looking at every record of a time, to count: newest blocks first, until enough was read.

use kernel::Nanos;

use super::search::Search;
use super::{Blocks, Kept, bloom};

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Everything that is wanted and happened after this instant was looked at; where all was, the search's own `from`.
    pub back_to: Nanos,
    /// How many bytes were unpacked.
    pub bytes: u64,
    /// How many blocks could not be read.
    pub damaged: usize,
}

impl<T: Kept> Blocks<T> {
    /// Calls `each` with every record that is wanted, in no order; the search's limit of records says nothing here. Blocks
    /// on the disk.
    pub fn scan(&self, search: &Search<'_, T>, each: &mut dyn FnMut(&T)) -> Scanned {
        let (active, mut sealed) = self.shelves();
        active.iter().filter(|record| search.wants(record)).for_each(|record| each(record));
        let mut words = Vec::new();
        search.words.iter().for_each(|text| bloom::words(text, &mut |word| words.push(word)));
        sealed.retain(|block| search.may_be_in(block, &words));
        sealed.sort_by_key(|block| std::cmp::Reverse(block.head.until));
        let mut scanned = Scanned { back_to: search.from, bytes: 0, damaged: 0 };
        for block in sealed {
            if scanned.bytes + block.unpacked() > search.bytes {
                // Those that are left end no later than this one.
                scanned.back_to = block.head.until;
                break;
            }
            scanned.bytes += block.unpacked();
            match block.records() {
                Ok(records) => records.iter().filter(|record| search.wants(record)).for_each(|record| each(record)),
                Err(_) => scanned.damaged += 1,
            }
        }
        scanned
    }
}
