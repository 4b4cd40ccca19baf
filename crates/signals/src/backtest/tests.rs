//! Replays: what they count, and that they are what live evaluation would have been.

use std::time::Duration;

use kernel::book::Threshold;
use kernel::book::rules::{
    Alerting, Beyond, Expression, Flapping, Group, MinEvents, OnMissing, Recording, Recovery, Rule, Several,
};
use promql::{Labels, MemorySource, Point};
use proptest::prelude::*;

use super::run::replay_told;
use super::*;
use crate::alerting::{Plan, State, Transition, evaluate};

const STEP: Millis = 60_000;
const STEPS: usize = 50;

fn set(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn query(text: &str) -> Expression {
    Expression { text: text.to_owned(), ..Expression::default() }
}

fn alert(name: &str, expr: &str, minutes: u64) -> Alerting {
    Alerting { alert: name.into(), expr: query(expr), hold: Duration::from_secs(60 * minutes), ..Alerting::default() }
}

fn record(name: &str, expr: &str) -> Rule {
    Rule::Recording(Recording { record: name.into(), expr: query(expr), ..Recording::default() })
}

fn plan(rules: Vec<Rule>) -> Plan {
    let group = Group { name: "g".into(), rules, ..Group::default() };
    let (plan, broken) = Plan::of("rules.yml", &group);
    assert_eq!(broken, []);
    plan
}

/// A series named `m` with a sample a minute, from digits; `.` is no sample.
fn source(series: &[(&str, &str)]) -> MemorySource {
    let mut source = MemorySource::new();
    for (label, digits) in series {
        let points = (0..).zip(digits.chars()).filter_map(|(step, c)| Some((step, c.to_digit(10)?)));
        let points = points.map(|(step, value): (Millis, u32)| Point::float(step * STEP, f64::from(value)));
        source.insert(set(&[("__name__", "m"), ("s", label)]), points);
    }
    source
}

fn options(steps: usize) -> Options {
    let promql = promql::Options { look_back: STEP - 1, ..promql::Options::default() };
    let setting = Setting { options: promql, ..Setting::default() };
    Options {
        start: 0,
        end: steps as Millis * STEP - STEP,
        interval: STEP,
        setting,
        settings: true,
        incidents: Vec::new(),
    }
}

fn report(rule: Alerting, digits: &str) -> RuleReport {
    let plans = [plan(vec![Rule::Alerting(rule)])];
    let mut report = replay(&plans, &source(&[("a", digits)]), &options(digits.len())).unwrap();
    assert_eq!(report.step_by_step, None);
    report.rules.remove(0)
}

#[test]
fn firings_are_counted_with_their_lengths_and_flaps() {
    let report = report(alert("A", "m > 5", 0), "0990000000000000000900000009999999900009");
    assert_eq!((report.firings, report.flaps, report.evaluations), (4, 2, 40));
    assert_eq!(
        report.durations,
        Durations { median: Some(STEP), longest: Some(8 * STEP), short_share: Some(0.5), open: 1 }
    );
    assert_eq!((report.first, report.last), (Some(STEP), Some(39 * STEP)));
    assert_eq!(report.alerts.len(), 1);
    assert_eq!(report.alerts[0].labels.get("s").map(String::as_str), Some("a"));
}

#[test]
fn the_quietest_setting_that_keeps_what_lasted_is_suggested() {
    let report = report(alert("A", "m > 5", 0), "0900090009000900099999999999999999990000");
    let suggestion = report.suggestion.unwrap();
    assert_eq!((report.firings, suggestion.tuning.hold, suggestion.tuning.threshold), (5, 60_000, None));
    let hold = |hold: Millis| report.settings.iter().find(|tried| tried.tuning == Tuning { hold, ..Tuning::default() });
    let five = hold(5 * STEP).unwrap();
    assert_eq!((five.firings, five.delay.median, five.caught), (1, Some(5 * STEP), (1, 1)));
    assert!(hold(0).unwrap().own && hold(0).unwrap().pareto && hold(STEP).unwrap().pareto && !five.pareto);
    assert!(suggestion.reason.contains("fire once instead of 5"), "{}", suggestion.reason);
}

#[test]
fn thresholds_are_tried_where_values_are() {
    let report = report(alert("A", "m > 5", 0), "0123456789012345678901234567890123456789");
    let tried: Vec<_> =
        report.settings.iter().filter_map(|tried| Some((tried.tuning.threshold?, tried.firings))).collect();
    assert_eq!(tried, [(8.0, 4), (9.0, 0)]);
    let none = self::report(alert("A", "m > 5 and m > 2", 0), "0123456789");
    assert!(none.settings.iter().all(|tried| tried.tuning.threshold.is_none()));
}

#[test]
fn errors_are_counted_and_name_the_first() {
    let plans = [plan(vec![Rule::Alerting(alert("A", "m + on() m > 5", 0))])];
    let report = replay(&plans, &source(&[("a", "99.99"), ("b", "99...")]), &options(5)).unwrap();
    assert_eq!((report.rules[0].errors, report.rules[0].firings), (2, 1));
    assert!(report.rules[0].error.as_ref().unwrap().contains("duplicate"), "{:?}", report.rules[0].error);
}

#[test]
fn what_looks_elsewhere_is_replayed_step_by_step() {
    for (expr, why) in [
        ("m @ end() > 5", "fixed instant"),
        ("m offset -5m > 5", "negative offset"),
        ("ALERTS{alertname=\"A\"} > 5", "written later"),
        ("{s=\"a\"} > 5", "written later"),
        ("anomaly(m) > 0.99", "with `anomaly`"),
        ("unusual(m)", "or `unusual`"),
    ] {
        let plans = [plan(vec![Rule::Alerting(alert("A", expr, 0))])];
        let report = replay(&plans, &source(&[("a", "0123456789")]), &options(10)).unwrap();
        assert!(report.step_by_step.as_ref().is_some_and(|told| told.contains(why)), "{expr}: {report:?}");
    }
}

/// Threads as the shell has them.
struct Threads;

impl Help for Threads {
    fn together(&self, work: Vec<Work<'_>>) {
        std::thread::scope(|scope| work.into_iter().for_each(|part| drop(scope.spawn(part))));
    }
}

fn incident(id: &str, service: &str, minutes: (Millis, Millis)) -> PastIncident {
    let (began, declared) = (minutes.0 * STEP, minutes.1 * STEP);
    PastIncident { id: id.into(), services: vec![service.into()], began, declared, ended: Some(declared + 10 * STEP) }
}

#[test]
fn incidents_are_caught_missed_or_none_of_the_rules_business() {
    let mut series = MemorySource::new();
    let digits = format!("{}{}{}", "0".repeat(100), "9".repeat(10), "0".repeat(100));
    let points =
        (0..).zip(digits.chars()).map(|(step, c)| Point::float(step * STEP, f64::from(c.to_digit(10).unwrap())));
    series.insert(set(&[("__name__", "m"), ("service", "checkout")]), points);
    let incidents = vec![
        incident("I-1", "checkout", (102, 105)),
        incident("I-2", "checkout", (130, 131)),
        incident("I-3", "search", (102, 105)),
        incident("I-4", "checkout", (20, 21)),
        incident("I-5", "checkout", (90, 95)),
    ];
    let options = Options { incidents, ..options(digits.len()) };
    let plans = [plan(vec![Rule::Alerting(alert("A", "m > 5", 0))])];
    let report = replay(&plans, &series, &options).unwrap();
    let told: Vec<_> = report.incidents.iter().map(|judged| (&*judged.id, judged.early_by)).collect();
    let (early, late) = (Some(5 * STEP), Some(-5 * STEP));
    // I-2 began 20 minutes after the firing was over, I-4 was over long before it, and search is another's business.
    assert_eq!(told, [("I-4", None), ("I-5", late), ("I-1", early), ("I-2", None)]);
    assert_eq!(report.incidents[2].by.as_deref(), Some("A"));
    let own = report.rules[0].settings.iter().find(|tried| tried.own).unwrap();
    assert_eq!(own.incidents, (2, 4));
}

#[test]
fn firings_of_one_service_that_overlap_are_one_page() {
    let series = source(&[("a", "0999900000099000"), ("b", "0009999000000990")]);
    let mut rule = alert("A", "m > 5", 0);
    let told =
        |rule: Alerting| replay(&[plan(vec![Rule::Alerting(rule)])], &series, &options(16)).unwrap().rules.remove(0);
    assert_eq!((told(rule.clone()).firings, told(rule.clone()).pages), (4, 2));
    rule.labels.insert("service".into(), "{{ $labels.s }}".into());
    assert_eq!(told(rule).pages, 4);
}

#[test]
fn hysteresis_is_tried_and_costs_nothing_at_the_beginning() {
    let report = report(alert("A", "m > 5", 0), &format!("{}{}", "1111111111".repeat(8), "96969696464649696941111"));
    let calm = report.settings.iter().find(|tried| tried.tuning.recover_when.is_some()).unwrap();
    assert_eq!((calm.firings, calm.delay.median, calm.caught), (1, Some(0), (2, 2)), "{:?}", report.settings);
    assert!(calm.lingers.median.unwrap() > 0 && calm.pareto, "{calm:?}");
    let suggestion = report.suggestion.unwrap();
    assert!(suggestion.reason.contains("would fire once instead of"), "{suggestion:?}");
}

#[test]
fn a_picture_keeps_the_peaks() {
    let mut digits = "1".repeat(2_000);
    digits.replace_range(777..778, "9");
    let picture = report(alert("A", "m > 5", 0), &digits).picture.unwrap();
    assert_eq!((picture.limit, picture.curves.len(), picture.left_out), (Some(5.0), 1, 0));
    let values: Vec<f64> = picture.curves[0].values.iter().flatten().copied().collect();
    assert!(values.len() <= STRETCHES + 1 && values.iter().filter(|value| **value == 9.0).count() == 1, "{values:?}");
}

#[test]
fn a_helper_ends_a_replay() {
    struct Enough(std::sync::atomic::AtomicUsize);
    impl Help for Enough {
        fn goes_on(&self, progress: Progress) -> bool {
            self.0.store(progress.done, std::sync::atomic::Ordering::Relaxed);
            progress.done < progress.of / 2
        }
    }
    for expr in ["m > 5", "m @ end() > 5"] {
        let plans = [plan(vec![Rule::Alerting(alert("A", expr, 0))])];
        let enough = Enough(Default::default());
        let options = Options { interval: 1_000, settings: false, ..options(400) };
        assert_eq!(replay_with(&plans, &source(&[("a", "1")]), &options, &enough), Err(Refusal::Stopped));
        assert!(enough.0.into_inner() < 20_000);
    }
}

#[test]
fn two_files_are_told_apart() {
    let digits = [("a", "0009990009000999999999900")];
    let report = |expr: &str| {
        let plans = [plan(vec![Rule::Alerting(alert("A", expr, 0))])];
        replay(&plans, &source(&digits), &options(25)).unwrap()
    };
    let compared = compare(&report("m > 5"), &report("avg_over_time(m[3m]) > 5"));
    assert_eq!((compared.before, compared.after), (3, 2));
    assert_eq!((compared.rules[0].lost, compared.rules[0].new), (1, 0));
}

#[test]
fn too_long_a_time_is_refused() {
    let plans = [plan(vec![Rule::Alerting(alert("A", "m > 5", 0))])];
    let refused = |options| replay(&plans, &source(&[]), &options);
    assert!(matches!(refused(Options { interval: 1, ..options(100_000) }), Err(Refusal::TooLong { .. })));
    assert_eq!(refused(Options { end: -1, ..options(1) }), Err(Refusal::Empty));
}

fn digits() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof![3 => (0..10_u8).prop_map(|d| (b'0' + d) as char), 1 => Just('.')], STEPS)
        .prop_map(|all| all.into_iter().collect())
}

fn expression() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("m > 5"),
        Just("m < 4"),
        Just("rec > 5"),
        Just("rate(m[3m]) > 0.05"),
        Just("avg_over_time(rec[3m:1m]) > 5"),
        Just("sum(m) > 9"),
        Just("absent(m{s=\"a\"})"),
        Just("m > on() group_left() (m{s=\"b\"})"),
        Just("m offset 2m > 5"),
        Just("ALERTS{alertname=\"First\", alertstate=\"firing\"}"),
        Just("count(ALERTS) > 1"),
        Just("m @ end() > 5"),
        Just("late > 5"),
        Just("topk(1, m) > 5"),
        Just("anomaly(m) > 0.9"),
        Just("unusual(m)"),
        Just("anomaly(sum(m)) > 0.5 or anomaly(rate(m[3m])) > 0.5"),
    ]
}

fn missing() -> impl Strategy<Value = OnMissing> {
    let minutes = |minutes| Duration::from_secs(60 * minutes);
    prop_oneof![
        Just(OnMissing::Keep),
        Just(OnMissing::default()),
        (1..5_u64).prop_map(move |m| OnMissing::Resolve(minutes(m))),
        (1..5_u64).prop_map(move |m| OnMissing::Alert(minutes(m))),
    ]
}

prop_compose! {
    fn made_rule()(
        expr in expression(), hold in 0..4_u64, keep in 0..3_u64, on_missing in missing(), recover in any::<bool>(),
        several in proptest::option::of((1..4_u8, 4..7_u8)), flapping in any::<bool>(), events in any::<bool>(),
        templates in any::<bool>(),
    ) -> Alerting {
        let recover = recover && (expr == "m > 5" || expr == "rec > 5");
        let beyond = Beyond {
            recover_when: recover.then_some(Recovery::Threshold(Threshold::Below(3.0))),
            several: several.and_then(|(m, n)| Several::new(m, n)),
            on_missing,
            flapping: flapping.then(Flapping::default),
            min_events: events.then(|| MinEvents { of: query("count(m)"), at_least: 2.0 }),
            ..Beyond::default()
        };
        let text = if templates { "{{ $labels.s }}!" } else { "plain" };
        let labels = [("kind".to_owned(), text.to_owned())].into();
        let keep_firing = Duration::from_secs(60 * keep);
        Alerting { keep_firing, beyond: Some(beyond), labels, ..alert("Second", expr, hold) }
    }
}

/// The samples up to now, and what rules wrote: what live evaluation sees.
fn live(plan: &Plan, all: &[(&str, String)], options: &Options) -> (Vec<Transition>, usize) {
    let (mut state, mut seen, mut said, mut errors) = (State::default(), MemorySource::new(), Vec::new(), 0);
    for step in 0..STEPS {
        let at = step as Millis * STEP;
        for (label, digits) in all {
            let value = digits.chars().nth(step).and_then(|c| c.to_digit(10));
            let point = value.map(|value| Point::float(at, f64::from(value)));
            seen.insert(set(&[("__name__", "m"), ("s", label)]), point);
        }
        let outcome = evaluate(plan, &options.setting, &seen, at, &mut state);
        said.extend(outcome.transitions);
        errors += outcome.errors.len();
        outcome.samples.into_iter().for_each(|(labels, point)| seen.insert(labels, [point]));
    }
    (said, errors)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The law of this module: a replay says what live evaluation said, ahead and step by step.
    #[test]
    fn a_replay_is_what_was_live(a in digits(), b in digits(), rule in made_rule()) {
        let first = alert("First", "rec > 6", 1);
        let plan = plan(vec![
            record("rec", "m"), Rule::Alerting(first), Rule::Alerting(rule), record("late", "avg_over_time(m[2m])"),
        ]);
        let options = options(STEPS);
        let all = [("a", a), ("b", b)];
        let (wanted, wanted_errors) = live(&plan, &all, &options);
        let texts: Vec<(&str, &str)> = all.iter().map(|(label, digits)| (*label, &**digits)).collect();
        let mut got = Vec::new();
        let report = replay_told(&[plan], &source(&texts), &options, &Threads, &mut |rule, transition| {
            got.push((transition.at, rule, transition.clone()));
        }).unwrap();
        got.sort_by_key(|(at, rule, _)| (*at, *rule));
        let got: Vec<Transition> = got.into_iter().map(|(_, _, transition)| transition).collect();
        prop_assert_eq!(format!("{got:#?}"), format!("{wanted:#?}"), "{:?}", report.step_by_step);
        prop_assert_eq!(report.rules.iter().map(|rule| rule.errors).sum::<usize>(), wanted_errors);
    }

    /// A tuning that is tried makes what the rule written so makes.
    #[test]
    fn a_tuning_is_the_rule_written_so(a in digits(), hold in 0..4_u64, keep in 0..3_u64) {
        let rule = Alerting { keep_firing: Duration::from_secs(60 * keep), ..alert("A", "m > 5", hold) };
        for tried in report(rule.clone(), &a).settings {
            let written = report(rewritten(&rule, &tried.tuning), &a);
            let told = (written.firings, written.pages, written.flaps, written.durations.short_share);
            prop_assert_eq!((tried.firings, tried.pages, tried.flaps, tried.short_share), told, "{:?}", tried.tuning);
        }
    }
}
