//! What a rule asks of one field, and how the answers are put together.

use core::net::IpAddr;
use std::collections::HashSet;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;
use regex::Regex;

use super::clock::{self, Unit};
use super::text::{Glob, Pattern, Shape};
use super::view::{FieldId, View};

/// From how many texts on one automaton looks for all of them, instead of one search for each.
const AUTOMATON_FROM: usize = 6;

/// Where a test looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// At the values of one field.
    Field(FieldId),
    /// At all values of the event.
    Anywhere,
}

/// A test of a value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// The text is one of these.
    Texts(Arc<Texts>),
    /// The expression is found in the text.
    Regex(Regex),
    /// The address lies in the network.
    Network(Network),
    /// The number compares so.
    Number(Compare, f64),
    /// The part of the time compares so.
    Time(Unit, Compare, f64),
    /// The text compares so with a value of another field.
    Other { field: FieldId, place: Place, cased: bool },
    /// The field is absent or null.
    Null,
    /// The field has a value that is not null, or has none.
    Exists(bool),
    /// Nothing passes.
    Never,
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Compare {
    pub fn holds(self, value: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => value == wanted,
            Self::Less => value < wanted,
            Self::AtMost => value <= wanted,
            Self::Greater => value > wanted,
            Self::AtLeast => value >= wanted,
        }
    }
}

/// Where in a text another one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Whole,
    Start,
    End,
    Inside,
}

impl Place {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Whole => text == wanted,
            Self::Start => text.starts_with(wanted),
            Self::End => text.ends_with(wanted),
            Self::Inside => text.contains(wanted),
        }
    }
}

/// A test and where it looks.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub target: Target,
    pub test: Test,
}

impl Item {
    /// Whether some value passes.
    pub fn holds(&self, view: &View<'_>) -> bool {
        match self.target {
            Target::Anywhere => view.everywhere().any(|place| self.test.passes(view, place)),
            Target::Field(field) => {
                let null = |place| view.text(place).is_none();
                match self.test {
                    Test::Null => view.places(field).next().is_none() || view.places(field).any(null),
                    Test::Exists(wanted) => view.places(field).any(|place| !null(place)) == wanted,
                    _ => view.places(field).any(|place| self.test.passes(view, place)),
                }
            }
        }
    }
}

impl Test {
    /// Whether the value at a place passes.
    pub fn passes(&self, view: &View<'_>, place: usize) -> bool {
        match self {
            Self::Texts(texts) if texts.cased => view.text(place).is_some_and(|text| texts.matches(&text)),
            Self::Texts(texts) => view.folded(place).is_some_and(|text| texts.matches(text)),
            Self::Regex(regex) => view.text(place).is_some_and(|text| regex.is_match(&text)),
            Self::Network(network) => view.text(place).is_some_and(|text| network.contains(&text)),
            Self::Number(compare, wanted) => {
                view.value(place).and_then(|value| value.number()).is_some_and(|number| compare.holds(number, *wanted))
            }
            Self::Time(unit, compare, wanted) => {
                let part = view.value(place).and_then(clock::moment).and_then(|at| unit.of(at));
                part.is_some_and(|part| compare.holds(part, *wanted))
            }
            Self::Other { field, place: how, cased } => view.places(*field).any(|other| {
                let pair = if *cased {
                    view.text(place).zip(view.text(other)).map(|(text, wanted)| how.holds(&text, &wanted))
                } else {
                    view.folded(place).zip(view.folded(other)).map(|(text, wanted)| how.holds(text, wanted))
                };
                pair.unwrap_or(false)
            }),
            Self::Null | Self::Exists(_) | Self::Never => false,
        }
    }
}

/// Patterns, sorted by how they are compared.
#[derive(Debug, Default)]
pub(super) struct Texts {
    cased: bool,
    /// The patterns as they were given, for the index.
    pub patterns: Vec<Pattern>,
    anything: bool,
    exact: HashSet<Box<str>>,
    starts: Vec<Box<str>>,
    ends: Vec<Box<str>>,
    contains: Option<Needles>,
    globs: Vec<Glob>,
}

impl Texts {
    /// The texts that one of the patterns matches. Without `cased`, the patterns are folded here and texts must be folded.
    pub fn new(patterns: impl IntoIterator<Item = Pattern>, cased: bool) -> Self {
        let mut texts = Self { cased, ..Self::default() };
        let mut inside = Vec::new();
        for pattern in patterns {
            let pattern = if cased { pattern } else { pattern.folded() };
            texts.patterns.push(pattern.clone());
            match pattern.shape() {
                Shape::Anything => texts.anything = true,
                Shape::Exact(text) => drop(texts.exact.insert(text.into())),
                Shape::Starts(text) => texts.starts.push(text.into()),
                Shape::Ends(text) => texts.ends.push(text.into()),
                Shape::Contains(text) => inside.push(text),
                Shape::Glob(glob) => texts.globs.push(glob),
            }
        }
        texts.contains = Needles::new(&inside);
        texts
    }

    /// Whether one of the patterns matches the whole text, which is folded unless case counts.
    pub fn matches(&self, text: &str) -> bool {
        self.anything
            || (!self.exact.is_empty() && self.exact.contains(text))
            || self.ends.iter().any(|end| text.ends_with(&**end))
            || self.starts.iter().any(|start| text.starts_with(&**start))
            || self.contains.as_ref().is_some_and(|needles| needles.stand_in(text))
            || self.globs.iter().any(|glob| glob.matches(text))
    }
}

/// Texts that are looked for together.
#[derive(Debug)]
enum Needles {
    Each(Vec<Finder<'static>>),
    Automaton(AhoCorasick),
}

impl Needles {
    fn new(texts: &[String]) -> Option<Self> {
        let each = || Self::Each(texts.iter().map(|text| Finder::new(text.as_bytes()).into_owned()).collect());
        match texts.len() {
            0 => None,
            count if count < AUTOMATON_FROM => Some(each()),
            _ => Some(AhoCorasick::new(texts).map_or_else(|_| each(), Self::Automaton)),
        }
    }

    fn stand_in(&self, text: &str) -> bool {
        match self {
            Self::Each(finders) => finders.iter().any(|finder| finder.find(text.as_bytes()).is_some()),
            Self::Automaton(automaton) => automaton.is_match(text),
        }
    }
}

/// A network of addresses: those that share its first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fe80::/10`, or one address alone.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr =
            address.parse().map_err(|_| format!("`{text}` is no network: `{address}` is no address"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(|| {
                format!("`{text}` is no network: behind the slash stands a number of bits from 0 to {most}")
            })?,
        };
        Ok(Self { address, bits })
    }

    /// Whether the text is an address of this network. An IPv4 address counts as itself in its IPv6 form too.
    fn contains(&self, text: &str) -> bool {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        let bare = bare.split_once('%').map_or(bare, |(address, _zone)| address);
        bare.parse().is_ok_and(|address: IpAddr| self.shares(address) || self.shares(address.to_canonical()))
    }

    fn shares(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

/// Items put together by a rule's condition.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    Item(Item),
    /// A part that a condition may name more than once.
    Named(Arc<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    AtLeast(u64, Vec<Tree>),
}

impl Tree {
    /// Whether the event is as the tree says.
    pub fn holds(&self, view: &View<'_>) -> bool {
        match self {
            Self::Item(item) => item.holds(view),
            Self::Named(tree) => tree.holds(view),
            Self::All(trees) => trees.iter().all(|tree| tree.holds(view)),
            Self::Any(trees) => trees.iter().any(|tree| tree.holds(view)),
            Self::Not(tree) => !tree.holds(view),
            Self::AtLeast(count, trees) => {
                let mut holding = trees.iter().filter(|tree| tree.holds(view));
                (0..*count).all(|_| holding.next().is_some())
            }
        }
    }

    /// One tree out of several that must all hold, or one of which must.
    pub fn all(trees: Vec<Self>) -> Self {
        Self::join(trees, Self::All)
    }

    /// One tree out of several one of which must hold.
    pub fn any(trees: Vec<Self>) -> Self {
        Self::join(trees, Self::Any)
    }

    fn join(mut trees: Vec<Self>, link: impl FnOnce(Vec<Self>) -> Self) -> Self {
        match (trees.len(), trees.pop()) {
            (1, Some(only)) => only,
            (_, last) => link(trees.into_iter().chain(last).collect()),
        }
    }
}
