//! Scraping: targets are found, asked on their beat, and what they say becomes samples, as Prometheus does it.
//!
//! ```text
//!   scrape.yaml -- config --> ScrapeJob -- target, relabel --> Target -- fetch --> text -- intake --> samples, stale markers
//!                             files of targets -- discovery --'                                       up, scrape_*
//! ```
//! Everything but [`fetch`] and [`discovery`] is pure. Who runs it when is the binary's business.

mod board;
mod config;
mod demand;
mod discovery;
mod fetch;
mod intake;
mod login;
mod relabel;
mod steps;
mod target;
#[cfg(test)]
mod tests;

pub use board::{Board, DroppedTarget, Health, TargetView};
pub use config::{Checked, bytes, check};
pub use demand::DEMANDS;
pub use discovery::{Discovery, FILE_BYTES_MAX};
pub use fetch::{Answer, Begun, Scraper};
pub use intake::{Intake, Taken, ends, report};
pub use relabel::{LabelSet, relabel};
pub use target::{Found, Target, TargetKey, find};
