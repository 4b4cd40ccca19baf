//! *Page*: one run of an escalation policy, whom it told and what came of it; and the page behind an acknowledge link.

use askama::Template;
use kernel::{Severity, Timestamp};

use super::now::AlertRow;
use super::{Chip, Chrome, Named, filters};

/// A page in a list.
#[derive(Debug, Clone)]
pub struct PageRow {
    /// Its number.
    pub id: u64,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// The service.
    pub service: Option<Named>,
    /// Where it stands.
    pub state: Chip,
    /// Whether somebody may still acknowledge it.
    pub open: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The step that was begun last, from one.
    pub step: u32,
    /// How many steps there are.
    pub steps: u32,
    /// When the next step follows.
    pub escalates_at: Option<Timestamp>,
    /// Who was told, in one line with what came of it.
    pub told: String,
}

impl PageRow {
    /// The steps, each with whether it was begun.
    #[must_use]
    pub fn step_marks(&self) -> Vec<bool> {
        (1..=self.steps.min(12)).map(|step| step <= self.step).collect()
    }
}

/// One page.
#[derive(Debug, Clone, Template)]
#[template(path = "page.html")]
pub struct PagePage {
    /// The frame.
    pub chrome: Chrome,
    /// What stands in lists.
    pub row: PageRow,
    /// Why it is that bad.
    pub why: String,
    /// The policy: its name and title.
    pub policy: Option<Named>,
    /// The round through the policy, from one.
    pub round: u32,
    /// Who has it.
    pub taken: Option<Taken>,
    /// When and why nobody was reached.
    pub nobody: Option<(Timestamp, String)>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// The incident it belongs to.
    pub incident: Option<Named>,
    /// What it tells of.
    pub alerts: Vec<AlertRow>,
    /// How many more alerts it tells of.
    pub more: usize,
    /// What it told of last as resolved.
    pub retired: Vec<String>,
    /// The steps of its policy, each with the messages that were asked for.
    pub steps: Vec<StepView>,
}

/// Who acknowledged a page.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Who.
    pub by: Named,
    /// Since when.
    pub at: Timestamp,
    /// What they said.
    pub note: String,
}

/// A step of the policy.
#[derive(Debug, Clone)]
pub struct StepView {
    /// Its number, from one.
    pub number: u32,
    /// Whom it pages.
    pub targets: String,
    /// How long they have.
    pub wait: String,
    /// Whether it was begun.
    pub begun: bool,
    /// The messages.
    pub messages: Vec<MessageRow>,
}

/// One message of a page.
#[derive(Debug, Clone)]
pub struct MessageRow {
    /// Who; `None` is a machine or a room.
    pub person: Option<Named>,
    /// Where.
    pub address: String,
    /// What it says: firing, renewed, resolved.
    pub says: &'static str,
    /// When it was asked for.
    pub at: Timestamp,
    /// What came of it.
    pub status: Chip,
    /// Who took it, or why it failed.
    pub detail: String,
    /// When it was taken.
    pub accepted_at: Option<Timestamp>,
    /// How many attempts are known.
    pub attempts: u32,
    /// The round, from one.
    pub round: u32,
}

/// What an acknowledge link shows: nothing happens until its button is pressed.
#[derive(Debug, Clone, Template)]
#[template(path = "ack.html")]
pub struct AckPage {
    /// The frame.
    pub chrome: Chrome,
    /// The page's number.
    pub id: u64,
    /// How bad it is.
    pub severity: Severity,
    /// One line for people.
    pub title: String,
    /// In whose name the link acts.
    pub person: Named,
    /// The link's key.
    pub key: String,
    /// When the page was opened.
    pub opened_at: Timestamp,
    /// What can be done.
    pub state: AckState,
}

/// What an acknowledge link can still do.
#[derive(Debug, Clone)]
pub enum AckState {
    /// It can acknowledge.
    Open,
    /// This person has just acknowledged, or had before.
    Mine,
    /// Somebody else has it.
    Taken {
        /// Who.
        by: String,
        /// Since when.
        at: Timestamp,
    },
    /// All is resolved.
    Closed,
    /// A rule says no.
    Refused {
        /// The rule and a way out.
        message: String,
    },
}
