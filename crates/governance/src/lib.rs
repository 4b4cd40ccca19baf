//! Who may do what, and the proof that the journal is whole.
//!
//! # The story
//! Every command and every read passes [`Permit`]; the policy that allowed it travels with the fact, and a denial is itself a
//! fact. The watchbook that is live, the tokens that are out, who logged in and who read something restricted: all facts here.
//! Secrets are not: passwords, tokens and sessions live in the vault beside the journal, as hashes. `tlog` holds the
//! proofs: Merkle trees, signed checkpoints, offline inclusion and consistency.
//!
//! # Invariants
//! - GO-1 Deny by default: what no policy allows does not happen.
//! - GO-2 No secret, and no hash of one, is in a fact.
//! - GO-3 After [`limits::LOGIN_FAILURES_FREE`] failed logins in a row each further one makes the next wait longer.
//! - GO-4 A revoked or expired token has no scopes.
//! - GO-5 Every wrong proof is refused; a proof that verifies names the root it leads to.
//!
//! ```text
//! token:   (none) --IssueToken--> live --RevokeToken--> revoked        live --time--> expired
//! login:   open --NoteLogin(failed)*--> waiting --time--> open         any --NoteLogin(ok)--> open
//! ```
//!
//! | transition | function |
//! |---|---|
//! | book made live | [`decide`](Governance) `ApplyBook` -> `BookApplied` |
//! | token issued, revoked | `decide::issue_token`, `decide::revoke_token` |
//! | login failed, wait grows | `state::State::login_wait` |

pub mod limits;
pub mod tlog;
pub mod password;
pub mod token;
pub mod link;
mod permit;
mod command;
mod event;
mod state;
mod decide;

pub use command::Command;
pub use decide::{Governance, Refusal};
pub use event::Event;
pub use permit::{Decision, Permit, PermitError};
pub use state::{Book, State, Token};
