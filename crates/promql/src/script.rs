//! Scripts that load samples, ask queries and say what the answers must be: Prometheus' `promqltest` language.
//!
//! ```text
//! load 1m
//!   requests{path="/"} 0+10x20
//!
//! eval instant at 10m rate(requests[5m])
//!   {path="/"} 0.16666666666666666
//! ```
//!
//! Both generations of the language are known: `expect fail`, `expect warn` and their like, and before them `eval_fail`
//! and `expected_fail_message`. Each `eval` is one check. An instant query is also asked as a step of a range query and
//! must give the same.
//!
//! The order of reading: `notation` has single values, `series` has lines of them, `command` has whole commands, `load`
//! fills the source and `check` asks and compares.

mod check;
mod command;
mod load;
mod notation;
mod series;

use command::{Block, Command};
use load::Store;

use crate::MemorySource;

pub use series::{Sample, sequence};

/// How long a script may be, in bytes.
pub const SCRIPT_BYTES_MAX: usize = 16 << 20;
/// How many points a script may load.
pub const POINTS_MAX: usize = 4_000_000;

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// How many checks were fulfilled.
    pub passed: usize,
    /// Those that were not, and the commands that could not be read.
    pub failed: Vec<Failed>,
}

/// A check that was not fulfilled, or a command that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The line, counted from one.
    pub line: usize,
    /// The script's name, what was expected, and what was there instead.
    pub message: String,
}

/// Runs a script. `name` is how messages call it.
#[must_use]
pub fn run(name: &str, text: &str) -> Report {
    let mut report = Report::default();
    if text.len() > SCRIPT_BYTES_MAX {
        let message = format!("{name}: the script is longer than {SCRIPT_BYTES_MAX} bytes; split it");
        report.failed.push(Failed { line: 1, message });
        return report;
    }
    let mut store = Store::default();
    for block in command::blocks(text) {
        match perform(&block, &mut store) {
            Ok(checked) => report.passed += usize::from(checked),
            Err((line, message)) => report.failed.push(Failed { line, message: format!("{name}:{line}: {message}") }),
        }
    }
    report
}

/// The samples that a script loads. Its queries are not asked.
///
/// # Errors
/// At the first command that cannot be read or followed.
pub fn samples(name: &str, text: &str) -> Result<MemorySource, Failed> {
    let failed = |line: usize, message: String| Failed { line, message: format!("{name}:{line}: {message}") };
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(failed(1, format!("the script is longer than {SCRIPT_BYTES_MAX} bytes; split it")));
    }
    let mut store = Store::default();
    for block in command::blocks(text) {
        match command::read(&block).map_err(|(line, message)| failed(line, message))? {
            Command::Clear => store.clear(),
            Command::Load(load) => store.load(&load).map_err(|message| failed(block.line, message))?,
            Command::Eval(_) => {}
        }
    }
    Ok(store.into_source())
}

/// Does what a block says; whether it was a check.
fn perform(block: &Block<'_>, store: &mut Store) -> Result<bool, (usize, String)> {
    match command::read(block)? {
        Command::Clear => store.clear(),
        Command::Load(load) => store.load(&load).map_err(|message| (block.line, message))?,
        Command::Eval(eval) => {
            check::check(&eval, store.source()).map_err(|message| (block.line, message))?;
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
