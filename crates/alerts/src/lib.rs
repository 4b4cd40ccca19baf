//! Groups, mutes and routes signals; decides who is on call and whom to page next.
//!
//! A source reports that something is wrong: an alert opens. The routing tree of the watchbook puts it into groups. A
//! silence or another alert may mute it. When a group has waited long enough and something in it fires unmuted, a page
//! opens: one run of an escalation policy. The page asks for messages to whoever its step leads to, goes on to the next
//! step when nobody acknowledges in time or nothing can be delivered, and says loudly when it has reached nobody. When
//! the last alert of the group is resolved, everybody who was told so far is told the end.
//!
//! ```text
//!           Observe               silence or source begins
//!  (none) ----------> firing ------------------------------> firing, muted
//!    ^                  |    <------------------------------      |
//!    |                  |          the last of them ends          |
//!    +------------------+-----------------------------------------+
//!       Observe resolved | its end passes | Resolve by a person
//!
//!             a group's wait is over, something in it fires unmuted
//!  (no page) -------------------------------------------------------> told <--+ next step, renewal
//!                                                                    | |  ^  |
//!                                       Acknowledge +----------------+ +--|--+
//!                                                   v   it got worse |    | the policy ends
//!                                             acknowledged ----------+    v
//!                                                   |                 exhausted (loud; may still be acknowledged)
//!                                                   |                     |
//!                        nothing in the group fires v                     v
//!                                                closed <-----------------+  (from told as well)
//! ```
//!
//! | what happens | where it is decided |
//! |---|---|
//! | an alert opens, goes on, moves, is resolved by its source | `observe::observe` |
//! | it takes routes and belongs to groups | `route::walk`, `Draft::memberships` |
//! | it is muted, unmuted, or muted for another reason | `Draft::settle`, `Draft::review` in `mute` |
//! | **whether a group pages, renews or closes its page** | `Draft::flush` in `flush` |
//! | whom a step pages, and what follows when that is nobody | `Pager::call_on`, `Pager::exhaust` in `escalate` |
//! | what came of a message, and what follows | `escalate::record_attempt` |
//! | somebody acknowledges or resolves; the clock | `decide::acknowledge`, `decide::resolve`, `decide::wake` |
//! | whether a route keeps quiet now | `times::quiet`, asked by `Draft::held` in `flush` |
//! | a silence is written or ended | `silence::create`, `silence::expire` |
//! | a shift is taken or given back; who is on duty | `shift::take`, `oncall::on_duty` |
//! | how facts change what is remembered | `State::evolve` and what it calls |
//!
//! Invariants; the laws in `tests/it/laws.rs` hold them against random histories:
//! - **AL-1** A fingerprint fires at most once; it is the identity of an alert, as in Prometheus.
//! - **AL-2** Each firing alert sits in at least one group, and a group without firing alerts is gone.
//! - **AL-3** An alert is muted exactly while an active silence matches it or a firing alert inhibits it.
//! - **AL-4** A group in which something fires unmuted has an open page, or a time at which it gets one.
//! - **AL-5** Muted alerts page nobody: while all of a group are muted, its page neither escalates nor repeats; nor does that
//!   of a route during the times at which it keeps quiet.
//! - **AL-6** A page that told nobody has said so: each ends in a request or in `NobodyReached`.
//! - **AL-7** Each address that was told that alerts fire, or may have been, is told the end exactly once.
//! - **AL-8** The journal suffices: replay gives the same state, and so does a snapshot and the facts after it.
//! - **AL-9** Deciding is pure, and saying the same again is no new fact.
//! - **AL-10** The clock always gets on: whoever is woken at `next_due` has something to say.
//!
//! Differences from Alertmanager, on purpose: a page closes at once when nothing fires any more, not at the group's next
//! interval; whoever was told is told the end even if the alert was muted meanwhile; muting is decided when it changes,
//! not when a group flushes; a page has people who acknowledge it. An alert keeps its groups until it is next sent under
//! a changed watchbook. An alert that a person resolved opens again as soon as its source sends it as firing.

mod command;
mod conditions;
mod deadline;
mod decide;
mod draft;
mod escalate;
mod event;
mod evolve;
mod flush;
mod group;
mod hash;
mod id;
mod index;
mod inhibit;
mod message;
mod mute;
mod observe;
pub mod oncall;
mod page;
mod read;
mod refusal;
mod route;
mod shift;
mod silence;
mod simulate;
mod slab;
mod snapshot;
mod state;
mod times;
mod why;

use kernel::Book;
use kernel::area::{Area, Context, Stamp};
use kernel::delivery::Delivery;
use kernel::time::Timestamp;

pub use command::{Command, OBSERVE_ALERTS_MAX, OWN_SOURCE, Observed, RESOLVE_TIMEOUT, TEXT_BYTES_MAX};
pub use draft::WAKE_EVENTS_MAX;
pub use event::{
    AlertOpened, Escalation, Event, GroupOpened, InhibitionKey, Membership, Mute, Muting, PAGE_ALERTS_MAX, PageOpened,
    Placement, Renewal, ResolvedBy, Restart, Says,
};
pub use group::Retired;
pub use id::{GroupKey, OverrideId, PageId, SilenceId};
pub use message::WEBHOOK_ALERTS_MAX;
pub use oncall::{Duty, Override, Shift};
pub use page::{Page, Phase, Request, Status};
pub use read::{AlertView, Counts, FIND_VISITED_MAX, GroupView};
pub use refusal::Refusal;
pub use silence::{SILENCE_RETENTION, Silence, SilenceStatus};
pub use simulate::{CALLS_MAX, Called, NamedBy, Run, simulate};
pub use state::State;
pub use times::{BORDERS_MAX, DAYS_AHEAD_MAX, Quiet, covers, quiet};
pub use why::Stage;

/// The area that turns alerts into pages.
#[derive(Debug, Clone, Copy)]
pub struct Alerts;

impl Area for Alerts {
    const NAME: &'static str = "alerts";
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

    fn hear(state: &mut State, context: &Context<'_>, command: &Command) {
        if let Command::Observe { source, alerts } = command {
            observe::hear(state, context, source, alerts);
        }
    }

    fn wake(state: &State, context: &Context<'_>) -> Vec<Event> {
        decide::wake(state, context)
    }

    fn next_due(state: &State) -> Option<Timestamp> {
        state.next_due()
    }

    fn deliveries(state: &State, book: &Book, event: &Event) -> Vec<Delivery> {
        message::deliveries(state, book, event)
    }

    fn outstanding(state: &State, book: &Book) -> Vec<Delivery> {
        message::outstanding(state, book)
    }
}
