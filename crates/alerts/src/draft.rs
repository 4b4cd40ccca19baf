//! A decision in the making: the facts so far, and what they would change, laid over a state that stays as it is. So
//! two alerts of one batch meet in one group, and a page is asked for by the very command that reports its alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use kernel::area::Context;
use kernel::time::Timestamp;
use kernel::{Fingerprint, Labels, PersonName, ScheduleName};

use crate::event::{AlertOpened, Event, GroupOpened, InhibitionKey, Membership, Mute, Muting, Placement, ResolvedBy};
use crate::group::Group;
use crate::hash::HashedMap;
use crate::id::{GroupKey, SilenceId};
use crate::inhibit::Compiled;
use crate::oncall;
use crate::page::Page;
use crate::silence::Silence;
use crate::state::{Alert, State};

/// About how many facts one decision makes at most; what is left is done by the next one.
pub const WAKE_EVENTS_MAX: usize = 10_000;

/// An alert that this decision knows: by its slot in the state, or by its number among those that it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Known(u32),
    Fresh(usize),
}

/// A group that this decision changes.
#[derive(Debug)]
pub(crate) struct Touched {
    pub key: GroupKey,
    /// Its slot; `None` when it opens now.
    pub slot: Option<u32>,
    pub joined: Vec<Who>,
    pub left: HashSet<u32>,
    pub unmuted: i64,
    pub changed: bool,
    /// What it is, when it opens now.
    pub opens: Option<Box<GroupOpened>>,
    /// Whether the fact of an alert that opens says so.
    is_said: bool,
}

/// An inhibition whose sources this decision changes.
struct SourceChange {
    key: InhibitionKey,
    /// An alert that has its equal values.
    of: Who,
    added: Vec<Who>,
}

/// A decision in the making.
pub(crate) struct Draft<'a> {
    pub state: &'a State,
    pub context: &'a Context<'a>,
    /// The alerts that open; their facts come first.
    pub opened: Vec<AlertOpened>,
    /// The facts that follow.
    pub facts: Vec<Event>,
    pub touched: Vec<Touched>,
    /// How many of these have said what they tell.
    pub settled: usize,
    touched_by: HashedMap<u64, usize>,
    gone: HashSet<u32>,
    routed: BTreeMap<u32, Placement>,
    muted: HashMap<Who, bool>,
    /// The inhibitions whose sources change, with the sources that come, in order of first change.
    sources: Vec<SourceChange>,
    sources_by: HashedMap<u64, usize>,
    /// The watchbook's inhibitions, indexed.
    pub compiled: Arc<Compiled>,
    /// The silences that begin or end, whose alerts are to be looked at again.
    pub rechecks: Vec<Muting>,
    /// The alerts whose muting is to be looked at again.
    pub reviews: Vec<u32>,
    /// The silences that end now.
    pub ended: Vec<SilenceId>,
    /// The silence that begins now and is not in the state.
    pub written: Option<Silence>,
    pub next_page: u64,
    duty: HashMap<ScheduleName, Option<PersonName>>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(state: &'a State, context: &'a Context<'a>) -> Self {
        Self {
            state,
            context,
            opened: Vec::new(),
            facts: Vec::new(),
            touched: Vec::new(),
            settled: 0,
            touched_by: HashedMap::default(),
            gone: HashSet::new(),
            routed: BTreeMap::new(),
            muted: HashMap::new(),
            sources: Vec::new(),
            sources_by: HashedMap::default(),
            compiled: state.compiled_for(context.book),
            rechecks: Vec::new(),
            reviews: Vec::new(),
            ended: Vec::new(),
            written: None,
            next_page: state.next_page.max(1),
            duty: HashMap::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.now
    }

    /// Whether this decision has made as many facts as it may.
    pub(crate) fn is_full(&self) -> bool {
        self.facts.len() >= WAKE_EVENTS_MAX
    }

    /// The facts, in order.
    pub(crate) fn finish(self) -> Vec<Event> {
        if self.opened.is_empty() {
            return self.facts;
        }
        let mut events = Vec::with_capacity(self.opened.len() + self.facts.len());
        events.extend(self.opened.into_iter().map(|opened| Event::AlertOpened(Box::new(opened))));
        events.extend(self.facts);
        events
    }

    /// Whom a schedule has on duty now; asked once.
    pub(crate) fn on_duty(&mut self, schedule: &ScheduleName) -> Option<PersonName> {
        if let Some(known) = self.duty.get(schedule) {
            return known.clone();
        }
        let overrides = self.state.overrides(schedule);
        let found = self.context.book.schedules.get(schedule);
        let person = found.and_then(|found| oncall::on_duty(found, overrides, self.context.now)).map(|(who, _)| who);
        self.duty.insert(schedule.clone(), person.clone());
        person
    }

    // Alerts that come, go and move.

    /// An alert begins to fire. Its fact comes before those of moves, so it says itself what its new groups are.
    pub(crate) fn open(&mut self, mut opened: AlertOpened) {
        let who = Who::Fresh(self.opened.len());
        for membership in opened.place.groups.iter_mut() {
            let touched = self.touch(membership.group);
            if membership.opens.is_none() && !touched.is_said {
                membership.opens.clone_from(&touched.opens);
            }
            touched.is_said |= membership.opens.is_some();
        }
        self.note_sources(who, &opened.place.inhibits);
        for membership in &opened.place.groups {
            self.join(who, membership, true);
        }
        self.opened.push(opened);
    }

    /// An alert is over.
    pub(crate) fn resolve(&mut self, slot: u32, ends_at: Timestamp, by: ResolvedBy, note: String) {
        let Some(alert) = self.alert(slot) else { return };
        for key in alert.inhibits() {
            self.source_changes(*key, Who::Known(slot));
        }
        self.leave_all(slot, alert);
        self.gone.insert(slot);
        self.facts.push(Event::AlertResolved { alert: alert.fingerprint, ends_at, by, note });
    }

    /// The watchbook puts an alert elsewhere. Its fact says what all its groups are, because one of them may have
    /// lost its last alert by an earlier fact of the same decision.
    pub(crate) fn reroute(&mut self, slot: u32, mut place: Placement) {
        let Some(alert) = self.alert(slot) else { return };
        for membership in place.groups.iter_mut().filter(|membership| membership.opens.is_none()) {
            let known = self.state.group_of(membership.group).map(Group::opening);
            membership.opens = known.or_else(|| self.opening(membership.group).cloned()).map(Box::new);
        }
        let unmuted = alert.muted.is_none();
        for key in alert.inhibits() {
            self.source_changes(*key, Who::Known(slot));
        }
        self.leave_all(slot, alert);
        for membership in &place.groups {
            self.join(Who::Known(slot), membership, unmuted);
        }
        self.note_sources(Who::Known(slot), &place.inhibits);
        self.facts.push(Event::AlertRouted { alert: alert.fingerprint, place: place.clone() });
        self.routed.insert(slot, place);
    }

    fn join(&mut self, who: Who, membership: &Membership, unmuted: bool) {
        let touched = self.touch(membership.group);
        touched.joined.push(who);
        touched.unmuted += i64::from(unmuted);
        touched.changed = true;
        if touched.slot.is_none() && touched.opens.is_none() {
            touched.opens.clone_from(&membership.opens);
        }
    }

    fn leave_all(&mut self, slot: u32, alert: &Alert) {
        for seat in alert.seats.as_slice() {
            let Some(group) = self.state.groups.get(seat.group) else { continue };
            let touched = self.touch(group.key);
            touched.left.insert(slot);
            touched.unmuted -= i64::from(alert.muted.is_none());
            touched.changed = true;
        }
    }

    fn touch(&mut self, key: GroupKey) -> &mut Touched {
        let slot = self.state.group_slot(key);
        let index = *self.touched_by.entry(key.0).or_insert_with(|| {
            let (joined, left) = (Vec::new(), HashSet::new());
            self.touched.push(Touched {
                key,
                slot,
                joined,
                left,
                unmuted: 0,
                changed: false,
                opens: None,
                is_said: false,
            });
            self.touched.len() - 1
        });
        &mut self.touched[index]
    }

    pub(crate) fn is_touched(&self, key: GroupKey) -> bool {
        self.touched_by.contains_key(&key.0)
    }

    /// A group that has something due.
    pub(crate) fn touch_due(&mut self, key: GroupKey) {
        self.touch(key);
    }

    /// What a group that opens in this very decision is.
    pub(crate) fn opening(&self, key: GroupKey) -> Option<&GroupOpened> {
        self.touched_by.get(&key.0).and_then(|index| self.touched.get(*index))?.opens.as_deref()
    }

    // What stands after the facts so far.

    fn alert(&self, slot: u32) -> Option<&'a Alert> {
        self.state.alerts.get(slot)
    }

    pub(crate) fn is_gone(&self, slot: u32) -> bool {
        self.gone.contains(&slot)
    }

    pub(crate) fn labels(&self, who: Who) -> Option<&Labels> {
        match who {
            Who::Known(slot) => self.alert(slot).map(|alert| &alert.labels),
            Who::Fresh(index) => self.opened.get(index).map(|opened| &opened.labels),
        }
    }

    pub(crate) fn fingerprint(&self, who: Who) -> Option<Fingerprint> {
        match who {
            Who::Known(slot) => self.alert(slot).map(|alert| alert.fingerprint),
            Who::Fresh(index) => self.opened.get(index).map(|opened| opened.alert),
        }
    }

    pub(crate) fn is_muted(&self, who: Who) -> bool {
        self.muted.get(&who).copied().unwrap_or_else(|| match who {
            Who::Known(slot) => self.alert(slot).is_some_and(|alert| alert.muted.is_some()),
            Who::Fresh(_) => false,
        })
    }

    /// The inhibitions of which an alert is a source.
    pub(crate) fn inhibits(&self, who: Who) -> &[InhibitionKey] {
        match who {
            Who::Fresh(index) => self.opened.get(index).map_or(&[], |opened| &opened.place.inhibits),
            Who::Known(slot) => match self.routed.get(&slot) {
                Some(place) => &place.inhibits,
                None => self.alert(slot).map_or(&[], Alert::inhibits),
            },
        }
    }

    fn groups_of(&self, who: Who) -> Vec<GroupKey> {
        let keys = |place: &Placement| place.groups.iter().map(|membership| membership.group).collect();
        match who {
            Who::Fresh(index) => self.opened.get(index).map_or_else(Vec::new, |opened| keys(&opened.place)),
            Who::Known(slot) => match (self.routed.get(&slot), self.alert(slot)) {
                (Some(place), _) => keys(place),
                (None, Some(alert)) => {
                    let seats = alert.seats.as_slice().iter();
                    seats.filter_map(|seat| self.state.groups.get(seat.group).map(|group| group.key)).collect()
                }
                (None, None) => Vec::new(),
            },
        }
    }

    /// The firing alerts of a touched group that are not muted.
    pub(crate) fn unmuted<'d>(&'d self, touched: &'d Touched) -> impl Iterator<Item = Who> + 'd {
        let members = self.group(touched).map_or(&[][..], |group| &group.members);
        let stayed = members.iter().filter(|slot| !touched.left.contains(*slot)).map(|slot| Who::Known(*slot));
        stayed.chain(touched.joined.iter().copied()).filter(|who| !self.is_muted(*who))
    }

    pub(crate) fn group(&self, touched: &Touched) -> Option<&'a Group> {
        self.state.groups.get(touched.slot?)
    }

    pub(crate) fn page(&self, touched: &Touched) -> Option<&'a Page> {
        self.state.pages.get(&self.group(touched)?.page?)
    }

    /// How many alerts of a touched group fire, and how many of these are not muted.
    pub(crate) fn counts(&self, touched: &Touched) -> (usize, usize) {
        let (members, unmuted) = self.group(touched).map_or((0, 0), |group| (group.members.len(), group.unmuted));
        let firing = (members + touched.joined.len()).saturating_sub(touched.left.len());
        (firing, usize::try_from(i64::from(unmuted) + touched.unmuted).unwrap_or(0))
    }

    // Muting.

    /// Writes that an alert is muted now.
    pub(crate) fn mute(&mut self, who: Who, why: Mute) {
        if let Some(alert) = self.fingerprint(who) {
            self.facts.push(Event::AlertMuted { alert, why });
            self.shift_muted(who, true);
        }
    }

    /// Writes that nothing mutes an alert any more.
    pub(crate) fn unmute(&mut self, who: Who) {
        if let Some(alert) = self.fingerprint(who) {
            self.facts.push(Event::AlertUnmuted { alert });
            self.shift_muted(who, false);
        }
    }

    fn shift_muted(&mut self, who: Who, muted: bool) {
        if self.is_muted(who) == muted {
            return;
        }
        for key in self.groups_of(who) {
            let touched = self.touch(key);
            touched.unmuted += if muted { -1 } else { 1 };
            touched.changed |= !muted;
        }
        self.muted.insert(who, muted);
    }

    fn note_sources(&mut self, who: Who, inhibits: &[InhibitionKey]) {
        for key in inhibits {
            self.source_changes(*key, who).added.push(who);
        }
    }

    fn source_changes(&mut self, key: InhibitionKey, of: Who) -> &mut SourceChange {
        let index = *self.sources_by.entry(key.equal).or_insert_with(|| {
            self.sources.push(SourceChange { key, of, added: Vec::new() });
            self.sources.len() - 1
        });
        &mut self.sources[index]
    }

    /// The inhibitions whose sources this decision changes, each with an alert that has its equal values.
    pub(crate) fn changed_sources(&self) -> Vec<(InhibitionKey, Who)> {
        self.sources.iter().map(|change| (change.key, change.of)).collect()
    }

    /// The sources of an inhibition that this decision adds.
    pub(crate) fn added_sources(&self, key: InhibitionKey) -> &[Who] {
        let change = self.sources_by.get(&key.equal).and_then(|index| self.sources.get(*index));
        change.map_or(&[], |change| &change.added)
    }

    /// The rules of which this decision adds sources.
    pub(crate) fn added_rules(&self) -> impl Iterator<Item = u64> {
        let mut rules: Vec<u64> = Vec::new();
        for change in self.sources.iter().filter(|change| !change.added.is_empty()) {
            if !rules.contains(&change.key.rule) {
                rules.push(change.key.rule);
            }
        }
        rules.into_iter()
    }

    /// Whether an alert of the state is a source of an inhibition after this decision.
    pub(crate) fn stays_source(&self, slot: u32, key: InhibitionKey) -> bool {
        !self.is_gone(slot) && !self.routed.contains_key(&slot) && self.state.is_source(slot, key)
    }
}
