//! What *Backtest* shows: the form with what ran before, and one backtest.

use askama::Template;
use kernel::Timestamp;

use super::diff::Fate;
use super::filters;
use super::plot::Plot;
use super::scatter::Scatter;
use super::{Chip, Chrome};

/// *Backtest*: choose or write a rule.
#[derive(Debug, Clone, Template)]
#[template(path = "backtest.html")]
pub struct BacktestPage {
    /// The frame.
    pub chrome: Chrome,
    /// The rules in the form.
    pub rules: String,
    /// The rules to compare with.
    pub compare: String,
    /// The live rules to choose from: `GROUP/RULE`.
    pub live: Vec<String>,
    /// Which of them is chosen.
    pub chosen: String,
    /// How far back one may look: spans and words.
    pub histories: Vec<(&'static str, &'static str)>,
    /// Since when there are samples.
    pub oldest: Option<Timestamp>,
    /// What ran before, the newest first.
    pub before: Vec<JobRow>,
}

/// A backtest in the list.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// Its number.
    pub id: u64,
    /// The names of its rules.
    pub title: String,
    /// Who asked for it.
    pub by: String,
    /// When.
    pub asked: Timestamp,
    /// Where it stands.
    pub state: Chip,
}

/// One backtest.
#[derive(Debug, Clone, Template)]
#[template(path = "backtest-one.html")]
pub struct OnePage {
    /// The frame.
    pub chrome: Chrome,
    /// What it is about.
    pub row: JobRow,
    /// The first instant.
    pub start: Timestamp,
    /// The last.
    pub end: Timestamp,
    /// The time between them, as a form says it.
    pub history: String,
    /// How much is done in percent, while it is not over.
    pub running: Option<u8>,
    /// Whether the reader may cancel it.
    pub mine: bool,
    /// Why it failed.
    pub why: Option<String>,
    /// Why the file was replayed instant by instant.
    pub step_by_step: Option<String>,
    /// The rules, to be replayed again or changed.
    pub rules: String,
    /// The rules that it was compared with.
    pub compare: String,
    /// Each rule.
    pub cards: Vec<RuleCard>,
    /// Rule by rule what the comparison says, where there is one.
    pub differences: Vec<Difference>,
}

/// What one rule would have done.
#[derive(Debug, Clone)]
pub struct RuleCard {
    /// Its place on the page, from one.
    pub number: usize,
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Why its evaluations failed.
    pub error: Option<String>,
    /// The sides: the rule, and the one that it is compared with.
    pub sides: Vec<Side>,
    /// The numbers: what is counted, and the number of each side.
    pub numbers: Vec<(&'static str, Vec<String>)>,
    /// The firings, the newest first.
    pub firings: Vec<FiringRow>,
    /// How many firings are not listed.
    pub more: usize,
    /// The incidents of the services that it speaks about.
    pub incidents: Vec<IncidentRow>,
    /// The tunings as dots.
    pub scatter: Scatter,
    /// The tunings in a table.
    pub tunings: Vec<TuningRow>,
    /// The tuning to take.
    pub suggestion: Option<Advice>,
}

/// One side of a comparison.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it is called; empty where there is only one.
    pub title: &'static str,
    /// What the rule looked at.
    pub plot: Plot,
    /// How many series are not drawn.
    pub left_out: usize,
}

/// A firing.
#[derive(Debug, Clone)]
pub struct FiringRow {
    /// When it was raised.
    pub raised: Timestamp,
    /// How long it lasted, in words.
    pub lasted: String,
    /// Whether it was over soon, or not at all.
    pub state: Option<Chip>,
    /// Its labels in words.
    pub labels: String,
}

/// An incident, and whether the rule would have caught it.
#[derive(Debug, Clone)]
pub struct IncidentRow {
    /// Its name.
    pub id: String,
    /// Its address.
    pub href: String,
    /// When it was declared.
    pub declared: Timestamp,
    /// Caught or missed.
    pub verdict: Chip,
    /// How early, in words.
    pub early: String,
}

/// A tuning.
#[derive(Debug, Clone)]
pub struct TuningRow {
    /// Own, suggested, best or nothing.
    pub mark: Option<Chip>,
    /// Its numbers in words.
    pub says: String,
    /// How often it fires.
    pub firings: usize,
    /// The share that was over soon, in words.
    pub short: String,
    /// How late it fires, in words.
    pub late: String,
    /// How late it clears, in words.
    pub lingers: String,
    /// How much of what lasted it keeps, in words.
    pub kept: String,
    /// How many incidents it catches, in words.
    pub caught: String,
}

/// The tuning to take.
#[derive(Debug, Clone)]
pub struct Advice {
    /// Why.
    pub reason: String,
    /// What to change, line by line.
    pub diff: Vec<(Fate, String)>,
    /// The rule in that tuning.
    pub after: String,
    /// The rule as it is.
    pub before: String,
}

/// How a rule differs between two files.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Its group and name.
    pub rule: String,
    /// How often it fires in the first.
    pub before: String,
    /// How often in the other.
    pub after: String,
    /// How many firings are only in the first.
    pub lost: usize,
    /// How many are only in the other.
    pub new: usize,
}
