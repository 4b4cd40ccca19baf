//! Text line by line: no spaces at line ends, and no word that only means something on one machine.

use super::source::Text;
use super::{Checked, Finding};

/// Parts of paths that exist on one machine only; written in two halves so that this file passes its own check.
const FOREIGN: [&str; 8] = [
    concat!("/wo", "rk/"),
    concat!("/tmp/", "wk"),
    concat!("/ro", "ot/"),
    concat!("bash_", "jobs"),
    concat!(".lib", "rary/"),
    concat!("farm-", "studio"),
    concat!("farm-", "bench"),
    concat!("artifac", "tory"),
];

/// Checks every line of every text file.
pub fn check(texts: &[Text]) -> Checked {
    let mut findings = Vec::new();
    for Text { path, body } in texts {
        for (line, number) in body.lines().zip(1..) {
            if line.ends_with([' ', '\t', '\r']) {
                findings.push(Finding::new(path, number, "trailing-space", "take the space at the line's end away"));
            }
            for word in FOREIGN.iter().filter(|word| line.contains(**word)) {
                let way_out = format!("`{word}` means something on one machine only: name the thing, not its place");
                findings.push(Finding::new(path, number, "foreign-word", way_out));
            }
        }
    }
    (findings, None)
}
