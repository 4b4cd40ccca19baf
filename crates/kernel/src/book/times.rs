//! Time intervals, with Alertmanager's meaning: the times of day, days and years at which routes page, or keep quiet. Not
//! whether an instant lies in one: the room of alerts decides that.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::name::IntervalName;

/// A named time interval: it lasts while any of its spans does.
pub type Interval = Vec<TimeSpan>;

/// Instants that meet every condition that is given. An empty list is no condition. All ranges are inclusive at both ends,
/// but for the times of day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSpan {
    /// The zone in which everything else is meant.
    pub time_zone: TimeZone,
    /// Times of day, in minutes since midnight: from, and until, exclusive; 1440 is the end of the day.
    pub times: Vec<(u16, u16)>,
    /// Days of the week, from 0, Sunday, to 6, Saturday.
    pub weekdays: Vec<(u8, u8)>,
    /// Days of the month, from 1; negative ones count from the end of the month, whose last day is -1.
    pub days_of_month: Vec<(i8, i8)>,
    /// Months, from 1, January, to 12.
    pub months: Vec<(u8, u8)>,
    /// Years.
    pub years: Vec<(i16, i16)>,
}

/// When a route pages: not during any of `mute`, and, where `active` names some, only during one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RouteTimes {
    /// Intervals during which it keeps quiet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<IntervalName>,
    /// Intervals outside of which it keeps quiet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub active: Vec<IntervalName>,
}

impl RouteTimes {
    /// Whether it pages at any time.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.mute.is_empty() && self.active.is_empty()
    }
}
