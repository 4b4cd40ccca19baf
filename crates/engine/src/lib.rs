//! Runs the areas: one command path, one reaction table, one clock. The only shell around the pure rooms.
//!
//! # The story
//! Whoever wants something calls [`Engine::ask`] with an actor and a command. Governance permits or denies it. The one
//! writer lets the area decide, folds the facts into the [`World`], lets [`react`](react::react) ask for what follows, and appends
//! everything as one block. Only when the block is durable does the asker get an answer and do deliveries leave.
//!
//! ```text
//! ask -> permit -> queue -> writer: hear, decide, evolve, react*  -> append (durable) -> answer
//!                             ^                                          |
//!   clock (next_due) ---------+                                          +-> dispatch: attempt, retry, record
//!   dispatch (RecordAttempt) -+                                          +-> watch: pages redraw themselves
//! ```
//!
//! # Invariants
//! - EN-1 No answer and no delivery leaves before the facts that justify it are durable.
//! - EN-2 A fact and its reactions are in one block (ADR 2).
//! - EN-3 The world is a fold of the journal: after a failed append it is folded again from what is durable.
//! - EN-4 Every command and every read is permitted in one place, [`Engine`]; the deciding policy travels with the fact.
//! - EN-5 A delivery keeps its id over retries and restarts.
//! - EN-6 Time never runs backwards in the journal.
//! - EN-7 A list holds nothing that is beyond its reader's [`Reach`], and what is restricted and shown is a fact.
//! - EN-8 No fold steps over an erased fact: a snapshot holds what it did (ADR 4).

mod access;
pub mod backtests;
mod batch;
mod breaker;
mod chain;
mod clockwork;
mod codec;
pub mod command;
mod dispatch;
mod draft;
mod handle;
mod inbox;
mod lease;
pub mod limits;
mod load;
pub mod noise;
pub mod patterns;
mod reach;
pub mod react;
pub mod records;
pub mod ruler;
pub mod sigma;
mod snapshot;
pub mod tap;
mod term;
mod trace;
pub mod words;
pub mod world;
mod writer;

pub use chain::Proof;
pub use command::{Command, Event, Fact};
pub use handle::{Engine, Error, Health, Parts, Read, Refusal};
pub use lease::Tenure;
pub use reach::Reach;
pub use term::Candidate;
pub use world::World;
