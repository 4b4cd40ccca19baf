//! `watchkeeper incident …`.

use clap::{Args, Subcommand};
use incidents::IncidentRole;
use kernel::{Seconds, Severity};
use serde_json::{Value, json};

use super::ask::{Ask, Shape};
use super::operation as op;
use super::words::{one_of, sensitivity};
use crate::table::Columns;

/// The columns of incidents, here and in *now*.
pub const INCIDENT_COLUMNS: Columns = &[
    ("incident", "incident"),
    ("severity", "sev"),
    ("phase", "phase"),
    ("commander", "commander"),
    ("declared_at", "declared"),
    ("update_due", "update due"),
    ("title", "title"),
];
const TIMELINE: Columns =
    &[("at", "at"), ("actor", "who"), ("role", "role"), ("kind", "what"), ("text", "text"), ("seq", "fact")];
/// What is hurt, as far as it is known.
#[derive(Debug, Args)]
pub struct Hurt {
    /// What users notice, in their words.
    #[arg(long = "impact", value_name = "TEXT")]
    summary: Option<String>,
    /// The share of users that notice, in percent.
    #[arg(long, value_name = "PERCENT")]
    users_percent: Option<u8>,
    /// A business function that is hurt; several allowed.
    #[arg(long = "function", value_name = "FUNCTION")]
    functions: Vec<String>,
}

impl Hurt {
    fn body(self) -> Value {
        let summary = self.summary.unwrap_or_default();
        json!({ "summary": summary, "users_percent": self.users_percent, "functions": self.functions })
    }
}

/// An incident's number.
#[derive(Debug, Args)]
pub struct Which {
    /// Such as INC-42.
    incident: String,
}

/// `watchkeeper incident …`
#[derive(Debug, Subcommand)]
pub enum IncidentVerb {
    /// List incidents, open ones first.
    List,
    /// Show an incident with its timeline.
    Show(#[command(flatten)] Which),
    /// Declare an incident.
    Declare {
        /// What is wrong, in one line.
        title: String,
        /// How bad it is, P1 (worst) to P5.
        #[arg(long)]
        severity: Severity,
        /// Why it is as bad as that.
        #[arg(long)]
        why: String,
        /// A service that is hurt; several allowed.
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        #[command(flatten)]
        impact: Hurt,
        /// Who may read it; internal, when not given.
        #[arg(long, value_parser = sensitivity())]
        sensitivity: Option<String>,
        /// How often an update is owed, such as 30m. When not given, what the watchbook says of the severity, else 30m for P1
        /// and 1h for P2.
        #[arg(long, value_name = "DURATION")]
        update_every: Option<Seconds>,
    },
    /// Give a role to a person; whoever held it hands it over.
    Assign {
        #[command(flatten)]
        which: Which,
        /// Which role.
        #[arg(value_parser = one_of(IncidentRole::ALL.map(IncidentRole::as_str)))]
        role: String,
        /// Who takes it.
        person: String,
    },
    /// Take a person out of a role. Command is handed over, never dropped.
    Unassign {
        #[command(flatten)]
        which: Which,
        /// Which role.
        #[arg(value_parser = one_of(IncidentRole::ALL.map(IncidentRole::as_str)))]
        role: String,
        /// Who leaves it.
        person: String,
    },
    /// Hand a role over, with what the next person must know.
    Handover {
        #[command(flatten)]
        which: Which,
        /// Which role.
        #[arg(value_parser = one_of(IncidentRole::ALL.map(IncidentRole::as_str)))]
        role: String,
        /// Who takes it.
        to: String,
        /// Where things stand.
        summary: String,
    },
    /// Write into the timeline.
    Note {
        #[command(flatten)]
        which: Which,
        /// What happened or was found.
        text: String,
    },
    /// Say that it is worse or less bad than was thought.
    Severity {
        #[command(flatten)]
        which: Which,
        /// P1 (worst) to P5.
        severity: Severity,
        /// Why.
        why: String,
    },
    /// Say what is hurt.
    Impact {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        impact: Hurt,
    },
    /// Say that users no longer notice it.
    Mitigate {
        #[command(flatten)]
        which: Which,
        /// By what.
        how: String,
    },
    /// Say that it is over.
    Resolve {
        #[command(flatten)]
        which: Which,
        /// By what.
        how: String,
    },
    /// Say that it was not over.
    Reopen {
        #[command(flatten)]
        which: Which,
        /// Why.
        why: String,
    },
}

impl IncidentVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        let act = |operation, which: Which, body| Ask::act(operation, body).name(which.incident);
        match self {
            Self::List => {
                let empty = "there is no incident; declare one with: watchkeeper incident declare TITLE --severity P2 --why WHY";
                Ask::list(op::INCIDENTS, INCIDENT_COLUMNS, empty)
            }
            Self::Show(which) => {
                Ask::thing(op::INCIDENT).name(which.incident).shown(Shape::Thing(&[("timeline", TIMELINE)]))
            }
            Self::Declare { title, severity, why, services, impact, sensitivity, update_every } => {
                let body = json!({
                    "title": title, "severity": severity, "why": why, "services": services, "impact": impact.body(),
                    "sensitivity": sensitivity, "update_every": update_every,
                });
                Ask::act(op::DECLARE, body)
            }
            Self::Assign { which, role, person } => act(op::ASSIGN, which, json!({ "role": role, "person": person })),
            Self::Unassign { which, role, person } => {
                act(op::UNASSIGN, which, json!({ "role": role, "person": person }))
            }
            Self::Handover { which, role, to, summary } => {
                act(op::HAND_OVER, which, json!({ "role": role, "to": to, "summary": summary }))
            }
            Self::Note { which, text } => act(op::NOTE, which, json!({ "text": text })),
            Self::Severity { which, severity, why } => {
                act(op::SEVERITY, which, json!({ "severity": severity, "why": why }))
            }
            Self::Impact { which, impact } => act(op::IMPACT, which, json!({ "impact": impact.body() })),
            Self::Mitigate { which, how } => act(op::MITIGATE, which, json!({ "how": how })),
            Self::Resolve { which, how } => act(op::RESOLVE, which, json!({ "how": how })),
            Self::Reopen { which, why } => act(op::REOPEN, which, json!({ "why": why })),
        }
    }
}
