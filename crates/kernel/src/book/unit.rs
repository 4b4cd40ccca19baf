//! Unit tests of rules in promtool's form, as data. How they are run: `signals::unit`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rules::Place;

/// How often rules are evaluated in a test that does not say.
pub const EVALUATION_INTERVAL: Duration = Duration::from_secs(60);

/// One file of unit tests.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFile {
    /// Its path, as reports name it.
    pub path: String,
    /// The rule files, as patterns relative to this file.
    pub rule_files: Vec<String>,
    /// How often rules are evaluated.
    pub evaluation_interval: Duration,
    /// The names of groups that are evaluated first, in this order.
    pub group_eval_order: Vec<String>,
    /// Whether two numbers that differ in the last bit are equal.
    pub fuzzy_compare: bool,
    /// The tests.
    pub tests: Vec<Test>,
}

/// Series, and what rules and queries must make of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Test {
    /// Its name; may be empty.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// How far apart the samples of the series are.
    pub interval: Duration,
    /// When the series begin, in milliseconds since 1970.
    pub start: i64,
    /// The series.
    pub input: Vec<InputSeries>,
    /// The alerts that must fire.
    pub alerts: Vec<AlertTest>,
    /// The answers that queries must give.
    pub queries: Vec<QueryTest>,
    /// Labels that templates see as `$externalLabels`.
    pub external_labels: BTreeMap<String, String>,
    /// What templates see as `$externalURL`.
    pub external_url: String,
}

/// A series in the notation of `promqltest`: `up{job="a"}` and `1 1 _ 0x3`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InputSeries {
    /// Where it stands.
    pub at: Place,
    /// Its name and labels.
    pub series: String,
    /// Its samples.
    pub values: String,
}

/// The alerts of one name that fire at one time; no others may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertTest {
    /// Where it stands.
    pub at: Place,
    /// When, from the start.
    pub eval_time: Duration,
    /// The alert's name.
    pub alertname: String,
    /// The alerts, in any order.
    pub expected: Vec<ExpectedAlert>,
}

/// An alert that must fire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ExpectedAlert {
    /// Its labels without `alertname`.
    pub labels: BTreeMap<String, String>,
    /// Its annotations, rendered.
    pub annotations: BTreeMap<String, String>,
}

/// The answer that a query must give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryTest {
    /// Where it stands.
    pub at: Place,
    /// The query.
    pub expr: String,
    /// When, from the start.
    pub eval_time: Duration,
    /// The samples, in any order.
    pub expected: Vec<ExpectedSample>,
}

/// A sample of an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedSample {
    /// Its name and labels: `up{job="a"}`.
    pub labels: String,
    /// Its value.
    pub value: f64,
    /// Its histogram in the notation of `promqltest`, where it is one; empty where not.
    pub histogram: String,
}
