//! The pages and their blocks of code.

use std::path::{Path, PathBuf};

/// A page.
pub struct Page {
    /// Its path from the root of the repository.
    pub name: String,
    /// Its text without the blocks of code.
    pub prose: String,
    /// Its blocks of code, in order.
    pub blocks: Vec<Block>,
}

/// A block of code.
pub struct Block {
    /// The line where it begins, from one.
    pub line: usize,
    /// The first word behind the fence.
    pub language: String,
    /// The other words.
    pub rest: String,
    /// What stands in it.
    pub text: String,
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every page, in order of name.
pub fn all() -> Vec<Page> {
    let root = root();
    let mut left = vec![root.join("docs")];
    let mut paths: Vec<PathBuf> = files(&root).filter(|path| path.is_file()).collect();
    while let Some(directory) = left.pop() {
        for path in files(&directory) {
            if path.is_dir() { left.push(path) } else { paths.push(path) }
        }
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    assert!(paths.len() > 15, "where are the documents?");
    paths.iter().map(|path| read(&root, path)).collect()
}

fn files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path())
}

fn read(root: &Path, path: &Path) -> Page {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    let mut page = Page { name, prose: String::new(), blocks: Vec::new() };
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some(info) = line.trim_start().strip_prefix("```") else {
            page.prose.push_str(line);
            page.prose.push('\n');
            continue;
        };
        let (language, rest) = info.trim().split_once(' ').unwrap_or((info.trim(), ""));
        let inner = lines.by_ref().map(|(_, line)| line).take_while(|line| !line.trim_start().starts_with("```"));
        let text: String = inner.map(|line| format!("{}\n", line.get(indent..).unwrap_or(""))).collect();
        let (language, rest) = (language.to_owned(), rest.trim().to_owned());
        page.blocks.push(Block { line: number + 1, language, rest, text });
    }
    page
}
