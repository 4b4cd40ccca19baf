//! The parts of a watchbook that others know how to read: rule files in Prometheus' form, and service-level objectives.
//!
//! What is bad in them refuses the book, or is left out with its name, as the book says ([`OnBadRule`]). What only the room
//! `signals` can say of them, such as that a template cannot be parsed, comes by [`Reading::finish`]: this crate does not
//! know the room.

use kernel::book::Book;
use kernel::book::rules::{LeftOut, OnBadRule};

use super::files::{Place, Source};
use super::finding::{Note, Spot};
use super::{Findings, Level, Rule};
use crate::{rules, slo};

/// Finishes a book that was read, and says what is wrong with it. What it is about, it has taken out.
pub type Finish<'a> = &'a dyn Fn(&mut Book) -> Vec<Further>;

/// How a watchbook is read.
#[derive(Default)]
pub struct Reading<'a> {
    /// What becomes of a bad rule, whatever the book says.
    pub on_bad_rule: Option<OnBadRule>,
    /// What only others can do with it.
    pub finish: Option<Finish<'a>>,
}

/// Something that is wrong by somebody else's judgement.
#[derive(Debug, Clone)]
pub struct Further {
    /// By which rule.
    pub rule: &'static Rule,
    /// What it is about, and why it is bad.
    pub about: LeftOut,
    /// A way out.
    pub hint: String,
}

/// Reads these parts into a book.
pub(super) fn add(sources: &[Source], reading: &Reading<'_>, book: &mut Book, findings: &mut Findings) {
    let on_bad_rule = reading.on_bad_rule.unwrap_or(book.on_bad_rule);
    book.on_bad_rule = on_bad_rule;
    for source in sources.iter().filter(|source| source.whole) {
        match source.place {
            Some(Place::Prometheus) => add_rules(source, book, findings),
            Some(Place::Objectives) => add_objectives(source, book, findings),
            Some(Place::Plugins) => match slo::plugins(&source.path, source.text.as_bytes()) {
                Ok(plugins) => book.objectives.plugins.extend(plugins),
                Err(wrong) => findings.join(wrong),
            },
            _ => {}
        }
    }
    let groups = book.rule_files.iter().flat_map(|file| &file.groups);
    book.alerting = groups.flat_map(|group| group.rule_names()).collect();
    if let Some(finish) = reading.finish {
        let further = finish(book);
        add_further(sources, further, book, findings);
    }
    book.left_out.sort();
}

fn add_rules(source: &Source, book: &mut Book, findings: &mut Findings) {
    let checked = rules::check(&source.path, source.text.as_bytes());
    if book.on_bad_rule == OnBadRule::Refuse {
        return match checked.whole() {
            Ok(file) => book.rule_files.push(file),
            Err(wrong) => findings.join(wrong),
        };
    }
    let wrong = checked.findings.clone();
    match checked.rest() {
        Err(wrong) => findings.join(wrong),
        Ok((file, refused)) => {
            book.rule_files.push(file);
            let left_out = |refused: rules::Refused| {
                let why = wrong.iter().find(|finding| finding.line >= refused.line);
                LeftOut {
                    file: source.path.clone(),
                    line: refused.line,
                    what: refused.to_string(),
                    message: why.map(|finding| finding.message.clone()).unwrap_or_default(),
                }
            };
            book.left_out.extend(refused.into_iter().map(left_out));
            findings.join(wrong.softened());
        }
    }
}

fn add_objectives(source: &Source, book: &mut Book, findings: &mut Findings) {
    let checked = slo::check(&source.path, source.text.as_bytes());
    let placed =
        |found: slo::Found| kernel::book::slo::Placed { file: source.path.clone(), line: found.line, slo: found.slo };
    book.objectives.slos.extend(checked.slos.into_iter().map(placed));
    book.objectives.windows.extend(checked.windows);
    if book.on_bad_rule == OnBadRule::Refuse {
        return findings.join(checked.findings);
    }
    let errors = checked.findings.iter().filter(|finding| finding.severity == Level::Error);
    let left_out = errors.map(|finding| LeftOut {
        file: source.path.clone(),
        line: finding.line,
        what: "an objective".to_owned(),
        message: finding.message.clone(),
    });
    book.left_out.extend(left_out);
    findings.join(checked.findings.softened());
}

/// Adds what somebody else found, and what was left out because of it.
fn add_further(sources: &[Source], further: Vec<Further>, book: &mut Book, findings: &mut Findings) {
    let texts: Vec<(&str, &str)> = sources.iter().map(|source| (&*source.path, &*source.text)).collect();
    let note = |Further { rule, about, hint }: &Further| {
        let file = sources.iter().position(|source| source.path == about.file).unwrap_or(usize::MAX);
        let at = Spot { line: about.line, ..Spot::top(file) };
        Note { at, rule, message: format!("{}: {}", about.what, about.message), hint: Some(hint.clone()) }
    };
    let found = Findings::resolve(further.iter().map(note).collect(), &texts);
    if book.on_bad_rule == OnBadRule::LoadTheRest {
        book.left_out.extend(further.into_iter().map(|further| further.about));
        return findings.join(found.softened());
    }
    findings.join(found);
}
