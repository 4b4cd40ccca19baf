//! What the screens about single rules and about objectives show.

use askama::Template;
use kernel::Timestamp;

use super::filters;
use super::monitoring::RuleRow;
use super::{Chip, Chrome};

/// *SLOs*: every objective.
#[derive(Debug, Clone, Template)]
#[template(path = "slos.html")]
pub struct SlosPage {
    /// The frame.
    pub chrome: Chrome,
    /// The objectives, those that burn first.
    pub slos: Vec<SloRow>,
}

/// An objective.
#[derive(Debug, Clone)]
pub struct SloRow {
    /// The service that promises.
    pub service: String,
    /// Its name.
    pub name: String,
    /// What is promised, in words.
    pub description: String,
    /// What is promised, in numbers.
    pub promise: String,
    /// Whether it holds.
    pub state: Chip,
    /// How many times faster than allowed its budget burns; empty without samples.
    pub rate: String,
    /// The share of the budget that is left; empty without samples.
    pub left: String,
    /// The same for a meter, in percent.
    pub filled: u8,
    /// Whether nothing is left.
    pub spent: bool,
    /// Since when anything is known of the period.
    pub known_since: Option<Timestamp>,
    /// Each pair of windows.
    pub burns: Vec<BurnRow>,
    /// Its file and line.
    pub place: String,
    /// Where its rules are shown.
    pub rules: String,
    /// Why it is not known how it stands.
    pub error: Option<String>,
}

/// A pair of windows.
#[derive(Debug, Clone)]
pub struct BurnRow {
    /// `page` or `ticket`.
    pub urgency: &'static str,
    /// The two windows.
    pub windows: String,
    /// From which speed on it alerts.
    pub alerts_at: String,
    /// The speed over the short window.
    pub over_short: String,
    /// The speed over the long window.
    pub over_long: String,
    /// Whether both are above it.
    pub burning: bool,
}

/// One alerting rule.
#[derive(Debug, Clone, Template)]
#[template(path = "rule.html")]
pub struct RulePage {
    /// The frame.
    pub chrome: Chrome,
    /// The alert's name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its file.
    pub file: String,
    /// The objective of which it was made; empty for none.
    pub objective: String,
    /// The rules of this name in the group.
    pub rules: Vec<RuleRow>,
    /// From when on firings were counted.
    pub from: Timestamp,
    /// How noisy each was.
    pub noise: Vec<NoiseCard>,
}

/// How noisy a rule was.
#[derive(Debug, Clone)]
pub struct NoiseCard {
    /// The line of the rule.
    pub line: usize,
    /// How often it fired.
    pub firings: usize,
    /// What was counted, and how much.
    pub rows: Vec<(&'static str, String)>,
    /// What would have been quieter.
    pub suggestion: Option<String>,
}
