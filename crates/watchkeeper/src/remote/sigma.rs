//! `watchkeeper sigma …`, as far as it asks a running server.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::ask::{Ask, Server, Shape};
use super::operation as op;
use crate::table::Columns;

const RULE_COLUMNS: Columns = &[
    ("rule", "rule"),
    ("level", "level"),
    ("handling", "handling"),
    ("matches_24h", "24 h"),
    ("last", "last"),
    ("right", "right"),
    ("judged", "judged"),
    ("title", "title"),
];
const NOT_IN_USE: Columns = &[("file", "file"), ("rule", "rule"), ("reason", "why it is not in use")];
const EXPIRED: Columns = &[("title", "exception"), ("expires", "last day"), ("owner", "owner"), ("reason", "reason")];

/// What a responder says of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerdictWord {
    /// It was what the rule looks for.
    TruePositive,
    /// It was something else.
    FalsePositive,
}

/// `watchkeeper sigma …`
#[derive(Debug, Subcommand)]
pub enum LiveSigmaVerb {
    /// Show how the rules of a running server do as a whole, and what of the files is not in use.
    Show {
        #[command(flatten)]
        server: Server,
    },
    /// List the rules of a running server: what they found, and how often they were right.
    List {
        /// Only rules whose title, name, file or tag holds this.
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Say whether an alert of a rule was what the rule looks for.
    Judge {
        /// The rule, as `sigma list` calls it and the alert's label `rule` says.
        rule: String,
        /// The alert's fingerprint.
        alert: String,
        /// What it was.
        #[arg(value_enum)]
        verdict: VerdictWord,
        /// Why.
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        server: Server,
    },
}

impl LiveSigmaVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        match self {
            Self::Show { server } => {
                let shape = Shape::Thing(&[("not_in_use", NOT_IN_USE), ("expired", EXPIRED)]);
                (Ask::thing(op::SIGMA).shown(shape), server)
            }
            Self::List { text, server } => {
                let empty = "no Sigma rule is in use; put some into the watchbook's folder sigma/rules";
                (Ask::list(op::SIGMA_RULES, RULE_COLUMNS, empty).query("text", text), server)
            }
            Self::Judge { rule, alert, verdict, note, server } => {
                let verdict = match verdict {
                    VerdictWord::TruePositive => "true_positive",
                    VerdictWord::FalsePositive => "false_positive",
                };
                let body = json!({ "alert": alert, "verdict": verdict, "note": note });
                (Ask::act(op::JUDGE, body).name(rule), server)
            }
        }
    }
}
