//! The house's own tools, run as `cargo xtask COMMAND`: what a reviewer would otherwise check by eye or by hand.
//!
//! Not part of the product: nothing here is linked into the binary that users run.

#![expect(clippy::print_stdout, reason = "a command-line tool answers on standard output")]

mod bench;
mod count;
mod licences;
mod score;
mod tidy;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What every tool answers: success or findings, or the reason why it could not look.
type Outcome = Result<ExitCode, Box<dyn Error>>;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  tidy                          check the limits of the house; exit 1 on findings
  licences                      check the licence of every dependency; exit 1 on one that is not permitted
  count [--failed N] JUNIT...   add up test reports and print `N passed, N failed, N skipped`
  score NAME...                 run the product over the data set NAME and print `score NAME FIELD VALUE`
  bench [NAME...]               measure against Alertmanager and write docs/benchmarks.md (bench --help lists the names)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &[][..]),
    };
    let root = workspace_root();
    let outcome = match command {
        "tidy" => tidy::run(&root),
        "licences" => licences::run(&root),
        "count" => count::run(rest),
        "score" => score::run(&root, rest),
        "bench" => bench::run(&root, rest),
        "" | "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(format!("no such command: {other}\n{USAGE}").into()),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask {command}: {error}");
        ExitCode::from(2)
    })
}

/// The directory that holds the workspace's `Cargo.toml`: the parent of this crate's own.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
