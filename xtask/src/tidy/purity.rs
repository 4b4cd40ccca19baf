//! What code must not say: no clock, chance, async or I/O in a pure crate; nothing that panics on purpose in shipped code.
//!
//! It compares tokens, so comments and strings are free to name what is forbidden, and macro bodies are seen too.

use super::floors::{PORTS, PURE};
use super::source::{Source, Token};
use super::{Checked, Finding};
use syn::UseTree;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// A sequence of tokens that must not appear, and the way out.
type Ban = (&'static str, &'static str);

const CLOCK: &str = "take the time as an argument";
const CHANCE: &str = "take the random value as an argument";
const ASYNC: &str = "decide here, wait in the engine";
const WORLD: &str = "return what is wanted, let the engine or a door do it";

/// Sequences that no pure crate says outside tests.
const IMPURE: [Ban; 20] = [
    ("Instant :: now", CLOCK),
    ("SystemTime :: now", CLOCK),
    ("Timestamp :: now", CLOCK),
    ("Zoned :: now", CLOCK),
    ("thread_rng", CHANCE),
    ("rand ::", CHANCE),
    ("async fn", ASYNC),
    ("async move", ASYNC),
    ("async {", ASYNC),
    (". await", ASYNC),
    ("tokio", ASYNC),
    ("tracing ::", WORLD),
    ("std :: fs", WORLD),
    ("std :: net", WORLD),
    ("std :: process", WORLD),
    ("std :: env", WORLD),
    ("std :: thread", WORLD),
    ("std :: io", WORLD),
    ("println !", WORLD),
    ("eprintln !", WORLD),
];

/// Sequences that no shipped code says.
const PANICS: [Ban; 4] = [
    (". unwrap (", "handle it with `?`, or prove it with `expect(\"why this holds\")`"),
    ("todo !", "write it, or leave the feature out"),
    ("unimplemented !", "write it, or leave the feature out"),
    ("dbg !", "take it out"),
];

/// Sequences that no code says, tests included.
const SILENCERS: [Ban; 2] = [
    ("# [ allow (", "use `#[expect(lint, reason = \"..\")]`, which complains once it is no longer needed"),
    ("# ! [ allow (", "use `#![expect(lint, reason = \"..\")]`, which complains once it is no longer needed"),
];

/// Checks every source against the sequences that apply to it.
pub fn check(sources: &[Source]) -> Checked {
    let mut findings = Vec::new();
    for source in sources {
        let imports = imports(source);
        let shipped = |line: usize| !source.tests_at(line);
        if PURE.contains(&source.package.as_str()) {
            let ports = if source.package == PORTS { port_lines(source) } else { Vec::new() };
            let bound = |line: usize| shipped(line) && !ports.contains(&line);
            findings.extend(search(source, &source.tokens, "pure-room", &IMPURE, bound));
            let paths = imports.iter().flat_map(|path| search(source, path, "pure-room", &IMPURE, shipped));
            findings.extend(paths);
        }
        findings.extend(search(source, &source.tokens, "no-panic", &PANICS, shipped));
        findings.extend(search(source, &source.tokens, "no-allow", &SILENCERS, |_| true));
    }
    (findings, None)
}

fn search(
    source: &Source,
    tokens: &[Token],
    rule: &'static str,
    bans: &[Ban],
    applies: impl Fn(usize) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (sequence, way_out) in bans {
        let wanted: Vec<&str> = sequence.split(' ').collect();
        let hits = tokens.windows(wanted.len()).filter(|window| window.iter().map(|token| &token.text).eq(&wanted));
        for line in hits.filter_map(|window| window.first()).map(|token| token.line).filter(|line| applies(*line)) {
            findings.push(Finding::new(&source.path, line, rule, format!("`{}`: {way_out}", as_written(sequence))));
        }
    }
    findings
}

/// A sequence as people write it: spaces only between two words.
fn as_written(sequence: &str) -> String {
    let mut written = String::new();
    for token in sequence.split(' ') {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if written.ends_with(word) && token.starts_with(word) {
            written.push(' ');
        }
        written.push_str(token);
    }
    written
}

/// The lines of trait functions that are declared without a body: they say that something waits, they do not wait.
fn port_lines(source: &Source) -> Vec<usize> {
    #[derive(Default)]
    struct Ports(Vec<usize>);
    impl<'ast> Visit<'ast> for Ports {
        fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
            if function.default.is_none() {
                self.0.push(function.sig.span().start().line);
            }
        }
    }
    let mut ports = Ports::default();
    ports.visit_file(&source.ast);
    ports.0
}

/// Every imported path, braces spelled out: `use std::{fs, io}` gives `std::fs` and `std::io`.
fn imports(source: &Source) -> Vec<Vec<Token>> {
    #[derive(Default)]
    struct Imports(Vec<Vec<Token>>);
    impl<'ast> Visit<'ast> for Imports {
        fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
            spell_out(&item.tree, &[], &mut self.0);
        }
    }
    let mut imports = Imports::default();
    imports.visit_file(&source.ast);
    imports.0
}

fn spell_out(tree: &UseTree, before: &[(String, usize)], out: &mut Vec<Vec<Token>>) {
    let here = |name: &dyn ToString| {
        let mut path = before.to_vec();
        path.push((name.to_string(), tree.span().start().line));
        path
    };
    match tree {
        UseTree::Path(path) => spell_out(&path.tree, &here(&path.ident), out),
        UseTree::Group(group) => group.items.iter().for_each(|item| spell_out(item, before, out)),
        UseTree::Name(name) => out.push(as_tokens(&here(&name.ident))),
        UseTree::Rename(rename) => out.push(as_tokens(&here(&rename.ident))),
        UseTree::Glob(_) => out.push(as_tokens(&here(&"*"))),
    }
}

fn as_tokens(path: &[(String, usize)]) -> Vec<Token> {
    let token = |text: &str, line: usize| Token { text: text.to_owned(), line };
    path.iter().flat_map(|(name, line)| [token("::", *line), token(name, *line)]).skip(1).collect()
}
