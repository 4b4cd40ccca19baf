//! From matchers to series, by any index that has lists of series for labels: the head's or a block's.
//!
//! An equality, and a pattern that only names alternatives, are looked up; the shortest list comes first. Any other
//! condition is tried on the values of its label, or on the series that are left where those are fewer. A condition that
//! an absent label meets takes away instead of giving.

use std::borrow::Cow;

use promql::ast::{Matcher, Pattern, Test};

use super::ids::{keep_common, keep_without, together};

/// The most alternatives of a pattern that are looked up one by one.
pub(super) const ALTERNATIVES_MAX: usize = 1_000;

/// Lists of series, in ascending order.
pub(super) trait Lexicon {
    type Failure;
    /// The series that have this label with this value.
    fn exact(&self, name: &str, value: &str) -> Result<Cow<'_, [u32]>, Self::Failure>;
    /// How many values a label has.
    fn count(&self, name: &str) -> usize;
    /// The series of all values for which `keep` says yes.
    fn where_value(&self, name: &str, keep: &mut dyn FnMut(&str) -> bool) -> Result<Vec<u32>, Self::Failure>;
    /// Whether a series meets a condition.
    fn holds(&self, id: u32, matcher: &Matcher) -> Result<bool, Self::Failure>;
    /// All series.
    fn all(&self) -> Vec<u32>;
}

/// The series that meet all conditions, in ascending order.
pub(super) fn resolve<L: Lexicon>(lexicon: &L, matchers: &[Matcher]) -> Result<Vec<u32>, L::Failure> {
    let (mut lists, mut rest) = (Vec::new(), Vec::new());
    for matcher in matchers {
        match alternatives(matcher) {
            Some(values) => lists.push(looked_up(lexicon, &matcher.name, &values)?),
            None => rest.push(matcher),
        }
    }
    lists.sort_by_key(|list| list.len());
    let mut lists = lists.into_iter();
    let mut found = lists.next().map(Cow::into_owned);
    for list in lists {
        found.iter_mut().for_each(|ids| keep_common(ids, &list));
    }
    // What gives comes before what takes away.
    rest.sort_by_key(|matcher| matcher.holds(""));
    for matcher in rest {
        found = Some(narrow(lexicon, matcher, found)?);
    }
    Ok(found.unwrap_or_else(|| lexicon.all()))
}

fn looked_up<'l, L: Lexicon>(lexicon: &'l L, name: &str, values: &[String]) -> Result<Cow<'l, [u32]>, L::Failure> {
    if let [value] = values {
        return lexicon.exact(name, value);
    }
    let lists: Result<Vec<_>, _> = values.iter().map(|value| lexicon.exact(name, value)).collect();
    Ok(Cow::Owned(together(&lists?)))
}

fn narrow<L: Lexicon>(lexicon: &L, matcher: &Matcher, found: Option<Vec<u32>>) -> Result<Vec<u32>, L::Failure> {
    let name = &matcher.name;
    if let Some(ids) = &found
        && ids.len() <= lexicon.count(name)
    {
        let mut kept = Vec::with_capacity(ids.len());
        for id in ids {
            if lexicon.holds(*id, matcher)? {
                kept.push(*id);
            }
        }
        return Ok(kept);
    }
    if matcher.holds("") {
        let barred = match &matcher.test {
            Test::IsNot(value) => lexicon.exact(name, value)?.into_owned(),
            _ => lexicon.where_value(name, &mut |value| !matcher.holds(value))?,
        };
        let mut ids = found.unwrap_or_else(|| lexicon.all());
        keep_without(&mut ids, &barred);
        return Ok(ids);
    }
    let given = lexicon.where_value(name, &mut |value| matcher.holds(value))?;
    Ok(match found {
        None => given,
        Some(mut ids) => {
            keep_common(&mut ids, &given);
            ids
        }
    })
}

/// The values that a condition names, where it names them all and the empty one is not among them.
pub(super) fn alternatives(matcher: &Matcher) -> Option<Vec<String>> {
    let values = match &matcher.test {
        Test::Is(value) => vec![value.clone()],
        Test::Matches(pattern) => literals(pattern)?,
        Test::IsNot(_) | Test::MatchesNot(_) => return None,
    };
    values.iter().all(|value| !value.is_empty()).then_some(values)
}

/// `a|b\.c` as `a` and `b.c`; `None` for a pattern that says more than alternatives.
fn literals(pattern: &Pattern) -> Option<Vec<String>> {
    let text = pattern.source();
    let inner = text.strip_prefix("(?:").or(text.strip_prefix('(')).and_then(|i| i.strip_suffix(')')).unwrap_or(text);
    let (mut values, mut value, mut chars) = (Vec::new(), String::new(), inner.chars());
    while let Some(c) = chars.next() {
        match c {
            '|' => values.push(std::mem::take(&mut value)),
            '\\' => value.push(chars.next().filter(|escaped| escaped.is_ascii_punctuation())?),
            '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            c => value.push(c),
        }
    }
    values.push(value);
    values.sort_unstable();
    values.dedup();
    (values.len() <= ALTERNATIVES_MAX).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_only_name_alternatives_are_looked_up() {
        let table: [(&str, Option<&[&str]>); 9] = [
            ("a|b", Some(&["a", "b"])),
            ("b|a|b", Some(&["a", "b"])),
            (r"10\.0\.0\.1:9100", Some(&["10.0.0.1:9100"])),
            ("(a|b)", Some(&["a", "b"])),
            ("(?:a|b)", Some(&["a", "b"])),
            ("a.*", None),
            (r"\d", None),
            ("(a)|(b)", None),
            ("a[b]", None),
        ];
        for (pattern, expected) in table {
            let found = literals(&Pattern::new(pattern).unwrap());
            assert_eq!(found, expected.map(|values| values.iter().map(|v| (*v).to_owned()).collect()), "{pattern}");
        }
    }

    #[test]
    fn a_condition_that_an_absent_label_meets_names_no_values() {
        let matcher = |test| Matcher { name: "a".into(), test };
        assert_eq!(alternatives(&matcher(Test::Is(String::new()))), None);
        assert_eq!(alternatives(&matcher(Test::Matches(Pattern::new("a|").unwrap()))), None);
        assert_eq!(alternatives(&matcher(Test::IsNot("a".into()))), None);
    }
}
