//! Log-source routing: which classes an event belongs to, told by few of its fields before any rule is looked at.

use std::collections::HashMap;

use super::index::{Candidates, Index, Variant};
use super::item::{Item, Target, Test, Texts, Tree};
use super::pipeline::Condition;
use super::text::Pattern;
use super::view::{FieldId, Fields, View};

use std::sync::Arc;

/// The classes of events that rules are asked of.
#[derive(Debug, Default)]
pub(super) struct Router {
    gates: Vec<Gate>,
    /// For each field that tells classes apart: its values, and the gates to try for each.
    keys: Vec<(FieldId, HashMap<String, Vec<usize>>)>,
    /// The gates that no single value tells.
    others: Vec<usize>,
}

/// One class of events and its rules.
#[derive(Debug)]
struct Gate {
    conditions: Vec<Item>,
    variants: Vec<Variant>,
    index: Index,
}

impl Gate {
    fn is_open(&self, view: &View<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(view))
    }
}

/// Classes with their rules, before the index is made.
#[derive(Debug, Default)]
pub(super) struct Classes {
    order: Vec<(Vec<Condition>, Vec<Variant>)>,
    places: HashMap<Vec<Condition>, usize>,
}

impl Classes {
    /// Puts a rule into a class.
    pub fn add(&mut self, when: &[Condition], variant: Variant) {
        let place = *self.places.entry(when.to_vec()).or_insert(self.order.len());
        if place == self.order.len() {
            self.order.push((when.to_vec(), Vec::new()));
        }
        if let Some((_, variants)) = self.order.get_mut(place) {
            variants.push(variant);
        }
    }

    /// The router over these classes.
    pub fn route(self, trees: &[Tree], fields: &mut Fields) -> Router {
        let mut router = Router::default();
        let uses = self.uses();
        for (when, variants) in self.order {
            let at = router.gates.len();
            match key(&when, &uses) {
                Some((field, values)) => router.key(fields.id(field), values, at),
                None => router.others.push(at),
            }
            let known = variants.iter().filter_map(|variant| Some((*variant, trees.get(*variant as usize)?)));
            let index = Index::new(known);
            let conditions = when.into_iter().map(|condition| item(condition, fields)).collect();
            router.gates.push(Gate { conditions, variants, index });
        }
        router
    }

    /// How many classes each value of each field tells.
    fn uses(&self) -> HashMap<(String, String), usize> {
        let mut uses = HashMap::new();
        for Condition { field, values } in self.order.iter().flat_map(|(when, _)| when) {
            for value in values.iter().filter_map(Pattern::plain) {
                *uses.entry((field.clone(), value.to_owned())).or_default() += 1;
            }
        }
        uses
    }
}

/// The condition that tells a class best: the values that are least used for others.
fn key<'c>(when: &'c [Condition], uses: &HashMap<(String, String), usize>) -> Option<(&'c str, Vec<String>)> {
    let plain = when.iter().filter_map(|Condition { field, values }| {
        let values: Option<Vec<String>> = values.iter().map(|value| Some(value.plain()?.to_owned())).collect();
        Some((field.as_str(), values?))
    });
    plain.min_by_key(|(field, values)| {
        let used = |value: &String| uses.get(&((*field).to_owned(), value.clone())).copied().unwrap_or(0);
        values.iter().map(used).sum::<usize>()
    })
}

fn item(condition: Condition, fields: &mut Fields) -> Item {
    let target = Target::Field(fields.id(&condition.field));
    Item { target, test: Test::Texts(Arc::new(Texts::new(condition.values, false))) }
}

impl Router {
    fn key(&mut self, field: FieldId, values: Vec<String>, gate: usize) {
        let known = self.keys.iter().position(|(known, _)| *known == field);
        let at = known.unwrap_or_else(|| {
            self.keys.push((field, HashMap::new()));
            self.keys.len() - 1
        });
        if let Some((_, gates)) = self.keys.get_mut(at) {
            values.into_iter().for_each(|value| gates.entry(value).or_default().push(gate));
        }
    }

    /// The rules that may match an event: what the indexes of its classes say.
    pub fn candidates(&self, view: &View<'_>, variants: usize) -> Candidates {
        let mut candidates = Candidates::new(variants);
        let mut tried: Vec<usize> = self.others.clone();
        for (field, gates) in &self.keys {
            let values = view.places(*field).filter_map(|place| view.folded(place));
            tried.extend(values.filter_map(|value| gates.get(value)).flatten());
        }
        for gate in tried.into_iter().filter_map(|gate| self.gates.get(gate)) {
            if gate.is_open(view) {
                gate.index.candidates(view, &mut candidates);
            }
        }
        candidates
    }

    /// All rules of all classes of an event, found without any index.
    pub fn scan(&self, view: &View<'_>) -> Vec<Variant> {
        let open = self.gates.iter().filter(|gate| gate.is_open(view));
        let mut all: Vec<Variant> = open.flat_map(|gate| gate.variants.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
