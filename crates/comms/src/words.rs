//! The words of this room: numbers of notices and updates, stages, and how well a component does.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a notice; shown as `N-7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NoticeId(pub u32);

/// The number of an update, counted over all notices; shown as `U-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UpdateId(pub u32);

/// How far the work on a notice's trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// We know that something is wrong.
    Investigating,
    /// We know what is wrong.
    Identified,
    /// We did something about it, and watch whether it helps.
    Monitoring,
    /// It is over.
    Resolved,
    /// It was over, and this is what we learnt.
    Postmortem,
}

/// How well a component does; the order of the variants is best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// As it should.
    #[default]
    Operational,
    /// It is being worked on as announced.
    Maintenance,
    /// Slower or less complete than it should be.
    Degraded,
    /// Some cannot use it.
    PartialOutage,
    /// Nobody can use it.
    MajorOutage,
}

/// How much a notice's trouble hurts at its worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum NoticeImpact {
    /// Nothing is degraded.
    #[default]
    None,
    /// Something is degraded.
    Minor,
    /// Something is out for some.
    Major,
    /// Something is out for everybody.
    Critical,
}

impl Stage {
    /// All stages, in their usual order.
    pub const ALL: [Self; 5] =
        [Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved, Self::Postmortem];

    /// Whether the trouble is over at this stage.
    #[must_use]
    pub fn is_over(self) -> bool {
        self >= Self::Resolved
    }

    /// The stage as a word; the same that Statuspage's API has.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
            Self::Postmortem => "postmortem",
        }
    }

    /// The stage as customers read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Investigating => "Investigating",
            Self::Identified => "Identified",
            Self::Monitoring => "Monitoring",
            Self::Resolved => "Resolved",
            Self::Postmortem => "Post-mortem",
        }
    }
}

impl ComponentStatus {
    /// All statuses, best first.
    pub const ALL: [Self; 5] =
        [Self::Operational, Self::Maintenance, Self::Degraded, Self::PartialOutage, Self::MajorOutage];

    /// The status as a word; the same that Statuspage's API has.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Maintenance => "under_maintenance",
            Self::Degraded => "degraded_performance",
            Self::PartialOutage => "partial_outage",
            Self::MajorOutage => "major_outage",
        }
    }

    /// The status as customers read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::Maintenance => "Under maintenance",
            Self::Degraded => "Degraded",
            Self::PartialOutage => "Partial outage",
            Self::MajorOutage => "Major outage",
        }
    }

    /// How much it hurts; announced work hurts nobody.
    #[must_use]
    pub fn impact(self) -> NoticeImpact {
        match self {
            Self::Operational | Self::Maintenance => NoticeImpact::None,
            Self::Degraded => NoticeImpact::Minor,
            Self::PartialOutage => NoticeImpact::Major,
            Self::MajorOutage => NoticeImpact::Critical,
        }
    }
}

impl NoticeImpact {
    /// The impact as a word; the same that Statuspage's API has.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "N-{}", self.0)
    }
}

impl fmt::Display for UpdateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U-{}", self.0)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ComponentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for NoticeId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("N-").or_else(|| text.strip_prefix("n-")).unwrap_or(text);
        digits.parse().map(Self).map_err(|_| format!("{text:?} is not a notice: write N-7 or 7"))
    }
}

impl std::str::FromStr for UpdateId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("U-").or_else(|| text.strip_prefix("u-")).unwrap_or(text);
        digits.parse().map(Self).map_err(|_| format!("{text:?} is not an update: write U-12 or 12"))
    }
}

impl std::str::FromStr for Stage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not a stage: write one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

impl std::str::FromStr for ComponentStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        let all = || Self::ALL.map(Self::as_str).join(", ");
        found.ok_or_else(|| format!("{text:?} is not a component's status: write one of {}", all()))
    }
}
