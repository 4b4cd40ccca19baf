//! The store's promises, told once and kept on SQLite, on a real PostgreSQL and in testkit's memory.

mod blocks;
mod crash;
mod erasure;
mod faults;
mod speed;
mod story;
