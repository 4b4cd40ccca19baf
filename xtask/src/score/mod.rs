//! `cargo xtask score NAME`: runs the product's own code over a data set and prints `score NAME FIELD VALUE` lines.
//!
//! The formula of each score stands in the README beside its data; the module of that name follows it.

mod alert_rules;
mod archive;
mod cloud;
mod cpu;
mod lines;
mod loghub;
mod nab;
mod pii;
mod secrets;
mod series;
mod sigma;
mod slo;
mod tlog;

use crate::Outcome;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Names and values, in the order in which they are printed.
pub type Scores = Result<Vec<(String, f64)>, Box<dyn Error>>;

/// A score: its name, the folder of its data, and what computes it.
type Score = (&'static str, &'static str, fn(&Path) -> Scores);

/// Every score there is.
#[rustfmt::skip]
const ALL: &[Score] = &[
    ("alert-rules", "alert-rules", alert_rules::run),
    ("cloud-monitoring", "cloud-monitoring", cloud::run),
    ("loghub", "loghub", loghub::run),
    ("nab", "nab", nab::run),
    ("pii", "gov-pii", pii::run),
    ("secrets", "gov-secrets", secrets::run),
    ("sigma", "sigma", sigma::run),
    ("slo-rules", "slo-rules", slo::run),
    ("tlog", "gov-tlog", tlog::run),
];

/// Computes the scores in `names`.
pub fn run(root: &Path, names: &[String]) -> Outcome {
    let known: Vec<&str> = ALL.iter().map(|(name, ..)| *name).collect();
    if names.is_empty() {
        return Err(format!("score: name at least one of: {}", known.join(", ")).into());
    }
    for name in names {
        let (name, folder, compute) = ALL
            .iter()
            .find(|(known, ..)| known == name)
            .ok_or_else(|| format!("score: {name} is not one of: {}", known.join(", ")))?;
        let data = data_folder(root).join(folder);
        if !data.is_dir() {
            let place = data.display();
            return Err(
                format!("score {name}: {place} is not a folder: set WATCHKEEPER_DATA to where the data is").into()
            );
        }
        for (field, value) in compute(&data)? {
            println!("score {name} {field} {value}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where the data sets are: `WATCHKEEPER_DATA`, or `shared/data` beside the workspace.
fn data_folder(root: &Path) -> PathBuf {
    std::env::var_os("WATCHKEEPER_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from)
}
