//! Groups: alerts that are paged together, and when. Not routing, which says to which groups an alert belongs.

use kernel::book::times::RouteTimes;
use kernel::time::{Seconds, Timestamp};
use kernel::{Fingerprint, Labels, PolicyName};
use serde::{Deserialize, Serialize};

use crate::event::GroupOpened;
use crate::id::{GroupKey, PageId};
use crate::times::Quiet;

/// The most resolved alerts that a group keeps to tell of; older ones are counted only.
pub const RETIRED_MAX: usize = 100;
/// After how long a group that keeps quiet is looked at again, in case the watchbook has changed its times.
pub const HOLD_LOOK: Seconds = Seconds::hours(1);

/// Alerts that are paged together.
#[derive(Debug)]
pub(crate) struct Group {
    pub key: GroupKey,
    pub route: Box<str>,
    pub labels: Labels,
    pub flush_at: Timestamp,
    pub interval: Seconds,
    pub repeat: Seconds,
    pub policy: Option<PolicyName>,
    pub times: RouteTimes,
    /// Why it keeps quiet, as was said last, and since when that is so.
    pub held: Option<Held>,
    pub opened_at: Timestamp,
    /// The slots of its firing alerts; each alert knows its seat.
    pub members: Vec<u32>,
    /// How many of them are not muted.
    pub unmuted: u32,
    pub page: Option<PageId>,
    /// Whether alerts joined or left since the page was last told.
    pub changed: bool,
    /// When the page was last told.
    pub flushed_at: Timestamp,
    /// What was resolved since then.
    pub retired: Vec<Retired>,
    /// The timer that is set.
    pub due: Option<Timestamp>,
}

/// A group that had something to tell while its route keeps quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub quiet: Quiet,
    pub since: Timestamp,
}

impl Held {
    /// When it is looked at again.
    pub(crate) fn look_at(&self) -> Timestamp {
        self.quiet.until.min(HOLD_LOOK.after(self.since))
    }
}

/// A resolved alert that its page still has to tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    /// Its fingerprint.
    pub alert: Fingerprint,
    /// Its identity.
    pub labels: Labels,
    /// What it said to people.
    pub annotations: Labels,
    /// Since when it fired.
    pub starts_at: Timestamp,
    /// When it ended.
    pub ends_at: Timestamp,
    /// Where it was made.
    pub generator_url: Box<str>,
}

impl Group {
    pub(crate) fn new(key: GroupKey, at: Timestamp, opened: &GroupOpened) -> Self {
        Self {
            key,
            route: opened.route.clone(),
            labels: opened.labels.clone(),
            flush_at: opened.flush_at,
            interval: opened.interval,
            repeat: opened.repeat,
            policy: opened.policy.clone(),
            times: opened.times.clone(),
            held: None,
            opened_at: at,
            members: Vec::new(),
            unmuted: 0,
            page: None,
            changed: false,
            flushed_at: at,
            retired: Vec::new(),
            due: None,
        }
    }

    /// What it is, as a fact would say it.
    pub(crate) fn opening(&self) -> GroupOpened {
        GroupOpened {
            route: self.route.clone(),
            labels: self.labels.clone(),
            flush_at: self.flush_at,
            interval: self.interval,
            repeat: self.repeat,
            policy: self.policy.clone(),
            times: self.times.clone(),
        }
    }

    /// When this group has something to do: its first page, the next telling of a change, or a repetition.
    /// Muted alerts page nobody, so a group in which nothing else fires has nothing to do.
    pub(crate) fn wanted_at(&self, acknowledged: bool) -> Option<Timestamp> {
        if self.unmuted == 0 {
            return None;
        }
        self.due_unheld(acknowledged).map(|at| self.after_hold(at))
    }

    /// An instant, or when this group is next looked at, if it keeps quiet until later.
    pub(crate) fn after_hold(&self, at: Timestamp) -> Timestamp {
        self.held.as_ref().map_or(at, |held| at.max(held.look_at()))
    }

    fn due_unheld(&self, acknowledged: bool) -> Option<Timestamp> {
        if self.page.is_none() {
            return Some(self.flush_at);
        }
        if self.changed {
            return Some(self.interval.after(self.flushed_at));
        }
        (!acknowledged && self.repeat > Seconds::ZERO).then(|| self.repeat.after(self.flushed_at))
    }

    /// Remembers a resolved alert until the page tells of it.
    pub(crate) fn retire(&mut self, alert: Retired) {
        if self.retired.len() < RETIRED_MAX {
            self.retired.push(alert);
        }
    }
}
