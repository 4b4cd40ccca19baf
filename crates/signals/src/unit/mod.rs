//! Unit tests of rules, as promtool runs them: series are loaded step by step, rules are evaluated at each step, and the
//! alerts and answers at given times are compared with what a test expects. The rules run through
//! [`crate::alerting::evaluate`], as they do live.
//!
//! The verdicts are promtool's: an error of any rule ends its test; alerts at a time between two evaluations are those of
//! the earlier one; a query sees the samples up to the last evaluation; numbers must be equal to the last bit, or differ
//! in no more than that with `fuzzy_compare`; NaN equals nothing.

mod compare;
mod input;
mod run;
mod shelf;
#[cfg(test)]
mod tests;

pub use run::{refused, run};

use std::fmt;

/// The most evaluations of one test.
pub const EVALUATIONS_MAX: i64 = 10_000_000;
/// The most samples that the series of one test may have together.
pub const SAMPLES_MAX: usize = 20_000_000;
/// The most failures of one test that are kept.
pub const FAILURES_MAX: usize = 1000;

/// What came of the tests of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The path of the file.
    pub file: String,
    /// How many tests passed.
    pub passed: usize,
    /// The tests that failed.
    pub failed: Vec<Failed>,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Its name; `test 3` where it has none.
    pub test: String,
    /// The line on which it stands.
    pub line: usize,
    /// What went otherwise than expected, never empty.
    pub failures: Vec<Failure>,
}

/// Something that went otherwise than expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of what was expected.
    pub line: usize,
    /// What went wrong, in lines that a person can read.
    pub message: String,
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.failed.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failed in &self.failed {
            writeln!(f, "{}:{}: FAILED: {}", self.file, failed.line, failed.test)?;
            for failure in &failed.failures {
                let message = failure.message.replace('\n', "\n    ");
                writeln!(f, "  line {}: {message}", failure.line)?;
            }
        }
        writeln!(f, "{}: {} passed, {} failed", self.file, self.passed, self.failed.len())
    }
}
