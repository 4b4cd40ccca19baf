//! What this room remembers. Not how facts change it: see `evolve`; not what readers see: see `read`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashTable;
use kernel::time::Timestamp;
use kernel::{Book, Fingerprint, Labels, ScheduleName};

use crate::conditions::Conditions;
use crate::deadline::Deadlines;
use crate::event::{InhibitionKey, Mute, Muting};
use crate::group::Group;
use crate::hash::{self, HashedMap};
use crate::id::{GroupKey, OverrideId, PageId, SilenceId};
use crate::index::{LabelIndex, Roster};
use crate::inhibit::Compiled;
use crate::oncall::Override;
use crate::page::Page;
use crate::silence::Silence;
use crate::slab::Slab;

/// How many closed pages are remembered, so that people can still ask why they were paged.
pub const CLOSED_PAGES_KEPT: usize = 1000;

/// What this room remembers. [`Default`] is an empty room.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) alerts: Slab<Alert>,
    pub(crate) by_fingerprint: HashedMap<u64, u32>,
    pub(crate) labels: LabelIndex,
    pub(crate) deadlines: Deadlines,
    pub(crate) notes: HashTable<Arc<Note>>,
    pub(crate) muted: usize,
    pub(crate) groups: Slab<Group>,
    pub(crate) by_key: HashedMap<u64, u32>,
    /// The sources of each inhibition, by rule and equal values.
    pub(crate) inhibitions: HashedMap<u64, Roster>,
    /// How many sources of each rule fire.
    pub(crate) rules: BTreeMap<u64, u32>,
    pub(crate) unsettled: BTreeSet<Muting>,
    pub(crate) pages: BTreeMap<PageId, Page>,
    pub(crate) closed: VecDeque<PageId>,
    pub(crate) next_page: u64,
    pub(crate) silences: Slab<Silence>,
    pub(crate) by_silence: BTreeMap<SilenceId, u32>,
    pub(crate) conditions: Conditions,
    /// Silences that are over, in the order in which they are forgotten.
    pub(crate) expired: BTreeSet<(Timestamp, u32)>,
    pub(crate) overrides: BTreeMap<ScheduleName, Vec<Override>>,
    pub(crate) next_override: u32,
    pub(crate) timers: BTreeSet<(Timestamp, Timer)>,
    /// Noted by `hear`: the watchbook's inhibitions, indexed.
    pub(crate) compiled: Option<Arc<Compiled>>,
}

/// What becomes due, apart from the ends of alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The silence in this slot begins or ends.
    Silence(u32),
    /// The group in this slot has something to tell.
    Group(u32),
    /// A page escalates.
    Page(PageId),
}

/// A firing alert. A million of these are held, so it is kept small.
#[derive(Debug)]
pub(crate) struct Alert {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    pub note: Arc<Note>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub muted: Option<Box<Mute>>,
    pub seats: Seats,
    pub inhibits: Option<Box<[InhibitionKey]>>,
    /// Noted by `hear`: under which watchbook its place was last checked.
    pub checked: u64,
}

/// What many alerts have in common: their source, and often what they say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub source: Box<str>,
    pub annotations: Labels,
    pub generator_url: Box<str>,
}

/// The seats of an alert in its groups; nearly always one.
#[derive(Debug)]
pub(crate) enum Seats {
    One([Seat; 1]),
    Many(Box<[Seat]>),
}

/// A seat: a group's slot, and the place among its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    pub group: u32,
    pub index: u32,
}

impl Note {
    pub(crate) fn hash(source: &str, annotations: &Labels, generator_url: &str) -> u64 {
        let seed = hash::text(hash::text(hash::EMPTY, source), generator_url);
        annotations.iter().fold(seed, |seed, (name, value)| hash::text(hash::text(seed, name), value))
    }

    pub(crate) fn is(&self, source: &str, annotations: &Labels, generator_url: &str) -> bool {
        *self.source == *source && self.annotations == *annotations && *self.generator_url == *generator_url
    }
}

impl Seats {
    pub(crate) fn new(seats: Vec<Seat>) -> Self {
        match *seats {
            [seat] => Self::One([seat]),
            _ => Self::Many(seats.into()),
        }
    }

    pub(crate) fn as_slice(&self) -> &[Seat] {
        match self {
            Self::One(seat) => seat,
            Self::Many(seats) => seats,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Seat] {
        match self {
            Self::One(seat) => seat,
            Self::Many(seats) => seats,
        }
    }
}

impl Alert {
    /// The inhibitions of which it is a source.
    pub(crate) fn inhibits(&self) -> &[InhibitionKey] {
        self.inhibits.as_deref().unwrap_or_default()
    }
}

impl State {
    pub(crate) fn slot_of(&self, alert: Fingerprint) -> Option<u32> {
        self.by_fingerprint.get(&alert.0).copied()
    }

    pub(crate) fn group_slot(&self, key: GroupKey) -> Option<u32> {
        self.by_key.get(&key.0).copied()
    }

    pub(crate) fn group_of(&self, key: GroupKey) -> Option<&Group> {
        self.groups.get(self.group_slot(key)?)
    }

    pub(crate) fn silence_of(&self, id: &SilenceId) -> Option<&Silence> {
        self.silences.get(*self.by_silence.get(id)?)
    }

    pub(crate) fn override_of(&self, id: OverrideId) -> Option<(&ScheduleName, &Override)> {
        let all = self.overrides.iter().flat_map(|(schedule, list)| list.iter().map(move |one| (schedule, one)));
        all.into_iter().find(|(_, one)| one.id == id)
    }

    /// The watchbook's inhibitions, indexed: as noted, or made anew.
    pub(crate) fn compiled_for(&self, book: &Book) -> Arc<Compiled> {
        let noted = self.compiled.as_ref().filter(|compiled| compiled.fits(book));
        noted.map_or_else(|| Arc::new(Compiled::of(book)), Arc::clone)
    }

    /// When this room next wants to be woken.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        if !self.unsettled.is_empty() {
            return Some(Timestamp::UNIX_EPOCH);
        }
        let timer = self.timers.first().map(|(at, _)| *at);
        [timer, self.deadlines.next()].into_iter().flatten().min()
    }

    /// Sets a timer anew.
    pub(crate) fn retime(&mut self, timer: Timer, was: Option<Timestamp>, is: Option<Timestamp>) {
        if was == is {
            return;
        }
        if let Some(at) = was {
            self.timers.remove(&(at, timer));
        }
        if let Some(at) = is {
            self.timers.insert((at, timer));
        }
    }
}
