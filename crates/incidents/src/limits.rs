//! Every limit of this room, named.

use kernel::Seconds;

/// How long an incident may have no commander before that is said aloud.
pub const COMMANDER_WITHIN: Seconds = Seconds::minutes(5);
/// A page about the same service joins an open incident that is younger than this.
pub const JOIN_WITHIN: Seconds = Seconds::minutes(15);
/// How many entries a timeline keeps in memory; the journal keeps all.
pub const TIMELINE_MAX: usize = 10_000;
/// The longest text of one entry, in bytes.
pub const NOTE_BYTES_MAX: usize = 10 * 1024;
/// The longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 300;
/// How many times in a row an overdue update is said aloud.
pub const OVERDUE_MAX: u32 = 12;
/// How many facts one waking decides.
pub const WAKE_MAX: usize = 1000;
