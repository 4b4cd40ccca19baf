//! What is known of every target, for whoever shows it: the last answer of each, and what was dropped.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kernel::Timestamp;
use promql::Labels;

use super::target::{Target, TargetKey};

/// The most dropped or wrong targets that are shown.
const DROPPED_MAX: usize = 10_000;

/// How a target was last found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// It was not asked yet.
    #[default]
    Unknown,
    /// It answered as it should.
    Up,
    /// It did not.
    Down,
}

impl Health {
    /// As Prometheus writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// A target and its last answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetView {
    /// The target.
    pub target: Target,
    /// How it was found.
    pub health: Health,
    /// When it was asked.
    pub at: Option<Timestamp>,
    /// How long that took.
    pub took: Duration,
    /// Why it is down; empty when it is not.
    pub error: String,
    /// How many samples it gave,
    pub scraped: usize,
    /// and how many were left after relabeling.
    pub kept: usize,
    /// What of them could not be kept, in words; empty when all were.
    pub refused: String,
}

impl TargetView {
    /// A target that was not asked yet.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            health: Health::Unknown,
            at: None,
            took: Duration::ZERO,
            error: String::new(),
            scraped: 0,
            kept: 0,
            refused: String::new(),
        }
    }
}

/// What a job names and does not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedTarget {
    /// Its job.
    pub job: String,
    /// Its labels before they were relabeled.
    pub discovered: Labels,
    /// Why it cannot be asked; empty when relabeling dropped it.
    pub why: String,
}

/// The targets of this node. Shared between whoever asks them and whoever shows them.
#[derive(Debug, Default)]
pub struct Board(Mutex<Shown>);

#[derive(Debug, Default)]
struct Shown {
    active: BTreeMap<TargetKey, TargetView>,
    dropped: Vec<DroppedTarget>,
    /// Jobs and files that cannot be used, with the reason.
    troubles: Vec<String>,
}

impl Board {
    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what came of asking, as long as the target is one.
    pub fn note(&self, view: TargetView) {
        if let Some(known) = self.shown().active.get_mut(&view.target.key()) {
            // How it is to be asked may have changed since.
            let target = known.target.clone();
            *known = TargetView { target, ..view };
        }
    }

    /// Names the targets that there are. What is known of those that stay, stays.
    pub fn name(&self, targets: Vec<Target>, mut dropped: Vec<DroppedTarget>, troubles: Vec<String>) {
        let mut shown = self.shown();
        let mut before = std::mem::take(&mut shown.active);
        let known = |target: Target| {
            let key = target.key();
            let view = match before.remove(&key) {
                Some(view) => TargetView { target, ..view },
                None => TargetView::new(target),
            };
            (key, view)
        };
        shown.active = targets.into_iter().map(known).collect();
        dropped.truncate(DROPPED_MAX);
        (shown.dropped, shown.troubles) = (dropped, troubles);
    }

    /// Every target, by job and address.
    #[must_use]
    pub fn active(&self) -> Vec<TargetView> {
        self.shown().active.values().cloned().collect()
    }

    /// What is not asked.
    #[must_use]
    pub fn dropped(&self) -> Vec<DroppedTarget> {
        self.shown().dropped.clone()
    }

    /// What is wrong with jobs and files.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.shown().troubles.clone()
    }
}
