//! The web as its callers see it: a real engine over a journal in memory, behind a real listener.

#![expect(clippy::unwrap_used, reason = "a test stops where its house does not stand")]

mod alertmanager;
mod amtool;
mod api;
mod bad;
mod hook;
mod house;
mod openapi;
mod otlp;
mod pagerduty;
mod reach;
mod real;
mod screens;
mod status;
mod ways_in;
