//! The room as a whole: stories in virtual time, laws over random ones, and the frozen forms of its facts.

#![expect(clippy::unwrap_used, reason = "a test stops where a step of it fails")]

mod escalation;
mod forms;
mod laws;
mod muting;
mod oncall;
mod reads;
mod simulation;
mod stories;
mod times;
mod world;
