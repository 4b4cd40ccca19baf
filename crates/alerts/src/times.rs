//! Whether a route keeps quiet at an instant, by which time interval, and until when. Civil time in each interval's zone:
//! an instant lies in an interval when the clock on the wall there says so, whatever the clocks did that day.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use kernel::IntervalName;
use kernel::book::Book;
use kernel::book::times::{RouteTimes, TimeSpan};
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many days ahead the end of an interval is looked for.
pub const DAYS_AHEAD_MAX: i64 = 400;
/// The most borders of intervals that are passed while the end of a quiet time is looked for.
pub const BORDERS_MAX: usize = 1000;
/// Minutes of an hour.
const HOUR: u16 = 60;
/// Minutes of a day.
const DAY: u16 = 24 * HOUR;

/// Why a route keeps quiet, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The interval that says so: it is on, or, when `outside`, the first of those of which none is.
    pub by: IntervalName,
    /// Whether the route is outside the times at which it pages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// The first instant at which the route pages again; where none was found within [`DAYS_AHEAD_MAX`] days, how far it
    /// was looked.
    pub until: Timestamp,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.outside { "outside" } else { "during" };
        write!(f, "{place} {}", self.by)
    }
}

/// Why a route keeps quiet at an instant; `None` when it pages. An interval that is not in the watchbook is never on.
#[must_use]
pub fn quiet(book: &Book, times: &RouteTimes, at: Timestamp) -> Option<Quiet> {
    let (by, outside) = hushed(book, times, at)?;
    let by = by.clone();
    let mut until = at;
    for _ in 0..BORDERS_MAX {
        let next = border(book, times, until);
        if next <= until {
            break;
        }
        until = next;
        if hushed(book, times, until).is_none() {
            break;
        }
    }
    Some(Quiet { by, outside, until })
}

/// The next instant after `at` at which one of the route's intervals may begin or end.
pub(crate) fn border(book: &Book, times: &RouteTimes, at: Timestamp) -> Timestamp {
    let names = times.mute.iter().chain(&times.active);
    let spans = names.filter_map(|name| book.intervals.get(name)).flatten();
    spans.map(|span| border_after(span, at)).min().unwrap_or(Timestamp::MAX)
}

/// The interval by which a route keeps quiet, and whether that is because it is outside of it.
fn hushed<'t>(book: &Book, times: &'t RouteTimes, at: Timestamp) -> Option<(&'t IntervalName, bool)> {
    let is_on =
        |name: &&IntervalName| book.intervals.get(*name).is_some_and(|spans| spans.iter().any(|s| covers(s, at)));
    if let Some(name) = times.mute.iter().find(is_on) {
        return Some((name, false));
    }
    let first = times.active.first()?;
    (!times.active.iter().any(|name| is_on(&name))).then_some((first, true))
}

/// Whether an instant lies in a span.
#[must_use]
pub fn covers(span: &TimeSpan, at: Timestamp) -> bool {
    let local = span.time_zone.to_datetime(at);
    let minute = u16::try_from(local.hour()).unwrap_or(0) * HOUR + u16::try_from(local.minute()).unwrap_or(0);
    on_day(span, local.date())
        && (span.times.is_empty() || span.times.iter().any(|(from, until)| (*from..*until).contains(&minute)))
}

/// Whether the conditions on days, months and years hold on a day.
fn on_day(span: &TimeSpan, date: Date) -> bool {
    let any = |ranges: &[(u8, u8)], value: i8| {
        ranges.is_empty()
            || ranges.iter().any(|(from, until)| u8::try_from(value).is_ok_and(|v| (*from..=*until).contains(&v)))
    };
    let years = &span.years;
    any(&span.weekdays, date.weekday().to_sunday_zero_offset())
        && (span.days_of_month.is_empty() || span.days_of_month.iter().any(|range| in_month(*range, date)))
        && any(&span.months, date.month())
        && (years.is_empty() || years.iter().any(|(from, until)| (*from..=*until).contains(&date.year())))
}

/// Whether a day is in a range of days of its month. As in Alertmanager, a range that begins after the end of the month has
/// no days in it, and its ends are moved into the month.
fn in_month((from, until): (i8, i8), date: Date) -> bool {
    let days = date.days_in_month();
    let counted = |day: i8| if day < 0 { days + day + 1 } else { day };
    let (from, until) = (counted(from), counted(until));
    from <= days && (from.clamp(1, days)..=until.clamp(1, days)).contains(&date.day())
}

/// The first instant after `at` at which a span begins or ends; where there is none within [`DAYS_AHEAD_MAX`] days, how far
/// it was looked.
fn border_after(span: &TimeSpan, at: Timestamp) -> Timestamp {
    let is_on = covers(span, at);
    let today = span.time_zone.to_datetime(at).date();
    let dates = (0..=DAYS_AHEAD_MAX).filter_map(|offset| today.checked_add(offset.days()).ok());
    let mut last = at;
    for date in dates {
        let mut found: Option<Timestamp> = None;
        for instant in instants(span, date).filter(|instant| *instant > at) {
            last = last.max(instant);
            if covers(span, instant) != is_on && found.is_none_or(|found| instant < found) {
                found = Some(instant);
            }
        }
        if let Some(found) = found {
            return found;
        }
    }
    last
}

/// The instants of a day at which a span may begin or end: its times of day, midnight, and changes of the clocks.
fn instants(span: &TimeSpan, date: Date) -> impl Iterator<Item = Timestamp> + '_ {
    let zone = &span.time_zone;
    let ends = span.times.iter().flat_map(|(from, until)| [*from, *until]);
    let readings = ends.chain([0]).filter_map(move |minute| wall(date, minute)).flat_map(move |wall| {
        let both = zone.to_ambiguous_timestamp(wall);
        // A time that the clocks skip has two readings as well, before and after the gap; the gap itself is below.
        [both.earlier().ok(), both.later().ok()].into_iter().flatten()
    });
    let from = zone.to_timestamp(date.to_datetime(Time::midnight())).ok();
    let changes = from.into_iter().flat_map(move |from| zone.following(from).map(|change| change.timestamp()).take(1));
    readings.chain(changes.filter(move |change| zone.to_datetime(*change).date() == date))
}

/// The reading of the clock on the wall so many minutes after midnight.
fn wall(date: Date, minute: u16) -> Option<DateTime> {
    if minute >= DAY {
        return Some(date.tomorrow().ok()?.to_datetime(Time::midnight()));
    }
    let (hour, minute) = (i8::try_from(minute / HOUR).ok()?, i8::try_from(minute % HOUR).ok()?);
    Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
}
