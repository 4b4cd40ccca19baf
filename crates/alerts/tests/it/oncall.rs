//! Who is on call: laws over random schedules, and tables over the days on which clocks change.

use alerts::oncall::{self, By, Override, on_call, on_duty, shifts};
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use kernel::book::{DutyHours, Layer, Schedule, Turn};
use kernel::time::{Seconds, Timestamp};
use kernel::{Actor, PersonName};
use proptest::prelude::*;

use crate::world::{at, person};

fn layer(people: &[&str], start: &str, turn: Turn) -> Layer {
    let people = people.iter().map(|name| person(name)).collect();
    Layer { people, start: start.parse().unwrap(), turn, hours: Vec::new() }
}

fn schedule(zone: &str, layers: Vec<Layer>) -> Schedule {
    Schedule { title: String::new(), time_zone: TimeZone::get(zone).unwrap(), layers }
}

fn hours(days: &[Weekday], from: &str, until: &str) -> DutyHours {
    DutyHours { days: days.to_vec(), from: from.parse().unwrap(), until: until.parse().unwrap() }
}

fn taken(id: u32, name: &str, from: &str, until: &str) -> Override {
    let actor = Actor::Anonymous;
    Override { id: alerts::OverrideId(id), person: person(name), from: at(from), until: at(until), actor }
}

/// The borders of shifts in the schedule's own clock, with who begins there.
fn told(schedule: &Schedule, overrides: &[Override], from: &str, until: &str) -> Vec<(String, String)> {
    let shifts = shifts(schedule, overrides, at(from), at(until));
    let who = |on: &Option<(PersonName, By)>| on.as_ref().map_or("nobody".to_owned(), |(who, _)| who.to_string());
    let clock =
        |at: Timestamp| jiff::ZonedDateTime::new(at, schedule.time_zone.clone()).strftime("%m-%d %H:%M%:z").to_string();
    shifts.iter().map(|shift| (clock(shift.from), who(&shift.on_duty))).collect()
}

fn expect(told: &[(String, String)], expected: &[(&str, &str)]) {
    let told: Vec<(&str, &str)> = told.iter().map(|(clock, who)| (clock.as_str(), who.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_civil_day_is_a_turn_whatever_the_clocks_do() {
    let berlin = schedule("Europe/Berlin", vec![layer(&["ada", "ben"], "2026-03-27T09:00", Turn::Days(1))]);
    expect(
        &told(&berlin, &[], "2026-03-27T08:00:00Z", "2026-03-30T07:00:00Z"),
        &[("03-27 09:00+01:00", "ada"), ("03-28 09:00+01:00", "ben"), ("03-29 09:00+02:00", "ada")],
    );
    let autumn = schedule("Europe/Berlin", vec![layer(&["ada", "ben"], "2026-10-24T09:00", Turn::Days(1))]);
    expect(
        &told(&autumn, &[], "2026-10-24T07:00:00Z", "2026-10-26T08:00:00Z"),
        &[("10-24 09:00+02:00", "ada"), ("10-25 09:00+01:00", "ben")],
    );
}

#[test]
fn turns_have_the_lengths_that_the_clocks_give_them() {
    let week = Turn::Weeks(1);
    let cases = [
        // zone, first hand-off, turn, number of the turn, its length in minutes
        ("Europe/Berlin", "2026-03-28T09:00", Turn::Days(1), 0, 23 * 60),
        ("Europe/Berlin", "2026-10-24T09:00", Turn::Days(1), 0, 25 * 60),
        ("Europe/Berlin", "2026-03-23T08:00", week, 0, 167 * 60),
        ("America/New_York", "2026-03-07T08:00", Turn::Days(1), 0, 23 * 60),
        ("America/New_York", "2026-10-31T08:00", Turn::Days(1), 0, 25 * 60),
        ("America/Chicago", "2017-03-10T08:00", week, 0, 167 * 60),
        ("America/Chicago", "2017-11-04T08:00", Turn::Days(1), 0, 25 * 60),
        ("Australia/Lord_Howe", "2026-04-04T12:00", Turn::Days(1), 0, 24 * 60 + 30),
        ("Australia/Lord_Howe", "2026-10-03T12:00", Turn::Days(1), 0, 23 * 60 + 30),
        ("Asia/Kathmandu", "2026-10-03T12:00", Turn::Days(1), 0, 24 * 60),
        ("Pacific/Apia", "2011-12-29T12:00", Turn::Days(1), 0, 0),
        ("Europe/Berlin", "2026-03-28T22:00", Turn::Hours(12), 0, 12 * 60),
        ("Europe/Berlin", "2026-03-28T22:00", Turn::Hours(12), 1, 12 * 60),
    ];
    for (zone, start, turn, number, minutes) in cases {
        let schedule = schedule(zone, vec![layer(&["ada", "ben", "cy"], start, turn)]);
        let first = schedule.time_zone.to_timestamp(start.parse::<DateTime>().unwrap()).unwrap();
        let shifts = shifts(&schedule, &[], first, Seconds::hours(24 * 20).after(first));
        let length = shifts[number].until.duration_since(shifts[number].from).as_mins();
        if minutes > 0 {
            assert_eq!(length, minutes, "{zone} {start}");
        } else {
            // The day that Apia skipped is a turn without time, or one that both its days share.
            assert!(length == 24 * 60 || length == 48 * 60, "{zone}: {length}");
        }
    }
}

#[test]
fn a_hand_off_that_the_clock_skips_is_later_and_one_that_it_repeats_is_the_first() {
    let skipped = schedule("Europe/Berlin", vec![layer(&["ada", "ben"], "2026-03-28T02:30", Turn::Days(1))]);
    expect(
        &told(&skipped, &[], "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"),
        &[("03-28 02:30+01:00", "ada"), ("03-29 03:30+02:00", "ben")],
    );
    let repeated = schedule("Europe/Berlin", vec![layer(&["ada", "ben"], "2026-10-24T02:30", Turn::Days(1))]);
    expect(
        &told(&repeated, &[], "2026-10-24T00:30:00Z", "2026-10-26T01:30:00Z"),
        &[("10-24 02:30+02:00", "ada"), ("10-25 02:30+02:00", "ben")],
    );
    let lord_howe = schedule("Australia/Lord_Howe", vec![layer(&["ada", "ben"], "2020-10-03T02:15", Turn::Days(1))]);
    expect(
        &told(&lord_howe, &[], "2020-10-02T15:45:00Z", "2020-10-04T15:15:00Z"),
        &[("10-03 02:15+10:30", "ada"), ("10-04 02:45+11:00", "ben")],
    );
}

#[test]
fn layers_hours_and_overrides_lie_on_one_another() {
    use Weekday::{Friday, Monday, Saturday, Thursday, Tuesday, Wednesday};
    let days = [Monday, Tuesday, Wednesday, Thursday, Friday];
    let mut office = layer(&["ada"], "2026-01-01T00:00", Turn::Weeks(1));
    office.hours = vec![hours(&days, "09:00", "17:00")];
    let mut nights = layer(&["ben"], "2026-01-01T00:00", Turn::Weeks(1));
    nights.hours = vec![hours(&[Friday, Saturday], "22:00", "06:00")];
    let schedule = schedule("Europe/Berlin", vec![office, nights]);
    expect(
        &told(&schedule, &[], "2026-02-27T10:00:00Z", "2026-03-02T12:00:00Z"),
        &[
            ("02-27 11:00+01:00", "ada"),
            ("02-27 17:00+01:00", "nobody"),
            ("02-27 22:00+01:00", "ben"),
            ("02-28 06:00+01:00", "nobody"),
            ("02-28 22:00+01:00", "ben"),
            ("03-01 06:00+01:00", "nobody"),
            ("03-02 09:00+01:00", "ada"),
        ],
    );
    let overrides = [
        taken(1, "cy", "2026-02-27T12:00:00Z", "2026-02-27T20:00:00Z"),
        taken(2, "dee", "2026-02-27T13:00:00Z", "2026-02-27T14:00:00Z"),
    ];
    expect(
        &told(&schedule, &overrides, "2026-02-27T10:00:00Z", "2026-02-27T23:00:00Z"),
        &[
            ("02-27 11:00+01:00", "ada"),
            ("02-27 13:00+01:00", "cy"),
            ("02-27 14:00+01:00", "dee"),
            ("02-27 15:00+01:00", "cy"),
            ("02-27 21:00+01:00", "nobody"),
            ("02-27 22:00+01:00", "ben"),
        ],
    );
    let duty = on_call(&schedule, &overrides, at("2026-02-27T13:30:00Z")).unwrap();
    assert_eq!((duty.since, duty.until), (at("2026-02-27T13:00:00Z"), at("2026-02-27T14:00:00Z")));
    assert_eq!(duty.by, By::Override { id: alerts::OverrideId(2) });
}

#[test]
fn nobody_is_on_duty_before_the_first_turn_or_without_people() {
    let later = schedule("UTC", vec![layer(&["ada"], "2026-06-01T00:00", Turn::Days(1))]);
    assert_eq!(on_duty(&later, &[], at("2026-05-31T23:59:59Z")), None);
    assert!(on_duty(&later, &[], at("2026-06-01T00:00:00Z")).is_some());
    expect(
        &told(&later, &[], "2026-05-01T00:00:00Z", "2026-06-02T00:00:00Z"),
        &[("05-01 00:00+00:00", "nobody"), ("06-01 00:00+00:00", "ada")],
    );
    let empty = schedule("UTC", vec![layer(&[], "2026-06-01T00:00", Turn::Days(1))]);
    assert_eq!(on_call(&empty, &[], at("2026-07-01T00:00:00Z")), None);
    assert_eq!(shifts(&empty, &[], at("2026-07-01T00:00:00Z"), at("2026-07-01T00:00:00Z")), []);
}

#[test]
fn a_day_of_hours_is_a_day() {
    let daily = schedule("Asia/Kathmandu", vec![layer(&["a", "b", "c"], "2026-05-01T06:00", Turn::Days(1))]);
    let hourly = schedule("Asia/Kathmandu", vec![layer(&["a", "b", "c"], "2026-05-01T06:00", Turn::Hours(24))]);
    let (from, until) = (at("2026-05-01T00:00:00Z"), at("2026-06-01T00:00:00Z"));
    assert_eq!(shifts(&daily, &[], from, until), shifts(&hourly, &[], from, until));
    assert_eq!(shifts(&daily, &[], from, Timestamp::MAX).len(), oncall::SHIFTS_MAX);
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![(1_u16..4).prop_map(Turn::Days), (1_u16..3).prop_map(Turn::Weeks), (5_u16..80).prop_map(Turn::Hours)]
}

fn any_hours() -> impl Strategy<Value = Vec<DutyHours>> {
    let weekday = (1_i8..=7).prop_map(|number| Weekday::from_monday_one_offset(number).unwrap());
    let time = (0_i8..24, 0_i8..4).prop_map(|(hour, quarter)| Time::new(hour, quarter * 15, 0, 0).unwrap());
    let window = (proptest::collection::vec(weekday, 1..5), time.clone(), time);
    let window = window.prop_map(|(days, from, until)| DutyHours { days, from, until });
    proptest::collection::vec(window, 0..3)
}

fn any_layer() -> impl Strategy<Value = Layer> {
    let start = (0_i64..30, 0_i64..48).prop_map(|(day, half)| {
        jiff::civil::date(2026, 3, 10).at(0, 0, 0, 0) + jiff::SignedDuration::from_mins(day * 1440 + half * 30)
    });
    (1_usize..4, start, any_turn(), any_hours()).prop_map(|(people, start, turn, hours)| {
        let people = ["ada", "ben", "cy"].into_iter().take(people).map(person).collect();
        Layer { people, start, turn, hours }
    })
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let zone = prop_oneof![
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("America/Sao_Paulo"),
        Just("Asia/Kathmandu"),
    ];
    (zone, proptest::collection::vec(any_layer(), 0..3)).prop_map(|(zone, layers)| schedule(zone, layers))
}

fn any_override() -> impl Strategy<Value = Override> {
    (0_u32..9, 0_u32..60 * 24, 1_u32..60).prop_map(|(id, from, length)| {
        let from = Seconds::hours(from).after(at("2026-03-10T00:00:00Z"));
        let until = Seconds::hours(length).after(from);
        Override { id: alerts::OverrideId(id), person: person("dee"), from, until, actor: Actor::Anonymous }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn shifts_tile_time_and_agree_with_who_is_on_call(
        schedule in any_schedule(),
        overrides in proptest::collection::vec(any_override(), 0..3),
        offset in 0_u32..40 * 24,
        probes in proptest::collection::vec(0_u32..40 * 86_400, 8),
    ) {
        let from = Seconds::hours(offset).after(at("2026-03-10T00:00:00Z"));
        let until = Seconds::hours(40 * 24).after(from);
        let shifts = shifts(&schedule, &overrides, from, until);
        prop_assert_eq!(shifts.first().map(|shift| shift.from), Some(from));
        prop_assert_eq!(shifts.last().map(|shift| shift.until), Some(until));
        for pair in shifts.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert!(pair[0].on_duty != pair[1].on_duty);
        }
        for probe in probes {
            let at = Seconds(probe).after(from);
            let shift = shifts.iter().find(|shift| shift.from <= at && at < shift.until).unwrap();
            prop_assert_eq!(&on_duty(&schedule, &overrides, at), &shift.on_duty, "at {}", at);
            let duty = on_call(&schedule, &overrides, at);
            prop_assert_eq!(duty.as_ref().map(|duty| (duty.person.clone(), duty.by)), shift.on_duty.clone());
            if let Some(duty) = duty {
                prop_assert!(duty.since <= at && at < duty.until);
                prop_assert!(duty.since == shift.from || shift.from == from, "since {}", duty.since);
                prop_assert!(duty.until == shift.until || shift.until == until, "until {}", duty.until);
            }
        }
    }
}
