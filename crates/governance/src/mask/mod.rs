//! Masking at the door: secrets and personal data are taken out of a text before anything of it is stored.
//!
//! What is found is replaced by its kind, such as `<masked:github-token>`, and everything around it stays, so that a log
//! remains readable and lines that say the same stay alike. Three ways to find something, from sure to likely:
//! 1. Tokens with a prefix that their provider documents, and things with a structure of their own:
//!    private keys, JSON Web Tokens, hashes of passwords, credentials in URLs, webhooks.
//! 2. Values that a word announces: `password=..`, `api_key: ..`, `Authorization: Bearer ..`. A password may be anything;
//!    what follows a weaker word must look random.
//! 3. Personal data by form and check digits: mail addresses, telephone numbers, bank accounts (mod 97), cards (Luhn),
//!    national numbers. What has no check digit of its own needs its name beside it.
//!
//! One automaton looks for all the literals, and one pass for the starts of numbers; rules only look around what these
//! find, and never further than a named limit, so that the time is linear in the text, whatever it holds. Names of people
//! and postal addresses are not found: that takes a model of language.

mod checks;
mod digits;
mod form;
mod keyed;
mod literals;
mod mail;
mod named;
mod structure;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::{Deserialize, Serialize};

use literals::{Action, Literal};

/// How a replacement begins; a text that holds it was masked before.
pub const MASK_START: &str = "<masked:";
/// How much of a value's name is looked at: its end.
const NAME_BYTES_MAX: usize = 256;

/// What was found. Its name is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind {
    name: &'static str,
    class: Class,
}

/// The two reasons to mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Whoever has it can act with it.
    Secret,
    /// It is about a person.
    Personal,
}

impl Kind {
    pub(crate) const fn secret(name: &'static str) -> Self {
        Self { name, class: Class::Secret }
    }

    pub(crate) const fn personal(name: &'static str) -> Self {
        Self { name, class: Class::Personal }
    }

    /// Its name, as in `github-token`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it is a secret or personal.
    #[must_use]
    pub fn class(self) -> Class {
        self.class
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What to mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Secrets.
    pub secrets: bool,
    /// Personal data, network addresses aside.
    pub personal: bool,
    /// Public IP addresses and hardware addresses: personal where they belong to a person's device, and what operators
    /// look for in most logs.
    pub network_addresses: bool,
}

impl Default for Policy {
    /// Secrets and personal data; network addresses stay.
    fn default() -> Self {
        Self { secrets: true, personal: true, network_addresses: false }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Where it stood, in bytes of the text that was given.
    pub range: Range<usize>,
}

/// A text without what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<'a> {
    /// The text; borrowed when nothing was found.
    pub text: Cow<'a, str>,
    /// What was found, in order, without overlaps.
    pub found: Vec<Hit>,
}

/// Finds and masks. Making one costs milliseconds; keep it.
#[derive(Debug, Clone)]
pub struct Masker {
    policy: Policy,
    literals: Vec<Literal>,
    automaton: AhoCorasick,
}

impl Masker {
    /// A masker that follows a policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let literals = literals::all(policy);
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals.iter().map(|literal| literal.text))
            .expect("a few hundred short literals fit into an automaton");
        Self { policy, literals, automaton }
    }

    /// Masks a text.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Masked<'a> {
        without(text, self.find(text))
    }

    /// Masks a value that has a name, as in `{"password": "hunter2"}`, as if `password="hunter2"` stood there. A secret that
    /// the name announces is masked to the end of the value.
    #[must_use]
    pub fn mask_named<'a>(&self, name: &str, value: &'a str) -> Masked<'a> {
        if name.is_empty() {
            return self.mask(value);
        }
        let name = &name[name.floor_char_boundary(name.len().saturating_sub(NAME_BYTES_MAX))..];
        let quote = ["\"", "'", "`"].into_iter().find(|quote| !value.contains(quote)).unwrap_or_default();
        let start = name.len() + 1 + quote.len();
        let mut found = self.find(&format!("{name}={quote}{value}{quote}"));
        found.retain(|hit| hit.range.end > start);
        for hit in &mut found {
            let place = |at: usize| at.saturating_sub(start).min(value.len());
            hit.range = place(hit.range.start)..place(hit.range.end);
        }
        found.retain(|hit| !hit.range.is_empty());
        if let Some(first) = found.first_mut().filter(|hit| hit.range.start == 0 && keyed::is_announced(hit.kind)) {
            first.range.end = value.len();
            found.truncate(1);
        }
        without(value, found)
    }

    /// What a text holds, in order, without overlaps.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for found in self.automaton.find_overlapping_iter(text) {
            let Some(literal) = self.literals.get(found.pattern().as_usize()) else { continue };
            let at = found.range();
            if literal.is_exact && text[at.clone()] != *literal.text {
                continue;
            }
            // Inside of what was found, only a surer way can say more.
            let inside = hits.last().filter(|last| at.start >= last.range.start && at.end <= last.range.end);
            if inside.is_none_or(|last| keyed::is_general(last.kind) && !matches!(literal.action, Action::Keyword(_))) {
                hits.extend(look(text, at, literal.action));
            }
        }
        if self.policy.personal || self.policy.network_addresses {
            hits.extend(digits::find(text, self.policy));
        }
        without_overlaps(hits)
    }
}

/// A text without what was found in it.
fn without(text: &str, found: Vec<Hit>) -> Masked<'_> {
    if found.is_empty() {
        return Masked { text: Cow::Borrowed(text), found };
    }
    let mut masked = String::with_capacity(text.len() + found.len() * MASK_START.len());
    let mut done = 0;
    for hit in &found {
        masked.push_str(&text[done..hit.range.start]);
        masked.push_str(MASK_START);
        masked.push_str(hit.kind.name);
        masked.push('>');
        done = hit.range.end;
    }
    masked.push_str(&text[done..]);
    Masked { text: Cow::Owned(masked), found }
}

/// Looks around a literal.
fn look(text: &str, at: Range<usize>, action: Action) -> Option<Hit> {
    match action {
        Action::Token(token) => tokens::look(text, at, token),
        Action::Structure(structure) => structure::look(text, at, structure),
        Action::Keyword(strength) => keyed::look(text, at, strength),
        Action::Mail => mail::look(text, at.start),
        Action::Named(name) => named::look(text, at, name),
    }
}

/// Hits that overlap become one, of the kind that was found by the surer way: the one that is masked alone would leave the
/// rest of the other readable.
fn without_overlaps(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (hit.range.start, std::cmp::Reverse(hit.range.end)));
    let mut apart: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match apart.last_mut().filter(|last| hit.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(hit.range.end);
                let surer = keyed::is_general(last.kind) && hit.kind.class == Class::Secret;
                last.kind = if surer || hit.kind.class < last.kind.class { hit.kind } else { last.kind };
            }
            None => apart.push(hit),
        }
    }
    apart
}
