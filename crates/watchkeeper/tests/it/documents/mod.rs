//! The documents are true: every block of code in them is run or checked, each page's against a server of its own whose
//! watchbook holds what the page says belongs in it; and every link leads somewhere.

mod links;
mod page;
mod shell;

use crate::server::{Base, Server};
use crate::shop;
use page::{Block, Page};
use shell::Shell;

/// Blocks that are not run here: the page, how the block begins, and why.
const NOT_RUN: [(&str, &str, &str); 2] = [
    ("README.md", "./demo", "builds and runs everything, this test included"),
    ("docs/benchmarks.md", "cargo xtask bench", "takes minutes and compares with another program"),
];
/// What is no code: output, pictures.
const PICTURES: [&str; 2] = ["", "text"];
/// The page whose named blocks a test of the watchbook's reader loads and compares with the schema.
const LOADED: &str = "docs/watchbook.md";

/// What becomes of a block.
#[derive(Debug, PartialEq, Eq)]
enum Fate<'a> {
    /// Nothing, for a reason.
    Left,
    /// A shell runs it, when the program is there that it needs.
    Shell(&'a str),
    /// A shell runs what stands after `$ `, and compares what it prints.
    Console,
    /// A program of the standard library runs it.
    Python,
    /// It is a file of the watchbook of the page's own server.
    Book(&'a str),
    /// A program or a reader checks it.
    File(&'a str),
    /// It must be JSON.
    Json,
}

fn fate<'a>(page: &Page, block: &'a Block) -> Result<Fate<'a>, String> {
    let left = |(name, beginning, _): &(&str, &str, &str)| *name == page.name && block.text.starts_with(beginning);
    if NOT_RUN.iter().any(left) || PICTURES.contains(&block.language.as_str()) {
        return Ok(Fate::Left);
    }
    let named = block.rest.as_str();
    match block.language.as_str() {
        "yaml" | "jinja" | "cedar" if page.name == LOADED && !named.is_empty() => Ok(Fate::Left),
        "sh" => Ok(Fate::Shell(named)),
        "console" => Ok(Fate::Console),
        "python" => Ok(Fate::Python),
        "json" => Ok(Fate::Json),
        "yaml" if ["prometheus.yml", "alertmanager.yml", "collector.yaml"].contains(&named) => Ok(Fate::File(named)),
        "ini" if named.ends_with(".service") => Ok(Fate::File(named)),
        "yaml" if named.ends_with(".yaml") => Ok(Fate::Book(named)),
        language => {
            Err(format!("{}:{}: nobody runs or checks a block of {language:?} {named:?}", page.name, block.line))
        }
    }
}

#[test]
fn every_block_of_code_is_run_or_checked() {
    let mut lost = Vec::new();
    let mut left_out = 0;
    for page in page::all() {
        for block in &page.blocks {
            match fate(&page, block) {
                Err(why) => lost.push(why),
                Ok(Fate::Json) => {
                    serde_json::from_str::<serde_json::Value>(&block.text)
                        .unwrap_or_else(|error| panic!("{}:{}: {error}", page.name, block.line));
                }
                Ok(Fate::File(name)) => shell::check_file(&page, block, name),
                Ok(Fate::Left) => left_out += usize::from(!PICTURES.contains(&block.language.as_str())),
                Ok(_) => {}
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    assert!(left_out >= NOT_RUN.len(), "a block that is named as not run is gone: take its name out");
}

#[tokio::test]
async fn every_command_does_what_its_page_says() {
    let mut failures = Vec::new();
    for page in page::all() {
        failures.extend(run_page(&page).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Runs what a page shows, in order, in one directory and beside one server.
async fn run_page(page: &Page) -> Vec<String> {
    let fates: Vec<(&Block, Fate<'_>)> =
        page.blocks.iter().filter_map(|block| Some((block, fate(page, block).ok()?))).collect();
    if !fates.iter().any(|(_, fate)| matches!(fate, Fate::Shell(_) | Fate::Console | Fate::Python)) {
        return Vec::new();
    }
    let nowhere = format!("http://127.0.0.1:{}/", testkit::free_port());
    let mut book = shop::book("webhook", &nowhere);
    let own = fates.iter().filter_map(|(block, fate)| match fate {
        Fate::Book(name) => Some((*name, block.text.clone())),
        _ => None,
    });
    own.for_each(|(name, text)| {
        book.retain(|(file, _)| *file != name);
        book.push((name.to_owned().leak(), text));
    });
    let server = Server::open(Base::Sqlite, &book).await;
    let shell = Shell::beside(&server);
    let mut failures = Vec::new();
    for (block, fate) in &fates {
        let run = match fate {
            Fate::Shell(needs) => shell.run(block, needs).await,
            Fate::Console => shell.converse(block).await,
            Fate::Python => shell.python(block).await,
            _ => Ok(()),
        };
        failures.extend(run.err().map(|why| format!("{}:{}: {why}", page.name, block.line)));
    }
    failures
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let broken: Vec<String> = page::all().iter().flat_map(links::broken).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
