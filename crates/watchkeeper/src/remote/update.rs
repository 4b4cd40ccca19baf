//! `watchkeeper update …` and `notice …`: what customers are told.

use clap::{Args, Subcommand};
use comms::Stage;
use kernel::Seconds;
use serde_json::{Value, json};

use super::ask::{Ask, Shape};
use super::operation as op;
use super::words::{Text, one_of, pair, sensitivity};
use crate::failure::Failure;
use crate::table::Columns;

const UPDATE_COLUMNS: Columns = &[
    ("update", "update"),
    ("notice", "notice"),
    ("incident", "incident"),
    ("state", "state"),
    ("stage", "stage"),
    ("published_at", "published"),
    ("text", "text"),
];
const FINDINGS: Columns = &[("rule", "think over"), ("hint", "hint")];

/// The words of an update.
#[derive(Debug, Args)]
pub struct Words {
    /// The notice's title, for customers.
    #[arg(long)]
    title: String,
    /// How far along the work is.
    #[arg(long, value_parser = one_of(Stage::ALL.map(Stage::as_str)))]
    stage: String,
    #[command(flatten)]
    text: Text,
    /// How well a component does, such as payments=major_outage; several allowed.
    #[arg(long = "component", value_name = "COMPONENT=STATUS", value_parser = pair)]
    components: Vec<(String, String)>,
    /// How long after its publication the next update is promised, such as 30m.
    #[arg(long, value_name = "DURATION")]
    next_update_in: Option<Seconds>,
}

impl Words {
    fn body(self) -> Result<Value, Failure> {
        let component = |(component, status): &(String, String)| json!({ "component": component, "status": status });
        let components: Vec<Value> = self.components.iter().map(component).collect();
        Ok(json!({
            "title": self.title, "stage": self.stage, "text": self.text.read()?, "components": components,
            "next_update_in": self.next_update_in,
        }))
    }
}

/// `watchkeeper update …`
#[derive(Debug, Subcommand)]
pub enum UpdateVerb {
    /// List updates, drafts included: those of the newest notice first.
    List,
    /// Show an update, with what to think over before it goes out.
    Show {
        /// The update's number.
        update: u32,
    },
    /// Draft an update; nobody outside sees it.
    Draft {
        /// The incident that it tells of, such as INC-42.
        #[arg(long)]
        incident: Option<String>,
        /// The notice that goes on, such as N-7; a new one, when not given.
        #[arg(long)]
        notice: Option<String>,
        #[command(flatten)]
        words: Words,
        /// Who may read the draft; internal, when not given.
        #[arg(long, value_parser = sensitivity())]
        sensitivity: Option<String>,
    },
    /// Write a draft anew.
    Revise {
        /// The update's number.
        update: u32,
        #[command(flatten)]
        words: Words,
    },
    /// Make a draft public.
    Publish {
        /// The update's number.
        update: u32,
        /// The revision that you have read: refused when somebody wrote another one meanwhile.
        #[arg(long)]
        revision: Option<u32>,
    },
    /// Put a draft away.
    Discard {
        /// The update's number.
        update: u32,
    },
}

impl UpdateVerb {
    /// What it asks.
    pub fn ask(self) -> Result<Ask, Failure> {
        Ok(match self {
            Self::List => {
                let empty = "there is no update; draft one with: watchkeeper update draft --title TITLE --stage investigating --text TEXT";
                Ask::list(op::UPDATES, UPDATE_COLUMNS, empty)
            }
            Self::Show { update } => Ask::thing(op::UPDATE).name(update).shown(Shape::Thing(&[("findings", FINDINGS)])),
            Self::Draft { incident, notice, words, sensitivity } => {
                let mut body = words.body()?;
                body["incident"] = json!(incident);
                body["notice"] = json!(notice);
                body["sensitivity"] = json!(sensitivity);
                Ask::act(op::DRAFT_UPDATE, body)
            }
            Self::Revise { update, words } => Ask::act(op::REVISE_UPDATE, words.body()?).name(update),
            Self::Publish { update, revision } => {
                Ask::act(op::PUBLISH_UPDATE, json!({ "revision": revision })).name(update)
            }
            Self::Discard { update } => Ask::act(op::DISCARD_UPDATE, json!({})).name(update),
        })
    }
}

/// `watchkeeper notice …`
#[derive(Debug, Subcommand)]
pub enum NoticeVerb {
    /// Say that the trouble of a resolved notice is back.
    Reopen {
        /// Such as N-7.
        notice: String,
        /// Why.
        why: String,
    },
}

impl NoticeVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        let Self::Reopen { notice, why } = self;
        Ask::act(op::REOPEN_NOTICE, json!({ "why": why })).name(notice)
    }
}
