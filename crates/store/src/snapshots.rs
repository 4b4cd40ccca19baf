//! Which snapshot is read: the newest that is whole. Two are kept for the case that the newest is not.

use kernel::port::Snapshot;

use crate::journal::seq;
use crate::pack::{Packed, unpack};

/// How many snapshots are kept.
pub(crate) const KEPT: i64 = 2;

/// A snapshot's columns: next, size, digest, bytes.
pub(crate) type Columns = (i64, i64, Vec<u8>, Vec<u8>);

/// The first whole snapshot of those that are kept, newest first. When none is whole, the journal is read from its
/// beginning; that is slower and gives the same.
pub(crate) fn newest_whole(rows: Vec<Columns>) -> Option<Snapshot> {
    rows.into_iter().find_map(|(next, size, digest, bytes)| {
        let unpacked = unpack(|| format!("snapshot {next}"), Packed { size, digest, bytes });
        match unpacked {
            Ok(bytes) => Some(Snapshot { next: seq(next), bytes }),
            Err(failure) => {
                tracing::warn!(%failure, "a snapshot is damaged; an older one or the whole journal is read instead");
                None
            }
        }
    })
}
