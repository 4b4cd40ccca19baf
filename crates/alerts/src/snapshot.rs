//! The state as it is kept in a snapshot: only what facts say, in an order that does not depend on how it came about.
//! Indexes, timers and counters are built again when it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;
use kernel::book::times::RouteTimes;
use kernel::time::{Seconds, Timestamp};
use kernel::{Labels, PolicyName, ScheduleName};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{GroupOpened, InhibitionKey, Membership, Mute, Muting, Placement};
use crate::group::{Group, Held, Retired};
use crate::id::{GroupKey, PageId};
use crate::oncall::Override;
use crate::page::Page;
use crate::silence::Silence;
use crate::state::{Alert, Note, Seats, State};

#[derive(Serialize, Deserialize)]
struct SavedNote {
    source: Box<str>,
    annotations: Labels,
    generator_url: Box<str>,
}

#[derive(Serialize)]
struct AlertRef<'a> {
    labels: &'a Labels,
    note: usize,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    updated_at: Timestamp,
    muted: Option<&'a Mute>,
    groups: Vec<GroupKey>,
    inhibits: &'a [InhibitionKey],
}

#[derive(Deserialize)]
struct SavedAlert {
    labels: Labels,
    note: usize,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    updated_at: Timestamp,
    muted: Option<Box<Mute>>,
    groups: Vec<GroupKey>,
    inhibits: Vec<InhibitionKey>,
}

#[derive(Serialize, Deserialize)]
struct SavedGroup {
    key: GroupKey,
    route: Box<str>,
    labels: Labels,
    flush_at: Timestamp,
    interval: Seconds,
    repeat: Seconds,
    policy: Option<PolicyName>,
    #[serde(default, skip_serializing_if = "RouteTimes::is_always")]
    times: RouteTimes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
    opened_at: Timestamp,
    page: Option<PageId>,
    changed: bool,
    flushed_at: Timestamp,
    retired: Vec<Retired>,
}

#[derive(Deserialize)]
struct Saved {
    notes: Vec<SavedNote>,
    groups: Vec<SavedGroup>,
    pages: Vec<Page>,
    alerts: Vec<SavedAlert>,
    closed: Vec<PageId>,
    next_page: u64,
    silences: Vec<Silence>,
    unsettled: BTreeSet<Muting>,
    overrides: BTreeMap<ScheduleName, Vec<Override>>,
    next_override: u32,
}

/// Written one by one, so that a million alerts are not held twice.
struct Alerts<'a> {
    state: &'a State,
    slots: &'a [u32],
    notes: &'a HashMap<*const Note, usize>,
}

impl Serialize for Alerts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let alerts = self.slots.iter().filter_map(|slot| self.state.alerts.get(*slot));
        serializer.collect_seq(alerts.map(|alert| AlertRef {
            labels: &alert.labels,
            note: self.notes.get(&Arc::as_ptr(&alert.note)).copied().unwrap_or(0),
            starts_at: alert.starts_at,
            ends_at: alert.ends_at,
            updated_at: alert.updated_at,
            muted: alert.muted.as_deref(),
            groups: self.groups(alert),
            inhibits: alert.inhibits(),
        }))
    }
}

impl Alerts<'_> {
    fn groups(&self, alert: &Alert) -> Vec<GroupKey> {
        let seats = alert.seats.as_slice().iter();
        seats.filter_map(|seat| self.state.groups.get(seat.group).map(|group| group.key)).collect()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut slots: Vec<(u64, u32)> = self.alerts.iter().map(|(slot, alert)| (alert.fingerprint.0, slot)).collect();
        slots.sort_unstable();
        let slots: Vec<u32> = slots.into_iter().map(|(_, slot)| slot).collect();
        let (notes, numbers) = self.number_notes(&slots);
        let mut groups: Vec<SavedGroup> = self.groups.iter().map(|(_, group)| saved_group(group)).collect();
        groups.sort_unstable_by_key(|group| group.key);
        let mut saved = serializer.serialize_struct("State", 10)?;
        saved.serialize_field("notes", &notes)?;
        saved.serialize_field("groups", &groups)?;
        saved.serialize_field("pages", &self.pages.values().collect::<Vec<&Page>>())?;
        saved.serialize_field("alerts", &Alerts { state: self, slots: &slots, notes: &numbers })?;
        saved.serialize_field("closed", &self.closed)?;
        saved.serialize_field("next_page", &self.next_page)?;
        saved.serialize_field("silences", &self.silences().collect::<Vec<&Silence>>())?;
        saved.serialize_field("unsettled", &self.unsettled)?;
        saved.serialize_field("overrides", &self.overrides)?;
        saved.serialize_field("next_override", &self.next_override)?;
        saved.end()
    }
}

impl State {
    /// What alerts say, each once, in order of first use; and the number of each.
    fn number_notes(&self, slots: &[u32]) -> (Vec<SavedNote>, HashMap<*const Note, usize>) {
        let (mut notes, mut numbers) = (Vec::new(), HashMap::new());
        for alert in slots.iter().filter_map(|slot| self.alerts.get(*slot)) {
            numbers.entry(Arc::as_ptr(&alert.note)).or_insert_with(|| {
                let Note { source, annotations, generator_url } = &*alert.note;
                let (source, generator_url) = (source.clone(), generator_url.clone());
                notes.push(SavedNote { source, annotations: annotations.clone(), generator_url });
                notes.len() - 1
            });
        }
        (notes, numbers)
    }
}

fn saved_group(group: &Group) -> SavedGroup {
    SavedGroup {
        key: group.key,
        route: group.route.clone(),
        labels: group.labels.clone(),
        flush_at: group.flush_at,
        interval: group.interval,
        repeat: group.repeat,
        policy: group.policy.clone(),
        opened_at: group.opened_at,
        page: group.page,
        changed: group.changed,
        flushed_at: group.flushed_at,
        retired: group.retired.clone(),
        times: group.times.clone(),
        held: group.held.clone(),
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Saved::deserialize(deserializer).map(Self::from)
    }
}

impl From<Saved> for State {
    fn from(saved: Saved) -> Self {
        let mut state = Self { next_page: saved.next_page, next_override: saved.next_override, ..Self::default() };
        state.pages = saved.pages.into_iter().map(|page| (page.id, page)).collect();
        state.closed = saved.closed.into();
        state.unsettled = saved.unsettled;
        state.overrides = saved.overrides;
        let mut changed = Vec::with_capacity(saved.groups.len());
        for group in saved.groups {
            changed.push((group.key, group.changed));
            state.load_group(group);
        }
        let notes: Vec<Arc<Note>> =
            saved.notes.iter().map(|note| state.intern(&note.source, &note.annotations, &note.generator_url)).collect();
        for alert in saved.alerts {
            state.load_alert(&notes, alert);
        }
        // Alerts that sit down mark their group as changed; what the snapshot says counts.
        for (key, changed) in changed {
            let Some(slot) = state.group_slot(key) else { continue };
            if let Some(group) = state.groups.get_mut(slot) {
                group.changed = changed;
            }
            state.retime_group(slot);
        }
        saved.silences.into_iter().for_each(|silence| state.insert_silence(silence));
        state
    }
}

impl State {
    fn load_group(&mut self, saved: SavedGroup) {
        let opened = GroupOpened {
            route: saved.route,
            labels: saved.labels,
            flush_at: saved.flush_at,
            interval: saved.interval,
            repeat: saved.repeat,
            policy: saved.policy,
            times: saved.times,
        };
        let mut group = Group::new(saved.key, saved.opened_at, &opened);
        (group.page, group.flushed_at, group.retired) = (saved.page, saved.flushed_at, saved.retired);
        group.held = saved.held;
        let slot = self.groups.insert(group);
        self.by_key.insert(saved.key.0, slot);
    }

    fn load_alert(&mut self, notes: &[Arc<Note>], saved: SavedAlert) {
        let Some(note) = notes.get(saved.note) else { return };
        let groups = saved.groups.into_iter().map(|group| Membership { group, opens: None }).collect();
        let place = Placement { groups, inhibits: saved.inhibits };
        let alert = Alert {
            fingerprint: saved.labels.fingerprint(),
            labels: saved.labels,
            note: note.clone(),
            starts_at: saved.starts_at,
            ends_at: saved.ends_at,
            updated_at: saved.updated_at,
            muted: saved.muted,
            seats: Seats::new(Vec::new()),
            inhibits: None,
            checked: 0,
        };
        self.insert_alert(saved.updated_at, alert, &place);
    }
}
