//! Correlations: the seven types, groups, windows, late events, chains.

use super::super::{Correlated, Correlations, GROUPS_MAX, ITEMS_MAX};
use super::*;
use std::collections::BTreeSet;

use kernel::Seconds;
use proptest::prelude::*;
use serde_json::json;

const BASE: &str = "
title: Failed
name: failed
detection: {sel: {kind: failed}, condition: sel}
---
title: Worked
name: worked
detection: {sel: {kind: worked}, condition: sel}
---
title: Left
name: left
detection: {sel: {kind: left}, condition: sel}
";

fn correlation(lines: &str) -> String {
    let indented: String = lines.trim().lines().map(|line| format!("  {}\n", line.trim_end())).collect();
    format!("title: Found\nname: found\nlevel: high\ncorrelation:\n{indented}")
}

struct World {
    rules: Rules,
    correlations: Correlations,
}

impl World {
    fn new(texts: &[&str], lateness: u32) -> Self {
        let all: Vec<&str> = std::iter::once(BASE).chain(texts.iter().copied()).collect();
        let (rules, refused) = load(&all);
        assert_eq!(refused, []);
        let correlations = Correlations::new(&rules, Seconds(lateness));
        Self { rules, correlations }
    }

    fn see(&mut self, second: u32, event: Value) -> Vec<Correlated> {
        let event = Event::new(&event);
        let at = Seconds(second).after(now());
        // Nothing here comes from the future.
        let clock = Seconds(1_000_000).after(now());
        self.correlations.observe(&event, &self.rules.matches(&event), at, clock)
    }

    /// Another process goes on with what this one saved.
    fn restart(&mut self) {
        let saved = serde_json::to_string(&self.correlations.saved()).expect("it is written");
        let fresh = Correlations::new(&self.rules, Seconds(200));
        self.correlations = fresh.with_saved(serde_json::from_str(&saved).expect("it is read"));
    }

    fn end(&mut self) -> Vec<Correlated> {
        self.correlations.silence(Seconds(2_000_000).after(now()))
    }
}

/// The findings as one text: title, group, seconds since noon, number.
fn told(found: &[Correlated]) -> Vec<String> {
    let second = |at: Timestamp| at.duration_since(now()).as_secs();
    let one = |found: &Correlated| {
        let group: Vec<&str> = found.group.iter().map(|(_, value)| value.as_str()).collect();
        format!(
            "{} [{}] {}..{} = {}",
            found.rule.title,
            group.join(","),
            second(found.from),
            second(found.to),
            found.value
        )
    };
    found.iter().map(one).collect()
}

/// Runs events in order and gives all findings, those at the end too.
fn run(text: &str, events: &[(u32, Value)]) -> Vec<String> {
    let mut world = World::new(&[text], 0);
    let mut found: Vec<Correlated> =
        events.iter().flat_map(|(second, event)| world.see(*second, event.clone())).collect();
    found.extend(world.end());
    told(&found)
}

fn failed(user: &str) -> Value {
    json!({"kind": "failed", "user": user, "from": user.len(), "bytes": user.len() * 10})
}

#[test]
fn event_count() {
    let text = correlation("type: event_count\nrules: [failed]\ngroup-by: [user]\ntimespan: 1m\ncondition: {gte: 3}");
    let events: Vec<_> = [0, 30, 59, 61, 62].map(|second| (second, failed("a"))).into();
    assert_eq!(run(&text, &events), ["Found [a] 0..59 = 3"]);
    // A window is open at its start: at 60 the event of 0 is no longer in it.
    assert_eq!(run(&text, &[0, 30, 60].map(|second| (second, failed("a")))), [""; 0]);
    assert_eq!(run(&text, &[(0, failed("a")), (1, failed("b")), (2, failed("a")), (3, failed("b"))]), [""; 0]);
    // Once a time span has gone by, the group is reported again.
    let again: Vec<_> = [0, 1, 2, 100, 101, 102].map(|second| (second, failed("a"))).into();
    assert_eq!(run(&text, &again), ["Found [a] 0..2 = 3", "Found [a] 100..102 = 3"]);
}

#[test]
fn counts_that_must_not_be_exceeded_wait_for_the_end_of_the_window() {
    let text = correlation("type: event_count\nrules: [failed]\ntimespan: 1m\ncondition: {gte: 2, lt: 4}");
    assert_eq!(run(&text, &[0, 1].map(|second| (second, failed("a")))), ["Found [] 0..1 = 2"]);
    let exact = correlation("type: event_count\nrules: [failed]\ntimespan: 1m\nwindow: tumbling\ncondition: {eq: 2}");
    assert_eq!(run(&exact, &[0, 1, 2].map(|second| (second, failed("a")))), [""; 0]);
    assert_eq!(run(&exact, &[0, 1, 60].map(|second| (second, failed("a")))), ["Found [] 0..1 = 2"]);
}

#[test]
fn value_count() {
    let text = correlation(
        "type: value_count\nrules: [failed]\ngroup-by: [host]\ntimespan: 1m\ncondition: {field: user, gte: 3}",
    );
    let event = |user: &str| json!({"kind": "failed", "user": user, "host": "h"});
    let events = ["a", "b", "a", "b", "c"].map(event);
    let timed: Vec<_> = (0..).zip(events).collect();
    assert_eq!(run(&text, &timed), ["Found [h] 0..4 = 3"]);
    let several = text.replace("field: user", "field: [user, host]");
    assert_eq!(run(&several, &timed), ["Found [h] 0..4 = 3"]);
}

#[test]
fn temporal() {
    let text = correlation("type: temporal\nrules: [failed, worked]\ngroup-by: [user]\ntimespan: 1m");
    let worked = |user: &str| json!({"kind": "worked", "user": user});
    assert_eq!(run(&text, &[(0, worked("a")), (9, failed("a"))]), ["Found [a] 0..9 = 2"]);
    assert_eq!(run(&text, &[(0, worked("a")), (60, failed("a"))]), [""; 0]);
    assert_eq!(run(&text, &[(0, worked("a")), (9, failed("b"))]), [""; 0]);
    let extended = text
        .replace("rules: [failed, worked]", "rules: [failed, worked, left]\n  condition: failed and (worked or left)");
    assert_eq!(run(&extended, &[(0, json!({"kind": "left", "user": "a"})), (9, failed("a"))]), ["Found [a] 0..9 = 2"]);
    let negated =
        text.replace("rules: [failed, worked]", "rules: [failed, worked]\n  condition: failed and not worked");
    assert_eq!(
        run(&negated, &[(0, failed("a")), (100, failed("b")), (109, worked("b"))]),
        ["Found [a] 0..0 = 1", "Found [b] 100..100 = 1"]
    );
}

#[test]
fn temporal_ordered() {
    let text = correlation("type: temporal_ordered\nrules: [failed, worked, left]\ntimespan: 1m");
    let event = |kind: &str| json!({"kind": kind});
    let order = |kinds: [&str; 4]| (0..).map(|at| at * 10).zip(kinds.map(event)).collect::<Vec<_>>();
    assert_eq!(run(&text, &order(["failed", "worked", "failed", "left"])), ["Found [] 0..30 = 3"]);
    assert_eq!(run(&text, &order(["worked", "failed", "left", "worked"])), [""; 0]);
    assert_eq!(run(&text, &[(0, event("failed")), (30, event("worked")), (60, event("left"))]), [""; 0]);
}

#[test]
fn sums_averages_and_percentiles() {
    let text = |kind: &str, condition: &str| {
        correlation(&format!(
            "type: {kind}\nrules: [failed]\ntimespan: 1m\nwindow: tumbling\ncondition: {{field: bytes, {condition}}}"
        ))
    };
    let events: Vec<_> = (0..).zip([10, 20, 30, 100].map(|bytes| json!({"kind": "failed", "bytes": bytes}))).collect();
    for (kind, condition, wanted) in [
        ("value_sum", "gte: 160", "= 160"),
        ("value_sum", "gt: 160", ""),
        ("value_avg", "gte: 40", "= 40"),
        ("value_avg", "lt: 40", ""),
        ("value_median", "eq: 25", "= 25"),
        ("value_percentile", "percentile: 50, eq: 25", "= 25"),
        ("value_percentile", "percentile: 100, gte: 100", "= 100"),
        ("value_percentile", "percentile: 0, gt: 10", ""),
    ] {
        let found = run(&text(kind, condition), &events);
        assert_eq!(found.len(), usize::from(!wanted.is_empty()), "{kind} {condition}: {found:?}");
        assert!(found.concat().ends_with(wanted), "{kind} {condition}: {found:?}");
    }
}

#[test]
fn session_windows() {
    let text =
        correlation("type: event_count\nrules: [failed]\ntimespan: 1h\nwindow: session\ngap: 1m\ncondition: {gte: 3}");
    assert_eq!(run(&text, &[0, 50, 100].map(|second| (second, failed("a")))), ["Found [] 0..100 = 3"]);
    assert_eq!(run(&text, &[0, 50, 111, 170].map(|second| (second, failed("a")))), [""; 0]);
}

#[test]
fn aliases_and_names_of_the_pipeline() {
    let text = correlation(
        "type: temporal\nrules: [failed, worked]\ngroup-by: [who]\naliases:\n  who:\n    failed: user\n    worked: account\ntimespan: 1m",
    );
    assert_eq!(run(&text, &[(0, failed("a")), (1, json!({"kind": "worked", "account": "a"}))]), ["Found [a] 0..1 = 2"]);
}

#[test]
fn a_chain_of_correlations() {
    let many = correlation("type: event_count\nrules: [failed]\ngroup-by: [user]\ntimespan: 1m\ncondition: {gte: 2}");
    let then = many
        .replace("Found", "Then")
        .replace("name: found", "name: then")
        .replace("event_count", "temporal_ordered")
        .replace("rules: [failed]", "rules: [found, worked]")
        .replace("\n  condition: {gte: 2}", "");
    let mut world = World::new(&[&then, &many], 0);
    assert_eq!(told(&world.see(0, failed("a"))), [""; 0]);
    let found = world.see(1, failed("a"));
    assert_eq!(told(&found), ["Found [a] 0..1 = 2"]);
    assert!(!found.iter().any(|found| found.rule.reported), "it only feeds another");
    assert_eq!(told(&world.see(5, json!({"kind": "worked", "user": "a"}))), ["Then [a] 1..5 = 2"]);
    let reported: Vec<bool> = world.rules.iter().map(|rule| rule.reported).collect();
    assert_eq!(reported, [false, false, true]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (lines, reason) in [
        ("type: event_count\nrules: [unheard]\ntimespan: 1m\ncondition: {gte: 1}", "no rule in use is called so"),
        ("type: event_count\nrules: [found]\ntimespan: 1m\ncondition: {gte: 1}", "refers to itself"),
        ("type: event_count\nrules: []\ntimespan: 1m\ncondition: {gte: 1}", "refers to no rule"),
        ("type: event_count\nrules: [failed]\ntimespan: 99y\ncondition: {gte: 1}", "time span"),
        ("type: event_count\nrules: [failed]\ntimespan: 1m\ncondition: {gte: 10000}", "no more than 10000 events"),
        (
            "type: event_count\nrules: [failed]\ntimespan: 1m\ncondition: failed",
            "only `temporal` takes a condition over rules",
        ),
        ("type: value_count\nrules: [failed]\ntimespan: 1m\ncondition: {gte: 1}", "needs `field`"),
        (
            "type: value_percentile\nrules: [failed]\ntimespan: 1m\ncondition: {field: x, percentile: 101, gte: 1}",
            "no percentile 101",
        ),
        ("type: temporal\nrules: [failed]\ntimespan: 1m\ncondition: left", "not under `rules`"),
        ("type: unheard\nrules: [failed]\ntimespan: 1m", "Unknown correlation type"),
    ] {
        let (_, refused) = load(&[BASE, &correlation(lines)]);
        let told: String = refused.iter().map(ToString::to_string).collect();
        assert!(refused.len() == 1 && told.contains(reason), "{lines}\n{told}");
    }
}

#[test]
fn late_events_count_in_their_own_window() {
    let text = correlation("type: event_count\nrules: [failed]\ntimespan: 10s\ncondition: {gte: 3}");
    let mut world = World::new(&[&text], 60);
    for second in [0, 1, 30, 40] {
        assert_eq!(told(&world.see(second, failed("a"))), [""; 0]);
    }
    assert_eq!(told(&world.see(2, failed("a"))), ["Found [] 0..2 = 3"]);
    let mut world = World::new(&[&text], 20);
    for second in [0, 1, 30] {
        world.see(second, failed("a"));
    }
    assert_eq!(told(&world.see(2, failed("a"))), [""; 0]);
    assert_eq!(world.correlations.uncounted().too_late, 1);
}

#[test]
fn an_event_from_the_future_closes_nothing() {
    let text = correlation("type: event_count\nrules: [failed]\ntimespan: 10s\ncondition: {gte: 2}");
    let mut world = World::new(&[&text], 5);
    let (far, event) = ("9999-01-01T00:00:00Z".parse().expect("a time"), failed("a"));
    let event = Event::new(&event);
    let found = world.rules.matches(&event);
    world.correlations.observe(&event, &found, far, now());
    assert_eq!(world.correlations.observe(&event, &found, Seconds(1).after(now()), Seconds(1).after(now())).len(), 1);
}

#[test]
fn a_change_of_files_forgets_nothing_that_still_counts() {
    let text = correlation("type: event_count\nrules: [failed]\ntimespan: 10s\ncondition: {gte: 2}");
    for (other, wanted) in [(text.replace("level: high", "level: low"), 1), (text.replace("10s", "11s"), 0)] {
        let mut world = World::new(&[&text], 0);
        world.see(0, failed("a"));
        let (rules, _) = load(&[BASE, &other]);
        world.correlations = world.correlations.with_rules(&rules);
        world.rules = rules;
        assert_eq!(world.see(1, failed("a")).len(), wanted);
    }
}

/// SG-5
#[test]
fn groups_and_their_events_are_bounded() {
    let text =
        correlation("type: event_count\nrules: [failed]\ngroup-by: [user]\ntimespan: 1h\ncondition: {gte: 9999}");
    let mut world = World::new(&[&text], 0);
    for number in 0..GROUPS_MAX + 5 {
        world.see(0, json!({"kind": "failed", "user": number}));
    }
    assert_eq!(world.correlations.groups(), GROUPS_MAX);
    assert_eq!(world.correlations.uncounted().groups_let_go, 5);
    world.end();
    assert_eq!(world.correlations.groups(), 0, "all is forgotten in time");
    let text = text.replace("event_count", "value_sum").replace("gte: 9999", "field: n, gte: 1");
    let mut world = World::new(&[&text], 3600);
    for _ in 0..ITEMS_MAX + 5 {
        world.see(0, json!({"kind": "failed", "user": "a", "n": 0}));
    }
    assert_eq!(world.correlations.uncounted().crowded_out, 5);
    world.see(0, json!({"kind": "failed"}));
    assert_eq!(world.correlations.uncounted().without_field, 1);
    assert_eq!(world.correlations.kept(), (ITEMS_MAX, 1, 1));
    world.end();
    assert_eq!(world.correlations.kept(), (0, 0, 0));
}

/// An event of the property tests: second, kind, user, number.
type Step = (u32, u8, u8, u32);

const KINDS: [&str; 3] = ["failed", "worked", "left"];

const LINES: [&str; 7] = [
    "type: event_count\ncondition: {gte: 3}",
    "type: value_count\ncondition: {field: n, gte: 2}",
    "type: temporal",
    "type: temporal_ordered",
    "type: value_sum\ncondition: {field: n, gt: 5}",
    "type: value_avg\ncondition: {field: n, lte: 2}",
    "type: event_count\ncondition: {lt: 3}",
];

/// The users that are found when the events come in this order.
fn users(steps: &[Step], kind: usize) -> BTreeSet<String> {
    users_with_restart(steps, kind, usize::MAX)
}

/// The same, when the process ends after so many events and another goes on with what was saved.
fn users_with_restart(steps: &[Step], kind: usize, restart: usize) -> BTreeSet<String> {
    let text = correlation(&format!("{}\nrules: [failed, worked]\ngroup-by: [user]\ntimespan: 10s", LINES[kind]));
    let mut world = World::new(&[&text], 200);
    let mut found = Vec::new();
    for (number_of, (second, kind, user, number)) in steps.iter().enumerate() {
        if number_of == restart {
            world.restart();
        }
        let kind = KINDS[usize::from(*kind)];
        found.extend(world.see(*second, json!({"kind": kind, "user": user, "n": number})));
    }
    found.extend(world.end());
    found.into_iter().map(|found| found.group.into_iter().map(|(_, value)| value).collect()).collect()
}

/// The same by the definition: some event ends a window of ten seconds over which the condition holds.
fn users_by_definition(steps: &[Step], kind: usize) -> BTreeSet<String> {
    let counted: Vec<&Step> = steps.iter().filter(|(_, kind, ..)| *kind < 2).collect();
    let holds = |last: &Step| {
        let window = |step: &&&Step| step.2 == last.2 && step.0 <= last.0 && step.0 + 10 > last.0;
        let window: Vec<&Step> = counted.iter().filter(window).copied().collect();
        let numbers: Vec<u32> = window.iter().map(|step| step.3).collect();
        let sum: u32 = numbers.iter().sum();
        match kind {
            0 => window.len() >= 3,
            1 => numbers.iter().collect::<BTreeSet<_>>().len() >= 2,
            2 => window.iter().map(|step| step.1).collect::<BTreeSet<_>>().len() == 2,
            3 => window.iter().any(|one| one.1 == 0 && window.iter().any(|other| other.1 == 1 && other.0 > one.0)),
            4 => sum > 5,
            5 => f64::from(sum) / numbers.len() as f64 <= 2.0,
            _ => window.len() < 3,
        }
    };
    counted.iter().filter(|step| holds(step)).map(|step| step.2.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn findings_are_as_the_definition_says(
        mut steps in proptest::collection::vec((0..60_u32, 0..3_u8, 0..3_u8, 0..5_u32), 1..25),
        kind in 0..7_usize,
    ) {
        steps.sort_by_key(|(second, ..)| *second);
        if kind == 3 {
            steps.dedup_by_key(|(second, ..)| *second);
        }
        prop_assert_eq!(users(&steps, kind), users_by_definition(&steps, kind));
    }

    /// SG-4
    #[test]
    fn the_order_of_arrival_within_the_lateness_changes_no_group_that_is_found(
        events in proptest::collection::vec((0..100_u32, 0..3_u8, 0..3_u8, 0..5_u32), 1..25),
        order in any::<u64>(),
        kind in 0..7_usize,
    ) {
        let mut shuffled = events.clone();
        let mut state = order | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, (state >> 33) as usize % (at + 1));
        }
        let mut sorted = events;
        sorted.sort_by_key(|(second, ..)| *second);
        // Steps of one moment have no order, so ordered conditions are asked of distinct moments only.
        if kind == 3 {
            sorted.dedup_by_key(|(second, ..)| *second);
            shuffled.retain(|event| sorted.contains(event));
            prop_assume!(shuffled.len() == sorted.len());
        }
        prop_assert_eq!(users(&shuffled, kind), users(&sorted, kind));
    }
    /// SG-8
    #[test]
    fn a_restart_changes_no_group_that_is_found(
        steps in proptest::collection::vec((0..60_u32, 0..3_u8, 0..3_u8, 0..5_u32), 1..25),
        kind in 0..7_usize,
        restart in 0..25_usize,
    ) {
        prop_assert_eq!(users_with_restart(&steps, kind, restart), users(&steps, kind));
    }
}

#[test]
fn a_clock_that_is_ahead_makes_no_other_event_late() {
    let mut world = World::new(
        &[&correlation("type: event_count\nrules: [failed]\ngroup-by: [user]\ntimespan: 1m\ncondition: {gte: 2}")],
        10,
    );
    let mut see = |clock: u32, at: u32, user: &str| {
        let event = json!({"kind": "failed", "user": user});
        let event = Event::new(&event);
        let (at, clock) = (Seconds(at).after(now()), Seconds(clock).after(now()));
        world.correlations.observe(&event, &world.rules.matches(&event), at, clock).len()
    };
    assert_eq!(see(100, 390, "ahead"), 0);
    assert_eq!((see(100, 100, "eve"), see(101, 101, "eve")), (0, 1));
    assert_eq!(world.correlations.uncounted().too_late, 0);
}
