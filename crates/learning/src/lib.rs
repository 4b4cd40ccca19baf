//! Reviews: drafted from the journal when an incident is over, written on by people, published as they stand.
//!
//! # The story
//! The draft holds what the journal knows: durations, the timeline, and questions where it has gaps. It names roles, never
//! people. Writers see each other: a section is written only over the revision that was read. A review is published when
//! it says what happened, whom it hurt and what made it possible; what was published stands, and a later change is
//! published again.
//!
//! # Invariants
//! - LE-1 An incident has at most one review.
//! - LE-2 No text is lost: writing over an unread revision is refused.
//! - LE-3 A published review has a summary, an impact and at least one contributing factor.
//! - LE-4 Each action has an owner and a due date, and is done only with evidence.
//! - LE-5 The facts alone, folded again, give the same state.
//!
//! ```text
//! (nothing) -- Open --> draft -- Publish --> published -- Edit, AddAction --> published, changed -- Publish --> published
//! ```
//!
//! | transition | function |
//! |---|---|
//! | nothing to draft; facts renewed | `decide::open`, words by `draft` |
//! | words written | `decide::edit` |
//! | actions added and done | `decide::add_action`, `decide::complete` |
//! | draft to published | `decide::publish`, text by `markdown` |

mod command;
mod decide;
mod draft;
mod event;
mod markdown;
mod state;
#[cfg(test)]
mod tests;
mod words;

use kernel::Area;
use kernel::area::{Context, Stamp};

pub use command::Command;
pub use decide::Refusal;
pub use draft::draft;
pub use event::Event;
pub use markdown::markdown;
pub use state::{Action, Review, State};
pub use words::{ActionKind, Moment, ReviewId, Section, Source};

/// The longest text of a section, in bytes.
pub const TEXT_BYTES_MAX: usize = 50_000;
/// The longest title of an action, in bytes.
pub const TITLE_BYTES_MAX: usize = 300;
/// The most actions of a review.
pub const ACTIONS_MAX: usize = 50;
/// The most moments of a timeline.
pub const MOMENTS_MAX: usize = 1000;

/// The area that learns.
#[derive(Debug, Clone, Copy)]
pub struct Learning;

impl Area for Learning {
    const NAME: &'static str = "learning";
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
}
