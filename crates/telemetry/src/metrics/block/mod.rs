//! Blocks: files of whole chunks that never change, read piece by piece.
//!
//! ```text
//! block-0000000003
//!   magic:8
//!   chunks     (bytes, crc:4) ..                 series by series, in the order of labels
//!   series     count, (name number, value) .., count, chunk header and place .., for each series
//!   places     of the series, count + 1 of them, 8 bytes each
//!   values     of each name in ascending order: text, count, series ..
//!   places     of the values of that name, count + 1 of them
//!   names      count, (text, number of values, place of the values' places) ..
//!   footer     see `Footer`, with a checksum of everything from the series on, and one of its own
//! ```
//! Only the names are kept in memory. The checksum of the index is verified when a block is first used, that of a chunk
//! whenever it is read.

mod footer;
mod read;
mod window;
mod write;

pub(super) use footer::Footer;
pub(super) use read::{Block, Unread};
pub(super) use write::Writer;

/// How every block begins and ends.
const MAGIC: [u8; 8] = *b"WKMBLK1\n";
/// How names of blocks begin.
pub(super) const PREFIX: &str = "block-";
/// How names of blocks end that are not finished.
pub(super) const UNFINISHED: &str = ".part";
/// How names of blocks end that were set aside.
pub(super) const SET_ASIDE: &str = ".damaged";
