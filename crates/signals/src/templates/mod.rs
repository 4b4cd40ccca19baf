//! Templates of logs: lines that say the same of different things get one number, as they stream by.
//!
//! After Drain (He et al., "Drain: an online log parsing approach with fixed depth tree", ICWS 2017), with another rule
//! for what varies. Drain joins a line to the most similar template at once, and so joins `started` to `stopped`. Here a
//! line that fits no template makes a new one, and templates become one only when those that differ at the same places
//! show enough different words there; so the answer for a line may change later. [`Miner::current`] says which template
//! a number that was given earlier belongs to by now; whoever compares groups of lines asks it at the end.
//!
//! One setting for all systems, and no knowledge of any:
//! 1. `line` and `atom` replace what is a value by its form alone.
//! 2. `tree` finds the template, first by equal words, then by the places where any word may stand.
//! 3. `merge` decides, after a new template was made, which templates have become one.
//!
//! Bounded by [`Limits`]; a line that would pass one goes to [`CATCH_ALL`] and is counted with its reason in [`Over`].
//! Deterministic: the same lines in the same order give the same numbers, also when the miner was saved and read again
//! in between. [`novelty`] and [`rate`] find in the stream of numbers what deserves a person's attention; [`stream`] puts all
//! of it together for one log, and [`telling`] says it to people.

mod atom;
mod dictionary;
mod line;
mod merge;
pub mod novelty;
pub mod rate;
mod saved;
pub mod stream;
pub mod telling;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use saved::SavedError;
pub use tree::Miner;

/// The most templates that are alive by default.
pub const TEMPLATES_MAX: usize = 10_000;
/// The most numbers that are given by default, those of templates that became part of others included.
pub const NUMBERS_MAX: usize = 100_000;
/// The most templates of one leaf, which have as many words and begin alike, by default.
pub const LEAF_MAX: usize = 256;
/// The most different words that are remembered by default.
pub const VOCABULARY_MAX: usize = 200_000;
/// The most words of a line; those after them count as one value.
pub const LINE_WORDS_MAX: usize = 64;
/// The most bytes of a line that are read; the rest counts as one value.
pub const LINE_BYTES_MAX: usize = 16 * 1024;
/// The longest word, in bytes; a longer one is a value.
pub const WORD_BYTES_MAX: usize = 256;

/// The number of a template. It stays good when the template becomes part of another: see [`Miner::current`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TemplateId(pub u32);

/// The template of all lines for which there was no room, and of lines without a word.
pub const CATCH_ALL: TemplateId = TemplateId(0);

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// How much a miner may remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most templates that are alive.
    pub templates: usize,
    /// The most numbers that are ever given.
    pub numbers: usize,
    /// The most templates that have as many words and begin alike.
    pub leaf: usize,
    /// The most different words.
    pub vocabulary: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { templates: TEMPLATES_MAX, numbers: NUMBERS_MAX, leaf: LEAF_MAX, vocabulary: VOCABULARY_MAX }
    }
}

/// What a line was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its template.
    pub id: TemplateId,
    /// Whether nothing like it was seen before.
    pub is_new: bool,
    /// The template's words, with `<*>` for what varies.
    pub template: &'a str,
    /// Templates that this line made part of `id`. Whoever counts by number adds theirs to it.
    pub merged: &'a [TemplateId],
}

/// Lines that went to [`CATCH_ALL`], by reason, and lines that were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Over {
    /// Lines without a word.
    pub empty: u64,
    /// There are [`Limits::templates`] already.
    pub templates: u64,
    /// All [`Limits::numbers`] are given.
    pub numbers: u64,
    /// The leaf has [`Limits::leaf`] templates.
    pub leaf: u64,
    /// [`Limits::vocabulary`] words are known.
    pub vocabulary: u64,
    /// Lines of which only the beginning was read; they have a template.
    pub cut: u64,
}
