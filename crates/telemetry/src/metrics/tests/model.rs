//! Any sequence of writes, flushes and starts against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// A sample of a series at a second.
    Write(u8, i64, u8),
    Flush,
    /// The process ends without a word, and another one starts on what is in the files.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (0_u8..3, 0_i64..900, 0_u8..3).prop_map(|(series, second, value)| Step::Write(series, second, value)),
        10 => (0_u8..3, 600_i64..700, 0_u8..3).prop_map(|(series, second, value)| Step::Write(series, second, value)),
        1 => Just(Step::Flush),
        1 => Just(Step::Kill),
    ]
}

/// What a directory holds at this moment, elsewhere.
pub(super) fn copied(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_store_is_a_map_from_instants_to_the_first_value(steps in prop::collection::vec(step(), 0..300)) {
        let mut dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let mut model: BTreeMap<String, BTreeMap<i64, f64>> = BTreeMap::new();
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Write(series, second, value) => {
                    let (name, value) = (format!("s{series}"), f64::from(value));
                    write_at(&store, T0 + 900 * SECOND, &[(&[("__name__", &name)], T0 + second * SECOND, value)]);
                    let last = newest.entry(name.clone()).or_insert(second);
                    if second >= *last - 600 {
                        *last = second.max(*last);
                        model.entry(name).or_default().entry(second).or_insert(value);
                    }
                }
                Step::Flush => drop(store.flush(T0 + 900 * SECOND).unwrap()),
                Step::Kill => {
                    let copy = copied(dir.path());
                    store = open(copy.path());
                    dir = copy;
                    prop_assert_eq!(store.troubles(), Vec::<String>::new());
                }
            }
        }
        for (name, expected) in &model {
            prop_assert_eq!(points(&store, name), expected.iter().map(|(at, v)| (*at, *v)).collect::<Vec<_>>());
        }
        prop_assert_eq!(all(&store).len(), model.len());
    }
}
