//! Recent samples, embedded: the window that rules look at.
//!
//! A [`Recent`] keeps the last [`WINDOW`] of every series in memory and fills [`kernel::port::SampleSource`], the seam at
//! which a store with compressed chunks, a log and a query language will stand later. Samples are no facts: a restart
//! forgets them, and rules then see nothing until new ones come, which clears nothing (see the room `signals`).
//!
//! [`metrics`] is that store: days of samples on the disk, the newest in memory, found by PromQL's matchers.
//!
//! Everything is bounded by [`Limits`]; what is not kept is counted by its reason in [`Pushed`], and the caller is told.
//!
//! | question | answer |
//! |---|---|
//! | a sample older than the window, or too far ahead of the clock | refused |
//! | samples out of order | kept, in order of time |
//! | a second sample for the same instant | the first stays; the second is counted as a duplicate |
//! | a series or sample past a limit | refused; one more for a full series pushes out its oldest |
//! | a series without recent samples | dropped by the next sweep |

mod limits;
pub mod metrics;
mod recent;
mod series;
#[cfg(test)]
mod tests;

pub use limits::{Limits, Pushed};
pub use recent::{Counts, Recent};

use kernel::Seconds;

/// How far back samples are kept.
pub const WINDOW: Seconds = Seconds::minutes(15);
/// How far ahead of our clock a sample may be.
pub const AHEAD_MAX: Seconds = Seconds::minutes(5);
/// How often series are searched for samples that left the window.
pub const SWEEP_EVERY: Seconds = Seconds(10);
/// The most series.
pub const SERIES_MAX: usize = 100_000;
/// The most samples of one series; more would be one every 0.9 seconds.
pub const POINTS_PER_SERIES_MAX: usize = 1_000;
/// The most samples altogether, at sixteen bytes each.
pub const SAMPLES_MAX: usize = 8_000_000;
