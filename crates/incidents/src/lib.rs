//! The life of an incident: declare, command, mitigate, resolve, reopen; one timeline of who said and did what.
//!
//! An incident begins when a page asks for one or a person says so, and it is the one place where those who work on it
//! meet: how bad it is and why, who commands, which clocks run, and what happened in order. Entries of the timeline name
//! their fact in the journal, so that each can be proved. This room pages nobody and publishes nothing: it says what is
//! owed (an update, a commander) and others act on it.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - IN-1 At most one person holds each role, subject-matter experts excepted. Another commander is a hand-over from the
//!   first, and command is handed over, never dropped.
//! - IN-2 Whoever holds a role is in the watchbook when they take it.
//! - IN-3 Severity never stands without its reason.
//! - IN-4 A phase changes only as drawn below; any other wish is refused, with the phase and the way out.
//! - IN-5 A page has at most one open incident. Declaring from it again, or from another page of the same service within
//!   [`JOIN_WITHIN`], joins it and never makes a second one.
//! - IN-6 An update that is due is called overdue once; the next update starts the clock again.
//! - IN-7 When nobody took command within [`COMMANDER_WITHIN`], that is a fact, once per opening.
//! - IN-8 A timeline has at most [`TIMELINE_MAX`] entries; the last [`TIMELINE_RESERVE`] are kept for its ending.
//! - IN-9 Every fact carries the sensitivity of its incident.
//! - IN-10 The facts alone, folded again, give the same state.
//!
//! ```text
//!   Declare ----> Open ---- Mitigate ----> Mitigated
//!                 ^  ^ \                   /  |
//!                 |  |  '---- Resolve ----'---|------.
//!                 |  '------- Reopen ---------'      v
//!                 '---------- Reopen ------------ Resolved
//! ```
//!
//! | transition | function in `decide.rs` |
//! |---|---|
//! | a page or a person -> open, or joined | `declare` |
//! | nobody -> commander -> another commander | `assign`, `hand_over` |
//! | open -> mitigated | `mitigate` |
//! | open, mitigated -> resolved | `resolve` |
//! | mitigated, resolved -> open | `reopen` |
//! | update due -> overdue; commander due -> missing | `wake` |

mod clock;
mod command;
mod decide;
mod event;
mod read;
mod refusal;
mod role;
mod sentence;
mod state;
#[cfg(test)]
mod tests;

use kernel::area::{Context, Stamp};
use kernel::{Area, Seconds, Timestamp};

pub use command::Command;
pub use event::{About, Declared, Event};
pub use read::{Clocks, Told};
pub use refusal::Refusal;
pub use role::IncidentRole;
pub use state::{Entry, EntryKind, Incident, Phase, State};

/// How long an incident may be without a commander before that is a fact.
pub const COMMANDER_WITHIN: Seconds = Seconds::minutes(5);
/// How long after its declaration an incident takes in further pages of the same service.
pub const JOIN_WITHIN: Seconds = Seconds::minutes(15);
/// The most entries of one timeline.
pub const TIMELINE_MAX: usize = 10_000;
/// How many of them are kept for mitigating, resolving and what the clock says.
pub const TIMELINE_RESERVE: usize = 100;
/// The longest note, reason or summary, in bytes.
pub const NOTE_BYTES_MAX: usize = 10 * 1024;
/// The longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 300;
/// The most services that one incident names.
pub const SERVICES_MAX: usize = 100;
/// The most pages that one incident takes in.
pub const PAGES_MAX: usize = 1000;
/// The most business functions that an impact names.
pub const FUNCTIONS_MAX: usize = 100;
/// The most people that one incident has as subject-matter experts.
pub const EXPERTS_MAX: usize = 50;
/// The most incidents that are open at once; what is above is refused until one is resolved.
pub const OPEN_MAX: usize = 1000;
/// How many resolved incidents are remembered; older ones are in the journal only.
pub const RESOLVED_KEPT_MAX: usize = 1000;
/// The most facts of one wake; what is left stays due.
pub const WAKE_MAX: usize = 1000;

/// The area that carries incidents from their declaration to their end.
#[derive(Debug, Clone, Copy)]
pub struct Incidents;

impl Area for Incidents {
    const NAME: &'static str = "incidents";
    type Command = Command;
    type Event = Event;
    type State = State;
    type Refusal = Refusal;

    fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, context, command)
    }

    fn evolve(state: &mut State, stamp: Stamp<'_>, event: &Event) {
        state.evolve(stamp, event);
    }

    fn wake(state: &State, context: &Context<'_>) -> Vec<Event> {
        clock::wake(state, context.now)
    }

    fn next_due(state: &State) -> Option<Timestamp> {
        clock::next_due(state)
    }
}
