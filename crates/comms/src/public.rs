//! What everybody may see: published updates and what follows from them. No other text passes through here.

use kernel::book::Component;
use kernel::{Book, Timestamp};
use serde::Serialize;

use crate::state::{Notice, Phase, State};
use crate::words::{ComponentStatus, NoticeId, NoticeImpact, Stage, UpdateId};

/// A component as it does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentNow<'a> {
    /// What it is.
    pub component: &'a Component,
    /// How well it does.
    pub status: ComponentStatus,
    /// Since when a notice says so; `None` when none does.
    pub since: Option<Timestamp>,
}

/// The whole in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Overall {
    /// How well the worst component does.
    pub worst: ComponentStatus,
    /// How many components do not do as they should.
    pub hurt: usize,
}

/// A notice as customers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicNotice<'a> {
    /// Its number.
    pub id: NoticeId,
    /// Its title.
    pub title: &'a str,
    /// How far the work is.
    pub stage: Stage,
    /// How much it hurt at its worst.
    pub impact: NoticeImpact,
    /// When its first update was published.
    pub created_at: Timestamp,
    /// When its newest one was.
    pub updated_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the next update is promised.
    pub next_update_at: Option<Timestamp>,
    /// Its published updates, the newest first.
    pub updates: Vec<PublicUpdate<'a>>,
}

/// A published update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicUpdate<'a> {
    /// Its number.
    pub id: UpdateId,
    /// How far the work was.
    pub stage: Stage,
    /// What it says.
    pub text: &'a str,
    /// When it was published.
    pub at: Timestamp,
    /// How well components did, as it said.
    pub components: Vec<(&'a str, ComponentStatus)>,
}

impl Overall {
    /// The whole in one sentence.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match self.worst {
            ComponentStatus::Operational => "All systems operational",
            ComponentStatus::Maintenance => "Maintenance under way",
            ComponentStatus::Degraded => "Some systems are degraded",
            ComponentStatus::PartialOutage => "Partial outage",
            ComponentStatus::MajorOutage => "Major outage",
        }
    }
}

impl State {
    /// The components in the watchbook's order, each as bad as the worst that an open notice says of it.
    #[must_use]
    pub fn components<'a>(&self, book: &'a Book) -> Vec<ComponentNow<'a>> {
        book.components.iter().map(|component| self.component(component)).collect()
    }

    fn component<'a>(&self, component: &'a Component) -> ComponentNow<'a> {
        let open = self.notices.values().filter(|notice| notice.is_open());
        let said = open.filter_map(|n| n.components.get(&component.name).map(|status| (*status, n.published_at)));
        let (status, since) = said.max_by_key(|(status, _)| *status).unwrap_or_default();
        ComponentNow { component, status, since: since.filter(|_| status != ComponentStatus::Operational) }
    }

    /// The whole in one word.
    #[must_use]
    pub fn overall(&self, book: &Book) -> Overall {
        let now = self.components(book);
        let worst = now.iter().map(|component| component.status).max().unwrap_or_default();
        Overall { worst, hurt: now.iter().filter(|c| c.status != ComponentStatus::Operational).count() }
    }

    /// The notices that customers see, the newest first.
    pub fn public(&self) -> impl Iterator<Item = PublicNotice<'_>> {
        self.notices().filter_map(Notice::public)
    }
}

impl Notice {
    /// The notice as customers see it; `None` before its first update is published.
    #[must_use]
    pub fn public(&self) -> Option<PublicNotice<'_>> {
        let published = |update: &crate::Update| matches!(update.phase, Phase::Published { .. });
        let updates: Vec<_> = self.updates.iter().filter(|u| published(u)).rev().filter_map(public_update).collect();
        let newest = updates.iter().map(|update| update.at).max()?;
        Some(PublicNotice {
            id: self.id,
            title: &self.title,
            stage: self.stage?,
            impact: self.impact,
            created_at: self.published_at?,
            updated_at: newest,
            resolved_at: self.resolved_at,
            next_update_at: self.next_update_at,
            updates,
        })
    }
}

fn public_update(update: &crate::Update) -> Option<PublicUpdate<'_>> {
    let Phase::Published { at, .. } = update.phase else { return None };
    let components = update.wording.components.iter().map(|(name, status)| (name.as_str(), *status)).collect();
    Some(PublicUpdate { id: update.id, stage: update.wording.stage, text: &update.wording.text, at, components })
}
