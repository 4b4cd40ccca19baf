//! Relabeling with Prometheus' meaning: pure steps over a set of labels.

use std::collections::BTreeMap;

use kernel::book::scrape::{Action, Relabel};
use md5::{Digest as _, Md5};

/// Labels on their way: an absent label is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSet(pub BTreeMap<String, String>);

impl LabelSet {
    /// The value of a label.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a label; empty removes it.
    pub fn set(&mut self, name: &str, value: String) {
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value);
        }
    }
}

/// Goes through the steps in order. `None` when one of them drops the labels.
#[must_use]
pub fn relabel(mut labels: LabelSet, steps: &[Relabel]) -> Option<LabelSet> {
    for step in steps {
        labels = one(labels, step)?;
    }
    Some(labels)
}

fn one(mut labels: LabelSet, step: &Relabel) -> Option<LabelSet> {
    let values: Vec<&str> = step.source.iter().map(|name| labels.get(name)).collect();
    let joined = values.join(&step.separator);
    let stays = match &step.action {
        Action::Keep(pattern) => pattern.meets(&joined),
        Action::Drop(pattern) => !pattern.meets(&joined),
        Action::KeepEqual(target) => labels.get(target) == joined,
        Action::DropEqual(target) => labels.get(target) != joined,
        _ => true,
    };
    change(&mut labels, &step.action, &joined);
    stays.then_some(labels)
}

fn change(labels: &mut LabelSet, action: &Action, joined: &str) {
    match action {
        Action::Replace { pattern, target, replacement } => {
            let Some(name) = pattern.expand(joined, target).filter(|name| is_label(name)) else { return };
            labels.set(&name, pattern.expand(joined, replacement).unwrap_or_default());
        }
        Action::Lowercase(target) => labels.set(target, joined.to_lowercase()),
        Action::Uppercase(target) => labels.set(target, joined.to_uppercase()),
        Action::HashMod { target, modulus } => labels.set(target, (hash(joined) % modulus.get()).to_string()),
        Action::LabelMap { pattern, replacement } => {
            let mapped =
                labels.0.iter().filter_map(|(name, value)| Some((pattern.expand(name, replacement)?, value.clone())));
            let mapped: Vec<(String, String)> = mapped.collect();
            mapped.into_iter().for_each(|(name, value)| labels.set(&name, value));
        }
        Action::LabelDrop(pattern) => labels.0.retain(|name, _| !pattern.meets(name)),
        Action::LabelKeep(pattern) => labels.0.retain(|name, _| pattern.meets(name)),
        Action::Keep(_) | Action::Drop(_) | Action::KeepEqual(_) | Action::DropEqual(_) => {}
    }
}

/// The last eight bytes of the MD5 sum, the most significant first. Prometheus' choice; nothing here needs it to be safe.
fn hash(text: &str) -> u64 {
    Md5::digest(text.as_bytes()).iter().skip(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// Whether a text is a label's name.
pub(super) fn is_label(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}
