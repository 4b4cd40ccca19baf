//! `anomaly(..)` and `unusual(..)` in rules and in queries.

use kernel::book::Threshold;
use kernel::book::rules::{MinEvents, OnMissing, Recovery};

use super::*;
use crate::anomaly::{DefaultRule, HIT_SCORE, SERIES_MAX, Scored, WARM_UP};

/// Rows before the spike.
const CALM: usize = 400;

/// A series that wobbles between 1 and 5, and once is 50.
fn spiked(label: &str) -> Series {
    let wobble = |step: usize| 1.0 + f64::from(u8::try_from(step * 7 % 5).unwrap());
    series(label, (0..CALM + 30).map(|step| Some(if step == CALM { 50.0 } else { wobble(step) })))
}

fn unusual() -> Alerting {
    Alerting { expr: query("anomaly(m) > 0.99"), keep_firing: minutes(5), ..rule() }
}

fn steps(steps: usize) -> Millis {
    Millis::try_from(steps).unwrap()
}

#[test]
fn a_rule_raises_on_what_is_unusual_and_on_nothing_else() {
    let story = story(&alert_plan(unusual()), &Samples(vec![spiked("a")]), steps(CALM + 30));
    assert_eq!(story, [format!("{CALM} a Raised"), format!("{} a Recovered", CALM + 6)]);
}

#[test]
fn what_a_rule_has_learnt_goes_on_when_it_is_kept_apart_and_read_again() {
    let (source, plan) = (Samples(vec![spiked("a"), spiked("b")]), alert_plan(unusual()));
    let edited = alert_plan(Alerting { expr: query("anomaly(m) > 0.991"), ..unusual() });
    let (setting, mut state) = (setting(), State::default());
    for step in 0..steps(CALM) {
        let _ = evaluate(&plan, &setting, &source, step * STEP, &mut state);
    }
    let kept = rmp_serde::to_vec(&state.learnt()).unwrap();
    let mut read: State = rmp_serde::from_slice(&rmp_serde::to_vec_named(&state).unwrap()).unwrap();
    assert!(read.learnt().is_empty());
    read.relearn(rmp_serde::from_slice(&kept).unwrap());
    assert_eq!(read, state);
    // An edit of the threshold forgets nothing, a state without what was learnt knows no spike.
    let raised = |state: &mut State| evaluate(&edited, &setting, &source, steps(CALM) * STEP, state).transitions.len();
    assert_eq!((raised(&mut read), raised(&mut State::default())), (2, 0));
}

#[test]
fn a_query_walks_the_steps_before_the_first_that_it_asks_for() {
    let source = Samples(vec![spiked("a")]);
    let expr = promql::parse("anomaly(m)").unwrap();
    let options = setting().options;
    let at = steps(CALM) * STEP;
    let range = |from: Millis| {
        let answer = promql::range(&expr, &Scored(&source), from, at, STEP, &options).unwrap().data;
        let promql::Data::Matrix(all) = answer else { panic!("{answer:?}") };
        all.into_iter()
            .flat_map(|series| series.points)
            .map(|point| (point.at, point.value.float()))
            .collect::<Vec<_>>()
    };
    let (long, short) = (range(0), range(at));
    assert_eq!((long.len(), short.len()), (CALM + 1, 1));
    assert_eq!(long.last(), short.last(), "both begin {WARM_UP} steps before, where there is nothing");
    assert!(long.last().unwrap().1.unwrap() > HIT_SCORE && long[CALM - 1].1.unwrap() < HIT_SCORE);
    let instant = vector(&expr, &Scored(&source), at, &options).unwrap();
    assert_eq!(instant.len(), 1);
    assert_eq!(instant[0].0, set(&[("s", "a")]));
    assert_eq!(instant[0].1.float(), short[0].1);
    let within = promql::parse("max_over_time(anomaly(m)[10m:1m]) > 0.99").unwrap();
    assert_eq!(vector(&within, &Scored(&source), at + 3 * STEP, &options).unwrap().len(), 1);
}

#[test]
fn where_nothing_scores_the_call_is_refused() {
    let expr = promql::parse("anomaly(m)").unwrap();
    let error = promql::instant(&expr, &Samples::default(), 0, &promql::Options::default()).unwrap_err();
    assert!(error.to_string().contains("nothing scores"), "{error}");
}

#[test]
fn too_many_series_are_an_error_of_the_rule() {
    let all = (0..=SERIES_MAX).map(|n| series(&n.to_string(), [Some(1.0)])).collect();
    let outcome = evaluate(&alert_plan(unusual()), &setting(), &Samples(all), 0, &mut State::default());
    assert!(outcome.errors[0].message.contains("at most 1000 series, not 1001"), "{:?}", outcome.errors);
}

#[test]
fn a_call_that_would_learn_now_and_then_only_is_refused() {
    let broken = |beyond: Beyond| {
        let rule = Rule::Alerting(Alerting { beyond: Some(beyond), ..unusual() });
        let (_, broken) = Plan::of("rules.yml", &Group { name: "g".into(), rules: vec![rule], ..Group::default() });
        broken.into_iter().map(|broken| broken.message).collect::<Vec<_>>()
    };
    let recover = |recovery| Beyond { recover_when: Some(recovery), ..Beyond::default() };
    assert!(broken(recover(Recovery::Threshold(Threshold::Below(0.5)))).is_empty());
    assert!(broken(recover(Recovery::Query(query("anomaly(m) < 0.5")))).is_empty());
    assert!(broken(recover(Recovery::Query(query("anomaly(n) < 0.5"))))[0].contains("anomaly(n)"));
    let events = MinEvents { of: query("anomaly(n)"), at_least: 1.0 };
    assert!(broken(Beyond { min_events: Some(events), ..Beyond::default() })[0].contains("record it"));
}

#[test]
fn the_default_rule_in_a_rule_file_is_the_one_that_is_scored() {
    let level = |step: usize| if (300..320).contains(&step) || step > 420 { 160.0 } else { 100.0 };
    let values: Vec<f64> = (0..600).map(|step| level(step) + f64::from(u8::try_from(step * 7 % 11).unwrap())).collect();
    let mut scored = DefaultRule::new();
    let raised: Vec<bool> = values.iter().map(|value| scored.observe(*value)).collect();
    let source = Samples(vec![series("a", values.iter().copied().map(Some))]);
    let (mut firing, mut reported) = (vec![false], Vec::new());
    let expr = query("unusual(m)");
    evaluations(&alert_plan(Alerting { expr, ..rule() }), &source, 600, |_, outcome, _| {
        let raises = |transition: &Transition| transition.what == What::Raised;
        let last = firing[firing.len() - 1];
        firing.push(outcome.transitions.first().map_or(last, raises));
        reported.extend(outcome.transitions.iter().filter(|one| raises(one)).map(|transition| transition.value));
    });
    assert_eq!(firing[1..], raised);
    assert_eq!(
        raised.windows(2).filter(|pair| pair[0] != pair[1]).count(),
        4,
        "two troubles, each raised and cleared once"
    );
    assert!(reported.len() == 2 && reported.iter().all(|value| *value >= 160.0), "the series' own: {reported:?}");
    // A query that remembers nothing walks to the same answer.
    let ask =
        promql::range(&promql::parse("unusual(m)").unwrap(), &Scored(&source), 0, 599 * STEP, STEP, &setting().options);
    let promql::Data::Matrix(all) = ask.unwrap().data else { panic!() };
    let shown: Vec<Millis> = all[0].points.iter().map(|point| point.at / STEP).collect();
    let expected: Vec<Millis> = (0..600).filter(|step| raised[usize::try_from(*step).unwrap()]).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_default_rule_stays_raised_when_what_it_learnt_is_kept_and_read_again() {
    let values = (0..330).map(|step| Some(if step >= 300 { 160.0 } else { 100.0 + f64::from(step % 7) }));
    let (source, plan) =
        (Samples(vec![series("a", values)]), alert_plan(Alerting { expr: query("unusual(m)"), ..rule() }));
    let (setting, mut state) = (setting(), State::default());
    for step in 0..=310 {
        let _ = evaluate(&plan, &setting, &source, step * STEP, &mut state);
    }
    let kept = rmp_serde::to_vec(&state.learnt()).unwrap();
    let mut read: State = rmp_serde::from_slice(&rmp_serde::to_vec_named(&state).unwrap()).unwrap();
    read.relearn(rmp_serde::from_slice(&kept).unwrap());
    assert_eq!(read, state);
    for step in 311..330 {
        assert_eq!(evaluate(&plan, &setting, &source, step * STEP, &mut read).transitions, [], "{step}");
    }
}

#[test]
fn a_series_that_vanishes_is_missing_and_not_usual_again() {
    let beyond = Some(Beyond { on_missing: OnMissing::Keep, ..Beyond::default() });
    let mut gone = spiked("a");
    gone.points.truncate(CALM + 1);
    let plan = alert_plan(Alerting { beyond, keep_firing: Duration::ZERO, ..unusual() });
    let story = story(&plan, &Samples(vec![gone]), steps(CALM + 5));
    assert_eq!(story, [format!("{CALM} a Raised"), format!("{} a Missing", CALM + 1)]);
}
