//! Files of service-level objectives, read into the kernel's words with every place kept: OpenSLO (`openslo/v1alpha`,
//! `openslo/v1`) and sloth's `prometheus/v1`, `PrometheusServiceLevel` and `AlertWindows`. A file may have several documents.
//!
//! [`check`] reports everything that is wrong at once. Each form takes a block `watchkeeper:` beside its own keys, at the
//! objective (sloth) or in `spec` (OpenSLO): `min_events`, `drop` (a list of tiers) and `period`.
//!
//! Not checked here: the queries, which are filled and parsed when rules are made of them.

mod demand;
mod field;
mod openslo;
mod sloth;
#[cfg(test)]
mod tests;
mod written;

use std::collections::BTreeMap;

use kernel::book::slo::{Slo, Windows};

pub use demand::{DEMANDS, RULES};
pub use written::{Written, written_alerts};

use crate::watchbook::finding::{Note, Spot};
use crate::watchbook::shape::{Names, Reader};
use crate::watchbook::yaml::{self, Dialect, Node};
use crate::watchbook::{Findings, Level, Rule};
use field::Entries;

/// The most bytes of one file.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most documents of one file.
pub const DOCUMENTS_MAX: usize = 1_000;
/// The most objectives of one file.
pub const SLOS_MAX: usize = 2_000;

/// What came of reading a file.
#[derive(Debug)]
pub struct Checked {
    /// The objectives that are good, in the order of the file.
    pub slos: Vec<Found>,
    /// Windows of one's own.
    pub windows: Vec<Windows>,
    /// Everything that was found, warnings included.
    pub findings: Findings,
}

/// An objective and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The objective.
    pub slo: Slo,
    /// Its line, from one.
    pub line: usize,
}

/// A document: its first line less one, its text and its tree.
struct Document<'a> {
    before: usize,
    text: &'a str,
}

/// Reads and checks a file.
#[must_use]
pub fn check(path: &str, bytes: &[u8]) -> Checked {
    let mut notes = Vec::new();
    let text = text(bytes, &mut notes).unwrap_or_default();
    let mut pile = Pile::default();
    for document in documents(text, &mut notes) {
        let mut own = Vec::new();
        if let Some(root) = yaml::read(0, document.text, Dialect::Full, &mut own) {
            let names = Names::default();
            let mut reader = Reader { names: &names, notes: &mut own, channels: BTreeMap::new() };
            pile.document(&root, document.before, &mut reader);
        }
        notes.extend(own.into_iter().map(|note| shifted(note, document.before)));
    }
    let slos = pile.finish(&mut notes);
    Checked { slos, windows: pile.windows, findings: Findings::resolve(notes, &[(path, text)]) }
}

/// Reads a file of plugins' queries: a map from the plugin's name to the share of bad events, with `{{.window}}` where the
/// range stands and `{{.options.NAME}}` for what the plugin is given.
///
/// # Errors
/// With everything that is wrong.
pub fn plugins(path: &str, bytes: &[u8]) -> Result<BTreeMap<String, String>, Findings> {
    let mut notes = Vec::new();
    let text = text(bytes, &mut notes).unwrap_or_default();
    let queries = yaml::read(0, text, Dialect::Full, &mut notes).map(|root| {
        let names = Names::default();
        let mut reader = Reader { names: &names, notes: &mut notes, channels: BTreeMap::new() };
        field::texts(&root, &mut reader)
    });
    if notes.is_empty() { Ok(queries.unwrap_or_default()) } else { Err(Findings::resolve(notes, &[(path, text)])) }
}

fn shifted(note: Note, lines: usize) -> Note {
    Note { at: Spot { line: note.at.line + lines, ..note.at }, ..note }
}

fn text<'a>(bytes: &'a [u8], notes: &mut Vec<Note>) -> Option<&'a str> {
    let mut refuse = |line, message: String, hint: &str| {
        let at = Spot { line, ..Spot::top(0) };
        notes.push(Note { at, rule: &demand::READABLE, message, hint: Some(hint.to_owned()) });
        None
    };
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("a file has at most {FILE_BYTES_MAX} bytes, this one has {}", bytes.len());
        return refuse(1, message, "split it");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            refuse(line, format!("line {line} is not UTF-8"), "save the file as UTF-8")
        }
    }
}

/// The documents of a file. A line that begins with `---` begins one, wherever it stands: YAML lets no text do so.
fn documents<'a>(text: &'a str, notes: &mut Vec<Note>) -> Vec<Document<'a>> {
    let mut starts = vec![(0, 0)];
    let mut at = 0;
    for (line, content) in text.split_inclusive('\n').enumerate() {
        let marked =
            content.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marked {
            starts.push((at, line));
        }
        at += content.len();
    }
    if starts.len() > DOCUMENTS_MAX {
        let message = format!("there are more than {DOCUMENTS_MAX} documents; the rest was not read");
        notes.push(Note { at: Spot::top(0), rule: &demand::READABLE, message, hint: Some("split the file".into()) });
        starts.truncate(DOCUMENTS_MAX);
    }
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let documents = starts.iter().zip(ends);
    let documents =
        documents.map(|((at, before), end)| Document { before: *before, text: text.get(*at..end).unwrap_or("") });
    documents.filter(|document| says_something(document.text)).collect()
}

fn says_something(text: &str) -> bool {
    let content = |line: &str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("---");
    text.lines().map(str::trim).any(content)
}

/// What was read so far.
#[derive(Default)]
struct Pile {
    slos: Vec<Found>,
    windows: Vec<Windows>,
    openslo: openslo::Pile,
}

impl Pile {
    /// Reads one document, whichever form it has.
    fn document(&mut self, root: &Node, before: usize, reader: &mut Reader<'_>) {
        let Some(entries) = reader.map(root) else { return };
        let mut word = |key| field::text_of(entries, key, reader).unwrap_or_default();
        let (version, api, kind) = (word("version"), word("apiVersion"), word("kind"));
        let place = |(slo, line): (Slo, usize)| Found { slo, line: line + before };
        match (version.as_str(), api.as_str(), kind.as_str()) {
            ("prometheus/v1", _, _) => self.slos.extend(sloth::plain(root, entries, reader).into_iter().map(place)),
            (_, "sloth.slok.dev/v1", "PrometheusServiceLevel") => {
                self.slos.extend(sloth::kubernetes(root, entries, reader).into_iter().map(place));
            }
            (_, "sloth.slok.dev/v1", "AlertWindows") => self.windows.extend(sloth::windows(root, entries, reader)),
            (_, api, kind) if api.starts_with("openslo/") => {
                self.openslo.document(root, entries, (api, kind), before, reader);
            }
            _ => {
                let hint = "begin with `version: prometheus/v1`, or give `apiVersion` and `kind` of sloth or OpenSLO";
                field::refuse(root.at, &demand::FORM, "this is no form of SLO that is known".into(), hint, reader);
            }
        }
    }

    /// What only the whole file shows: indicators that are referred to, and names that are given twice.
    fn finish(&mut self, notes: &mut Vec<Note>) -> Vec<Found> {
        let mut slos = std::mem::take(&mut self.slos);
        slos.extend(std::mem::take(&mut self.openslo).finish(notes));
        slos.sort_by_key(|found| found.line);
        if slos.len() > SLOS_MAX {
            let message = format!("there are more than {SLOS_MAX} objectives; the rest was not read");
            notes.push(Note {
                at: Spot::top(0),
                rule: &demand::READABLE,
                message,
                hint: Some("split the file".into()),
            });
            slos.truncate(SLOS_MAX);
        }
        let mut known = BTreeMap::new();
        slos.retain(|Found { slo, line }| {
            let Some(first) = known.get(&slo.id()) else {
                known.insert(slo.id(), *line);
                return true;
            };
            let message = format!("`{}` of `{}` is given twice, first on line {first}", slo.name, slo.service);
            let at = Spot { line: *line, ..Spot::top(0) };
            notes.push(Note { at, rule: &demand::TWICE, message, hint: Some("give one of them another name".into()) });
            false
        });
        slos
    }
}

/// Whether a finding is only a warning.
const fn warning(code: &'static str, demands: &'static str) -> Rule {
    Rule { code, level: Level::Warning, demands, masked: false }
}

/// The keys of a map; others leave a warning.
fn keys<'n>(node: &'n Node, known: &[&'static str], reader: &mut Reader<'_>) -> Option<&'n Entries> {
    let entries = reader.map(node)?;
    for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&&*key.text)) {
        let message = format!("the key `{}` is not read", key.text);
        let hint = crate::watchbook::suggest::hint(&key.text, known.iter().copied());
        reader.notes.push(Note { at: key.at, rule: &demand::KEY, message, hint });
    }
    Some(entries)
}
