//! Why this room says no. Each message names the incident or the field, the rule, and a way out.

use kernel::area::{RefusalKind, Refuse};
use kernel::{IncidentId, PersonName, ServiceName, Severity};

use crate::role::IncidentRole;
use crate::state::Phase;
use crate::{OPEN_MAX, TIMELINE_MAX};

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such incident in memory.
    #[error("{0} is not among the open or lately resolved incidents: see the list of incidents, or the journal")]
    NoIncident(IncidentId),
    /// The watchbook has no such person.
    #[error("{0} is not in the watchbook: add them under people, or choose somebody who is")]
    NoPerson(PersonName),
    /// The watchbook has no such service.
    #[error("service {0} is not in the watchbook: add it under services, or leave it out")]
    NoService(ServiceName),
    /// A text is empty.
    #[error("{0} is empty: say it in one line")]
    Empty(&'static str),
    /// A text is too long.
    #[error("{0} has {1} bytes, at most {2} are accepted: shorten it")]
    TooLong(&'static str, usize, usize),
    /// A list is too long.
    #[error("{0} has {1} entries, at most {2} are accepted: leave some out")]
    TooMany(&'static str, usize, usize),
    /// A share above everything.
    #[error("users_percent is {0}, a share is between 0 and 100")]
    Percent(u8),
    /// The person holds the role already.
    #[error("{person} already is {role} of {incident}: nothing to do")]
    Holds {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: IncidentRole,
        /// Who.
        person: PersonName,
    },
    /// The person does not hold the role.
    #[error("{person} is not {role} of {incident}: see who is in its roles")]
    HoldsNot {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: IncidentRole,
        /// Who.
        person: PersonName,
    },
    /// Command is never dropped.
    #[error("command of {0} cannot be laid down: hand it over to somebody")]
    CommandStays(IncidentId),
    /// Nobody holds the role that is to be handed over, or many do.
    #[error("{0} has nobody who alone is {1}: assign the role instead")]
    NobodyToHandOver(IncidentId, IncidentRole),
    /// The phase does not allow it.
    #[error("{incident} is {phase} and cannot be {wish}: {way_out}")]
    Phase {
        /// Which incident.
        incident: IncidentId,
        /// Where it stands.
        phase: Phase,
        /// What was asked for.
        wish: &'static str,
        /// What can be done instead.
        way_out: &'static str,
    },
    /// One of its pages belongs to another open incident by now.
    #[error("page {page} of {incident} belongs to {other}, which is open: work there, or resolve that one first")]
    PageElsewhere {
        /// Which incident.
        incident: IncidentId,
        /// Which page.
        page: u64,
        /// The incident that has the page.
        other: IncidentId,
    },
    /// The severity is what it was.
    #[error("{0} already is {1}: choose another severity, or add a note")]
    SameSeverity(IncidentId, Severity),
    /// The timeline is full.
    #[error("the timeline of {0} is full at {TIMELINE_MAX} entries: resolve it and declare another one")]
    TimelineFull(IncidentId),
    /// Too many incidents are open.
    #[error("{OPEN_MAX} incidents are open, which is the most there can be: resolve some first")]
    TooManyOpen,
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoIncident(_) => RefusalKind::NotFound,
            Self::NoPerson(_)
            | Self::NoService(_)
            | Self::Empty(_)
            | Self::TooLong(..)
            | Self::TooMany(..)
            | Self::Percent(_) => RefusalKind::Invalid,
            Self::Holds { .. }
            | Self::HoldsNot { .. }
            | Self::CommandStays(_)
            | Self::NobodyToHandOver(..)
            | Self::Phase { .. }
            | Self::PageElsewhere { .. }
            | Self::SameSeverity(..)
            | Self::TimelineFull(_)
            | Self::TooManyOpen => RefusalKind::Conflict,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoIncident(_)
            | Self::Phase { .. }
            | Self::PageElsewhere { .. }
            | Self::TimelineFull(_)
            | Self::TooManyOpen => None,
            Self::NoPerson(_) | Self::Holds { .. } | Self::HoldsNot { .. } => Some("person"),
            Self::NoService(_) => Some("services"),
            Self::Empty(field) | Self::TooLong(field, ..) | Self::TooMany(field, ..) => Some(field),
            Self::Percent(_) => Some("users_percent"),
            Self::CommandStays(_) | Self::NobodyToHandOver(..) => Some("role"),
            Self::SameSeverity(..) => Some("severity"),
        }
    }
}
