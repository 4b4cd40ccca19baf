//! The metric store: every sample of the last days, the newest in memory, all of it on the disk.
//!
//! ```text
//!            Appender                     watch / look          select, series, label values
//!               |                              |                        |
//!   +-----------v------------------------------v------------------------v-----------+
//!   | head   keys -> series   labels -> series   standing selectors    (one lock)   |
//!   |        series: newest point | growing chunk | whole chunks | late points       |
//!   +-----------+-----------------------------------+-------------------------------+
//!               | record                            | flush: after 2 h, or when head or log are full
//!               v                                   v
//!        log-0000000007 ..                   block-0000000003 ..
//!        checksummed, synced every           whole chunks, index, footer; read piece by piece
//!        200 ms or when asked                removed after 72 h, or when there are too many bytes
//! ```
//!
//! | question | answer |
//! |---|---|
//! | a sample older than the newest of its series | kept for ten minutes back, else refused |
//! | a second sample at an instant | the same value: a duplicate; another one: refused, the first stays |
//! | a series, label or value past a limit | refused by a reason, with an example; the others go on |
//! | `kill -9` | what was acknowledged is in the log's file; what was asked to be durable is on the disk |
//! | the end of the log is torn | cut off at the next start, and told |
//! | a damaged block | set aside and told; the rest serves |
//! | a query over too many samples | refused, with the number |
//! | readers while somebody writes | wait for some hundred series at most; a query sees whole writes |
//!
//! The order of reading is `settings`, `outcome`, `chunk`, `recent`, `series`, `head`, `append`, `log`, `block`, `flush`, `select`,
//! `standing`.

mod append;
mod block;
mod chunk;
mod codec;
mod failure;
mod flush;
mod head;
mod ids;
mod log;
mod matching;
mod outcome;
mod recent;
mod rooms;
mod select;
mod series;
mod settings;
mod standing;
mod store;
#[cfg(test)]
mod tests;

pub use append::Appender;
pub use failure::Failure;
pub use flush::Tended;
pub use head::STANDING_MAX;
pub use outcome::{Appended, EXAMPLE_BYTES_MAX, Reason, Tally};
pub use recent::{RECENT_POINTS_MAX, RECENT_SERIES_MAX};
pub use rooms::instant;
pub use settings::*;
pub use standing::{Look, Newest, Seen, SeriesId, Standing, StandingId};
pub use store::{Stats, Store, TROUBLES_MAX};
