//! The rules of one class of events, found by the texts that they must have.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;

use super::cover::{Atom, Popularity, Sight};
use super::item::{Target, Tree};
use super::view::View;

/// The number of a compiled rule.
pub(super) type Variant = u32;

/// Which rules may match an event.
#[derive(Debug, Default)]
pub(super) struct Index {
    looks: Vec<Look>,
    /// Rules that nothing can be told about without asking them.
    always: Vec<Variant>,
}

/// What is looked for in one field.
#[derive(Debug)]
struct Look {
    target: Target,
    present: Vec<Variant>,
    exact: HashMap<Box<str>, Vec<Variant>>,
    parts: Option<(AhoCorasick, Vec<Needle>)>,
}

/// A text inside a value.
#[derive(Debug)]
struct Needle {
    starts: bool,
    ends: bool,
    variants: Vec<Variant>,
}

/// Rules that may match, each once.
#[derive(Debug)]
pub(super) struct Candidates {
    seen: Vec<u64>,
    pub list: Vec<Variant>,
}

impl Candidates {
    /// None yet, out of so many.
    pub fn new(variants: usize) -> Self {
        Self { seen: vec![0; variants.div_ceil(64)], list: Vec::new() }
    }

    fn add(&mut self, variant: Variant) {
        let bit = 1_u64 << (variant % 64);
        if let Some(word) = self.seen.get_mut((variant / 64) as usize)
            && *word & bit == 0
        {
            *word |= bit;
            self.list.push(variant);
        }
    }

    fn add_all(&mut self, variants: &[Variant]) {
        variants.iter().for_each(|variant| self.add(*variant));
    }
}

impl Index {
    /// The index over these rules.
    pub fn new<'t>(trees: impl Iterator<Item = (Variant, &'t Tree)> + Clone) -> Self {
        let mut popularity = Popularity::default();
        trees.clone().for_each(|(_, tree)| popularity.count(tree));
        let mut index = Self::default();
        let mut by_target: HashMap<Target, BTreeMap<Order, Vec<Variant>>> = HashMap::new();
        for (variant, tree) in trees {
            match popularity.cover(tree) {
                None => index.always.push(variant),
                Some(cover) => {
                    for Atom { target, sight } in cover.atoms {
                        by_target.entry(target).or_default().entry(order(sight)).or_default().push(variant);
                    }
                }
            }
        }
        for (target, sights) in by_target {
            let (look, left) = Look::new(target, sights);
            index.looks.push(look);
            index.always.extend(left);
        }
        index
    }

    /// Adds the rules that may match the event.
    pub fn candidates(&self, view: &View<'_>, candidates: &mut Candidates) {
        candidates.add_all(&self.always);
        for look in &self.looks {
            match look.target {
                Target::Anywhere => view.everywhere().for_each(|place| look.at(view, place, candidates)),
                Target::Field(field) => {
                    let mut places = view.places(field).peekable();
                    if places.peek().is_some() {
                        candidates.add_all(&look.present);
                    }
                    places.for_each(|place| look.at(view, place, candidates));
                }
            }
        }
    }
}

/// A sight in a form that can be sorted, so that an index is built the same way each time.
type Order = (u8, String, bool, bool);

fn order(sight: Sight) -> Order {
    match sight {
        Sight::Present => (0, String::new(), false, false),
        Sight::Exact(text) => (1, text, false, false),
        Sight::Part { text, starts, ends } => (2, text, starts, ends),
    }
}

impl Look {
    /// What to look for, and the rules for which that is not possible.
    fn new(target: Target, sights: BTreeMap<Order, Vec<Variant>>) -> (Self, Vec<Variant>) {
        let mut look = Self { target, present: Vec::new(), exact: HashMap::new(), parts: None };
        let (mut texts, mut needles) = (Vec::new(), Vec::new());
        for ((kind, text, starts, ends), variants) in sights {
            match kind {
                0 => look.present = variants,
                1 => drop(look.exact.insert(text.into(), variants)),
                _ => {
                    texts.push(text);
                    needles.push(Needle { starts, ends, variants });
                }
            }
        }
        if texts.is_empty() {
            return (look, Vec::new());
        }
        match AhoCorasick::new(&texts) {
            Ok(automaton) => {
                look.parts = Some((automaton, needles));
                (look, Vec::new())
            }
            Err(_) => (look, needles.into_iter().flat_map(|needle| needle.variants).collect()),
        }
    }

    fn at(&self, view: &View<'_>, place: usize, candidates: &mut Candidates) {
        let Some(text) = view.folded(place) else { return };
        if !self.exact.is_empty()
            && let Some(variants) = self.exact.get(text)
        {
            candidates.add_all(variants);
        }
        let Some((automaton, needles)) = &self.parts else { return };
        for hit in automaton.find_overlapping_iter(text) {
            if let Some(needle) = needles.get(hit.pattern().as_usize())
                && (!needle.starts || hit.start() == 0)
                && (!needle.ends || hit.end() == text.len())
            {
                candidates.add_all(&needle.variants);
            }
        }
    }
}
