//! What may follow what: fences, gaps, repeated appends and rewritten blocks. The same rules on both databases; no I/O.

use kernel::block::{Raw, Reader};
use kernel::port::{Block, IndexEntry, Snapshot, StoreFailure};
use kernel::record::RecordError;
use kernel::{Seq, Timestamp};

use crate::failure::damaged;
use crate::pack::{Packed, pack, unpack};

/// The most plain bytes of one answer to `blocks`, except that one block is always given whole. Whoever reads on from the
/// end of what was given gets the rest.
pub(crate) const READ_BYTES_MAX: usize = 32 * 1024 * 1024;

/// A block's columns: first, count, at, size, digest, bytes.
pub(crate) type Columns = (i64, i64, i64, i64, Vec<u8>, Vec<u8>);

/// A block as a row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) first: i64,
    pub(crate) count: i64,
    pub(crate) at: i64,
    pub(crate) packed: Packed,
}

/// What the journal looked like when an append was checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    /// The fence in force.
    pub(crate) fence: i64,
    /// The place after the last record.
    pub(crate) end: i64,
}

impl Tail {
    /// Whether a row may be written here and now; `false` when it ends where the journal ends, so that it may be there
    /// already from an earlier try.
    pub(crate) fn admits(self, fence: u64, row: &Row) -> Result<bool, StoreFailure> {
        check_fence(self.fence, fence)?;
        if row.first == self.end {
            return Ok(true);
        }
        if row.first.saturating_add(row.count) == self.end { Ok(false) } else { Err(self.gap(row)) }
    }

    /// Whether the row that was found where this one should stand is the same one, so that a repeated append is done.
    pub(crate) fn repeats(self, row: &Row, found: Option<(i64, Vec<u8>)>) -> Result<(), StoreFailure> {
        match found {
            Some((count, digest)) if count == row.count && digest == row.packed.digest => Ok(()),
            _ => Err(self.gap(row)),
        }
    }

    fn gap(self, row: &Row) -> StoreFailure {
        StoreFailure::Gap { first: seq(row.first), expected: seq(self.end) }
    }
}

/// Refuses a writer whose fence is not the one in force.
pub(crate) fn check_fence(held: i64, ours: u64) -> Result<(), StoreFailure> {
    let held = held.unsigned_abs();
    if held == ours { Ok(()) } else { Err(StoreFailure::Fenced { held, ours }) }
}

/// A place as a database counts it.
pub(crate) fn place(seq: Seq) -> i64 {
    // Two to the sixty-third records are more than any disk holds.
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A place as the journal counts it; the tables admit no negative ones.
pub(crate) fn seq(place: i64) -> Seq {
    Seq(place.unsigned_abs())
}

impl Row {
    /// The row of a block that is to be written.
    pub(crate) fn of(block: &Block) -> Result<Self, StoreFailure> {
        if block.count == 0 {
            let cause = "a block holds at least one record".to_owned();
            return Err(StoreFailure::Unavailable { doing: "written", cause });
        }
        Ok(Self {
            first: place(block.first),
            count: block.count.into(),
            at: block.at.as_microsecond(),
            packed: pack(&block.bytes)?,
        })
    }

    fn place(&self) -> String {
        format!("block {}", self.first)
    }

    /// The block again, its digest checked.
    pub(crate) fn into_block(self) -> Result<Block, StoreFailure> {
        let invalid = |what: &str| damaged(self.place(), format!("its {what} is out of bounds"));
        let count = u32::try_from(self.count).map_err(|_| invalid("count"))?;
        let at = Timestamp::from_microsecond(self.at).map_err(|_| invalid("instant"))?;
        let bytes = unpack(|| format!("block {}", self.first), self.packed)?;
        Ok(Block { first: seq(self.first), count, at, bytes })
    }

    /// Checks that a snapshot holds what these records did, so that erasing them takes nothing from the state.
    pub(crate) fn check_kept(&self, snapshot: Option<Snapshot>) -> Result<(), StoreFailure> {
        let end = self.first.saturating_add(self.count);
        if snapshot.is_some_and(|snapshot| place(snapshot.next) >= end) {
            return Ok(());
        }
        let cause = format!("what the facts before {end} did is in no whole snapshot: save one before they are erased");
        Err(StoreFailure::Unavailable { doing: "written", cause })
    }

    /// Checks that these are the same records as in `old`, whatever was erased from them.
    pub(crate) fn check_rewrites(&self, old: Option<Self>) -> Result<(), StoreFailure> {
        let refused = |why: String| damaged(self.place(), format!("{why}; nothing was rewritten"));
        let old = old.ok_or_else(|| refused("no block begins there".to_owned()))?;
        if (old.count, old.at) != (self.count, self.at) {
            return Err(refused("the rewritten block has another count or instant".to_owned()));
        }
        let leaves = |row: Self| {
            let bytes = unpack(|| self.place(), row.packed)?;
            leaves(&bytes).map_err(|error| refused(error.to_string()))
        };
        if leaves(old)? == leaves(self.clone())? {
            Ok(())
        } else {
            Err(refused("the rewritten records have other leaves".to_owned()))
        }
    }
}

impl From<Columns> for Row {
    fn from((first, count, at, size, digest, bytes): Columns) -> Self {
        Self { first, count, at, packed: Packed { size, digest, bytes } }
    }
}

fn leaves(bytes: &[u8]) -> Result<Vec<[u8; 32]>, RecordError> {
    Reader::new(bytes)?.map(|raw| Ok(Raw::leaf(&raw?))).collect()
}

/// Gathers blocks as they are read: in order, without gaps, and not more than [`READ_BYTES_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    blocks: Vec<Block>,
    bytes: usize,
}

impl Gathered {
    /// Takes the next row. Returns whether there is room for more.
    pub(crate) fn take(&mut self, columns: Columns) -> Result<bool, StoreFailure> {
        let block = Row::from(columns).into_block()?;
        if let Some(last) = self.blocks.last() {
            let expected = Seq(last.first.0.saturating_add(last.count.into()));
            if block.first != expected {
                return Err(damaged(
                    format!("block {}", block.first),
                    format!("the facts from {expected} are missing"),
                ));
            }
        }
        self.bytes += block.bytes.len();
        self.blocks.push(block);
        Ok(self.bytes < READ_BYTES_MAX)
    }

    /// What was gathered.
    pub(crate) fn finish(self) -> Vec<Block> {
        self.blocks
    }
}

/// Index entries as JSON pairs, the form in which one statement takes them all.
pub(crate) fn json_pairs(index: &[IndexEntry]) -> String {
    let pair = |entry: &IndexEntry| serde_json::json!([entry.stream, place(entry.seq)]);
    serde_json::Value::Array(index.iter().map(pair).collect()).to_string()
}
