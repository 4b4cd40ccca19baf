//! Routes that keep quiet at times: when a time interval is on, and what becomes of what fires meanwhile.

use alerts::{Command, Event, covers, quiet};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use kernel::book::Route;
use kernel::book::times::{RouteTimes, TimeSpan};
use kernel::time::{Seconds, Timestamp};
use kernel::{Book, IntervalName};
use proptest::prelude::*;

use crate::world::*;

const A: &str = "alertname=A service=shop";

fn always(zone: &str) -> TimeSpan {
    TimeSpan {
        time_zone: TimeZone::get(zone).unwrap(),
        times: Vec::new(),
        weekdays: Vec::new(),
        days_of_month: Vec::new(),
        months: Vec::new(),
        years: Vec::new(),
    }
}

fn name(text: &str) -> IntervalName {
    text.parse().unwrap()
}

fn muted_by(span: TimeSpan) -> (Book, RouteTimes) {
    let mut book = Book::default();
    book.intervals.insert(name("quiet"), vec![span]);
    (book, RouteTimes { mute: vec![name("quiet")], active: Vec::new() })
}

/// Whether a span is on at an instant, by the way on which routes ask.
fn is_on(span: &TimeSpan, instant: &str) -> bool {
    let (book, times) = muted_by(span.clone());
    quiet(&book, &times, at(instant)).is_some()
}

#[test]
fn each_condition_is_read_as_alertmanager_reads_it() {
    let utc = always("UTC");
    let berlin = always("Europe/Berlin");
    let table: &[(TimeSpan, &str, bool)] = &[
        (utc.clone(), "2026-03-02T10:00:00Z", true),
        // Times of day: the end is outside, and the end of the day is 24:00.
        (TimeSpan { times: vec![(540, 1020)], ..utc.clone() }, "2026-03-02T09:00:00Z", true),
        (TimeSpan { times: vec![(540, 1020)], ..utc.clone() }, "2026-03-02T16:59:59Z", true),
        (TimeSpan { times: vec![(540, 1020)], ..utc.clone() }, "2026-03-02T17:00:00Z", false),
        (TimeSpan { times: vec![(1200, 1440)], ..utc.clone() }, "2026-03-02T23:59:59Z", true),
        (TimeSpan { times: vec![(0, 60), (540, 600)], ..utc.clone() }, "2026-03-02T00:30:00Z", true),
        // Days of the week count from Sunday; 2 March 2026 is a Monday.
        (TimeSpan { weekdays: vec![(1, 5)], ..utc.clone() }, "2026-03-02T00:00:00Z", true),
        (TimeSpan { weekdays: vec![(1, 5)], ..utc.clone() }, "2026-03-01T23:59:59Z", false),
        (TimeSpan { weekdays: vec![(0, 0), (6, 6)], ..utc.clone() }, "2026-03-01T23:59:59Z", true),
        // Days of the month: negative ones count from its end, whatever its length.
        (TimeSpan { days_of_month: vec![(-1, -1)], ..utc.clone() }, "2026-02-28T12:00:00Z", true),
        (TimeSpan { days_of_month: vec![(-1, -1)], ..utc.clone() }, "2028-02-28T12:00:00Z", false),
        (TimeSpan { days_of_month: vec![(-3, -1)], ..utc.clone() }, "2026-04-28T12:00:00Z", true),
        (TimeSpan { days_of_month: vec![(29, 31)], ..utc.clone() }, "2026-02-28T12:00:00Z", false),
        (TimeSpan { days_of_month: vec![(28, 31)], ..utc.clone() }, "2026-02-28T12:00:00Z", true),
        (TimeSpan { days_of_month: vec![(1, -2)], ..utc.clone() }, "2026-04-30T12:00:00Z", false),
        (TimeSpan { months: vec![(5, 8)], ..utc.clone() }, "2026-08-31T23:59:59Z", true),
        (TimeSpan { months: vec![(5, 8)], ..utc.clone() }, "2026-09-01T00:00:00Z", false),
        (TimeSpan { years: vec![(2026, 2027)], ..utc.clone() }, "2027-12-31T23:59:59Z", true),
        (TimeSpan { years: vec![(2026, 2027)], ..utc }, "2028-01-01T00:00:00Z", false),
        // The zone says which day and hour it is: 23:30 UTC is half past midnight in Berlin.
        (TimeSpan { weekdays: vec![(1, 1)], ..berlin.clone() }, "2026-03-01T23:30:00Z", true),
        (TimeSpan { times: vec![(150, 180)], ..berlin.clone() }, "2026-10-25T00:30:00Z", true),
        (TimeSpan { times: vec![(150, 180)], ..berlin.clone() }, "2026-10-25T01:30:00Z", true),
        (TimeSpan { times: vec![(120, 180)], ..berlin }, "2026-03-29T01:00:00Z", false),
    ];
    for (span, instant, on) in table {
        assert_eq!(is_on(span, instant), *on, "{span:?} at {instant}");
    }
}

#[test]
fn a_quiet_time_ends_where_no_interval_of_the_route_is_on_any_more() {
    let mut book = Book::default();
    let span = |weekdays, times| TimeSpan { weekdays, times, ..always("Europe/Berlin") };
    book.intervals.insert(name("office"), vec![span(vec![(1, 5)], vec![(540, 1020)])]);
    book.intervals.insert(name("lunch"), vec![span(Vec::new(), vec![(720, 750)])]);
    book.intervals.insert(name("ever"), vec![always("UTC")]);
    let times = |mute: &[&str], active: &[&str]| RouteTimes {
        mute: mute.iter().map(|one| name(one)).collect(),
        active: active.iter().map(|one| name(one)).collect(),
    };
    let told = |times: &RouteTimes, instant: &str| {
        quiet(&book, times, at(instant)).map(|quiet| format!("{quiet} until {:.0}", quiet.until))
    };
    // A whole weekend lies between two office days.
    let office = times(&[], &["office"]);
    assert_eq!(told(&office, "2026-03-06T16:30:00Z").as_deref(), Some("outside office until 2026-03-09T08:00:00Z"));
    assert_eq!(told(&office, "2026-03-06T10:00:00Z"), None);
    let lunch = times(&["lunch"], &["office"]);
    assert_eq!(told(&lunch, "2026-03-06T11:10:00Z").as_deref(), Some("during lunch until 2026-03-06T11:30:00Z"));
    // One follows at once upon the other.
    let both = times(&["lunch", "office"], &[]);
    assert_eq!(told(&both, "2026-03-06T11:10:00Z").as_deref(), Some("during lunch until 2026-03-06T16:00:00Z"));
    assert!(told(&times(&["ever"], &[]), "2026-03-06T11:10:00Z").is_some());
    assert_eq!(told(&times(&["gone"], &[]), "2026-03-06T11:10:00Z"), None, "what is not there is never on");
}

/// A shop whose warnings page in the first ten minutes of an hour only.
fn shop() -> World {
    let mut book = book();
    book.route.group_wait = Seconds::ZERO;
    let minutes: Vec<(u16, u16)> = (0..24).map(|hour| (hour * 60, hour * 60 + 10)).collect();
    book.intervals.insert(name("waking"), vec![TimeSpan { times: minutes, ..always("UTC") }]);
    let times = RouteTimes { mute: Vec::new(), active: vec![name("waking")] };
    let shop = Route { matchers: matchers(&["service=shop"]), times, ..book.route.clone() };
    book.route.routes.push(shop);
    World::new(book)
}

/// Fires alerts that never end by themselves.
fn fire(world: &mut World, alerts: &[&str]) -> Vec<String> {
    let alerts = alerts.iter().map(|text| alert(text)).collect();
    short(&world.ask(Command::Observe { source: "watchkeeper".into(), alerts }).unwrap())
}

#[test]
fn what_fires_in_a_quiet_time_is_told_when_it_ends() {
    let mut world = shop();
    world.pass(1200);
    assert_eq!(fire(&mut world, &[A]), ["AlertOpened", "GroupHeld"]);
    let why: Vec<String> = world.state.why(&world.book, labels(A).fingerprint()).into_iter().map(|s| s.said).collect();
    assert!(
        why.iter().any(|said| said == "held until 2026-03-02T11:00:00Z: its route keeps quiet outside waking"),
        "{why:?}"
    );
    assert_eq!(fire(&mut world, &[A, "alertname=A service=shop x=y"]), ["AlertOpened"], "it is said once");
    let later = world.pass(2400);
    assert_eq!(short(&later), ["PageOpened page-1 P3 A on shop (2 alerts)", "page-1-1 Firing ada by mail"]);
    assert_eq!(json(&world.replayed()), json(&world.state));
}

#[test]
fn what_ends_in_a_quiet_time_was_never_told() {
    let mut world = shop();
    world.pass(1200);
    fire(&mut world, &[A]);
    assert_eq!(short(&world.over(&[A])), ["AlertResolved Source"]);
    assert_eq!(short(&world.pass(7200)), [""; 0]);
}

#[test]
fn an_escalation_rests_in_a_quiet_time_and_whoever_was_told_is_told_the_end() {
    let mut world = shop();
    world.pass(400);
    assert_eq!(fire(&mut world, &[A])[2..], ["page-1-1 Firing ada by mail"]);
    world.accept_all();
    // The second step is due at 10:11:40, in the quiet time.
    assert_eq!(short(&world.pass(600)), ["GroupHeld"]);
    fire(&mut world, &[A]);
    assert_eq!(short(&world.pass(2500)), [""; 0]);
    let told = short(&world.over(&[A]));
    assert_eq!(told, ["AlertResolved Source", "PageClosed", "page-1-2 Closed ada by mail"]);
}

#[test]
fn a_watchbook_that_wakes_a_route_is_heard_within_the_hour() {
    let mut world = shop();
    world.book.intervals.insert(name("waking"), vec![TimeSpan { years: vec![(2031, 2031)], ..always("UTC") }]);
    fire(&mut world, &[A]);
    world.book.intervals.insert(name("waking"), vec![always("UTC")]);
    assert_eq!(short(&world.pass(3599)), [""; 0]);
    assert!(world.pass(1).iter().any(|event| matches!(event, Event::PageOpened(_))));
}

fn some_span() -> impl Strategy<Value = TimeSpan> {
    let zones = prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "Asia/Kathmandu",
    ]);
    let times = prop::collection::vec((0_u16..1440, 1_u16..400), 0..3);
    let days = prop::collection::vec((0_u8..7, 0_u8..4), 0..2);
    let dates =
        prop::collection::vec(prop::sample::select(vec![(1_i8, 7_i8), (-3, -1), (15, 15), (28, 31), (10, -5)]), 0..2);
    (zones, times, days, dates).prop_map(|(zone, times, days, dates)| TimeSpan {
        times: times.into_iter().map(|(from, length)| (from, (from + length).min(1440))).collect(),
        weekdays: days.into_iter().map(|(from, more)| (from, (from + more).min(6))).collect(),
        days_of_month: dates,
        ..always(zone)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The end of a quiet time is the first minute at which the route pages, as found by looking at every minute.
    #[test]
    fn quiet_times_end_as_looking_at_every_minute_says(
        spans in prop::collection::vec(some_span(), 1..3),
        active in any::<bool>(),
        // Around the changes of the clocks in 2018, when Sao Paulo still had them, and in 2026.
        start in prop::sample::select(vec!["2018-11-03T00:00:00Z", "2018-02-17T00:00:00Z", "2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-04-04T00:00:00Z"]),
        offset in 0_i64..2880,
    ) {
        let mut book = Book::default();
        book.intervals.insert(name("quiet"), spans);
        let names = vec![name("quiet")];
        let times = if active { RouteTimes { active: names, ..RouteTimes::default() } } else { RouteTimes { mute: names, ..RouteTimes::default() } };
        let from: Timestamp = at(start) + SignedDuration::from_mins(offset);
        let Some(found) = quiet(&book, &times, from) else { return Ok(()) };
        let spans = &book.intervals[&name("quiet")];
        for minute in 0..4320 {
            let instant = from + SignedDuration::from_mins(minute);
            let is_quiet = spans.iter().any(|span| covers(span, instant)) != active;
            if instant < found.until {
                prop_assert!(is_quiet, "{instant} lies before {}", found.until);
            } else {
                prop_assert!(!is_quiet || found.until >= from + SignedDuration::from_hours(24 * 399), "{instant} lies at or after {}", found.until);
                break;
            }
        }
    }
}
