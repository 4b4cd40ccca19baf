//! The files that tidy looks at, read once: Rust sources as syntax trees with their test code marked, and plain text.

use super::Finding;
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, ImplItem, Item};

/// Directories that hold nothing of ours: build output, version control, vendored assets, run-time data.
const SKIPPED: [&str; 6] = [".git", "target", "vendor", "node_modules", "watchkeeper-data", "__pycache__"];
/// Endings of the text files that people write by hand.
const TEXT: [&str; 12] = ["rs", "toml", "md", "sh", "yml", "yaml", "py", "css", "js", "html", "txt", "sql"];
/// Text files without an ending.
const BARE: [&str; 6] = ["test", "demo", "run", "Makefile", ".gitignore", "LICENSE"];
/// How deep the tree may be; a deeper one is a loop of links.
const MAX_DEPTH: usize = 16;

/// Everything that tidy reads.
pub struct Tree {
    /// Every Rust file of the workspace's crates.
    pub sources: Vec<Source>,
    /// Every text file, Rust included.
    pub texts: Vec<Text>,
    /// Rust files that do not parse.
    pub unreadable: Vec<Finding>,
}

/// A text file.
pub struct Text {
    /// Its path, relative to the workspace.
    pub path: PathBuf,
    /// What it holds.
    pub body: String,
}

/// A Rust file.
pub struct Source {
    /// Its path, relative to the workspace.
    pub path: PathBuf,
    /// The crate that owns it: the folder's name.
    pub package: String,
    /// How many lines it has.
    pub lines: usize,
    /// Its syntax.
    pub ast: syn::File,
    /// Its tokens with their lines; comments are gone.
    pub tokens: Vec<Token>,
    /// Whether the whole file is test code.
    pub is_test: bool,
    /// The lines of items that only tests compile.
    pub test_lines: Vec<RangeInclusive<usize>>,
}

/// One token and the line it starts on.
#[derive(Debug)]
pub struct Token {
    /// An identifier, a mark, `::`, a bracket, or `"` for any literal.
    pub text: String,
    /// The line, counted from one.
    pub line: usize,
}

impl Tree {
    /// Reads the workspace at `root`.
    pub fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let mut paths = Vec::new();
        walk(root, Path::new(""), 0, &mut paths)?;
        let (mut sources, mut texts, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        for path in paths {
            let body = fs::read_to_string(root.join(&path)).map_err(|e| format!("{}: {e}", path.display()))?;
            if let Some(package) = package_of(&path) {
                match Source::parse(&path, package, &body) {
                    Ok(source) => sources.push(source),
                    Err(finding) => unreadable.push(finding),
                }
            }
            texts.push(Text { path, body });
        }
        mark_declared_tests(&mut sources);
        Ok(Self { sources, texts, unreadable })
    }
}

impl Source {
    /// Parses one file; a file that is not Rust is a finding.
    pub fn parse(path: &Path, package: &str, body: &str) -> Result<Self, Finding> {
        let complain = |e: syn::Error| Finding::new(path, e.span().start().line, "syntax", format!("{e}: mend it"));
        let ast = syn::parse_file(body).map_err(complain)?;
        let stream: TokenStream = body.parse().map_err(|e: proc_macro2::LexError| complain(e.into()))?;
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let mut finder = TestItems::default();
        finder.visit_file(&ast);
        let is_test = path.iter().any(|part| part == "tests" || part == "tests.rs") || only_for_tests(&ast.attrs);
        Ok(Self {
            path: path.to_path_buf(),
            package: package.to_owned(),
            lines: body.lines().count(),
            ast,
            tokens,
            is_test,
            test_lines: finder.ranges,
        })
    }

    /// Whether `line` belongs to code that only tests compile.
    pub fn tests_at(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|range| range.contains(&line))
    }
}

/// Collects the text files under `root`/`inside`, sorted, as paths relative to `root`.
fn walk(root: &Path, inside: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if depth > MAX_DEPTH {
        return Err(format!("{}: deeper than {MAX_DEPTH} folders: is there a loop of links?", inside.display()).into());
    }
    let mut entries = fs::read_dir(root.join(inside))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), inside.join(entry.file_name()));
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_ref()) {
            walk(root, &path, depth + 1, found)?;
        } else if kind.is_file() && is_text(&name) {
            found.push(path);
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    let minified = name.contains(".min.");
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    !minified && (TEXT.contains(&ending) || BARE.contains(&name))
}

/// The crate that a Rust file belongs to: `crates/NAME/..` or `xtask/..`.
fn package_of(path: &Path) -> Option<&str> {
    if path.extension()? != "rs" {
        return None;
    }
    let mut parts = path.iter().filter_map(|part| part.to_str());
    match parts.next()? {
        "crates" => parts.next(),
        "xtask" => Some("xtask"),
        _ => None,
    }
}

/// Marks files that a `#[cfg(test)] mod name;` elsewhere declares.
fn mark_declared_tests(sources: &mut [Source]) {
    let mut declared = BTreeSet::new();
    for source in sources.iter() {
        let folder = module_folder(&source.path);
        for item in &source.ast.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
                && (source.is_test || only_for_tests(&module.attrs))
            {
                declared.insert(folder.join(module.ident.to_string()));
            }
        }
    }
    for source in sources {
        source.is_test |= source.path.ancestors().any(|path| declared.contains(&path.with_extension("")));
    }
}

/// The folder in which the submodules of the file at `path` live.
fn module_folder(path: &Path) -> PathBuf {
    let roots = ["lib.rs", "main.rs", "mod.rs"];
    match path.file_name().and_then(|name| name.to_str()) {
        Some(name) if roots.contains(&name) => path.parent().unwrap_or(path).to_path_buf(),
        _ => path.with_extension(""),
    }
}

/// Whether the attributes say that only tests compile the item: `#[cfg(test)]`, `#[cfg(all(test, ..))]`, `#[test]`.
fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let named_test = attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        let condition = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
            _ => String::new(),
        };
        let condition: String = condition.split_whitespace().collect();
        named_test || condition == "test" || condition.starts_with("all(test,")
    })
}

/// Finds the lines of items that only tests compile.
#[derive(Default)]
struct TestItems {
    ranges: Vec<RangeInclusive<usize>>,
}

impl TestItems {
    fn note(&mut self, attributes: &[Attribute], span: proc_macro2::Span) {
        if only_for_tests(attributes) {
            self.ranges.push(span.start().line..=span.end().line);
        }
    }
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast Item) {
        self.note(attributes_of(item), item.span());
        syn::visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if let ImplItem::Fn(function) = item {
            self.note(&function.attrs, function.span());
        }
        syn::visit::visit_impl_item(self, item);
    }
}

fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Lays a token stream flat, brackets included, with `::` as one token.
fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let mut colon_open = false;
    for tree in stream {
        let line = tree.span().start().line;
        let text = match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { text: open.to_owned(), line });
                flatten(group.stream(), out);
                out.push(Token { text: close.to_owned(), line: group.span_close().start().line });
                colon_open = false;
                continue;
            }
            TokenTree::Ident(ident) => ident.to_string(),
            TokenTree::Literal(_) => "\"".to_owned(),
            TokenTree::Punct(mark) if mark.as_char() == ':' && colon_open => {
                out.pop();
                colon_open = false;
                out.push(Token { text: "::".to_owned(), line });
                continue;
            }
            TokenTree::Punct(mark) => {
                colon_open = mark.as_char() == ':' && mark.spacing() == Spacing::Joint;
                out.push(Token { text: mark.to_string(), line });
                continue;
            }
        };
        colon_open = false;
        out.push(Token { text, line });
    }
}
