//! Muting: which silence or which other alert keeps an alert from paging, and which alerts a change of these reaches.
//! Muting is decided when something changes, never when a page is due, so each change is a fact with its reason.

use kernel::book::Inhibition;
use kernel::matcher::Comparison;
use kernel::{Fingerprint, Labels, Matcher};

use crate::draft::{Draft, Who};
use crate::event::{Event, InhibitionKey, Mute, Muting};
use crate::inhibit::{self, all_hold};
use crate::silence::{Silence, SilenceStatus};
use crate::state::State;

/// Which sources an inhibition has: some that are not also targets of it, and some that are. An alert that is both
/// is not inhibited by others that are both, as in Alertmanager.
type Presence = (bool, bool);

impl Draft<'_> {
    /// Decides who is muted or unmuted by what this decision changes, then what its groups do.
    pub(crate) fn settle(&mut self) {
        for index in 0..self.opened.len() {
            let who = Who::Fresh(index);
            if let Some(why) = self.muted_by(who) {
                self.mute(who, why);
            }
        }
        for slot in std::mem::take(&mut self.reviews) {
            self.review(slot);
        }
        for (key, of) in self.changed_sources() {
            if self.presence_before(key) != self.presence_after(key) {
                self.source_changed(key, of);
            }
        }
        self.settle_groups();
    }

    /// The first source of an inhibition came, or the last one went: its targets are looked at again.
    fn source_changed(&mut self, key: InhibitionKey, source: Who) {
        let Some((_, inhibition)) = self.compiled.rule(self.context.book, key.rule) else { return };
        let labels = self.labels(source);
        let values =
            inhibition.equal.iter().map(|name| (name.as_str(), labels.map_or("", |labels| labels.value(name))));
        let equal = Labels::from_pairs(values).unwrap_or_default();
        self.recheck(Muting::Inhibition { rule: key.rule, equal });
    }

    /// What mutes an alert now, if anything: a silence first, because a person said so.
    fn muted_by(&self, who: Who) -> Option<Mute> {
        self.silenced_by(who).or_else(|| self.inhibited_by(who))
    }

    fn silenced_by(&self, who: Who) -> Option<Mute> {
        let labels = self.labels(who)?;
        let active = |silence: &&Silence| self.is_active(silence) && silence.matches(labels);
        let slots = self.state.conditions.candidates(labels);
        let known = slots.filter_map(|slot| self.state.silences.get(slot)).find(active);
        let found = known.or_else(|| self.written.as_ref().filter(active))?;
        Some(Mute::Silence { id: found.id.clone() })
    }

    fn is_active(&self, silence: &Silence) -> bool {
        silence.status(self.now()) == SilenceStatus::Active && !self.ended.contains(&silence.id)
    }

    /// Only rules of which a source fires are looked at; most of the time there is none.
    fn inhibited_by(&self, who: Who) -> Option<Mute> {
        let labels = self.labels(who)?;
        let mut rules: Vec<(u32, u64, &Inhibition)> = self
            .active_rules()
            .filter_map(|hash| {
                let (rule, inhibition) = self.compiled.rule(self.context.book, hash)?;
                all_hold(&inhibition.target, labels).then_some((rule, hash, inhibition))
            })
            .collect();
        rules.sort_unstable_by_key(|(rule, ..)| *rule);
        rules.into_iter().find_map(|(rule, hash, inhibition)| {
            let key = inhibit::key(hash, inhibition, labels);
            let by = self.source_of(key, inhibition, who)?;
            Some(Mute::Inhibition { by, rule })
        })
    }

    fn active_rules(&self) -> impl Iterator<Item = u64> {
        let added = self.added_rules().filter(|rule| !self.state.rules.contains_key(rule));
        self.state.rules.keys().copied().chain(added)
    }

    fn source_of(&self, key: InhibitionKey, inhibition: &Inhibition, target: Who) -> Option<Fingerprint> {
        let is_both = self.inhibits(target).contains(&key);
        let is_target = |who: Who| self.labels(who).is_some_and(|labels| all_hold(&inhibition.target, labels));
        let found = self.sources_after(key).find(|who| *who != target && !(is_both && is_target(*who)))?;
        self.fingerprint(found)
    }

    /// The sources of an inhibition when this decision is done.
    fn sources_after(&self, key: InhibitionKey) -> impl Iterator<Item = Who> {
        let known = self.state.inhibitions.get(&key.equal).map_or(&[][..], |sources| sources.slots());
        let stay = known.iter().filter(move |slot| self.stays_source(**slot, key)).map(|slot| Who::Known(*slot));
        stay.chain(self.added_sources(key).iter().copied())
    }

    fn presence_before(&self, key: InhibitionKey) -> Presence {
        let known = self.state.inhibitions.get(&key.equal).map_or(&[][..], |sources| sources.slots());
        let sources = known.iter().filter(|slot| self.state.is_source(**slot, key)).map(|slot| Who::Known(*slot));
        self.presence(key, sources)
    }

    fn presence_after(&self, key: InhibitionKey) -> Presence {
        self.presence(key, self.sources_after(key))
    }

    fn presence(&self, key: InhibitionKey, sources: impl Iterator<Item = Who>) -> Presence {
        let target = self.compiled.rule(self.context.book, key.rule).map_or(&[][..], |(_, rule)| &rule.target);
        let mut found = (false, false);
        for labels in sources.filter_map(|who| self.labels(who)) {
            if all_hold(target, labels) {
                found.1 = true
            } else {
                found.0 = true
            }
            if found == (true, true) {
                break;
            }
        }
        found
    }

    /// Looks again at alerts whose muting may have changed. When that is more than one decision may write, the rest
    /// is left to the next ones.
    pub(crate) fn recheck(&mut self, what: Muting) {
        if !self.review_all(self.reach(&what)) {
            self.facts.push(Event::MutingDeferred { what });
        }
    }

    /// Goes on with what an earlier decision left.
    pub(crate) fn recheck_deferred(&mut self, what: &Muting) {
        if self.review_all(self.reach(what)) {
            self.facts.push(Event::MutingSettled { what: what.clone() });
        }
    }

    /// The alerts whose muting a change may reach.
    fn reach(&self, what: &Muting) -> Vec<u32> {
        match what {
            Muting::Silence(id) => {
                let written = self.written.as_ref().filter(|written| written.id == *id);
                let silence = self.state.silence_of(id).or(written);
                silence.map_or_else(Vec::new, |silence| self.state.matching(&silence.matchers))
            }
            Muting::Inhibition { rule, equal } => {
                let same = |(name, value)| Matcher::new(name, Comparison::Equal, value).ok();
                let mut matchers: Vec<Matcher> = equal.iter().filter_map(same).collect();
                let rule = self.compiled.rule(self.context.book, *rule);
                matchers.extend(rule.into_iter().flat_map(|(_, inhibition)| inhibition.target.iter().cloned()));
                self.state.matching(&matchers)
            }
        }
    }

    fn review_all(&mut self, slots: Vec<u32>) -> bool {
        for slot in slots {
            if self.is_full() {
                return false;
            }
            self.review(slot);
        }
        true
    }

    /// Writes what changed about an alert's muting: that it is muted, that it is not, or that it is for another reason.
    fn review(&mut self, slot: u32) {
        let who = Who::Known(slot);
        if self.is_gone(slot) {
            return;
        }
        match (self.muted_by(who), self.is_muted(who)) {
            (Some(why), false) => self.mute(who, why),
            (Some(why), true) if self.is_void(slot) => self.mute(who, why),
            (None, true) => self.unmute(who),
            _ => {}
        }
    }

    /// Whether the reason for which an alert is muted holds no more.
    fn is_void(&self, slot: u32) -> bool {
        let recorded = self.state.alerts.get(slot).and_then(|alert| alert.muted.as_deref());
        recorded.is_some_and(|why| match why {
            Mute::Silence { id } => !self.state.silence_of(id).is_some_and(|silence| self.is_active(silence)),
            Mute::Inhibition { by, .. } => self.state.slot_of(*by).is_none_or(|slot| self.is_gone(slot)),
        })
    }
}

impl State {
    /// Whether an alert is a source of an inhibition.
    pub(crate) fn is_source(&self, slot: u32, key: InhibitionKey) -> bool {
        self.alerts.get(slot).is_some_and(|alert| alert.inhibits().contains(&key))
    }
}
