//! "A new template appeared": says so once, when the time of learning is over and the template came often enough.

use std::collections::BTreeMap;

use kernel::Seconds;
use kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CATCH_ALL, Found, TemplateId};

/// The most templates that are waited for at one time; what is above is counted only.
pub const WAITING_MAX: usize = 10_000;

/// When a new template deserves attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How long from the first line on everything is new and nothing is reported.
    pub learn_for: Seconds,
    /// How many lines it takes.
    pub lines_min: u32,
    /// Within which time of its first line they must come.
    pub within: Seconds,
}

impl Default for Policy {
    /// A day of learning, so that what happens daily is known; then three lines within ten minutes.
    fn default() -> Self {
        Self { learn_for: Seconds::hours(24), lines_min: 3, within: Seconds::minutes(10) }
    }
}

/// A template that nothing was like before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTemplate {
    /// Which.
    pub id: TemplateId,
    /// Its words when it was reported.
    pub template: Box<str>,
    /// When its first line came.
    pub first: Timestamp,
    /// How many lines came since, this one included.
    pub lines: u32,
}

/// Finds new templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Novelty {
    policy: Policy,
    /// When the first line came.
    since: Option<Timestamp>,
    /// Templates that are new and did not come often enough yet: since when, and how many lines.
    waiting: BTreeMap<TemplateId, (Timestamp, u32)>,
    /// Up to when waiting was last cleared of what waited too long.
    swept: Option<Timestamp>,
    over: u64,
}

impl Novelty {
    /// A detector that has seen nothing.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, since: None, waiting: BTreeMap::new(), swept: None, over: 0 }
    }

    /// Goes by another policy from now on.
    pub fn adopt(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Until when nothing is called new; `None` before the first line.
    #[must_use]
    pub fn learns_until(&self) -> Option<Timestamp> {
        self.since.map(|since| self.policy.learn_for.after(since))
    }

    /// Takes what a line at `at` was found to be.
    pub fn observe(&mut self, at: Timestamp, found: &Found<'_>) -> Option<NewTemplate> {
        let since = *self.since.get_or_insert(at);
        for part in found.merged {
            // The elder is known, or waits itself; its lines are its own.
            self.waiting.remove(part);
        }
        self.sweep(at);
        if found.id == CATCH_ALL {
            return None;
        }
        if found.is_new && at >= self.policy.learn_for.after(since) {
            self.wait(found.id, at);
        }
        let (first, lines) = self.waiting.get_mut(&found.id)?;
        *lines = lines.saturating_add(1);
        let (first, lines) = (*first, *lines);
        if lines < self.policy.lines_min {
            return None;
        }
        self.waiting.remove(&found.id);
        let in_time = at <= self.policy.within.after(first);
        in_time.then(|| NewTemplate { id: found.id, template: found.template.into(), first, lines })
    }

    /// How many new templates were not waited for, because [`WAITING_MAX`] were.
    #[must_use]
    pub fn over(&self) -> u64 {
        self.over
    }

    fn wait(&mut self, id: TemplateId, at: Timestamp) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(id, (at, 0));
        } else {
            self.over = self.over.saturating_add(1);
        }
    }

    /// Once in [`Policy::within`], what waited longer is forgotten: it came too seldom.
    fn sweep(&mut self, at: Timestamp) {
        let within = self.policy.within;
        let due = within.after(*self.swept.get_or_insert(at));
        if at >= due {
            self.waiting.retain(|_, (first, _)| at <= within.after(*first));
            self.swept = Some(at);
        }
    }
}
