//! Baselines, and what verdicts on a rule lead to.

use super::super::{
    BASELINE_ENTRIES_MAX, Bar, Baseline, BaselineRule, Handling, Mode, Novelty, Verdict, Verdicts, handling,
};
use super::*;
use kernel::Seconds;
use proptest::prelude::*;
use serde_json::json;

fn baseline() -> Baseline {
    Baseline::new(BaselineRule {
        scope: vec!["host".to_owned()],
        of: vec!["program".to_owned()],
        learn_for: Seconds(100),
        rare_up_to: 2,
        forget_after: Seconds(1000),
    })
}

fn at(seconds: u32) -> Timestamp {
    Seconds(seconds).after(now())
}

#[test]
fn what_is_new_rare_and_usual_on_a_host() {
    let mut baseline = baseline();
    let mut look = |host: &str, program: &str, second: u32| {
        baseline.observe(&Event::new(&json!({"host": host, "program": program})), at(second))
    };
    assert_eq!(look("a", "x", 0), Novelty::Learning);
    assert_eq!(look("a", "X", 100), Novelty::Rare(2));
    assert_eq!(look("A", "x", 101), Novelty::Usual(3));
    assert_eq!(look("a", "y", 102), Novelty::FirstSeen);
    assert_eq!(look("b", "x", 103), Novelty::Learning);
    assert_eq!(look("a", "z", 1000), Novelty::FirstSeen);
    assert_eq!(look("a", "y", 1103), Novelty::FirstSeen, "forgotten in between");
    assert_eq!(baseline.observe(&Event::new(&json!({"host": "a"})), at(1)), Novelty::Untold);
}

/// SG-5
#[test]
fn a_baseline_is_bounded() {
    let mut baseline = baseline();
    for number in 0..BASELINE_ENTRIES_MAX + 10 {
        baseline.observe(&Event::new(&json!({"host": "a", "program": number})), at(0));
    }
    assert_eq!(baseline.len(), BASELINE_ENTRIES_MAX);
}

proptest! {
    #[test]
    fn nothing_is_seen_first_twice(steps in proptest::collection::vec((0..4_u8, 0..4_u8, 0..900_u32), 1..40)) {
        let mut baseline = baseline();
        let mut known = std::collections::BTreeSet::new();
        for (host, program, second) in steps {
            let event = json!({"host": host, "program": program});
            let novelty = baseline.observe(&Event::new(&event), at(second));
            let new = known.insert((host, program));
            prop_assert!(new || novelty != Novelty::FirstSeen);
            prop_assert!(!new || matches!(novelty, Novelty::FirstSeen | Novelty::Learning));
        }
    }

    #[test]
    fn a_rule_pages_unless_it_is_on_trial_or_often_wrong(right in 0..50_u32, wrong in 0..50_u32, least in 0..20_u32) {
        let verdicts = Verdicts { true_positives: right, false_positives: wrong };
        let bar = Bar { precision_min: 0.5, verdicts_min: least };
        prop_assert_eq!(handling(Mode::Shadow, verdicts, bar), Handling::Shadow);
        let often_wrong = right < wrong && right + wrong >= least;
        prop_assert_eq!(handling(Mode::Live, verdicts, bar) != Handling::Page, often_wrong);
        // One more right match never takes the page away.
        let better = handling(Mode::Live, verdicts.and(Verdict::TruePositive), Bar { verdicts_min: 0, ..bar });
        let before = handling(Mode::Live, verdicts, Bar { verdicts_min: 0, ..bar });
        prop_assert!(before != Handling::Page || better == Handling::Page);
    }
}
