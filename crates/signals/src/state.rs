//! What this room remembers: raised signals and recent changes, folded from facts; and notes, heard but never facts.

use std::collections::{BTreeMap, VecDeque};

use kernel::area::Context;
use kernel::book::sigma::Handled;
use kernel::{Fingerprint, Labels, RuleName, Timestamp, time};
use serde::{Deserialize, Serialize};

use crate::command::Look;
use crate::event::{Change, Event, Kind};
use crate::judged::{Fired, Judged, sigma_handling};
use crate::sigma::{Handling, Verdict};
use crate::{CHANGES_KEPT_MAX, HOLD_GAP_MAX, SERIES_MISSING_AFTER, words};

/// Something by rule and series.
type BySeries<T> = BTreeMap<RuleName, BTreeMap<Labels, T>>;

/// What is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    #[serde(with = "as_list")]
    raised: BySeries<Signal>,
    failing: BTreeMap<RuleName, Signal>,
    changes: VecDeque<Change>,
    #[serde(default)]
    judged: BTreeMap<RuleName, Judged>,
    /// What Sigma rules raised last, to be judged.
    #[serde(default)]
    fired: BTreeMap<RuleName, Fired>,
    #[serde(skip)]
    notes: BySeries<Note>,
    #[serde(skip)]
    check_notes: BTreeMap<RuleName, CheckNote>,
}

/// A raised signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The rule or the check.
    pub rule: RuleName,
    /// Which of the two it is.
    pub kind: Kind,
    /// The series that was looked at; empty for a check.
    pub series: Labels,
    /// The labels of its alert.
    pub labels: Labels,
    /// The annotations of its alert.
    pub annotations: Labels,
    /// The value that raised it, where it is a finite number.
    pub value: Option<f64>,
    /// What happened, in one line.
    pub summary: String,
    /// When it was raised.
    pub since: Timestamp,
}

/// What was last heard of a series that is raised or on its way there. Lost at a restart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// Since when the raising condition holds.
    pub holds_since: Option<Timestamp>,
    /// When it last had a value.
    pub seen: Timestamp,
    /// That value.
    pub value: f64,
}

/// What was last heard of a check. Lost at a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckNote {
    /// Whether the last answer was healthy.
    pub healthy: bool,
    /// How many such answers there were in a row.
    pub in_a_row: u32,
    /// The last looks since it last cleared: bit 0 is the newest, and a set bit a failure.
    pub history: u128,
    /// When the last healthy answer came.
    pub healthy_at: Option<Timestamp>,
    /// The kind of failure in one word; empty when healthy.
    pub fault: &'static str,
    /// When the last one came.
    pub at: Timestamp,
    /// What was wrong; empty when healthy.
    pub reason: String,
    /// How long the answer took, in milliseconds.
    pub latency_ms: u32,
}

/// What a look at a check, or a beat, says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub healthy: bool,
    pub fault: &'static str,
    pub reason: &'a str,
    pub latency_ms: u32,
}

impl Heard<'_> {
    /// What a beat says.
    pub(crate) const BEAT: Self = Heard { healthy: true, fault: "", reason: "", latency_ms: 0 };
}

impl State {
    /// All raised signals: those of rules by rule and series, then those of checks by name.
    pub fn raised(&self) -> impl Iterator<Item = &Signal> {
        self.raised.values().flat_map(BTreeMap::values).chain(self.failing.values())
    }

    /// The raised signal of a rule and a series.
    #[must_use]
    pub fn signal(&self, rule: &RuleName, series: &Labels) -> Option<&Signal> {
        self.raised.get(rule)?.get(series)
    }

    /// Whether any raised signal has an alert of these labels: two rules may raise one alert together.
    #[must_use]
    pub fn carries(&self, labels: &Labels) -> bool {
        self.raised().any(|signal| signal.labels == *labels)
    }

    /// The raised signal of a check.
    #[must_use]
    pub fn failing(&self, check: &RuleName) -> Option<&Signal> {
        self.failing.get(check)
    }

    /// What responders said of the alerts of a Sigma rule.
    #[must_use]
    pub fn judged(&self, rule: &RuleName) -> Option<&Judged> {
        self.judged.get(rule)
    }

    /// When a Sigma rule last raised an alert; `None` where it did not, or long ago.
    #[must_use]
    pub fn fired(&self, rule: &RuleName, alert: Fingerprint) -> Option<Timestamp> {
        let raised = || self.raised_by(rule).find(|signal| signal.labels.fingerprint() == alert);
        self.fired.get(rule).and_then(|fired| fired.last(alert)).or_else(|| Some(raised()?.since))
    }

    /// What responders said of an alert of a Sigma rule, as it was raised last.
    #[must_use]
    pub fn verdict(&self, rule: &RuleName, alert: Fingerprint) -> Option<Verdict> {
        self.judged(rule)?.verdict(alert, self.fired(rule, alert))
    }

    /// What is done with the matches of a Sigma rule.
    #[must_use]
    pub fn handling(&self, rule: &RuleName, handled: &Handled) -> Handling {
        sigma_handling(handled, self.judged(rule).map(Judged::verdicts).unwrap_or_default())
    }

    /// The raised signals of one rule.
    pub(crate) fn raised_by(&self, rule: &RuleName) -> impl Iterator<Item = &Signal> {
        self.raised.get(rule).into_iter().flat_map(BTreeMap::values)
    }

    /// Whether a raised signal has had no value for longer than [`SERIES_MISSING_AFTER`]. For so long after a restart
    /// nothing is known, and nothing is called missing.
    #[must_use]
    pub fn missing(&self, signal: &Signal, now: Timestamp) -> bool {
        let note = self.note(&signal.rule, &signal.series);
        signal.kind == Kind::Rule && note.is_some_and(|n| time::between(n.seen, now) > SERIES_MISSING_AFTER)
    }

    /// What was last heard of a series that is raised or pending.
    #[must_use]
    pub fn note(&self, rule: &RuleName, series: &Labels) -> Option<&Note> {
        self.notes.get(rule)?.get(series)
    }

    /// What was last heard of a check.
    #[must_use]
    pub fn check(&self, check: &RuleName) -> Option<&CheckNote> {
        self.check_notes.get(check)
    }

    /// The series whose raising condition holds, but not yet for long enough; by rule and series.
    pub fn pending(&self) -> impl Iterator<Item = (&RuleName, &Labels, &Note)> {
        let all = self.notes.iter().flat_map(|(rule, of)| of.iter().map(move |(series, note)| (rule, series, note)));
        all.filter(|(rule, series, note)| note.holds_since.is_some() && self.signal(rule, series).is_none())
    }

    /// The changes remembered, newest report first.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().rev()
    }

    pub(crate) fn evolve(&mut self, at: Timestamp, event: &Event) {
        match event.clone() {
            Event::SignalRaised { rule, kind, series, labels, annotations, value, summary } => {
                if kind == Kind::Sigma {
                    self.fired.entry(rule.clone()).or_default().note(labels.fingerprint(), at);
                }
                let signal = Signal { rule, kind, series, labels, annotations, value, summary, since: at };
                match kind {
                    Kind::Rule | Kind::Alerting | Kind::Sigma | Kind::Pattern => {
                        let of_rule = self.raised.entry(signal.rule.clone()).or_default();
                        of_rule.insert(signal.series.clone(), signal);
                    }
                    Kind::Check => drop(self.failing.insert(signal.rule.clone(), signal)),
                }
            }
            Event::SignalCleared {
                rule,
                kind: Kind::Rule | Kind::Alerting | Kind::Sigma | Kind::Pattern,
                series,
                ..
            } => {
                remove(&mut self.raised, &rule, &series);
                remove(&mut self.notes, &rule, &series);
            }
            Event::SignalCleared { rule, kind: Kind::Check, .. } => self.clear_check(&rule),
            Event::RuleJudged { rule, alert, since, verdict, .. } => {
                let judged = self.judged.entry(rule).or_default();
                *judged = std::mem::take(judged).and(alert, since, verdict);
            }
            // It follows from the verdicts.
            Event::TuningAsked { .. } => {}
            Event::ChangeReported { change } => {
                self.changes.push_back(change);
                if self.changes.len() > CHANGES_KEPT_MAX {
                    self.changes.pop_front();
                }
            }
        }
    }

    pub(crate) fn note_looks(&mut self, context: &Context<'_>, looks: &[Look]) {
        for look in looks {
            if let (Some(rule), Some(value)) = (context.book.rules.get(&look.rule), look.value) {
                self.note_look(context.now, look, rule.raise.holds(value), value);
            }
        }
        let raised = &self.raised;
        self.notes.retain(|rule, notes| {
            let of_rule = raised.get(rule);
            let is_raised = |series: &Labels| of_rule.is_some_and(|signals| signals.contains_key(series));
            notes.retain(|series, note| time::between(note.seen, context.now) <= HOLD_GAP_MAX || is_raised(series));
            !notes.is_empty()
        });
    }

    fn note_look(&mut self, now: Timestamp, look: &Look, holds: bool, value: f64) {
        if !holds && self.signal(&look.rule, &look.series).is_none() {
            return remove(&mut self.notes, &look.rule, &look.series);
        }
        let before = self.note(&look.rule, &look.series).and_then(|note| {
            let unbroken = time::between(note.seen, now) <= HOLD_GAP_MAX;
            note.holds_since.filter(|_| unbroken)
        });
        let note = Note { holds_since: holds.then(|| before.unwrap_or(now)), seen: now, value };
        if let Some(known) = self.notes.get_mut(&look.rule).and_then(|notes| notes.get_mut(&look.series)) {
            *known = note;
        } else {
            self.notes.entry(look.rule.clone()).or_default().insert(look.series.clone(), note);
        }
    }

    pub(crate) fn note_check(&mut self, at: Timestamp, check: &RuleName, heard: &Heard<'_>) {
        let Heard { healthy, fault, reason, latency_ms } = *heard;
        let known = self.check_notes.get(check);
        let before = known.filter(|note| note.healthy == healthy);
        let note = CheckNote {
            healthy,
            in_a_row: before.map_or(0, |note| note.in_a_row).saturating_add(1),
            history: known.map_or(0, |note| note.history) << 1 | u128::from(!healthy),
            healthy_at: if healthy { Some(at) } else { known.and_then(|note| note.healthy_at) },
            fault,
            at,
            reason: words::cut(reason).to_owned(),
            latency_ms,
        };
        self.check_notes.insert(check.clone(), note);
    }

    /// Forgets what was heard of checks that have left the watchbook: one of the same name that comes later is another.
    pub(crate) fn forget_checks(&mut self, context: &Context<'_>) {
        self.check_notes.retain(|check, _| context.book.checks.contains_key(check));
    }

    /// A check that cleared begins anew: what failed before does not raise it again.
    fn clear_check(&mut self, check: &RuleName) {
        self.failing.remove(check);
        if let Some(note) = self.check_notes.get_mut(check) {
            note.history = 0;
        }
    }
}

fn remove<T>(map: &mut BySeries<T>, rule: &RuleName, series: &Labels) {
    if let Some(of_rule) = map.get_mut(rule) {
        of_rule.remove(series);
        if of_rule.is_empty() {
            map.remove(rule);
        }
    }
}

/// JSON knows only text as keys, so signals are written as a list.
mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{BySeries, Signal};

    pub(super) fn serialize<S: Serializer>(raised: &BySeries<Signal>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(raised.values().flat_map(BTreeMap::values))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BySeries<Signal>, D::Error> {
        let mut raised = BySeries::<Signal>::new();
        for signal in Vec::<Signal>::deserialize(deserializer)? {
            raised.entry(signal.rule.clone()).or_default().insert(signal.series.clone(), signal);
        }
        Ok(raised)
    }
}
