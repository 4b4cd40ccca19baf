//! Two reports about the same time, rule by rule.

use serde::Serialize;

use super::report::{Report, RuleReport};

/// How two files differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// How often the first file's rules fired.
    pub before: usize,
    /// How often the other's did.
    pub after: usize,
    /// Each rule of either, the first file's first.
    pub rules: Vec<Difference>,
}

/// How one rule differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Its group.
    pub group: String,
    /// Its name.
    pub rule: String,
    /// How often it fired in the first file; `None` where it is not there.
    pub before: Option<usize>,
    /// How often in the other.
    pub after: Option<usize>,
    /// How many of the first file's listed firings the other has none at the same time as.
    pub lost: usize,
    /// How many of the other's listed firings the first has none at the same time as.
    pub new: usize,
}

/// Compares what a file would have done with what another one would.
#[must_use]
pub fn compare(before: &Report, after: &Report) -> Comparison {
    let of = |report: &Report| report.rules.iter().map(|rule| rule.firings).sum();
    let same = |a: &RuleReport, b: &RuleReport| a.group == b.group && a.rule == b.rule;
    let mut left: Vec<&RuleReport> = after.rules.iter().collect();
    let mut rules = Vec::new();
    for rule in &before.rules {
        let place = left.iter().position(|other| same(rule, other));
        rules.push(difference(Some(rule), place.map(|place| left.remove(place))));
    }
    rules.extend(left.into_iter().map(|rule| difference(None, Some(rule))));
    Comparison { before: of(before), after: of(after), rules }
}

fn difference(before: Option<&RuleReport>, after: Option<&RuleReport>) -> Difference {
    let named = before.or(after);
    let (group, rule) = named.map(|rule| (rule.group.clone(), rule.rule.clone())).unwrap_or_default();
    let firings = |report: Option<&RuleReport>| report.map(|report| report.firings);
    let (lost, new) = (alone(before, after), alone(after, before));
    Difference { group, rule, before: firings(before), after: firings(after), lost, new }
}

/// How many firings of one have none of the other at the same time.
fn alone(one: Option<&RuleReport>, other: Option<&RuleReport>) -> usize {
    let others = other.map(|report| report.listed.as_slice()).unwrap_or_default();
    let firings = one.map(|report| report.listed.as_slice()).unwrap_or_default();
    firings.iter().filter(|firing| !others.iter().any(|other| firing.overlaps(other))).count()
}
