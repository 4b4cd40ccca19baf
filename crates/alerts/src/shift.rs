//! Overrides of schedules: the rules for taking a shift and giving it back. Who is on call then: see `oncall`.

use kernel::area::{Context, Stamp};
use kernel::time::{Seconds, Timestamp};
use kernel::{PersonName, ScheduleName};

use crate::event::Event;
use crate::id::OverrideId;
use crate::oncall::Override;
use crate::refusal::Refusal;
use crate::state::State;

/// The longest override of a schedule.
pub const OVERRIDE_MAX: Seconds = Seconds::hours(24 * 90);
/// The most overrides of one schedule that are remembered.
pub const OVERRIDES_MAX: usize = 1000;
/// How long an override is remembered after its end.
pub const OVERRIDE_RETENTION: Seconds = Seconds::hours(24 * 30);

/// Decides `OverrideShift`.
pub(crate) fn take(
    state: &State,
    context: &Context<'_>,
    schedule: ScheduleName,
    person: PersonName,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let invalid = |field, reason: String| Err(Refusal::ShiftInvalid { field, reason });
    if !context.book.schedules.contains_key(&schedule) {
        return invalid("schedule", format!("schedule {schedule} is not in the watchbook"));
    }
    if context.book.people.get(&person).is_none_or(|known| known.contacts.is_empty()) {
        return invalid(
            "person",
            format!("{person} is not in the watchbook with a contact method: pages would be lost"),
        );
    }
    if until <= from || until <= context.now {
        return invalid("until", "an override must end after it begins, and in the future".to_owned());
    }
    if OVERRIDE_MAX.after(from) < until {
        return invalid("until", "an override lasts at most 90 days: change the schedule in the watchbook".to_owned());
    }
    if state.overrides(&schedule).len() >= OVERRIDES_MAX {
        return invalid("schedule", format!("schedule {schedule} has 1000 overrides already: cancel some"));
    }
    let id = OverrideId(state.next_override);
    Ok(vec![Event::ShiftOverridden { id, schedule, person, from, until }])
}

/// Decides `CancelOverride`.
pub(crate) fn cancel(state: &State, id: OverrideId) -> Result<Vec<Event>, Refusal> {
    match state.override_of(id) {
        Some(_) => Ok(vec![Event::OverrideCancelled { id }]),
        None => Err(Refusal::OverrideUnknown(id)),
    }
}

impl State {
    pub(crate) fn evolve_override(&mut self, stamp: Stamp<'_>, event: &Event) {
        match event {
            Event::ShiftOverridden { id, schedule, person, from, until } => {
                let (person, actor) = (person.clone(), stamp.actor.clone());
                self.next_override = self.next_override.max(id.0 + 1);
                let list = self.overrides.entry(schedule.clone()).or_default();
                list.retain(|old| OVERRIDE_RETENTION.after(old.until) > stamp.at);
                list.push(Override { id: *id, person, from: *from, until: *until, actor });
            }
            Event::OverrideCancelled { id } => {
                self.overrides.values_mut().for_each(|list| list.retain(|one| one.id != *id));
                self.overrides.retain(|_, list| !list.is_empty());
            }
            _ => {}
        }
    }
}
