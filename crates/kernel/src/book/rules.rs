//! Rule files in Prometheus' form, as data: groups of recording and alerting rules, and what Watchkeeper adds to them.
//!
//! Expressions stay text here; whoever reads a file has checked that each can be parsed. What a rule makes of samples is
//! decided by `signals::alerting`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Threshold;
use crate::name::RuleName;

/// The most evaluations that a condition over several of them may span.
pub const EVALUATIONS_MAX: u8 = 64;
/// The marks at which an alert begins and ends to flap when a rule says nothing, in percent of weighted changes.
pub const FLAPPING_DEFAULT: (u8, u8) = (30, 20);

/// One file of rules.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleFile {
    /// Its path, as findings name it.
    pub path: String,
    /// Its groups in order; each name once.
    pub groups: Vec<Group>,
}

/// What becomes of a watchbook in which a rule or an objective is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadRule {
    /// The whole watchbook is refused, and the live one stays.
    #[default]
    Refuse,
    /// What is bad is left out and named; the rest is loaded.
    LoadTheRest,
}

/// A rule, a group or an objective that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// What it is, such as `rule "DiskFull" of group "disks"`.
    pub what: String,
    /// Why.
    pub message: String,
}

/// Where something stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The first line, from one.
    pub line: usize,
    /// The column of its beginning, from one, in characters.
    pub column: usize,
    /// The last line that belongs to it.
    pub last_line: usize,
}

/// Rules that are evaluated together, one after the other, so that a rule sees what those before it recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Group {
    /// Its name, once in a file.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// How often it is evaluated; the server's default when absent.
    pub interval: Option<Duration>,
    /// How much earlier than now its queries look; the server's default when absent.
    pub query_offset: Option<Duration>,
    /// The most alerts or series that one rule of it may make; more is an error of that rule.
    pub limit: Option<NonZeroU32>,
    /// Labels that every rule of it adds; a rule's own win.
    pub labels: BTreeMap<String, String>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "most rules are alerts, so a box would save nothing")]
pub enum Rule {
    /// Writes the answer of a query as series.
    Recording(Recording),
    /// Raises an alert for each series in the answer of a query.
    Alerting(Alerting),
}

/// A query in PromQL, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expression {
    /// The query.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// Writes the answer of a query as series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// The name of the series.
    pub record: String,
    /// Where the rule stands.
    pub at: Place,
    /// The query.
    pub expr: Expression,
    /// Labels added to each series; an empty value removes one.
    pub labels: BTreeMap<String, String>,
}

/// Raises an alert for each series in the answer of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// The alert's name.
    pub alert: String,
    /// Where the rule stands.
    pub at: Place,
    /// The query.
    pub expr: Expression,
    /// How long a series must be in the answer before its alert fires: Prometheus' `for`.
    pub hold: Duration,
    /// How long an alert goes on firing after its series left the answer.
    pub keep_firing: Duration,
    /// Labels added to the alert: names and Go templates.
    pub labels: BTreeMap<String, String>,
    /// Annotations: names and Go templates.
    pub annotations: BTreeMap<String, String>,
    /// What goes beyond Prometheus: the block `watchkeeper:`.
    pub beyond: Option<Beyond>,
}

/// What an alerting rule says beyond Prometheus.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beyond {
    /// What must hold before a firing alert clears (hysteresis). Otherwise it clears when its condition holds no more.
    pub recover_when: Option<Recovery>,
    /// Fires when the condition held in so many of the last evaluations. Takes the place of [`Alerting::hold`].
    pub several: Option<Several>,
    /// What becomes of an alert whose series have no samples any more.
    pub on_missing: OnMissing,
    /// When changes follow each other so fast that they are one alert, not many. `None`: they are never folded.
    pub flapping: Option<Flapping>,
    /// How much must have happened for the condition to count.
    pub min_events: Option<MinEvents>,
    /// How bad the alert is, by what the trouble costs.
    pub severity_from: Option<SeverityFrom>,
}

/// What must hold before a firing alert clears.
#[derive(Debug, Clone, PartialEq)]
pub enum Recovery {
    /// This query has a series in its answer whose labels are all labels of the alert's series.
    Query(Expression),
    /// The value left of the rule's comparison meets this.
    Threshold(Threshold),
}

/// At least so many of the last evaluations: `3 of 5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Several {
    needed: u8,
    of: u8,
}

impl Several {
    /// `None` unless `1 <= needed <= of <= EVALUATIONS_MAX`.
    #[must_use]
    pub const fn new(needed: u8, of: u8) -> Option<Self> {
        if needed >= 1 && needed <= of && of <= EVALUATIONS_MAX { Some(Self { needed, of }) } else { None }
    }

    /// How many must hold.
    #[must_use]
    pub const fn needed(self) -> u8 {
        self.needed
    }

    /// Of how many.
    #[must_use]
    pub const fn of(self) -> u8 {
        self.of
    }
}

/// What becomes of an alert whose series have no samples any more, which is not the same as a condition that holds no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// A firing alert fires until samples show that it is over, or a person says so.
    Keep,
    /// A firing alert clears after so long; at once, as in Prometheus, when that is zero.
    Resolve(Duration),
    /// Series that were seen before and have been missing for so long raise the alert.
    Alert(Duration),
}

impl Default for OnMissing {
    fn default() -> Self {
        Self::Resolve(Duration::ZERO)
    }
}

/// When an alert flaps: the share of weighted changes among the last 21 evaluations, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flapping {
    high: u8,
    low: u8,
}

impl Flapping {
    /// `None` unless `0 < low < high <= 100`.
    #[must_use]
    pub const fn new(high: u8, low: u8) -> Option<Self> {
        if low > 0 && low < high && high <= 100 { Some(Self { high, low }) } else { None }
    }

    /// The share at which it begins.
    #[must_use]
    pub const fn high(self) -> u8 {
        self.high
    }

    /// The share below which it ends.
    #[must_use]
    pub const fn low(self) -> u8 {
        self.low
    }
}

impl Default for Flapping {
    fn default() -> Self {
        Self { high: FLAPPING_DEFAULT.0, low: FLAPPING_DEFAULT.1 }
    }
}

/// How much must have happened for a condition to count, so that one error in two requests pages nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct MinEvents {
    /// Counts what happened, such as requests.
    pub of: Expression,
    /// The least number that counts.
    pub at_least: f64,
}

/// How bad an alert is, by what the trouble costs: the first step that holds when the alert is raised gives its `severity`.
#[derive(Debug, Clone, PartialEq)]
pub struct SeverityFrom {
    /// Measures the impact, such as lost orders a minute.
    pub impact: Expression,
    /// Thresholds and the severity each means, the worst first; never empty.
    pub steps: Vec<(Threshold, String)>,
}

impl Rule {
    /// The alert's name or that of the recorded series.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Recording(rule) => &rule.record,
            Self::Alerting(rule) => &rule.alert,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> Place {
        match self {
            Self::Recording(rule) => rule.at,
            Self::Alerting(rule) => rule.at,
        }
    }

    /// Its query.
    #[must_use]
    pub fn expr(&self) -> &Expression {
        match self {
            Self::Recording(rule) => &rule.expr,
            Self::Alerting(rule) => &rule.expr,
        }
    }

    /// Its own labels, without those of its group.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Recording(rule) => &rule.labels,
            Self::Alerting(rule) => &rule.labels,
        }
    }
}

impl Group {
    /// The name of this group's alerting rules with an alert: `group/alert`. The file's path is not part of it, so that a
    /// file may be renamed. `None` where that passes the limits of names.
    #[must_use]
    pub fn rule_name(&self, alert: &str) -> Option<RuleName> {
        RuleName::new(&format!("{}/{alert}", self.name)).ok()
    }

    /// The names of its alerting rules.
    pub fn rule_names(&self) -> impl Iterator<Item = RuleName> {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Alerting(rule) => self.rule_name(&rule.alert),
            Rule::Recording(_) => None,
        })
    }

    /// The labels that a rule of this group adds: the group's, and its own, which win.
    #[must_use]
    pub fn labels_of(&self, rule: &Rule) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(rule.labels().iter().map(|(name, value)| (name.clone(), value.clone())));
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_cannot_be_written() {
        assert!(Several::new(3, 5).is_some());
        assert!([(0, 5), (6, 5), (1, 65)].iter().all(|(m, n)| Several::new(*m, *n).is_none()));
        assert!(Flapping::new(30, 20).is_some());
        assert!([(20, 20), (20, 30), (101, 20), (30, 0)].iter().all(|(h, l)| Flapping::new(*h, *l).is_none()));
    }

    #[test]
    fn a_rules_labels_win_over_its_groups() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let group = Group { labels: [pair("a", "1"), pair("b", "1")].into(), ..Group::default() };
        let rule = Rule::Recording(Recording { labels: [pair("b", "2")].into(), ..Recording::default() });
        assert_eq!(group.labels_of(&rule), [pair("a", "1"), pair("b", "2")].into());
    }
}
