//! What is remembered of matches: for each rule how often and when, and what stands.

use std::collections::{BTreeMap, HashSet, VecDeque};

use jiff::Timestamp;
use kernel::book::sigma::Handled;
use kernel::{Fingerprint, Labels, RuleName};
use serde::{Deserialize, Serialize};

use super::super::rule::Rule;
use super::tell;
use crate::command::{Ruled, Verdict};
use crate::event::Cleared;
use crate::state::Signal;

/// The most signals of one rule that stand at once; the matches of further groups count for one that names no group.
pub const GROUPS_PER_RULE_MAX: usize = 100;
/// The most signals of all rules that stand at once; beyond, a rule has one that names no group.
pub const STANDING_MAX: usize = 20_000;
/// The longest value of a field that is remembered, in bytes; the rest is cut.
pub const VALUE_BYTES_MAX: usize = 500;
/// How many matches of a rule are remembered one by one.
const SIGHTS_MAX: usize = 5;
/// How many hours are counted apart.
const HOURS: usize = 24;

/// A match, or what a correlation or a baseline found, before it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// The fields that tell it from others of its rule, and their values.
    pub group: Vec<(String, String)>,
    /// When it happened.
    pub at: Timestamp,
    /// The fields and values that it rests on.
    pub evidence: Vec<(String, String)>,
    /// The service of the watchbook that it is about.
    pub service: Option<String>,
}

/// What is remembered of matches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    seen: BTreeMap<RuleName, Seen>,
    standing: BTreeMap<RuleName, Vec<Standing>>,
    events: u64,
    cut: u64,
    left_out: u64,
}

/// How often a rule matched, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The number of an hour since 1970, and the matches that came in it; the last [`HOURS`] with any.
    hours: VecDeque<(i64, u64)>,
    /// How often, since it was first in use.
    pub total: u64,
    /// When the last match came in.
    pub last: Option<Timestamp>,
    /// The last matches, the newest first.
    pub sights: VecDeque<Sight>,
}

/// One match, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// When it happened.
    pub at: Timestamp,
    /// The alert that it belongs to, or would.
    pub alert: Fingerprint,
    /// The group.
    pub group: Labels,
    /// What it rests on, in one line.
    pub evidence: String,
}

/// A match that stands: it is raised, or would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The fields that tell it from others of its rule.
    pub group: Labels,
    /// The labels of its alert.
    pub labels: Labels,
    /// The annotations of its alert.
    pub annotations: Labels,
    /// How many matches it stands for.
    pub count: u64,
    /// When the first of them happened.
    pub first: Timestamp,
    /// When the last of them happened.
    pub last: Timestamp,
    /// When the last of them came in.
    heard: Timestamp,
    /// Whether it was seen among what is raised.
    raised: bool,
}

impl Seen {
    fn count(&mut self, now: Timestamp, sight: Sight) {
        let hour = now.as_second().div_euclid(3600);
        match self.hours.back_mut() {
            Some((last, count)) if *last >= hour => *count = count.saturating_add(1),
            _ => self.hours.push_back((hour, 1)),
        }
        if self.hours.len() > HOURS {
            self.hours.pop_front();
        }
        self.total = self.total.saturating_add(1);
        self.last = Some(now);
        self.sights.push_front(sight);
        self.sights.truncate(SIGHTS_MAX);
    }

    /// How many matches came in during the last 24 hours, to the hour.
    #[must_use]
    pub fn in_a_day(&self, now: Timestamp) -> u64 {
        let from = now.as_second().div_euclid(3600) - 24;
        self.hours.iter().filter(|(hour, _)| *hour > from).map(|(_, count)| count).sum()
    }
}

impl Memory {
    /// How often a rule matched.
    #[must_use]
    pub fn seen(&self, rule: &RuleName) -> Option<&Seen> {
        self.seen.get(rule)
    }

    /// The matches of a rule that stand.
    #[must_use]
    pub fn standing(&self, rule: &RuleName) -> &[Standing] {
        self.standing.get(rule).map_or(&[], Vec::as_slice)
    }

    /// How many events were looked at.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many of them were too large to be looked at whole.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// How many events were left out, because there was no room for them.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn count(&mut self, is_cut: bool) {
        self.events = self.events.saturating_add(1);
        self.cut = self.cut.saturating_add(u64::from(is_cut));
    }

    pub(super) fn note_left_out(&mut self, events: u64) {
        self.left_out = self.left_out.saturating_add(events);
    }

    /// Remembers a hit of a rule in use.
    pub(super) fn note(&mut self, handled: Option<(&RuleName, &Handled)>, rule: &Rule, hit: Hit, now: Timestamp) {
        let Some((name, handled)) = handled else { return };
        let group = self.room(name, tell::group(&hit.group));
        let evidence = tell::evidence(&hit.evidence);
        let standing = self.standing.entry(name.clone()).or_default();
        let place = match standing.iter().position(|known| known.group == group) {
            Some(place) => place,
            None => {
                let labels = tell::labels(name, rule, handled, &group, hit.service.as_deref());
                let annotations = tell::annotations(rule, &group, &evidence, hit.at);
                let (count, first, last) = (0, hit.at, hit.at);
                let group = group.clone();
                standing.push(Standing { group, labels, annotations, count, first, last, heard: now, raised: false });
                standing.len() - 1
            }
        };
        let Some(known) = standing.get_mut(place) else { return };
        known.count = known.count.saturating_add(1);
        (known.first, known.last) = (known.first.min(hit.at), known.last.max(hit.at));
        known.heard = now;
        let sight = Sight { at: hit.at, alert: known.labels.fingerprint(), group, evidence };
        self.seen.entry(name.clone()).or_default().count(now, sight);
    }

    /// The group, or the one that stands for all for which there is no room.
    fn room(&self, name: &RuleName, group: Labels) -> Labels {
        let of_rule = self.standing(name);
        let is_known = of_rule.iter().any(|known| known.group == group);
        let all = || self.standing.values().map(Vec::len).sum::<usize>();
        if is_known || (of_rule.len() < GROUPS_PER_RULE_MAX && all() < STANDING_MAX) {
            group
        } else {
            Labels::default()
        }
    }

    pub(super) fn begin(&mut self, signal: &Signal, now: Timestamp) {
        let standing = self.standing.entry(signal.rule.clone()).or_default();
        if let Some(known) = standing.iter_mut().find(|known| known.group == signal.series) {
            (known.heard, known.raised) = (now, true);
            return;
        }
        standing.push(Standing {
            group: signal.series.clone(),
            labels: signal.labels.clone(),
            annotations: signal.annotations.clone(),
            count: 1,
            first: signal.since,
            last: signal.since,
            heard: now,
            raised: true,
        });
    }

    /// See [`super::Detection::outcomes`].
    pub(super) fn outcomes(
        &mut self,
        handled: &BTreeMap<RuleName, Handled>,
        raised: &[Signal],
        pages: &dyn Fn(&RuleName) -> bool,
        now: Timestamp,
    ) -> Vec<Ruled> {
        self.let_go(handled, now);
        let mut outcomes = Vec::new();
        for signal in raised {
            let standing = self.standing.get_mut(&signal.rule);
            match standing.and_then(|all| all.iter_mut().find(|known| known.group == signal.series)) {
                Some(known) => known.raised = true,
                None => outcomes.push(Ruled {
                    rule: signal.rule.clone(),
                    identity: signal.series.clone(),
                    verdict: Verdict::Cleared { value: None, why: Cleared::Quiet },
                }),
            }
        }
        let known: HashSet<(&RuleName, &Labels)> = raised.iter().map(|signal| (&signal.rule, &signal.series)).collect();
        for (rule, standing) in &mut self.standing {
            // What was raised and is no more, a person has dismissed.
            standing.retain(|one| !one.raised || known.contains(&(rule, &one.group)));
            if pages(rule) {
                outcomes.extend(standing.iter().filter(|known| !known.raised).map(|known| raise(rule, known)));
            }
        }
        outcomes
    }

    /// Lets go of what has been quiet for long enough, and of rules that are no longer in use.
    fn let_go(&mut self, handled: &BTreeMap<RuleName, Handled>, now: Timestamp) {
        self.standing.retain(|rule, standing| {
            let Some(handled) = handled.get(rule) else { return false };
            standing.retain(|known| handled.quiet.after(known.heard) > now);
            !standing.is_empty()
        });
        self.seen.retain(|rule, _| handled.contains_key(rule));
    }
}

fn raise(rule: &RuleName, known: &Standing) -> Ruled {
    let (labels, annotations) = (known.labels.clone(), known.annotations.clone());
    let value = known.count as f64;
    Ruled { rule: rule.clone(), identity: known.group.clone(), verdict: Verdict::Raised { labels, annotations, value } }
}
