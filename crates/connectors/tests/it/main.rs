//! The connectors against real servers and against the published contracts of others.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where a step of it fails, and says when it cannot begin"
)]

mod checks;
mod clickhouse;
mod email;
mod exposition;
mod matrix;
mod outbound;
mod peer;
mod signatures;
mod slack;
