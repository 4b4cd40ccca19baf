//! What everybody may see: published updates and what follows from them. Drafts, incidents and people cannot get in, for
//! these types have no place for them.

use kernel::book::Component;
use kernel::{Book, ComponentName, Seq, Timestamp};
use serde::Serialize;

use crate::state::{Notice, Phase, State, Update};
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
    /// The components it named, and how they do by what it last said.
    pub components: Vec<(&'a str, ComponentStatus)>,
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
    /// When the next one was promised.
    pub next_update_at: Option<Timestamp>,
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
        let hurt = self.said_of(&component.name).filter(|(status, _)| *status != ComponentStatus::Operational);
        let since = hurt.filter_map(|(_, since)| since).min();
        ComponentNow { component, status: self.component_status(&component.name), since }
    }

    /// How well a component does: as badly as the worst that an open notice says of it.
    #[must_use]
    pub fn component_status(&self, name: &ComponentName) -> ComponentStatus {
        self.said_of(name).map(|(status, _)| status).max().unwrap_or_default()
    }

    /// What open notices last said of a component, and since when each of them stands.
    fn said_of(&self, name: &ComponentName) -> impl Iterator<Item = (ComponentStatus, Option<Timestamp>)> {
        self.open().filter_map(move |notice| Some((*notice.components.get(name)?, notice.published_at)))
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

    /// When the next update is promised: the earliest over all open notices.
    #[must_use]
    pub fn next_update_at(&self) -> Option<Timestamp> {
        self.open().filter_map(|notice| notice.next_update_at).min()
    }
}

impl Notice {
    /// The notice as customers see it; `None` before its first update is published.
    #[must_use]
    pub fn public(&self) -> Option<PublicNotice<'_>> {
        Some(PublicNotice {
            id: self.id,
            title: &self.title,
            stage: self.stage?,
            impact: self.impact,
            created_at: self.published_at?,
            updated_at: self.updated_at?,
            resolved_at: self.resolved_at,
            next_update_at: self.next_update_at,
            components: self.components.iter().map(|(name, status)| (name.as_str(), *status)).collect(),
            updates: self.published(),
        })
    }

    /// Its published updates, the newest first: by when they were published, for a draft may be overtaken.
    fn published(&self) -> Vec<PublicUpdate<'_>> {
        let mut updates: Vec<_> = self.updates.iter().filter_map(public_update).collect();
        updates.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        updates.into_iter().map(|(_, update)| update).collect()
    }
}

fn public_update(update: &Update) -> Option<(Seq, PublicUpdate<'_>)> {
    let Phase::Published { at, seq, next_update_at, .. } = update.phase else { return None };
    let components = update.wording.components.iter().map(|(name, status)| (name.as_str(), *status)).collect();
    let (id, stage, text) = (update.id, update.wording.stage, &update.wording.text);
    Some((seq, PublicUpdate { id, stage, text, at, next_update_at, components }))
}
