//! What this room remembers: notices with their updates, and what rooms are still to be told. Drafts stand here beside
//! what is public; what the public sees of it is in `public`. No rules live here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kernel::area::Stamp;
use kernel::delivery::Attempt;
use kernel::{Actor, Address, ComponentName, DeliveryId, IncidentId, Sensitivity, Seq, Timestamp};
use serde::{Deserialize, Serialize};

use crate::RESOLVED_KEPT_MAX;
use crate::event::{Event, Wording};
use crate::words::{ComponentStatus, NoticeId, NoticeImpact, Stage, UpdateId};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    notices: BTreeMap<NoticeId, Notice>,
    /// Which notice an update belongs to.
    updates: BTreeMap<UpdateId, NoticeId>,
    drafts: BTreeSet<UpdateId>,
    open: BTreeSet<NoticeId>,
    /// In the order in which they were resolved.
    resolved: VecDeque<NoticeId>,
    /// What rooms are to be told and were not yet.
    outstanding: BTreeMap<DeliveryId, UpdateId>,
    last_notice: u32,
    last_update: u32,
}

/// What customers are told of one trouble, drafts included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number.
    pub id: NoticeId,
    /// The incident that it tells of.
    pub incident: Option<IncidentId>,
    /// Whether it takes updates: it is not resolved, or was reopened.
    pub open: bool,
    /// The title of the newest published update; of the first draft before that.
    pub title: String,
    /// The stage of the newest published update; `None` before the first.
    pub stage: Option<Stage>,
    /// How well components do, as the published updates say; operational when it is over.
    pub components: BTreeMap<ComponentName, ComponentStatus>,
    /// How much it hurt at its worst.
    pub impact: NoticeImpact,
    /// When its first update was published.
    pub published_at: Option<Timestamp>,
    /// When its newest one was.
    pub updated_at: Option<Timestamp>,
    /// When it was resolved; only while customers read that it is.
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
    /// When it was last written, and by whom.
    pub written: (Timestamp, Actor),
    /// Where it stands.
    pub phase: Phase,
    /// The rooms that are told.
    pub tellings: Vec<Telling>,
}

/// Where an update stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
        /// When the next update was promised.
        next_update_at: Option<Timestamp>,
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
    /// The newest attempt.
    pub attempt: Option<Attempt>,
}

impl Notice {
    /// Whether it takes updates: it is not resolved, or was reopened.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
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

    /// All drafts with their notices, the oldest first.
    pub fn drafts(&self) -> impl Iterator<Item = (&Notice, &Update)> {
        self.drafts.iter().filter_map(|id| self.update(*id))
    }

    /// The notices that take updates, the oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Notice> {
        self.open.iter().filter_map(|id| self.notices.get(id))
    }

    /// The notices that tell of an incident, the newest first.
    pub fn of_incident(&self, incident: IncidentId) -> impl Iterator<Item = &Notice> {
        self.notices().filter(move |notice| notice.incident == Some(incident))
    }

    /// Who may read an update: everybody, once it is published. An access decision about a draft asks this.
    #[must_use]
    pub fn sensitivity_of(&self, update: UpdateId) -> Option<Sensitivity> {
        self.update(update).map(|(_, update)| match update.phase {
            Phase::Published { .. } => Sensitivity::Public,
            Phase::Draft | Phase::Discarded => update.sensitivity,
        })
    }

    /// Whether a delivery was asked for and has no final answer.
    #[must_use]
    pub fn is_outstanding(&self, delivery: &DeliveryId) -> bool {
        self.outstanding.contains_key(delivery)
    }

    /// The update that a delivery tells of, while it has no final answer.
    pub(crate) fn told_by(&self, delivery: &DeliveryId) -> Option<(&Notice, &Update)> {
        self.outstanding.get(delivery).and_then(|id| self.update(*id))
    }

    /// The updates of which some room is still to be told.
    pub(crate) fn untold(&self) -> impl Iterator<Item = UpdateId> {
        self.outstanding.values().copied().collect::<BTreeSet<_>>().into_iter()
    }

    pub(crate) fn draft_count(&self) -> usize {
        self.drafts.len()
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn next_notice(&self) -> NoticeId {
        NoticeId(self.last_notice.saturating_add(1))
    }

    pub(crate) fn next_update(&self) -> UpdateId {
        UpdateId(self.last_update.saturating_add(1))
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        let notice = event.notice();
        match event {
            Event::UpdateDrafted { update, incident, wording, sensitivity, .. } => {
                self.begin(notice, *incident, &wording.title);
                self.draft(stamp, notice, *update, wording, *sensitivity);
            }
            Event::UpdateRevised { update, revision, wording, .. } => self.change(*update, |own| {
                (own.revision, own.wording) = (*revision, wording.clone());
                own.written = (stamp.at, stamp.actor.clone());
            }),
            Event::UpdatePublished { update, wording, next_update_at, .. } => {
                self.publish(stamp, notice, *update, wording, *next_update_at);
            }
            Event::UpdateDiscarded { update, .. } => {
                self.drafts.remove(update);
                self.change(*update, |own| own.phase = Phase::Discarded);
                self.drop_unheard(notice);
            }
            Event::NoticeReopened { .. } => self.reopen(notice),
            Event::TellingRequested { update, rooms, .. } => self.ask(*update, rooms),
            Event::TellingAttempted { update, delivery, attempt, .. } => self.attempted(*update, delivery, attempt),
        }
    }

    fn begin(&mut self, id: NoticeId, incident: Option<IncidentId>, title: &str) {
        if self.notices.contains_key(&id) {
            return;
        }
        self.last_notice = self.last_notice.max(id.0);
        self.open.insert(id);
        let notice = Notice {
            id,
            incident,
            open: true,
            title: title.to_owned(),
            stage: None,
            components: BTreeMap::new(),
            impact: NoticeImpact::None,
            published_at: None,
            updated_at: None,
            resolved_at: None,
            next_update_at: None,
            updates: Vec::new(),
        };
        self.notices.insert(id, notice);
    }

    fn draft(&mut self, stamp: Stamp<'_>, notice: NoticeId, id: UpdateId, wording: &Wording, sensitivity: Sensitivity) {
        self.last_update = self.last_update.max(id.0);
        self.updates.insert(id, notice);
        self.drafts.insert(id);
        let written = (stamp.at, stamp.actor.clone());
        let update = Update {
            id,
            revision: 0,
            wording: wording.clone(),
            sensitivity,
            drafted: written.clone(),
            written,
            phase: Phase::Draft,
            tellings: Vec::new(),
        };
        if let Some(notice) = self.notices.get_mut(&notice) {
            notice.updates.push(update);
        }
    }

    fn publish(
        &mut self,
        stamp: Stamp<'_>,
        id: NoticeId,
        update: UpdateId,
        wording: &Wording,
        next_update_at: Option<Timestamp>,
    ) {
        self.drafts.remove(&update);
        let (at, by, seq) = (stamp.at, stamp.actor.clone(), stamp.seq);
        self.change(update, |own| {
            own.wording = wording.clone();
            own.phase = Phase::Published { at, by, seq, next_update_at };
        });
        let Some(notice) = self.notices.get_mut(&id) else { return };
        notice.say(at, wording, next_update_at);
        if !notice.open && self.open.remove(&id) {
            self.resolved.push_back(id);
            self.forget();
        }
    }

    /// A notice of which nothing was published and no draft is left never was.
    fn drop_unheard(&mut self, id: NoticeId) {
        let unheard = |notice: &&Notice| notice.published_at.is_none() && notice.drafts().next().is_none();
        if self.notices.get(&id).filter(unheard).is_some() {
            self.open.remove(&id);
            self.remove(id);
        }
    }

    fn reopen(&mut self, id: NoticeId) {
        self.resolved.retain(|other| *other != id);
        if let Some(notice) = self.notices.get_mut(&id) {
            notice.open = true;
            self.open.insert(id);
        }
    }

    fn ask(&mut self, update: UpdateId, rooms: &[Address]) {
        let telling = |(number, room): (usize, &Address)| Telling {
            delivery: DeliveryId(format!("update-{}-{number}", update.0).into()),
            room: room.clone(),
            done: false,
            attempt: None,
        };
        let tellings: Vec<_> = (1..).zip(rooms).map(telling).collect();
        self.outstanding.extend(tellings.iter().map(|telling| (telling.delivery.clone(), update)));
        self.change(update, |own| own.tellings = tellings);
    }

    fn attempted(&mut self, update: UpdateId, delivery: &DeliveryId, attempt: &Attempt) {
        if attempt.last {
            self.outstanding.remove(delivery);
        }
        self.change(update, |own| {
            for telling in own.tellings.iter_mut().filter(|telling| telling.delivery == *delivery) {
                telling.done |= attempt.last;
                telling.attempt = Some(attempt.clone());
            }
        });
    }

    fn change(&mut self, id: UpdateId, change: impl FnOnce(&mut Update)) {
        let notice = self.updates.get(&id).and_then(|notice| self.notices.get_mut(notice));
        if let Some(update) = notice.and_then(|notice| notice.updates.iter_mut().find(|update| update.id == id)) {
            change(update);
        }
    }

    /// Lets the oldest resolved notices go; the journal has them.
    fn forget(&mut self) {
        while self.resolved.len() > RESOLVED_KEPT_MAX
            && let Some(oldest) = self.resolved.pop_front()
        {
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: NoticeId) {
        self.notices.remove(&id);
        self.updates.retain(|_, notice| *notice != id);
        let updates = &self.updates;
        self.drafts.retain(|update| updates.contains_key(update));
        self.outstanding.retain(|_, update| updates.contains_key(update));
    }
}

impl Notice {
    /// Takes over what a published update says.
    fn say(&mut self, at: Timestamp, wording: &Wording, next_update_at: Option<Timestamp>) {
        let over = wording.stage.is_over();
        self.title.clone_from(&wording.title);
        (self.stage, self.open) = (Some(wording.stage), !over);
        self.components.extend(wording.components.iter().cloned());
        let worst = self.components.values().map(|status| status.impact()).max().unwrap_or_default();
        self.impact = self.impact.max(worst);
        self.published_at.get_or_insert(at);
        (self.updated_at, self.next_update_at) = (Some(at), next_update_at);
        if over {
            self.resolved_at.get_or_insert(at);
            self.components.values_mut().for_each(|status| *status = ComponentStatus::Operational);
        } else {
            self.resolved_at = None;
        }
    }
}
