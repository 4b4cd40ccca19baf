//! `watchkeeper rules`: rule files checked and tested, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use connectors::rules::{Refused, check as read_rules, load_test};
use connectors::watchbook::Findings;
use kernel::book::rules::RuleFile;
use serde_json::json;
use signals::alerting::{Broken, Plan};
use signals::lint::{self, CODES, Finding, Level, Policy};
use signals::unit::{self, Report};

use crate::failure::{Exit, Failure};
use crate::remote::rules::LiveRulesVerb;
use crate::{backtest, out};

/// The largest rule file, in bytes.
const FILE_BYTES_MAX: u64 = connectors::rules::FILE_BYTES_MAX as u64;

/// `watchkeeper rules …`
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// Check rule files in Prometheus' form: every error and everything doubtful, with file, line, code and a way out.
    Check(CheckArgs),
    /// Run unit tests in promtool's form and count what passed: `N passed, N failed`.
    Test {
        /// The files of tests.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Replay a rule file over the past: how often its alerts would have fired, and which settings would be quieter.
    Backtest(backtest::BacktestArgs),
    #[command(flatten)]
    Remote(LiveRulesVerb),
}

/// `watchkeeper rules check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The rule files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Make a code, such as alerts/for, or a family of codes, such as alerts, an error; several allowed.
    #[arg(long = "error", value_name = "CODE")]
    errors: Vec<String>,
    /// Say nothing of a code or a family; several allowed.
    #[arg(long = "disable", value_name = "CODE")]
    disabled: Vec<String>,
    /// A label that aggregations must keep; several allowed.
    #[arg(long = "keep", value_name = "LABEL")]
    keep: Vec<String>,
}

/// `watchkeeper rules …`
pub async fn run(verb: RulesVerb, json: bool) -> Result<ExitCode, Failure> {
    match verb {
        RulesVerb::Remote(verb) => {
            let (ask, server) = verb.ask();
            ask.run(&server, json).await
        }
        RulesVerb::Check(args) => check(&args, json),
        RulesVerb::Test { files } => test(&files, json),
        RulesVerb::Backtest(args) => backtest::run(&args, json),
    }
}

/// A rule file as it was read.
struct Source {
    text: String,
    /// What is good of it; `None` where nothing is known of the file.
    file: Option<RuleFile>,
    refused: Vec<Refused>,
    findings: Findings,
    broken: Vec<Broken>,
}

fn check(args: &CheckArgs, json: bool) -> Result<ExitCode, Failure> {
    let policy = policy(args)?;
    let sources: Vec<Source> = args.files.iter().map(|path| open(path)).collect::<Result<_, _>>()?;
    let known =
        sources.iter().filter_map(|source| Some(lint::Source { file: source.file.as_ref()?, text: &source.text }));
    let doubts = lint::check(&known.collect::<Vec<_>>(), &policy);
    let wrong: usize = sources.iter().map(|source| source.findings.iter().len() + source.broken.len()).sum();
    let errors = wrong + doubts.iter().filter(|doubt| doubt.level == Level::Error).count();
    if json {
        out::line(format_args!("{:#}", as_json(&sources, &doubts, errors)))?
    } else {
        tell(&sources, &doubts, errors)?
    }
    Ok(verdict(errors == 0))
}

fn verdict(sound: bool) -> ExitCode {
    if sound { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) }
}

fn policy(args: &CheckArgs) -> Result<Policy, Failure> {
    let retention = Some(telemetry::metrics::KEEP);
    let mut policy = Policy { keep_labels: args.keep.clone(), retention, ..Policy::default() };
    let errors = args.errors.iter().map(|code| (code, Some(Level::Error)));
    for (code, level) in errors.chain(args.disabled.iter().map(|code| (code, None))) {
        let known = |known: &str| known == code || known.split('/').next() == Some(code.as_str());
        if !CODES.iter().any(|other| known(other.code)) {
            let codes: Vec<&str> = CODES.iter().map(|code| code.code).collect();
            let message = format!("the code `{code}` does not exist");
            return Err(Failure::new(message).hint(format!("codes are: {}", codes.join(" "))).exit(Exit::Usage));
        }
        policy.levels.insert(code.clone(), level);
    }
    Ok(policy)
}

/// The bytes of a file that is not too large.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > FILE_BYTES_MAX {
        let message = format!("{} has {size} bytes, a file of rules has at most {FILE_BYTES_MAX}", path.display());
        return Err(Failure::new(message).exit(Exit::Usage));
    }
    std::fs::read(path).map_err(failed)
}

fn open(path: &Path) -> Result<Source, Failure> {
    let (name, bytes) = (path.display().to_string(), bytes(path)?);
    let checked = read_rules(&name, &bytes);
    let findings = checked.findings.clone();
    let (file, refused) = checked.rest().map_or((None, Vec::new()), |(file, refused)| (Some(file), refused));
    let groups = file.iter().flat_map(|file| &file.groups);
    let broken = groups.flat_map(|group| Plan::of(&name, group).1).collect();
    Ok(Source { text: String::from_utf8_lossy(&bytes).into_owned(), file, refused, findings, broken })
}

fn tell(sources: &[Source], doubts: &[Finding], errors: usize) -> Result<(), Failure> {
    for source in sources {
        out::print(&source.findings)?;
        source.refused.iter().try_for_each(|refused| out::line(format_args!("refused: {refused}")))?;
        source.broken.iter().try_for_each(|broken| out::line(format_args!("{broken}")))?;
    }
    doubts.iter().try_for_each(out::print)?;
    let groups = || sources.iter().filter_map(|source| source.file.as_ref()).flat_map(|file| &file.groups);
    let rules: usize = groups().map(|group| group.rules.len()).sum();
    let warnings = doubts.iter().filter(|doubt| doubt.level == Level::Warning).count();
    out::line(format_args!(
        "{} files, {} groups, {rules} rules: {errors} errors, {warnings} warnings",
        sources.len(),
        groups().count()
    ))
}

fn as_json(sources: &[Source], doubts: &[Finding], errors: usize) -> serde_json::Value {
    let broken = |broken: &Broken| json!({ "line": broken.line, "group": broken.group, "rule": broken.rule, "message": broken.message });
    let file = |source: &Source| {
        json!({
            "read": source.findings.to_json(),
            "refused": source.refused.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "broken": source.broken.iter().map(broken).collect::<Vec<_>>(),
        })
    };
    let files: Vec<_> = sources.iter().map(file).collect();
    json!({ "errors": errors, "files": files, "findings": doubts })
}

fn test(files: &[PathBuf], json: bool) -> Result<ExitCode, Failure> {
    let mut reports = Vec::new();
    for path in files {
        reports.push((path, report(path)));
    }
    let sound = reports.iter().all(|(_, report)| report.as_ref().is_ok_and(Report::is_success));
    if json {
        let told: Vec<_> = reports.iter().map(|(path, report)| report_as_json(path, report)).collect();
        out::line(format_args!("{:#}", json!(told)))?;
    } else {
        reports.iter().try_for_each(|(path, report)| tell_report(path, report))?;
        let passed: usize = reports.iter().filter_map(|(_, report)| Some(report.as_ref().ok()?.passed)).sum();
        let failed = |report: &Result<Report, Findings>| report.as_ref().map_or(1, |report| report.failed.len());
        let failed: usize = reports.iter().map(|(_, report)| failed(report)).sum();
        out::line(format_args!("{passed} passed, {failed} failed"))?;
    }
    Ok(verdict(sound))
}

/// Runs the tests of a file.
fn report(path: &Path) -> Result<Report, Findings> {
    let loaded = load_test(path)?;
    for pattern in &loaded.empty_patterns {
        out::aside(format_args!("{}: warning: no file matches {pattern:?}", path.display()));
    }
    Ok(match &loaded.rules {
        Ok(rules) => unit::run(&loaded.tests, rules),
        Err(findings) => unit::refused(&loaded.tests, &findings.to_string()),
    })
}

fn tell_report(path: &Path, report: &Result<Report, Findings>) -> Result<(), Failure> {
    match report {
        Ok(report) if report.is_success() => out::line(format_args!("{}: SUCCESS", path.display())),
        Ok(report) => out::print(report),
        Err(findings) => out::print(format_args!("{}: FAILED\n{findings}", path.display())),
    }
}

fn report_as_json(path: &Path, report: &Result<Report, Findings>) -> serde_json::Value {
    let file = path.display().to_string();
    let report = match report {
        Ok(report) => report,
        Err(findings) => return json!({ "file": file, "passed": 0, "failed": [], "unreadable": findings.to_json() }),
    };
    let failure = |failure: &unit::Failure| json!({ "line": failure.line, "message": failure.message });
    let failed = report.failed.iter().map(|failed| {
        let failures: Vec<_> = failed.failures.iter().map(failure).collect();
        json!({ "test": failed.test, "line": failed.line, "failures": failures })
    });
    json!({ "file": file, "passed": report.passed, "failed": failed.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_longer_than_samples_are_kept_is_told() {
        let args = CheckArgs { files: Vec::new(), errors: Vec::new(), disabled: Vec::new(), keep: Vec::new() };
        let told = |window: &str| {
            let text = format!(
                "groups: [ {{ name: g, rules: [ {{ record: 'a:b:c', expr: 'avg_over_time(up[{window}])' }} ] }} ]"
            );
            let (file, _) = read_rules("rules.yaml", text.as_bytes()).rest().unwrap();
            let doubts = lint::check(&[lint::Source { file: &file, text: &text }], &policy(&args).unwrap());
            doubts.iter().any(|doubt| doubt.to_string().contains("a window of 720 h, but samples are kept for 72 h"))
        };
        assert!(told("30d") && !told("3d"));
    }
}
