//! Inhibitions: of which of the watchbook's rules an alert is a source or a target. A source is noted when its alert
//! opens; targets are looked for when a source comes or goes. Not the muting itself: see `mute`.

use kernel::book::{Book, Inhibition};
use kernel::matcher::Comparison;
use kernel::{Digest, Labels, Matcher};

use crate::conditions::Conditions;
use crate::event::InhibitionKey;
use crate::hash::{self, HashedMap};

/// The watchbook's inhibitions, indexed, so that a hundred rules cost an alert no more than one.
#[derive(Debug)]
pub(crate) struct Compiled {
    digest: Digest,
    hashes: Vec<u64>,
    by_hash: HashedMap<u64, u32>,
    sources: Conditions,
}

impl Compiled {
    pub(crate) fn of(book: &Book) -> Self {
        let hashes: Vec<u64> = book.inhibitions.iter().map(rule_hash).collect();
        let mut sources = Conditions::default();
        for (rule, inhibition) in (0_u32..).zip(&book.inhibitions) {
            sources.add(rule, &inhibition.source);
        }
        let mut by_hash = HashedMap::default();
        for (rule, hash) in (0_u32..).zip(&hashes) {
            // Of two rules that say the same, the first speaks for both.
            by_hash.entry(*hash).or_insert(rule);
        }
        Self { digest: book.digest, hashes, by_hash, sources }
    }

    /// Whether it was made of this watchbook.
    pub(crate) fn fits(&self, book: &Book) -> bool {
        self.digest == book.digest && self.hashes.len() == book.inhibitions.len()
    }

    /// The inhibitions of which labels are a source, in order of rule.
    pub(crate) fn inhibits(&self, book: &Book, labels: &Labels) -> Vec<InhibitionKey> {
        let mut rules: Vec<u32> = self.sources.candidates(labels).collect();
        rules.sort_unstable();
        rules.dedup();
        let inhibits = |rule: u32| {
            let inhibition = book.inhibitions.get(rule as usize)?;
            let hash = *self.hashes.get(rule as usize)?;
            all_hold(&inhibition.source, labels).then(|| key(hash, inhibition, labels))
        };
        rules.into_iter().filter_map(inhibits).collect()
    }

    /// The rule of a hash, and its number.
    pub(crate) fn rule<'b>(&self, book: &'b Book, hash: u64) -> Option<(u32, &'b Inhibition)> {
        let rule = *self.by_hash.get(&hash)?;
        Some((rule, book.inhibitions.get(rule as usize)?))
    }
}

/// Whether all conditions hold; the cheap ones are asked first.
pub(crate) fn all_hold(matchers: &[Matcher], labels: &Labels) -> bool {
    let is_cheap = |matcher: &&Matcher| matches!(matcher.comparison(), Comparison::Equal | Comparison::NotEqual);
    matchers.iter().filter(is_cheap).all(|matcher| matcher.matches(labels))
        && matchers.iter().filter(|matcher| !is_cheap(matcher)).all(|matcher| matcher.matches(labels))
}

/// The rule of this hash with the equal values of these labels.
pub(crate) fn key(rule: u64, inhibition: &Inhibition, labels: &Labels) -> InhibitionKey {
    let equal = inhibition.equal.iter().fold(rule, |seed, name| hash::text(seed, labels.value(name)));
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
