//! Sets of series as ascending numbers: together, in common, and one without the other.

/// A list is searched instead of walked when it is so many times longer than the other one.
const MUCH_LONGER: usize = 16;

/// Puts a number into its place; the numbers mostly come in ascending order.
pub(super) fn insert(ids: &mut Vec<u32>, id: u32) {
    if ids.last().is_none_or(|last| *last < id) {
        return ids.push(id);
    }
    if let Err(place) = ids.binary_search(&id) {
        ids.insert(place, id);
    }
}

/// Keeps what is also in `others`.
pub(super) fn keep_common(ids: &mut Vec<u32>, others: &[u32]) {
    retain(ids, others, true);
}

/// Keeps what is not in `others`.
pub(super) fn keep_without(ids: &mut Vec<u32>, others: &[u32]) {
    retain(ids, others, false);
}

fn retain(ids: &mut Vec<u32>, others: &[u32], wanted: bool) {
    if others.len() > ids.len().saturating_mul(MUCH_LONGER) {
        return ids.retain(|id| others.binary_search(id).is_ok() == wanted);
    }
    let mut rest = others.iter().peekable();
    ids.retain(|id| {
        while rest.next_if(|other| **other < *id).is_some() {}
        (rest.peek() == Some(&id)) == wanted
    });
}

/// All numbers of all lists.
pub(super) fn together(lists: &[impl AsRef<[u32]>]) -> Vec<u32> {
    match lists {
        [] => Vec::new(),
        [one] => one.as_ref().to_vec(),
        many => {
            let mut all: Vec<u32> = many.iter().flat_map(|list| list.as_ref()).copied().collect();
            all.sort_unstable();
            all.dedup();
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_are_sets(one: BTreeSet<u8>, other: BTreeSet<u16>) {
            let one: BTreeSet<u32> = one.into_iter().map(u32::from).collect();
            let other: BTreeSet<u32> = other.into_iter().map(|id| u32::from(id) / 100).collect();
            let (a, b): (Vec<u32>, Vec<u32>) = (one.iter().copied().collect(), other.iter().copied().collect());
            for (x, y, sx, sy) in [(&a, &b, &one, &other), (&b, &a, &other, &one)] {
                let (mut common, mut without) = (x.clone(), x.clone());
                keep_common(&mut common, y);
                keep_without(&mut without, y);
                prop_assert_eq!(common, sx.intersection(sy).copied().collect::<Vec<_>>());
                prop_assert_eq!(without, sx.difference(sy).copied().collect::<Vec<_>>());
                prop_assert_eq!(together(&[x, y]), sx.union(sy).copied().collect::<Vec<_>>());
            }
            let mut built = Vec::new();
            b.iter().rev().chain(&a).for_each(|id| insert(&mut built, *id));
            prop_assert_eq!(built, one.union(&other).copied().collect::<Vec<_>>());
        }
    }
}
