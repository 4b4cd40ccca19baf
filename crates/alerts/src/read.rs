//! What readers see: alerts, groups, pages, silences and overrides, found and listed in pieces. It changes nothing.

use kernel::time::Timestamp;
use kernel::{Book, DeliveryId, Fingerprint, Labels, Matcher, PolicyName, ScheduleName};

use crate::event::Mute;
use crate::group::Group;
use crate::id::{GroupKey, OverrideId, PageId, SilenceId};
use crate::index::Candidates;
use crate::inhibit::{self, all_hold};
use crate::oncall::Override;
use crate::page::Page;
use crate::silence::{Silence, SilenceStatus};
use crate::state::{Alert, State};
use crate::times::Quiet;

/// The most alerts that one piece of a search looks at, so that nobody waits long for the state.
pub const FIND_VISITED_MAX: usize = 20_000;

/// A firing alert, as readers see it.
#[derive(Clone, Copy)]
pub struct AlertView<'a> {
    state: &'a State,
    alert: &'a Alert,
}

/// A group of firing alerts, as readers see it.
#[derive(Clone, Copy)]
pub struct GroupView<'a> {
    state: &'a State,
    group: &'a Group,
}

/// How much there is, counted without looking at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Alerts that fire.
    pub alerts: usize,
    /// Those of them that are muted.
    pub muted: usize,
    /// Groups of them.
    pub groups: usize,
    /// Pages that are open.
    pub open_pages: usize,
    /// Silences that are remembered, those that are over included.
    pub silences: usize,
}

impl<'a> AlertView<'a> {
    /// Its identity.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.alert.fingerprint
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> &'a Labels {
        &self.alert.labels
    }

    /// What it says to people.
    #[must_use]
    pub fn annotations(&self) -> &'a Labels {
        &self.alert.note.annotations
    }

    /// Where it was made; may be empty.
    #[must_use]
    pub fn generator_url(&self) -> &'a str {
        &self.alert.note.generator_url
    }

    /// Who reports it.
    #[must_use]
    pub fn source(&self) -> &'a str {
        &self.alert.note.source
    }

    /// Since when it fires.
    #[must_use]
    pub fn starts_at(&self) -> Timestamp {
        self.alert.starts_at
    }

    /// When it ends unless it is sent again; `None` means never.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.alert.ends_at
    }

    /// When it was last sent.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.alert.updated_at
    }

    /// Why it pages nobody, when it does not.
    #[must_use]
    pub fn muted(&self) -> Option<&'a Mute> {
        self.alert.muted.as_deref()
    }

    /// All silences that match it now, not only the one that is the reason.
    #[must_use]
    pub fn silenced_by(&self, now: Timestamp) -> Vec<&'a SilenceId> {
        let labels = &self.alert.labels;
        let slots = self.state.conditions.candidates(labels);
        let silences = slots.filter_map(|slot| self.state.silences.get(slot));
        let active = silences.filter(|one| one.status(now) == SilenceStatus::Active && one.matches(labels));
        active.map(|silence| &silence.id).collect()
    }

    /// Alerts that inhibit it, at most `limit`.
    #[must_use]
    pub fn inhibited_by(&self, book: &Book, limit: usize) -> Vec<Fingerprint> {
        let mut found: Vec<Fingerprint> = Vec::new();
        if self.state.rules.is_empty() {
            return found;
        }
        let compiled = self.state.compiled_for(book);
        for (hash, (_, rule)) in self.state.rules.keys().filter_map(|hash| Some((*hash, compiled.rule(book, *hash)?))) {
            if !all_hold(&rule.target, self.labels()) {
                continue;
            }
            let key = inhibit::key(hash, rule, self.labels());
            let is_both = self.alert.inhibits().contains(&key);
            let slots = self.state.inhibitions.get(&key.equal).map_or(&[][..], |sources| sources.slots());
            for source in slots.iter().filter_map(|slot| self.state.alerts.get(*slot)) {
                let inhibits = source.inhibits().contains(&key) && !(is_both && all_hold(&rule.target, &source.labels));
                let is_new = source.fingerprint != self.alert.fingerprint && !found.contains(&source.fingerprint);
                if inhibits && is_new && found.len() < limit {
                    found.push(source.fingerprint);
                }
            }
        }
        found
    }

    /// The groups that it is in.
    pub fn groups(&self) -> impl Iterator<Item = GroupView<'a>> + use<'a> {
        let state = self.state;
        let seats = self.alert.seats.as_slice().iter();
        seats.filter_map(move |seat| state.groups.get(seat.group)).map(move |group| GroupView { state, group })
    }

    /// Its open pages.
    pub fn pages(&self) -> impl Iterator<Item = &'a Page> + use<'a> {
        self.groups().filter_map(|group| group.page())
    }
}

impl<'a> GroupView<'a> {
    /// Its identity.
    #[must_use]
    pub fn key(&self) -> GroupKey {
        self.group.key
    }

    /// The path of its route.
    #[must_use]
    pub fn route(&self) -> &'a str {
        &self.group.route
    }

    /// The labels by which its alerts were grouped.
    #[must_use]
    pub fn labels(&self) -> &'a Labels {
        &self.group.labels
    }

    /// The policy that its route names.
    #[must_use]
    pub fn policy(&self) -> Option<&'a PolicyName> {
        self.group.policy.as_ref()
    }

    /// When it opened.
    #[must_use]
    pub fn opened_at(&self) -> Timestamp {
        self.group.opened_at
    }

    /// When it next tells something; `None` when it has nothing to tell.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.group.due
    }

    /// Why it keeps quiet, as was said last; `None` when it does not, or has had nothing to tell.
    #[must_use]
    pub fn held(&self) -> Option<&'a Quiet> {
        self.group.held.as_ref().map(|held| &held.quiet)
    }

    /// How many of its alerts fire.
    #[must_use]
    pub fn len(&self) -> usize {
        self.group.members.len()
    }

    /// Whether none does, which is so only within a decision.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.group.members.is_empty()
    }

    /// Its firing alerts.
    pub fn alerts(&self) -> impl Iterator<Item = AlertView<'a>> + use<'a> {
        let state = self.state;
        let members = self.group.members.iter();
        members.filter_map(move |slot| state.alerts.get(*slot)).map(move |alert| AlertView { state, alert })
    }

    /// Its open page.
    #[must_use]
    pub fn page(&self) -> Option<&'a Page> {
        self.state.pages.get(&self.group.page?)
    }
}

impl State {
    /// A firing alert.
    #[must_use]
    pub fn alert(&self, alert: Fingerprint) -> Option<AlertView<'_>> {
        self.slot_of(alert).and_then(|slot| self.view(slot))
    }

    fn view(&self, slot: u32) -> Option<AlertView<'_>> {
        self.alerts.get(slot).map(|alert| AlertView { state: self, alert })
    }

    /// Up to `limit` firing alerts from a cursor on (0 at first), and the cursor for the next piece, if there is one.
    /// A list read in pieces shows every alert that fires throughout.
    #[must_use]
    pub fn alerts_from(&self, cursor: u32, limit: usize) -> (Vec<AlertView<'_>>, Option<u32>) {
        self.find(&[], cursor, limit)
    }

    /// Like [`State::alerts_from`], for those that meet all matchers. A piece may be short, even empty, before the
    /// end: one call looks at no more than [`FIND_VISITED_MAX`] alerts.
    #[must_use]
    pub fn find(&self, matchers: &[Matcher], cursor: u32, limit: usize) -> (Vec<AlertView<'_>>, Option<u32>) {
        match self.labels.candidates(matchers) {
            Candidates::None => (Vec::new(), None),
            Candidates::One(slot) => self.pick(matchers, std::iter::once(slot).filter(|slot| *slot >= cursor), limit),
            Candidates::These(slots) if slots.len() < self.alerts.len() / 8 => {
                let mut slots: Vec<u32> = slots.iter().copied().filter(|slot| *slot >= cursor).collect();
                slots.sort_unstable();
                slots.dedup();
                self.pick(matchers, slots.into_iter(), limit)
            }
            _ => self.pick(matchers, cursor..self.alerts.end(), limit),
        }
    }

    fn pick(
        &self,
        matchers: &[Matcher],
        slots: impl Iterator<Item = u32>,
        limit: usize,
    ) -> (Vec<AlertView<'_>>, Option<u32>) {
        let mut found = Vec::new();
        for (visited, slot) in slots.enumerate() {
            if found.len() == limit || visited == FIND_VISITED_MAX {
                return (found, Some(slot));
            }
            found.extend(self.view(slot).filter(|view| all_hold(matchers, view.labels())));
        }
        (found, None)
    }

    /// The slots of all firing alerts that meet all matchers.
    pub(crate) fn matching(&self, matchers: &[Matcher]) -> Vec<u32> {
        let meets = |slot: &u32| self.alerts.get(*slot).is_some_and(|alert| all_hold(matchers, &alert.labels));
        let mut slots: Vec<u32> = match self.labels.candidates(matchers) {
            Candidates::None => Vec::new(),
            Candidates::One(slot) => [slot].into_iter().filter(meets).collect(),
            Candidates::These(slots) => slots.iter().copied().filter(meets).collect(),
            Candidates::All => (0..self.alerts.end()).filter(meets).collect(),
        };
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// A group by its key.
    #[must_use]
    pub fn group(&self, key: GroupKey) -> Option<GroupView<'_>> {
        self.group_of(key).map(|group| GroupView { state: self, group })
    }

    /// Up to `limit` groups from a cursor on (0 at first), and the cursor for the next piece, if there is one.
    #[must_use]
    pub fn groups_from(&self, cursor: u32, limit: usize) -> (Vec<GroupView<'_>>, Option<u32>) {
        let mut found = Vec::new();
        for (slot, group) in self.groups.iter_from(cursor) {
            if found.len() == limit {
                return (found, Some(slot));
            }
            found.push(GroupView { state: self, group });
        }
        (found, None)
    }

    /// A page that is open, or closed not long ago.
    #[must_use]
    pub fn page(&self, id: PageId) -> Option<&Page> {
        self.pages.get(&id)
    }

    /// All remembered pages, the newest first: open ones, and the last [`crate::state::CLOSED_PAGES_KEPT`] closed ones.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values().rev()
    }

    /// The open pages, the newest first.
    pub fn open_pages(&self) -> impl Iterator<Item = &Page> {
        self.pages().filter(|page| page.is_open())
    }

    /// The open pages of a firing alert; `None` when it does not fire.
    #[must_use]
    pub fn pages_of(&self, alert: Fingerprint) -> Option<Vec<&Page>> {
        self.alert(alert).map(|view| view.pages().collect())
    }

    /// Whether a delivery should still be tried: it was not finally answered, and what it says is still so.
    #[must_use]
    pub fn wants(&self, delivery: &DeliveryId) -> bool {
        PageId::of_delivery(delivery).is_some_and(|(id, number)| {
            let page = self.pages.get(&id);
            page.is_some_and(|page| page.request(number).is_some_and(|request| page.wants(request)))
        })
    }

    /// A silence, which may be over.
    #[must_use]
    pub fn silence(&self, id: &SilenceId) -> Option<&Silence> {
        self.silence_of(id)
    }

    /// All remembered silences, in order of id.
    pub fn silences(&self) -> impl Iterator<Item = &Silence> {
        self.by_silence.values().filter_map(|slot| self.silences.get(*slot))
    }

    /// The overrides of a schedule, in order of number.
    #[must_use]
    pub fn overrides(&self, schedule: &ScheduleName) -> &[Override] {
        self.overrides.get(schedule).map_or(&[], Vec::as_slice)
    }

    /// An override by its number.
    #[must_use]
    pub fn override_by_id(&self, id: OverrideId) -> Option<(&ScheduleName, &Override)> {
        self.override_of(id)
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            alerts: self.alerts.len(),
            muted: self.muted,
            groups: self.groups.len(),
            open_pages: self.pages.len() - self.closed.len(),
            silences: self.silences.len(),
        }
    }
}
