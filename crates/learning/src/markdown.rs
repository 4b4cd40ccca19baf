//! A review as Markdown, for export and as the text that is published.

use std::fmt::Write as _;

use crate::state::Review;
use crate::words::Section;

/// The whole review.
#[must_use]
pub fn markdown(review: &Review) -> String {
    let source = &review.source;
    let mut out = format!("# {}: {}\n\n", source.incident, line(&source.title));
    // Writing into a text cannot fail.
    let _ = writeln!(out, "Severity {}, because {}.\n", source.severity, line(&source.severity_why));
    for section in Section::ALL {
        let text = review.section(section);
        let text = if text.trim().is_empty() { "Nothing is written yet." } else { text.trim() };
        let _ = writeln!(out, "## {}\n\n{text}\n", section.title());
    }
    out.push_str("## Timeline\n\n");
    for moment in &source.timeline {
        let _ = writeln!(out, "- {} ({}): {} [fact {}]", moment.at, moment.who, line(&moment.text), moment.seq);
    }
    out.push_str("\n## Actions\n\n");
    if review.actions.is_empty() {
        out.push_str("None.\n");
    }
    for action in &review.actions {
        let mark = if action.done.is_some() { "x" } else { " " };
        let kind = action.kind.as_str();
        let _ = writeln!(out, "- [{mark}] {} ({kind}, {}, due {})", line(&action.title), action.owner, action.due);
    }
    out
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
