//! What in an event made a rule match: the values that its tests passed.

use super::item::{Item, Target, Tree};
use super::view::View;

/// The most values that are shown for one match.
pub const EVIDENCE_MAX: usize = 20;

/// A field and the value that passed a test of the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The field as it is called in the event.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// The values that passed tests which the match rests on. What must not be there is no evidence.
pub(super) fn of(tree: &Tree, view: &View<'_>) -> Vec<Evidence> {
    let mut places = Vec::new();
    collect(tree, view, &mut places);
    places.sort_unstable();
    places.dedup();
    let shown = |place: usize| {
        let value = view.text(place)?.into_owned();
        Some(Evidence { field: view.name(place)?.to_owned(), value })
    };
    places.into_iter().take(EVIDENCE_MAX).filter_map(shown).collect()
}

fn collect(tree: &Tree, view: &View<'_>, places: &mut Vec<usize>) {
    match tree {
        Tree::Item(item) => passed(item, view, places),
        Tree::Named(tree) => collect(tree, view, places),
        Tree::All(trees) | Tree::Any(trees) | Tree::AtLeast(_, trees) => {
            trees.iter().filter(|tree| tree.holds(view)).for_each(|tree| collect(tree, view, places));
        }
        Tree::Not(_) => {}
    }
}

fn passed(item: &Item, view: &View<'_>, places: &mut Vec<usize>) {
    match item.target {
        Target::Field(field) => places.extend(view.places(field).filter(|place| item.test.passes(view, *place))),
        Target::Anywhere => places.extend(view.everywhere().filter(|place| item.test.passes(view, *place))),
    }
}
