//! The invariants of this room, each by its name, and what readers see.

mod judged;

use std::collections::BTreeMap;

use kernel::area::{Context, RefusalKind, Refuse, Stamp};
use kernel::book::probe::{Heartbeat, HttpProbe};
use kernel::book::sigma::{Bar, Handled};
use kernel::book::{Check, Probe, Reduce, Rule, Tally, Threshold};
use kernel::matcher::Matcher;
use kernel::port::SampleSource;
use kernel::sample::Window;
use kernel::{Actor, Area, Book, Fingerprint, Labels, RuleName, Seconds, Seq, Timestamp};
use proptest::prelude::*;

use crate::{
    CHANGES_KEPT_MAX, Change, Cleared, Command, Event, Kind, Look, RAISED_AT_ONCE_MAX, Refusal, Ruled, Signals, State,
    TEXT_BYTES_MAX, Verdict, looks, reduce, sigma,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn name(text: &str) -> RuleName {
    RuleName::new(text).unwrap()
}

fn series(host: &str) -> Labels {
    Labels::from_pairs([("__name__", "errors"), ("host", host)]).unwrap()
}

fn rule(hold: u32) -> Rule {
    Rule {
        metric: "errors".into(),
        matchers: Vec::new(),
        reduce: Reduce::Last,
        window: Seconds(60),
        raise: Threshold::Above(10.0),
        clear: Threshold::Below(5.0),
        hold: Seconds(hold),
        labels: Labels::from_pairs([("service", "checkout")]).unwrap(),
        annotations: BTreeMap::from([("summary".into(), "{{ labels.host }} has {{ value }} errors".into())]),
    }
}

fn check() -> Check {
    Check {
        service: "checkout".parse().unwrap(),
        probe: Probe::Http(Box::new(HttpProbe::get("http://127.0.0.1/health"))),
        every: Seconds(5),
        timeout: Seconds(2),
        tally: Tally::new(3, 3).unwrap(),
        successes: 2,
        second_look: true,
        labels: Labels::default(),
    }
}

/// The room with a book, a clock in seconds, and the facts it made.
struct Room {
    book: Book,
    state: State,
    now: i64,
    facts: Vec<(Timestamp, Event)>,
}

impl Room {
    fn new(hold: u32) -> Self {
        let mut book = Book::default();
        book.rules.insert(name("errors"), rule(hold));
        book.checks.insert(name("health"), check());
        Self { book, state: State::default(), now: 0, facts: Vec::new() }
    }

    fn ask(&mut self, command: Command) -> Result<Vec<Event>, Refusal> {
        let actor = Actor::system("signals");
        let context = Context { now: at(self.now), actor: &actor, book: &self.book, nonce: 0 };
        Signals::hear(&mut self.state, &context, &command);
        let events = Signals::decide(&self.state, &context, command)?;
        for event in &events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: at(self.now), actor: &actor };
            Signals::evolve(&mut self.state, stamp, event);
            self.facts.push((at(self.now), event.clone()));
        }
        Ok(events)
    }

    /// One host's value at a second.
    fn look(&mut self, now: i64, value: Option<f64>) -> Vec<&'static str> {
        self.looks(now, &[("a", value)])
    }

    fn looks(&mut self, now: i64, values: &[(&str, Option<f64>)]) -> Vec<&'static str> {
        self.now = now;
        let look = |(host, value): &(&str, _)| Look { rule: name("errors"), series: series(host), value: *value };
        kinds(&self.ask(Command::Look { looks: values.iter().map(look).collect() }).unwrap())
    }

    fn check(&mut self, healthy: bool) -> Vec<&'static str> {
        let reason = if healthy { "" } else { "status 503" }.to_owned();
        kinds(
            &self
                .ask(Command::Checked {
                    check: name("health"),
                    healthy,
                    fault: if healthy { "" } else { "status" },
                    reason,
                    latency_ms: 3,
                })
                .unwrap(),
        )
    }
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(kernel::area::EventMeta::kind).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn si_1_raised_only_after_hold() {
    let mut room = Room::new(30);
    for second in [0, 10, 29] {
        assert_eq!(room.look(second, Some(11.0)), NOTHING);
    }
    assert_eq!(room.state.pending().count(), 1);
    assert_eq!(room.look(30, Some(11.0)), ["SignalRaised"]);
    assert_eq!(room.state.pending().count(), 0);

    let mut broken = Room::new(30);
    for (second, value) in [(0, 11.0), (20, 10.0), (30, 11.0), (59, 11.0)] {
        assert_eq!(broken.look(second, Some(value)), NOTHING, "{second}");
    }
    assert_eq!(broken.look(60, Some(11.0)), ["SignalRaised"]);
}

#[test]
fn si_1_a_short_gap_does_not_start_the_hold_again_but_a_long_one_does() {
    let mut room = Room::new(60);
    room.look(0, Some(11.0));
    room.look(30, None);
    room.looks(40, &[]);
    assert_eq!(room.look(60, Some(11.0)), ["SignalRaised"]);

    let mut long = Room::new(60);
    long.look(0, Some(11.0));
    assert_eq!(long.look(301, Some(11.0)), NOTHING);
    assert_eq!(long.look(361, Some(11.0)), ["SignalRaised"]);
}

#[test]
fn si_2_between_the_thresholds_nothing_changes() {
    let mut room = Room::new(0);
    assert_eq!(room.look(0, Some(11.0)), ["SignalRaised"]);
    for (second, value) in [(1, 10.0), (2, 5.0), (3, 7.0), (4, 11.0), (5, f64::NAN)] {
        assert_eq!(room.look(second, Some(value)), NOTHING, "{value}");
    }
    assert_eq!(room.look(6, Some(4.9)), ["SignalCleared"]);
    assert_eq!(room.look(7, Some(7.0)), NOTHING);
}

#[test]
fn si_2_where_both_conditions_hold_nothing_flaps() {
    let mut room = Room::new(0);
    room.book.rules.get_mut(&name("errors")).unwrap().clear = Threshold::Below(100.0);
    assert_eq!(room.look(0, Some(11.0)), ["SignalRaised"]);
    assert_eq!(room.look(1, Some(11.0)), NOTHING);
    assert_eq!(room.look(2, Some(9.0)), ["SignalCleared"]);
}

#[test]
fn si_3_a_series_without_values_stays_raised_and_may_be_dismissed() {
    let mut room = Room::new(0);
    let dismiss = || Command::Dismiss { rule: name("errors"), series: series("a") };
    assert_eq!(room.ask(dismiss()).unwrap_err().kind(), RefusalKind::NotFound);
    room.look(0, Some(11.0));
    assert_eq!(room.look(10, None), NOTHING);
    assert_eq!(room.ask(dismiss()), Err(Refusal::StillMeasured(name("errors"))));
    assert_eq!(room.looks(86_400, &[]), NOTHING);
    let signal = room.state.signal(&name("errors"), &series("a")).unwrap();
    assert!(room.state.missing(signal, at(86_400)));
    assert!(!room.state.missing(signal, at(300)));
    assert!(matches!(room.ask(dismiss()).as_deref(), Ok([Event::SignalCleared { why: Cleared::Dismissed, .. }])));
}

#[test]
fn si_4_two_series_with_the_same_alert_labels_are_one_signal() {
    let mut room = Room::new(0);
    room.book.rules.get_mut(&name("errors")).unwrap().labels = Labels::from_pairs([("host", "all")]).unwrap();
    assert_eq!(room.looks(0, &[("a", Some(11.0)), ("b", Some(11.0))]), ["SignalRaised"]);
    assert_eq!(room.looks(1, &[("a", Some(11.0)), ("b", Some(11.0))]), NOTHING);
    assert_eq!(room.looks(2, &[("a", Some(1.0)), ("b", Some(11.0))]), ["SignalCleared"]);
    assert_eq!(room.looks(3, &[("a", Some(1.0)), ("b", Some(11.0))]), ["SignalRaised"]);
}

#[test]
fn si_5_a_clearing_carries_the_labels_of_its_raising() {
    let mut room = Room::new(0);
    room.look(0, Some(11.0));
    room.book.rules.get_mut(&name("errors")).unwrap().labels = Labels::default();
    room.look(1, Some(1.0));
    let labels = room.facts.iter().filter_map(|(_, event)| match event {
        Event::SignalRaised { labels, .. } | Event::SignalCleared { labels, .. } => Some(labels.to_string()),
        Event::ChangeReported { .. } | Event::RuleJudged { .. } | Event::TuningAsked { .. } => None,
    });
    let expected = r#"{alertname="errors", host="a", service="checkout"}"#;
    assert_eq!(labels.collect::<Vec<_>>(), [expected, expected]);
}

#[test]
fn a_check_that_left_and_comes_again_begins_anew() {
    let mut room = Room::new(0);
    (0..2).for_each(|_| drop(room.check(false)));
    let check = room.book.checks.remove(&name("health")).unwrap();
    room.ask(Command::Reconsider).unwrap();
    assert_eq!(room.state.check(&name("health")), None);
    room.book.checks.insert(name("health"), check);
    assert_eq!(room.check(false), [""; 0]);
}

#[test]
fn si_7_signals_of_rules_and_checks_that_are_gone_clear() {
    let mut room = Room::new(0);
    room.look(0, Some(11.0));
    (0..3).for_each(|_| drop(room.check(false)));
    assert_eq!(room.state.raised().count(), 2);
    assert_eq!(room.ask(Command::Reconsider), Ok(vec![]));
    room.book = Book::default();
    let events = room.ask(Command::Reconsider).unwrap();
    assert!(events.iter().all(|e| matches!(e, Event::SignalCleared { why: Cleared::RuleGone, .. })));
    assert_eq!((events.len(), room.state.raised().count()), (2, 0));
}

#[test]
fn si_8_what_is_above_the_limit_is_raised_by_the_next_look() {
    let mut room = Room::new(0);
    let hosts: Vec<String> = (0..RAISED_AT_ONCE_MAX + 5).map(|n| format!("h{n}")).collect();
    let values: Vec<_> = hosts.iter().map(|host| (host.as_str(), Some(11.0))).collect();
    assert_eq!(room.looks(0, &values).len(), RAISED_AT_ONCE_MAX);
    assert_eq!(room.looks(1, &values).len(), 5);
}

#[test]
fn checks_raise_after_failures_in_a_row_and_clear_after_successes_in_a_row() {
    let mut room = Room::new(0);
    let answers = [false, false, true, false, false, false, false, true, false, true, true, true];
    let seen: Vec<_> = answers.iter().map(|healthy| room.check(*healthy).len()).collect();
    assert_eq!(seen, [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
    let Some((_, Event::SignalRaised { kind, labels, summary, .. })) = room.facts.first() else { panic!("no signal") };
    assert_eq!(*kind, Kind::Check);
    assert_eq!(labels.to_string(), r#"{alertname="health", service="checkout"}"#);
    assert_eq!(summary, "health check of checkout failed 3 times in a row: status 503");
    let note = room.state.check(&name("health")).unwrap();
    assert_eq!((note.healthy, note.in_a_row, note.latency_ms), (true, 3, 3));

    let signal = room.facts.first().unwrap();
    let Event::SignalRaised { annotations, .. } = &signal.1 else { panic!("no signal") };
    assert_eq!((annotations.value("fault"), annotations.value("url")), ("status", "http://127.0.0.1/health"));

    let unknown =
        Command::Checked { check: name("none"), healthy: true, fault: "", reason: String::new(), latency_ms: 0 };
    assert_eq!(room.ask(unknown), Err(Refusal::NoCheck(name("none"))));
}

#[test]
fn a_beat_clears_and_only_a_heartbeat_takes_one() {
    let mut room = Room::new(0);
    let beat = || Command::Beat { check: name("health") };
    assert_eq!(room.ask(beat()), Err(Refusal::NotAwaited(name("health"))));
    assert_eq!(room.ask(Command::Beat { check: name("none") }), Err(Refusal::NoCheck(name("none"))));
    assert_eq!(room.state.check(&name("health")), None);
    let check = room.book.checks.get_mut(&name("health")).unwrap();
    check.probe = Probe::Heartbeat(Heartbeat { grace: Seconds(10) });
    (check.tally, check.successes) = (Tally::new(1, 1).unwrap(), 1);
    room.now = 7;
    assert_eq!(room.ask(beat()), Ok(vec![]));
    room.now = 30;
    assert_eq!(room.check(false), ["SignalRaised"]);
    let note = room.state.check(&name("health")).unwrap();
    assert_eq!((note.healthy, note.healthy_at), (false, Some(at(7))));
    assert!(room.state.failing(&name("health")).unwrap().summary.starts_with("heartbeat of checkout is missing: "));
    assert_eq!(kinds(&room.ask(beat()).unwrap()), ["SignalCleared"]);
    assert_eq!(room.state.check(&name("health")).unwrap().healthy_at, Some(at(30)));
}

#[test]
fn annotations_are_rendered_and_a_broken_template_does_not_cost_the_signal() {
    let mut room = Room::new(0);
    let rule = room.book.rules.get_mut(&name("errors")).unwrap();
    rule.annotations.insert("broken".into(), "{{ labels. }}".into());
    rule.annotations
        .insert("endless".into(), "{% for a in range(999) %}{% for b in range(999) %}x{% endfor %}{% endfor %}".into());
    room.look(0, Some(12.5));
    let signal = room.state.raised().next().unwrap();
    assert_eq!(signal.summary, "a has 12.5 errors");
    assert_eq!(signal.annotations.get("summary"), Some("a has 12.5 errors"));
    assert!(signal.annotations.value("broken").starts_with("template error: syntax error"));
    assert!(signal.annotations.value("endless").starts_with("template error: engine ran out of fuel"));

    let mut plain = Room::new(0);
    plain.book.rules.get_mut(&name("errors")).unwrap().annotations.clear();
    plain.look(0, Some(f64::INFINITY));
    let signal = plain.state.raised().next().unwrap();
    assert_eq!((signal.summary.as_str(), signal.value), ("errors is inf, above 10", None));
}

#[test]
fn changes_are_kept_newest_first_and_bounded() {
    let mut room = Room::new(0);
    for n in 0..CHANGES_KEPT_MAX + 3 {
        room.ask(Command::ReportChange { change: change(&format!("deploy {n}")) }).unwrap();
    }
    let kept: Vec<_> = room.state.changes().map(|change| change.summary.as_str()).collect();
    assert_eq!((kept.len(), kept[0], kept[CHANGES_KEPT_MAX - 1]), (CHANGES_KEPT_MAX, "deploy 1002", "deploy 3"));
}

#[test]
fn a_change_that_breaks_a_rule_is_refused_by_its_field() {
    let many = vec![("a".to_owned(), "b".to_owned()); 51];
    let cases = [
        (Change { summary: " ".into(), ..change("x") }, "summary of a change is empty: say it in one line"),
        (Change { source: String::new(), ..change("x") }, "source of a change is empty: say it in one line"),
        (change(&"x".repeat(2001)), "summary of a change is too long: at most 2000 bytes are accepted"),
        (Change { details: many, ..change("x") }, "a change has 51 details, at most 50 are accepted"),
    ];
    for (change, message) in cases {
        let refusal = Room::new(0).ask(Command::ReportChange { change }).unwrap_err();
        assert_eq!((refusal.to_string().as_str(), refusal.kind()), (message, RefusalKind::Invalid));
    }
}

fn change(summary: &str) -> Change {
    let (summary, source) = (summary.to_owned(), "pipeline".to_owned());
    Change { summary, source, service: None, at: at(0), links: Vec::new(), details: Vec::new() }
}

#[test]
fn windows_become_numbers() {
    const NAN: f64 = f64::NAN;
    let table: [(Reduce, &[f64], Option<f64>); 13] = [
        (Reduce::Last, &[1.0, 2.0], Some(2.0)),
        (Reduce::Last, &[1.0, NAN], None),
        (Reduce::Last, &[], None),
        (Reduce::Mean, &[1.0, NAN, 3.0], Some(2.0)),
        (Reduce::Mean, &[NAN], None),
        (Reduce::Min, &[3.0, NAN, 1.0], Some(1.0)),
        (Reduce::Max, &[3.0, NAN, 1.0], Some(3.0)),
        (Reduce::Max, &[], None),
        // Ten seconds lie between two points.
        (Reduce::Rate, &[100.0, 130.0, 140.0], Some(2.0)),
        (Reduce::Rate, &[100.0, 130.0, 10.0], Some(2.0)),
        (Reduce::Rate, &[100.0, NAN, 140.0], Some(2.0)),
        (Reduce::Rate, &[100.0], None),
        (Reduce::Rate, &[], None),
    ];
    for (how, values, expected) in table {
        let points = values.iter().zip(0..).map(|(value, n)| (at(n * 10), *value)).collect();
        let window = Window { series: Labels::default(), points };
        assert_eq!(reduce(&window, &Rule { reduce: how, ..rule(0) }), expected, "{how:?} {values:?}");
    }
}

#[test]
fn every_rule_looks_at_its_window() {
    struct One;
    impl SampleSource for One {
        fn windows(&self, metric: &str, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Vec<Window> {
            assert_eq!((metric, matchers.len(), from, to), ("errors", 0, at(40), at(100)));
            vec![Window { series: series("a"), points: vec![(at(90), 7.0)] }]
        }
    }
    let look = Look { rule: name("errors"), series: series("a"), value: Some(7.0) };
    assert_eq!(looks(&Room::new(0).book, &One, at(100)), [look]);
}

/// The bytes of each fact are frozen: what was once written must always read back.
#[test]
fn facts_keep_their_bytes() {
    let mut room = Room::new(0);
    room.look(0, Some(11.5));
    room.look(1, Some(1.0));
    room.ask(Command::ReportChange { change: change("deploy 7") }).unwrap();
    let judged = room.facts.len();
    let mut sigma = judged::sigma_room(Bar { at_least: 60, after: 1 }, false);
    // What has no severity is judged and never raised.
    sigma.book.sigma.rules.values_mut().for_each(|handled| handled.severity = None);
    judged::judge(&mut sigma, 1, sigma::Verdict::FalsePositive).unwrap();
    room.facts.extend(sigma.facts);
    assert_eq!(room.facts.len(), judged + 2);
    let json = room.facts.iter().map(|(_, event)| serde_json::to_string(event).unwrap());
    insta::assert_snapshot!(json.collect::<Vec<_>>().join("\n"), @r#"
    {"SignalRaised":{"rule":"errors","kind":"rule","series":{"__name__":"errors","host":"a"},"labels":{"alertname":"errors","host":"a","service":"checkout"},"annotations":{"summary":"a has 11.5 errors"},"value":11.5,"summary":"a has 11.5 errors"}}
    {"SignalCleared":{"rule":"errors","kind":"rule","series":{"__name__":"errors","host":"a"},"labels":{"alertname":"errors","host":"a","service":"checkout"},"value":1.0,"why":"recovered"}}
    {"ChangeReported":{"change":{"summary":"deploy 7","source":"pipeline","at":"2023-11-14T22:13:20Z"}}}
    {"RuleJudged":{"rule":"sigma:one","alert":"0000000000000001","verdict":"false_positive"}}
    {"TuningAsked":{"rule":"sigma:one","right":0,"judged":1,"at_least":60}}
    "#);
}

fn found_in_log(verdict: Verdict) -> Command {
    let identity = Labels::from_pairs([("service", "checkout")]).unwrap();
    Command::Pattern { outcomes: vec![Ruled { rule: name("NewLogPatterns"), identity, verdict }] }
}

/// What was found in a log raises once, only where the watchbook lets it, and its facts keep their bytes.
#[test]
fn findings_in_logs_raise_where_the_watchbook_lets_them() {
    let mut room = Room::new(0);
    let labels = Labels::from_pairs([("alertname", "NewLogPatterns"), ("service", "checkout")]).unwrap();
    let annotations = Labels::from_pairs([("summary", "checkout logs a new pattern: disk is full")]).unwrap();
    let raise =
        || found_in_log(Verdict::Raised { labels: labels.clone(), annotations: annotations.clone(), value: 1.0 });
    assert_eq!(room.ask(raise()).unwrap(), [], "nothing raises by default");
    room.book.logs.default.raise.insert(kernel::book::LogFinding::New);
    room.ask(raise()).unwrap();
    assert_eq!(room.ask(raise()).unwrap(), [], "it is raised already");
    room.ask(found_in_log(Verdict::Cleared { value: None, why: Cleared::Recovered })).unwrap();
    room.ask(raise()).unwrap();
    room.book.logs.default.raise.clear();
    room.ask(Command::Reconsider).unwrap();
    let json = room.facts.iter().map(|(_, event)| serde_json::to_string(event).unwrap());
    insta::assert_snapshot!(json.collect::<Vec<_>>().join("\n"), @r#"
    {"SignalRaised":{"rule":"NewLogPatterns","kind":"pattern","series":{"service":"checkout"},"labels":{"alertname":"NewLogPatterns","service":"checkout"},"annotations":{"summary":"checkout logs a new pattern: disk is full"},"value":1.0,"summary":"checkout logs a new pattern: disk is full"}}
    {"SignalCleared":{"rule":"NewLogPatterns","kind":"pattern","series":{"service":"checkout"},"labels":{"alertname":"NewLogPatterns","service":"checkout"},"why":"recovered"}}
    {"SignalRaised":{"rule":"NewLogPatterns","kind":"pattern","series":{"service":"checkout"},"labels":{"alertname":"NewLogPatterns","service":"checkout"},"annotations":{"summary":"checkout logs a new pattern: disk is full"},"value":1.0,"summary":"checkout logs a new pattern: disk is full"}}
    {"SignalCleared":{"rule":"NewLogPatterns","kind":"pattern","series":{"service":"checkout"},"labels":{"alertname":"NewLogPatterns","service":"checkout"},"why":"rule_gone"}}
    "#);
}

#[derive(Debug, Clone)]
enum Ask {
    Look(u8, Option<i8>),
    Check(bool),
    Change,
    Wait(u16),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = prop_oneof![
        6 => (0_u8..3, prop::option::weighted(0.8, 0_i8..16)).prop_map(|(host, value)| Ask::Look(host, value)),
        2 => any::<bool>().prop_map(Ask::Check),
        1 => Just(Ask::Change),
        2 => (1_u16..400).prop_map(Ask::Wait),
    ];
    prop::collection::vec(ask, 0..150)
}

fn play(hold: u32, asks: &[Ask]) -> Room {
    let mut room = Room::new(hold);
    for ask in asks {
        room.now += 1;
        match ask {
            Ask::Look(host, value) => drop(room.looks(room.now, &[(&format!("h{host}"), value.map(f64::from))])),
            Ask::Check(healthy) => drop(room.check(*healthy)),
            Ask::Change => drop(room.ask(Command::ReportChange { change: change("deploy") }).unwrap()),
            Ask::Wait(seconds) => room.now += i64::from(*seconds),
        }
    }
    room
}

proptest! {
    /// SI-6: replay = live, and a snapshot is the same state.
    #[test]
    fn si_6_facts_alone_give_the_same_state(hold in 0_u32..60, asks in asks()) {
        let room = play(hold, &asks);
        let mut replayed = State::default();
        for (n, (when, event)) in room.facts.iter().enumerate() {
            let event: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            let stamp = Stamp { seq: Seq(n as u64), at: *when, actor: &Actor::system("signals") };
            Signals::evolve(&mut replayed, stamp, &event);
        }
        let live = serde_json::to_string(&room.state).unwrap();
        prop_assert_eq!(&serde_json::to_string(&replayed).unwrap(), &live);
        let restored: State = serde_json::from_str(&live).unwrap();
        prop_assert_eq!(serde_json::to_string(&restored).unwrap(), live);
    }

    /// SI-4: raisings and clearings of one series alternate, beginning with a raising.
    #[test]
    fn si_4_raised_once_and_cleared_only_when_raised(hold in 0_u32..60, asks in asks()) {
        let mut raised = std::collections::BTreeSet::new();
        for (_, event) in play(hold, &asks).facts {
            match event {
                Event::SignalRaised { rule, series, .. } => prop_assert!(raised.insert((rule, series))),
                Event::SignalCleared { rule, series, .. } => prop_assert!(raised.remove(&(rule, series))),
                Event::ChangeReported { .. } | Event::RuleJudged { .. } | Event::TuningAsked { .. } => {}
            }
        }
    }

    /// SI-1: for as long as `hold` before each raising of a host, every value of it was above the threshold.
    #[test]
    fn si_1_every_value_during_the_hold_was_above(hold in 1_u32..60, values in prop::collection::vec((1_i64..20, 0_i8..16), 0..150)) {
        let mut room = Room::new(hold);
        let mut heard: Vec<(i64, i8)> = Vec::new();
        for (step, value) in values {
            let now = room.now + step;
            heard.push((now, value));
            if room.look(now, Some(f64::from(value))) == ["SignalRaised"] {
                let start = now - i64::from(hold);
                let run = heard.iter().rev().take_while(|(_, value)| *value > 10);
                prop_assert!(run.last().is_some_and(|(second, _)| *second <= start));
            }
        }
    }

    /// SI-2: while values stay within the band, nothing happens at all, whatever was before.
    #[test]
    fn si_2_no_flapping_within_the_band(before in asks(), band in prop::collection::vec(5_i8..=10, 0..50)) {
        let mut room = play(0, &before);
        for value in band {
            let now = room.now + 1;
            prop_assert_eq!(room.look(now, Some(f64::from(value))), NOTHING);
        }
    }

    /// SI-9: against a plain count over the looks since the last clearing.
    #[test]
    fn si_9_checks_raise_by_their_tally(
        looks in prop::collection::vec(any::<bool>(), 0..80), failures in 1u8..6, more in 0u8..6, successes in 1u8..4,
    ) {
        let mut room = Room::new(0);
        let check = room.book.checks.get_mut(&name("health")).unwrap();
        (check.tally, check.successes) = (Tally::new(failures, failures + more).unwrap(), successes);
        let (mut since, mut raised) = (Vec::new(), false);
        for healthy in looks {
            since.push(healthy);
            let failed = since.iter().rev().take(usize::from(failures + more)).filter(|healthy| !**healthy).count();
            let well = since.iter().rev().take_while(|healthy| **healthy).count();
            let expected: &[&str] = if !raised && !healthy && failed >= usize::from(failures) {
                raised = true;
                &["SignalRaised"]
            } else if raised && well >= usize::from(successes) {
                (raised, since) = (false, Vec::new());
                &["SignalCleared"]
            } else {
                &[]
            };
            prop_assert_eq!(room.check(healthy), expected);
        }
    }

    /// Whatever a reason says, it is cut at a character and its signal is raised.
    #[test]
    fn long_reasons_are_cut(reason in "\\PC{0,3000}") {
        let mut room = Room::new(0);
        for _ in 0..3 {
            let reason = reason.clone();
            room.ask(Command::Checked { check: name("health"), healthy: false, fault: "body", reason, latency_ms: 0 }).unwrap();
        }
        let signal = room.state.failing(&name("health")).unwrap();
        prop_assert!(signal.summary.len() <= TEXT_BYTES_MAX + 100);
    }
}
