//! What the screen about security rules shows.

use askama::Template;
use kernel::Timestamp;

use super::filters;
use super::{Chip, Chrome};

/// *Security rules*: every Sigma rule with what it found.
#[derive(Debug, Clone, Template)]
#[template(path = "sigma.html")]
pub struct SecurityPage {
    /// The frame.
    pub chrome: Chrome,
    /// How many rules are in use.
    pub rules: usize,
    /// Of how many of them something is raised.
    pub standing: usize,
    /// How many are to be tuned.
    pub tuning: usize,
    /// How many are on trial.
    pub shadow: usize,
    /// How many log events were looked at.
    pub events: u64,
    /// How many were left out.
    pub left_out: u64,
    /// How many came too late for correlations.
    pub too_late: u64,
    /// Exceptions that are past their last day.
    pub expired: Vec<ExceptionRow>,
    /// What of the files is not in use, and why.
    pub not_in_use: Vec<String>,
    /// How much more is not in use.
    pub more_not_in_use: usize,
    /// The rules that are looked for, those that ask for somebody first.
    pub rows: Vec<SecurityRow>,
    /// How many more there are.
    pub more: usize,
    /// What is looked for.
    pub text: String,
}

/// A Sigma rule.
#[derive(Debug, Clone)]
pub struct SecurityRow {
    /// The name by which its signals are known.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its file.
    pub file: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// How bad a match is.
    pub level: Chip,
    /// What is done with its matches.
    pub state: Chip,
    /// How many matches came in during the last 24 hours.
    pub in_a_day: u64,
    /// When the last one came in.
    pub last: Option<Timestamp>,
    /// How often it was right, in words.
    pub precision: String,
    /// What is excepted from it.
    pub exceptions: Vec<ExceptionRow>,
    /// Placeholders that no pipeline fills; empty when there is none.
    pub waits_for: String,
    /// Its last matches.
    pub matches: Vec<MatchRow>,
}

/// An exception.
#[derive(Debug, Clone)]
pub struct ExceptionRow {
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// Why these events are harmless.
    pub reason: String,
    /// Its last day.
    pub expires: String,
}

/// A match.
#[derive(Debug, Clone)]
pub struct MatchRow {
    /// When it happened.
    pub at: Timestamp,
    /// The alert that it belongs to, or would.
    pub alert: String,
    /// Whether that alert is raised.
    pub raised: bool,
    /// What it rests on.
    pub evidence: String,
    /// The group, in words.
    pub group: String,
}
