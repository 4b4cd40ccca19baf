//! Who is on call: schedules, layers, turns, duty hours and overrides. Civil time in the schedule's zone throughout; a
//! time that a change of clocks skips or repeats is read the compatible way (later after a gap, earlier in a fold).

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::book::{DutyHours, Layer, Schedule, Turn};
use kernel::time::Timestamp;
use kernel::{Actor, PersonName};
use serde::{Deserialize, Serialize};

use crate::id::OverrideId;

/// The most shifts that one question returns.
pub const SHIFTS_MAX: usize = 1000;
/// The most borders that are passed while the ends of one shift are looked for.
pub const BORDERS_MAX: usize = 256;
/// How many days around an instant are searched for borders of duty hours; a weekday recurs within it.
const DAYS_SEARCHED: i64 = 8;

/// Somebody takes a shift of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Its number; of two that overlap the later counts.
    pub id: OverrideId,
    /// Who is on duty instead.
    pub person: PersonName,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who said so.
    pub actor: Actor,
}

/// Why somebody is on duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// It is their turn in this layer; the topmost is 0.
    Rotation {
        /// Which layer.
        layer: usize,
    },
    /// They took the shift.
    Override {
        /// By which override.
        id: OverrideId,
    },
}

/// Who is on duty, and from when until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Who.
    pub person: PersonName,
    /// Why.
    pub by: By,
    /// Since when, looking back over at most [`BORDERS_MAX`] borders.
    pub since: Timestamp,
    /// Until when, looking ahead over at most [`BORDERS_MAX`] borders.
    pub until: Timestamp,
}

/// A stretch of time with one person on duty, or with nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who and why; `None` is a gap.
    pub on_duty: Option<(PersonName, By)>,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends, exclusive.
    pub until: Timestamp,
}

/// Who is on duty at an instant.
#[must_use]
pub fn on_duty(schedule: &Schedule, overrides: &[Override], at: Timestamp) -> Option<(PersonName, By)> {
    let taken = overrides.iter().filter(|one| one.from <= at && at < one.until).max_by_key(|one| one.id);
    if let Some(one) = taken {
        return Some((one.person.clone(), By::Override { id: one.id }));
    }
    let zone = &schedule.time_zone;
    schedule.layers.iter().enumerate().find_map(|(number, layer)| {
        let person = in_turn(layer, zone, at)?;
        covers(layer, zone, at).then(|| (person.clone(), By::Rotation { layer: number }))
    })
}

/// Who is on duty at an instant, and from when until when.
#[must_use]
pub fn on_call(schedule: &Schedule, overrides: &[Override], at: Timestamp) -> Option<Duty> {
    let (person, by) = on_duty(schedule, overrides, at)?;
    let same = |at: Timestamp| on_duty(schedule, overrides, at).is_some_and(|(p, b)| p == person && b == by);
    let reach = reach(schedule, Some(by));
    let mut until = border_after(schedule, overrides, reach, at);
    for _ in 0..BORDERS_MAX {
        if until == Timestamp::MAX || !same(until) {
            break;
        }
        until = border_after(schedule, overrides, reach, until);
    }
    let mut since = border_upto(schedule, overrides, reach, at);
    for _ in 0..BORDERS_MAX {
        let Some(before) = instant_before(since).filter(|before| same(*before)) else { break };
        since = border_upto(schedule, overrides, reach, before);
    }
    Some(Duty { person, by, since, until })
}

/// The shifts between two instants, without overlap and without holes: where nobody is on duty, a shift says so.
/// After [`SHIFTS_MAX`] it stops; the last one says how far it came.
#[must_use]
pub fn shifts(schedule: &Schedule, overrides: &[Override], from: Timestamp, until: Timestamp) -> Vec<Shift> {
    let mut shifts: Vec<Shift> = Vec::new();
    let mut at = from;
    // Each shift may hold many borders that change nothing, so those are bounded as well.
    for _ in 0..SHIFTS_MAX.saturating_mul(4) {
        if at >= until {
            break;
        }
        let on_duty = on_duty(schedule, overrides, at);
        let reach = reach(schedule, on_duty.as_ref().map(|(_, by)| *by));
        let end = border_after(schedule, overrides, reach, at).min(until);
        if let Some(last) = shifts.last_mut().filter(|last| last.on_duty == on_duty) {
            last.until = end;
        } else if shifts.len() < SHIFTS_MAX {
            shifts.push(Shift { on_duty, from: at, until: end });
        } else {
            break;
        }
        at = end;
    }
    shifts
}

/// Whose turn it is in a layer, whether or not they are within duty hours.
fn in_turn<'a>(layer: &'a Layer, zone: &TimeZone, at: Timestamp) -> Option<&'a PersonName> {
    let turn = turn_at(layer, zone, at)?;
    let people = i64::try_from(layer.people.len()).ok().filter(|count| *count > 0)?;
    layer.people.get(usize::try_from(turn.rem_euclid(people)).ok()?)
}

/// The number of the turn at an instant, from zero; `None` before the first.
fn turn_at(layer: &Layer, zone: &TimeZone, at: Timestamp) -> Option<i64> {
    let start = turn_start(layer, zone, 0)?;
    if at < start {
        return None;
    }
    let guess = match days_of(layer.turn) {
        Some(days) => (zone.to_datetime(at).date() - layer.start.date()).get_days() as i64 / days,
        None => at.duration_since(start).as_secs() / hours_of(layer.turn).saturating_mul(3600),
    };
    // Civil days and clock changes move the border by less than a turn, so a neighbour of the guess is right.
    let begun = |turn: &i64| turn_start(layer, zone, *turn).is_some_and(|start| start <= at);
    [guess + 1, guess, guess - 1].into_iter().find(|turn| *turn >= 0 && begun(turn))
}

fn turn_start(layer: &Layer, zone: &TimeZone, turn: i64) -> Option<Timestamp> {
    match days_of(layer.turn) {
        Some(days) => zone.to_timestamp(layer.start.checked_add(turn.checked_mul(days)?.days()).ok()?).ok(),
        None => {
            let hours = turn.checked_mul(hours_of(layer.turn))?;
            let start = zone.to_timestamp(layer.start).ok()?;
            start.checked_add(jiff::SignedDuration::from_secs(hours.checked_mul(3600)?)).ok()
        }
    }
}

fn days_of(turn: Turn) -> Option<i64> {
    match turn {
        Turn::Days(days) => Some(i64::from(days.max(1))),
        Turn::Weeks(weeks) => Some(i64::from(weeks.max(1)) * 7),
        Turn::Hours(_) => None,
    }
}

fn hours_of(turn: Turn) -> i64 {
    match turn {
        Turn::Hours(hours) => i64::from(hours.max(1)),
        Turn::Days(_) | Turn::Weeks(_) => 1,
    }
}

/// Whether an instant lies within a layer's duty hours.
fn covers(layer: &Layer, zone: &TimeZone, at: Timestamp) -> bool {
    if layer.hours.is_empty() {
        return true;
    }
    let today = zone.to_datetime(at).date();
    windows(layer, zone, today, -1..=0).any(|(from, until)| from <= at && at < until)
}

/// The duty hours that begin on days around a date.
fn windows<'a>(
    layer: &'a Layer,
    zone: &'a TimeZone,
    today: Date,
    days: std::ops::RangeInclusive<i64>,
) -> impl Iterator<Item = (Timestamp, Timestamp)> + 'a {
    let dates = days.filter_map(move |offset| today.checked_add(offset.days()).ok());
    dates.flat_map(move |date| layer.hours.iter().filter_map(move |hours| window(hours, zone, date)))
}

fn window(hours: &DutyHours, zone: &TimeZone, date: Date) -> Option<(Timestamp, Timestamp)> {
    if !hours.days.contains(&date.weekday()) {
        return None;
    }
    let last = if hours.until <= hours.from { date.tomorrow().ok()? } else { date };
    let from = zone.to_timestamp(date.to_datetime(hours.from)).ok()?;
    let until = zone.to_timestamp(last.to_datetime(hours.until)).ok()?;
    Some((from, until))
}

/// The instants around `at` when a layer may change who is on duty: starts of turns, and both ends of duty hours.
fn borders<'a>(layer: &'a Layer, zone: &'a TimeZone, at: Timestamp) -> impl Iterator<Item = Timestamp> + 'a {
    let turn = turn_at(layer, zone, at);
    let turns = match turn {
        Some(turn) if layer.people.len() > 1 => turn..=turn + 1,
        // Who takes turns with nobody takes one turn for ever.
        _ => 0..=0,
    };
    let starts = turns.filter_map(|turn| turn_start(layer, zone, turn));
    let today = zone.to_datetime(at).date();
    let hours = windows(layer, zone, today, -DAYS_SEARCHED..=DAYS_SEARCHED);
    starts.chain(hours.flat_map(|(from, until)| [from, until]))
}

/// How many layers, from the top, can end what is so now: those above the one that is on duty, and itself.
fn reach(schedule: &Schedule, by: Option<By>) -> usize {
    match by {
        Some(By::Override { .. }) => 0,
        Some(By::Rotation { layer }) => layer + 1,
        None => schedule.layers.len(),
    }
}

fn all_borders<'a>(
    schedule: &'a Schedule,
    overrides: &'a [Override],
    reach: usize,
    at: Timestamp,
) -> impl Iterator<Item = Timestamp> + 'a {
    let taken = overrides.iter().flat_map(|one| [one.from, one.until]);
    taken.chain(schedule.layers.iter().take(reach).flat_map(move |layer| borders(layer, &schedule.time_zone, at)))
}

fn border_after(schedule: &Schedule, overrides: &[Override], reach: usize, at: Timestamp) -> Timestamp {
    all_borders(schedule, overrides, reach, at).filter(|border| *border > at).min().unwrap_or(Timestamp::MAX)
}

fn border_upto(schedule: &Schedule, overrides: &[Override], reach: usize, at: Timestamp) -> Timestamp {
    all_borders(schedule, overrides, reach, at).filter(|border| *border <= at).max().unwrap_or(Timestamp::MIN)
}

fn instant_before(at: Timestamp) -> Option<Timestamp> {
    at.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()
}
