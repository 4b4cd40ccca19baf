//! Files: how long they are, that each Rust module opens with its head and shows no example that nobody runs, and that
//! decisions are numbered without gaps.

use super::source::{Source, Text, Tree};
use super::{Checked, Finding, percentile};
use std::path::Path;

/// No Rust file is longer than this, in lines; tests included.
const LONGEST: usize = 600;
/// Nine in ten Rust files are no longer than this.
const P90: usize = 400;
/// Where the architecture decisions live.
const DECISIONS: &str = "docs/adr";

/// Checks the length and the head of every Rust file, and the numbers of the decisions.
pub fn check(tree: &Tree) -> Checked {
    let mut findings: Vec<Finding> =
        tree.sources.iter().flat_map(|source| [too_long(source), no_head(source)]).flatten().collect();
    let lengths: Vec<usize> = tree.sources.iter().map(|source| source.lines).collect();
    let p90 = percentile(&lengths, 90);
    if p90 > P90 {
        let way_out = format!("the 90th percentile over all files is {p90} lines, limit {P90}: split the longest ones");
        findings.push(Finding::new(Path::new("crates"), 1, "file-length", way_out));
    }
    findings.extend(tree.texts.iter().flat_map(examples));
    findings.extend(gaps(&tree.texts));
    let longest = lengths.iter().max().copied().unwrap_or(0);
    let figure = format!("{} Rust files (p90 {p90}, longest {longest} lines)", lengths.len());
    (findings, Some(figure))
}

fn too_long(source: &Source) -> Option<Finding> {
    let way_out = format!("{} lines, limit {LONGEST}: move one idea into a module of its own", source.lines);
    (source.lines > LONGEST).then(|| Finding::new(&source.path, LONGEST + 1, "file-length", way_out))
}

fn no_head(source: &Source) -> Option<Finding> {
    let inner_doc = |attribute: &syn::Attribute| {
        matches!(attribute.style, syn::AttrStyle::Inner(_)) && attribute.path().is_ident("doc")
    };
    let way_out = "no `//!` head: say in one sentence what this module is for and what it is not";
    (!source.ast.attrs.iter().any(inner_doc)).then(|| Finding::new(&source.path, 1, "module-head", way_out))
}

/// Blocks in doc comments are pictures, marked `text`: examples are tests, because building every crate once more to
/// run a few of them costs minutes.
fn examples(text: &Text) -> Vec<Finding> {
    let is_rust = text.path.extension().is_some_and(|ending| ending == "rs");
    let lines = text.body.lines().enumerate().filter(|_| is_rust);
    let fences = lines.filter_map(|(at, line)| {
        let doc = line.trim_start().strip_prefix("///").or_else(|| line.trim_start().strip_prefix("//!"))?;
        Some((at + 1, doc.trim_start().strip_prefix("```")?))
    });
    let opening = fences.step_by(2).filter(|(_, kind)| *kind != "text");
    let way_out = "an example in a doc comment is run by nobody: make it a test, or mark the block `text`";
    opening.map(|(line, _)| Finding::new(&text.path, line, "unrun-example", way_out)).collect()
}

/// Decisions are `NNNN-title.md`, counted from 0001, each number once.
fn gaps(texts: &[Text]) -> Vec<Finding> {
    let decisions = texts.iter().filter(|text| text.path.parent() == Some(Path::new(DECISIONS)));
    let mut findings = Vec::new();
    let mut expected = 1;
    for Text { path, .. } in decisions {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if matches!(name, "README.md" | "template.md") {
            continue;
        }
        let number = name.split_once('-').map(|(number, _)| number).filter(|number| number.len() == 4);
        match number.and_then(|number| number.parse::<usize>().ok()) {
            Some(number) if number == expected => expected += 1,
            Some(number) => {
                let way_out = format!("number {number:04} where {expected:04} is due: number decisions without gaps");
                findings.push(Finding::new(path, 1, "adr-number", way_out));
                expected = number + 1;
            }
            None => findings.push(Finding::new(path, 1, "adr-number", "name it NNNN-title.md")),
        }
    }
    findings
}
