//! How long functions are, with test code cut away: from the signature to the closing brace, attributes not counted.

use super::source::Source;
use super::{Checked, Finding, percentile};
use std::path::Path;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

/// No function is longer than this, in lines.
const LONGEST: usize = 70;
/// Nine in ten functions are no longer than this.
const P90: usize = 40;
/// Half of the functions are no longer than this.
const MEDIAN: usize = 9;

/// Checks every function that ships, and the distribution over all of them.
pub fn check(sources: &[Source]) -> Checked {
    let mut all = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test) {
        let mut finder = Functions::default();
        finder.visit_file(&source.ast);
        let shipped = finder.found.into_iter().filter(|function| !source.tests_at(function.line));
        all.extend(shipped.map(|function| (source.path.as_path(), function)));
    }
    let mut findings: Vec<Finding> = all.iter().filter_map(|(path, function)| too_long(path, function)).collect();
    let lengths: Vec<usize> = all.iter().map(|(_, function)| function.lines).collect();
    let (median, p90) = (percentile(&lengths, 50), percentile(&lengths, 90));
    let longest = lengths.iter().max().copied().unwrap_or(0);
    for (what, value, limit) in [("median", median, MEDIAN), ("90th percentile", p90, P90)] {
        if value > limit {
            let way_out =
                format!("the {what} over all functions is {value} lines, limit {limit}: split the longest ones");
            findings.push(Finding::new(Path::new("crates"), 1, "function-length", way_out));
        }
    }
    let figure = format!("{} functions (median {median}, p90 {p90}, longest {longest} lines)", lengths.len());
    (findings, Some(figure))
}

fn too_long(path: &Path, function: &Function) -> Option<Finding> {
    let Function { name, line, lines } = function;
    let way_out = || format!("`{name}` has {lines} lines, limit {LONGEST}: name a part of it and make that a function");
    (*lines > LONGEST).then(|| Finding::new(path, *line, "function-length", way_out()))
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

#[derive(Default)]
struct Functions {
    found: Vec<Function>,
}

impl Functions {
    fn note(&mut self, signature: &Signature, block: &Block) {
        let (line, end) = (signature.span().start().line, block.span().end().line);
        self.found.push(Function { name: signature.ident.to_string(), line, lines: end + 1 - line });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}
