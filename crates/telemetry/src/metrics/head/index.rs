//! The inverted index of the head: from a label and its value to the series that have it. Texts stand once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use promql::Labels;

use crate::metrics::Reason;
use crate::metrics::ids::insert;
use crate::metrics::settings::Settings;

/// Names, their values, and the series of each, in ascending order.
#[derive(Debug, Default)]
pub(in crate::metrics) struct Index {
    names: HashMap<Arc<str>, HashMap<Arc<str>, Ids>>,
}

/// Series in ascending order; most values belong to one series only.
#[derive(Debug)]
enum Ids {
    One(u32),
    Many(Vec<u32>),
}

impl Ids {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }

    fn add(&mut self, id: u32) {
        match self {
            Self::One(one) => {
                let mut many = vec![*one];
                insert(&mut many, id);
                *self = Self::Many(many);
            }
            Self::Many(ids) => insert(ids, id),
        }
    }

    /// Removes the dead, and says whether none is left.
    fn bury(&mut self, dead: &HashSet<u32>) -> bool {
        match self {
            Self::One(id) => dead.contains(id),
            Self::Many(ids) => {
                ids.retain(|id| !dead.contains(id));
                ids.is_empty()
            }
        }
    }
}

impl Index {
    /// Whether the names and values of a new series still have room.
    pub(in crate::metrics) fn has_room(&self, pairs: &[(&str, &str)], settings: &Settings) -> Result<(), Reason> {
        let mut fresh = 0;
        for (name, value) in pairs {
            match self.names.get(*name) {
                None => fresh += 1,
                Some(values) if values.len() >= settings.values_per_name && !values.contains_key(*value) => {
                    return Err(Reason::OverValues);
                }
                Some(_) => {}
            }
        }
        if self.names.len() + fresh > settings.names { Err(Reason::OverNames) } else { Ok(()) }
    }

    /// Enters a series under its labels, and returns them with the texts that stand here.
    pub(in crate::metrics) fn add(&mut self, id: u32, pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| self.add_pair(id, name, value)).collect()
    }

    fn add_pair(&mut self, id: u32, name: &str, value: &str) -> (Arc<str>, Arc<str>) {
        let known = self.names.get_key_value(name).map(|(name, _)| name.clone());
        let name = known.unwrap_or_else(|| Arc::from(name));
        let values = self.names.entry(name.clone()).or_default();
        if let Some((text, _)) = values.get_key_value(value) {
            let text = text.clone();
            if let Some(ids) = values.get_mut(value) {
                ids.add(id);
            }
            return (name, text);
        }
        let text: Arc<str> = value.into();
        values.insert(text.clone(), Ids::One(id));
        (name, text)
    }

    /// Takes out series that are gone; `pairs` are all labels that any of them had.
    pub(in crate::metrics) fn bury(&mut self, dead: &HashSet<u32>, pairs: &BTreeSet<(&str, &str)>) {
        for (name, value) in pairs {
            let Some(values) = self.names.get_mut(*name) else { continue };
            if values.get_mut(*value).is_some_and(|ids| ids.bury(dead)) {
                values.remove(*value);
            }
            if values.is_empty() {
                self.names.remove(*name);
            }
        }
    }

    pub(in crate::metrics) fn ids(&self, name: &str, value: &str) -> Cow<'_, [u32]> {
        let ids = self.names.get(name).and_then(|values| values.get(value));
        Cow::Borrowed(ids.map_or(&[], Ids::as_slice))
    }

    pub(in crate::metrics) fn count(&self, name: &str) -> usize {
        self.names.get(name).map_or(0, HashMap::len)
    }

    pub(in crate::metrics) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.keys()
    }

    pub(in crate::metrics) fn values(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        self.names.get(name).into_iter().flat_map(HashMap::keys)
    }

    /// The series of all values for which `keep` says yes, value by value.
    pub(in crate::metrics) fn lists(&self, name: &str, keep: &mut dyn FnMut(&str) -> bool) -> Vec<&[u32]> {
        let values = self.names.get(name).into_iter().flatten();
        values.filter(|(value, _)| keep(value)).map(|(_, ids)| ids.as_slice()).collect()
    }
}
