//! Over which source each group of rules is evaluated: the one that the group or its file names, else the one whose patterns
//! fit the file, else our own samples.

use kernel::Book;
use kernel::book::rules::RuleFile;

use super::files::Source as File;
use super::finding::{Findings, Note, Spot};
use super::rule::{self, Rule};
use super::suggest;

/// Gives every group its source. A name that is not defined, and a file that two sources want, are noted.
pub(super) fn assign(book: &mut Book, files: &[File]) -> Findings {
    let mut notes = Vec::new();
    let texts: Vec<(&str, &str)> = files.iter().map(|file| (&*file.path, &*file.text)).collect();
    let sources = &book.sources;
    for file in &mut book.rule_files {
        let at = files.iter().position(|known| known.path == file.path).unwrap_or(0);
        let mut takers = sources.iter().filter(|(_, source)| source.takes(&file.path)).map(|(name, _)| name);
        let taker = takers.next().cloned();
        if let (Some(one), Some(other)) = (&taker, takers.next()) {
            let message = format!("the sources `{one}` and `{other}` both take the rules of this file");
            note(at, 1, &rule::SOURCE_TWICE, message, Some("narrow their `rules`".to_owned()), &mut notes);
        }
        for (line, name) in named(file) {
            let known = sources.iter().find(|(known, _)| known.as_str() == name).map(|(_, source)| source);
            if known.is_some_and(|source| source.tables().is_some()) {
                let hint = "rules over what its rows count as, such as `log_events_total`, need no source";
                let message =
                    format!("the source `{name}` holds log events and spans: no rule file is evaluated over it");
                note(at, line, &rule::SOURCE_KEYS, message, Some(hint.to_owned()), &mut notes);
            }
            if known.is_none() {
                let hint = suggest::hint(&name, sources.keys().map(kernel::SourceName::as_str));
                note(at, line, &rule::UNKNOWN_NAME, format!("there is no source `{name}`"), hint, &mut notes);
            }
        }
        for group in &mut file.groups {
            group.source = group.source.take().or_else(|| taker.clone());
        }
    }
    Findings::resolve(notes, &texts)
}

fn named(file: &RuleFile) -> Vec<(usize, String)> {
    file.groups.iter().filter_map(|group| Some((group.at.line, group.source.as_ref()?.to_string()))).collect()
}

fn note(file: usize, line: usize, rule: &'static Rule, message: String, hint: Option<String>, notes: &mut Vec<Note>) {
    notes.push(Note { at: Spot { line, ..Spot::top(file) }, rule, message, hint });
}
