//! Security-relevant log events, found by Sigma rules.
//!
//! The rules are those that everybody shares; they are loaded as they are. [`Rules::load`] parses files of rules,
//! filters and correlations, maps names by a [`Pipeline`], and compiles what it can; what it cannot it refuses by name,
//! with the reason, and loads the rest. [`Rules::matches`] says which rules an [`Event`] matches.
//!
//! Thousands of rules are asked at once, and few of them can match an event. Three steps keep it so:
//! 1. *Routing*, outside the rules: an event belongs to few classes, told by its channel and event id, or by the words of
//!    a log source that come with it. Only rules of these classes are looked at. `route.rs`
//! 2. *Index*: each rule has texts one of which must stand in whatever it matches; the least common of them are looked
//!    for, field by field, with one automaton and one table per class. `cover.rs`, `index.rs`
//! 3. The few rules that are left are asked. `item.rs`
//!
//! Steps 1 and 2 must never lose a match: a property test compares them with asking every rule.
//!
//! A match is not yet a page. [`Correlations`] count matches over event time; a match that only feeds a correlation is
//! marked so by [`Rule::reported`]. Filters are exceptions, each with an owner, a reason and a last day. A [`Baseline`]
//! tells what is usual on a host. [`handling`] holds rules on trial, and rules that were often wrong, from paging.
//!
//! Invariants, each with a test of its name in `tests`:
//! - SG-1 The index finds what asking every rule finds.
//! - SG-2 A file that cannot be read, and a rule that cannot be compiled, is refused by name and keeps no other from use.
//! - SG-3 Comparison is without case, one character for one, unless the rule says `cased`.
//! - SG-4 An event that is no later than the lateness allowed counts as if it had come in time.
//! - SG-5 What is remembered is bounded, whatever comes: groups, events of a group, combinations of a baseline.
//! - SG-6 An exception past its last day is not applied, and that is said.
//! - SG-7 A rule whose placeholders nobody filled matches nothing, and names them.
//! - SG-8 What correlations save, a fresh process goes on with as if it had not ended, up to [`SAVED_ITEMS_MAX`].
//! - SG-9 What stands is bounded: groups of a rule beyond [`GROUPS_PER_RULE_MAX`] count for one.
//!
//! | step | file |
//! |---|---|
//! | file -> documents | `guard.rs`, `load.rs` |
//! | log source -> classes of events, names of fields | `pipeline/` |
//! | modifiers and values -> tests | `modify.rs`, `encode.rs` |
//! | condition -> tree of tests | `compile.rs`, `item.rs` |
//! | tree -> what must stand in the event | `cover.rs`, `literals.rs` |
//! | event -> classes -> candidates -> matches | `route.rs`, `index.rs`, `rules.rs` |
//! | matches -> findings over time | `correlate/` |
//! | watchbook -> rules in use | `book.rs` |
//! | log event -> fields -> matches that stand -> signals | `log.rs`, `live/` |

mod baseline;
mod book;
mod clock;
mod compile;
mod correlate;
mod cover;
mod encode;
mod event;
mod evidence;
mod except;
mod guard;
mod index;
mod item;
mod literals;
mod live;
mod load;
mod log;
mod modify;
mod parse;
mod pipeline;
mod precision;
mod route;
mod rule;
mod rules;
#[cfg(test)]
mod tests;
mod text;
mod view;

pub use baseline::{BASELINE_ENTRIES_MAX, Baseline, BaselineRule, Novelty, SavedBaseline};
pub use book::{Compiled, HANDLING_FILE, Wrong, compile};
pub use clock::moment;
pub use compile::CONDITION_NODES_MAX;
pub use correlate::{
    CHAIN_MAX, CORRELATIONS_MAX, Correlated, Correlations, FUTURE_MAX, GROUP_BYTES_MAX, GROUP_FIELDS_MAX, GROUPS_MAX,
    INPUTS_MAX, ITEMS_MAX, ITEMS_TOTAL_MAX, SAVED_ITEMS_MAX, SavedCorrelations, TIMESPAN_MAX_MS, Uncounted,
};
pub use encode::EXPANDED_MAX;
pub use event::{EVENT_DEPTH_MAX, EVENT_VALUES_MAX, Event, SOURCE_FIELDS, Scalar};
pub use evidence::{EVIDENCE_MAX, Evidence};
pub use guard::{CONDITION_DEPTH_MAX, REPEATED_BYTES_MAX, RULE_FILE_BYTES_MAX};
pub use live::{Detection, GROUPS_PER_RULE_MAX, Memory, STANDING_MAX, Seen, Sight, Standing, VALUE_BYTES_MAX};
pub use load::RULES_MAX;
pub use modify::{REGEX_BYTES_MAX, REGEX_LARGE_BYTES, REGEX_LARGE_MAX};
pub use parse::EventError;
pub use pipeline::{AUDIT_PROCESS_CREATION, PIPELINE_BYTES_MAX, Pipeline, PipelineError};
pub use precision::{Bar, Handling, Mode, Verdict, Verdicts, handling};
pub use rule::{Exception, Level, Refused, Rule};
pub use rules::{Filters, Match, RuleFile, Rules, Settings};
