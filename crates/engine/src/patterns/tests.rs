//! The invariants of the watch over logs, with a clock of its own and series in memory.

use std::sync::Arc;

use kernel::book::{LogWatch, LogWatches};
use kernel::port::Clock as _;
use kernel::{Attribute, Digest, Origin, ServiceName};
use parking_lot::Mutex as SeriesLock;
use promql::{MemorySource, Point, Series, SeriesSource, SourceFailure, Wanted};
use testkit::{FakeWorld, MemoryStore, SeededChance, VirtualClock};

use super::*;
use crate::Parts;
use crate::ruler::Watch;
use crate::tap::LogTap;

/// Series that a test reads.
#[derive(Default)]
struct Memory(SeriesLock<MemorySource>);

impl SeriesSource for Memory {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        self.0.lock().select(wanted)
    }
}

impl SeriesStore for Memory {
    fn write(&self, samples: Vec<(promql::Labels, Point)>, _: Timestamp) -> Result<(), String> {
        let mut series = self.0.lock();
        samples.into_iter().for_each(|(labels, point)| series.insert(labels, [point]));
        Ok(())
    }
    fn watch(&self, _: &[promql::ast::Matcher], _: promql::Millis) -> Option<Watch> {
        None
    }
    fn take_written(&self) -> Vec<u32> {
        Vec::new()
    }
}

struct NoWindows;

impl kernel::port::SampleSource for NoWindows {
    fn windows(&self, _: &str, _: &[kernel::Matcher], _: Timestamp, _: Timestamp) -> Vec<kernel::sample::Window> {
        Vec::new()
    }
}

/// A journal, a clock and series that outlive engines.
struct House {
    store: Arc<MemoryStore>,
    clock: VirtualClock,
    series: Arc<Memory>,
}

/// For how long new patterns are gathered.
const GATHER: Seconds = Seconds(30);

/// An hour of learning, and everything raises that is an error.
fn raising() -> LogWatch {
    LogWatch { raise: LogFinding::ALL.into(), learn_for: Seconds::hours(1), ..LogWatch::default() }
}

impl House {
    fn new() -> Self {
        let clock = VirtualClock::at("2026-03-02T10:00:00Z");
        Self { store: Arc::new(MemoryStore::new()), clock, series: Arc::default() }
    }

    async fn start(&self, watch: LogWatch) -> (Engine, Arc<PatternWatch>) {
        let (engine, watch) = self.open(watch).await;
        watch.load().await.unwrap();
        (engine, watch)
    }

    /// The same, with nothing read yet of what was kept.
    async fn open(&self, watch: LogWatch) -> (Engine, Arc<PatternWatch>) {
        let digest = Digest::of(&[format!("{watch:?}").as_bytes()]);
        let logs = LogWatches { default: watch, ..LogWatches::default() };
        let parts = Parts {
            store: Arc::clone(&self.store) as Arc<dyn kernel::port::JournalStore>,
            deliver: Arc::new(FakeWorld::new()),
            samples: Arc::new(NoWindows),
            clock: Arc::new(self.clock.clone()),
            chance: Arc::new(SeededChance::new(1)),
            book: Book { logs, digest, ..Book::default() },
            signing_seed: [1; 32],
            origin: "test.example/journal".into(),
            link_secret: [2; 32],
            base_url: "http://watch.example".into(),
            holder: "test".into(),
        };
        let engine = Engine::start(parts).await.unwrap();
        let watch = Arc::new(PatternWatch::new(engine.clone(), Arc::clone(&self.series) as Arc<dyn SeriesStore>));
        (engine, watch)
    }

    fn event(&self, service: &str, severity: u8, text: &str) -> LogEvent {
        let at = i64::try_from(self.clock.now().as_nanosecond()).unwrap();
        let name = ("service.name".to_owned(), Attribute::Text(service.into()));
        let origin = Arc::new(Origin { resource: vec![name], ..Origin::default() });
        LogEvent { at, severity, body: Attribute::Text(text.into()), origin, ..LogEvent::default() }
    }

    /// So many lines of a service, all at once.
    fn say(&self, watch: &PatternWatch, severity: u8, text: &str, times: usize) {
        let all: Vec<LogEvent> = (0..times).map(|_| self.event("checkout", severity, text)).collect();
        watch.hear(&all, 0);
    }

    /// Lets time pass and takes a turn.
    async fn pass(&self, watch: &PatternWatch, time: Seconds) {
        self.clock.advance(time);
        watch.turn().await.unwrap();
    }

    /// Minutes with so many lines of information each.
    async fn minutes(&self, watch: &PatternWatch, severity: u8, text: &str, counts: &[usize]) {
        for lines in counts {
            self.say(watch, severity, text, *lines);
            self.pass(watch, Seconds::minutes(1)).await;
        }
    }
}

const INFO: u8 = 9;
const ERROR: u8 = 17;

/// The facts about signals so far, each with the first line of what it says.
async fn facts(engine: &Engine) -> Vec<String> {
    let all = engine.facts(&Actor::system("test"), kernel::Seq(0), 1000).await.unwrap();
    let of_signals = all.iter().filter(|fact| &*fact.area == "signals");
    of_signals.map(|fact| fact.kind.to_string()).collect()
}

fn raised(engine: &Engine) -> Vec<signals::Signal> {
    let read = |world: &crate::World| world.signals.raised().cloned().collect();
    engine.read(&Actor::system("test"), Read::of("signals:read"), read).unwrap()
}

/// A log that was learned for an hour and a half.
async fn learned(house: &House, watch: &PatternWatch) {
    house.minutes(watch, INFO, "order 7 was paid", &[10; 90]).await;
}

#[tokio::test]
async fn pw_1_a_new_pattern_raises_once_and_what_follows_joins_it() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    house.say(&watch, ERROR, "while learning everything is new", 5);
    learned(&house, &watch).await;
    assert_eq!(facts(&engine).await, Vec::<String>::new());
    house.say(&watch, ERROR, "disk /dev/sda1 is full", 2);
    house.pass(&watch, Seconds(1)).await;
    assert!(facts(&engine).await.is_empty(), "two lines may be chance");
    house.say(&watch, ERROR, "disk /dev/sda2 is full", 1);
    house.say(&watch, ERROR, "cannot write to journal", 3);
    house.pass(&watch, Seconds(1)).await;
    assert!(facts(&engine).await.is_empty(), "they are gathered for a short while");
    house.pass(&watch, GATHER).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"], "two new patterns are one signal");
    let signal = raised(&engine).remove(0);
    assert_eq!((signal.kind, signal.rule.as_str()), (Kind::Pattern, "NewLogPatterns"));
    assert_eq!((signal.labels.value("service"), signal.labels.value("severity")), ("checkout", "warning"));
    assert_eq!(signal.summary, "checkout logs 2 new patterns: cannot write to journal");
    assert!(signal.annotations.value("description").contains("error disk <*> is full (3 lines so far)"), "{signal:?}");
    for name in ["alpha beta gamma", "one two three four", "a wholly different line of words"] {
        house.say(&watch, ERROR, name, 3);
        house.pass(&watch, Seconds::minutes(1)).await;
    }
    assert_eq!(facts(&engine).await, ["SignalRaised"], "what is found while it is raised joins it");
    engine.stop().await;
}

#[tokio::test]
async fn pw_1_after_a_change_what_is_new_is_one_signal_and_names_the_change() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    let change = Change {
        summary: "deploy 1.2".into(),
        source: "pipeline".into(),
        service: Some(ServiceName::new("checkout").unwrap()),
        at: house.clock.now(),
        links: Vec::new(),
        details: Vec::new(),
    };
    engine.ask(&Actor::system("test"), signals::Command::ReportChange { change }).await.unwrap();
    for text in ["first new words", "then other words again", "and last of all these words"] {
        house.pass(&watch, Seconds(50)).await;
        house.say(&watch, ERROR, text, 3);
        watch.turn().await.unwrap();
    }
    assert_eq!(facts(&engine).await, ["ChangeReported"], "after a change there is more to gather");
    house.pass(&watch, GATHER_AFTER_CHANGE).await;
    let signal = raised(&engine).remove(0);
    assert_eq!(signal.value, Some(3.0));
    assert_eq!(signal.annotations.value("change"), "50s after the change \"deploy 1.2\"");
    engine.stop().await;
}

#[tokio::test]
async fn pw_2_a_signal_clears_when_there_was_nothing_more_for_long_enough() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, GATHER).await;
    house.pass(&watch, Seconds::minutes(14)).await;
    house.say(&watch, ERROR, "another thing went wrong", 3);
    house.pass(&watch, Seconds::minutes(14)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    house.pass(&watch, Seconds::minutes(1)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    house.say(&watch, ERROR, "disk is full", 30);
    house.pass(&watch, GATHER).await;
    assert_eq!(facts(&engine).await.len(), 2, "what was told is not new again");
    engine.stop().await;
}

#[tokio::test]
async fn a_rate_that_rises_is_raised_and_cleared_when_it_is_usual_again() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    house.minutes(&watch, ERROR, "payment 5 was refused", &[2; 40]).await;
    house.minutes(&watch, ERROR, "payment 6 was refused", &[200, 220, 2]).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    let signal = raised(&engine).remove(0);
    assert_eq!(signal.rule.as_str(), "MoreLogLines");
    assert_eq!(signal.summary, "checkout logs far more of a pattern: payment <*> was refused");
    assert!(signal.annotations.value("description").contains("200 lines a minute, usually 2"), "{signal:?}");
    house.minutes(&watch, ERROR, "payment 7 was refused", &[2; 14]).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    house.minutes(&watch, ERROR, "payment 8 was refused", &[2; 4]).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_pattern_that_was_silent_for_hours_and_bursts_is_found() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    house.say(&watch, ERROR, "lock is stale", 1);
    learned(&house, &watch).await;
    house.minutes(&watch, ERROR, "lock is stale", &[300, 0, 0]).await;
    assert_eq!(raised(&engine).iter().map(|signal| signal.rule.as_str()).collect::<Vec<_>>(), ["MoreLogLines"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_rate_that_falls_is_raised_whatever_its_level() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    house.minutes(&watch, INFO, "order 7 was paid", &[100; 40]).await;
    house.minutes(&watch, INFO, "order 8 was paid", &[0; 3]).await;
    let rules: Vec<String> = raised(&engine).iter().map(|signal| signal.rule.to_string()).collect();
    assert_eq!(rules, ["FewerLogLines"]);
    engine.stop().await;
}

#[tokio::test]
async fn pw_3_a_restart_knows_the_patterns_and_takes_no_pause_for_silence() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, GATHER).await;
    let before = watch.patterns(&Actor::system("test"), None).unwrap();
    watch.finish().await.unwrap();
    engine.stop().await;

    house.clock.advance(Seconds::minutes(8));
    let (engine, watch) = house.start(raising()).await;
    let after = watch.patterns(&Actor::system("test"), None).unwrap();
    let texts = |all: &[PatternView]| all.iter().map(|one| (one.id, one.text.clone())).collect::<Vec<_>>();
    assert_eq!(texts(&after), texts(&before));
    house.say(&watch, ERROR, "disk is full", 20);
    house.minutes(&watch, INFO, "order 7 was paid", &[10; 4]).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"], "nothing is new, nothing fell, and what is raised stays raised");
    engine.stop().await;
}

#[tokio::test]
async fn pw_3_what_was_found_and_not_told_is_told_after_a_restart() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, Seconds(12)).await;
    assert!(facts(&engine).await.is_empty());
    engine.stop().await;
    let (engine, watch) = house.start(raising()).await;
    house.pass(&watch, GATHER).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    engine.stop().await;
}

#[tokio::test]
async fn pw_4_a_log_too_many_is_counted_and_said() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch::default()).await;
    let all: Vec<LogEvent> = (0..=STREAMS_MAX).map(|n| house.event(&format!("s{n}"), INFO, "up")).collect();
    watch.hear(&all, 3);
    let watched = watch.watched(&Actor::system("test")).unwrap();
    assert_eq!((watched.logs.len(), watched.unwatched, watched.left_out), (STREAMS_MAX, 1, 3));
    house.clock.advance(STREAM_IDLE);
    watch.hear(&[house.event("newcomer", INFO, "up")], 0);
    let watched = watch.watched(&Actor::system("test")).unwrap();
    assert_eq!((watched.logs.len(), watched.unwatched), (STREAMS_MAX, 1), "one that was idle gave its place");
    assert!(watched.logs.iter().any(|log| log.service == "newcomer"));
    watch.turn().await.unwrap();
    engine.stop().await;
}

#[tokio::test]
async fn pw_5_what_the_watchbook_does_not_let_raise_is_shown() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch { raise: [].into(), ..raising() }).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, GATHER).await;
    let found = watch.findings(&Actor::system("test"), Some("checkout")).unwrap();
    assert_eq!(found.iter().map(|one| &*one.finding.template).collect::<Vec<_>>(), ["disk is full"]);
    let first = watch.patterns(&Actor::system("test"), None).unwrap().remove(0);
    assert_eq!((&*first.text, first.new.is_some(), first.lines), ("disk is full", true, 3));
    assert_eq!(facts(&engine).await, Vec::<String>::new());
    engine.stop().await;

    // Lines of information are no errors, even where new patterns raise.
    let (engine, watch) = house.start(raising()).await;
    house.say(&watch, INFO, "a new word of information", 3);
    house.pass(&watch, Seconds::minutes(2)).await;
    assert_eq!(facts(&engine).await, Vec::<String>::new());
    engine.stop().await;
}

#[tokio::test]
async fn pw_6_what_cannot_be_read_at_the_start_clears_nothing() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, GATHER).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    watch.finish().await.unwrap();
    engine.stop().await;

    house.clock.advance(Seconds::minutes(2));
    let (engine, watch) = house.open(raising()).await;
    house.store.break_down();
    assert!(watch.turn().await.is_err());
    watch.finish().await.unwrap();
    house.store.repair();
    watch.turn().await.unwrap();
    assert_eq!(watch.patterns(&Actor::system("test"), None).unwrap().len(), 2, "it was read at last");
    engine.stop().await;

    for key in [key("checkout"), INDEX.to_owned()] {
        house.clock.advance(Seconds::hours(9));
        engine.vault().vault_put(VAULT, &key, b"of another form", None).await.unwrap();
        let (engine, watch) = house.open(raising()).await;
        watch.turn().await.unwrap();
        assert_eq!(facts(&engine).await, ["SignalRaised"]);
        engine.stop().await;
    }
}

#[tokio::test]
async fn a_watch_that_leaves_the_watchbook_takes_its_signals_along() {
    let house = House::new();
    let (engine, watch) = house.start(raising()).await;
    learned(&house, &watch).await;
    house.say(&watch, ERROR, "disk is full", 3);
    house.pass(&watch, GATHER).await;
    assert_eq!(raised(&engine).len(), 1);
    engine
        .apply_book(&Actor::system("test"), Book { digest: Digest::of(&[b"other"]), ..Book::default() }, "test")
        .await
        .unwrap();
    house.pass(&watch, Seconds(1)).await;
    engine.ask(&Actor::system("signals"), signals::Command::Reconsider).await.unwrap();
    assert!(raised(&engine).is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn lines_are_counted_as_series_from_zero() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch::default()).await;
    house.say(&watch, ERROR, "disk is full", 4);
    house.say(&watch, INFO, "order 5 was paid", 2);
    house.pass(&watch, Seconds(15)).await;
    let query = |text: &str| {
        let expr = promql::parse(text).unwrap();
        let now = house.clock.now().as_millisecond();
        let answer = promql::instant(&expr, &*house.series, now, &promql::Options::default()).unwrap();
        let promql::Data::Vector(all) = answer.data else { panic!("no vector: {answer:?}") };
        let value = |(labels, point): &(promql::Labels, Point)| (labels.to_string(), point.value.float().unwrap());
        all.iter().map(value).collect::<Vec<_>>()
    };
    let counted = query(r#"log_events_total{service="checkout"}"#);
    let expected = [
        (r#"log_events_total{service="checkout", severity="error"}"#.to_owned(), 4.0),
        (r#"log_events_total{service="checkout", severity="info"}"#.to_owned(), 2.0),
    ];
    assert_eq!(counted, expected);
    assert_eq!(query("sum(log_template_events_total)")[0].1, 6.0);
    assert!(query("increase(log_events_total[1m])").iter().all(|(_, value)| *value > 0.0), "the zero stands before");
    engine.stop().await;
}

#[tokio::test]
async fn whoever_may_not_read_signals_learns_nothing() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch::default()).await;
    house.say(&watch, ERROR, "disk is full", 4);
    let nobody = Actor::Integration("nobody".into());
    assert!(watch.watched(&nobody).is_err() && watch.patterns(&nobody, None).is_err());
    assert!(watch.findings(&nobody, None).is_err() && watch.patterns_of(&nobody, &[]).is_err());
    assert!(watch.finder(&nobody, "checkout", TemplateId(1)).is_err());
    engine.stop().await;
}

#[tokio::test]
async fn a_finder_knows_the_lines_of_a_pattern_when_it_became_part_of_another() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch::default()).await;
    let lines =
        ["ann", "bob", "cy", "dan"].map(|user| house.event("checkout", INFO, &format!("login of user {user} ok")));
    watch.hear(&lines, 0);
    let system = Actor::system("test");
    let finder = watch.finder(&system, "checkout", TemplateId(2)).unwrap().unwrap();
    assert_eq!(finder.text, "login of user <*> ok");
    assert!(finder.is(&house.event("checkout", INFO, "login of user eve ok")));
    assert!(!finder.is(&house.event("checkout", INFO, "login of user eve failed")));
    assert!(!finder.is(&house.event("search", INFO, "login of user eve ok")), "of another service");
    assert!(watch.finder(&system, "checkout", TemplateId(99)).unwrap().is_none());
    assert_eq!(finder.words().collect::<Vec<_>>(), ["login", "of", "user", "ok"]);
    engine.stop().await;
}

#[tokio::test]
async fn what_comes_through_the_tap_is_watched() {
    let house = House::new();
    let (engine, watch) = house.start(LogWatch::default()).await;
    let tap = LogTap::default();
    let running = tokio::spawn(Arc::clone(&watch).run(tap.watch()));
    tap.offer(&Arc::from(vec![house.event("checkout", INFO, "up and running")]));
    while watch.patterns(&Actor::system("test"), None).unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    engine.stop().await;
    running.await.unwrap();
}
