//! The words of this room: numbers of reviews, their sections, kinds of action, and the incident that a review is drafted from.

use std::fmt;

use kernel::time::between;
use kernel::{Impact, IncidentId, PersonName, Seconds, Sensitivity, Seq, ServiceName, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// The number of a review; shown as `R-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReviewId(pub u32);

/// The parts of a review that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// What happened, in a few sentences.
    Summary,
    /// Who was hurt, how much and how long.
    Impact,
    /// How it was noticed.
    Detection,
    /// What was done.
    Response,
    /// What made it possible and what made it worse; never who.
    ContributingFactors,
    /// What helped.
    WhatWentWell,
    /// What is not known yet.
    OpenQuestions,
}

/// What an action is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// It cannot happen again in this way.
    Prevent,
    /// It is noticed sooner.
    Detect,
    /// It hurts less or ends sooner.
    Mitigate,
    /// We work together in another way.
    Process,
}

/// The incident that a review is drafted from, as the journal tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which incident.
    pub incident: IncidentId,
    /// Its title.
    pub title: String,
    /// How bad it was.
    pub severity: Severity,
    /// Why it was that bad.
    pub severity_why: String,
    /// What was hurt.
    pub impact: Impact,
    /// The services that were hurt.
    pub services: Vec<ServiceName>,
    /// Who may read it.
    #[serde(default, skip_serializing_if = "is_internal")]
    pub sensitivity: Sensitivity,
    /// When a machine first noticed it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_at: Option<Timestamp>,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When somebody first acknowledged a page of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    /// When somebody first took command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commanded_at: Option<Timestamp>,
    /// When users were no longer hurt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigated_at: Option<Timestamp>,
    /// When it was over.
    pub resolved_at: Timestamp,
    /// How often it was reopened.
    #[serde(default)]
    pub reopened: u32,
    /// What happened, oldest first.
    pub timeline: Vec<Moment>,
    /// Who took part, and as what: used to replace their names, and never kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<(PersonName, String)>,
}

/// One moment of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The fact that says so.
    pub seq: Seq,
    /// When.
    pub at: Timestamp,
    /// Who, as a role or an area; never a name.
    pub who: String,
    /// What kind of fact it is: the journal's word, such as `IncidentMitigated`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// What happened.
    pub text: String,
}

impl Section {
    /// All sections, in the order in which a review has them.
    pub const ALL: [Self; 7] = [
        Self::Summary,
        Self::Impact,
        Self::Detection,
        Self::Response,
        Self::ContributingFactors,
        Self::WhatWentWell,
        Self::OpenQuestions,
    ];

    /// The section as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Impact => "impact",
            Self::Detection => "detection",
            Self::Response => "response",
            Self::ContributingFactors => "contributing_factors",
            Self::WhatWentWell => "what_went_well",
            Self::OpenQuestions => "open_questions",
        }
    }

    /// The section as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Impact => "Impact",
            Self::Detection => "Detection",
            Self::Response => "Response",
            Self::ContributingFactors => "Contributing factors",
            Self::WhatWentWell => "What went well",
            Self::OpenQuestions => "Open questions",
        }
    }

    /// What the section asks whoever writes it.
    #[must_use]
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Summary => "What happened, in a few sentences that somebody outside understands?",
            Self::Impact => "Who was hurt, how much, and for how long?",
            Self::Detection => "How was it noticed? What would have shown it sooner?",
            Self::Response => "What was done? What slowed it down, what sped it up?",
            Self::ContributingFactors => "What made it possible? One factor a line; there is never just one.",
            Self::WhatWentWell => "What do we want to keep?",
            Self::OpenQuestions => "What do we not know yet? One question a line.",
        }
    }
}

/// How long each stage took, counted from when the trouble was first noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// Until it was declared.
    pub declare: Seconds,
    /// Until the first page was acknowledged.
    pub acknowledge: Option<Seconds>,
    /// Until somebody took command.
    pub command: Option<Seconds>,
    /// Until users were no longer hurt.
    pub mitigate: Option<Seconds>,
    /// Until it was over.
    pub resolve: Seconds,
}

impl Source {
    /// When the trouble was first noticed: by a machine, else by whoever declared it.
    #[must_use]
    pub fn noticed_at(&self) -> Timestamp {
        self.detected_at.map_or(self.declared_at, |detected| detected.min(self.declared_at))
    }

    /// How long each stage took.
    #[must_use]
    pub fn durations(&self) -> Durations {
        let start = self.noticed_at();
        let until = |at: Option<Timestamp>| at.map(|at| between(start, at));
        Durations {
            declare: between(start, self.declared_at),
            acknowledge: until(self.acknowledged_at),
            command: until(self.commanded_at),
            mitigate: until(self.mitigated_at),
            resolve: between(start, self.resolved_at),
        }
    }

    /// How many moments are of a kind.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.timeline.iter().filter(|moment| moment.kind == kind).count()
    }
}

fn is_internal(sensitivity: &Sensitivity) -> bool {
    *sensitivity == Sensitivity::Internal
}

impl ActionKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Prevent, Self::Detect, Self::Mitigate, Self::Process];

    /// The kind as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prevent => "prevent",
            Self::Detect => "detect",
            Self::Mitigate => "mitigate",
            Self::Process => "process",
        }
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "R-{}", self.0)
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ReviewId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("R-").or_else(|| text.strip_prefix("r-")).unwrap_or(text);
        digits.parse().map(Self).map_err(|_| format!("{text:?} is not a review: write R-3 or 3"))
    }
}

impl std::str::FromStr for Section {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|section| section.as_str() == text);
        found.ok_or_else(|| {
            format!("{text:?} is not a section: write one of {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

impl std::str::FromStr for ActionKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| {
            format!("{text:?} is not a kind of action: write one of {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}
