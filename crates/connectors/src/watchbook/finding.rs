//! Findings: what is wrong with a watchbook, where, by which rule, and a way out. Not the rules: those are where they apply.

use std::fmt;

use serde::Serialize;

use super::rule::Rule;

/// The most findings that are kept; more are only counted.
pub const FINDINGS_MAX: usize = 500;
/// The most characters of the offending line that are shown.
const TEXT_CHARS_MAX: usize = 160;
/// How many characters of a long line are shown before the offending place.
const LEAD_CHARS: usize = 60;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The watchbook is refused.
    Error,
    /// It is accepted, but probably does not mean what its author wanted.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, relative to the watchbook's directory, with `/`.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// The column, from one, in characters.
    pub column: usize,
    /// The rule's code, such as `WB012`; codes are never given a new meaning.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Level,
    /// What is wrong, in one line.
    pub message: String,
    /// The offending line, cut when it is long and masked when it may hold a secret; empty when there is none.
    pub text: String,
    /// How many characters of `text` stand before the offending place.
    #[serde(skip)]
    lead: usize,
    /// How many characters the offending place has, at least one.
    #[serde(skip)]
    width: usize,
    /// A way out, when one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// All that is wrong with a watchbook, in order of place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    more: usize,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    /// The file, as an index into the sources.
    pub file: usize,
    /// The line, from one.
    pub line: usize,
    /// The column, from one, in characters.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
}

/// A finding before its file is looked at.
#[derive(Debug)]
pub(crate) struct Note {
    /// Where.
    pub at: Spot,
    /// By which rule.
    pub rule: &'static Rule,
    /// What.
    pub message: String,
    /// A way out.
    pub hint: Option<String>,
}

impl Spot {
    /// The beginning of a file.
    pub fn top(file: usize) -> Self {
        Self { file, line: 1, column: 1, width: 1 }
    }
}

impl Findings {
    /// Resolves notes against the files they are about: `(path, text)` by index.
    pub(crate) fn resolve(mut notes: Vec<Note>, sources: &[(&str, &str)]) -> Self {
        notes.sort_by(|a, b| (a.at, a.rule.code).cmp(&(b.at, b.rule.code)));
        let more = notes.len().saturating_sub(FINDINGS_MAX);
        let list = notes.into_iter().take(FINDINGS_MAX).map(|note| Finding::resolve(note, sources)).collect();
        Self { list, more }
    }

    /// Adds those of other files.
    pub(crate) fn join(&mut self, other: Self) {
        let room = FINDINGS_MAX.saturating_sub(self.list.len());
        self.more += other.more + other.list.len().saturating_sub(room);
        self.list.extend(other.list.into_iter().take(room));
        self.list.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    }

    /// The same as warnings: what they are about was left out, and refuses nothing.
    #[must_use]
    pub(crate) fn softened(mut self) -> Self {
        self.list.iter_mut().for_each(|finding| finding.severity = Level::Warning);
        self
    }

    /// The findings in order of file, line and column.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Finding> {
        self.list.iter()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many findings are of a level, among those that are kept.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.list.iter().filter(|finding| finding.severity == level).count()
    }

    /// For programs: the counts, and each finding as an object.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "errors": self.count(Level::Error),
            "warnings": self.count(Level::Warning),
            "not_shown": self.more,
            "findings": self.list,
        })
    }
}

impl Finding {
    fn resolve(note: Note, sources: &[(&str, &str)]) -> Self {
        let (path, text) = sources.get(note.at.file).copied().unwrap_or((".", ""));
        let line = line_of(text, note.at.line);
        let before = note.at.column.saturating_sub(1);
        let skipped = if line.chars().count() > TEXT_CHARS_MAX { before.saturating_sub(LEAD_CHARS) } else { 0 };
        let shown: Vec<char> = line.chars().skip(skipped).take(TEXT_CHARS_MAX).map(printable).collect();
        let lead = (before - skipped).min(shown.len());
        let width = note.at.width.clamp(1, shown.len().saturating_sub(lead).max(1));
        let secret = if note.rule.masked { lead } else { secret_from(path, &shown) };
        let masked = |(i, c): (usize, char)| if i >= secret && !c.is_whitespace() { '*' } else { c };
        Self {
            file: path.to_owned(),
            line: note.at.line,
            column: note.at.column,
            rule: note.rule.code,
            severity: note.rule.level,
            message: note.message,
            text: shown.into_iter().enumerate().map(masked).collect(),
            lead,
            width,
            hint: note.hint,
        }
    }
}

/// Where a line may begin to hold a secret, whatever else is wrong with it: files about channels are where people put one
/// under a key that they made up.
fn secret_from(path: &str, line: &[char]) -> usize {
    if !path.starts_with("channels") {
        return usize::MAX;
    }
    let line: String = line.iter().collect();
    let Some((key, value)) = line.split_once(':') else { return 0 };
    let harmless = match key.trim_start_matches([' ', '-']) {
        "kind" | "from" => true,
        "url" => !value.contains('@'),
        _ => value.trim().is_empty(),
    };
    if harmless { usize::MAX } else { key.chars().count() + 1 }
}

/// A line of a text, counted as YAML counts: `\n`, `\r\n` and `\r` end one.
fn line_of(text: &str, number: usize) -> &str {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    for _ in 1..number {
        let Some(end) = rest.find(['\n', '\r']) else { return "" };
        let (_, tail) = rest.split_at(end);
        rest = tail.strip_prefix("\r\n").unwrap_or(tail.get(1..).unwrap_or(""));
    }
    rest.split(['\n', '\r']).next().unwrap_or("")
}

/// Control characters would reach a terminal; a tab keeps its width in the line and under it.
fn printable(c: char) -> char {
    if c.is_control() && c != '\t' { '\u{fffd}' } else { c }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.severity == Level::Warning { "warning: " } else { "" };
        let Self { file, line, column, rule, message, .. } = self;
        writeln!(f, "{file}:{line}:{column}: {level}{message} [{rule}]")?;
        if !self.text.trim().is_empty() {
            let gutter = line.to_string();
            let blank = " ".repeat(gutter.len());
            let pad: String = self.text.chars().take(self.lead).map(|c| if c == '\t' { c } else { ' ' }).collect();
            writeln!(f, "  {gutter} | {}", self.text)?;
            writeln!(f, "  {blank} | {pad}{}", "^".repeat(self.width))?;
        }
        self.hint.as_ref().map_or(Ok(()), |hint| writeln!(f, "  hint: {hint}"))
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.iter().try_for_each(|finding| write!(f, "{finding}"))?;
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
