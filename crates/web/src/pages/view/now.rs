//! *Now*: what is firing, who is paged, who is on call, which incidents are open.

use askama::Template;
use kernel::{Severity, Timestamp};

use super::page::PageRow;
use super::{Chip, Chrome, Named, filters};

/// The screen *Now*.
#[derive(Debug, Clone, Template)]
#[template(path = "now.html")]
pub struct NowPage {
    /// The frame.
    pub chrome: Chrome,
    /// Open incidents, the worst first.
    pub incidents: Vec<IncidentRow>,
    /// Open pages, those that nobody has acknowledged first.
    pub pages: Vec<PageRow>,
    /// What fires, by service, the worst first.
    pub groups: Vec<AlertGroup>,
    /// How many alerts fire and page nobody.
    pub muted: usize,
    /// Who is on call.
    pub duty: Vec<Duty>,
    /// What was changed lately.
    pub changes: Vec<ChangeRow>,
    /// When the newest alert opened, as far as it is known.
    pub last_alert: Option<Timestamp>,
    /// Channels to which nothing can be delivered at the moment.
    pub held_back: Vec<String>,
    /// How many errors the watchbook on disk has, while it is refused.
    pub refused_findings: Option<u32>,
}

impl NowPage {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.incidents.is_empty() && self.pages.is_empty() && self.groups.is_empty()
    }
}

/// An incident in a list.
#[derive(Debug, Clone)]
pub struct IncidentRow {
    /// Its number.
    pub id: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub phase: Chip,
    /// What users notice.
    pub impact: String,
    /// Who commands it.
    pub commander: Option<Named>,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the next update is owed.
    pub update_due: Option<Timestamp>,
}

/// Alerts of one service.
#[derive(Debug, Clone)]
pub struct AlertGroup {
    /// The service; `None` for alerts that name none.
    pub service: Option<Named>,
    /// How critical it is.
    pub tier: Option<u8>,
    /// What fires, the worst first.
    pub alerts: Vec<AlertRow>,
    /// How many more there are than are shown.
    pub more: usize,
}

impl AlertGroup {
    /// How many alerts there are, shown or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.alerts.len() + self.more
    }
}

/// An alert in a list.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Its fingerprint.
    pub fingerprint: String,
    /// How bad it is, when the watchbook says.
    pub severity: Option<Severity>,
    /// One line for people.
    pub title: String,
    /// What tells it from its siblings, as labels.
    pub labels: Vec<(String, String)>,
    /// Since when it fires.
    pub since: Timestamp,
    /// What became of it: paged, muted, waiting.
    pub verdict: Chip,
    /// Why.
    pub why: String,
    /// Whether it pages nobody.
    pub muted: bool,
    /// The page that tells of it.
    pub page: Option<u64>,
}

/// Who is on duty for a schedule.
#[derive(Debug, Clone)]
pub struct Duty {
    /// The schedule.
    pub schedule: Named,
    /// Who; `None` is a hole.
    pub person: Option<Named>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Who comes next.
    pub next: Option<Named>,
    /// Whether somebody took the shift over.
    pub overridden: bool,
    /// What time it is for them.
    pub local: Option<String>,
}

/// A change in a list.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// What was changed.
    pub summary: String,
    /// The service it touches.
    pub service: Option<Named>,
    /// Who reports it.
    pub source: String,
    /// When it was made.
    pub at: Timestamp,
    /// Where more can be read, when that is a web address.
    pub link: Option<String>,
}
