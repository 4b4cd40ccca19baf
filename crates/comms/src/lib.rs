//! What we tell whom and when: updates of notices, the status page, and the chat rooms of the teams concerned.
//!
//! A *notice* is what customers see of one trouble; it is told in *updates*. An update is drafted, revised as often as
//! it needs, and published by somebody; only then anybody outside can see it. What the status page says of a component
//! follows from the published updates and nothing else. Internal words (an incident's title, its notes, drafts) never
//! reach the public views of this room.
//!
//! Invariants, each with a test of its name in `tests.rs`:
//! - CO-1 The public views hold the text of published updates, and no other text.
//! - CO-2 Watchkeeper itself drafts, and never publishes: a person does, or a program with a token of its own.
//! - CO-3 What was published does not change.
//! - CO-4 A notice that is resolved takes nothing but a post-mortem until it is reopened.
//! - CO-5 A component is as bad as the worst that an unresolved notice last said of it, and operational when none does.
//! - CO-6 A published update is told once to each room of the teams concerned, and what was asked stays outstanding
//!   until the last attempt.
//! - CO-7 An incident has at most one notice that is not resolved.
//! - CO-8 The facts alone, folded again, give the same state.
//!
//! ```text
//!   update:   Draft ----> draft ---- Publish ----> published         (final)
//!                         ^  | \
//!                  Revise '--'  '--- Discard ----> discarded         (final)
//!
//!   notice:   investigating, identified, monitoring  (any order)  ---- Resolved ----> resolved <---. Postmortem
//!                         ^                                                             |    |     |
//!                         '---------------------------- Reopen -------------------------'    '-----'
//! ```
//!
//! | transition | function in `decide.rs` |
//! |---|---|
//! | nothing -> draft | `draft` |
//! | draft -> draft | `revise` |
//! | draft -> published; stage of the notice | `publish` |
//! | draft -> discarded | `discard` |
//! | resolved -> open; customers see it with the next published update | `reopen` |
//! | asked -> told | `record_attempt` |

mod command;
mod decide;
mod event;
mod lint;
mod public;
mod refusal;
mod state;
mod tell;
#[cfg(test)]
mod tests;
mod words;

use kernel::area::{Context, Stamp};
use kernel::{Area, Book, Delivery};

pub use command::Command;
pub use event::{Event, Wording};
pub use lint::{FINDINGS_MAX, Finding, LintRule, SENTENCE_WORDS_MAX, lint, lint_update};
pub use public::{ComponentNow, Overall, PublicNotice, PublicUpdate};
pub use refusal::Refusal;
pub use state::{Notice, Phase, State, Telling, Update};
pub use words::{ComponentStatus, NoticeId, NoticeImpact, Stage, UpdateId};

/// The longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 200;
/// The longest text of an update, in bytes.
pub const TEXT_BYTES_MAX: usize = 5000;
/// The longest reason, in bytes.
pub const WHY_BYTES_MAX: usize = 2000;
/// The most components that one update names.
pub const COMPONENTS_MAX: usize = 100;
/// The most drafts at once; what is above is refused until some are published or discarded.
pub const DRAFTS_MAX: usize = 1000;
/// The most updates of one notice.
pub const UPDATES_MAX: usize = 1000;
/// The most notices that are not resolved at once.
pub const OPEN_MAX: usize = 1000;
/// How many resolved notices are remembered; older ones are in the journal only.
pub const RESOLVED_KEPT_MAX: usize = 1000;
/// The most rooms that one update is told to.
pub const ROOMS_MAX: usize = 100;

/// The area that speaks to the outside.
#[derive(Debug, Clone, Copy)]
pub struct Comms;

impl Area for Comms {
    const NAME: &'static str = "comms";
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

    fn deliveries(state: &State, _book: &Book, event: &Event) -> Vec<Delivery> {
        match event {
            Event::TellingRequested { update, .. } => tell::deliveries(state, *update),
            _ => Vec::new(),
        }
    }

    fn outstanding(state: &State, _book: &Book) -> Vec<Delivery> {
        tell::outstanding(state)
    }
}
