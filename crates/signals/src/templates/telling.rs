//! What a signal about a log says to people: its labels, its annotations, and its value. Decides nothing.

use kernel::Labels;
use kernel::book::{LogFinding, LogWatch};
use kernel::time::{Timestamp, between};

use super::stream::Finding;
use crate::{Change, words};

/// How many templates a signal names.
pub const NAMED_MAX: usize = 5;
/// The longest template that is named whole, in bytes.
const TEMPLATE_BYTES_MAX: usize = 300;

/// What a signal says.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// The labels of its alert.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// How many templates it is about.
    pub value: f64,
}

/// What identifies the signal about a service: nothing where the service is not known.
#[must_use]
pub fn identity(service: &str) -> Labels {
    let named = Some(("service", service)).filter(|(_, name)| !name.is_empty());
    Labels::from_pairs(named).unwrap_or_default()
}

/// The labels of the alert: those of the watchbook, the service, and what was found.
#[must_use]
pub fn labels(what: LogFinding, watch: &LogWatch, service: &str) -> Labels {
    let name = Labels::from_pairs([("alertname", what.alert_name())]).unwrap_or_default();
    let fixed = identity(service).with(&name).unwrap_or(name);
    watch.labels.with(&fixed).unwrap_or(fixed)
}

/// What is told of findings of one kind in the log of a service. `change` is the last change of the service, where one was
/// reported shortly before; `page` is where the patterns are shown.
#[must_use]
pub fn tell(
    what: LogFinding,
    watch: &LogWatch,
    service: &str,
    findings: &[Finding],
    change: Option<&Change>,
    page: &str,
) -> Telling {
    let named = findings.iter().take(NAMED_MAX).map(one);
    let mut lines: Vec<String> = named.collect();
    if findings.len() > NAMED_MAX {
        lines.push(format!("and {} more", findings.len() - NAMED_MAX));
    }
    let found_at = findings.iter().map(|finding| finding.at).min();
    let after = change.zip(found_at).map(|(change, at)| since(change, at));
    let summary = summary(what, service, findings, after.as_deref());
    let description = lines.join("\n");
    let mut texts = vec![("summary", words::cut(&summary)), ("description", words::cut(&description))];
    texts.extend(Some(("logs", page)).filter(|(_, page)| !page.is_empty()));
    texts.extend(after.as_deref().map(|after| ("change", words::cut(after))));
    let only = || Labels::from_pairs([("summary", words::cut(&summary))]).unwrap_or_default();
    Telling {
        labels: labels(what, watch, service),
        annotations: Labels::from_pairs(texts).unwrap_or_else(|_| only()),
        value: findings.len() as f64,
    }
}

fn summary(what: LogFinding, service: &str, findings: &[Finding], after: Option<&str>) -> String {
    let of = if service.is_empty() { "an unnamed service" } else { service };
    let worst = findings.iter().max_by_key(|finding| finding.lines);
    let first = worst.map_or("", |finding| short(&finding.template));
    let counted = |one: &str, many: &str| match findings.len() {
        1 => one.to_owned(),
        n => format!("{n} {many}"),
    };
    let said = match what {
        LogFinding::New => format!("{of} logs {}: {first}", counted("a new pattern", "new patterns")),
        LogFinding::More => format!("{of} logs far more of {}: {first}", counted("a pattern", "patterns")),
        LogFinding::Fewer => format!("{of} logs far less of {}: {first}", counted("a pattern", "patterns")),
    };
    after.map_or_else(|| said.clone(), |after| format!("{said} ({after})"))
}

fn one(finding: &Finding) -> String {
    let template = short(&finding.template);
    match finding.what {
        LogFinding::New => format!("{} {template} ({} lines so far)", finding.level, finding.lines),
        LogFinding::More | LogFinding::Fewer => {
            format!("{} {template} ({} lines a minute, usually {:.0})", finding.level, finding.lines, finding.usual)
        }
    }
}

fn since(change: &Change, at: Timestamp) -> String {
    format!("{} after the change {:?}", between(change.at, at), short(&change.summary))
}

fn short(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEMPLATE_BYTES_MAX)).unwrap_or(text)
}
