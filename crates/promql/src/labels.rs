//! Sets of labels: what names a series.

use std::fmt;
use std::sync::Arc;

/// A set of labels, sorted by name, each name once, no value empty (an empty value is an absent label).
///
/// Cloning shares. Names and values are separate allocations, so that a store can intern them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Labels {
    /// A set from pairs in any order. The last one wins where a name stands twice; empty values are left out.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        pairs.into_iter().map(|(name, value)| (Arc::from(name.as_ref()), Arc::from(value.as_ref()))).collect()
    }

    /// The pairs in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of a label; the empty text when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).map_or("", |at| &self.0[at].1)
    }

    /// The metric's name; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get(crate::METRIC_NAME)
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels for which `keep` says yes.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    /// The set without one label.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        if self.get(name).is_empty() { self.clone() } else { self.filtered(|n| n != name) }
    }

    /// The set with one label set; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(n, _)| **n != *name).cloned();
        others.chain(std::iter::once((Arc::from(name), Arc::from(value)))).collect()
    }
}

impl FromIterator<(Arc<str>, Arc<str>)> for Labels {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Arc<str>)>>(pairs: I) -> Self {
        let mut all: Vec<_> = pairs.into_iter().collect();
        if !all.is_sorted_by(|a, b| a.0 < b.0) {
            all.reverse();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all.dedup_by(|later, kept| later.0 == kept.0);
        }
        all.retain(|(_, value)| !value.is_empty());
        Self(all.into())
    }
}

impl fmt::Display for Labels {
    /// As Prometheus writes it: `name{a="b", c="d"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest: Vec<_> = self.iter().filter(|(name, _)| *name != crate::METRIC_NAME).collect();
        f.write_str(self.name())?;
        if rest.is_empty() && !self.name().is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (name, value)) in rest.iter().enumerate() {
            write!(f, "{}{name}={value:?}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_the_last_of_a_name_wins() {
        let set = Labels::from_pairs([("b", "2"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!((set.get("b"), set.get("c"), set.name()), ("3", "", ""));
    }

    #[test]
    fn sets_are_written_as_prometheus_does() {
        let set = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied()).to_string();
        assert_eq!(set(&[("__name__", "up"), ("job", "a\"b")]), r#"up{job="a\"b"}"#);
        assert_eq!((set(&[("__name__", "up")]), set(&[])), ("up".into(), "{}".into()));
    }

    #[test]
    fn labels_are_set_and_removed() {
        let set = Labels::from_pairs([("a", "1")]).with("b", "2").with("a", "");
        assert_eq!(set, Labels::from_pairs([("b", "2")]));
        assert!(set.without("b").is_empty());
    }
}
