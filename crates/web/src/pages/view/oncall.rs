//! *On call*: who is on duty now and for the next four weeks, and the form that takes a shift.

use askama::Template;

use super::now::Duty;
use super::{Chrome, Named, filters};

/// The screen *On call*.
#[derive(Debug, Clone, Template)]
#[template(path = "oncall.html")]
pub struct OnCallPage {
    /// The frame.
    pub chrome: Chrome,
    /// Each schedule.
    pub schedules: Vec<ScheduleView>,
    /// The people who can take a shift.
    pub people: Vec<Named>,
}

impl OnCallPage {
    /// The reader's own name; empty when nobody is logged in.
    #[must_use]
    pub fn me(&self) -> &str {
        self.chrome.who.as_ref().map_or("", |who| &who.name)
    }
}

/// One schedule.
#[derive(Debug, Clone)]
pub struct ScheduleView {
    /// Who is on duty now.
    pub duty: Duty,
    /// The zone in which its times are shown.
    pub zone: String,
    /// Its weeks.
    pub weeks: Vec<Week>,
    /// The people in it, for the legend.
    pub people: Vec<Named>,
    /// How much of the four weeks nobody covers, in hours.
    pub uncovered_hours: u32,
    /// Its overrides that are not over.
    pub overrides: Vec<OverrideRow>,
    /// The next shifts as words.
    pub shifts: Vec<ShiftRow>,
    /// What stands in the form: from when, in the schedule's zone.
    pub form_from: String,
    /// What stands in the form: until when.
    pub form_until: String,
}

/// A week of a schedule's strip.
#[derive(Debug, Clone)]
pub struct Week {
    /// When it begins: `24 Nov`.
    pub label: String,
    /// The days: their place in percent from the left, and what they are called.
    pub days: Vec<(String, String)>,
    /// The shifts within it.
    pub bars: Vec<Bar>,
    /// Where now is, in percent from the left, when it is in this week.
    pub now: Option<String>,
}

/// A shift within a week, as a bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Who; `None` is a hole.
    pub person: Option<Named>,
    /// Where it begins, in percent from the left.
    pub x: String,
    /// How wide it is, in percent.
    pub width: String,
    /// What is written on it; empty where there is no room.
    pub text: String,
    /// Its colour.
    pub colour: u8,
    /// Whether it is an override.
    pub overridden: bool,
    /// The whole of it in words.
    pub tip: String,
}

/// A shift in words.
#[derive(Debug, Clone)]
pub struct ShiftRow {
    /// Who; `None` is a hole.
    pub person: Option<Named>,
    /// From when, in the schedule's zone.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Whether it is an override.
    pub overridden: bool,
}

/// An override that is not over.
#[derive(Debug, Clone)]
pub struct OverrideRow {
    /// Its number.
    pub id: u32,
    /// Who is on duty instead.
    pub person: Named,
    /// From when.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Who said so.
    pub by: String,
}
