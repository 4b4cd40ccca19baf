//! When templates become one: those that differ at the same places, once the words there are many.
//!
//! How many depends on what the words look like. Words of prose say what happened, so it takes many of them to believe
//! that any may stand there; names of things, and words after `user` or `from`, say to what it happened, so few do.

use super::dictionary::{ANY, Dictionary, FORM, Symbol, announces_name, is_capitals, is_name, may_vary_first};

/// The different words of prose at one place that make it vary.
const PROSE_MIN: usize = 5;
/// The different names that do; and words after one that announces a name.
const NAMES_MIN: usize = 3;
/// Enough when one of them is a value by its form.
const FORM_MIN: usize = 2;
/// The different words in capitals that do: states and methods are few, but each says something else.
const CAPITALS_MIN: usize = 2 * PROSE_MIN;
/// The words that must stand elsewhere before the first word of a line is believed to vary.
const AFTER_FIRST_MIN: usize = 5;
/// The most places at which templates may differ, as a share of their words: one in so many, and one at least.
const DIFFERENT_SHARE: usize = 3;
/// The most sets of places that are tried after a new template.
const TRIED_MAX: usize = 64;

/// A set of places in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Places(pub u64);

impl Places {
    fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether a place is in the set.
    pub(crate) fn has(self, place: usize) -> bool {
        u32::try_from(place).ok().and_then(|place| self.0.checked_shr(place)).is_some_and(|bits| bits & 1 == 1)
    }
}

/// Where two templates of one length differ, if they may become one: not at too many places, and alike in a word.
fn difference(a: &[Symbol], b: &[Symbol]) -> Option<Places> {
    let (mut places, mut alike) = (0_u64, 0_usize);
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        if a == b {
            alike += usize::from(*a > FORM);
        } else if *a != ANY && *b != ANY {
            places |= 1_u64.checked_shl(u32::try_from(at).ok()?)?;
        }
    }
    let places = Places(places);
    let allowed = (a.len() / DIFFERENT_SHARE).max(1);
    (places.0 != 0 && alike > 0 && places.count() <= allowed).then_some(places)
}

/// The places at which a template and some of its neighbours vary, and which of them: the fewest places that do.
pub(crate) fn variation<'a, K: Copy>(
    dictionary: &Dictionary,
    template: &'a [Symbol],
    neighbours: impl Iterator<Item = (K, &'a [Symbol])>,
) -> Option<(Places, Vec<K>)> {
    let near: Vec<(Places, K, &[Symbol])> =
        neighbours.filter_map(|(key, words)| Some((difference(template, words)?, key, words))).collect();
    let mut candidates: Vec<Places> = near.iter().map(|(places, ..)| *places).collect();
    candidates.sort_unstable_by_key(|places| (places.count(), *places));
    candidates.dedup();
    for places in candidates.into_iter().take(TRIED_MAX) {
        let alike = || near.iter().filter(|(other, ..)| other.within(places));
        let vary = (0..template.len()).filter(|place| places.has(*place)).all(|place| {
            let words = alike().filter_map(|(_, _, words)| words.get(place)).chain(template.get(place));
            varies(dictionary, template, place, words)
        });
        if vary {
            return Some((places, alike().map(|(_, key, _)| *key).collect()));
        }
    }
    None
}

/// Whether the words at one place are many enough.
fn varies<'a>(
    dictionary: &Dictionary,
    template: &[Symbol],
    place: usize,
    words: impl Iterator<Item = &'a Symbol>,
) -> bool {
    let mut values: Vec<Symbol> = words.copied().filter(|word| *word != ANY).collect();
    values.sort_unstable();
    values.dedup();
    values.len() >= enough(dictionary, template, place, &values)
}

/// How many different words make a place vary.
fn enough(dictionary: &Dictionary, template: &[Symbol], place: usize, values: &[Symbol]) -> usize {
    let most = |test: fn(&str) -> bool| {
        values.iter().filter(|value| test(dictionary.word(**value))).count() * 2 > values.len()
    };
    let Some(before) = place.checked_sub(1).and_then(|before| template.get(before)) else {
        let others = template.iter().filter(|word| **word > FORM).count().saturating_sub(1);
        let names = values.iter().all(|value| may_vary_first(dictionary.word(*value)));
        return if names && others >= AFTER_FIRST_MIN { NAMES_MIN } else { usize::MAX };
    };
    if most(is_capitals) {
        CAPITALS_MIN
    } else if values.contains(&FORM) {
        FORM_MIN
    } else if most(is_name) || announces_name(dictionary.word(*before)) {
        NAMES_MIN
    } else {
        PROSE_MIN
    }
}
