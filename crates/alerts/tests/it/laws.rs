//! Laws that hold whatever happens: random commands and the passing of time against a small shop.

use std::collections::BTreeMap;

use alerts::{Alerts, Command, Event, PageId, Says, SilenceId, SilenceStatus, State};
use kernel::area::{Area, Stamp};
use kernel::book::times::{RouteTimes, TimeSpan};
use kernel::book::{Inhibition, Route};
use kernel::time::Seconds;
use kernel::{Address, Outcome};
use proptest::prelude::*;

use crate::world::*;

/// What may happen; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Deed {
    Fire(Vec<usize>),
    Over(Vec<usize>),
    Silence(usize, u32),
    Expire(usize),
    Take(usize),
    Resolve(usize),
    Attempt(usize, u8),
    Pass(u32),
    Rebook(bool),
    Restart,
}

const MATCHERS: [&str; 5] =
    ["service=shop", "severity=~\"warning|info\"", "alertname=A", "alertname=~\"A.?\"", "severity=critical"];

fn alert_text(number: usize) -> String {
    let name = ["A", "B"][number % 2];
    let service = ["shop", "blog"][number / 2 % 2];
    let severity = ["critical", "warning", "info"][number / 4 % 3];
    format!("alertname={name} service={service} severity={severity}")
}

fn deed() -> impl Strategy<Value = Deed> {
    let some = || proptest::collection::vec(0_usize..12, 1..5);
    prop_oneof![
        4 => some().prop_map(Deed::Fire),
        2 => some().prop_map(Deed::Over),
        1 => (0..MATCHERS.len(), 1_u32..600).prop_map(|(matcher, length)| Deed::Silence(matcher, length)),
        1 => (0_usize..4).prop_map(Deed::Expire),
        1 => (0_usize..8).prop_map(Deed::Take),
        1 => (0_usize..12).prop_map(Deed::Resolve),
        3 => ((0_usize..8), (0_u8..4)).prop_map(|(delivery, outcome)| Deed::Attempt(delivery, outcome)),
        3 => (0_u32..400).prop_map(Deed::Pass),
        1 => any::<bool>().prop_map(Deed::Rebook),
        1 => Just(Deed::Restart),
    ]
}

fn start(hears: bool, wait: u32) -> World {
    let mut book = book();
    book.route.group_wait = Seconds(wait);
    book.route.group_interval = Seconds(60);
    book.route.repeat_interval = Seconds(900);
    let rule = |source: &str, target: &str, equal: &[&str]| Inhibition {
        source: matchers(&[source]),
        target: matchers(&[target]),
        equal: equal.iter().map(|name| (*name).to_owned()).collect(),
    };
    book.inhibitions = vec![
        rule("severity=critical", "severity=~\"warning|info\"", &["service"]),
        rule("alertname=A", "severity=~\".*[no].*\"", &[]),
    ];
    // The blog pages in every other five minutes only.
    let minutes = (0..288).step_by(2).map(|slot| (slot * 5, slot * 5 + 5)).collect();
    let span = TimeSpan {
        time_zone: jiff::tz::TimeZone::UTC,
        times: minutes,
        weekdays: Vec::new(),
        days_of_month: Vec::new(),
        months: Vec::new(),
        years: Vec::new(),
    };
    book.intervals.insert("often".parse().unwrap(), vec![span]);
    let times = RouteTimes { mute: vec!["often".parse().unwrap()], active: Vec::new() };
    let blog = Route { matchers: matchers(&["service=blog"]), times, ..book.route.clone() };
    book.route.routes.push(blog);
    let mut world = World::new(book);
    world.hears = hears;
    world
}

impl World {
    fn perform(&mut self, deed: &Deed) {
        let texts = |numbers: &[usize]| -> Vec<String> { numbers.iter().map(|number| alert_text(*number)).collect() };
        fn refs(texts: &[String]) -> Vec<&str> {
            texts.iter().map(String::as_str).collect()
        }
        match deed {
            Deed::Fire(numbers) => drop(self.fire(&refs(&texts(numbers)))),
            Deed::Over(numbers) => drop(self.over(&refs(&texts(numbers)))),
            Deed::Silence(matcher, length) => drop(self.silence(&[MATCHERS[*matcher]], *length)),
            Deed::Expire(number) => {
                let ids: Vec<SilenceId> = self.state.silences().map(|silence| silence.id.clone()).collect();
                if let Some(id) = ids.get(number % ids.len().max(1)) {
                    drop(self.ask(Command::ExpireSilence { id: id.clone() }));
                }
            }
            Deed::Take(page) => {
                drop(self.ask(Command::Acknowledge { page: PageId(*page as u64), note: String::new() }))
            }
            Deed::Resolve(number) => {
                let alert = labels(&alert_text(*number)).fingerprint();
                drop(self.ask(Command::Resolve { alert, note: String::new() }));
            }
            Deed::Attempt(delivery, outcome) => {
                let outstanding = Alerts::outstanding(&self.state, &self.book);
                if let Some(delivery) = outstanding.get(delivery % outstanding.len().max(1)) {
                    let (outcome, last) = match outcome {
                        0 | 1 => (Outcome::Accepted { by: "server".into() }, true),
                        2 => (failed("busy"), false),
                        _ => (failed("dead"), true),
                    };
                    drop(self.attempt(&delivery.id.0.clone(), outcome, last));
                }
            }
            Deed::Pass(seconds) => drop(self.pass(*seconds)),
            Deed::Rebook(first) => {
                self.book.route.group_by = if *first { vec!["service".into()] } else { vec!["...".into()] };
                self.book.digest = kernel::Digest::of(&[&[u8::from(*first)]]);
            }
            Deed::Restart => self.state = serde_json::from_value(json(&self.state)).unwrap(),
        }
    }

    /// What holds at every instant at which nothing is due.
    fn check(&self) {
        let (alerts, rest) = self.state.alerts_from(0, usize::MAX);
        assert!(rest.is_none());
        assert_eq!(alerts.len(), self.state.counts().alerts);
        assert_eq!(alerts.iter().filter(|alert| alert.muted().is_some()).count(), self.state.counts().muted);
        for alert in &alerts {
            let reasons = alert.silenced_by(self.now).len() + alert.inhibited_by(&self.book, 9).len();
            assert_eq!(alert.muted().is_some(), reasons > 0, "{} {:?}", alert.labels(), alert.muted());
            assert!(alert.groups().all(|group| group.alerts().any(|other| other.fingerprint() == alert.fingerprint())));
            assert!(alert.groups().count() > 0);
        }
        for matcher in MATCHERS.iter().map(|text| matchers(&[text])) {
            let (found, _) = self.state.find(&matcher, 0, usize::MAX);
            let scanned = alerts.iter().filter(|alert| matcher[0].matches(alert.labels()));
            assert!(found.iter().map(|alert| alert.fingerprint()).eq(scanned.map(|alert| alert.fingerprint())));
        }
        self.check_groups();
        for silence in self.state.silences() {
            assert_eq!(silence.expired, silence.status(self.now) == SilenceStatus::Expired);
        }
    }

    fn check_groups(&self) {
        for group in self.state.groups_from(0, usize::MAX).0 {
            let unmuted = group.alerts().filter(|alert| alert.muted().is_none()).count();
            assert!(!group.is_empty(), "a group without alerts goes");
            assert!(group.due().is_none_or(|due| due > self.now), "{:?} is overdue", group.due());
            assert!(unmuted > 0 || group.due().is_none(), "muted alerts page nobody");
            if unmuted > 0 && group.page().is_none() {
                assert!(group.due().is_some(), "{} waits for nothing", group.labels());
            }
            if let Some(page) = group.page() {
                assert!(page.is_open());
                let told = !page.requests.is_empty() || page.nobody.is_some();
                assert!(told, "{} told nobody, and did not say so", page.id);
            }
        }
        for page in self.state.open_pages() {
            assert_eq!(self.state.group(page.group).and_then(|group| group.page()).map(|page| page.id), Some(page.id));
        }
    }
}

/// Whoever was told that it fires, or may have been, is told the end exactly once, and nobody else is.
fn check_ends(world: &World) {
    let mut told: BTreeMap<PageId, BTreeMap<Address, (usize, bool)>> = BTreeMap::new();
    let mut failed: BTreeMap<String, bool> = BTreeMap::new();
    let mut closed: BTreeMap<PageId, usize> = BTreeMap::new();
    let mut requests: BTreeMap<PageId, Vec<(String, Address)>> = BTreeMap::new();
    for (.., event) in &world.journal {
        match event {
            Event::PageRequested { page, delivery, address, says, .. } if *says == Says::Closed => {
                told.entry(*page).or_default().entry(address.clone()).or_default().0 += 1;
                failed.insert(delivery.0.to_string(), false);
            }
            Event::PageRequested { page, delivery, address, .. } => {
                requests.entry(*page).or_default().push((delivery.0.to_string(), address.clone()));
            }
            Event::PageAttempted { delivery, attempt, .. } => {
                let dead = !matches!(attempt.outcome, Outcome::Accepted { .. }) && attempt.last;
                failed.insert(delivery.0.to_string(), dead);
            }
            Event::PageClosed { page } => {
                *closed.entry(*page).or_default() += 1;
                for (delivery, address) in requests.get(page).into_iter().flatten() {
                    let reached = !failed.get(delivery).copied().unwrap_or(false);
                    let entry = told.entry(*page).or_default().entry(address.clone()).or_default();
                    entry.1 |= reached;
                }
            }
            _ => {}
        }
    }
    assert!(closed.values().all(|times| *times == 1));
    for (page, addresses) in told {
        for (address, (ends, reached)) in addresses {
            assert_eq!(ends, usize::from(reached), "{page} {address}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_the_room_is_in_order(
        deeds in proptest::collection::vec(deed(), 1..40),
        wait in prop_oneof![Just(0_u32), Just(30)],
    ) {
        let mut world = start(true, wait);
        for deed in &deeds {
            world.perform(deed);
            world.pass(0);
            world.check();
        }
        check_ends(&world);
    }

    #[test]
    fn the_journal_suffices(deeds in proptest::collection::vec(deed(), 1..40), wait in prop_oneof![Just(0_u32), Just(30)]) {
        let mut world = start(false, wait);
        for deed in &deeds {
            world.perform(deed);
        }
        let live = json(&world.state);
        prop_assert_eq!(&live, &json(&world.replayed()));
        let restored: State = serde_json::from_value(live.clone()).unwrap();
        prop_assert_eq!(Alerts::next_due(&restored), Alerts::next_due(&world.state));
        prop_assert_eq!(live, json(&restored));
    }

    #[test]
    fn a_snapshot_in_the_middle_changes_nothing(deeds in proptest::collection::vec(deed(), 1..30), part in 0_usize..100) {
        let mut world = start(false, 30);
        for deed in &deeds {
            world.perform(deed);
        }
        let middle = world.journal.len() * part / 100;
        let mut state = State::default();
        for (index, (seq, at, actor, event)) in world.journal.iter().enumerate() {
            if index == middle {
                state = serde_json::from_value(json(&state)).unwrap();
            }
            Alerts::evolve(&mut state, Stamp { seq: *seq, at: *at, actor }, event);
        }
        prop_assert_eq!(json(&state), json(&world.state));
        prop_assert_eq!(Alerts::next_due(&state), Alerts::next_due(&world.state));
    }

    #[test]
    fn deciding_changes_nothing_and_repeating_says_nothing(
        deeds in proptest::collection::vec(deed(), 0..20),
        numbers in proptest::collection::vec(0_usize..12, 1..6),
    ) {
        let mut world = start(false, 30);
        for deed in &deeds {
            world.perform(deed);
        }
        world.pass(0);
        let observe = || {
            let alerts = numbers.iter().map(|number| alert(&alert_text(*number))).collect();
            Command::Observe { source: "prometheus".into(), alerts }
        };
        let before = json(&world.state);
        let first = world.decide(observe()).unwrap();
        prop_assert_eq!(&first, &world.decide(observe()).unwrap());
        prop_assert_eq!(before, json(&world.state));
        world.ask(observe()).unwrap();
        world.hears = true;
        world.ask(observe()).unwrap();
        world.ask(observe()).unwrap();
        prop_assert_eq!(world.ask(observe()).unwrap(), vec![]);
    }
}
