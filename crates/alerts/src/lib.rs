//! Groups, mutes and routes signals; decides who is on call and whom to page next.

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
mod slab;
mod snapshot;
mod state;
mod why;

use kernel::area::{Area, Context, Stamp};
use kernel::delivery::Delivery;
use kernel::time::Timestamp;
use kernel::Book;

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
pub use state::State;
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
