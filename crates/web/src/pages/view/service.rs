//! *Services*: what the organisation runs, how it hangs together, and how it is.

use askama::Template;

use super::now::{AlertGroup, ChangeRow, Duty, IncidentRow};
use super::{Chip, Chrome, Named, Tone, filters};

/// All services.
#[derive(Debug, Clone, Template)]
#[template(path = "services.html")]
pub struct ServicesPage {
    /// The frame.
    pub chrome: Chrome,
    /// The services, the most critical first.
    pub services: Vec<ServiceRow>,
    /// How they hang together.
    pub map: Map,
}

/// A service in a list.
#[derive(Debug, Clone)]
pub struct ServiceRow {
    /// The service.
    pub service: Named,
    /// How critical it is.
    pub tier: u8,
    /// What the business does with it.
    pub function: String,
    /// The team that owns it.
    pub owner: Named,
    /// Who is on call for it.
    pub on_call: Option<Named>,
    /// How it is.
    pub state: Chip,
    /// Where it runs.
    pub regions: Vec<String>,
}

/// One service.
#[derive(Debug, Clone, Template)]
#[template(path = "service.html")]
pub struct ServicePage {
    /// The frame.
    pub chrome: Chrome,
    /// What stands in lists.
    pub row: ServiceRow,
    /// Where its runbook is, when that is a web address or a path.
    pub runbook: Option<String>,
    /// How it is paged.
    pub policy: Option<Named>,
    /// The steps of that policy in words.
    pub steps: Vec<String>,
    /// Who is on call for it.
    pub duty: Vec<Duty>,
    /// Its neighbourhood.
    pub map: Map,
    /// What it needs.
    pub needs: Vec<Named>,
    /// What needs it.
    pub needed_by: Vec<Named>,
    /// What fires for it.
    pub alerts: Vec<AlertGroup>,
    /// Its incidents, newest first.
    pub incidents: Vec<IncidentRow>,
    /// What was changed on it lately.
    pub changes: Vec<ChangeRow>,
    /// Its health checks.
    pub checks: Vec<CheckRow>,
}

/// A health check.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// Its name.
    pub name: String,
    /// What is asked.
    pub url: String,
    /// How it is.
    pub state: Chip,
    /// Why it is not well.
    pub why: String,
    /// How long the last answer took.
    pub latency_ms: Option<u32>,
}

/// A drawing of services and what they need.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// How wide the drawing is.
    pub width: i32,
    /// How high it is.
    pub height: i32,
    /// The services.
    pub nodes: Vec<Node>,
    /// The lines from a service to what it needs, as paths.
    pub edges: Vec<Edge>,
}

/// A service of a drawing.
#[derive(Debug, Clone)]
pub struct Node {
    /// The service.
    pub service: Named,
    /// The second line.
    pub sub: String,
    /// Its left edge.
    pub x: i32,
    /// Its top edge.
    pub y: i32,
    /// How it is.
    pub tone: Tone,
    /// Whether the drawing is about it.
    pub here: bool,
}

/// A line of a drawing.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The path.
    pub d: String,
    /// Whether what it leads to is not well.
    pub bad: bool,
}
