//! Times in events, and the parts of them that rules ask for. All in UTC.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::event::Scalar;

/// From this magnitude on a number of seconds since 1970 can only be milliseconds.
const MILLISECONDS_FROM: f64 = 1e11;

/// The moment that a value tells: a date and time with or without an offset, or seconds or milliseconds since 1970.
#[must_use]
pub fn moment(value: &Scalar<'_>) -> Option<Timestamp> {
    if let Scalar::Text(text) = value
        && let Some(at) = written(text.trim())
    {
        return Some(at);
    }
    let number = value.number()?;
    let seconds = if number.abs() >= MILLISECONDS_FROM { number / 1000.0 } else { number };
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}

fn written(text: &str) -> Option<Timestamp> {
    let with_offset = || text.parse::<Timestamp>().ok();
    let without = || Offset::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    with_offset().or_else(without)
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Minute,
    Hour,
    /// The day of the month.
    Day,
    /// The week of the year as ISO 8601 counts it.
    Week,
    Month,
    Year,
}

impl Unit {
    /// The part of this moment.
    pub fn of(self, at: Timestamp) -> Option<f64> {
        let time = Offset::UTC.to_datetime(at);
        Some(match self {
            Self::Minute => f64::from(time.minute()),
            Self::Hour => f64::from(time.hour()),
            Self::Day => f64::from(time.day()),
            Self::Week => f64::from(time.date().iso_week_date().week()),
            Self::Month => f64::from(time.month()),
            Self::Year => f64::from(time.year()),
        })
    }
}
