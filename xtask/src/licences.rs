//! `cargo xtask licences`: every dependency's licence is one that this product may be built from.
//!
//! It reads the licence expressions in the manifests of the locked dependencies; it reads no licence text.

use crate::Outcome;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Licences that allow use, change and sale of the whole without opening its source.
const PERMITTED: [&str; 17] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
/// How deep an expression may nest brackets.
const MAX_DEPTH: usize = 16;

/// Checks every package that `Cargo.lock` brings in from outside.
pub fn run(root: &Path) -> Outcome {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata: no packages")?;
    let foreign: Vec<&Value> = packages.iter().filter(|package| !package["source"].is_null()).collect();
    let mut refused = 0;
    for package in &foreign {
        let licence = package["license"].as_str().unwrap_or_default();
        if !permitted(licence) {
            let (name, version) = (package["name"].as_str().unwrap_or("?"), package["version"].as_str().unwrap_or("?"));
            println!("{name} {version}: licence `{licence}` is not permitted: do without it, or argue in an ADR");
            refused += 1;
        }
    }
    println!("licences: {} packages, {refused} refused", foreign.len());
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether an SPDX expression can be met by permitted licences alone.
fn permitted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, 0).unwrap_or(false) && rest.is_empty()
}

/// `a OR b`; nothing where the expression is malformed.
fn any_of(rest: &mut &[&str], depth: usize) -> Option<bool> {
    let mut good = all_of(rest, depth)?;
    while take(rest, "OR") {
        good |= all_of(rest, depth)?;
    }
    Some(good)
}

/// `a AND b`, which binds closer than `OR`.
fn all_of(rest: &mut &[&str], depth: usize) -> Option<bool> {
    let mut good = term(rest, depth)?;
    while take(rest, "AND") {
        good &= term(rest, depth)?;
    }
    Some(good)
}

/// A licence, one with an exception, or an expression in brackets.
fn term(rest: &mut &[&str], depth: usize) -> Option<bool> {
    if depth > MAX_DEPTH {
        return None;
    }
    if take(rest, "(") {
        let good = any_of(rest, depth + 1)?;
        return take(rest, ")").then_some(good);
    }
    let (name, after) = rest.split_first()?;
    *rest = after;
    let mut licence = (*name).to_owned();
    if take(rest, "WITH") {
        let (exception, after) = rest.split_first()?;
        *rest = after;
        licence = format!("{licence} WITH {exception}");
    }
    Some(PERMITTED.contains(&licence.as_str()))
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::permitted;

    #[test]
    fn expressions_are_judged_as_a_whole() {
        let cases = [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("(GPL-3.0 OR MIT) AND ISC", true),
            ("MIT OR GPL-3.0 AND ISC", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", false),
            ("AGPL-3.0-only", false),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT ISC", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(permitted(expression), expected, "{expression}");
        }
    }
}
