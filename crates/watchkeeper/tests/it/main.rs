//! The built binary as its users meet it: started as a process, spoken to over the wire, killed without a word.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where its server does not stand")]

mod book;
mod browser;
mod checks;
mod clickhouse;
mod crash;
mod demo;
mod documents;
mod driver;
mod exporters;
mod hook;
mod load;
mod node;
mod nodes;
mod outage;
mod outside;
mod pagerduty;
mod patterns;
mod pipe;
mod rules;
mod scrape;
mod server;
mod sharing;
mod shop;
mod sigma;
mod smoke;
mod sources;
mod telemetry;
mod traces;
mod trouble;
