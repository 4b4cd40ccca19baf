//! What the screens about logs show: log events with how many there were over time, and the patterns of their lines.

use askama::Template;
use kernel::Timestamp;

use super::filters;
use super::{Chip, Chrome};

/// What is looked for, as it stands in the form.
#[derive(Debug, Clone, Default)]
pub struct LogForm {
    /// What the events must say.
    pub text: String,
    /// Of which service.
    pub service: String,
    /// At least how bad; empty for any.
    pub level: String,
    /// How far back, as a duration; empty when `from` says it.
    pub since: String,
    /// From when on, in the reader's zone; empty when `since` says it.
    pub from: String,
    /// Until when, likewise.
    pub until: String,
    /// The number of the pattern; empty for any.
    pub pattern: String,
    /// The trace; empty for any.
    pub trace: String,
    /// An attribute, as `name` or `name=value`; empty for any.
    pub attribute: String,
    /// The source that is looked into; empty for our own store.
    pub source: String,
}

/// *Logs*: log events, newest first.
#[derive(Debug, Clone, Template)]
#[template(path = "logs.html")]
pub struct LogsPage {
    /// The frame.
    pub chrome: Chrome,
    /// What is looked for.
    pub form: LogForm,
    /// The words of the pattern that is looked for.
    pub pattern: String,
    /// The levels to choose from.
    pub levels: Vec<&'static str>,
    /// How far back one may look: durations and words.
    pub ranges: Vec<(&'static str, &'static str)>,
    /// The services that logs came from.
    pub services: Vec<String>,
    /// The sources of log events to choose from.
    pub sources: Vec<String>,
    /// How the source does that is looked into, in words; empty when it is our own store.
    pub state: String,
    /// Whether new events are shown as they come.
    pub follows: bool,
    /// The query of this page without what follows and where it goes on.
    pub query: String,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// How many events there were over time.
    pub volume: Bars,
    /// The events.
    pub events: Vec<EventRow>,
    /// How many events are kept.
    pub kept: u64,
    /// The address where it goes on, when there is more.
    pub next: Option<String>,
    /// Whether everything was looked at.
    pub whole: bool,
    /// Blocks that could not be read, and why.
    pub damaged: Vec<String>,
}

/// A log event.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// How bad.
    pub level: Chip,
    /// The service.
    pub service: String,
    /// What it says.
    pub body: String,
    /// What else it says: names and values.
    pub attributes: Vec<(String, String)>,
    /// The trace that it belongs to.
    pub trace: String,
    /// Where that trace is.
    pub trace_href: String,
    /// The address of the events that are like it.
    pub like: Option<String>,
}

/// How many events there were over time, drawn as bars; the sentence under it says the same.
#[derive(Debug, Clone, Default)]
pub struct Bars {
    /// The bars, the oldest first; pieces without events have none.
    pub bars: Vec<Bar>,
    /// Places along the bottom with their time in words.
    pub times: Vec<(u32, String)>,
    /// The events in all.
    pub total: u64,
    /// Those that are at least errors.
    pub errors: u64,
    /// The most events of one piece.
    pub most: u64,
    /// From when on events are counted, when that is not the beginning.
    pub counted_from: Option<Timestamp>,
    /// Where the part begins that is not counted ends, in the units of the drawing.
    pub uncounted: u32,
}

/// The events of one piece of time.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its place from the left.
    pub x: u32,
    /// Errors, warnings and others, from the bottom up: class, top and height of each.
    pub parts: Vec<(&'static str, u32, u32)>,
    /// What it says.
    pub words: String,
    /// The address of the events of this time.
    pub href: String,
}

/// *Patterns*: what the lines of logs have in common.
#[derive(Debug, Clone, Template)]
#[template(path = "patterns.html")]
pub struct PatternsPage {
    /// The frame.
    pub chrome: Chrome,
    /// What the patterns must say.
    pub text: String,
    /// Of which service.
    pub service: String,
    /// The services that logs came from.
    pub services: Vec<String>,
    /// The patterns.
    pub patterns: Vec<PatternRow>,
    /// How many there are.
    pub total: usize,
    /// The address of the ones that follow, when there are more.
    pub next: Option<String>,
    /// What was found lately.
    pub findings: Vec<FindingRow>,
    /// What is said of the logs that are watched.
    pub notes: Vec<String>,
    /// Whether no log is watched yet.
    pub none: bool,
}

/// A pattern.
#[derive(Debug, Clone)]
pub struct PatternRow {
    /// The service.
    pub service: String,
    /// Its words.
    pub text: String,
    /// Where its events are.
    pub href: String,
    /// Where its rate is plotted.
    pub plot: String,
    /// The worst level of its lines.
    pub level: Chip,
    /// Whether it is new, or its rate is off.
    pub marks: Vec<Chip>,
    /// How many lines it has had, in few characters.
    pub lines: String,
    /// When its first line came.
    pub first: Timestamp,
    /// When its last line came.
    pub last: Timestamp,
    /// One of its lines.
    pub example: String,
    /// Its lines a minute over the last hour, as a path; empty when there are none.
    pub spark: String,
    /// The same in words.
    pub trend: String,
}

/// Something that was found.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// When.
    pub at: Timestamp,
    /// What.
    pub mark: Chip,
    /// The service.
    pub service: String,
    /// The words of the pattern.
    pub text: String,
    /// Where its events are.
    pub href: String,
    /// How many lines, in words.
    pub says: String,
}
