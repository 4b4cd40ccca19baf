//! Turns samples and checks into signals by rules, and remembers which changes were reported.
//!
//! Samples arrive by the thousand and are no facts. A *signal* is one: a series that met a rule's raising condition for
//! as long as the rule asks, or a health check that failed as often in a row as it may. The engine lets the rules look
//! once a second ([`looks`] reads the windows, a [`Command::Look`] carries what they show); this room says what became
//! of it. What is heard between two facts, such as since when a condition holds, is noted and lost at a restart.
//! Logs are read by [`templates`], which finds what lines have in common, what is new among them and what changed its rate;
//! what the watchbook lets raise a signal comes as [`Command::Pattern`].
//!
//! Beside these rules of the watchbook stand rule files in Prometheus' form: [`alerting`] runs them, [`unit`] runs their
//! unit tests, and [`lint`] says what is doubtful about them.
//!
//! [`sigma`] finds what its rules look for in log events. A match that stands is a signal like any other; what responders
//! say of its alerts tells how often a rule is right, and a rule that is seldom right pages nobody.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - SI-1 A signal is raised only after its condition held for the whole of `hold`, without a gap longer than
//!   [`HOLD_GAP_MAX`].
//! - SI-2 Between the raising and the clearing condition nothing changes (hysteresis).
//! - SI-3 A series without values changes nothing: a raised signal stays raised, however long. It is shown as missing,
//!   and a person may dismiss it.
//! - SI-4 A series is raised at most once, and cleared only when it is raised; no two raised signals of rules have the
//!   same alert labels.
//! - SI-5 A clearing carries the labels of its raising, whatever the watchbook says by then.
//! - SI-6 The facts alone, folded again, give the same raised signals and changes.
//! - SI-7 When a rule or a check leaves the watchbook, its signals clear and say so.
//! - SI-8 One command makes at most [`RAISED_AT_ONCE_MAX`] signals; the rest are raised by the next looks.
//! - SI-9 A check raises with a failure, when so many of its last looks failed as its tally says; what was before its last
//!   clearing does not count.
//! - SI-10 A Sigma rule that is on trial, or that was right too seldom, raises nothing; that it is to be tuned is one fact.
//!
//! ```text
//!            raise holds                held for `hold`
//!   quiet ----------------> pending -----------------------> raised <---.  no values, or between the thresholds:
//!     ^                        |                              |  |      |  stays as it is
//!     |   raise holds no more  |                              |  '------'
//!     |<-----------------------'                              |
//!     '-------------------------------------------------------'
//!         clear holds | successes in a row | a beat | dismissed | rule gone
//! ```
//!
//! | transition | function |
//! |---|---|
//! | window -> one number | [`reduce`] |
//! | quiet -> pending -> quiet | `State::note_look`, `State::note_check` in `state.rs` |
//! | pending -> raised | `raise_by_rule`, `raise_by_check` in `decide.rs` |
//! | match -> raised -> quiet | `sigma::Detection::outcomes`, `ruled` in `decide.rs` |
//! | raised -> quiet | `look`, `checked`, `dismiss`, `reconsider` in `decide.rs` |
//! | verdict -> precision -> pages nobody | `judge` in `decide.rs`, `judged.rs` |
//!
//! Beside them stand what rules are made of: [`slo`] makes burn-rate rules of service-level objectives, and [`gotemplate`]
//! renders the labels and annotations of Prometheus' rules. [`backtest`] replays rules over the past, and [`rulebook`] makes
//! a watchbook's rules ready before they are live.

pub mod alerting;
pub mod anomaly;
pub mod backtest;
mod command;
mod decide;
mod event;
pub mod gotemplate;
mod judged;
pub mod lint;
pub mod noise;
mod reduce;
pub mod rulebook;
pub mod sigma;
pub mod slo;
mod state;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod unit;
mod words;

use kernel::area::{Context, Stamp};
use kernel::book::Probe;
use kernel::{Area, Seconds};

pub use command::{Command, Look, Ruled, Verdict};
pub use decide::Refusal;
pub use event::{Change, Cleared, Event, Kind, Link};
pub use judged::{JUDGED_MAX, Judged};
pub use reduce::{looks, reduce};
use state::Heard;
pub use state::{CheckNote, Note, Signal, State};

/// How many changes are remembered; older ones are in the journal only.
pub const CHANGES_KEPT_MAX: usize = 1000;
/// How many signals one command may raise; what is above raises with the next look.
pub const RAISED_AT_ONCE_MAX: usize = 10_000;
/// The longest time without a value during which a raising condition still counts as holding.
pub const HOLD_GAP_MAX: Seconds = Seconds::minutes(5);
/// After how long without a value the series of a raised signal is called missing.
pub const SERIES_MISSING_AFTER: Seconds = Seconds::minutes(5);
/// The longest annotation, summary or reason, in bytes; the rest is cut.
pub const TEXT_BYTES_MAX: usize = 2000;
/// The most links that a change may have.
pub const CHANGE_LINKS_MAX: usize = 20;
/// The most named details that a change may have.
pub const CHANGE_DETAILS_MAX: usize = 50;
/// How many steps of a template one annotation may take; a template that needs more shows an error instead.
pub const TEMPLATE_FUEL: u64 = 20_000;

/// The area that turns monitoring data into signals.
#[derive(Debug, Clone, Copy)]
pub struct Signals;

impl Area for Signals {
    const NAME: &'static str = "signals";
    type Command = Command;
    type Event = Event;
    type State = State;
    type Refusal = Refusal;

    fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, context, command)
    }

    fn evolve(state: &mut State, stamp: Stamp<'_>, event: &Event) {
        state.evolve(stamp.at, event);
    }

    fn hear(state: &mut State, context: &Context<'_>, command: &Command) {
        match command {
            Command::Look { looks } => state.note_looks(context, looks),
            Command::Checked { check, healthy, fault, reason, latency_ms } => {
                if context.book.checks.contains_key(check) {
                    let heard = Heard { healthy: *healthy, fault, reason, latency_ms: *latency_ms };
                    state.note_check(context.now, check, &heard);
                }
            }
            Command::Beat { check } => {
                if context.book.checks.get(check).is_some_and(|check| matches!(check.probe, Probe::Heartbeat(_))) {
                    state.note_check(context.now, check, &Heard::BEAT);
                }
            }
            Command::Rule { .. }
            | Command::Match { .. }
            | Command::Judge { .. }
            | Command::Pattern { .. }
            | Command::ReportChange { .. }
            | Command::Dismiss { .. } => {}
            Command::Reconsider => state.forget_checks(context),
        }
    }
}
