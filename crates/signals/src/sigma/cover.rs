//! Which texts an event must have for a rule to match: the least common of them are what the index looks for.
//!
//! A *cover* of a rule is a set of atoms one of which holds in every event that the rule matches. A conjunction is
//! covered by any of its parts, so the cheapest is taken; an alternative needs the covers of all its parts; a negation
//! covers nothing. What has no cover is asked of every event of its class.

use std::collections::HashMap;

use super::item::{Item, Target, Test, Texts, Tree};
use super::literals;
use super::text::{Pattern, Shape};

/// Something that an index can see in an event without asking a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Atom {
    pub target: Target,
    pub sight: Sight,
}

/// What is seen. Texts are folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Sight {
    /// A value is this text.
    Exact(String),
    /// This text stands in a value, at its start or its end where that is asked.
    Part { text: String, starts: bool, ends: bool },
    /// There is a value.
    Present,
}

/// How many rules look for an atom: what many look for is likely to be common in events as well.
#[derive(Debug, Default)]
pub(super) struct Popularity(HashMap<Atom, u32>);

/// Atoms and the share of events in which one of them is expected.
pub(super) struct Cover {
    pub atoms: Vec<Atom>,
    cost: f64,
}

impl Popularity {
    /// Counts the atoms of a rule.
    pub fn count(&mut self, tree: &Tree) {
        match tree {
            Tree::Item(item) => {
                for atom in atoms(item).into_iter().flatten() {
                    *self.0.entry(atom).or_default() += 1;
                }
            }
            Tree::Named(tree) => self.count(tree),
            Tree::All(trees) | Tree::Any(trees) | Tree::AtLeast(_, trees) => {
                trees.iter().for_each(|tree| self.count(tree));
            }
            Tree::Not(_) => {}
        }
    }

    /// The share of events in which an atom is expected. Guessed from its length and from how many rules want it.
    fn cost(&self, atom: &Atom) -> f64 {
        let rare = match &atom.sight {
            Sight::Present => return 1.0,
            Sight::Exact(text) if text.len() <= 4 => 0.1,
            Sight::Exact(_) => 0.01,
            Sight::Part { text, .. } => (1.5 / f64::from(u32::try_from(text.len()).unwrap_or(1)).powf(1.6)).min(0.9),
        };
        let others = self.0.get(atom).copied().unwrap_or(1).saturating_sub(1);
        (rare * (1.0 + 0.2 * f64::from(others))).min(0.95)
    }

    /// The cheapest cover of a tree.
    pub fn cover(&self, tree: &Tree) -> Option<Cover> {
        match tree {
            Tree::Item(item) => {
                let atoms = atoms(item)?;
                let cost = atoms.iter().map(|atom| self.cost(atom)).sum();
                Some(Cover { atoms, cost })
            }
            Tree::Named(tree) => self.cover(tree),
            Tree::All(trees) => {
                trees.iter().filter_map(|tree| self.cover(tree)).min_by(|one, other| one.cost.total_cmp(&other.cost))
            }
            Tree::Any(trees) => self.union(trees),
            Tree::AtLeast(0, _) | Tree::Not(_) => None,
            Tree::AtLeast(_, trees) => self.union(trees),
        }
    }

    fn union(&self, trees: &[Tree]) -> Option<Cover> {
        let mut union = Cover { atoms: Vec::new(), cost: 0.0 };
        for tree in trees {
            let cover = self.cover(tree)?;
            union.cost += cover.cost;
            union.atoms.extend(cover.atoms);
        }
        Some(union)
    }
}

/// Atoms one of which holds wherever the item does.
fn atoms(item: &Item) -> Option<Vec<Atom>> {
    let sights = match &item.test {
        Test::Texts(texts) => texts_sights(texts),
        Test::Regex(regex) => match literals::required(regex.as_str()) {
            Some(texts) => texts.into_iter().map(inside).collect(),
            None => vec![Sight::Present],
        },
        Test::Network(_) | Test::Number(..) | Test::Time(..) | Test::Other { .. } | Test::Exists(true) => {
            vec![Sight::Present]
        }
        Test::Never => Vec::new(),
        Test::Null | Test::Exists(false) => return None,
    };
    let target = item.target;
    // Every event has values, so that one is there tells nothing.
    let vague = target == Target::Anywhere && sights.contains(&Sight::Present);
    (!vague).then(|| sights.into_iter().map(|sight| Atom { target, sight }).collect())
}

fn inside(text: String) -> Sight {
    Sight::Part { text, starts: false, ends: false }
}

fn texts_sights(texts: &Texts) -> Vec<Sight> {
    let sight = |pattern: &Pattern| match pattern.clone().folded().shape() {
        Shape::Anything => Sight::Present,
        Shape::Exact(text) => Sight::Exact(text),
        Shape::Starts(text) => Sight::Part { text, starts: true, ends: false },
        Shape::Ends(text) => Sight::Part { text, starts: false, ends: true },
        Shape::Contains(text) => inside(text),
        Shape::Glob(glob) => match glob.literal() {
            Some((text, starts, ends)) => Sight::Part { text: text.to_owned(), starts, ends },
            None => Sight::Present,
        },
    };
    texts.patterns.iter().map(sight).collect()
}
