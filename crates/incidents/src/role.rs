//! The roles of an incident. Not access roles: what somebody may do is governance's to decide.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What somebody does in an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentRole {
    /// Decides and coordinates; exactly one at a time.
    Commander,
    /// Supports the commander and takes over when needed.
    Deputy,
    /// Writes down what is said and done.
    Scribe,
    /// Knows the system that is hurt; there may be many.
    SubjectMatterExpert,
    /// Speaks to customers and stakeholders.
    CommunicationsLead,
    /// Keeps the contact with another team or organisation.
    Liaison,
}

impl IncidentRole {
    /// All roles, the commander first.
    pub const ALL: [Self; 6] = [
        Self::Commander,
        Self::Deputy,
        Self::Scribe,
        Self::SubjectMatterExpert,
        Self::CommunicationsLead,
        Self::Liaison,
    ];

    /// The role as people say it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Commander => "incident commander",
            Self::Deputy => "deputy",
            Self::Scribe => "scribe",
            Self::SubjectMatterExpert => "subject-matter expert",
            Self::CommunicationsLead => "communications lead",
            Self::Liaison => "liaison",
        }
    }

    /// The role as one word in forms, commands and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Deputy => "deputy",
            Self::Scribe => "scribe",
            Self::SubjectMatterExpert => "subject_matter_expert",
            Self::CommunicationsLead => "communications_lead",
            Self::Liaison => "liaison",
        }
    }

    /// Whether at most one person holds it.
    #[must_use]
    pub fn is_single(self) -> bool {
        self != Self::SubjectMatterExpert
    }
}

impl fmt::Display for IncidentRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

impl std::str::FromStr for IncidentRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text || role.title() == text);
        let all = || Self::ALL.map(Self::as_str).join(", ");
        found.ok_or_else(|| format!("{text:?} is not a role: write one of {}", all()))
    }
}
