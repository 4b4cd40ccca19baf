//! The invariants of the ruler, over a world with a clock of its own and series in memory.

mod remembered;
mod sources;

use std::sync::Arc;

use kernel::book::rules::{Alerting, Expression, Group, Place, Rule, RuleFile};
use kernel::{Book, Seconds, Timestamp};
use parking_lot::Mutex as SeriesLock;
use promql::{MemorySource, Point, Series, SourceFailure, Wanted};
use testkit::{FakeWorld, MemoryStore, SeededChance, VirtualClock};

use super::*;
use crate::Parts;

/// Series that a test writes.
#[derive(Default)]
struct Memory(SeriesLock<MemorySource>, SeriesLock<Watched>);

/// What is watched, and what was written of it.
#[derive(Default)]
struct Watched {
    watches: Vec<Vec<Matcher>>,
    written: Vec<u32>,
    selected: Vec<Vec<Matcher>>,
    /// Whether a look at series ends by a mistake of the program.
    mistaken: bool,
}

impl Memory {
    fn insert(&self, labels: Labels, points: impl IntoIterator<Item = Point>) {
        let mut watched = self.1.lock();
        let hears = |matchers: &Vec<Matcher>| matchers.iter().all(|matcher| matcher.holds(labels.get(&matcher.name)));
        let heard: Vec<u32> = (0..).zip(&watched.watches).filter(|(_, all)| hears(all)).map(|(id, _)| id).collect();
        watched.written.extend(heard);
        self.0.lock().insert(labels, points);
    }

    /// The metrics that were asked for since this was last asked.
    fn take_selected(&self) -> Vec<String> {
        let selected = std::mem::take(&mut self.1.lock().selected).into_iter().flatten();
        let names = selected.filter(|matcher| matcher.name == "__name__");
        names
            .filter_map(|matcher| if let promql::ast::Test::Is(name) = matcher.test { Some(name) } else { None })
            .collect()
    }
}

impl SeriesSource for Memory {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let mut watched = self.1.lock();
        assert!(!watched.mistaken, "the test wants it so");
        watched.selected.push(wanted.matchers.to_vec());
        drop(watched);
        self.0.lock().select(wanted)
    }
}

impl SeriesStore for Memory {
    fn write(&self, samples: Vec<(Labels, Point)>, _: Timestamp) -> Result<(), String> {
        samples.into_iter().for_each(|(labels, point)| self.insert(labels, [point]));
        Ok(())
    }
    fn watch(&self, matchers: &[Matcher], _: Millis) -> Option<Watch> {
        let watches = &mut self.1.lock().watches;
        watches.push(matchers.to_vec());
        Some(Watch { id: u32::try_from(watches.len() - 1).ok()?, held: Box::new(()) })
    }
    fn take_written(&self) -> Vec<u32> {
        std::mem::take(&mut self.1.lock().written)
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

impl House {
    fn new() -> Self {
        let clock = VirtualClock::at("2026-03-02T10:00:00Z");
        Self { store: Arc::new(MemoryStore::new()), clock, series: Arc::default() }
    }

    /// An engine with its ruler over a book with these rules.
    async fn start(&self, rules: &[(&str, u64)]) -> (Engine, Arc<Ruler>) {
        self.start_with(book(rules)).await
    }

    async fn start_with(&self, book: Book) -> (Engine, Arc<Ruler>) {
        self.open(book, Arc::default()).await
    }

    /// The same over a book, with what a source says.
    async fn open(&self, book: Book, told: Arc<Told>) -> (Engine, Arc<Ruler>) {
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
        let ruler = Ruler::new(engine.clone(), Arc::clone(&self.series) as Arc<dyn SeriesStore>);
        (engine, Arc::new(ruler.with_sources(told)))
    }

    /// Lets fifteen seconds pass, writes `depth` where it is given, and takes a turn.
    async fn turn(&self, ruler: &Arc<Ruler>, depth: Option<f64>) {
        self.clock.advance(Seconds(15));
        if let Some(depth) = depth {
            let now = kernel::port::Clock::now(&self.clock).as_millisecond();
            let labels = Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]);
            self.series.insert(labels, [Point::float(now, depth)]);
        }
        ruler.turn().await.unwrap();
    }
}

fn book(rules: &[(&str, u64)]) -> Book {
    book_of(&[("prometheus/queues.yml", rules)])
}

/// Files with a group each; all groups have the same name.
fn book_of(files: &[(&str, &[(&str, u64)])]) -> Book {
    let digest = Digest::of(&[format!("{files:?}").as_bytes()]);
    let file = |(path, rules): &(&str, &[(&str, u64)])| RuleFile { path: (*path).into(), groups: vec![group(rules)] };
    let rule_files: Vec<RuleFile> = files.iter().map(file).collect();
    let alerting = rule_files.iter().flat_map(|file| &file.groups).flat_map(Group::rule_names).collect();
    Book { rule_files, alerting, digest, ..Book::default() }
}

fn group(rules: &[(&str, u64)]) -> Group {
    let alert = |(i, (expr, hold)): (usize, &(&str, u64))| {
        Rule::Alerting(Alerting {
            alert: "Deep".into(),
            at: Place { line: 5 + i, ..Place::default() },
            expr: Expression { text: (*expr).into(), ..Expression::default() },
            hold: Duration::from_secs(*hold),
            ..Alerting::default()
        })
    };
    Group { name: "queues".into(), rules: rules.iter().enumerate().map(alert).collect(), ..Group::default() }
}

/// The kinds of facts about signals so far.
async fn facts(engine: &Engine) -> Vec<String> {
    let all = engine.facts(&Actor::system("test"), kernel::Seq(0), 1000).await.unwrap();
    all.iter().filter(|fact| &*fact.area == "signals").map(|fact| fact.kind.to_string()).collect()
}

fn raised(engine: &Engine) -> usize {
    engine
        .read(&Actor::system("test"), crate::Read::of("signals:read"), |world| world.signals.raised().count())
        .unwrap()
}

const AT_ONCE: (&str, u64) = ("depth > 10", 0);
const HELD: (&str, u64) = ("depth > 10", 60);

#[tokio::test]
async fn ru_1_what_a_rule_raises_is_one_fact() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    for _ in 0..4 {
        house.turn(&ruler, Some(11.0)).await;
    }
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    engine.stop().await;
}

#[tokio::test]
async fn ru_1_an_alert_fires_when_it_was_held_and_alerts_are_series() {
    let house = House::new();
    let (engine, ruler) = house.start(&[HELD]).await;
    for _ in 0..4 {
        house.turn(&ruler, Some(11.0)).await;
        assert_eq!(raised(&engine), 0);
    }
    house.turn(&ruler, Some(11.0)).await;
    assert_eq!(raised(&engine), 1);
    let wanted = promql::parse("ALERTS{alertstate=\"firing\"}").unwrap();
    let now = kernel::port::Clock::now(&house.clock).as_millisecond();
    let found = promql::instant(&wanted, &*house.series, now, &promql::Options::default()).unwrap();
    assert!(matches!(found.data, promql::Data::Vector(all) if all.len() == 1));
    engine.stop().await;
}

#[tokio::test]
async fn ru_2_a_restart_leaves_raised_alerts_raised_and_pending_ones_pending() {
    let house = House::new();
    let (engine, ruler) = house.start(&[HELD]).await;
    for _ in 0..3 {
        house.turn(&ruler, Some(11.0)).await;
    }
    engine.stop().await;
    let (engine, ruler) = house.start(&[HELD]).await;
    for _ in 0..2 {
        house.turn(&ruler, Some(11.0)).await;
    }
    assert_eq!(raised(&engine), 1, "what was pending before the stop went on");
    engine.stop().await;
    let (engine, ruler) = house.start(&[("depth > 9", 3600)]).await;
    house.turn(&ruler, Some(11.0)).await;
    assert_eq!((raised(&engine), facts(&engine).await.len()), (1, 1), "an edit of its rule changes nothing");
    engine.stop().await;
}

#[tokio::test]
async fn ru_2_the_loss_of_the_kept_state_leaves_raised_alerts_raised() {
    let house = House::new();
    let (engine, ruler) = house.start(&[HELD]).await;
    for _ in 0..6 {
        house.turn(&ruler, Some(11.0)).await;
    }
    assert_eq!(engine.vault().vault_forget(VAULT, "").await.unwrap(), 1);
    engine.stop().await;
    let (engine, ruler) = house.start(&[HELD]).await;
    house.turn(&ruler, Some(11.0)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"], "it neither fell back to pending nor was raised twice");
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(raised(&engine), 0);
    engine.stop().await;
}

#[tokio::test]
async fn ru_3_what_could_not_be_recorded_is_said_again() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(1.0)).await;
    house.clock.advance(Seconds(15));
    let now = kernel::port::Clock::now(&house.clock).as_millisecond();
    let labels = Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]);
    house.series.insert(labels, [Point::float(now, 11.0)]);
    house.store.fail_appends(1);
    assert!(ruler.turn().await.is_err());
    while ruler.turn().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(facts(&engine).await, ["SignalRaised"]);
    engine.stop().await;
}

#[tokio::test]
async fn ru_4_a_rule_that_fails_says_so_and_the_others_go_on() {
    let house = House::new();
    let (engine, ruler) = house.start(&[("depth + on () depth", 0), AT_ONCE]).await;
    let other = Labels::from_pairs([("__name__", "depth"), ("queue", "print")]);
    let now = kernel::port::Clock::now(&house.clock).as_millisecond();
    house.series.insert(other, [Point::float(now, 1.0)]);
    house.turn(&ruler, Some(11.0)).await;
    let groups = ruler.groups(&Actor::system("test")).await.unwrap();
    assert!(groups[0].rules[0].error.as_ref().is_some_and(|error| error.contains("many-to-many")), "{groups:?}");
    assert_eq!((groups[0].rules[1].error.as_ref(), raised(&engine)), (None, 1));
    engine.stop().await;
}

#[tokio::test]
async fn ru_5_missed_evaluations_are_counted() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(1.0)).await;
    house.clock.advance(Seconds(60));
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(ruler.groups(&Actor::system("test")).await.unwrap()[0].missed, 4);
    engine.stop().await;
}

#[tokio::test]
async fn groups_of_one_name_in_two_files_do_not_know_of_each_other() {
    let house = House::new();
    let (engine, _) = house.start(&[]).await;
    let series: &dyn SeriesStore = &*house.series;
    let group = |path: &str, expr: &str| super::group::Group::new(path, &book(&[(expr, 0)]).rule_files[0].groups[0]);
    let (mut one, mut other) = (group("a.yml", "depth > 10"), group("b.yml", "depth > 9"));
    assert_ne!(one.key(), other.key());
    let now = kernel::port::Clock::now(&house.clock);
    let labels = Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]);
    house.series.insert(labels, [Point::float(now.as_millisecond(), 11.0)]);
    for group in [&mut one, &mut other] {
        group.evaluate(&Setting::default(), series, now);
    }
    let said: Vec<Said> = one.unsaid().collect();
    other.forget_said(&said);
    assert_eq!((said.len(), other.unsaid().count()), (1, 1), "what one has said is not said by the other");
    engine.stop().await;
}

#[tokio::test]
async fn a_rule_that_leaves_the_watchbook_clears_its_alerts() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    engine.stop().await;
    let (engine, ruler) = house.start(&[]).await;
    house.turn(&ruler, Some(11.0)).await;
    assert_eq!(raised(&engine), 0);
    engine.stop().await;
}

/// A source that answers what a test says.
#[derive(Default)]
struct Told(SeriesLock<BTreeMap<String, Result<promql::Data, Unanswered>>>);

#[async_trait::async_trait]
impl Queries for Told {
    async fn ask(&self, _: &Source, query: &str, _: promql::Millis) -> Result<promql::Data, Unanswered> {
        let told = self.0.lock().get(query).cloned();
        told.unwrap_or_else(|| Err(Unanswered::Refused(format!("unknown: {query}"))))
    }
}

impl Told {
    fn say(&self, query: &str, answer: Result<f64, Unanswered>) {
        let labels = Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]);
        let answer = answer.map(|value| promql::Data::Vector(vec![(labels, Point::float(0, value))]));
        self.0.lock().insert(query.to_owned(), answer);
    }
}

/// An engine whose rules are over a source.
async fn over_a_source(house: &House, rules: &[(&str, u64)], told: &Arc<Told>) -> (Engine, Arc<Ruler>) {
    let mut book = book(rules);
    let name = SourceName::new("store").unwrap();
    let source = Source {
        kind: kernel::book::source::SourceKind::Prometheus,
        url: "http://store.example".into(),
        user: None,
        secret: None,
        timeout: Seconds(1),
        at_once: std::num::NonZeroU8::MIN,
        rules: Vec::new(),
    };
    let recording = kernel::book::rules::Recording {
        record: "kept".into(),
        expr: Expression { text: "depth * 2".into(), ..Expression::default() },
        ..kernel::book::rules::Recording::default()
    };
    for group in book.rule_files.iter_mut().flat_map(|file| &mut file.groups) {
        group.source = Some(name.clone());
        group.rules.insert(0, Rule::Recording(recording.clone()));
    }
    book.sources.insert(name, source);
    house.open(book, Arc::clone(told)).await
}

/// A turn, and the evaluations over sources that it began.
async fn whole_turn(house: &House, ruler: &Arc<Ruler>) {
    house.turn(ruler, None).await;
    while ruler.running.lock().groups.iter().any(|group| group.asking.is_some()) {
        tokio::task::yield_now().await;
    }
    ruler.turn().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ru_7_a_source_that_does_not_answer_leaves_alerts_as_they_are() {
    let (house, told) = (House::new(), Arc::<Told>::default());
    told.say("depth > 10", Ok(12.0));
    told.say("depth * 2", Ok(24.0));
    let (engine, ruler) = over_a_source(&house, &[AT_ONCE], &told).await;
    whole_turn(&house, &ruler).await;
    assert_eq!(raised(&engine), 1);
    let kept = Labels::from_pairs([("__name__", "kept"), ("queue", "mail")]);
    assert_eq!(house.series.0.lock().points(&kept).len(), 1, "what is recorded is ours");
    for _ in 0..30 {
        told.say("depth > 10", Err(Unanswered::Failed("no connection".into())));
        whole_turn(&house, &ruler).await;
    }
    let groups = ruler.groups(&Actor::system("test")).await.unwrap();
    let error = groups[0].rules[1].error.clone().unwrap();
    assert!(error.starts_with("source store: "), "{error}");
    assert_eq!((raised(&engine), groups[0].source.as_deref()), (1, Some("store")));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_recorded_is_ours_and_the_rest_is_fetched_as_series() {
    let (house, told) = (House::new(), Arc::<Told>::default());
    told.say("depth * 2", Ok(24.0));
    let labels = Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]);
    let at = kernel::port::Clock::now(&house.clock).as_millisecond() + 15_000;
    let matrix = promql::Data::Matrix(vec![Series { labels, points: vec![Point::float(at, 12.0)] }]);
    told.0.lock().insert("{__name__=\"depth\"}[300000ms]".into(), Ok(matrix));
    let (engine, ruler) = over_a_source(&house, &[("depth and on (queue) kept > 20", 0)], &told).await;
    whole_turn(&house, &ruler).await;
    let groups = ruler.groups(&Actor::system("test")).await.unwrap();
    assert_eq!(groups[0].rules[1].error, None);
    assert_eq!(raised(&engine), 1);
    engine.stop().await;
}

#[tokio::test]
async fn ru_6_what_is_written_is_seen_at_once_by_those_rules_that_read_it() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE, ("width > 10", 0), ("depth > 10", 60)]).await;
    house.turn(&ruler, Some(1.0)).await;
    house.series.take_selected();
    house.clock.advance(Seconds(1));
    ruler.turn().await.unwrap();
    assert_eq!((house.series.take_selected(), raised(&engine)), (vec![], 0), "nothing was written, nobody looks");
    let now = kernel::port::Clock::now(&house.clock).as_millisecond();
    house.series.insert(Labels::from_pairs([("__name__", "depth"), ("queue", "mail")]), [Point::float(now, 11.0)]);
    ruler.turn().await.unwrap();
    assert_eq!((house.series.take_selected(), raised(&engine)), (vec!["depth".to_owned()], 1));
    assert_eq!(ruler.groups(&Actor::system("test")).await.unwrap()[0].evaluations, 1, "that was no beat");
    engine.stop().await;
}

#[tokio::test]
async fn a_selector_of_many_rules_stands_once() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE, ("depth > 11", 0), ("rate(width[5m]) > 1", 60)]).await;
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(house.series.1.lock().watches.len(), 2);
    engine.stop().await;
}

impl House {
    /// Writes one sample now.
    fn write(&self, name: &str, value: f64) {
        let now = kernel::port::Clock::now(&self.clock).as_millisecond();
        self.series.insert(Labels::from_pairs([("__name__", name), ("queue", "mail")]), [Point::float(now, value)]);
    }
}

fn open_alerts(engine: &Engine) -> usize {
    let count = |world: &crate::World| world.alerts.alerts_from(0, 100).0.len();
    engine.read(&Actor::system("test"), crate::Read::of("alerts:read"), count).unwrap()
}

#[tokio::test]
async fn ru_2_a_restart_before_anything_is_written_leaves_raised_alerts_raised() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    engine.stop().await;
    house.clock.advance(Seconds::minutes(20));
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, None).await;
    assert_eq!(facts(&engine).await, ["SignalRaised"], "its samples have not come back yet");
    house.turn(&ruler, Some(11.0)).await;
    house.turn(&ruler, Some(1.0)).await;
    assert_eq!(facts(&engine).await, ["SignalRaised", "SignalCleared"]);
    engine.stop().await;
}

#[tokio::test]
async fn ru_7_an_alert_of_two_rules_lasts_until_both_are_over() {
    let house = House::new();
    let wide: (&str, u64) = ("width > 10", 0);
    let mut apart = book_of(&[("prometheus/a.yml", &[AT_ONCE]), ("prometheus/b.yml", &[wide])]);
    apart.rule_files[1].groups[0].name = "others".into();
    apart.alerting = apart.rule_files.iter().flat_map(|file| &file.groups).flat_map(Group::rule_names).collect();
    let books = [book(&[AT_ONCE, wide]), apart];
    for book in books {
        let (engine, ruler) = house.start_with(book).await;
        house.write("width", 11.0);
        house.turn(&ruler, Some(11.0)).await;
        assert_eq!(open_alerts(&engine), 1);
        house.write("width", 11.0);
        house.turn(&ruler, Some(1.0)).await;
        assert_eq!(open_alerts(&engine), 1, "the other rule still says so");
        house.write("width", 1.0);
        house.turn(&ruler, Some(1.0)).await;
        assert_eq!((raised(&engine), open_alerts(&engine)), (0, 0));
        engine.stop().await;
    }
}

#[tokio::test]
async fn an_alert_that_a_person_dismisses_while_its_condition_holds_is_raised_again() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    let signal = engine
        .read(&Actor::system("test"), crate::Read::of("signals:read"), |world| world.signals.raised().next().cloned());
    let signals::Signal { rule, series, .. } = signal.unwrap().unwrap();
    engine.ask(&Actor::system("test"), signals::Command::Dismiss { rule, series }).await.unwrap();
    assert_eq!(raised(&engine), 0);
    for _ in 0..3 {
        house.turn(&ruler, Some(11.0)).await;
    }
    assert_eq!((raised(&engine), open_alerts(&engine)), (1, 1));
    engine.stop().await;
}

#[tokio::test]
async fn an_alert_of_ours_that_a_person_resolves_while_its_signal_is_raised_opens_again() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    let alert = engine.read(&Actor::system("test"), crate::Read::of("alerts:read"), |world| {
        world.alerts.alerts_from(0, 1).0.first().map(|alert| alert.fingerprint())
    });
    let resolve = alerts::Command::Resolve { alert: alert.unwrap().unwrap(), note: String::new() };
    engine.ask(&Actor::system("test"), resolve).await.unwrap();
    engine.wake().await.unwrap();
    assert_eq!((raised(&engine), open_alerts(&engine)), (1, 1));
    engine.stop().await;
}

#[tokio::test]
async fn a_rule_file_with_another_name_goes_on_with_what_it_remembers() {
    let house = House::new();
    let (engine, ruler) = house.start(&[HELD]).await;
    for _ in 0..3 {
        house.turn(&ruler, Some(11.0)).await;
    }
    let facts_before = facts(&engine).await;
    engine.apply_book(&Actor::system("test"), book_of(&[("prometheus/renamed.yml", &[HELD])]), "test").await.unwrap();
    for _ in 0..2 {
        house.turn(&ruler, Some(11.0)).await;
    }
    assert_eq!((facts_before.len(), raised(&engine)), (0, 1));
    engine.stop().await;
}

#[tokio::test]
async fn series_of_a_group_that_leaves_the_watchbook_end() {
    let house = House::new();
    let (engine, ruler) = house.start(&[AT_ONCE]).await;
    house.turn(&ruler, Some(11.0)).await;
    engine.apply_book(&Actor::system("test"), book(&[]), "test").await.unwrap();
    house.turn(&ruler, None).await;
    let now = kernel::port::Clock::now(&house.clock).as_millisecond();
    let found = promql::instant(&promql::parse("ALERTS").unwrap(), &*house.series, now, &promql::Options::default());
    assert!(matches!(found.unwrap().data, promql::Data::Vector(all) if all.is_empty()));
    engine.stop().await;
}

#[tokio::test]
async fn what_anomaly_has_learnt_survives_a_restart() {
    const UNUSUAL: (&str, u64) = ("anomaly(depth) > 0.99", 0);
    let house = House::new();
    let (engine, ruler) = house.start(&[UNUSUAL]).await;
    for turn in 0..400 {
        house.turn(&ruler, Some(f64::from(turn * 7 % 5))).await;
    }
    engine.stop().await;
    let (engine, ruler) = house.start(&[UNUSUAL]).await;
    house.turn(&ruler, Some(60.0)).await;
    assert_eq!(raised(&engine), 1, "it knows what is usual");
    assert_eq!(engine.vault().vault_forget(LEARNT, "").await.unwrap(), 1);
    engine.stop().await;
}

#[tokio::test]
async fn the_default_rule_raises_holds_and_clears_in_the_server() {
    let house = House::new();
    let (engine, ruler) = house.start(&[("unusual(depth)", 0)]).await;
    let calm = |turn: i32| f64::from(100 + turn * 7 % 5);
    for turn in 0..150 {
        house.turn(&ruler, Some(calm(turn))).await;
    }
    assert_eq!(raised(&engine), 0);
    for _ in 0..5 {
        house.turn(&ruler, Some(200.0)).await;
    }
    assert_eq!(raised(&engine), 1);
    engine.stop().await;
    let (engine, ruler) = house.start(&[("unusual(depth)", 0)]).await;
    for turn in 0..20 {
        house.turn(&ruler, Some(calm(turn))).await;
    }
    assert_eq!(raised(&engine), 1, "it is held until the series has been calm for long");
    for turn in 20..40 {
        house.turn(&ruler, Some(calm(turn))).await;
    }
    assert_eq!(raised(&engine), 0);
    assert_eq!(engine.vault().vault_forget(LEARNT, "").await.unwrap(), 1);
    engine.stop().await;
}
