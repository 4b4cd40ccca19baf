//! Watchkeeper: one binary for the whole life of an incident. Flags, configuration and wiring; client and server in one.

mod backtest;
mod book;
mod cli;
mod demo;
mod descriptors;
mod doors;
mod elsewhere;
mod failure;
mod follow;
mod journal;
mod keeping;
mod keys;
mod leading;
mod local;
mod logs;
mod look;
mod manual;
mod monitored;
mod node;
mod out;
mod past;
mod query;
mod records;
mod remote;
mod routes;
mod rules;
mod scraping;
mod sensing;
mod series;
mod serve;
mod sigma;
mod slo;
mod standing;
mod table;
mod traces;
mod walk;
mod workload;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.json;
    cli.run().unwrap_or_else(|failure| failure.report(json))
}
