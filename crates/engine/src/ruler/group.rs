//! One group of rules at work: when it is due, what it remembers, what it has not said yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kernel::book::rules;
use kernel::book::source::Source;
use kernel::nodes::Part;
use kernel::{Labels, RuleName, SourceName, Timestamp};
use promql::{Millis, Point, SeriesSource};
use signals::alerting::{self, Broken, Instance, Known, Outcome, Plan, Prompt, Setting, State, Transition, What};
use signals::{Cleared, Ruled, Signal, Verdict};

use super::INTERVAL;
use super::elsewhere::Errand;
use super::view::{self, GroupView};

/// How often what a group remembers is kept.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// How often it is kept although it has not changed, so that it is known how long nothing was evaluated.
const KEEP_AT_LEAST: Duration = Duration::from_secs(60);
/// How often what calls of `anomaly(..)` have learnt is kept: a crash forgets the rows since then, and nothing else.
const KEEP_LEARNT_EVERY: Duration = Duration::from_secs(60);
/// The most outcomes that wait to be recorded; the group waits for its beat while there are more.
const UNSAID_MAX: usize = 100_000;
/// The annotation that says in one line what happened.
const SUMMARY: &str = "summary";

/// A group at work.
pub(super) struct Group {
    pub(super) book: rules::Group,
    pub(super) file: String,
    pub(super) plan: Plan,
    pub(super) broken: Vec<Broken>,
    pub(super) state: State,
    pub(super) interval: Duration,
    /// The fence of its shard, where it is shared out to nodes.
    pub(super) shard: Option<u64>,
    /// The number of the errand on which its source is being asked, while it is.
    pub(super) asking: Option<u64>,
    /// The instant of the next evaluation.
    due: Option<Timestamp>,
    pub(super) last: Last,
    unsaid: Vec<Said>,
    /// Counts what was said, so that it can be named.
    said: u64,
    dirty: bool,
    kept: Option<Timestamp>,
    kept_learnt: Option<Timestamp>,
    /// Of what was remembered at the last evaluation: see [`State::essence`].
    essence: u64,
    /// The rules that fire at once, for which the next beat would be late.
    pub(super) prompts: Vec<Prompt>,
    /// Those of them that may see something new since their last evaluation.
    asked: BTreeSet<usize>,
}

/// What a group goes on with.
pub(super) enum Remembered {
    /// What a group at work remembers; not all of it may be recorded.
    Working(State),
    /// What the vault has; all of it was recorded when it was kept.
    Kept(State),
}

/// An outcome on its way to the room.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) group: String,
    pub(super) number: u64,
    pub(super) outcome: Ruled,
}

/// What is known of the last evaluation.
#[derive(Debug, Clone, Default)]
pub(super) struct Last {
    pub(super) at: Option<Timestamp>,
    pub(super) took: Duration,
    pub(super) errors: BTreeMap<usize, String>,
    pub(super) unwritten: Option<String>,
    pub(super) missed: u64,
    pub(super) evaluations: u64,
}

impl Group {
    pub(super) fn new(file: &str, group: &rules::Group) -> Self {
        let (mut plan, broken) = Plan::of(file, group);
        plan.interval.get_or_insert_with(|| Millis::try_from(INTERVAL.as_millis()).unwrap_or(Millis::MAX));
        Self {
            book: group.clone(),
            file: file.to_owned(),
            interval: group.interval.unwrap_or(INTERVAL).max(Duration::from_secs(1)),
            essence: State::default().essence(),
            // What is written here says nothing of what a source has.
            prompts: if group.source.is_none() { plan.prompts() } else { Vec::new() },
            asked: BTreeSet::new(),
            shard: None,
            asking: None,
            plan,
            broken,
            state: State::default(),
            due: None,
            last: Last::default(),
            unsaid: Vec::new(),
            said: 0,
            dirty: false,
            kept: None,
            kept_learnt: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.book.name
    }

    /// What tells it apart from every other group: two files may each have one of this name.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.file, self.book.name)
    }

    pub(super) fn rule_names(&self) -> impl Iterator<Item = RuleName> {
        self.book.rule_names()
    }

    /// Goes on with what was remembered, set right by what is raised in the journal.
    /// A raised signal that fits none of its rules is over, unless it may be of another group of the same name.
    pub(super) fn begin(
        &mut self,
        remembered: Remembered,
        raised: &BTreeMap<RuleName, Vec<Signal>>,
        is_shared: &dyn Fn(&RuleName) -> bool,
        now: Timestamp,
    ) {
        let known: Vec<Known> = raised.values().flatten().filter_map(|signal| self.known(signal)).collect();
        self.state = match remembered {
            Remembered::Working(state) => state,
            Remembered::Kept(mut state) => {
                alerting::let_go(&self.plan, &mut state, &known);
                state
            }
        };
        let mut transitions = alerting::reconcile(&self.plan, &mut self.state, &known, now.as_millisecond());
        let is_others = |rule: &str| self.book.rule_name(rule).is_none_or(|name| is_shared(&name));
        transitions.retain(|transition| !matches!(transition.what, What::Cleared(_)) || !is_others(&transition.rule));
        self.say(transitions);
        self.dirty = true;
    }

    fn known(&self, signal: &Signal) -> Option<Known> {
        let rule = signal.rule.as_str().strip_prefix(self.name())?.strip_prefix('/')?;
        Some(Known {
            rule: rule.to_owned(),
            identity: promql::Labels::from_pairs(signal.series.iter()),
            labels: promql::Labels::from_pairs(signal.labels.iter()),
            annotations: signal.annotations.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            value: signal.value.unwrap_or(f64::NAN),
            since: signal.since.as_millisecond(),
        })
    }

    /// Hears that one of its prompts, by its number, may see something new.
    pub(super) fn ask(&mut self, prompt: usize) {
        self.asked.insert(prompt);
    }

    /// Whether any of its rules may see something new.
    pub(super) fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether its next beat has come.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.asking.is_none() && self.unsaid.len() < UNSAID_MAX && self.due.is_none_or(|due| due <= now)
    }

    /// Evaluates its rules and gives what they recorded.
    pub(super) fn evaluate(
        &mut self,
        setting: &Setting,
        source: &dyn SeriesSource,
        now: Timestamp,
    ) -> Vec<(promql::Labels, Point)> {
        let began = Instant::now();
        let outcome = alerting::evaluate(&self.plan, setting, source, now.as_millisecond(), &mut self.state);
        self.plan_next(now);
        self.asked.clear();
        self.last.at = Some(now);
        self.last.took = began.elapsed();
        self.last.evaluations += 1;
        self.last.unwritten = None;
        self.last.errors.clear();
        self.take_in(outcome)
    }

    /// Evaluates those of its rules that may see something new, and gives the samples that they write.
    pub(super) fn answer(
        &mut self,
        setting: &Setting,
        source: &dyn SeriesSource,
        now: Timestamp,
    ) -> Vec<(promql::Labels, Point)> {
        let asked = std::mem::take(&mut self.asked);
        let prompts: Vec<&Prompt> = asked.iter().filter_map(|number| self.prompts.get(*number)).collect();
        for prompt in &prompts {
            self.last.errors.remove(&prompt.rule);
        }
        let at = now.as_millisecond();
        let outcome = alerting::evaluate_at_once(&self.plan, prompts, setting, source, at, &mut self.state);
        self.take_in(outcome)
    }

    /// Notes what came of an evaluation, and gives the samples that it made.
    fn take_in(&mut self, outcome: Outcome) -> Vec<(promql::Labels, Point)> {
        self.last.errors.extend(outcome.errors.into_iter().map(|error| (error.rule, error.message)));
        let essence = self.state.essence();
        self.dirty |= essence != std::mem::replace(&mut self.essence, essence);
        self.say(outcome.transitions);
        outcome.samples
    }

    /// What its rules ask of a source, when it is evaluated at an instant. It waits for the errand of this number.
    pub(super) fn errand(&mut self, number: u64, name: SourceName, source: Source, now: Timestamp) -> Errand {
        self.asking = Some(number);
        let queries = self.plan.queries().cloned().collect();
        let at = now.as_millisecond().saturating_sub(self.plan.offset);
        Errand { number, name, source, queries, at, evaluated: now }
    }

    /// The next beat is a whole number of intervals after the last one; those between were missed.
    fn plan_next(&mut self, now: Timestamp) {
        let interval = jiff::SignedDuration::try_from(self.interval).unwrap_or(jiff::SignedDuration::MAX);
        let Some(due) = self.due.filter(|due| *due <= now) else {
            self.due.get_or_insert_with(|| now.saturating_add(interval).unwrap_or(Timestamp::MAX));
            return;
        };
        let behind = now.duration_since(due).as_millis() / interval.as_millis().max(1);
        self.last.missed += u64::try_from(behind).unwrap_or(0);
        let steps = i32::try_from(behind + 1).unwrap_or(i32::MAX);
        self.due = interval.checked_mul(steps).and_then(|span| due.checked_add(span).ok());
    }

    /// The last samples of a group that has left the watchbook: each series that it wrote ends. That its alerts are over is
    /// said by the room.
    pub(super) fn ended(&mut self, now: Timestamp) -> Vec<(promql::Labels, Point)> {
        let nothing = Plan { rules: Vec::new(), ..self.plan.clone() };
        let nowhere = promql::MemorySource::default();
        let at = now.as_millisecond();
        alerting::evaluate(&nothing, &Setting::default(), &nowhere, at, &mut self.state).samples
    }

    /// Waits for the next beat after an evaluation that ended early.
    pub(super) fn give_up(&mut self, now: Timestamp) {
        self.asked.clear();
        self.plan_next(now);
    }

    pub(super) fn note_unwritten(&mut self, why: &str) {
        self.last.unwritten = Some(why.to_owned());
    }

    fn say(&mut self, transitions: Vec<Transition>) {
        for transition in transitions {
            if self.stands_by_another(&transition) {
                continue;
            }
            if let Some(outcome) = self.outcome(&transition) {
                self.said += 1;
                self.unsaid.push(Said { group: self.key(), number: self.said, outcome });
            }
        }
    }

    /// Whether an alert that one rule clears is still raised by another rule of the same name and labels.
    fn stands_by_another(&self, transition: &Transition) -> bool {
        let mut same = self.plan.rules.iter().filter(|rule| rule.name() == transition.rule);
        let is_raised = |alert: &Instance| alert.raised && alert.identity == transition.identity;
        matches!(transition.what, What::Cleared(_)) && same.any(|rule| self.state.active(rule.key()).any(is_raised))
    }

    fn outcome(&self, transition: &Transition) -> Option<Ruled> {
        let told = verdict(transition)?;
        let named = self.book.rule_name(&transition.rule).zip(kernel_labels(&transition.identity)).zip(told);
        if named.is_none() {
            let (rule, labels) = (&transition.rule, &transition.identity);
            tracing::error!(group = self.key(), rule, %labels, "an alert cannot be told: its name or its labels are too long");
        }
        named.map(|((rule, identity), verdict)| Ruled { rule, identity, verdict })
    }

    /// Lets go of alerts without samples that a person has dismissed: they are raised here and no longer in the journal. Those
    /// that have samples are raised again, because their condition holds whatever was said. To be asked when everything is said.
    pub(super) fn heed_dismissals(&mut self, is_raised: &dyn Fn(&RuleName, &Labels) -> bool, now: Timestamp) {
        let is_dismissed = |key: &str, alert: &Instance| {
            let rule = self.plan.rules.iter().find(|rule| rule.key() == key)?;
            let name = self.book.rule_name(rule.name())?;
            Some(!is_raised(&name, &kernel_labels(&alert.identity)?))
        };
        if !self.unsaid.is_empty() {
            return;
        }
        let at = now.as_millisecond();
        let raised = self.state.all_active().filter(|(_, alert)| alert.raised);
        let dismissed = raised.filter(|(key, alert)| is_dismissed(key, alert) == Some(true));
        let dismissed: Vec<_> = dismissed.map(|(key, alert)| (key.to_owned(), alert.identity.clone())).collect();
        for (key, identity) in dismissed {
            // It is a fact already, so nothing is said of it.
            let let_go = alerting::dismiss(&key, &identity, at, &mut self.state).is_some();
            let again = if let_go { None } else { alerting::raised_again(&key, &identity, at, &self.state) };
            self.say(again.into_iter().collect());
            self.dirty |= let_go;
        }
    }

    /// What is not recorded yet, oldest first.
    pub(super) fn unsaid(&self) -> impl Iterator<Item = Said> {
        self.unsaid.iter().cloned()
    }

    pub(super) fn forget_said(&mut self, piece: &[Said]) {
        let key = self.key();
        let last = piece.iter().filter(|said| said.group == key).map(|said| said.number).max();
        if let Some(last) = last {
            self.unsaid.retain(|said| said.number > last);
        }
    }

    /// Its name and what it remembers, when that has changed and all of it is said; from time to time, or at once where this is
    /// the end.
    pub(super) fn take_kept(&mut self, now: Timestamp, at_once: bool) -> Option<(String, Vec<u8>)> {
        let gap = jiff::SignedDuration::try_from(KEEP_EVERY).unwrap_or_default();
        let rested = self.kept.is_none_or(|kept| now.duration_since(kept) >= gap);
        let keep_at_least = jiff::SignedDuration::try_from(KEEP_AT_LEAST).unwrap_or_default();
        let aged = self.kept.is_none_or(|kept| now.duration_since(kept) >= keep_at_least) && !self.state.is_empty();
        if !(self.dirty || aged) || !self.unsaid.is_empty() || !(rested || at_once) {
            return None;
        }
        (self.dirty, self.kept) = (false, Some(now));
        let bytes = rmp_serde::to_vec_named(&self.state).ok()?;
        Some((self.key(), bytes))
    }

    /// Its name and what its rules have learnt of series, from time to time, or at once where this is the end.
    pub(super) fn take_learnt(&mut self, now: Timestamp, at_once: bool) -> Option<(String, Vec<u8>)> {
        let gap = jiff::SignedDuration::try_from(KEEP_LEARNT_EVERY).unwrap_or_default();
        let rested = self.kept_learnt.is_none_or(|kept| now.duration_since(kept) >= gap);
        let learnt = if rested || at_once { self.state.learnt() } else { return None };
        if learnt.is_empty() {
            return None;
        }
        let bytes = rmp_serde::to_vec(&learnt).ok()?;
        self.kept_learnt = Some(now);
        Some((self.key(), bytes))
    }

    /// Whether it is being evaluated or has something to say.
    pub(super) fn is_busy(&self) -> bool {
        self.asking.is_some() || !self.unsaid.is_empty()
    }

    /// Counts what it says on from another of the same name that it takes the place of.
    pub(super) fn count_on(&mut self, other: &Self) {
        (self.said, self.shard) = (other.said, other.shard);
    }

    /// Its name and what it remembers, in the parts that a shard keeps, when all of it is said.
    pub(super) fn remembered(&self) -> Vec<(String, Part, Vec<u8>)> {
        let state = rmp_serde::to_vec_named(&self.state).ok().filter(|_| !self.is_busy());
        let learnt = self.state.learnt();
        let learnt = if learnt.is_empty() { None } else { rmp_serde::to_vec(&learnt).ok() };
        let parts = [(Part::State, state), (Part::Learnt, learnt)];
        parts.into_iter().filter_map(|(part, bytes)| Some((self.key(), part, bytes?))).collect()
    }

    /// What a shard kept of it, where that can be read.
    pub(super) fn recall(&self, state: Option<&[u8]>, learnt: Option<&[u8]>) -> Option<State> {
        let mut state: State = rmp_serde::from_slice(state?).ok()?;
        state.relearn(learnt.and_then(|bytes| rmp_serde::from_slice(bytes).ok()).unwrap_or_default());
        Some(state)
    }

    /// Notes that what it remembers, or what its rules have learnt, could not be kept, so that this is tried again.
    pub(super) fn note_unkept(&mut self, learnt: bool) {
        if learnt {
            self.kept_learnt = None;
        } else {
            self.dirty = true;
        }
    }

    pub(super) fn view(&self) -> GroupView {
        view::group(self)
    }
}

/// What the room is told; nothing where it need not know, and within that nothing where labels pass its limits.
fn verdict(transition: &Transition) -> Option<Option<Verdict>> {
    Some(match transition.what {
        What::Raised | What::RaisedMissing => kernel_labels(&transition.labels).map(|labels| Verdict::Raised {
            labels,
            annotations: annotations(&transition.annotations),
            value: transition.value,
        }),
        What::Cleared(why) => Some(Verdict::Cleared { value: Some(transition.value), why: cleared(why) }),
        What::Missing | What::Returned | What::FlappingBegan { .. } | What::FlappingEnded { .. } => return None,
    })
}

fn kernel_labels(labels: &promql::Labels) -> Option<Labels> {
    Labels::from_pairs(labels.iter()).ok()
}

/// Annotations as a fact holds them; where together they pass its limits, the summary is what remains.
fn annotations(all: &[(String, String)]) -> Labels {
    let pairs = all.iter().map(|(name, text)| (name.as_str(), cut(text)));
    let only = || all.iter().filter(|(name, _)| name == SUMMARY).map(|(name, text)| (name.as_str(), cut(text)));
    Labels::from_pairs(pairs).or_else(|_| Labels::from_pairs(only())).unwrap_or_default()
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(signals::TEXT_BYTES_MAX)).unwrap_or(text)
}

fn cleared(why: alerting::Cleared) -> Cleared {
    match why {
        alerting::Cleared::Recovered | alerting::Cleared::RecoveryMet | alerting::Cleared::FlappingOver => {
            Cleared::Recovered
        }
        alerting::Cleared::Vanished | alerting::Cleared::Forgotten => Cleared::Vanished,
        alerting::Cleared::LimitExceeded => Cleared::LimitExceeded,
        alerting::Cleared::RuleGone => Cleared::RuleGone,
        alerting::Cleared::Dismissed => Cleared::Dismissed,
    }
}
