//! `cargo xtask tidy`: the limits of the house that a program can check; taste does the rest.
//!
//! It reads sources as syntax trees, manifests through `cargo metadata`, and every other text file line by line. It
//! judges shape, not behaviour: what the code does is the business of tests and of clippy.

mod files;
mod floors;
mod functions;
mod purity;
mod source;
mod words;

use crate::Outcome;
use source::Tree;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One thing that breaks a limit, where it stands, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The file, relative to the workspace.
    path: PathBuf,
    /// The line, counted from one.
    line: usize,
    /// The rule's short name.
    rule: &'static str,
    /// What was found and what to do about it.
    way_out: String,
}

impl Finding {
    fn new(path: &Path, line: usize, rule: &'static str, way_out: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), line, rule, way_out: way_out.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path.display(), self.line, self.rule, self.way_out)
    }
}

/// The figures of a run, for the closing line.
struct Report {
    findings: Vec<Finding>,
    figures: Vec<String>,
}

/// Checks the workspace at `root`, prints each finding and one line of figures.
pub fn run(root: &Path) -> Outcome {
    let report = check(root)?;
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("tidy: {}: {} findings", report.figures.join(", "), report.findings.len());
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(root: &Path) -> Result<Report, Box<dyn Error>> {
    let tree = Tree::read(root)?;
    let members = floors::members(root)?;
    let mut report = Report { findings: tree.unreadable.clone(), figures: Vec::new() };
    let checks = [
        floors::check(&members),
        files::check(&tree),
        functions::check(&tree.sources),
        purity::check(&tree.sources),
        words::check(&tree.texts),
    ];
    for (findings, figure) in checks {
        report.findings.extend(findings);
        report.figures.extend(figure);
    }
    report.findings.sort();
    report.findings.dedup();
    Ok(report)
}

/// What one family of checks answers: its findings, and its figure for the closing line.
type Checked = (Vec<Finding>, Option<String>);

/// The value at `percent` of the sorted `values` by nearest rank; zero where there are none.
fn percentile(values: &[usize], percent: usize) -> usize {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
