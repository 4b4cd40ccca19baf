//! The store's promises, told once and kept on SQLite, on a real PostgreSQL and in testkit's memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops where it fails, and the appending process speaks through its output"
)]

mod blocks;
mod crash;
mod erasure;
mod faults;
mod speed;
mod story;
