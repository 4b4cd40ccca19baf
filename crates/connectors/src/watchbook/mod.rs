//! The watchbook's files: a directory of YAML, templates and access policies becomes a [`Book`], all or nothing.
//!
//! [`check`] reads every file, resolves every reference and reports everything that is wrong at once, with file, line,
//! column and a way out. Warnings do not refuse a book; one error does. Reading is in four steps, each its own module:
//!
//! ```text
//! files   which files there are            build   names are gathered, then everything is read against them
//! yaml    each file as a tree with places  whole   what only the whole book can show: circles, people without contact
//! ```
//! How a value is written is in `scalars`, `words`, `hours` and `address`; which keys there are, with their documentation,
//! in `kinds`; what they become, in `make`; templates of updates are checked in `template`. Not here: what a book means, which is the kernel's and the rooms' business, and Cedar, which is governance's.

mod address;
mod build;
mod checks;
mod detection;
mod files;
pub(crate) mod finding;
mod git;
mod hours;
mod kinds;
mod logs;
mod make;
pub(crate) mod rule;
pub(crate) mod scalars;
mod schema;
pub(crate) mod shape;
mod sigma;
mod sources;
mod starter;
pub(crate) mod suggest;
mod template;
mod times;
mod whole;
mod words;
pub(crate) mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use kernel::Book;
use kernel::book::sigma::File;

pub use files::{
    BOOK_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX, ROOT_FILE, SIGMA_BYTES_MAX, SIGMA_DEPTH_MAX, SIGMA_FILES_MAX,
};
pub use finding::{FINDINGS_MAX, Finding, Findings, Level};
pub use rule::{RULES, Rule};
pub use schema::{schema, schemas};
pub use sigma::SigmaFinding;
pub use starter::starter;

pub use detection::{Finish, Further, Reading};

use files::{Place, Shelf};
use finding::Spot;

/// What a name looks like.
const NAME_PATTERN: &str = "^[a-z0-9._@-]{1,100}$";

/// What came of reading a watchbook.
#[derive(Debug)]
pub struct Checked {
    /// The book; `None` when there are errors.
    pub book: Option<Book>,
    /// Everything that was found, warnings included.
    pub findings: Findings,
    /// The digest over all files, good or not.
    pub digest: kernel::Digest,
    /// Sigma's files, also when the book is not good; not compiled yet: see [`Checked::with_sigma`].
    sigma: kernel::book::sigma::Sigma,
}

/// Reads and checks a watchbook. Blocks on the file system and on `git`; within a server, call it from a thread that
/// may block.
#[must_use]
pub fn check(directory: &Path) -> Checked {
    check_as(directory, &Reading::default())
}

/// The same, with what whoever reads it adds: what only the rooms can say, and what becomes of a bad rule.
#[must_use]
pub fn check_as(directory: &Path, reading: &Reading<'_>) -> Checked {
    let mut checked = check_shelf(Shelf::read(directory), reading);
    if let Some(book) = &mut checked.book {
        book.commit = git::commit(directory);
    }
    checked
}

/// Reads a watchbook that must be good.
///
/// # Errors
/// With everything that was found, when any of it is an error.
pub fn load(directory: &Path) -> Result<Book, Findings> {
    let checked = check(directory);
    checked.book.ok_or(checked.findings)
}

/// Reads and checks the files of a watchbook that is not on a disk, as paths with `/` and contents.
#[must_use]
pub fn check_files<P: AsRef<str>>(files: impl IntoIterator<Item = (P, Vec<u8>)>) -> Checked {
    check_files_as(files, &Reading::default())
}

/// The same, with what whoever reads it adds; see [`check_as`].
#[must_use]
pub fn check_files_as<P: AsRef<str>>(files: impl IntoIterator<Item = (P, Vec<u8>)>, reading: &Reading<'_>) -> Checked {
    let mut shelf = Shelf::default();
    let mut files: Vec<(P, Vec<u8>)> = files.into_iter().collect();
    files.sort_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
    for (path, bytes) in files {
        shelf.offer(path.as_ref(), bytes);
    }
    check_shelf(shelf.finished(), reading)
}

/// Reads the scrape jobs of all files.
fn scrapes(sources: &[files::Source], book: &mut Book) -> Findings {
    let (mut findings, mut names) = (Findings::default(), BTreeMap::new());
    for source in sources.iter().filter(|source| source.place == Some(Place::Scrape) && source.whole) {
        let checked = crate::scrape::check(&source.path, source.text.as_bytes(), &names);
        findings.join(checked.findings);
        for (job, line) in checked.jobs {
            names.insert(job.name.clone(), format!("line {line} of {}", source.path));
            book.scrapes.push(job);
        }
    }
    findings
}

fn check_shelf(mut shelf: Shelf, reading: &Reading<'_>) -> Checked {
    let mut notes = std::mem::take(&mut shelf.notes);
    let mut draft = build::draft(&shelf.sources, shelf.digest(), &mut notes);
    let root = shelf.sources.iter().position(|source| source.path == ROOT_FILE).unwrap_or(0);
    whole::weigh(&draft, Spot::top(root), &mut notes);
    let texts: Vec<(&str, &str)> = shelf.sources.iter().map(|source| (&*source.path, &*source.text)).collect();
    let mut findings = Findings::resolve(notes, &texts);
    detection::add(&shelf.sources, reading, &mut draft.book, &mut findings);
    findings.join(sources::assign(&mut draft.book, &shelf.sources));
    findings.join(scrapes(&shelf.sources, &mut draft.book));
    let digest = shelf.digest();
    let of_sigma = shelf.sources.into_iter().filter_map(|source| match source.place {
        Some(Place::Sigma(part)) if source.whole => Some(File { path: source.path, part, text: source.text.into() }),
        _ => None,
    });
    draft.book.sigma.files = of_sigma.collect();
    let sound = findings.count(Level::Error) == 0;
    let sigma = draft.book.sigma.clone();
    Checked { book: sound.then_some(draft.book), findings, digest, sigma }
}
