//! The room as a whole: stories in virtual time, laws over random ones, and the frozen forms of its facts.

mod escalation;
mod forms;
mod laws;
mod muting;
mod oncall;
mod reads;
mod stories;
mod world;
