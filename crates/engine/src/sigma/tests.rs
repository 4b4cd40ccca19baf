//! The invariants of the watch, over a world with a clock of its own and log events that a test hands over.

use std::sync::Arc;

use kernel::book::sigma::{Bar, Baseline, File, Part, RuleHandling, Sigma};
use kernel::{Attribute, Fingerprint, LogEvent, Seconds};
use signals::sigma::Verdict;
use testkit::{FakeWorld, MemoryStore, SeededChance, VirtualClock};

use super::*;
use crate::Parts;

const LOGIN: &str = "
title: Login failed
id: login
level: critical
author: A. Author
logsource: {category: login}
detection:
  sel: {outcome: failed}
  condition: sel
";

const MANY: &str = "
title: Many logins failed
id: many
level: critical
correlation:
  type: event_count
  rules: [login]
  group-by: [user]
  timespan: 10m
  condition: {gte: 3}
";

struct NoWindows;

impl kernel::port::SampleSource for NoWindows {
    fn windows(&self, _: &str, _: &[kernel::Matcher], _: Timestamp, _: Timestamp) -> Vec<kernel::sample::Window> {
        Vec::new()
    }
}

/// A journal and a clock that outlive engines.
struct House {
    store: Arc<MemoryStore>,
    clock: VirtualClock,
}

/// An engine, its watch, and the tap that events come by.
struct Home {
    engine: Engine,
    watch: Arc<SigmaWatch>,
    tap: LogTap,
}

impl House {
    fn new() -> Self {
        Self { store: Arc::new(MemoryStore::new()), clock: VirtualClock::at("2026-03-02T10:00:00Z") }
    }

    fn now(&self) -> Timestamp {
        kernel::port::Clock::now(&self.clock)
    }

    async fn start(&self, book: Book) -> Home {
        let parts = Parts {
            store: Arc::clone(&self.store) as Arc<dyn kernel::port::JournalStore>,
            deliver: Arc::new(FakeWorld::new()),
            samples: Arc::new(NoWindows),
            clock: Arc::new(self.clock.clone()),
            chance: Arc::new(SeededChance::new(1)),
            book,
            signing_seed: [1; 32],
            origin: "test.example/journal".into(),
            link_secret: [2; 32],
            base_url: "http://watch.example".into(),
            holder: "test".into(),
        };
        let engine = Engine::start(parts).await.unwrap();
        let tap = LogTap::default();
        let watch = Arc::new(SigmaWatch::new(engine.clone(), &tap));
        Home { engine, watch, tap }
    }
}

impl Home {
    async fn turn(&self) {
        self.watch.turn().await.unwrap();
    }

    /// Hands over events, and takes a turn.
    async fn hear(&self, events: &[LogEvent]) {
        self.tap.offer(&Arc::from(events));
        self.turn().await;
    }

    async fn kinds(&self) -> Vec<String> {
        let all = self.engine.facts(&Actor::system("test"), kernel::Seq(0), 1000).await.unwrap();
        all.iter().filter(|fact| &*fact.area == "signals").map(|fact| fact.kind.to_string()).collect()
    }

    fn raised(&self) -> Vec<String> {
        let read = |world: &crate::World| {
            world.signals.raised().map(|signal| signal.labels.value("alertname").to_owned()).collect()
        };
        self.engine.read(&Actor::system("test"), Read::of("signals:read"), read).unwrap()
    }

    fn rule(&self, title: &str) -> SigmaRuleView {
        let view = self.watch.gather(&Actor::system("test")).unwrap();
        view.rules.into_iter().find(|rule| rule.rule.title == title).unwrap()
    }

    async fn judge(&self, alert: Fingerprint, verdict: Verdict) {
        let rule = self.rule("Login failed").name;
        let command = signals::Command::Judge { rule, alert, verdict, note: String::new() };
        self.engine.ask(&Actor::system("test"), command).await.unwrap();
    }
}

/// A book with these files, whose rules are compiled as whoever loads it does.
fn book(files: &[(&str, Part, &str)], change: impl FnOnce(&mut Sigma)) -> Book {
    let file =
        |(path, part, text): &(&str, Part, &str)| File { path: (*path).into(), part: *part, text: (*text).into() };
    let mut sigma = Sigma { files: files.iter().map(file).collect(), ..Sigma::default() };
    change(&mut sigma);
    sigma.rules = compile(&sigma, "2026-03-02T10:00:00Z".parse().unwrap()).handled;
    let digest = Digest::of(&[format!("{:?}", sigma.files).as_bytes(), format!("{:?}", sigma.handling).as_bytes()]);
    Book { sigma, digest, ..Book::default() }
}

fn login() -> Vec<(&'static str, Part, &'static str)> {
    vec![("sigma/rules/login.yml", Part::Rules, LOGIN)]
}

fn many() -> Vec<(&'static str, Part, &'static str)> {
    vec![("sigma/rules/login.yml", Part::Rules, LOGIN), ("sigma/rules/many.yml", Part::Rules, MANY)]
}

/// A failed login of a user on a host, that happened then.
fn failed(user: &str, host: &str, at: Timestamp) -> LogEvent {
    let text = |name: &str, value: &str| (name.to_owned(), Attribute::Text(value.to_owned()));
    let attributes = vec![
        text("logsource.category", "login"),
        text("outcome", "failed"),
        text("user", user),
        text("host.name", host),
    ];
    let at = i64::try_from(at.as_nanosecond()).unwrap();
    LogEvent { at, attributes, ..LogEvent::default() }
}

#[tokio::test]
async fn sw_1_matches_of_one_rule_and_group_are_one_signal_until_it_is_quiet() {
    let house = House::new();
    let home = house.start(book(&login(), |_| {})).await;
    for _ in 0..5 {
        home.hear(&[failed("ada", "web-1", house.now()), failed("eve", "web-1", house.now())]).await;
        house.clock.advance(Seconds(60));
    }
    assert_eq!(home.kinds().await, ["SignalRaised"]);
    let rule = home.rule("Login failed");
    assert_eq!((rule.in_a_day, rule.standing.len(), rule.standing[0].count), (10, 1, 10));
    home.hear(&[failed("ada", "web-2", house.now())]).await;
    assert_eq!(home.raised().len(), 2, "another host is another signal");
    house.clock.advance(Seconds::hours(1));
    home.turn().await;
    assert_eq!(home.raised(), [""; 0]);
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    assert_eq!(home.raised(), ["Login failed"], "after its quiet it raises anew");
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_1_a_signal_names_its_rule_its_author_and_what_it_saw() {
    let house = House::new();
    let home =
        house.start(book(&login(), |sigma| drop(sigma.handling.labels.insert("team".into(), "soc".into())))).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    let read = |world: &crate::World| world.signals.raised().next().cloned();
    let signal = home.engine.read(&Actor::system("test"), Read::of("signals:read"), read).unwrap().unwrap();
    let labels: Vec<String> = signal.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["alertname=Login failed", "host=web-1", "rule=sigma:login", "severity=critical", "team=soc"]);
    assert_eq!(signal.annotations.value("author"), "A. Author");
    assert_eq!(signal.annotations.value("evidence"), "outcome=failed");
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_1_what_a_person_dismissed_stays_dismissed_until_it_matches_again() {
    let house = House::new();
    let home = house.start(book(&login(), |_| {})).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    home.turn().await;
    let (rule, series) = (home.rule("Login failed").name, kernel::Labels::from_pairs([("host", "web-1")]).unwrap());
    let dismiss = signals::Command::Dismiss { rule, series };
    home.engine.ask(&Actor::system("test"), dismiss).await.unwrap();
    home.turn().await;
    assert_eq!(home.raised(), [""; 0]);
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    assert_eq!(home.raised(), ["Login failed"]);
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_1_an_alert_that_a_person_resolved_pages_again_only_with_the_next_match() {
    let house = House::new();
    let home = house.start(book(&login(), |_| {})).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    home.turn().await;
    let alert = home.rule("Login failed").seen.sights[0].alert;
    let resolve = alerts::Command::Resolve { alert, note: String::new() };
    home.engine.ask(&Actor::system("test"), resolve).await.unwrap();
    home.engine.wake().await.unwrap();
    home.turn().await;
    let open = |world: &crate::World| world.alerts.alerts_from(0, 10).0.len();
    let count = || home.engine.read(&Actor::system("test"), Read::of("alerts:read"), open).unwrap();
    assert_eq!((home.raised().len(), count()), (0, 0));
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    home.engine.wake().await.unwrap();
    assert_eq!((home.raised().len(), count()), (1, 1));
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_2_a_rule_on_trial_and_a_level_without_severity_are_shown_and_raise_nothing() {
    let house = House::new();
    let shadow = RuleHandling { shadow: true, ..RuleHandling::default() };
    let on_trial = book(&login(), |sigma| drop(sigma.handling.rules.insert("login".into(), shadow)));
    let silent = book(&login(), |sigma| sigma.handling.severities.critical = None);
    for (book, handling) in [(on_trial, Handling::Shadow), (silent, Handling::Shown)] {
        let home = house.start(book).await;
        home.hear(&[failed("ada", "web-1", house.now())]).await;
        let rule = home.rule("Login failed");
        assert_eq!((rule.handling, rule.in_a_day > 0, !rule.seen.sights.is_empty()), (handling, true, true));
        assert_eq!(home.kinds().await, [""; 0]);
        home.engine.stop().await;
    }
}

#[tokio::test]
async fn sw_2_a_rule_that_is_seldom_right_asks_once_to_be_tuned_and_pages_nobody() {
    let house = House::new();
    let bar = Bar { at_least: 50, after: 3 };
    let home = house.start(book(&login(), |sigma| sigma.handling.precision = bar)).await;
    for host in ["a", "b", "c"] {
        home.hear(&[failed("ada", host, house.now())]).await;
        let alert = home.rule("Login failed").seen.sights[0].alert;
        home.judge(alert, if host == "a" { Verdict::TruePositive } else { Verdict::FalsePositive }).await;
        home.judge(alert, if host == "a" { Verdict::TruePositive } else { Verdict::FalsePositive }).await;
    }
    let kinds = home.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "RuleJudged").count(), 3, "the same word again is no fact");
    assert_eq!(kinds.iter().filter(|kind| *kind == "TuningAsked").count(), 1);
    let rule = home.rule("Login failed");
    assert!(matches!(rule.handling, Handling::Tune { verdicts: 3, .. }));
    let before = home.raised().len();
    home.hear(&[failed("ada", "d", house.now())]).await;
    assert_eq!((home.raised().len(), home.rule("Login failed").standing.len()), (before, 4));
    home.judge(rule.seen.sights[0].alert, Verdict::TruePositive).await;
    home.turn().await;
    assert_eq!(home.raised().len(), before + 1, "a better word lets it page again");
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_3_an_exception_applies_until_its_last_day_is_over() {
    const EXCEPT: &str = "
title: The scanner
logsource: {category: login}
filter:
  rules: [login]
  sel: {user: scanner}
  condition: not sel
owner: security
reason: It tries every door each night.
expires: 2026-03-02
";
    let house = House::new();
    let mut files = login();
    files.push(("sigma/filters/scanner.yml", Part::Filters, EXCEPT));
    let home = house.start(book(&files, |_| {})).await;
    home.hear(&[failed("scanner", "web-1", house.now())]).await;
    assert_eq!(home.raised(), [""; 0]);
    assert_eq!(home.rule("Login failed").rule.exceptions[0].owner.as_deref(), Some("security"));
    house.clock.advance(Seconds::hours(15));
    home.hear(&[failed("scanner", "web-1", house.now())]).await;
    assert_eq!(home.raised(), ["Login failed"], "the day after, the same files no longer except it");
    let view = home.watch.gather(&Actor::system("test")).unwrap();
    assert_eq!((view.expired[0].title.as_str(), view.wrong.len()), ("The scanner", 1));
    assert!(!view.wrong[0].grave, "what has only expired does not refuse the watchbook");
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_4_a_correlation_counts_late_events_and_goes_on_after_a_restart() {
    let house = House::new();
    let home = house.start(book(&many(), |_| {})).await;
    let began = house.now();
    home.hear(&[failed("eve", "web-1", began)]).await;
    house.clock.advance(Seconds(240));
    home.hear(&[failed("eve", "web-2", house.now())]).await;
    assert_eq!(home.raised(), [""; 0], "a match that feeds a correlation does not stand for itself");
    home.watch.keep(true).await.unwrap();
    home.engine.stop().await;
    let home = house.start(book(&many(), |_| {})).await;
    // Four minutes late: within the lateness of five.
    home.hear(&[failed("eve", "web-3", began)]).await;
    assert_eq!(home.raised(), ["Many logins failed"]);
    let read =
        |world: &crate::World| world.signals.raised().next().map(|signal| signal.labels.value("user").to_owned());
    assert_eq!(home.engine.read(&Actor::system("test"), Read::of("signals:read"), read).unwrap().unwrap(), "eve");
    house.clock.advance(Seconds::minutes(10));
    home.hear(&[failed("bob", "web-1", house.now())]).await;
    home.hear(&[failed("bob", "web-1", began)]).await;
    assert_eq!(
        home.watch.gather(&Actor::system("test")).unwrap().uncounted.too_late,
        1,
        "what is later is counted as such"
    );
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_5_a_restart_leaves_raised_signals_raised_whatever_was_kept() {
    let house = House::new();
    for kept in [true, false] {
        let home = house.start(book(&login(), |_| {})).await;
        home.hear(&[failed("ada", "web-1", house.now())]).await;
        home.watch.keep(true).await.unwrap();
        if !kept {
            home.engine.vault().vault_forget(VAULT, "").await.unwrap();
        }
        home.engine.stop().await;
        house.clock.advance(Seconds::hours(2));
        let home = house.start(book(&login(), |_| {})).await;
        home.turn().await;
        assert_eq!(home.kinds().await, ["SignalRaised"], "nobody listened for two hours, which is no quiet");
        assert_eq!(home.rule("Login failed").standing.len(), 1);
        home.engine.stop().await;
    }
}

#[tokio::test]
async fn sw_5_a_rule_that_left_the_watchbook_clears() {
    let house = House::new();
    let home = house.start(book(&login(), |_| {})).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    home.watch.keep(true).await.unwrap();
    home.engine.stop().await;
    let home = house.start(book(&[], |_| {})).await;
    home.turn().await;
    assert_eq!(home.kinds().await, ["SignalRaised", "SignalCleared"]);
    home.engine.stop().await;
}

#[tokio::test]
async fn sw_6_events_for_which_there_was_no_room_are_counted() {
    let house = House::new();
    let home = house.start(book(&login(), |_| {})).await;
    let large = LogEvent {
        body: Attribute::Text("x".repeat(crate::tap::QUEUE_BYTES_MAX)),
        ..failed("ada", "web-1", house.now())
    };
    home.tap.offer(&Arc::from([large]));
    home.tap.offer(&Arc::from([failed("ada", "web-2", house.now()), failed("ada", "web-3", house.now())]));
    home.turn().await;
    let view = home.watch.gather(&Actor::system("test")).unwrap();
    assert_eq!((view.events, view.left_out), (1, 2));
    home.engine.stop().await;
}

#[tokio::test]
async fn a_baseline_tells_what_was_never_seen_and_remembers_over_a_restart() {
    let baseline = Baseline {
        title: "New user on a host".into(),
        rule: Some("Login failed".into()),
        scope: vec!["host.name".into()],
        of: vec!["user".into()],
        learn: Seconds::hours(1),
        rare_up_to: 0,
        forget: Seconds::hours(1000),
        handling: RuleHandling { severity: Some("warning".into()), ..RuleHandling::default() },
    };
    let with_baseline = |sigma: &mut Sigma| {
        sigma.handling.severities.critical = None;
        sigma.handling.baselines.insert("new-user".into(), baseline.clone());
    };
    let house = House::new();
    let home = house.start(book(&login(), with_baseline)).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    home.watch.keep(true).await.unwrap();
    home.engine.stop().await;
    house.clock.advance(Seconds::hours(2));
    let home = house.start(book(&login(), with_baseline)).await;
    home.hear(&[failed("ada", "web-1", house.now())]).await;
    assert_eq!(home.raised(), [""; 0], "what was learned is usual");
    home.hear(&[failed("eve", "web-1", house.now())]).await;
    assert_eq!(home.raised(), ["New user on a host"]);
    home.engine.stop().await;
}
