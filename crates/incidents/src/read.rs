//! What pages and commands show: lists in order, clocks, and the timeline told by roles. Borrowed from the state.

use kernel::time::between;
use kernel::{Actor, IncidentId, PersonName, Seconds, Sensitivity, Seq, ServiceName, Timestamp};

use crate::role::IncidentRole;
use crate::state::{Entry, Incident, Phase, State};

/// The clocks of an incident at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// How long since it was declared; until its end when it is resolved.
    pub since_declared: Seconds,
    /// How long since the last update was published, or since the declaration when none was.
    pub since_update: Seconds,
    /// When the next update is due; `None` when none is owed.
    pub update_due: Option<Timestamp>,
    /// How long the update has been overdue; `None` while it is not.
    pub update_overdue_by: Option<Seconds>,
    /// How long it has been without a commander; `None` when there is one, or when it is resolved.
    pub without_commander: Option<Seconds>,
}

/// An entry of the timeline without names, for reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'a> {
    /// Its fact in the journal.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who, as a role or an area and never as a name.
    pub who: &'a str,
    /// What kind of fact it is, such as `IncidentMitigated`.
    pub kind: &'a str,
    /// What was said or done. Notes that people wrote may still hold names.
    pub text: &'a str,
}

impl State {
    /// All incidents in memory: open ones first, the worst first, then the oldest; after them the resolved ones, the
    /// latest first.
    #[must_use]
    pub fn list(&self) -> Vec<&Incident> {
        let mut open: Vec<_> = self.open().collect();
        open.sort_by_key(|incident| (incident.severity, incident.declared_at, incident.id));
        open.into_iter().chain(self.resolved()).collect()
    }

    /// The open incident that a page belongs to.
    #[must_use]
    pub fn open_of_page(&self, page: u64) -> Option<&Incident> {
        self.of_page(page).filter(|incident| incident.is_open())
    }

    /// The open incidents that hurt a service, the oldest first.
    pub fn of_service<'a>(&'a self, service: &'a ServiceName) -> impl Iterator<Item = &'a Incident> {
        self.open().filter(move |incident| incident.services.contains(service))
    }

    /// Who may read an incident.
    #[must_use]
    pub fn sensitivity_of(&self, id: IncidentId) -> Option<Sensitivity> {
        self.get(id).map(|incident| incident.sensitivity)
    }
}

impl Incident {
    /// Whether it is not resolved.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase != Phase::Resolved
    }

    /// Who commands it.
    #[must_use]
    pub fn commander(&self) -> Option<&PersonName> {
        self.holders(IncidentRole::Commander).next()
    }

    /// Who is in a role.
    pub fn holders(&self, role: IncidentRole) -> impl Iterator<Item = &PersonName> {
        self.roles.get(&role).into_iter().flatten()
    }

    /// The most senior role that somebody holds now.
    #[must_use]
    pub fn role_of(&self, person: &PersonName) -> Option<IncidentRole> {
        self.roles.iter().find(|(_, holders)| holders.contains(person)).map(|(role, _)| *role)
    }

    /// What is hurt, in one line; empty when nothing is known.
    #[must_use]
    pub fn impact_text(&self) -> String {
        crate::sentence::impact_text(&self.impact)
    }

    /// Its clocks.
    #[must_use]
    pub fn clocks(&self, now: Timestamp) -> Clocks {
        let end = self.resolved_at.unwrap_or(now);
        let vacant = self.is_open() && self.commander().is_none();
        Clocks {
            since_declared: between(self.declared_at, end),
            since_update: between(self.updated_at.unwrap_or(self.declared_at), end),
            update_due: self.update_due,
            update_overdue_by: self.update_due.filter(|due| *due <= now).map(|due| between(due, now)),
            without_commander: vacant.then(|| between(self.opened_at, now)),
        }
    }

    /// The timeline told by roles, for reviews.
    pub fn told(&self) -> impl Iterator<Item = Told<'_>> {
        self.timeline.iter().map(|entry| Told {
            seq: entry.seq,
            at: entry.at,
            who: self.who(entry),
            kind: entry.kind.as_str(),
            text: entry.nameless.as_deref().unwrap_or(&entry.text),
        })
    }

    /// Who made an entry, as a role or an area and never as a name.
    fn who<'a>(&self, entry: &'a Entry) -> &'a str {
        match &entry.actor {
            Actor::Person(person) => {
                entry.role.or_else(|| self.served.get(person).copied()).map_or("responder", IncidentRole::title)
            }
            Actor::Integration(_) => "integration",
            Actor::System(area) => area,
            Actor::Anonymous => "anonymous",
        }
    }
}
