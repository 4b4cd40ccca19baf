//! What can have happened in this room. The forms are frozen: tests hold their bytes; fields added later have defaults.

use kernel::area::{EventMeta, Stream};
use kernel::{Impact, IncidentId, PersonName, Seconds, Sensitivity, ServiceName, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::role::IncidentRole;

/// Which incident a fact is about, and who may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The incident.
    pub incident: IncidentId,
    /// The incident's sensitivity.
    #[serde(default, skip_serializing_if = "is_internal")]
    pub sensitivity: Sensitivity,
}

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Something is an incident.
    IncidentDeclared(Box<Declared>),
    /// A page belongs to an incident that was open already.
    PageJoined {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// The page.
        page: u64,
        /// What it says, in one line.
        title: String,
        /// The services that are hurt besides those that were named before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        services: Vec<ServiceName>,
    },
    /// A person took a role that nobody held, or that many may hold.
    RoleAssigned {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// Which role.
        role: IncidentRole,
        /// Who.
        person: PersonName,
    },
    /// A person laid a role down.
    RoleReleased {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// Which role.
        role: IncidentRole,
        /// Who.
        person: PersonName,
    },
    /// A role went from one person to another.
    HandedOver {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// Which role.
        role: IncidentRole,
        /// Who held it.
        from: PersonName,
        /// Who holds it now.
        to: PersonName,
        /// Where things stand; empty when the next one simply took it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        summary: String,
    },
    /// Somebody added to the timeline, or a page's news was noted.
    Noted {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// What they say.
        text: String,
        /// The page whose news it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<u64>,
        /// Whether that page was acknowledged.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        acknowledged: bool,
    },
    /// It is worse or less bad than was thought.
    SeverityChanged {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// How bad it was thought to be.
        from: Severity,
        /// How bad it is.
        to: Severity,
        /// Why.
        why: String,
        /// How often an update is owed from now on, when that changes with the severity.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        update_every: Option<Seconds>,
    },
    /// What is hurt is known better.
    ImpactStated {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// What is hurt.
        impact: Impact,
    },
    /// Users are no longer hurt.
    IncidentMitigated {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// How.
        how: String,
    },
    /// It is over.
    IncidentResolved {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// How.
        how: String,
    },
    /// It was not over after all.
    IncidentReopened {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// Why.
        why: String,
    },
    /// An update was published.
    UpdateRecorded {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// What it said.
        text: String,
    },
    /// An update was owed and did not come.
    UpdateOverdue {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// When it was due.
        due: Timestamp,
    },
    /// Nobody took command in time.
    CommanderMissing {
        /// Which incident.
        #[serde(flatten)]
        about: About,
        /// Since when somebody should have.
        since: Timestamp,
    },
}

/// What an incident begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Which incident.
    #[serde(flatten)]
    pub about: About,
    /// One line for people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is that bad.
    pub why: String,
    /// What is hurt, as far as it is known.
    pub impact: Impact,
    /// The services that are hurt.
    pub services: Vec<ServiceName>,
    /// The page that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// When the trouble was first noticed by a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// How often an update is owed; zero asks for none.
    pub update_every: Seconds,
}

impl Event {
    /// Which incident it is about, and who may read it.
    #[must_use]
    pub fn about(&self) -> About {
        match self {
            Self::IncidentDeclared(declared) => declared.about,
            Self::PageJoined { about, .. }
            | Self::RoleAssigned { about, .. }
            | Self::RoleReleased { about, .. }
            | Self::HandedOver { about, .. }
            | Self::Noted { about, .. }
            | Self::SeverityChanged { about, .. }
            | Self::ImpactStated { about, .. }
            | Self::IncidentMitigated { about, .. }
            | Self::IncidentResolved { about, .. }
            | Self::IncidentReopened { about, .. }
            | Self::UpdateRecorded { about, .. }
            | Self::UpdateOverdue { about, .. }
            | Self::CommanderMissing { about, .. } => *about,
        }
    }
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::IncidentDeclared(_) => "IncidentDeclared",
            Self::PageJoined { .. } => "PageJoined",
            Self::RoleAssigned { .. } => "RoleAssigned",
            Self::RoleReleased { .. } => "RoleReleased",
            Self::HandedOver { .. } => "HandedOver",
            Self::Noted { .. } => "Noted",
            Self::SeverityChanged { .. } => "SeverityChanged",
            Self::ImpactStated { .. } => "ImpactStated",
            Self::IncidentMitigated { .. } => "IncidentMitigated",
            Self::IncidentResolved { .. } => "IncidentResolved",
            Self::IncidentReopened { .. } => "IncidentReopened",
            Self::UpdateRecorded { .. } => "UpdateRecorded",
            Self::UpdateOverdue { .. } => "UpdateOverdue",
            Self::CommanderMissing { .. } => "CommanderMissing",
        }
    }

    fn stream(&self) -> Stream {
        Stream(self.about().incident.to_string().into())
    }

    fn sensitivity(&self) -> Sensitivity {
        self.about().sensitivity
    }
}

fn is_internal(sensitivity: &Sensitivity) -> bool {
    *sensitivity == Sensitivity::Internal
}
