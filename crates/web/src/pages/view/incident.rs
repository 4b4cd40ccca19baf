//! *Incident room*: one screen for the first hour; the list of incidents; the form that declares one.

use askama::Template;
use kernel::{Seconds, Severity, Timestamp};

use super::now::{AlertGroup, ChangeRow, IncidentRow};
use super::page::PageRow;
use super::{Chip, Chrome, Named, Tone, filters};

/// The list of incidents.
#[derive(Debug, Clone, Template)]
#[template(path = "incidents.html")]
pub struct IncidentsPage {
    /// The frame.
    pub chrome: Chrome,
    /// Those that are open.
    pub open: Vec<IncidentRow>,
    /// Those that are resolved, newest first.
    pub resolved: Vec<IncidentRow>,
    /// How many older ones there are.
    pub more: usize,
}

/// The form that declares an incident.
#[derive(Debug, Clone, Template)]
#[template(path = "declare.html")]
pub struct DeclarePage {
    /// The frame.
    pub chrome: Chrome,
    /// What stands in the title.
    pub incident_title: String,
    /// The services to choose from.
    pub services: Vec<ServiceChoice>,
    /// The page it is declared from.
    pub page: Option<u64>,
    /// The severities to choose from, each with its meaning.
    pub severities: Vec<(Severity, &'static str)>,
    /// The severity that is chosen at first.
    pub severity: String,
    /// How often an update is owed, for each severity of which one is.
    pub updates_every: Vec<(Severity, Seconds)>,
}

/// A service to tick.
#[derive(Debug, Clone)]
pub struct ServiceChoice {
    /// The service.
    pub service: Named,
    /// How critical it is.
    pub tier: u8,
    /// Whether it is ticked.
    pub ticked: bool,
}

/// The incident room.
#[derive(Debug, Clone, Template)]
#[template(path = "incident.html")]
pub struct IncidentPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its number.
    pub id: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is that bad.
    pub why: String,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub phase: Phase,
    /// Who may read it, when not everybody may.
    pub restricted: Option<&'static str>,
    /// When it was declared, and by whom.
    pub declared_at: Timestamp,
    /// Who declared it.
    pub declared_by: String,
    /// When it was mitigated.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When the last update was published.
    pub updated_at: Option<Timestamp>,
    /// When the next one is owed.
    pub update_due: Option<Timestamp>,
    /// What users notice.
    pub impact: String,
    /// The share of users, in percent.
    pub users_percent: Option<u8>,
    /// The same as it stands in the form.
    pub users_text: String,
    /// The business functions that are hurt.
    pub functions: Vec<String>,
    /// The same as they stand in the form, one a line.
    pub functions_text: String,
    /// Its roles, filled or not, the commander first.
    pub seats: Vec<Seat>,
    /// The people who can take a role.
    pub people: Vec<Named>,
    /// The services.
    pub services: Vec<ServiceRef>,
    /// What fires for these services.
    pub alerts: Vec<AlertGroup>,
    /// The pages.
    pub pages: Vec<PageRow>,
    /// What was changed on these services lately.
    pub changes: Vec<ChangeRow>,
    /// What happened, newest first.
    pub timeline: Vec<Moment>,
    /// How many older moments are left out.
    pub earlier: usize,
    /// The draft of an update.
    pub draft: Option<Draft>,
    /// What was published, newest first.
    pub published: Vec<Published>,
    /// The notice that customers see as resolved while the incident goes on.
    pub resolved_notice: Option<u32>,
    /// The components of the status page.
    pub components: Vec<ComponentChoice>,
    /// The stages an update can have.
    pub stages: Vec<Named>,
    /// The stage that fits the phase.
    pub stage: String,
    /// The title with which an update begins.
    pub usual_title: String,
    /// The text with which an update of each stage begins, in the order of the stages.
    pub usual_texts: Vec<String>,
    /// The statuses a component can have.
    pub statuses: Vec<Named>,
    /// The review, once there is one.
    pub review: Option<u32>,
}

impl IncidentPage {
    /// Whether it still goes on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase != Phase::Resolved
    }

    /// The commander's seat, when it is filled.
    #[must_use]
    pub fn commander(&self) -> Option<&Named> {
        self.seats.first().and_then(|seat| seat.holders.first())
    }

    /// Whether somebody commands it.
    #[must_use]
    pub fn is_commander(&self, name: &str) -> bool {
        self.commander().is_some_and(|who| who.name == name)
    }

    /// Whether the next update should have been published by now.
    #[must_use]
    pub fn is_late(&self, chrome: &Chrome) -> bool {
        self.update_due.is_some_and(|due| due < chrome.now)
    }

    /// How long it lasted, once it is resolved.
    #[must_use]
    pub fn lasted(&self) -> String {
        let end = self.resolved_at.unwrap_or(self.declared_at);
        super::words::span(end.duration_since(self.declared_at).as_secs().unsigned_abs())
    }

    /// The reader's own name; empty when nobody is logged in.
    #[must_use]
    pub fn me<'a>(&self, chrome: &'a Chrome) -> &'a str {
        chrome.who.as_ref().map_or("", |who| &who.name)
    }

    /// What stands in the form for an update: the draft's title, else the usual one, which tells nothing internal.
    #[must_use]
    pub fn draft_title(&self) -> &str {
        self.draft.as_ref().map_or(&self.usual_title, |draft| &draft.title)
    }

    /// What stands in the form for an update: the draft's text, else the usual one of the stage that fits.
    #[must_use]
    pub fn draft_text(&self) -> &str {
        self.draft.as_ref().map_or_else(|| self.usual_text(&self.stage), |draft| &draft.text)
    }

    /// The text with which an update of a stage begins.
    #[must_use]
    pub fn usual_text(&self, stage: &str) -> &str {
        let at = self.stages.iter().position(|known| known.name == stage);
        at.and_then(|at| self.usual_texts.get(at)).map_or("", String::as_str)
    }

    /// The roles and who holds them, for the form that hands one over.
    pub fn held(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| !seat.holders.is_empty())
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It goes on.
    Open,
    /// Users no longer notice.
    Mitigated,
    /// It is over.
    Resolved,
}

impl Phase {
    /// As a coloured word.
    #[must_use]
    pub fn chip(self) -> Chip {
        match self {
            Self::Open => Chip::new(Tone::Bad, "Open"),
            Self::Mitigated => Chip::new(Tone::Warn, "Mitigated"),
            Self::Resolved => Chip::new(Tone::Ok, "Resolved"),
        }
    }
}

/// A role of an incident.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The role: its name in forms and what people call it.
    pub role: Named,
    /// Who holds it.
    pub holders: Vec<Named>,
    /// What the first holder's clock says.
    pub local: Option<String>,
    /// Whether the incident should not be without it.
    pub needed: bool,
}

/// A service of an incident.
#[derive(Debug, Clone)]
pub struct ServiceRef {
    /// The service.
    pub service: Named,
    /// How critical it is.
    pub tier: u8,
    /// What the business does with it.
    pub function: String,
    /// Where its runbook is.
    pub runbook: Option<String>,
    /// Who is on call for it now.
    pub on_call: Option<Named>,
}

/// A moment of the timeline.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The fact it shows.
    pub seq: u64,
    /// When it was.
    pub at: Timestamp,
    /// The day, when it is another than that of the moment above.
    pub day: Option<String>,
    /// Who did it.
    pub by: String,
    /// Whether a person did it.
    pub human: bool,
    /// What happened.
    pub text: String,
    /// Its icon.
    pub icon: &'static str,
    /// Its colour.
    pub tone: Tone,
}

/// The draft of an update.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its number.
    pub id: u32,
    /// The title of the notice.
    pub title: String,
    /// The stage.
    pub stage: Named,
    /// What it says.
    pub text: String,
    /// The components it names: title and status.
    pub components: Vec<(String, String)>,
    /// Who wrote it.
    pub by: String,
    /// What the plain-language check says: what was found, and a hint.
    pub findings: Vec<(String, String)>,
}

/// An update that was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// When.
    pub at: Timestamp,
    /// The stage.
    pub stage: String,
    /// What it says.
    pub text: String,
}

/// A component to choose a status for.
#[derive(Debug, Clone)]
pub struct ComponentChoice {
    /// The component.
    pub component: Named,
    /// Its status now, as forms name it.
    pub status: String,
    /// Whether a service of the incident is behind it.
    pub touched: bool,
}
