//! What this room remembers: a fold of its facts, and at the same time what readers see. No rules live here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use kernel::area::{EventMeta, Stamp};
use kernel::{Actor, Impact, IncidentId, PersonName, Seconds, Sensitivity, Seq, ServiceName, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{About, Declared, Event};
use crate::role::IncidentRole;
use crate::{COMMANDER_WITHIN, RESOLVED_KEPT_MAX, sentence};

/// The open incidents, and those resolved lately.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    incidents: BTreeMap<IncidentId, Incident>,
    open: BTreeSet<IncidentId>,
    /// In the order in which they were resolved.
    resolved: VecDeque<IncidentId>,
    /// The incident of each page: the one that was opened last.
    by_page: BTreeMap<u64, IncidentId>,
    /// The number of the newest incident.
    last: u32,
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Users may be hurt.
    Open,
    /// Users are no longer hurt; the cause may still be there.
    Mitigated,
    /// It is over.
    Resolved,
}

/// An incident, as it is remembered and as readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// One line for people.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is that bad: the rule that says so, or the person's reason.
    pub severity_why: String,
    /// Who or what said so.
    pub severity_by: Actor,
    /// Since when it is that bad.
    pub severity_at: Timestamp,
    /// What is hurt, as far as it is known.
    pub impact: Impact,
    /// The services that are hurt.
    pub services: Vec<ServiceName>,
    /// The pages that it comes from or took in.
    pub pages: BTreeSet<u64>,
    /// Who may read it.
    pub sensitivity: Sensitivity,
    /// When the trouble was first noticed by a machine.
    pub detected_at: Option<Timestamp>,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// Who declared it.
    pub declared_by: Actor,
    /// When one of its pages was first acknowledged.
    pub acknowledged_at: Option<Timestamp>,
    /// When somebody first took command.
    pub commanded_at: Option<Timestamp>,
    /// When users were last said to be no longer hurt.
    pub mitigated_at: Option<Timestamp>,
    /// When it was last said to be over; only while it is.
    pub resolved_at: Option<Timestamp>,
    /// When it was last opened: declared or reopened.
    pub opened_at: Timestamp,
    /// How often it was reopened.
    pub reopened: u32,
    /// Who is in which role.
    pub roles: BTreeMap<IncidentRole, BTreeSet<PersonName>>,
    /// The most senior role that each person ever held in it.
    pub served: BTreeMap<PersonName, IncidentRole>,
    /// How often an update is owed while it is not resolved; zero asks for none.
    pub update_every: Seconds,
    /// When an update was last published.
    pub updated_at: Option<Timestamp>,
    /// When the next update is due.
    pub update_due: Option<Timestamp>,
    /// Whether that was already called overdue.
    pub update_overdue: bool,
    /// When a commander should be there; only until one was.
    pub commander_due: Option<Timestamp>,
    /// Whether it was already said that nobody took command in time.
    pub commander_missing: bool,
    /// What was said and done, in order.
    pub timeline: Vec<Entry>,
}

/// One entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its fact in the journal.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who said or did it.
    pub actor: Actor,
    /// The role in which they did, where they held one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<IncidentRole>,
    /// What kind of fact it is: the journal's word, such as `IncidentMitigated`.
    pub kind: EntryKind,
    /// What was said or done, in plain words.
    pub text: String,
    /// The same without people's names, where the text was made of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nameless: Option<String>,
}

/// The kinds of timeline entries: the kinds of this room's facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryKind(Box<str>);

impl EntryKind {
    /// The journal's word for it, such as `IncidentMitigated`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Phase {
    /// The phase as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl State {
    /// An incident that is open or was resolved lately.
    #[must_use]
    pub fn get(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.get(&id)
    }

    /// The incidents that are not resolved, the oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.iter().filter_map(|id| self.incidents.get(id))
    }

    /// The incidents resolved lately, the latest first.
    pub fn resolved(&self) -> impl Iterator<Item = &Incident> {
        self.resolved.iter().rev().filter_map(|id| self.incidents.get(id))
    }

    /// The incident that a page belongs to, open or not: the one that was opened last.
    #[must_use]
    pub fn of_page(&self, page: u64) -> Option<&Incident> {
        self.by_page.get(&page).and_then(|id| self.incidents.get(id))
    }

    /// How many incidents are not resolved.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// The number of the next incident.
    pub(crate) fn next_id(&self) -> IncidentId {
        IncidentId(self.last.saturating_add(1))
    }

    pub(crate) fn evolve(&mut self, stamp: Stamp<'_>, event: &Event) {
        let id = event.about().incident;
        match event {
            Event::IncidentDeclared(declared) => self.declare(stamp, declared),
            Event::PageJoined { page, .. } => drop(self.by_page.insert(*page, id)),
            Event::IncidentResolved { .. } => self.resolve(id),
            Event::IncidentReopened { .. } => self.reopen(id),
            _ => {}
        }
        if let Some(incident) = self.incidents.get_mut(&id) {
            incident.note(stamp, event);
            incident.apply(stamp.at, stamp.actor, event);
        }
    }

    fn declare(&mut self, stamp: Stamp<'_>, declared: &Declared) {
        let id = declared.about.incident;
        self.last = self.last.max(id.0);
        self.open.insert(id);
        if let Some(page) = declared.page {
            self.by_page.insert(page, id);
        }
        self.incidents.insert(id, Incident::new(stamp, declared));
    }

    fn resolve(&mut self, id: IncidentId) {
        self.open.remove(&id);
        self.resolved.push_back(id);
        while self.resolved.len() > RESOLVED_KEPT_MAX
            && let Some(oldest) = self.resolved.pop_front()
        {
            self.incidents.remove(&oldest);
            self.by_page.retain(|_, incident| *incident != oldest);
        }
    }

    fn reopen(&mut self, id: IncidentId) {
        self.resolved.retain(|other| *other != id);
        if let Some(incident) = self.incidents.get(&id) {
            self.open.insert(id);
            self.by_page.extend(incident.pages.iter().map(|page| (*page, id)));
        }
    }
}

impl Incident {
    fn new(stamp: Stamp<'_>, declared: &Declared) -> Self {
        let Declared { about, title, severity, why, impact, services, page, detected_at, update_every } = declared;
        Self {
            id: about.incident,
            title: title.clone(),
            phase: Phase::Open,
            severity: *severity,
            severity_why: why.clone(),
            severity_by: stamp.actor.clone(),
            severity_at: stamp.at,
            impact: impact.clone(),
            services: services.clone(),
            pages: page.iter().copied().collect(),
            sensitivity: about.sensitivity,
            detected_at: *detected_at,
            declared_at: stamp.at,
            declared_by: stamp.actor.clone(),
            acknowledged_at: None,
            commanded_at: None,
            mitigated_at: None,
            resolved_at: None,
            opened_at: stamp.at,
            reopened: 0,
            roles: BTreeMap::new(),
            served: BTreeMap::new(),
            update_every: *update_every,
            updated_at: None,
            update_due: next_update(stamp.at, *update_every),
            update_overdue: false,
            commander_due: Some(COMMANDER_WITHIN.after(stamp.at)),
            commander_missing: false,
            timeline: Vec::new(),
        }
    }

    /// Adds the fact to the timeline.
    fn note(&mut self, stamp: Stamp<'_>, event: &Event) {
        self.timeline.push(Entry {
            seq: stamp.seq,
            at: stamp.at,
            actor: stamp.actor.clone(),
            role: stamp.actor.person().and_then(|person| self.role_of(person)),
            kind: EntryKind(event.kind().into()),
            text: sentence::of(event),
            nameless: sentence::nameless(event),
        });
    }

    fn apply(&mut self, at: Timestamp, actor: &Actor, event: &Event) {
        match event {
            Event::IncidentDeclared(_) => {}
            Event::PageJoined { page, services, .. } => {
                self.pages.insert(*page);
                self.services.extend(services.iter().cloned());
            }
            Event::RoleAssigned { role, person, .. } => self.take(at, *role, person),
            Event::RoleReleased { role, person, .. } => self.lay_down(*role, person),
            Event::HandedOver { role, from, to, .. } => {
                self.lay_down(*role, from);
                self.take(at, *role, to);
            }
            Event::Noted { acknowledged, .. } => {
                if *acknowledged {
                    self.acknowledged_at.get_or_insert(at);
                }
            }
            Event::SeverityChanged { to, why, update_every, .. } => {
                (self.severity, self.severity_why) = (*to, why.clone());
                (self.severity_by, self.severity_at) = (actor.clone(), at);
                if let Some(every) = update_every {
                    self.hurry(at, *every);
                }
            }
            Event::ImpactStated { impact, .. } => self.impact = impact.clone(),
            Event::IncidentMitigated { .. } => (self.phase, self.mitigated_at) = (Phase::Mitigated, Some(at)),
            Event::IncidentResolved { .. } => self.end(at),
            Event::IncidentReopened { .. } => self.open_again(at),
            Event::UpdateRecorded { .. } => self.updated(at),
            Event::UpdateOverdue { .. } => self.update_overdue = true,
            Event::CommanderMissing { .. } => self.commander_missing = true,
        }
    }

    fn take(&mut self, at: Timestamp, role: IncidentRole, person: &PersonName) {
        self.roles.entry(role).or_default().insert(person.clone());
        let best = self.served.entry(person.clone()).or_insert(role);
        *best = role.min(*best);
        if role == IncidentRole::Commander {
            self.commanded_at.get_or_insert(at);
        }
    }

    fn lay_down(&mut self, role: IncidentRole, person: &PersonName) {
        if let Some(holders) = self.roles.get_mut(&role) {
            holders.remove(person);
        }
        self.roles.retain(|_, holders| !holders.is_empty());
    }

    /// Another cadence: the next update is due no later than it was.
    fn hurry(&mut self, at: Timestamp, every: Seconds) {
        self.update_every = every;
        let due = next_update(at, every);
        if self.phase != Phase::Resolved && !self.update_overdue {
            self.update_due = due.into_iter().chain(self.update_due).min();
        }
    }

    fn updated(&mut self, at: Timestamp) {
        self.updated_at = Some(at);
        self.update_overdue = false;
        self.update_due = next_update(at, self.update_every).filter(|_| self.phase != Phase::Resolved);
    }

    fn end(&mut self, at: Timestamp) {
        (self.phase, self.resolved_at) = (Phase::Resolved, Some(at));
        (self.update_due, self.commander_due) = (None, None);
    }

    fn open_again(&mut self, at: Timestamp) {
        (self.phase, self.mitigated_at, self.resolved_at) = (Phase::Open, None, None);
        (self.opened_at, self.reopened) = (at, self.reopened.saturating_add(1));
        (self.update_due, self.update_overdue) = (next_update(at, self.update_every), false);
        (self.commander_due, self.commander_missing) = (Some(COMMANDER_WITHIN.after(at)), false);
    }

    /// What its facts carry.
    pub(crate) fn about(&self) -> About {
        About { incident: self.id, sensitivity: self.sensitivity }
    }
}

fn next_update(at: Timestamp, every: Seconds) -> Option<Timestamp> {
    (every > Seconds::ZERO).then(|| every.after(at))
}
