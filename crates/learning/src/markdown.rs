//! A review as one Markdown document: the text that is published, and what is exported to a wiki or a repository.

use std::fmt::Write as _;

use kernel::Seconds;

use crate::draft::instant;
use crate::state::{Action, Review};
use crate::words::{Moment, Section};

/// The whole review. What people wrote as Markdown stays as they wrote it; everything else (titles, moments of the
/// timeline, evidence) is escaped, so that it can neither break the document nor mean markup.
#[must_use]
pub fn markdown(review: &Review) -> String {
    let mut out = String::new();
    head(&mut out, review);
    for section in Section::ALL {
        let text = review.section(section).trim();
        let text = if text.is_empty() { "Nothing is written yet." } else { text };
        push(&mut out, format_args!("\n## {}\n\n{text}\n", section.title()));
    }
    out.push_str("\n## Timeline\n\n");
    timeline(&mut out, &review.source.timeline);
    out.push_str("\n## Actions\n\n");
    actions(&mut out, &review.actions);
    out
}

fn head(out: &mut String, review: &Review) {
    let source = &review.source;
    let took = source.durations();
    let (from, to) = (instant(source.noticed_at()), instant(source.resolved_at));
    push(out, format_args!("# {}: {}\n\n", source.incident, escaped(&source.title)));
    push(out, format_args!("{}, because {}.\n\n", source.severity, escaped(source.severity_why.trim_end_matches('.'))));
    push(out, format_args!("From {from} to {to}.\n\n"));
    out.push_str("| acknowledged after | command taken after | users no longer hurt after | over after |\n");
    out.push_str("|---|---|---|---|\n");
    let [acknowledged, commanded, mitigated] = [took.acknowledge, took.command, took.mitigate].map(known);
    push(out, format_args!("| {acknowledged} | {commanded} | {mitigated} | {} |\n", took.resolve));
}

fn known(wait: Option<Seconds>) -> String {
    wait.map_or_else(|| "not recorded".to_owned(), |wait| wait.to_string())
}

fn timeline(out: &mut String, moments: &[Moment]) {
    if moments.is_empty() {
        out.push_str("Nothing was recorded.\n");
        return;
    }
    out.push_str("| when (UTC) | who | what | fact |\n|---|---|---|---|\n");
    for Moment { seq, at, who, text, .. } in moments {
        let at = at.strftime("%Y-%m-%d %H:%M:%S");
        push(out, format_args!("| {at} | {} | {} | {seq} |\n", escaped(who), escaped(text)));
    }
}

fn actions(out: &mut String, actions: &[Action]) {
    if actions.is_empty() {
        out.push_str("None.\n");
        return;
    }
    out.push_str("| | what | meant to | who | due | state |\n|---|---|---|---|---|---|\n");
    for Action { number, title, owner, due, kind, done, dropped } in actions {
        let state = match (done, dropped) {
            (Some((_, evidence)), _) => format!("done: {}", escaped(evidence)),
            (None, Some((_, why))) => format!("dropped: {}", escaped(why)),
            (None, None) => "open".to_owned(),
        };
        let (title, kind, owner) = (escaped(title), kind.as_str(), escaped(owner.as_str()));
        push(out, format_args!("| {number} | {title} | {kind} | {owner} | {due} | {state} |\n"));
    }
}

/// A text as one line in which nothing means markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in word.chars() {
            if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a text cannot fail.
    out.write_fmt(what).unwrap_or_default();
}
