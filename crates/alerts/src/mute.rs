//! Muting: which silence or which other alert keeps an alert from paging, and which alerts a change of these reaches.
//! Muting is decided when something changes, never when a page is due, so each change is a fact with its reason.

use kernel::Fingerprint;

use crate::draft::{Draft, Who};
use crate::event::{Event, InhibitionKey, Mute, Muting};
use crate::silence::{Silence, SilenceStatus};
use crate::state::State;

/// Which sources an inhibition has: some that are not also targets of it, and some that are. An alert that is both
/// is not inhibited by others that are both, as in Alertmanager.
type Presence = (bool, bool);

impl Draft<'_> {
    /// Decides who is muted or unmuted by what this decision changes, then what its groups do.
    pub(crate) fn settle(&mut self) {
        self.settle_fresh();
        for key in self.changed_sources() {
            if self.presence_before(key) != self.presence_after(key) {
                self.recheck(Muting::Inhibition(key), |state| state.targets_of(key));
            }
        }
        self.settle_groups();
    }

    fn settle_fresh(&mut self) {
        for index in 0..self.opened.len() {
            let who = Who::Fresh(index);
            if let Some(why) = self.muted_by(who) {
                self.mute(who, why);
            }
        }
        for slot in self.routed_slots() {
            self.review(slot);
        }
    }

    /// What mutes an alert now, if anything: a silence first, because a person said so.
    pub(crate) fn muted_by(&self, who: Who) -> Option<Mute> {
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

    fn inhibited_by(&self, who: Who) -> Option<Mute> {
        let (sources, targets) = self.sides(who);
        targets.iter().find_map(|key| {
            let both = contains(sources, key.equal);
            let by = self.source_of(key.equal, who, both)?;
            Some(Mute::Inhibition { by, rule: key.rule })
        })
    }

    fn source_of(&self, key: u64, target: Who, target_is_both: bool) -> Option<Fingerprint> {
        let inhibits = |who: &Who| *who != target && !(target_is_both && contains(self.sides(*who).1, key));
        let staying = self.state.inhibitions.get(&key).map_or(&[][..], |sides| sides.sources.slots());
        let staying = staying.iter().filter(|slot| self.stays_source(**slot, key)).map(|slot| Who::Known(*slot));
        let found = staying.chain(self.added_sources(key).iter().copied()).find(inhibits)?;
        self.fingerprint(found)
    }

    fn presence_before(&self, key: u64) -> Presence {
        let slots = self.state.inhibitions.get(&key).map_or(&[][..], |sides| sides.sources.slots());
        let alerts = slots.iter().filter_map(|slot| self.state.alerts.get(*slot));
        let sources = alerts.filter(|alert| contains(alert.inhibits(), key));
        presence(sources.map(|alert| contains(alert.inhibited_by(), key)))
    }

    fn presence_after(&self, key: u64) -> Presence {
        let slots = self.state.inhibitions.get(&key).map_or(&[][..], |sides| sides.sources.slots());
        let staying = slots.iter().filter(|slot| self.stays_source(**slot, key)).map(|slot| Who::Known(*slot));
        let sources = staying.chain(self.added_sources(key).iter().copied());
        presence(sources.map(|who| contains(self.sides(who).1, key)))
    }

    /// Looks again at alerts whose muting may have changed. When that is more than one decision may write, the rest
    /// is left to the next ones.
    pub(crate) fn recheck(&mut self, what: Muting, slots: impl Fn(&State) -> Vec<u32>) {
        if !self.review_all(slots(self.state)) {
            self.facts.push(Event::MutingDeferred { what });
        }
    }

    /// Goes on with what an earlier decision left.
    pub(crate) fn recheck_deferred(&mut self, what: &Muting) {
        let state = self.state;
        let slots = match what {
            Muting::Silence(id) => state.silence_of(id).map_or_else(Vec::new, |found| state.matching(&found.matchers)),
            Muting::Inhibition(key) => state.targets_of(*key),
        };
        if self.review_all(slots) {
            self.facts.push(Event::MutingSettled { what: what.clone() });
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

fn contains(keys: &[InhibitionKey], equal: u64) -> bool {
    keys.iter().any(|key| key.equal == equal)
}

fn presence(both: impl Iterator<Item = bool>) -> Presence {
    let mut found = (false, false);
    for both in both {
        if both { found.1 = true } else { found.0 = true }
        if found == (true, true) {
            break;
        }
    }
    found
}
