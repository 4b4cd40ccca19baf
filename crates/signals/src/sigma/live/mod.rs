//! Rules at work on the log events that come in: what matched is counted, folded by rule and group, and stands until it
//! has been quiet. Pure: whoever runs it brings the events, the clock, and what is raised.
//!
//! A match does not become a signal here. [`Detection::outcomes`] compares what stands with what is raised and says what
//! has to change, so that whatever got lost on the way is said again.

mod memory;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kernel::book::sigma::{Baseline as BookBaseline, Handled, LogSource};
use kernel::{Book, LogEvent, RuleName, Seconds};

use super::baseline::{Baseline, BaselineRule, Novelty, SavedBaseline};
use super::book::Compiled;
use super::correlate::{Correlated, Correlations, SavedCorrelations, Uncounted};
use super::event::Event;
use super::log::{self, Words};
use super::rule::Rule;
use super::rules::{Match, Rules};
use crate::command::Ruled;
use crate::state::Signal;

use memory::Hit;
pub use memory::{GROUPS_PER_RULE_MAX, Memory, STANDING_MAX, Seen, Sight, Standing, VALUE_BYTES_MAX};

/// The rules of a watchbook, what they count, and what they found.
#[derive(Debug)]
pub struct Detection {
    setup: Setup,
    correlations: Correlations,
    baselines: Vec<Usual>,
    memory: Memory,
    /// Whether anything is remembered that was not taken to be kept.
    changed: bool,
}

/// What does not change while a watchbook is live.
#[derive(Debug, Default)]
struct Setup {
    rules: Rules,
    handled: BTreeMap<RuleName, Handled>,
    sources: Vec<LogSource>,
    services: BTreeSet<String>,
}

/// A baseline at work.
#[derive(Debug)]
struct Usual {
    rule: Rule,
    of: BookBaseline,
    baseline: Baseline,
}

impl Detection {
    /// The rules of a watchbook at work, with nothing seen yet.
    #[must_use]
    pub fn new(compiled: Compiled, book: &Book) -> Self {
        let Compiled { rules, handled, baselines, .. } = compiled;
        let handling = &book.sigma.handling;
        let correlations = Correlations::new(&rules, handling.lateness);
        let services = book.services.keys().map(ToString::to_string).collect();
        let baselines = baselines.into_iter().map(|(rule, of)| Usual::new(rule, of)).collect();
        let setup = Setup { rules, handled, sources: handling.sources.clone(), services };
        Self { setup, correlations, baselines, memory: Memory::default(), changed: false }
    }

    /// Goes on with what another watchbook's rules remember, as far as they are the same.
    #[must_use]
    pub fn after(mut self, before: Self, lateness: Seconds) -> Self {
        self.correlations = before.correlations.with_rules(&self.setup.rules).with_lateness(lateness);
        for usual in &mut self.baselines {
            let known = before.baselines.iter().find(|known| known.rule.id == usual.rule.id);
            if let Some(known) = known {
                usual.restore(known.baseline.saved());
            }
        }
        self.memory = before.memory;
        self
    }

    /// Goes on with what was kept.
    #[must_use]
    pub fn with_saved(mut self, memory: Memory, correlations: SavedCorrelations) -> Self {
        self.memory = memory;
        self.correlations = self.correlations.with_saved(correlations);
        self
    }

    /// Goes on with what was kept of one baseline.
    pub fn restore_baseline(&mut self, key: &str, saved: SavedBaseline) {
        if let Some(usual) = self.baselines.iter_mut().find(|usual| usual.rule.key() == key) {
            usual.restore(saved);
        }
    }

    /// Counts a signal as standing that is raised, when nothing is remembered of it; and lets each begin its quiet anew,
    /// because nobody listened for a while.
    pub fn begin(&mut self, raised: &[Signal], now: Timestamp) {
        raised.iter().for_each(|signal| self.memory.begin(signal, now));
    }

    /// Asks the rules about an event that came in now.
    pub fn observe(&mut self, log: &LogEvent, now: Timestamp) {
        if self.setup.handled.is_empty() {
            return self.memory.count(false);
        }
        let object = log::object(log);
        let bare = Event::new(&object);
        let words = Words::of(log, &bare, &self.setup.sources);
        let event = words.tell(bare);
        let at = happened(log, &event, now);
        let matches = self.setup.rules.matches(&event);
        let about = About { log, event: &event, at, now };
        for found in matches.iter().filter(|found| found.rule.reported) {
            let hit = self.setup.hit(&about, found);
            self.memory.note(self.setup.handled(found.rule), found.rule, hit, now);
        }
        for found in self.correlations.observe(&event, &matches, at, now) {
            self.memory.note(self.setup.handled(&found.rule), &found.rule, correlated(&found), now);
        }
        for usual in &mut self.baselines {
            let handled = self.setup.handled(&usual.rule);
            if let Some(hit) = usual.observe(&about, &matches, handled.map(|(_, handled)| handled)) {
                self.memory.note(handled, &usual.rule, hit, now);
                self.changed = true;
            }
        }
        self.changed |= !matches.is_empty();
        self.memory.count(event.is_cut());
    }

    /// Closes the windows of correlations although no event came for a while.
    pub fn silence(&mut self, now: Timestamp) {
        for found in self.correlations.silence(now) {
            self.changed = true;
            self.memory.note(self.setup.handled(&found.rule), &found.rule, correlated(&found), now);
        }
    }

    /// Notes that events were left out, because there was no room for them.
    pub fn note_left_out(&mut self, events: u64) {
        self.memory.note_left_out(events);
    }

    /// What has to change so that what is raised is what stands. `pages` says whether a rule's matches may raise.
    pub fn outcomes(&mut self, raised: &[Signal], pages: &dyn Fn(&RuleName) -> bool, now: Timestamp) -> Vec<Ruled> {
        let outcomes = self.memory.outcomes(&self.setup.handled, raised, pages, now);
        self.changed |= !outcomes.is_empty();
        outcomes
    }

    /// Whether anything has changed since this was last asked, so that it is worth keeping.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Notes that what was last taken to be kept is not kept.
    pub fn note_changed(&mut self) {
        self.changed = true;
    }

    /// What is remembered of matches.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What correlations remember, to be kept.
    #[must_use]
    pub fn saved_correlations(&self) -> SavedCorrelations {
        self.correlations.saved()
    }

    /// What each baseline remembers, to be kept, by its key.
    pub fn saved_baselines(&self) -> impl Iterator<Item = (&str, SavedBaseline)> {
        self.baselines.iter().map(|usual| (usual.rule.key(), usual.baseline.saved()))
    }

    /// The keys of the baselines.
    pub fn baseline_keys(&self) -> impl Iterator<Item = &str> {
        self.baselines.iter().map(|usual| usual.rule.key())
    }

    /// Everything that is in use: rules, correlations and baselines, and how each is handled.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleName, &Rule, &Handled)> {
        let rules = self.setup.rules.iter().chain(self.setup.rules.correlation_rules());
        let all = rules.chain(self.baselines.iter().map(|usual| &usual.rule));
        all.filter_map(|rule| {
            let (name, handled) = self.setup.handled(rule)?;
            Some((name, rule, handled))
        })
    }

    /// The exceptions that are past their last day.
    #[must_use]
    pub fn expired(&self) -> &[super::rule::Exception] {
        self.setup.rules.expired()
    }

    /// What correlations did not count.
    #[must_use]
    pub fn uncounted(&self) -> Uncounted {
        self.correlations.uncounted()
    }
}

/// An event while it is asked about.
struct About<'e> {
    log: &'e LogEvent,
    event: &'e Event<'e>,
    at: Timestamp,
    now: Timestamp,
}

impl Setup {
    /// The name of a rule in use, and how it is handled.
    fn handled(&self, rule: &Rule) -> Option<(&RuleName, &Handled)> {
        self.handled.get_key_value(&rule.rule_name()?)
    }

    /// A match as it is remembered.
    fn hit(&self, about: &About<'_>, found: &Match<'_>) -> Hit {
        let by = self.handled(found.rule).and_then(|(_, handled)| handled.by.as_deref());
        let evidence = self.rules.evidence(about.event, found);
        let service = Some(about.log.origin.service()).filter(|service| self.services.contains(*service));
        Hit {
            group: group(about.event, by, &|field| found.map.name(field)),
            at: about.at,
            evidence: evidence.into_iter().map(|part| (part.field, part.value)).collect(),
            service: service.map(str::to_owned),
        }
    }
}

impl Usual {
    fn new(rule: Rule, of: BookBaseline) -> Self {
        let counted = BaselineRule {
            scope: of.scope.clone(),
            of: of.of.clone(),
            learn_for: of.learn,
            rare_up_to: of.rare_up_to,
            forget_after: of.forget,
        };
        Self { rule, of, baseline: Baseline::new(counted) }
    }

    fn restore(&mut self, saved: SavedBaseline) {
        let fresh = Self::new(self.rule.clone(), self.of.clone());
        self.baseline = fresh.baseline.with_saved(saved);
    }

    /// Counts an event that it is about; a hit when it is not usual.
    fn observe(&mut self, about: &About<'_>, matches: &[Match<'_>], handled: Option<&Handled>) -> Option<Hit> {
        if let Some(wanted) = &self.of.rule {
            matches.iter().find(|found| found.rule.is_called(wanted))?;
        }
        // What happens later than now would let everything else look old.
        let at = about.at.min(about.now);
        let seen = match self.baseline.observe(about.event, at) {
            Novelty::FirstSeen => "never before".to_owned(),
            Novelty::Rare(count) => format!("{count} times"),
            Novelty::Usual(_) | Novelty::Learning | Novelty::Untold => return None,
        };
        let fields = self.of.scope.iter().chain(&self.of.of);
        let mut evidence: Vec<(String, String)> =
            fields.filter_map(|field| Some((field.clone(), about.event.text(field)?.into_owned()))).collect();
        evidence.push(("seen".to_owned(), seen));
        let by = handled.and_then(|handled| handled.by.as_deref()).unwrap_or(&self.of.scope);
        let group = group(about.event, Some(by), &str::to_owned);
        Some(Hit { group, at: about.at, evidence, service: None })
    }
}

/// The fields that tell one signal of a rule from another, and their values: those that are said, else the host.
fn group(event: &Event<'_>, by: Option<&[String]>, name: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
    match by {
        Some(fields) => {
            let value = |field: &String| Some((field.clone(), event.text(&name(field))?.into_owned()));
            fields.iter().filter_map(value).collect()
        }
        None => log::host(event).into_iter().map(|host| ("host".to_owned(), host)).collect(),
    }
}

/// What a correlation found, as it is remembered.
fn correlated(found: &Correlated) -> Hit {
    let span = format!("{} from {} to {}", found.value, found.from, found.to);
    let evidence = found.group.iter().cloned().chain([("counted".to_owned(), span)]).collect();
    Hit { group: found.group.clone(), at: found.to, evidence, service: None }
}

/// When an event happened: as its source says; where it only came with the time at which it was seen, as its fields say.
fn happened(log: &LogEvent, event: &Event<'_>, now: Timestamp) -> Timestamp {
    let told = || Timestamp::from_nanosecond(i128::from(log.at)).ok().filter(|_| log.at != 0);
    let of_fields = if log.at == log.observed { event.time() } else { None };
    of_fields.or_else(told).unwrap_or(now)
}
