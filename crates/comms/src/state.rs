//! What this room remembers: notices with their updates, and what rooms are still to be told. No rules.

use std::collections::BTreeMap;

use kernel::area::Stamp;
use kernel::{Actor, Address, ComponentName, DeliveryId, IncidentId, Sensitivity, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::RESOLVED_KEPT_MAX;
use crate::event::{Event, Wording};
use crate::words::{ComponentStatus, NoticeId, NoticeImpact, Stage, UpdateId};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(crate) notices: BTreeMap<NoticeId, Notice>,
    /// Which notice an update belongs to.
    pub(crate) updates: BTreeMap<UpdateId, NoticeId>,
    pub(crate) last_notice: u32,
    pub(crate) last_update: u32,
}

/// What customers are told of one trouble, drafts included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number.
    pub id: NoticeId,
    /// The incident that it tells of.
    pub incident: Option<IncidentId>,
    /// The title of the newest published update; of the newest draft before that.
    pub title: String,
    /// The stage of the newest published update; `None` before the first.
    pub stage: Option<Stage>,
    /// How well components do, as the published updates say.
    pub components: BTreeMap<ComponentName, ComponentStatus>,
    /// How much it hurt at its worst.
    pub impact: NoticeImpact,
    /// When its first update was published.
    pub published_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the next update is promised.
    pub next_update_at: Option<Timestamp>,
    /// Its updates, oldest first.
    pub updates: Vec<Update>,
}

/// One update of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Its number.
    pub id: UpdateId,
    /// How often it was written anew.
    pub revision: u32,
    /// What it says.
    pub wording: Wording,
    /// Who may read it before it is published.
    pub sensitivity: Sensitivity,
    /// When it was drafted, and by whom.
    pub drafted: (Timestamp, Actor),
    /// Where it stands.
    pub phase: Phase,
    /// The rooms that are told.
    pub tellings: Vec<Telling>,
}

/// Where an update stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Nobody outside sees it.
    Draft,
    /// Everybody sees it.
    Published {
        /// Since when.
        at: Timestamp,
        /// By whom.
        by: Actor,
        /// The fact that says so.
        seq: Seq,
    },
    /// It was put away.
    Discarded,
}

/// A room that is told of a published update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The delivery's id.
    pub delivery: DeliveryId,
    /// The room.
    pub room: Address,
    /// Whether an attempt was the last.
    pub done: bool,
}

impl Notice {
    /// Whether customers see it and it is not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }

    /// The drafts that wait to be published.
    pub fn drafts(&self) -> impl Iterator<Item = &Update> {
        self.updates.iter().filter(|update| update.phase == Phase::Draft)
    }
}

impl State {
    /// All notices, the newest first.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.values().rev()
    }

    /// One notice.
    #[must_use]
    pub fn notice(&self, id: NoticeId) -> Option<&Notice> {
        self.notices.get(&id)
    }

    /// One update with its notice.
    #[must_use]
    pub fn update(&self, id: UpdateId) -> Option<(&Notice, &Update)> {
        let notice = self.notices.get(self.updates.get(&id)?)?;
        notice.updates.iter().find(|update| update.id == id).map(|update| (notice, update))
    }

    /// The notices that tell of an incident, the newest first.
    pub fn of_incident(&self, incident: IncidentId) -> impl Iterator<Item = &Notice> {
        self.notices().filter(move |notice| notice.incident == Some(incident))
    }

    /// Whether a delivery was asked for and has no final answer.
    #[must_use]
    pub fn is_outstanding(&self, delivery: &DeliveryId) -> bool {
        let tellings = self.notices.values().flat_map(|n| &n.updates).flat_map(|u| &u.tellings);
        tellings.into_iter().any(|telling| telling.delivery == *delivery && !telling.done)
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        if let Event::UpdateDrafted { notice, update, incident, wording, sensitivity } = event {
            self.drafted(stamp, *notice, *update, *incident, wording, *sensitivity);
            return;
        }
        let Some(notice) = self.notices.get_mut(&event.notice()) else { return };
        match event {
            Event::UpdateDrafted { .. } => {}
            Event::UpdateRevised { update, revision, wording, .. } => {
                notice.change(*update, |update| (update.revision, update.wording) = (*revision, wording.clone()));
            }
            Event::UpdatePublished { update, wording, next_update_at, rooms, .. } => {
                notice.published(stamp, wording, *next_update_at);
                notice.change(*update, |own| {
                    own.phase = Phase::Published { at: stamp.at, by: stamp.actor.clone(), seq: stamp.seq };
                    own.tellings = tellings(*update, rooms);
                });
            }
            Event::UpdateDiscarded { update, .. } => notice.change(*update, |update| update.phase = Phase::Discarded),
            Event::NoticeReopened { .. } => (notice.resolved_at, notice.stage) = (None, Some(Stage::Investigating)),
            Event::TellingAttempted { update, delivery, attempt, .. } => notice.change(*update, |update| {
                let told = update.tellings.iter_mut().filter(|telling| telling.delivery == *delivery);
                told.for_each(|telling| telling.done |= attempt.last);
            }),
        }
        self.forget();
    }

    fn drafted(
        &mut self,
        stamp: Stamp<'_>,
        id: NoticeId,
        update: UpdateId,
        incident: Option<IncidentId>,
        wording: &Wording,
        sensitivity: Sensitivity,
    ) {
        self.last_notice = self.last_notice.max(id.0);
        self.last_update = self.last_update.max(update.0);
        self.updates.insert(update, id);
        let notice = self.notices.entry(id).or_insert_with(|| Notice {
            id,
            incident,
            title: wording.title.clone(),
            stage: None,
            components: BTreeMap::new(),
            impact: NoticeImpact::None,
            published_at: None,
            resolved_at: None,
            next_update_at: None,
            updates: Vec::new(),
        });
        notice.updates.push(Update {
            id: update,
            revision: 0,
            wording: wording.clone(),
            sensitivity,
            drafted: (stamp.at, stamp.actor.clone()),
            phase: Phase::Draft,
            tellings: Vec::new(),
        });
    }

    /// Drops the oldest notices that are over; the journal has them.
    fn forget(&mut self) {
        let over: Vec<NoticeId> = self.notices.values().filter(|n| !n.is_open()).map(|n| n.id).collect();
        for id in over.iter().take(over.len().saturating_sub(RESOLVED_KEPT_MAX)) {
            self.notices.remove(id);
            self.updates.retain(|_, notice| notice != id);
        }
    }
}

impl Notice {
    fn change(&mut self, id: UpdateId, change: impl FnOnce(&mut Update)) {
        if let Some(update) = self.updates.iter_mut().find(|update| update.id == id) {
            change(update);
        }
    }

    fn published(&mut self, stamp: Stamp<'_>, wording: &Wording, next_update_at: Option<Timestamp>) {
        self.title.clone_from(&wording.title);
        self.stage = Some(wording.stage);
        self.components.extend(wording.components.iter().cloned());
        let worst = self.components.values().map(|status| status.impact()).max().unwrap_or_default();
        self.impact = self.impact.max(worst);
        self.published_at.get_or_insert(stamp.at);
        self.next_update_at = next_update_at;
        if wording.stage.is_over() {
            self.resolved_at.get_or_insert(stamp.at);
            self.components.values_mut().for_each(|status| *status = ComponentStatus::Operational);
        }
    }
}

fn tellings(update: UpdateId, rooms: &[Address]) -> Vec<Telling> {
    let telling = |(number, room): (usize, &Address)| Telling {
        delivery: DeliveryId(format!("update-{}-{}", update.0, number + 1).into()),
        room: room.clone(),
        done: false,
    };
    rooms.iter().enumerate().map(telling).collect()
}
