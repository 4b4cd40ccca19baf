//! `cargo xtask count`: adds up what test runners reported, and closes with `N passed, N failed, N skipped`.
//!
//! It reads JUnit files (nextest) and logs of `cargo test`. A test that finds its data or its server missing prints a
//! line that starts with `skipped:` and returns: it is counted as skipped, not as passed.

use crate::Outcome;
use std::fs;
use std::ops::AddAssign;
use std::process::ExitCode;

/// What a test prints at the start of a line when it could not run.
const SKIPPED: &str = "skipped:";

/// How many tests came to which end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Reads the reports named in `arguments`; `--failed N` adds checks that failed outside the test runner.
pub fn run(arguments: &[String]) -> Outcome {
    let mut total = Tally::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--failed" {
            let number = arguments.next().ok_or("count: --failed needs a number")?;
            total.failed += number.parse::<usize>().map_err(|e| format!("count: --failed {number}: {e}"))?;
            continue;
        }
        match fs::read_to_string(argument) {
            Ok(report) if report.trim_start().starts_with("<?xml") => total += junit(&report),
            Ok(log) => total += cargo_test(&log),
            Err(error) => return Err(format!("count: {argument}: {error}").into()),
        }
    }
    println!("{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts the test cases of a JUnit report.
fn junit(report: &str) -> Tally {
    let mut tally = Tally::default();
    for case in report.split("<testcase").skip(1) {
        let case = case.split("</testcase>").next().unwrap_or(case);
        let says_skipped = case.lines().any(|line| {
            let opening = line.rsplit_once("<system-out>").or_else(|| line.rsplit_once("<system-err>"));
            opening.map_or(line, |(_, said)| said).starts_with(SKIPPED)
        });
        if case.contains("<failure") || case.contains("<error") {
            tally.failed += 1;
        } else if case.contains("<skipped") || says_skipped {
            tally.skipped += 1;
        } else {
            tally.passed += 1;
        }
    }
    tally
}

/// Counts the closing lines of `cargo test -- --show-output`.
fn cargo_test(log: &str) -> Tally {
    let mut tally = Tally::default();
    for line in log.lines() {
        if let Some(counts) = line.strip_prefix("test result: ") {
            let of = |word: &str| {
                counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
            };
            tally.passed += of("passed").unwrap_or(0);
            tally.failed += of("failed").unwrap_or(0);
            tally.skipped += of("ignored").unwrap_or(0);
        } else if line.starts_with(SKIPPED) {
            tally.skipped += 1;
            tally.passed = tally.passed.saturating_sub(1);
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junit_cases_are_counted_by_their_end() {
        let report = r#"<?xml version="1.0"?><testsuites><testsuite name="a">
            <testcase name="one"/>
            <testcase name="two"><failure message="no"/></testcase>
            <testcase name="three"><system-out>
running 1 test
skipped: no data
</system-out></testcase>
            <testcase name="four"><system-out>skipped: no server</system-out></testcase>
            <testcase name="loud"><system-err>skipped: no browser</system-err></testcase>
            <testcase name="five"><system-out>nothing was skipped: fine</system-out></testcase>
            </testsuite></testsuites>"#;
        assert_eq!(junit(report), Tally { passed: 2, failed: 1, skipped: 3 });
    }

    #[test]
    fn cargo_test_logs_are_added_up() {
        let log = "---- a stdout ----\nskipped: no data\n\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(cargo_test(log), Tally { passed: 4, failed: 2, skipped: 2 });
    }
}
