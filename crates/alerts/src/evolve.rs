//! How facts change what is remembered. No rules: every fact did happen, and one that fits nothing changes nothing.

use std::sync::Arc;

use hashbrown::hash_table::Entry;
use kernel::area::Stamp;
use kernel::time::Timestamp;
use kernel::{Fingerprint, Labels};

use crate::event::{AlertOpened, Event, GroupOpened, InhibitionKey, Mute, PageOpened, Placement, Restart};
use crate::group::{Group, Held, Retired};
use crate::id::{GroupKey, PageId};
use crate::page::{Page, Phase, Request, Status};
use crate::state::{Alert, CLOSED_PAGES_KEPT, Note, Seat, Seats, State, Timer};

impl State {
    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        let at = stamp.at;
        match event {
            Event::AlertOpened(opened) => self.open_alert(at, opened),
            Event::AlertRouted { alert, place } => self.route_alert(at, *alert, place),
            Event::AlertResolved { alert, ends_at, .. } => self.resolve_alert(*alert, *ends_at),
            Event::AlertMuted { alert, why } => self.shift_muted(*alert, Some(why)),
            Event::AlertUnmuted { alert } => self.shift_muted(*alert, None),
            Event::MutingDeferred { what } => {
                self.unsettled.insert(what.clone());
            }
            Event::MutingSettled { what } => {
                self.unsettled.remove(what);
            }
            Event::SilenceCreated { .. } | Event::SilenceStarted { .. } | Event::SilenceExpired { .. } => {
                self.evolve_silence(stamp, event);
            }
            Event::PageOpened(opened) => self.open_page(at, opened),
            Event::ShiftOverridden { .. } | Event::OverrideCancelled { .. } => self.evolve_override(stamp, event),
            Event::Resumed { until } => self.resume(*until),
            Event::GroupHeld { group, quiet } => {
                let held = Held { quiet: quiet.clone(), since: at };
                self.group_slot(*group).into_iter().for_each(|slot| self.set_held(slot, Some(held.clone())));
            }
            _ => self.evolve_page(stamp, event),
        }
    }

    // Alerts.

    fn open_alert(&mut self, at: Timestamp, opened: &AlertOpened) {
        if self.by_fingerprint.contains_key(&opened.alert.0) {
            self.resolve_alert(opened.alert, at);
        }
        let note = self.intern(&opened.source, &opened.annotations, &opened.generator_url);
        let alert = Alert {
            fingerprint: opened.alert,
            labels: opened.labels.clone(),
            note,
            starts_at: opened.starts_at,
            ends_at: opened.ends_at,
            updated_at: at,
            muted: None,
            seats: Seats::new(Vec::new()),
            inhibits: None,
            checked: 0,
        };
        self.insert_alert(at, alert, &opened.place);
    }

    /// Puts an alert where it is found again: by fingerprint, by label, by its end and by its groups.
    pub(crate) fn insert_alert(&mut self, at: Timestamp, alert: Alert, place: &Placement) {
        let (fingerprint, ends_at) = (alert.fingerprint, alert.ends_at);
        self.muted += usize::from(alert.muted.is_some());
        let slot = self.alerts.insert(alert);
        self.by_fingerprint.insert(fingerprint.0, slot);
        if let Some(alert) = self.alerts.get(slot) {
            self.labels.add(&alert.labels, slot);
        }
        self.deadlines.add(ends_at, slot);
        self.place(at, slot, place);
    }

    /// Seats an alert in its groups and notes its sides of inhibitions.
    fn place(&mut self, at: Timestamp, slot: u32, place: &Placement) {
        let unmuted = self.alerts.get(slot).is_some_and(|alert| alert.muted.is_none());
        let mut seats = Vec::with_capacity(place.groups.len());
        for membership in &place.groups {
            let Some(group) = self.group_for(at, membership.group, membership.opens.as_deref()) else { continue };
            seats.push(self.sit(group, slot, unmuted));
        }
        for key in &place.inhibits {
            self.inhibitions.entry(key.equal).or_default().push(slot);
            *self.rules.entry(key.rule).or_default() += 1;
        }
        if let Some(alert) = self.alerts.get_mut(slot) {
            alert.seats = Seats::new(seats);
            alert.inhibits = (!place.inhibits.is_empty()).then(|| place.inhibits.as_slice().into());
        }
    }

    fn group_for(&mut self, at: Timestamp, key: GroupKey, opens: Option<&GroupOpened>) -> Option<u32> {
        if let Some(slot) = self.group_slot(key) {
            return Some(slot);
        }
        let slot = self.groups.insert(Group::new(key, at, opens?));
        self.by_key.insert(key.0, slot);
        Some(slot)
    }

    fn sit(&mut self, group_slot: u32, slot: u32, unmuted: bool) -> Seat {
        let mut index = 0;
        let alert = self.alerts.get(slot).map(|alert| alert.fingerprint);
        if let Some(group) = self.groups.get_mut(group_slot) {
            index = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
            group.members.push(slot);
            group.unmuted += u32::from(unmuted);
            group.changed = true;
            // What fires again is not told of as resolved.
            group.retired.retain(|retired| Some(retired.alert) != alert);
        }
        self.retime_group(group_slot);
        Seat { group: group_slot, index }
    }

    fn route_alert(&mut self, at: Timestamp, alert: Fingerprint, place: &Placement) {
        let Some(slot) = self.slot_of(alert) else { return };
        let Some(alert) = self.alerts.get_mut(slot) else { return };
        let seats = std::mem::replace(&mut alert.seats, Seats::new(Vec::new()));
        let inhibits = alert.inhibits.take();
        let unmuted = alert.muted.is_none();
        self.forget_source(inhibits.as_deref().unwrap_or_default());
        self.place(at, slot, place);
        for seat in seats.as_slice() {
            self.stand_up(*seat, unmuted, None);
        }
    }

    fn resolve_alert(&mut self, alert: Fingerprint, ends_at: Timestamp) {
        let Some(slot) = self.by_fingerprint.remove(&alert.0) else { return };
        let Some(alert) = self.alerts.remove(slot) else { return };
        let alerts = &self.alerts;
        let has =
            |slot, name: &str, value: &str| alerts.get(slot).is_some_and(|a: &Alert| a.labels.get(name) == Some(value));
        self.labels.remove(&alert.labels, slot, has);
        self.deadlines.cancel(alert.ends_at);
        self.muted -= usize::from(alert.muted.is_some());
        self.forget_source(alert.inhibits());
        for seat in alert.seats.as_slice() {
            self.stand_up(*seat, alert.muted.is_none(), Some((&alert, ends_at)));
        }
        self.release(alert.note);
    }

    /// Takes an alert out of a group. The last one to leave takes a group without a page with it.
    fn stand_up(&mut self, seat: Seat, unmuted: bool, resolved: Option<(&Alert, Timestamp)>) {
        let Some(group) = self.groups.get_mut(seat.group) else { return };
        if (seat.index as usize) < group.members.len() {
            group.members.swap_remove(seat.index as usize);
        }
        group.unmuted -= u32::from(unmuted);
        group.changed = true;
        if group.page.is_some()
            && let Some((alert, ends_at)) = resolved
        {
            group.retire(retired(alert, ends_at));
        }
        let moved = group.members.get(seat.index as usize).copied();
        let is_over = group.members.is_empty() && group.page.is_none();
        if let Some(alert) = moved.and_then(|slot| self.alerts.get_mut(slot)) {
            for other in alert.seats.as_mut_slice().iter_mut().filter(|other| other.group == seat.group) {
                other.index = seat.index;
            }
        }
        if is_over { self.drop_group(seat.group) } else { self.retime_group(seat.group) }
    }

    fn drop_group(&mut self, slot: u32) {
        if let Some(group) = self.groups.remove(slot) {
            self.by_key.remove(&group.key.0);
            self.retime(Timer::Group(slot), group.due, None);
        }
    }

    fn forget_source(&mut self, keys: &[InhibitionKey]) {
        for key in keys {
            let alerts = &self.alerts;
            let is_source = |slot| alerts.get(slot).is_some_and(|alert: &Alert| alert.inhibits().contains(key));
            if let Some(sources) = self.inhibitions.get_mut(&key.equal) {
                sources.leave(is_source);
                if sources.is_empty() {
                    self.inhibitions.remove(&key.equal);
                }
            }
            if let Some(count) = self.rules.get_mut(&key.rule) {
                *count -= 1;
                if *count == 0 {
                    self.rules.remove(&key.rule);
                }
            }
        }
    }

    fn shift_muted(&mut self, alert: Fingerprint, why: Option<&Mute>) {
        let Some(alert) = self.by_fingerprint.get(&alert.0).and_then(|slot| self.alerts.get_mut(*slot)) else { return };
        let was = std::mem::replace(&mut alert.muted, why.cloned().map(Box::new)).is_some();
        if was == why.is_some() {
            return;
        }
        let groups: Vec<u32> = alert.seats.as_slice().iter().map(|seat| seat.group).collect();
        self.muted = if was { self.muted - 1 } else { self.muted + 1 };
        for slot in groups {
            if let Some(group) = self.groups.get_mut(slot) {
                group.unmuted = if was { group.unmuted + 1 } else { group.unmuted - 1 };
                group.changed |= was;
            }
            self.retime_group(slot);
        }
    }

    fn resume(&mut self, until: Timestamp) {
        let due: Vec<u32> = self.deadlines.due(until).map(|(_, slot)| slot).collect();
        for slot in due {
            let Some(alert) = self.alerts.get_mut(slot) else { continue };
            let from = alert.ends_at;
            if from.is_some_and(|ends| ends < until) {
                alert.ends_at = Some(until);
                self.deadlines.postpone(from, Some(until), slot);
            }
        }
    }

    // What many alerts say is kept once.

    pub(crate) fn intern(&mut self, source: &str, annotations: &Labels, generator_url: &str) -> Arc<Note> {
        let hash = Note::hash(source, annotations, generator_url);
        let rehash = |note: &Arc<Note>| Note::hash(&note.source, &note.annotations, &note.generator_url);
        match self.notes.entry(hash, |note| note.is(source, annotations, generator_url), rehash) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                let (annotations, generator_url) = (annotations.clone(), generator_url.into());
                entry.insert(Arc::new(Note { source: source.into(), annotations, generator_url })).get().clone()
            }
        }
    }

    fn release(&mut self, note: Arc<Note>) {
        // The table holds one, and this is the other.
        if Arc::strong_count(&note) > 2 {
            return;
        }
        let hash = Note::hash(&note.source, &note.annotations, &note.generator_url);
        if let Ok(entry) = self.notes.find_entry(hash, |other| Arc::ptr_eq(other, &note)) {
            entry.remove();
        }
    }

    /// Notes what an alert says now.
    pub(crate) fn rewrite(&mut self, slot: u32, source: &str, annotations: &Labels, generator_url: &str) {
        let note = self.intern(source, annotations, generator_url);
        if let Some(alert) = self.alerts.get_mut(slot) {
            let old = std::mem::replace(&mut alert.note, note);
            self.release(old);
        }
    }

    // Pages.

    fn open_page(&mut self, at: Timestamp, opened: &PageOpened) {
        self.next_page = self.next_page.max(opened.page.0 + 1);
        let Some(slot) = self.group_slot(opened.group) else { return };
        let Some(group) = self.groups.get_mut(slot) else { return };
        group.page = Some(opened.page);
        (group.changed, group.held) = (false, None);
        group.flushed_at = at;
        self.pages.insert(opened.page, Page::new(at, opened, &group.route, &group.labels));
        self.retime_page(opened.page, None);
        self.retime_group(slot);
    }

    fn evolve_page(&mut self, stamp: Stamp<'_>, event: &Event) {
        let at = stamp.at;
        match event {
            Event::PageRenewed { page, severity, alerts, count, restart, .. } => {
                self.renew_page(at, *page, *restart, |found| {
                    found.severity = *severity;
                    found.alerts.clone_from(alerts);
                    found.count = *count;
                });
            }
            Event::PageRequested { page, delivery, .. } => {
                let request = PageId::of_delivery(delivery).and_then(|(_, number)| request(at, number, event));
                self.change_page(*page, |found| request.into_iter().for_each(|one| found.push_request(one)));
            }
            Event::PageAttempted { page, delivery, attempt } => {
                let number = PageId::of_delivery(delivery).map_or(0, |(_, number)| number);
                self.change_page(*page, |found| {
                    found.request_mut(number).into_iter().for_each(|request| request.note(attempt));
                    if !found.is_open() && found.is_answered() {
                        found.retired = Vec::new();
                    }
                });
            }
            Event::PageAcknowledged { page, note } => self.change_page(*page, |found| {
                found.phase = Phase::Acknowledged { by: stamp.actor.clone(), at, note: note.clone() };
            }),
            Event::PageEscalated { page, step, round, due, .. } => {
                self.let_go(*page);
                self.change_page(*page, |found| {
                    (found.step, found.round, found.escalates_at) = (*step, *round, *due);
                });
            }
            Event::NobodyReached { page, why, exhausted } => self.change_page(*page, |found| {
                found.nobody = Some((at, why.clone()));
                if *exhausted && found.phase != Phase::Exhausted {
                    (found.phase, found.escalates_at) = (Phase::Exhausted, None);
                    found.step += 1;
                }
            }),
            Event::PageClosed { page } => self.close_page(at, *page),
            _ => {}
        }
    }

    fn renew_page(&mut self, at: Timestamp, page: PageId, restart: Option<Restart>, change: impl FnOnce(&mut Page)) {
        self.let_go(page);
        let slot = self.pages.get(&page).and_then(|page| self.group_slot(page.group));
        let Some(group) = slot.and_then(|slot| self.groups.get_mut(slot)) else { return };
        group.changed = false;
        group.flushed_at = at;
        let retired = std::mem::take(&mut group.retired);
        self.change_page(page, |found| {
            change(found);
            found.retired = retired;
            if let Some(restart) = restart {
                (found.phase, found.escalates_at) = (Phase::Told, restart.due);
                (found.step, found.round) = (0, 0);
            }
        });
    }

    /// Changes a page, and sets its timers and its group's anew.
    fn change_page(&mut self, id: PageId, change: impl FnOnce(&mut Page)) {
        let was = self.page_due(id);
        let Some(page) = self.pages.get_mut(&id) else { return };
        change(page);
        let group = page.group;
        self.retime_page(id, was);
        if let Some(slot) = self.group_slot(group) {
            self.retime_group(slot);
        }
    }

    fn close_page(&mut self, at: Timestamp, id: PageId) {
        let Some(key) = self.pages.get(&id).map(|page| page.group) else { return };
        let slot = self.group_slot(key);
        let mut retired = Vec::new();
        if let Some(group) = slot.and_then(|slot| self.groups.get_mut(slot)) {
            retired = std::mem::take(&mut group.retired);
        }
        self.change_page(id, |page| {
            if let Phase::Acknowledged { by, at, note } = std::mem::replace(&mut page.phase, Phase::Closed { at }) {
                page.taken = Some((by, at, note));
            }
            page.escalates_at = None;
            page.retired = retired;
        });
        if let Some(group) = slot.and_then(|slot| self.groups.get_mut(slot)) {
            group.page = None;
        }
        if let Some(slot) = slot {
            let over = self.groups.get(slot).is_some_and(|group| group.members.is_empty());
            if over { self.drop_group(slot) } else { self.retime_group(slot) }
        }
        self.closed.push_back(id);
        self.forget_pages();
    }

    /// Forgets the oldest closed page whose messages are all answered, when there are too many.
    fn forget_pages(&mut self) {
        if self.closed.len() <= CLOSED_PAGES_KEPT {
            return;
        }
        let Some(id) = self.closed.pop_front() else { return };
        if self.pages.get(&id).is_some_and(|page| !page.is_answered()) {
            self.closed.push_back(id);
        } else {
            self.pages.remove(&id);
        }
    }

    /// When a page escalates: not while somebody has it, nor while all its alerts are muted.
    pub(crate) fn page_due(&self, id: PageId) -> Option<Timestamp> {
        let page = self.pages.get(&id).filter(|page| page.phase == Phase::Told)?;
        self.group_of(page.group).filter(|group| group.unmuted > 0 && group.page == Some(id))?;
        page.escalates_at.map(|at| self.after_hold(page.group, at))
    }

    fn after_hold(&self, group: GroupKey, at: Timestamp) -> Timestamp {
        self.group_of(group).map_or(at, |group| group.after_hold(at))
    }

    /// Notes that a group keeps quiet, or no longer does, and sets its timer and its page's anew.
    fn set_held(&mut self, slot: u32, held: Option<Held>) {
        let page = self.groups.get(slot).and_then(|group| group.page);
        let was = page.and_then(|id| self.page_due(id));
        if let Some(group) = self.groups.get_mut(slot) {
            group.held = held;
        }
        if let Some(id) = page {
            self.retime_page(id, was);
        }
        self.retime_group(slot);
    }

    /// A page's group does not keep quiet any more.
    fn let_go(&mut self, page: PageId) {
        let slot = self.pages.get(&page).and_then(|page| self.group_slot(page.group));
        slot.into_iter().for_each(|slot| self.set_held(slot, None));
    }

    fn retime_page(&mut self, id: PageId, was: Option<Timestamp>) {
        self.retime(Timer::Page(id), was, self.page_due(id));
    }

    /// Sets a group's timer anew, and that of its page, which rests while all alerts are muted.
    pub(crate) fn retime_group(&mut self, slot: u32) {
        let Some(group) = self.groups.get(slot) else { return };
        let page = group.page.and_then(|id| self.pages.get(&id));
        let wanted = group.wanted_at(page.is_some_and(Page::is_acknowledged));
        let (was, page) = (group.due, page.map(|page| (page.id, page.escalates_at, group.unmuted > 0)));
        self.retime(Timer::Group(slot), was, wanted);
        if let Some(group) = self.groups.get_mut(slot) {
            group.due = wanted;
        }
        if let Some((id, Some(at), _)) = page {
            let at = self.groups.get(slot).map_or(at, |group| group.after_hold(at));
            match self.page_due(id) {
                Some(_) => self.timers.insert((at, Timer::Page(id))),
                None => self.timers.remove(&(at, Timer::Page(id))),
            };
        }
    }
}

fn retired(alert: &Alert, ends_at: Timestamp) -> Retired {
    Retired {
        alert: alert.fingerprint,
        labels: alert.labels.clone(),
        annotations: alert.note.annotations.clone(),
        starts_at: alert.starts_at,
        ends_at,
        generator_url: alert.note.generator_url.clone(),
    }
}

fn request(at: Timestamp, number: u32, event: &Event) -> Option<Request> {
    let Event::PageRequested { person, address, step, round, method, says, .. } = event else { return None };
    let (step, round, method, says) = (*step, *round, *method, *says);
    let (person, address, status) = (person.clone(), address.clone(), Status::Pending { reason: None });
    Some(Request { number, at, person, address, step, round, method, says, attempts: 0, status })
}
