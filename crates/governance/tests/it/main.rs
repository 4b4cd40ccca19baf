//! What this room promises, tested through its public face.

mod area;
mod checkpoints;
mod frozen;
mod merkle;
mod permit;
mod vectors;
mod world;
