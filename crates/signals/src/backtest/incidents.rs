//! Past incidents: which of them a rule would have caught, and how early.
//!
//! A firing *catches* an incident when it has the label `service` with one of the incident's services, was raised no
//! earlier than [`CAUGHT_BEFORE`] before the trouble began and before it was over, and was not over itself more than
//! [`FLAP_WITHIN`] before the trouble began. The earliest such firing counts. How early it is, is counted to the
//! declaration: that is when people knew.
//!
//! A rule is asked only about incidents of services that it speaks about: those in its labels, in the series that it
//! looks at, or in its firings. An incident of another service is none that it missed.

use std::collections::{BTreeMap, BTreeSet};

use promql::{Labels, Millis};
use serde::{Deserialize, Serialize};

use super::FLAP_WITHIN;
use super::firing::{Firing, Firings};

/// The label that says which service an alert is about.
pub const SERVICE: &str = "service";
/// How long before the trouble began a firing may have been raised to have caught it, in milliseconds.
pub const CAUGHT_BEFORE: Millis = 3_600_000;
/// The most incidents that a replay is judged by; the newest count.
pub const INCIDENTS_MAX: usize = 500;

/// An incident of the past. Instants are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastIncident {
    /// Its name.
    pub id: String,
    /// The services that were hurt.
    pub services: Vec<String>,
    /// When the trouble was first noticed, by a machine or by its declaration.
    pub began: Millis,
    /// When it was declared.
    pub declared: Millis,
    /// When it was over; `None` when it is not.
    pub ended: Option<Millis>,
}

/// What a rule, or a file of rules, would have made of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The incident.
    pub id: String,
    /// When it was declared.
    pub declared: Millis,
    /// When the first firing was raised that catches it; `None` where it was missed.
    pub raised: Option<Millis>,
    /// How long before the declaration that was, in milliseconds; negative for later.
    pub early_by: Option<Millis>,
    /// The rule that fired first.
    pub by: Option<String>,
}

impl PastIncident {
    fn is_caught_by(&self, firing: &Firing) -> bool {
        let lasted_into = firing.cleared.is_none_or(|over| over >= self.began.saturating_sub(FLAP_WITHIN));
        let before_its_end = self.ended.is_none_or(|ended| firing.raised <= ended);
        firing.raised >= self.began.saturating_sub(CAUGHT_BEFORE) && before_its_end && lasted_into
    }

    fn is_about(&self, services: &BTreeSet<String>) -> bool {
        self.services.iter().any(|service| services.contains(service))
    }
}

/// The firings of a rule by service, in order of raising.
pub(super) struct ByService<'a>(BTreeMap<&'a str, Vec<&'a Firing>>);

impl<'a> ByService<'a> {
    pub fn of(firings: &'a Firings) -> Self {
        let mut all: BTreeMap<&str, Vec<&Firing>> = BTreeMap::new();
        for firing in &firings.all {
            all.entry(firing.labels.get(SERVICE)).or_default().push(firing);
        }
        Self(all)
    }

    /// The services that fired.
    pub fn services(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied().filter(|service| !service.is_empty())
    }

    /// When the first firing was raised that catches an incident.
    pub fn caught(&self, incident: &PastIncident) -> Option<Millis> {
        let of_service = incident.services.iter().filter_map(|service| self.0.get(&**service));
        let first = of_service.filter_map(|firings| {
            let from = firings.partition_point(|firing| firing.raised < incident.began.saturating_sub(CAUGHT_BEFORE));
            let late = firings.get(from..).unwrap_or_default();
            late.iter().find(|firing| incident.is_caught_by(firing)).map(|firing| firing.raised)
        });
        first.min()
    }

    /// How many pages these firings make, where each service has one page at a time: a firing that begins while another of
    /// its service is up joins that page.
    pub fn pages(&self) -> usize {
        self.0.values().map(|firings| bursts(firings)).sum()
    }
}

fn bursts(firings: &[&Firing]) -> usize {
    let (mut pages, mut until) = (0, None::<Millis>);
    for firing in firings {
        if until.is_none_or(|until| firing.raised > until) {
            pages += 1;
        }
        until = until.max(Some(firing.cleared.unwrap_or(Millis::MAX)));
    }
    pages
}

/// The services that a rule speaks about.
pub(super) fn spoken(own: Option<&str>, seen: &BTreeSet<String>, fired: &ByService<'_>) -> BTreeSet<String> {
    match own {
        Some(own) => BTreeSet::from([own.to_owned()]),
        None => seen.iter().cloned().chain(fired.services().map(str::to_owned)).collect(),
    }
}

/// The services in the labels of series.
pub(super) fn services_in(labels: &[Labels]) -> impl Iterator<Item = &str> {
    labels.iter().map(|labels| labels.get(SERVICE)).filter(|service| !service.is_empty())
}

/// What a rule would have made of each incident of the services that it speaks about.
pub(super) fn judge(
    rule: &str,
    fired: &ByService<'_>,
    services: &BTreeSet<String>,
    incidents: &[PastIncident],
) -> Vec<Judged> {
    let about = incidents.iter().filter(|incident| incident.is_about(services));
    about.map(|incident| judged(incident, fired.caught(incident), rule)).collect()
}

fn judged(incident: &PastIncident, raised: Option<Millis>, rule: &str) -> Judged {
    Judged {
        id: incident.id.clone(),
        declared: incident.declared,
        raised,
        early_by: raised.map(|raised| incident.declared.saturating_sub(raised)),
        by: raised.map(|_| rule.to_owned()),
    }
}

/// What all rules together would have made of the incidents that any of them speaks about: the earliest firing counts.
pub(super) fn joined<'a>(of_rules: impl Iterator<Item = &'a Judged>) -> Vec<Judged> {
    let mut all: BTreeMap<(Millis, &str), &Judged> = BTreeMap::new();
    for judged in of_rules {
        let best = all.entry((judged.declared, &judged.id)).or_insert(judged);
        if judged.raised.is_some_and(|raised| best.raised.is_none_or(|best| raised < best)) {
            *best = judged;
        }
    }
    all.into_values().cloned().collect()
}
