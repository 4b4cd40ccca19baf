//! Values of single keys, each with a note when it is not what it must be, and the block `watchkeeper:`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use kernel::Seconds;
use kernel::book::slo::{Slo, Tier};

use super::{demand, keys};
use crate::watchbook::finding::{Note, Spot};
use crate::watchbook::rule::{self, Rule};
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Key, Node, Value};

/// The most characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// The entries of a map.
pub(super) type Entries = [(Key, Node)];

/// Notes that a demand is not met.
pub(super) fn refuse(at: Spot, demand: &'static Rule, message: String, hint: &str, reader: &mut Reader<'_>) {
    reader.notes.push(Note { at, rule: demand, message, hint: Some(hint.to_owned()) });
}

/// The value of a key, unless it is absent or null.
pub(super) fn given<'n>(entries: &'n Entries, name: &str) -> Option<&'n Node> {
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node).filter(|node| !node.is_null())
}

/// The value of a key that is written in one of two ways.
pub(super) fn either<'n>(entries: &'n Entries, [a, b]: [&str; 2]) -> Option<&'n Node> {
    given(entries, a).or_else(|| given(entries, b))
}

/// The map under a key, with these keys; others leave a warning.
pub(super) fn map_of<'n>(
    entries: &'n Entries,
    name: &str,
    known: &[&'static str],
    reader: &mut Reader<'_>,
) -> Option<&'n Entries> {
    keys(given(entries, name)?, known, reader)
}

/// The text of a key.
pub(super) fn text_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> Option<String> {
    given(entries, name).and_then(|node| reader.text(node)).map(str::to_owned)
}

/// The items of a list under a key; none when the key is absent.
pub(super) fn list_of<'n>(entries: &'n Entries, name: &str, reader: &mut Reader<'_>) -> &'n [Node] {
    given(entries, name).and_then(|node| reader.list(node)).unwrap_or_default()
}

/// A name under a key that must be there.
pub(super) fn name_of(node: &Node, entries: &Entries, key: &str, reader: &mut Reader<'_>) -> Option<String> {
    let name = text_of(entries, key, reader);
    let good = |name: &String| {
        !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control)
    };
    if name.as_ref().is_some_and(good) {
        return name;
    }
    let at = given(entries, key).map_or(node.at, |node| node.at);
    let message = format!("`{key}` is missing, or is no name");
    let hint = format!("add `{key}:` with at most {NAME_CHARS_MAX} characters on one line");
    refuse(at, &demand::NAME, message, &hint, reader);
    None
}

/// A map of texts.
pub(super) fn texts(node: &Node, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let entries = reader.map(node).unwrap_or_default();
    let value = |(key, value): &(Key, Node)| match &value.value {
        Value::Text { text, .. } => Some((key.text.clone(), text.clone())),
        _ => reader.text(value).map(|text| (key.text.clone(), text.to_owned())),
    };
    entries.iter().filter_map(value).collect()
}

/// A map of texts under a key; empty when the key is absent.
pub(super) fn texts_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    given(entries, name).map(|node| texts(node, reader)).unwrap_or_default()
}

/// A map of labels under a key.
pub(super) fn labels_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let node = given(entries, name);
    let wrong = node.and_then(|node| reader.map(node)).unwrap_or_default();
    for (key, _) in wrong.iter().filter(|(key, _)| key.text.is_empty() || key.text == "__name__") {
        let message = format!("`{}` is no name for a label", key.text);
        refuse(key.at, &demand::LABEL, message, "give it another name", reader);
    }
    texts_of(entries, name, reader)
}

/// A number.
pub(super) fn number(node: &Node, reader: &mut Reader<'_>) -> Option<f64> {
    let written = reader.text(node)?;
    let parsed = written.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    if parsed.is_none() {
        refuse(node.at, &rule::NUMBER, format!("`{written}` is not a number"), "write it like 99.9", reader);
    }
    parsed
}

/// Yes or no under a key; no when it is absent.
pub(super) fn flag_of(entries: &Entries, name: &str, reader: &mut Reader<'_>) -> bool {
    let Some(node) = given(entries, name) else { return false };
    match reader.text(node) {
        Some("true") => true,
        Some("false") | None => false,
        Some(other) => {
            let message = format!("`{other}` is not true or false");
            refuse(node.at, &rule::WORD, message, "write true or false", reader);
            false
        }
    }
}

/// A duration.
pub(super) fn span(node: &Node, reader: &mut Reader<'_>) -> Option<Seconds> {
    let written = reader.text(node)?;
    match written.parse() {
        Ok(span) => Some(span),
        Err(error) => {
            refuse(node.at, &demand::WINDOWS, format!("{error}"), "write it like 5m, 1h30m or 30d", reader);
            None
        }
    }
}

/// What goes beyond the form: the block `watchkeeper:`.
pub(super) fn beyond(entries: &Entries, slo: &mut Slo, reader: &mut Reader<'_>) {
    let Some(block) = map_of(entries, "watchkeeper", &["min_events", "drop", "period"], reader) else { return };
    if let Some(node) = given(block, "min_events") {
        slo.min_events = reader.text(node).and_then(|text| text.parse::<NonZeroU32>().ok());
        if slo.min_events.is_none() {
            let message = "`min_events` is not a whole number above zero".to_owned();
            refuse(node.at, &demand::BEYOND, message, "write it like 10", reader);
        }
    }
    slo.dropped = tiers(block, reader);
    if let Some(period) = given(block, "period").and_then(|node| span(node, reader)) {
        slo.period = Some(period);
    }
}

fn tiers(block: &Entries, reader: &mut Reader<'_>) -> BTreeSet<Tier> {
    let mut dropped = BTreeSet::new();
    for node in list_of(block, "drop", reader) {
        let Some(word) = reader.text(node) else { continue };
        match Tier::ALL.into_iter().find(|tier| tier.word() == word) {
            Some(tier) => {
                dropped.insert(tier);
            }
            None => {
                let known = Tier::ALL.map(Tier::word).join(", ");
                refuse(
                    node.at,
                    &demand::BEYOND,
                    format!("there is no tier `{word}`"),
                    &format!("name one of {known}"),
                    reader,
                );
            }
        }
    }
    dropped
}
