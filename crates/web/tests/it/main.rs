//! The web as its callers see it: a real engine over a journal in memory, behind a real listener.

#![expect(clippy::unwrap_used, reason = "a test stops where its house does not stand")]

mod alertmanager;
mod amtool;
mod api;
mod backtest;
mod bad;
mod hook;
mod hostile;
mod house;
mod login;
mod logs;
mod openapi;
mod otlp;
mod pagerduty;
mod prometheus;
mod python;
mod reach;
mod real;
mod screens;
mod secrets;
mod status;
mod traces;
mod trouble;
mod walk;
mod ways_in;
