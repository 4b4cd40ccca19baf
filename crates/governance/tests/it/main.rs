//! What this room promises, tested through its public face.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod area;
mod checkpoints;
mod frozen;
mod merkle;
mod permit;
mod vectors;
mod world;
