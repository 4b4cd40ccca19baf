//! Reviews: drafted from the journal when an incident is over, written on by people, published as they stand.
//!
//! The draft holds what the journal knows: durations, the timeline told by roles, and the questions that its gaps ask.
//! People write the rest. A review looks for what made the trouble possible, never for somebody to blame: people's names
//! are replaced before anything is drafted. It is published when it says what happened, whom it hurt and what made it
//! possible; what was published stands, and a later change is another edition.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - LE-1 An incident has one review. Over again, its facts are renewed, and so is what nobody wrote.
//! - LE-2 What is drafted holds no name of a person of the watchbook.
//! - LE-3 No text is lost: writing over a revision that was not read is refused.
//! - LE-4 A published review has a summary, an impact and a contributing factor, and each open action has an owner in
//!   the watchbook and a due date; a refusal names all that is missing.
//! - LE-5 What was published stands: a change afterwards is published as another edition, or not at all.
//! - LE-6 An action ends once: done with evidence, or dropped with a reason.
//! - LE-7 The facts alone, folded again, give the same state.
//!
//! ```text
//!   Open ----> draft ---- Publish ----> published ---- Edit, AddAction, DropAction, Open ----> changed
//!              ^   |                         ^                                                   |
//!         Edit '---'                         '--------------------- Publish ---------------------'
//!
//!   action:  AddAction ----> open ---- CompleteAction ----> done
//!                             '------- DropAction --------> dropped
//! ```
//!
//! | transition | function in `decide.rs` |
//! |---|---|
//! | nothing -> draft; facts renewed | `open`, words by [`draft`](draft()), names hidden by [`Names`] |
//! | words written | `edit` |
//! | nothing -> open action -> done, dropped | `add_action`, `complete`, `drop_action` |
//! | draft, changed -> published | `publish`, text by [`markdown`](markdown()) |

mod blameless;
mod command;
mod decide;
mod draft;
mod event;
mod lint;
mod markdown;
mod refusal;
mod state;
#[cfg(test)]
mod tests;
mod words;

use kernel::Area;
use kernel::area::{Context, Stamp};

pub use blameless::Names;
pub use command::Command;
pub use draft::draft;
pub use event::{About, Event};
pub use lint::{FINDINGS_MAX, Finding, LintRule, lint, lint_action};
pub use markdown::markdown;
pub use refusal::Refusal;
pub use state::{Action, Review, State, Words};
pub use words::{ActionKind, Durations, Moment, ReviewId, Section, Source};

/// The longest text of a section, in bytes.
pub const TEXT_BYTES_MAX: usize = 50_000;
/// The longest title of an action, in bytes.
pub const TITLE_BYTES_MAX: usize = 300;
/// The longest evidence or reason, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 4000;
/// The most actions of a review.
pub const ACTIONS_MAX: usize = 50;
/// The most moments of a timeline; of a longer one the middle is left to the journal.
pub const MOMENTS_MAX: usize = 1000;
/// The longest text of one moment, in bytes; the rest is cut.
pub const MOMENT_BYTES_MAX: usize = 2000;
/// How many reviews are remembered; all are in the journal.
pub const REVIEWS_KEPT_MAX: usize = 2000;

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
