//! The indexes of the head and of blocks against trying every condition on every series.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn matcher() -> impl Strategy<Value = Matcher> {
    let value = prop::sample::select(vec!["", "a", "b", "c", "a|b", "a|", ".*", ".+", "[ab]", "(b|c)", "a.*|b"]);
    let name = prop::sample::select(vec!["__name__", "x", "y", "z"]);
    (name, 0..4, value).prop_map(|(name, kind, value): (&str, _, &str)| {
        let pattern = Pattern::new(value).unwrap();
        let test = match kind {
            0 => Test::Is(value.into()),
            1 => Test::IsNot(value.into()),
            2 => Test::Matches(pattern),
            _ => Test::MatchesNot(pattern),
        };
        Matcher { name: name.into(), test }
    })
}

fn label_sets() -> impl Strategy<Value = BTreeSet<BTreeMap<&'static str, &'static str>>> {
    let values = || prop::option::of(prop::sample::select(vec!["a", "b", "c", "ab"]));
    let set = (prop::sample::select(vec!["a", "b"]), values(), values()).prop_map(|(name, x, y)| {
        let others = [("x", x), ("y", y)].into_iter().filter_map(|(name, value)| Some((name, value?)));
        others.chain([("__name__", name)]).collect()
    });
    prop::collection::btree_set(set, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_found_is_what_matches(sets in label_sets(), queries in prop::collection::vec(prop::collection::vec(matcher(), 0..4), 1..8)) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        for set in &sets {
            let pairs: Vec<_> = set.iter().map(|(name, value)| (*name, *value)).collect();
            write(&store, &[(&pairs, T0, 1.0)]);
        }
        for place in ["head", "block"] {
            for query in &queries {
                let meets = |set: &&BTreeMap<&str, &str>| query.iter().all(|m| m.holds(set.get(&*m.name).unwrap_or(&"")));
                let mut expected: Vec<_> = sets.iter().filter(meets).map(promql::Labels::from_pairs).collect();
                expected.sort();
                let found: Vec<_> = select(&store, query, T0 - 1, T0).into_iter().map(|series| series.labels).collect();
                prop_assert_eq!(&found, &expected, "{} {:?}", place, query);
                prop_assert_eq!(&store.series(query, T0 - 1, T0).unwrap(), &expected);
                let values: BTreeSet<_> = expected.iter().map(|l| l.get("x")).filter(|v| !v.is_empty()).collect();
                prop_assert_eq!(store.label_values("x", query, T0 - 1, T0).unwrap(), values.into_iter().collect::<Vec<_>>());
                let names: BTreeSet<_> = expected.iter().flat_map(|l| l.iter()).map(|(name, _)| name).collect();
                prop_assert_eq!(store.label_names(query, T0 - 1, T0).unwrap(), names.into_iter().collect::<Vec<_>>());
            }
            // The second time the head has nothing of them any more.
            store.flush(T0 + 99_999 * SECOND).unwrap();
        }
        prop_assert_eq!(store.stats().series, 0);
    }

    #[test]
    fn standing_selectors_see_what_a_query_sees(sets in label_sets(), queries in prop::collection::vec(prop::collection::vec(matcher(), 1..3), 1..6)) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let standing: Vec<_> = queries.iter().map(|query| store.watch(query).unwrap()).collect();
        for set in &sets {
            let pairs: Vec<_> = set.iter().map(|(name, value)| (*name, *value)).collect();
            write(&store, &[(&pairs, T0, 1.0)]);
        }
        for (standing, query) in standing.iter().zip(&queries) {
            let mut seen = Vec::new();
            standing.look(|newest| seen.push(newest.labels.clone()));
            seen.sort();
            let found: Vec<_> = select(&store, query, T0 - 1, T0).into_iter().map(|series| series.labels).collect();
            prop_assert_eq!(seen, found);
        }
    }
}
