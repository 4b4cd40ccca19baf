//! *Journal*: facts as they were written, and the proof of each.

use askama::Template;
use kernel::Timestamp;

use super::{Chrome, Named, filters};

/// The list of facts.
#[derive(Debug, Clone, Template)]
#[template(path = "journal.html")]
pub struct JournalPage {
    /// The frame.
    pub chrome: Chrome,
    /// The facts, newest first.
    pub facts: Vec<FactRow>,
    /// How many facts there are.
    pub size: u64,
    /// The root over them.
    pub root: String,
    /// What is looked for: an area.
    pub area: String,
    /// What is looked for: a kind, an actor or a stream that contains this.
    pub text: String,
    /// The areas to choose from.
    pub areas: Vec<&'static str>,
    /// The address of older facts.
    pub older: Option<String>,
    /// The address of newer facts.
    pub newer: Option<String>,
    /// How far the search looked, when it looked at less than everything.
    pub searched: Option<String>,
}

/// A fact in a list.
#[derive(Debug, Clone)]
pub struct FactRow {
    /// Its place.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// The area.
    pub area: String,
    /// What it is about.
    pub stream: String,
    /// What happened.
    pub kind: String,
    /// Who asked for it.
    pub actor: String,
    /// The beginning of its body.
    pub body: String,
    /// How sensitive it is, when more than internal.
    pub sensitivity: Option<&'static str>,
}

/// One fact.
#[derive(Debug, Clone, Template)]
#[template(path = "fact.html")]
pub struct FactPage {
    /// The frame.
    pub chrome: Chrome,
    /// What stands in lists.
    pub row: FactRow,
    /// The version of the body's form.
    pub version: u16,
    /// The access policy that allowed it.
    pub policy: String,
    /// The fact it reacts to.
    pub cause: Option<u64>,
    /// Its body as JSON; `None` when it was erased.
    pub body: Option<String>,
    /// Its leaf hash.
    pub leaf: String,
    /// The hashes from the leaf to the root.
    pub path: Vec<String>,
    /// The root.
    pub root: String,
    /// How many facts the checkpoint covers.
    pub size: u64,
    /// The proof with its signed checkpoint, as a file.
    pub proof: String,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The key that checks it.
    pub verifier: String,
    /// The screen that shows what the fact is about.
    pub about: Option<Named>,
    /// The facts before and after it, when there are such.
    pub before: Option<u64>,
    /// The fact after it.
    pub after: Option<u64>,
}
