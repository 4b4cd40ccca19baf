//! Which series of the two sides of an operator belong together.

use std::collections::HashMap;

use super::grid::{Column, unnamed};
use super::operate::renames;
use crate::ast::{BinaryOp, Cardinality, Matching};
use crate::{Labels, METRIC_NAME};

/// The series of both sides that have the same labels, as far as these count.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Indices into the left side, ascending.
    pub left: Vec<usize>,
    /// Indices into the right side, ascending.
    pub right: Vec<usize>,
}

/// The groups of two sides, in the order in which they first come up.
pub(super) fn groups(left: &[Column], right: &[Column], matching: &Matching) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(left.len());
    let sides = [(left, false), (right, true)];
    for (columns, is_right) in sides {
        for (index, column) in columns.iter().enumerate() {
            let next = groups.len();
            let place = *places.entry(signature(&column.labels, matching)).or_insert(next);
            if place == next {
                groups.push(Group::default());
            }
            if let Some(group) = groups.get_mut(place) {
                if is_right { group.right.push(index) } else { group.left.push(index) }
            }
        }
    }
    groups
}

/// The labels that count.
pub(super) fn signature(labels: &Labels, matching: &Matching) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|label| label == name);
    match matching.on {
        true => labels.filtered(named),
        false => labels.filtered(|name| name != METRIC_NAME && !named(name)),
    }
}

/// The labels of the result of a pair. The many side lends its labels; both are alike where there is one of each.
pub(super) fn result_labels(many: &Labels, one: &Labels, op: BinaryOp, matching: &Matching) -> Labels {
    let mut labels = if renames(op) { unnamed(many) } else { many.clone() };
    if matching.cardinality == Cardinality::OneToOne {
        labels = labels.filtered(|name| matching.labels.iter().any(|label| label == name) == matching.on);
    }
    for name in &matching.include {
        labels = labels.with(name, one.get(name));
    }
    labels
}

/// Labels in braces with the name among them, as Prometheus' errors have them.
pub(super) fn braced(labels: &Labels) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_never_counts_unless_it_is_asked_for() {
        let labels = Labels::from_pairs([("__name__", "up"), ("a", "1"), ("b", "2")]);
        let matching = |on, labels: &[&str]| Matching {
            on,
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            ..Matching::default()
        };
        assert_eq!(braced(&signature(&labels, &matching(false, &["a"]))), r#"{b="2"}"#);
        assert_eq!(braced(&signature(&labels, &matching(true, &["a"]))), r#"{a="1"}"#);
        assert_eq!(braced(&signature(&labels, &matching(true, &["__name__"]))), r#"{__name__="up"}"#);
    }
}
