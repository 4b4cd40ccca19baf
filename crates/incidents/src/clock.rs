//! What the clock brings: an update that is overdue, a commander who is missing. Not the clocks that people see: see `read`.

use kernel::Timestamp;

use crate::WAKE_MAX;
use crate::event::Event;
use crate::state::{Incident, State};

/// What is due at `now`, the oldest incident first.
pub(crate) fn wake(state: &State, now: Timestamp) -> Vec<Event> {
    state.open().flat_map(|incident| due(incident, now)).flatten().take(WAKE_MAX).collect()
}

/// When something is due next.
pub(crate) fn next_due(state: &State) -> Option<Timestamp> {
    state.open().flat_map(|incident| [commander_due(incident), update_due(incident)]).flatten().min()
}

fn due(incident: &Incident, now: Timestamp) -> [Option<Event>; 2] {
    let about = incident.about();
    let since = commander_due(incident).filter(|due| *due <= now);
    let due = update_due(incident).filter(|due| *due <= now);
    [since.map(|since| Event::CommanderMissing { about, since }), due.map(|due| Event::UpdateOverdue { about, due })]
}

fn commander_due(incident: &Incident) -> Option<Timestamp> {
    incident.commander_due.filter(|_| !incident.commander_missing && incident.commander().is_none())
}

fn update_due(incident: &Incident) -> Option<Timestamp> {
    incident.update_due.filter(|_| !incident.update_overdue)
}
