//! Inhibitions: on which sides of the watchbook's rules an alert stands. Not the muting itself: see `mute`.

use kernel::book::{Book, Inhibition};
use kernel::matcher::Comparison;
use kernel::{Digest, Labels, Matcher};

use crate::event::InhibitionKey;
use crate::hash;
use crate::index::Conditions;

/// The watchbook's inhibitions, indexed, so that a hundred rules cost an alert no more than one.
#[derive(Debug)]
pub(crate) struct Compiled {
    digest: Digest,
    rules: Vec<u64>,
    sources: Conditions,
    targets: Conditions,
}

impl Compiled {
    pub(crate) fn of(book: &Book) -> Self {
        let mut made = Self {
            digest: book.digest,
            rules: book.inhibitions.iter().map(rule_hash).collect(),
            sources: Conditions::default(),
            targets: Conditions::default(),
        };
        for (rule, inhibition) in (0_u32..).zip(&book.inhibitions) {
            made.sources.add(rule, &inhibition.source);
            made.targets.add(rule, &inhibition.target);
        }
        made
    }

    /// Whether it was made of this watchbook.
    pub(crate) fn fits(&self, book: &Book) -> bool {
        self.digest == book.digest && self.rules.len() == book.inhibitions.len()
    }

    fn side(&self, book: &Book, labels: &Labels, conditions: &Conditions, of: SideOf) -> Vec<InhibitionKey> {
        let found = conditions.candidates(labels).filter_map(|rule| {
            let inhibition = book.inhibitions.get(rule as usize)?;
            let hash = *self.rules.get(rule as usize)?;
            all_hold(of(inhibition), labels).then(|| key(rule, hash, inhibition, labels))
        });
        let mut keys: Vec<InhibitionKey> = found.collect();
        keys.sort_unstable();
        keys
    }
}

type SideOf = fn(&Inhibition) -> &[Matcher];

/// The inhibitions of which labels are a source, and those of which they are a target, in order of rule.
pub(crate) fn sides(
    book: &Book,
    compiled: Option<&Compiled>,
    labels: &Labels,
) -> (Vec<InhibitionKey>, Vec<InhibitionKey>) {
    let (source, target): (SideOf, SideOf) = (|rule| &rule.source, |rule| &rule.target);
    match compiled.filter(|compiled| compiled.fits(book)) {
        Some(compiled) => (
            compiled.side(book, labels, &compiled.sources, source),
            compiled.side(book, labels, &compiled.targets, target),
        ),
        None => (scan(book, labels, source), scan(book, labels, target)),
    }
}

fn scan(book: &Book, labels: &Labels, of: SideOf) -> Vec<InhibitionKey> {
    let rules = (0_u32..).zip(&book.inhibitions).filter(|(_, inhibition)| all_hold(of(inhibition), labels));
    rules.map(|(rule, inhibition)| key(rule, rule_hash(inhibition), inhibition, labels)).collect()
}

/// Whether all conditions hold.
pub(crate) fn all_hold(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels))
}

fn key(rule: u32, rule_hash: u64, inhibition: &Inhibition, labels: &Labels) -> InhibitionKey {
    let equal = inhibition.equal.iter().fold(rule_hash, |seed, name| hash::text(seed, labels.value(name)));
    InhibitionKey { rule, equal }
}

fn rule_hash(inhibition: &Inhibition) -> u64 {
    let source = matchers_hash(hash::text(hash::EMPTY, "source"), &inhibition.source);
    let target = matchers_hash(hash::text(source, "target"), &inhibition.target);
    inhibition.equal.iter().fold(hash::text(target, "equal"), |seed, name| hash::text(seed, name))
}

/// The hash of conditions, after `seed`.
pub(crate) fn matchers_hash(seed: u64, matchers: &[Matcher]) -> u64 {
    matchers.iter().fold(seed, |seed, matcher| {
        let sign = match matcher.comparison() {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Matches => "=~",
            Comparison::NotMatches => "!~",
        };
        hash::text(hash::text(hash::text(seed, matcher.name()), sign), matcher.value())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matchers(texts: &[&str]) -> Vec<Matcher> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_index_finds_what_a_scan_finds() {
        let rule = |source: &[&str], target: &[&str], equal: &[&str]| Inhibition {
            source: matchers(source),
            target: matchers(target),
            equal: equal.iter().map(|name| (*name).to_owned()).collect(),
        };
        let inhibitions = vec![
            rule(&["severity=critical"], &["severity=~\"warning|info\""], &["service"]),
            rule(&["severity=~\"crit.*\""], &["alertname!=Watchdog"], &[]),
            rule(&["alertname=Down", "cluster=\"\""], &["severity=warning"], &["cluster", "zone"]),
        ];
        let book = Book { inhibitions, ..Book::default() };
        let compiled = Compiled::of(&book);
        let mut found = 0;
        for severity in ["critical", "warning", "info", "page"] {
            for alertname in ["Down", "Slow", "Watchdog"] {
                for cluster in ["a", ""] {
                    let labels = [("severity", severity), ("alertname", alertname), ("cluster", cluster)];
                    let labels = Labels::from_pairs(labels).unwrap();
                    let quick = sides(&book, Some(&compiled), &labels);
                    assert_eq!(quick, sides(&book, None, &labels), "{labels}");
                    found += quick.0.len() + quick.1.len();
                }
            }
        }
        assert_eq!(found, 50);
    }
}
