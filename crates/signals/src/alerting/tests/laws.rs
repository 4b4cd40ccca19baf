//! The invariants of `alerting`, over series and rules made by chance.

use kernel::book::Threshold;
use kernel::book::rules::{Flapping, OnMissing, Recovery, Several};
use proptest::prelude::*;

use super::*;

const STEPS: usize = 60;

fn digit() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![3 => (0..10_u8).prop_map(|digit| Some(f64::from(digit))), 1 => Just(None)]
}

fn made_series() -> impl Strategy<Value = Vec<Series>> {
    let one = || proptest::collection::vec(digit(), STEPS);
    (one(), one()).prop_map(|(a, b)| vec![series("a", a), series("b", b)])
}

fn missing() -> impl Strategy<Value = OnMissing> {
    prop_oneof![
        Just(OnMissing::Keep),
        Just(OnMissing::default()),
        (1..5_u64).prop_map(|m| OnMissing::Resolve(minutes(m))),
        (1..5_u64).prop_map(|m| OnMissing::Alert(minutes(m))),
    ]
}

prop_compose! {
    fn made_rule()(
        hold in 0..4_u64, keep in 0..4_u64, on_missing in missing(), recover in any::<bool>(),
        several in proptest::option::of((1..4_u8, 4..7_u8)), flapping in any::<bool>(),
    ) -> Alerting {
        let beyond = Beyond {
            recover_when: recover.then_some(Recovery::Threshold(Threshold::Below(3.0))),
            several: several.and_then(|(m, n)| Several::new(m, n)),
            on_missing,
            flapping: flapping.then(Flapping::default),
            ..Beyond::default()
        };
        Alerting { hold: minutes(hold), keep_firing: minutes(keep), beyond: Some(beyond), ..rule() }
    }
}

/// The value of a series at a step.
fn value(all: &[Series], label: &str, step: Millis) -> Option<f64> {
    let series = all.iter().find(|series| series.labels.get("s") == label)?;
    series.points.iter().find(|point| point.at == step * STEP)?.value.float()
}

/// Every transition with its step.
fn run(plan: &Plan, all: &[Series]) -> Vec<(Millis, Transition)> {
    let mut found = Vec::new();
    evaluations(plan, &Samples(all.to_vec()), STEPS as Millis, |step, outcome, _| {
        found.extend(outcome.transitions.iter().map(|transition| (step, transition.clone())));
    });
    found
}

fn raises(what: What) -> bool {
    matches!(what, What::Raised | What::RaisedMissing)
}

proptest! {
    #[test]
    fn ar_1_raised_and_cleared_take_turns(all in made_series(), rule in made_rule()) {
        let plan = alert_plan(rule);
        let mut raised: BTreeMap<Labels, bool> = BTreeMap::new();
        for (_, transition) in run(&plan, &all) {
            let known = raised.entry(transition.labels.clone()).or_default();
            if raises(transition.what) {
                prop_assert!(!std::mem::replace(known, true));
            } else if matches!(transition.what, What::Cleared(_)) {
                prop_assert!(std::mem::replace(known, false));
            } else {
                prop_assert!(*known, "{:?} of an alert that is not raised", transition.what);
            }
        }
    }

    #[test]
    fn ar_2_a_vanished_series_clears_nothing_under_keep(all in made_series(), mut rule in made_rule()) {
        if let Some(beyond) = &mut rule.beyond {
            (beyond.on_missing, beyond.flapping) = (OnMissing::Keep, None);
        }
        for (step, transition) in run(&alert_plan(rule), &all) {
            if matches!(transition.what, What::Cleared(_)) {
                let seen = value(&all, transition.labels.get("s"), step);
                prop_assert!(seen.is_some_and(|value| value <= 5.0), "cleared at {step} with {seen:?}");
            }
        }
    }

    #[test]
    fn ar_3_a_recovery_holds_when_an_alert_clears(all in made_series(), mut rule in made_rule()) {
        if let Some(beyond) = &mut rule.beyond {
            (beyond.on_missing, beyond.flapping) = (OnMissing::Keep, None);
            beyond.recover_when = Some(Recovery::Threshold(Threshold::Below(3.0)));
        }
        for (step, transition) in run(&alert_plan(rule), &all) {
            if matches!(transition.what, What::Cleared(_)) {
                let seen = value(&all, transition.labels.get("s"), step);
                prop_assert!(seen.is_some_and(|value| value < 3.0), "cleared at {step} with {seen:?}");
            }
        }
    }

    #[test]
    fn ar_4_enough_of_the_last_evaluations_held(all in made_series(), mut rule in made_rule(), m in 1..4_u8, n in 4..7_u8) {
        if let Some(beyond) = &mut rule.beyond {
            (beyond.several, beyond.flapping, beyond.on_missing) = (Several::new(m, n), None, OnMissing::default());
        }
        for (step, transition) in run(&alert_plan(rule), &all) {
            if raises(transition.what) {
                let held = |step: &Millis| value(&all, transition.labels.get("s"), *step).is_some_and(|value| value > 5.0);
                let count = (step + 1 - Millis::from(n)..=step).filter(held).count();
                prop_assert!(count >= usize::from(m), "{count} of {n} at {step}");
            }
        }
    }

    #[test]
    fn ar_5_an_alert_that_flaps_is_neither_raised_nor_cleared(all in made_series(), mut rule in made_rule()) {
        if let Some(beyond) = &mut rule.beyond {
            beyond.flapping = Some(Flapping::default());
        }
        let mut flapping: BTreeMap<Labels, bool> = BTreeMap::new();
        for (_, transition) in run(&alert_plan(rule), &all) {
            let known = flapping.entry(transition.labels.clone()).or_default();
            match transition.what {
                What::FlappingBegan { share } => {
                    prop_assert!(!std::mem::replace(known, true) && share >= 0.3);
                }
                What::FlappingEnded { share } => {
                    prop_assert!(std::mem::replace(known, false) && share < 0.2);
                }
                What::Missing | What::Returned => {}
                what => prop_assert!(!*known, "{what:?} while it flaps"),
            }
        }
    }

    #[test]
    fn ar_6_a_state_that_was_written_goes_on(all in made_series(), rule in made_rule(), cut in 1..STEPS as Millis) {
        let plan = alert_plan(rule);
        let source = Samples(all);
        let (mut kept, mut read) = (State::default(), State::default());
        for step in 0..STEPS as Millis {
            if step == cut {
                read = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
            }
            let live = evaluate(&plan, &setting(), &source, step * STEP, &mut kept);
            let again = evaluate(&plan, &setting(), &source, step * STEP, &mut read);
            // NaN differs from itself, and is the value of an alert without samples.
            prop_assert_eq!(format!("{live:?}"), format!("{again:?}"));
        }
    }

    #[test]
    fn without_a_block_alerts_are_those_of_a_plain_reading(all in made_series(), hold in 0..4_u64, keep in 0..4_u64) {
        let rule = Alerting { hold: minutes(hold), keep_firing: minutes(keep), ..rule() };
        let found = run(&alert_plan(rule), &all);
        for label in ["a", "b"] {
            let ours: Vec<(Millis, bool)> = found.iter()
                .filter(|(_, transition)| transition.labels.get("s") == label)
                .map(|(step, transition)| (*step, raises(transition.what)))
                .collect();
            prop_assert_eq!(ours, plain(&all, label, hold as Millis, keep as Millis));
        }
    }
}

/// `for` and `keep_firing_for`, told in the plainest words: steps at which an alert is raised or cleared.
fn plain(all: &[Series], label: &str, hold: Millis, keep: Millis) -> Vec<(Millis, bool)> {
    let (mut found, mut since, mut firing, mut left) = (Vec::new(), None, false, None);
    for step in 0..STEPS as Millis {
        if value(all, label, step).is_some_and(|value| value > 5.0) {
            left = None;
            let since = *since.get_or_insert(step);
            if !firing && step - since >= hold {
                firing = true;
                found.push((step, true));
            }
        } else if firing && step - *left.get_or_insert(step) < keep {
        } else {
            if firing {
                found.push((step, false));
            }
            (since, firing, left) = (None, false, None);
        }
    }
    found
}
