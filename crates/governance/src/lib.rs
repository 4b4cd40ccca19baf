//! Who may do what, and the proof that the journal is whole.
//!
//! Three things that belong together because an auditor asks for them together. *Access*: [`Permit`] decides every command
//! and every read by Cedar policies, the built-in ones and the watchbook's, and names the policy that decided, which then
//! travels with the fact. *Ways in*: passwords, sessions, invitations and tokens; their secrets live in the store's vault,
//! and the facts of this room say only that something happened to them. *Proof*: [`tlog`] reads and writes the formats by
//! which anybody can check, offline, that a fact is in the journal and that nothing before it was changed.
//! Beside them stands what every door asks before it stores a text: [`mask`] takes secrets and personal data out of it.
//!
//! Invariants, each with a test of its name:
//! - GO-1 What no policy permits is denied; what one forbids is denied, whatever permits it.
//! - GO-2 Every decision names the policy that made it, or says what would be needed.
//! - GO-3 A token works only with its scopes, before its end, and not after it was revoked.
//! - GO-4 Only a person opens and closes their sessions and sets their password; setting it ends all their sessions.
//! - GO-5 After [`PASSWORD_FAILURES_FREE`] wrong passwords in a row nobody may try for a while, twice as long each time;
//!   within that while nothing opens a session, and nothing is recorded.
//! - GO-6 A watchbook that is live already, or was refused last, leaves no fact.
//! - GO-7 A denial or a restricted read is recorded once within [`REPEAT_AFTER`], and what is left out is counted.
//! - GO-8 Two checkpoints of one size have one root.
//! - GO-9 The facts alone, folded again, give the same state.
//! - GO-10 No fact holds a secret.
//!
//! ```text
//!  person:   invited ----> password set ----> session open ----> closed | ended | password set again
//!                             ^    |
//!                             |    | wrong password, too often
//!                             |    v
//!                             '-- locked (30 s, 1 min, 2 min .. 15 min)
//!
//!  token:    issued ----> revoked | expired        (its name may then be issued again)
//!
//!  watchbook: live <---- applied | refused ----> the live one stays
//! ```
//!
//! | transition | function |
//! |---|---|
//! | may this actor do it | [`Permit::decide`] in `permit.rs` |
//! | invited, password set, locked | `issue_invite`, `set_password`, `record_password_failure` in `decide.rs` |
//! | session opened, closed | `open_session`, `close_session`, `end_sessions` in `decide.rs` |
//! | token issued, revoked | `issue_token`, `revoke_token` in `decide.rs` |
//! | watchbook applied, refused | `apply_book`, `refuse_book` in `decide.rs` |
//! | checkpoint signed | `record_checkpoint` in `decide.rs`, [`tlog::checkpoint`] |

mod command;
mod decide;
mod event;
pub mod link;
pub mod mask;
pub mod password;
mod permit;
mod policies;
mod secret;
pub mod session;
mod state;
pub mod tlog;
pub mod token;

use kernel::area::{Context, Stamp};
use kernel::{Area, Seconds};

pub use command::Command;
pub use decide::Refusal;
pub use event::{Event, SessionId};
pub use permit::{Decision, Permit};
pub use policies::{AREAS, POLICIES_MAX, PermitError};
pub use state::{Access, Checkpointed, LiveBook, Session, State, Token};

/// Within which time the same denial or the same restricted read is not recorded again.
pub const REPEAT_AFTER: Seconds = Seconds::minutes(1);
/// How many denials are recorded within [`REPEAT_AFTER`]; what is above is counted only.
pub const DENIALS_RECENT_MAX: usize = 1000;
/// How many of them may be of one actor, so that nobody fills the journal, or hides what is denied to others.
pub const DENIALS_OF_ONE_MAX: usize = 30;
/// How many restricted reads are recorded within [`REPEAT_AFTER`]; more than people can make.
pub const READS_RECENT_MAX: usize = 10_000;
/// The wrong passwords in a row after which nobody may try for a while.
pub const PASSWORD_FAILURES_FREE: u32 = 5;
/// How long nobody may try after the first of them.
pub const LOCK_FIRST: Seconds = Seconds(30);
/// The longest that nobody may try. Short, because whoever is on call must get in.
pub const LOCK_MAX: Seconds = Seconds::minutes(15);
/// The most sessions that a person has open; the oldest is closed for one more.
pub const SESSIONS_MAX: usize = 20;
/// The longest that a session lasts.
pub const SESSION_LASTS_MAX: Seconds = Seconds::hours(24 * 30);
/// The longest that an invitation is good.
pub const INVITE_LASTS_MAX: Seconds = Seconds::hours(24 * 7);
/// The longest that a token works.
pub const TOKEN_LASTS_MAX: Seconds = Seconds::hours(24 * 7 * 106);
/// The most tokens that work at one time.
pub const TOKENS_MAX: usize = 1000;
/// The most scopes that a token has.
pub const SCOPES_MAX: usize = 50;
/// The longest resource, reason or source in a fact, in bytes; the rest is cut.
pub const TEXT_BYTES_MAX: usize = 1000;

/// The area that governs the others.
#[derive(Debug, Clone, Copy)]
pub struct Governance;

impl Area for Governance {
    const NAME: &'static str = "governance";
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
        if let Command::RecordDenial { actor, action, resource, .. } = command
            && decide::leaves_out(state, context.now, actor, action, resource)
        {
            state.note_unrecorded();
        }
    }
}
