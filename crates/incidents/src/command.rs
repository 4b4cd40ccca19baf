//! What may be asked of this room. Not what comes of it: see `decide`.

use kernel::area::{Ask, Resource};
use kernel::{Impact, IncidentId, PersonName, Seconds, Sensitivity, ServiceName, Severity, Timestamp};

use crate::role::IncidentRole;

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Something is an incident. From a page whose incident is open already, the page joins that one.
    Declare {
        /// One line for people.
        title: String,
        /// How bad it is.
        severity: Severity,
        /// What is hurt, as far as it is known.
        impact: Impact,
        /// The services that are hurt.
        services: Vec<ServiceName>,
        /// Why it is that bad: the rule that says so, or the person's reason.
        why: String,
        /// The page that it comes from.
        page: Option<u64>,
        /// When the trouble was first noticed by a machine, where one did.
        detected_at: Option<Timestamp>,
        /// How often an update is owed while it is not resolved; zero asks for none, `None` for what is usual for its
        /// severity ([`kernel::Book::update_every`]).
        update_every: Option<Seconds>,
        /// Who may read it.
        sensitivity: Sensitivity,
    },
    /// A person takes a role; somebody who held it hands it over.
    Assign {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: IncidentRole,
        /// Who takes it.
        person: PersonName,
    },
    /// A person lays a role down. Command cannot be laid down, only handed over.
    Unassign {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: IncidentRole,
        /// Who held it.
        person: PersonName,
    },
    /// A role goes from one person to another, with what the next one must know.
    HandOver {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: IncidentRole,
        /// Who takes it.
        to: PersonName,
        /// Where things stand.
        summary: String,
    },
    /// Somebody adds to the timeline.
    Note {
        /// Which incident.
        incident: IncidentId,
        /// What they say.
        text: String,
    },
    /// Something happened to a page; its open incident notes it, and without one nothing happens.
    FollowPage {
        /// Which page.
        page: u64,
        /// What happened, in one line.
        text: String,
        /// Whether somebody acknowledged it.
        acknowledged: bool,
    },
    /// It is worse or less bad than was thought.
    ChangeSeverity {
        /// Which incident.
        incident: IncidentId,
        /// How bad it is.
        severity: Severity,
        /// Why.
        why: String,
    },
    /// What is hurt is known better.
    StateImpact {
        /// Which incident.
        incident: IncidentId,
        /// What is hurt.
        impact: Impact,
    },
    /// Users are no longer hurt; the cause may still be there.
    Mitigate {
        /// Which incident.
        incident: IncidentId,
        /// How.
        how: String,
    },
    /// It is over.
    Resolve {
        /// Which incident.
        incident: IncidentId,
        /// How.
        how: String,
    },
    /// It is not over after all.
    Reopen {
        /// Which incident.
        incident: IncidentId,
        /// Why.
        why: String,
    },
    /// An update was published; the clock of updates starts again.
    RecordUpdate {
        /// Which incident.
        incident: IncidentId,
        /// What it said.
        text: String,
    },
}

impl Command {
    /// The incident it acts on, where it names one. An access decision takes that incident's sensitivity:
    /// [`crate::State::sensitivity_of`].
    #[must_use]
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Declare { .. } | Self::FollowPage { .. } => None,
            Self::Assign { incident, .. }
            | Self::Unassign { incident, .. }
            | Self::HandOver { incident, .. }
            | Self::Note { incident, .. }
            | Self::ChangeSeverity { incident, .. }
            | Self::StateImpact { incident, .. }
            | Self::Mitigate { incident, .. }
            | Self::Resolve { incident, .. }
            | Self::Reopen { incident, .. }
            | Self::RecordUpdate { incident, .. } => Some(*incident),
        }
    }
}

impl Ask for Command {
    fn action(&self) -> &'static str {
        match self {
            Self::Declare { .. } => "incidents:declare",
            Self::Assign { .. } => "incidents:assign",
            Self::Unassign { .. } => "incidents:unassign",
            Self::HandOver { .. } => "incidents:hand_over",
            Self::Note { .. } => "incidents:note",
            Self::FollowPage { .. } => "incidents:follow_page",
            Self::ChangeSeverity { .. } => "incidents:change_severity",
            Self::StateImpact { .. } => "incidents:state_impact",
            Self::Mitigate { .. } => "incidents:mitigate",
            Self::Resolve { .. } => "incidents:resolve",
            Self::Reopen { .. } => "incidents:reopen",
            Self::RecordUpdate { .. } => "incidents:record_update",
        }
    }

    fn resource(&self) -> Resource {
        let sensitivity = match self {
            Self::Declare { sensitivity, .. } => *sensitivity,
            _ => Sensitivity::Internal,
        };
        let id = self.incident().map(|incident| incident.to_string()).unwrap_or_default();
        Resource { kind: "incident", id: id.into(), sensitivity }
    }
}
