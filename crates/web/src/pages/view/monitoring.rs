//! What the screens about monitoring data show: rules, queries, checks.

use askama::Template;
use kernel::Timestamp;

use super::filters;
use super::plot::Plot;
use super::{Chip, Chrome, Named};

/// *Rules*: every group with its rules and their alerts.
#[derive(Debug, Clone, Template)]
#[template(path = "rules.html")]
pub struct RulesPage {
    /// The frame.
    pub chrome: Chrome,
    /// The groups, in order of file.
    pub groups: Vec<GroupRow>,
    /// How many alerts fire and how many are pending.
    pub firing: usize,
    /// How many are pending.
    pub pending: usize,
    /// How many rules fail.
    pub failing: usize,
    /// What was left out when the watchbook was read.
    pub left_out: Vec<LeftOutRow>,
    /// How many objectives there are.
    pub slos: usize,
    /// What is looked for.
    pub text: String,
}

/// A rule or an objective that was left out.
#[derive(Debug, Clone)]
pub struct LeftOutRow {
    /// What it is.
    pub what: String,
    /// Its file and line.
    pub place: String,
    /// Why.
    pub message: String,
}

/// A group of rules.
#[derive(Debug, Clone)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The objective of which it was made; empty for none.
    pub objective: String,
    /// Whether its rules are behind a fold, because they only record for an objective and none fails.
    pub folded: bool,
    /// The source that it is evaluated over; empty for our own samples.
    pub source: String,
    /// The node that evaluates it, where such groups are shared out.
    pub node: Option<String>,
    /// How often it is evaluated, in words.
    pub interval: String,
    /// When it was last evaluated.
    pub evaluated: Option<Timestamp>,
    /// How long that took, in words.
    pub took: String,
    /// How many evaluations were missed.
    pub missed: u64,
    /// Its rules.
    pub rules: Vec<RuleRow>,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// Where its own screen is, when it raises alerts.
    pub page: String,
    /// Whether it raises alerts.
    pub alerting: bool,
    /// Its query.
    pub query: String,
    /// The address where its query is plotted.
    pub explore: String,
    /// How long its condition must hold, in words; empty for at once.
    pub hold: String,
    /// Its state.
    pub state: Chip,
    /// Why it fails.
    pub error: Option<String>,
    /// The line of its file.
    pub line: usize,
    /// Its alerts.
    pub alerts: Vec<AlertRow>,
    /// How many more alerts there are.
    pub more: usize,
}

/// An alert of a rule.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Its labels in words.
    pub labels: String,
    /// What it says.
    pub summary: String,
    /// Firing, pending, missing or flapping.
    pub state: Chip,
    /// Since when its condition holds.
    pub since: Timestamp,
    /// The value.
    pub value: String,
}

/// *Explore*: a query, its plot and its table.
#[derive(Debug, Clone, Template)]
#[template(path = "explore.html")]
pub struct ExplorePage {
    /// The frame.
    pub chrome: Chrome,
    /// The query.
    pub query: String,
    /// How far back, in seconds.
    pub range: i64,
    /// The ranges to choose from: seconds and words.
    pub ranges: Vec<(i64, &'static str)>,
    /// What is wrong with the query.
    pub error: Option<String>,
    /// What is odd about the answer.
    pub warnings: Vec<String>,
    /// The plot.
    pub plot: Plot,
    /// The series with their last values.
    pub rows: Vec<SeriesRow>,
    /// How many series there are.
    pub series: usize,
    /// The time that the query took, in milliseconds.
    pub took: u128,
    /// Queries to begin with.
    pub examples: Vec<Named>,
}

/// A series of an answer.
#[derive(Debug, Clone)]
pub struct SeriesRow {
    /// The number of its colour, where it is drawn.
    pub hue: Option<usize>,
    /// What names it.
    pub label: String,
    /// Its last value.
    pub value: String,
}

/// *Checks*: health checks and what they found.
#[derive(Debug, Clone, Template)]
#[template(path = "checks.html")]
pub struct ChecksPage {
    /// The frame.
    pub chrome: Chrome,
    /// The checks, failing ones first.
    pub checks: Vec<CheckRow>,
    /// The targets that are scraped, those that are down first.
    pub targets: Vec<TargetRow>,
    /// How many more of them there are.
    pub more: usize,
    /// What is wrong with scrape jobs and files of targets.
    pub troubles: Vec<String>,
}

/// A target that is scraped.
#[derive(Debug, Clone)]
pub struct TargetRow {
    /// Its job.
    pub job: String,
    /// What tells it apart.
    pub instance: String,
    /// Its address.
    pub url: String,
    /// Its state.
    pub state: Chip,
    /// What is wrong.
    pub why: String,
    /// How many samples it gave, and how many of them were kept.
    pub samples: String,
    /// How often it is asked, in words.
    pub every: String,
    /// When it was last asked.
    pub at: Option<Timestamp>,
    /// How long the answer took.
    pub took: String,
}

/// A health check.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// Its name.
    pub name: String,
    /// The service it speaks for.
    pub service: Named,
    /// What is asked.
    pub asks: String,
    /// How often, in words.
    pub every: String,
    /// Its state.
    pub state: Chip,
    /// What was wrong.
    pub why: String,
    /// Why nobody is paged for it; empty where nothing keeps that back.
    pub muted: String,
    /// When it was last asked.
    pub at: Option<Timestamp>,
    /// How long the answer took, in milliseconds.
    pub latency_ms: Option<u32>,
}
