//! Time intervals, in the words of Alertmanager's `time_intervals`: `monday:friday`, `1:7`, `-3:-1`, `may:august`, `2026`.

use jiff::tz::TimeZone;
use kernel::book::times::{Interval, TimeSpan};
use serde_json::json;

use super::rule;
use super::scalars::refuse;
use super::shape::{Defs, Filled, Placed, Reader, Shape, shape};
use super::yaml::Node;

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Minutes of a day.
const DAY: u16 = 24 * 60;

shape! {
    /// A span of time: all that is given must hold. What is not given is no condition.
    SpanFile {
        /// Times of day.
        "times" times: Vec<Placed<ClockFile>>,
        /// Days of the week: `monday:friday` or `sunday`.
        "weekdays" weekdays: Vec<Weekdays>,
        /// Days of the month: `1:7`, or from its end, `-3:-1`.
        "days_of_month" days_of_month: Vec<MonthDays>,
        /// Months: `may:august`, `1:3` or `december`.
        "months" months: Vec<Months>,
        /// Years: `2026:2027` or `2026`.
        "years" years: Vec<Years>,
        /// The zone in which all this is meant. Default: UTC.
        "location" location: Option<TimeZone>,
    }
}

shape! {
    /// Times of day, from one until another.
    ClockFile {
        /// When it begins: `09:00`.
        "start_time" from: Clock,
        /// When it ends, on the same day: `17:00`, or `24:00` for the end of the day.
        "end_time" until: Clock,
    }
}

/// A time of day in minutes since midnight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(u16);

/// Days of the week from Sunday, 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weekdays(u8, u8);

/// Days of the month; negative ones count from its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MonthDays(i8, i8);

/// Months from January, 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Months(u8, u8);

/// Years.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Years(i16, i16);

/// Makes an interval of its spans.
pub(super) fn interval(_: &str, file: Filled<SpanFile>, reader: &mut Reader<'_>) -> Option<Interval> {
    let span = |file: SpanFile| TimeSpan {
        time_zone: file.location.unwrap_or(TimeZone::UTC),
        times: file.times.iter().map(|clock| clock_times(clock, reader)).collect(),
        weekdays: file.weekdays.iter().map(|Weekdays(from, until)| (*from, *until)).collect(),
        days_of_month: file.days_of_month.iter().map(|MonthDays(from, until)| (*from, *until)).collect(),
        months: file.months.iter().map(|Months(from, until)| (*from, *until)).collect(),
        years: file.years.iter().map(|Years(from, until)| (*from, *until)).collect(),
    };
    Some(file.0.into_iter().map(span).collect())
}

/// Both ends of times of day, of which the first must come first.
fn clock_times(clock: &Placed<ClockFile>, reader: &mut Reader<'_>) -> (u16, u16) {
    let (from, until) = (clock.value.from.0, clock.value.until.0);
    if from >= until {
        let hint = "a time that goes over midnight is two: one until 24:00, and one from 00:00";
        reader.note_hint(clock.at, &rule::TIME_RANGE, "the start time does not come before the end time", hint);
    }
    (from, until)
}

impl Shape for Clock {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        minutes(text).map(Self).or_else(|| {
            let wrong = format!("`{text}` is not a time of day");
            refuse(node, reader, &rule::TIME_RANGE, wrong, "write it like \"09:00\"; \"24:00\" is the end of the day")
        })
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" })
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
}

/// Reads `first:last`, or one for both; the first may not come after the last.
fn range<T: PartialOrd + Copy>(text: &str, member: impl Fn(&str) -> Option<T>) -> Option<(T, T)> {
    let text = text.to_lowercase();
    let (first, last) = text.split_once(':').unwrap_or((&text, &text));
    let (first, last) = (member(first.trim())?, member(last.trim())?);
    (first <= last).then_some((first, last))
}

fn number_of(names: &[&str], text: &str) -> Option<u8> {
    names.iter().position(|name| *name == text).and_then(|index| u8::try_from(index).ok())
}

/// A range that can be read from its words; the rest of its form is the same for all.
macro_rules! ranges {
    ($($name:ident, $what:literal, $hint:literal, $read:expr;)*) => {$(
        impl Shape for $name {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(node)?;
                let read: fn(&str) -> Option<Self> = $read;
                read(text).or_else(|| {
                    let wrong = format!("`{text}` is no range of {}", $what);
                    refuse(node, reader, &rule::TIME_RANGE, wrong, $hint)
                })
            }

            fn schema(_: &mut Defs) -> serde_json::Value {
                json!({ "type": ["string", "integer"] })
            }
        }
    )*};
}

ranges! {
    Weekdays, "days of the week", "write monday:friday or sunday; a week begins on Sunday", |text| {
        range(text, |day| number_of(&WEEKDAYS, day)).map(|(from, until)| Self(from, until))
    };
    Months, "months", "write may:august, 5:8 or december", |text| {
        let month = |month: &str| {
            let number = number_of(&MONTHS, month).map(|index| index + 1);
            number.or_else(|| month.parse().ok().filter(|number| (1..=12).contains(number)))
        };
        range(text, month).map(|(from, until)| Self(from, until))
    };
    Years, "years", "write 2026 or 2026:2027", |text| {
        range(text, |year| year.parse().ok().filter(|year| (1..=9999).contains(year))).map(|(from, until)| Self(from, until))
    };
    MonthDays, "days of a month", "write 1:7, or -3:-1 for the last three", |text| month_days(text);
}

/// Both ends count from the same end of the month, or the first from its beginning and the last from its end.
fn month_days(text: &str) -> Option<MonthDays> {
    let (from, until) = text.split_once(':').unwrap_or((text, text));
    let day = |text: &str| text.trim().parse::<i8>().ok().filter(|day| *day != 0 && day.abs() <= 31);
    let (from, until) = (day(from)?, day(until)?);
    let in_order = if (from < 0) == (until < 0) { from <= until } else { from > 0 };
    in_order.then_some(MonthDays(from, until))
}
