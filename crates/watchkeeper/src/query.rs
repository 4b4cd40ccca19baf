//! `watchkeeper promql`: queries without a server: scripts of tests run, queries written out as we read them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use promql::script::{self, Report};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::out;

/// The largest script, in bytes.
const SCRIPT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// `watchkeeper promql …`
#[derive(Debug, Subcommand)]
pub enum PromqlVerb {
    /// Run scripts in the form of Prometheus' promqltest and count what passed: `FILE: N passed, N failed`.
    Test {
        /// The scripts.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print a query as it is understood, or say what is wrong with it.
    Format {
        /// The query.
        query: String,
    },
}

/// `watchkeeper promql …`
pub fn run(verb: PromqlVerb, json: bool) -> Result<ExitCode, Failure> {
    match verb {
        PromqlVerb::Test { files } => test(&files, json),
        PromqlVerb::Format { query } => {
            let wrong = |error: promql::Error| Failure::new(error.to_string()).exit(Exit::Usage);
            let text = promql::parse(&query).map_err(wrong)?.to_string();
            if json {
                out::line(json!({ "query": text }))?
            } else {
                out::line(text)?
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn test(files: &[PathBuf], json: bool) -> Result<ExitCode, Failure> {
    let mut sound = true;
    for file in files {
        let report = script::run(&file.display().to_string(), &read(file)?);
        sound &= report.failed.is_empty();
        if json { out::line(as_json(file, &report))? } else { tell(file, &report)? }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

fn read(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", file, &error);
    let size = std::fs::metadata(file).map_err(failed)?.len();
    if size > SCRIPT_BYTES_MAX {
        let message = format!("{} has {size} bytes, a script has at most {SCRIPT_BYTES_MAX}", file.display());
        return Err(Failure::new(message).exit(Exit::Usage));
    }
    std::fs::read_to_string(file).map_err(failed)
}

fn tell(file: &Path, report: &Report) -> Result<(), Failure> {
    for failed in &report.failed {
        // The message begins with the place.
        out::aside(&failed.message);
    }
    out::line(format_args!("{}: {} passed, {} failed", file.display(), report.passed, report.failed.len()))
}

fn as_json(file: &Path, report: &Report) -> serde_json::Value {
    let failed = report.failed.iter().map(|failed| json!({ "line": failed.line, "message": failed.message }));
    let failed: Vec<_> = failed.collect();
    json!({ "file": file.display().to_string(), "passed": report.passed, "failed": failed })
}
