//! The web as its callers see it: a real engine over a journal in memory, behind a real listener.

#![expect(clippy::unwrap_used, reason = "a test stops where its house does not stand")]

mod alertmanager;
mod amtool;
mod doors;
mod house;
mod screens;
