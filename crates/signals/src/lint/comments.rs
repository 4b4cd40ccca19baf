//! Comments that say something to the linter: Watchkeeper's own and pint's.
//!
//! ```text
//! # watchkeeper disable alerts/for The exporter is slow.        within a rule, or directly above it
//! # watchkeeper file/disable alerts/dashboard No dashboards.    anywhere in the file
//! # watchkeeper owner payments    # watchkeeper file/owner payments
//! # pint disable promql/rate      # pint file/disable promql/rate      # pint rule/owner bob    # pint file/owner bob
//! # pint ignore/line    # pint ignore/next-line    # pint ignore/begin .. # pint ignore/end    # pint ignore/file
//! ```

use kernel::book::rules::{Place, RuleFile};

use super::codes::{CODES, COMMENT_REASON, COMMENT_UNKNOWN};
use super::{Finding, Sink};

/// What the comments of a file say.
#[derive(Debug, Default)]
pub(super) struct Comments {
    disables: Vec<Disable>,
    owners: Vec<Owner>,
    /// First and last lines that are ignored.
    ignored: Vec<(usize, usize)>,
    /// Whether each line is a comment or blank, by line from one.
    quiet: Vec<bool>,
}

#[derive(Debug)]
struct Disable {
    line: usize,
    code: String,
    whole_file: bool,
    reason: String,
    ours: bool,
}

#[derive(Debug)]
struct Owner {
    line: usize,
    whole_file: bool,
}

impl Comments {
    /// Reads the comments of a text.
    pub fn read(text: &str) -> Self {
        let mut comments = Self::default();
        let mut begun = None;
        for (line, number) in text.lines().zip(1..) {
            let trimmed = line.trim_start();
            comments.quiet.push(trimmed.is_empty() || trimmed.starts_with('#'));
            let Some((ours, words)) = addressed(line) else { continue };
            let (verb, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            match verb {
                "ignore/begin" => begun = Some(number),
                "ignore/end" => comments.ignored.extend(begun.take().map(|first| (first, number))),
                "ignore/line" => comments.ignored.push((number, number)),
                "ignore/next-line" => comments.ignored.push((number + 1, number + 1)),
                "ignore/file" => comments.ignored.push((1, usize::MAX)),
                "disable" | "file/disable" => comments.disable(number, verb == "file/disable", ours, rest),
                "snooze" | "file/snooze" => {
                    let code = rest.trim().split_once(char::is_whitespace).map_or("", |(_, code)| code);
                    comments.disable(number, verb == "file/snooze", ours, code);
                }
                "owner" | "rule/owner" | "file/owner" if !rest.trim().is_empty() => {
                    comments.owners.push(Owner { line: number, whole_file: verb == "file/owner" });
                }
                _ => {}
            }
        }
        comments.ignored.extend(begun.map(|first| (first, usize::MAX)));
        comments
    }

    fn disable(&mut self, line: usize, whole_file: bool, ours: bool, rest: &str) {
        let (code, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        // pint may name a part of a finding in parentheses behind the code.
        let code = code.split('(').next().unwrap_or_default().to_owned();
        self.disables.push(Disable { line, code, whole_file, reason: reason.trim().to_owned(), ours });
    }

    /// Whether a rule has an owner.
    pub fn has_owner(&self, at: Place) -> bool {
        self.owners.iter().any(|owner| owner.whole_file || self.belongs(owner.line, at))
    }

    /// Whether a finding is silenced.
    pub fn silence(&self, file: &RuleFile, finding: &Finding) -> bool {
        if self.ignored.iter().any(|(first, last)| (*first..=*last).contains(&finding.line)) {
            return true;
        }
        let place = place(file, finding);
        let meant = |disable: &&Disable| disable.code == finding.code;
        self.disables
            .iter()
            .filter(meant)
            .any(|disable| disable.whole_file || place.is_some_and(|place| self.belongs(disable.line, place)))
    }

    /// Whether a comment belongs to what stands at a place: it is within, or above with nothing but comments between.
    fn belongs(&self, line: usize, at: Place) -> bool {
        let between = || (line..at.line).all(|line| line > 0 && self.quiet.get(line - 1).copied().unwrap_or(false));
        (at.line..=at.last_line).contains(&line) || line < at.line && between()
    }
}

/// The words of a comment that is addressed to a linter, and whether to this one.
fn addressed(line: &str) -> Option<(bool, &str)> {
    let at = line.find("# watchkeeper ").map(|at| (at, "# watchkeeper ", true));
    let (at, mark, ours) = at.or_else(|| line.find("# pint ").map(|at| (at, "# pint ", false)))?;
    line.get(at + mark.len()..).map(|words| (ours, words.trim()))
}

/// The smallest rule or group that a finding is about.
fn place(file: &RuleFile, finding: &Finding) -> Option<Place> {
    let within = |place: &Place| (place.line..=place.last_line).contains(&finding.line);
    let rules = file.groups.iter().flat_map(|group| group.rules.iter().map(|rule| rule.at()));
    let groups = file.groups.iter().map(|group| group.at);
    rules.chain(groups).find(within)
}

/// Checks the comments themselves.
pub(super) fn check(file: &RuleFile, comments: &Comments, sink: &mut Sink<'_>) {
    for disable in comments.disables.iter().filter(|disable| disable.ours) {
        if CODES.iter().all(|code| code.code != disable.code) {
            let message = format!("the code `{}` does not exist", disable.code);
            sink.note(&COMMENT_UNKNOWN, file, "", disable.line, message);
        } else if disable.reason.is_empty() {
            let message = format!("`{}` is silenced without a reason", disable.code);
            sink.note(&COMMENT_REASON, file, "", disable.line, message);
        }
    }
}
