//! Prometheus' rule files and promtool's unit tests, read into the kernel's words with every place kept.
//!
//! [`check`] reads a rule file and reports everything that is wrong with it at once. A rule that is wrong is refused by its
//! name; whether the others may be loaded without it is the caller's decision: [`Checked::whole`] or [`Checked::rest`].
//! [`check_test`] reads a file of unit tests, [`load_test`] reads it and the rule files it names from a disk.
//!
//! Not checked here: the templates in labels and annotations, which `signals::alerting` parses.

mod beyond;
mod demand;
mod disk;
mod duration;
mod field;
mod read;
#[cfg(test)]
mod tests;

mod unit;

use std::collections::BTreeMap;
use std::fmt;

use kernel::book::rules::RuleFile;

pub use demand::{DEMANDS, RUNS, SHARED};
pub use disk::{LoadedTest, load, load_test};
pub use unit::check_test;

use crate::watchbook::Findings;
use crate::watchbook::finding::{Note, Spot};
use crate::watchbook::shape::{Names, Reader};
use crate::watchbook::yaml::{self, Dialect, Node};

/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most rules of one file.
pub const RULES_MAX: usize = 50_000;

/// What came of reading a rule file.
#[derive(Debug)]
pub struct Checked {
    file: RuleFile,
    rest_is_sound: bool,
    /// The rules and groups that were refused, in order.
    pub refused: Vec<Refused>,
    /// Everything that is wrong.
    pub findings: Findings,
}

/// A rule or a whole group that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The group's name.
    pub group: String,
    /// The rule's name; `None` when it is the whole group.
    pub rule: Option<String>,
    /// Where it stands.
    pub line: usize,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some(rule) => write!(f, "rule {rule:?} of group {:?} on line {}", self.group, self.line),
            None => write!(f, "group {:?} on line {}", self.group, self.line),
        }
    }
}

impl Checked {
    /// A file of which nothing could be read.
    fn unreadable(path: &str, findings: Findings) -> Self {
        let file = RuleFile { path: path.to_owned(), ..RuleFile::default() };
        Self { file, rest_is_sound: false, refused: Vec::new(), findings }
    }

    /// The file, when nothing is wrong with it.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn whole(self) -> Result<RuleFile, Findings> {
        if self.findings.is_empty() { Ok(self.file) } else { Err(self.findings) }
    }

    /// What is good of the file, and what was refused.
    ///
    /// # Errors
    /// With everything that is wrong, when it is not about single rules or groups: then nothing of the file is known.
    pub fn rest(self) -> Result<(RuleFile, Vec<Refused>), Findings> {
        if self.rest_is_sound { Ok((self.file, self.refused)) } else { Err(self.findings) }
    }
}

/// Reads and checks a rule file.
#[must_use]
pub fn check(path: &str, bytes: &[u8]) -> Checked {
    match with_tree(path, bytes, |root, reader| read::file(path, root, reader)) {
        (Some(read), findings) => {
            Checked { file: read.file, rest_is_sound: read.rest_is_sound, refused: read.refused, findings }
        }
        (None, findings) => Checked::unreadable(path, findings),
    }
}

/// Gives the tree of a file to a reader; what comes of it, and everything that was noted.
fn with_tree<T>(path: &str, bytes: &[u8], read: impl FnOnce(&Node, &mut Reader<'_>) -> T) -> (Option<T>, Findings) {
    let (mut notes, names) = (Vec::new(), Names::default());
    let Some(text) = text(bytes, &mut notes) else {
        return (None, Findings::resolve(notes, &[(path, "")]));
    };
    let root = yaml::read(0, text, Dialect::Full, &mut notes);
    let value = root.map(|root| {
        let mut reader = Reader { names: &names, notes: &mut notes, channels: BTreeMap::new() };
        read(&root, &mut reader)
    });
    (value, Findings::resolve(notes, &[(path, text)]))
}

/// The text of a file that is not too large.
fn text<'a>(bytes: &'a [u8], notes: &mut Vec<Note>) -> Option<&'a str> {
    let mut refuse = |rule, line, message, hint: &str| {
        let at = Spot { line, ..Spot::top(0) };
        notes.push(Note { at, rule, message, hint: Some(hint.to_owned()) });
        None
    };
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("a file has at most {FILE_BYTES_MAX} bytes, this one has {}", bytes.len());
        return refuse(&demand::TOO_MUCH, 1, message, "split it");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            refuse(&demand::ENCODING, line, format!("line {line} is not UTF-8"), "save the file as UTF-8")
        }
    }
}
