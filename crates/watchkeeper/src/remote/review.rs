//! `watchkeeper review …`: what is learnt afterwards.

use clap::Subcommand;
use jiff::civil::Date;
use learning::{ActionKind, Section};
use serde_json::json;

use super::ask::{Ask, Shape};
use super::operation as op;
use super::words::{Text, one_of};
use crate::failure::Failure;
use crate::table::Columns;

const REVIEW_COLUMNS: Columns = &[
    ("review", "review"),
    ("incident", "incident"),
    ("severity", "sev"),
    ("state", "state"),
    ("opened_at", "drafted"),
    ("open_actions", "open actions"),
    ("title", "title"),
];
const SECTIONS: Columns = &[("section", "section"), ("revision", "revision"), ("text", "text")];
const ACTIONS: Columns = &[
    ("action", "action"),
    ("owner", "owner"),
    ("due", "due"),
    ("kind", "for"),
    ("title", "title"),
    ("evidence", "done"),
    ("dropped_because", "dropped"),
];
const TIMELINE: Columns = &[("at", "at"), ("who", "who"), ("text", "what"), ("seq", "fact")];
const TABLES: &[(&str, Columns)] = &[("sections", SECTIONS), ("actions", ACTIONS), ("timeline", TIMELINE)];

/// `watchkeeper review …`
#[derive(Debug, Subcommand)]
pub enum ReviewVerb {
    /// List reviews, the newest first.
    List,
    /// Show a review with its sections, its actions and its timeline.
    Show {
        /// The review's number.
        review: u32,
    },
    /// Print a review as Markdown.
    Markdown {
        /// The review's number.
        review: u32,
    },
    /// Write a section. It is refused over a revision that you have not read.
    Write {
        /// The review's number.
        review: u32,
        /// Which section.
        #[arg(value_parser = one_of(Section::ALL.map(Section::as_str)))]
        section: String,
        #[command(flatten)]
        text: Text,
        /// The revision that you have read; `review show` tells it.
        #[arg(long)]
        revision: u32,
    },
    /// Ask for something to be done.
    Ask {
        /// The review's number.
        review: u32,
        /// What is to be done.
        title: String,
        /// Who sees to it.
        #[arg(long)]
        owner: String,
        /// Until when, such as 2026-12-24.
        #[arg(long)]
        due: Date,
        /// What it is for.
        #[arg(long, value_parser = one_of(ActionKind::ALL.map(ActionKind::as_str)))]
        kind: String,
    },
    /// Say that an action is done.
    Complete {
        /// The review's number.
        review: u32,
        /// The action's number.
        action: u32,
        /// What shows it: a link, a test, a check.
        evidence: String,
    },
    /// Say that an action is not done after all.
    Drop {
        /// The review's number.
        review: u32,
        /// The action's number.
        action: u32,
        /// Why not.
        why: String,
    },
    /// Publish a review as it stands.
    Publish {
        /// The review's number.
        review: u32,
    },
}

impl ReviewVerb {
    /// What it asks.
    pub fn ask(self) -> Result<Ask, Failure> {
        Ok(match self {
            Self::List => {
                let empty = "there is no review; one is drafted when an incident is resolved";
                Ask::list(op::REVIEWS, REVIEW_COLUMNS, empty)
            }
            Self::Show { review } => Ask::thing(op::REVIEW).name(review).shown(Shape::Thing(TABLES)),
            Self::Markdown { review } => Ask::thing(op::REVIEW_MARKDOWN).name(review).shown(Shape::Field("text")),
            Self::Write { review, section, text, revision } => {
                let body = json!({ "text": text.read()?, "revision": revision });
                Ask::act(op::WRITE_SECTION, body).name(review).name(section)
            }
            Self::Ask { review, title, owner, due, kind } => {
                let body = json!({ "title": title, "owner": owner, "due": due, "kind": kind });
                Ask::act(op::ADD_ACTION, body).name(review)
            }
            Self::Complete { review, action, evidence } => {
                Ask::act(op::COMPLETE_ACTION, json!({ "evidence": evidence })).name(review).name(action)
            }
            Self::Drop { review, action, why } => {
                Ask::act(op::DROP_ACTION, json!({ "why": why })).name(review).name(action)
            }
            Self::Publish { review } => Ask::act(op::PUBLISH_REVIEW, json!({})).name(review),
        })
    }
}
