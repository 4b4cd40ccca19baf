//! Which sets of matchers could meet an alert: each set is filed under the values, or the beginnings of values, that one
//! of its matchers accepts, in the emptiest drawers. Sets without such a matcher are the residue, which is always asked.
//! It only narrows the search: whoever asks tries the matchers themselves.

use kernel::matcher::Comparison;
use kernel::{Labels, Matcher};

use crate::hash::{self, HashedMap};

/// The most alternatives of a pattern such as `a|b.*|c` that are filed each by itself.
const ALTERNATIVES_MAX: usize = 16;
/// The most bytes of a beginning that are looked at.
const BEGINNING_BYTES_MAX: usize = 16;
/// What means something to a regular expression.
const META: &str = "\\.+*?()[]{}|^$";

/// Sets of matchers, filed by id.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    drawers: HashedMap<u64, Vec<u32>>,
    /// The labels of which beginnings are filed, with the length of these and how many there are.
    beginnings: Vec<(Box<str>, usize, usize)>,
    residue: Vec<u32>,
}

/// A drawer: of one value of a label, or of all values that begin in one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Drawer {
    key: u64,
    /// The length of the beginning; `None` for a whole value.
    begins: Option<usize>,
}

impl Drawer {
    fn of_value(name: &str, value: &str) -> Self {
        Self { key: hash::pair(name, value), begins: None }
    }

    fn of_beginning(name: &str, beginning: &str) -> Self {
        // The order of the two texts sets these keys apart from those of values.
        Self { key: hash::text(hash::pair(beginning, name), "^"), begins: Some(beginning.len()) }
    }
}

impl Conditions {
    /// Files a set of matchers under an id.
    pub(crate) fn add(&mut self, id: u32, matchers: &[Matcher]) {
        let Some((matcher, drawers)) = self.emptiest(matchers) else {
            return self.residue.push(id);
        };
        for drawer in drawers {
            self.drawers.entry(drawer.key).or_default().push(id);
            if let Some(length) = drawer.begins {
                self.count_beginning(matcher.name(), length);
            }
        }
    }

    fn emptiest<'m>(&self, matchers: &'m [Matcher]) -> Option<(&'m Matcher, Vec<Drawer>)> {
        let load = |drawer: &Drawer| self.drawers.get(&drawer.key).map_or(0, Vec::len);
        let filed = matchers.iter().filter_map(|matcher| Some((matcher, drawers_of(matcher)?)));
        filed.min_by_key(|(_, drawers)| drawers.iter().map(load).sum::<usize>())
    }

    fn count_beginning(&mut self, name: &str, length: usize) {
        let known = self.beginnings.iter_mut().find(|(other, long, _)| **other == *name && *long == length);
        match known {
            Some((.., count)) => *count += 1,
            None => self.beginnings.push((name.into(), length, 1)),
        }
    }

    /// Takes a set out again.
    pub(crate) fn remove(&mut self, id: u32, matchers: &[Matcher]) {
        for matcher in matchers {
            for drawer in drawers_of(matcher).into_iter().flatten() {
                self.remove_from(id, matcher.name(), &drawer);
            }
        }
        self.residue.retain(|other| *other != id);
    }

    fn remove_from(&mut self, id: u32, name: &str, drawer: &Drawer) {
        let Some(ids) = self.drawers.get_mut(&drawer.key) else { return };
        let before = ids.len();
        ids.retain(|other| *other != id);
        let removed = before - ids.len();
        if ids.is_empty() {
            self.drawers.remove(&drawer.key);
        }
        if let Some(length) = drawer.begins {
            let beginnings = self.beginnings.iter_mut().filter(|(other, long, _)| **other == *name && *long == length);
            beginnings.for_each(|(.., count)| *count -= removed);
            self.beginnings.retain(|(.., count)| *count > 0);
        }
    }

    /// The ids whose matchers could all hold for these labels, each at least once.
    pub(crate) fn candidates<'a>(&'a self, labels: &'a Labels) -> impl Iterator<Item = u32> + 'a {
        let labels_if_filed = (!self.drawers.is_empty()).then(|| labels.iter());
        let values = labels_if_filed.into_iter().flatten().map(|(name, value)| hash::pair(name, value));
        let beginnings = self.beginnings.iter().filter_map(|(name, length, _)| {
            let beginning = labels.get(name)?.get(..*length)?;
            Some(Drawer::of_beginning(name, beginning).key)
        });
        let filed = values.chain(beginnings).filter_map(|key| self.drawers.get(&key));
        filed.flatten().chain(&self.residue).copied()
    }
}

/// The drawers that hold every value that a matcher accepts, when these are few and an absent label is not accepted.
fn drawers_of(matcher: &Matcher) -> Option<Vec<Drawer>> {
    let (name, value) = (matcher.name(), matcher.value());
    let mut drawers = match matcher.comparison() {
        Comparison::Equal if value.is_empty() => return None,
        Comparison::Equal => return Some(vec![Drawer::of_value(name, value)]),
        Comparison::Matches => {
            alternatives(value)?.into_iter().map(|one| drawer_of(name, one)).collect::<Option<Vec<_>>>()?
        }
        Comparison::NotEqual | Comparison::NotMatches => return None,
    };
    drawers.sort_unstable();
    drawers.dedup();
    Some(drawers)
}

/// The parts between `|`, where it is plain to see that these are alternatives of the whole pattern.
fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    if !pattern.contains('|') {
        return Some(vec![pattern]);
    }
    let parts: Vec<&str> = pattern.split('|').collect();
    (!pattern.contains(['\\', '(', '[']) && parts.len() <= ALTERNATIVES_MAX).then_some(parts)
}

fn drawer_of(name: &str, pattern: &str) -> Option<Drawer> {
    if pattern.is_empty() {
        return None;
    }
    if !pattern.contains(|c| META.contains(c)) {
        return Some(Drawer::of_value(name, pattern));
    }
    let mut beginning = beginning(pattern);
    let cut = (0..=BEGINNING_BYTES_MAX.min(beginning.len())).rev().find(|cut| beginning.is_char_boundary(*cut))?;
    beginning.truncate(cut);
    (!beginning.is_empty()).then(|| Drawer::of_beginning(name, &beginning))
}

/// What every text that a pattern accepts begins with, as far as that is plain to see.
fn beginning(pattern: &str) -> String {
    let mut beginning = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let plain = match c {
            '\\' => chars.next().filter(char::is_ascii_punctuation),
            c => (!META.contains(c)).then_some(c),
        };
        let Some(plain) = plain else { break };
        // A character that may be left out, or counted, is where the certainty ends.
        if chars.peek().is_some_and(|next| "*?{".contains(*next)) {
            break;
        }
        beginning.push(plain);
    }
    beginning
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn beginnings_are_what_is_certain() {
        let cases = [
            ("gone-7-.*", "gone-7-"),
            ("10\\.0\\.0\\..*", "10.0.0."),
            ("ab*", "a"),
            ("ab+", "ab"),
            ("ab?c", "a"),
            ("ab{2}", "a"),
            ("a\\d", "a"),
            ("^a", ""),
            ("(?i)abc", ""),
            ("ab(c|d)", "ab"),
            ("ä.*", "ä"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(beginning(pattern), expected, "{pattern}");
        }
    }

    fn matcher() -> impl Strategy<Value = Matcher> {
        let value = prop_oneof![
            "[ab]{0,3}",
            "[ab]{1,3}\\.\\*",
            "[ab|]{1,5}",
            "[ab]{0,2}(b\\*|b\\?|b\\+|\\(a\\|b\\)|\\[ab\\]|\\.)[ab]{0,2}"
        ];
        let comparison = prop_oneof![
            1 => Just(Comparison::Equal),
            1 => Just(Comparison::NotEqual),
            4 => Just(Comparison::Matches),
            1 => Just(Comparison::NotMatches)
        ];
        (prop_oneof!["x", "y"], comparison, value)
            .prop_filter_map("a pattern that compiles", |(name, comparison, value)| {
                Matcher::new(&name, comparison, &value).ok()
            })
    }

    proptest! {
        #[test]
        fn whoever_matches_is_a_candidate(
            sets in proptest::collection::vec(proptest::collection::vec(matcher(), 1..4), 1..12),
            x in "[ab]{0,5}",
            y in "[ab]{0,5}",
            removed in 0_usize..12,
        ) {
            let mut conditions = Conditions::default();
            for (id, set) in sets.iter().enumerate() {
                conditions.add(id as u32, set);
            }
            conditions.remove(removed as u32, sets.get(removed).map_or(&[][..], Vec::as_slice));
            let labels = Labels::from_pairs([("x", &x), ("y", &y)].into_iter().filter(|(_, value)| !value.is_empty())).unwrap();
            let candidates: Vec<u32> = conditions.candidates(&labels).collect();
            for (id, set) in sets.iter().enumerate() {
                let matches = set.iter().all(|matcher| matcher.matches(&labels)) && id != removed;
                prop_assert!(!matches || candidates.contains(&(id as u32)), "{set:?} {labels}");
                prop_assert!(id != removed || !candidates.contains(&(id as u32)));
            }
            for (id, set) in sets.iter().enumerate() {
                conditions.remove(id as u32, set);
            }
            prop_assert!(conditions.drawers.is_empty() && conditions.beginnings.is_empty() && conditions.residue.is_empty());
        }
    }
}
