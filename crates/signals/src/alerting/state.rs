//! What is remembered between two evaluations. It can be written and read again, so that it survives a restart.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use promql::{Labels, Millis};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::flap::History;
use crate::anomaly::Learnt;

/// What the rules of a group remember, by each rule's identity, which an edit of its query, times or annotations keeps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    pub(super) rules: BTreeMap<String, RuleState>,
    /// When the whole group was last evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Millis>,
}

/// What one rule remembers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RuleState {
    /// Its alerts by the labels that identify them.
    #[serde(with = "by_identity")]
    pub(super) alerts: BTreeMap<Labels, Instance>,
    /// The series that its last evaluation wrote.
    #[serde(with = "sets", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) written: Vec<Labels>,
    /// Series that were seen, and when last; kept where the rule raises an alert for missing ones.
    #[serde(with = "seen", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) known: BTreeMap<Labels, Millis>,
    /// What its calls of `anomaly(..)` have learnt. It is large and changes with each evaluation, and so is kept apart from
    /// the rest: see [`State::learnt`].
    #[serde(skip)]
    pub(super) learnt: Learnt,
}

/// One alert of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// The labels that identify it.
    #[serde(with = "set")]
    pub identity: Labels,
    /// Its labels.
    #[serde(with = "set")]
    pub labels: Labels,
    /// The labels of the series that it stands for, without the metric's name.
    #[serde(with = "set")]
    pub series: Labels,
    /// Its annotations, rendered at the last evaluation that had its series.
    pub annotations: Vec<(String, String)>,
    /// The value of that evaluation.
    #[serde(with = "bits")]
    pub value: f64,
    /// Where in its life it is.
    pub phase: Phase,
    /// Since when its condition has held.
    pub active_at: Millis,
    /// Since when it only fires because of `keep_firing_for`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keep_since: Option<Millis>,
    /// Since when its series have been missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Millis>,
    /// Whether that was said.
    #[serde(default)]
    pub(super) missing_told: bool,
    /// When its condition last held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) held_at: Option<Millis>,
    /// In which of the last evaluations its condition held.
    #[serde(default)]
    pub(super) held: History,
    /// In which of the last evaluations it fired.
    #[serde(default)]
    pub(super) fired: History,
    /// Whether its changes are folded.
    #[serde(default)]
    pub flapping: bool,
    /// Whether it is raised, for all that is known outside.
    pub raised: bool,
}

/// Where in its life an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its condition does not hold; it is only remembered for what was before.
    Inactive,
    /// Its condition holds, but not yet for long enough.
    Pending,
    /// It fires.
    Firing,
    /// It fired, and is over since this instant.
    Resolved(Millis),
}

impl Instance {
    /// Whether it fires, for all that is known outside.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        self.raised
    }

    fn essence(&self, hasher: &mut DefaultHasher) {
        (&self.identity, &self.labels, self.phase, self.active_at, self.keep_since).hash(hasher);
        (self.missing_since, self.missing_told, self.held, self.fired, self.flapping, self.raised).hash(hasher);
    }

    /// Whether it is pending or firing.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.raised || matches!(self.phase, Phase::Pending | Phase::Firing)
    }
}

impl RuleState {
    /// Whether it remembers nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.written.is_empty() && self.known.is_empty() && self.learnt.is_empty()
    }
}

impl State {
    /// Whether no rule remembers anything. A rule that remembers nothing has no place in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// A number that is another one when anything has changed that has to be known after a restart. Values and annotations
    /// are made anew by every evaluation and do not count.
    #[must_use]
    pub fn essence(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (key, rule) in &self.rules {
            (key, &rule.written, &rule.known, rule.alerts.len()).hash(&mut hasher);
            rule.alerts.values().for_each(|alert| alert.essence(&mut hasher));
        }
        hasher.finish()
    }

    /// What calls of `anomaly(..)` have learnt, by the rule's identity.
    #[must_use]
    pub fn learnt(&self) -> BTreeMap<&str, &Learnt> {
        let all = self.rules.iter().map(|(key, rule)| (&**key, &rule.learnt));
        all.filter(|(_, learnt)| !learnt.is_empty()).collect()
    }

    /// Puts back what [`State::learnt`] gave.
    pub fn relearn(&mut self, learnt: BTreeMap<String, Learnt>) {
        learnt.into_iter().for_each(|(key, learnt)| self.rules.entry(key).or_default().learnt = learnt);
    }

    /// The alerts of a rule that are pending or firing, by the rule's identity: see [`super::AlertPlan::key`].
    pub fn active(&self, key: &str) -> impl Iterator<Item = &Instance> {
        let all = self.rules.get(key).into_iter().flat_map(|rule| rule.alerts.values());
        all.filter(|alert| alert.is_active())
    }

    /// Every alert that is pending or firing, with its rule's identity.
    pub fn all_active(&self) -> impl Iterator<Item = (&str, &Instance)> {
        let all = self.rules.iter().flat_map(|(key, rule)| rule.alerts.values().map(move |alert| (&**key, alert)));
        all.filter(|(_, alert)| alert.is_active())
    }
}

/// A set of labels as pairs.
mod set {
    use super::{Deserialize, Deserializer, Labels, Serializer};

    pub fn serialize<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(labels.iter())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer).map(Labels::from_pairs)
    }
}

/// A set of labels on its own, for the forms below.
#[derive(Serialize, Deserialize)]
struct Named(#[serde(with = "set")] Labels);

/// Several sets of labels.
mod sets {
    use super::{Deserialize, Deserializer, Labels, Named, Serializer};

    pub fn serialize<S: Serializer>(all: &[Labels], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.iter().map(|labels| Named(labels.clone())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Labels>, D::Error> {
        Ok(Vec::<Named>::deserialize(deserializer)?.into_iter().map(|named| named.0).collect())
    }
}

/// Sets of labels and an instant each.
mod seen {
    use super::{BTreeMap, Deserialize, Deserializer, Labels, Millis, Named, Serializer};

    pub fn serialize<S: Serializer>(all: &BTreeMap<Labels, Millis>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.iter().map(|(labels, at)| (Named(labels.clone()), at)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Labels, Millis>, D::Error> {
        Ok(Vec::<(Named, Millis)>::deserialize(deserializer)?.into_iter().map(|(named, at)| (named.0, at)).collect())
    }
}

/// Alerts as a list; each knows what identifies it.
mod by_identity {
    use super::{BTreeMap, Deserialize, Deserializer, Instance, Labels, Serializer};

    pub fn serialize<S: Serializer>(all: &BTreeMap<Labels, Instance>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.values())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<Labels, Instance>, D::Error> {
        let all = Vec::<Instance>::deserialize(deserializer)?;
        Ok(all.into_iter().map(|alert| (alert.identity.clone(), alert)).collect())
    }
}

/// A number by its bits, because JSON has neither NaN nor infinities.
mod bits {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_bits().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}
