//! `watchkeeper alert …`, `page …` and `silence …`.

use clap::Subcommand;
use kernel::{Seconds, Timestamp};
use serde_json::json;

use super::ask::{Ask, Shape};
use super::operation as op;
use super::words::{instant, object, pair};
use crate::table::Columns;

/// The columns of pages, here and in *now*.
pub const PAGE_COLUMNS: Columns = &[
    ("page", "page"),
    ("severity", "sev"),
    ("state", "state"),
    ("opened_at", "opened"),
    ("acknowledged_by", "taken by"),
    ("incident", "incident"),
    ("title", "title"),
];
const ALERT_COLUMNS: Columns = &[
    ("fingerprint", "alert"),
    ("state", "state"),
    ("starts_at", "since"),
    ("pages", "pages"),
    ("muted_because", "muted because"),
    ("labels", "labels"),
];
const STAGES: Columns = &[("stage", "stage"), ("at", "at"), ("says", "says")];
const SILENCE_COLUMNS: Columns = &[
    ("id", "silence"),
    ("state", "state"),
    ("ends_at", "ends"),
    ("created_by", "by"),
    ("matchers", "matchers"),
    ("comment", "comment"),
];

/// `watchkeeper alert …`
#[derive(Debug, Subcommand)]
pub enum AlertVerb {
    /// List what fires.
    List {
        /// Only alerts that meet all of these, such as service=checkout or severity=~"warning|info".
        matchers: Vec<String>,
    },
    /// Show an alert.
    Show {
        /// The alert's fingerprint.
        alert: String,
    },
    /// Say why an alert paged somebody or nobody.
    Why {
        /// The alert's fingerprint.
        alert: String,
    },
    /// Report an alert, as a monitoring system would.
    Report {
        /// The labels that make it what it is, such as alertname=DiskFull service=checkout severity=critical.
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = pair)]
        labels: Vec<(String, String)>,
        /// What it says to people, such as summary="the disk is full".
        #[arg(long = "annotation", value_name = "NAME=VALUE", value_parser = pair)]
        annotations: Vec<(String, String)>,
        /// Since when it fires; now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        starts_at: Option<Timestamp>,
        /// When it ends unless it is reported again, such as 1h; five minutes from now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        ends_at: Option<Timestamp>,
        /// Where it was made.
        #[arg(long, value_name = "URL")]
        generator_url: Option<String>,
    },
    /// Take all pages of an alert.
    Acknowledge {
        /// The alert's fingerprint.
        alert: String,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that an alert is over.
    Resolve {
        /// The alert's fingerprint.
        alert: String,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
}

impl AlertVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List { matchers } => {
                let empty = "nothing fires; report an alert with: watchkeeper alert report alertname=Test";
                let list = Ask::list(op::ALERTS, ALERT_COLUMNS, empty);
                matchers.into_iter().fold(list, |list, matcher| list.query("filter", Some(matcher)))
            }
            Self::Show { alert } => Ask::thing(op::ALERT).name(alert),
            Self::Why { alert } => Ask::thing(op::ALERT_WHY).name(alert).shown(Shape::Thing(&[("stages", STAGES)])),
            Self::Report { labels, annotations, starts_at, ends_at, generator_url } => {
                let mut alert = json!({ "labels": object(labels), "annotations": object(annotations) });
                if let Some(url) = generator_url {
                    alert["generator_url"] = json!(url);
                }
                for (field, at) in [("starts_at", starts_at), ("ends_at", ends_at)] {
                    if let Some(at) = at {
                        alert[field] = json!(at);
                    }
                }
                Ask::act(op::REPORT_ALERT, json!({ "alerts": [alert] }))
            }
            Self::Acknowledge { alert, note } => Ask::act(op::ACKNOWLEDGE_ALERT, json!({ "note": note })).name(alert),
            Self::Resolve { alert, note } => Ask::act(op::RESOLVE_ALERT, json!({ "note": note })).name(alert),
        }
    }
}

/// `watchkeeper page …`
#[derive(Debug, Subcommand)]
pub enum PageVerb {
    /// List open pages.
    List {
        /// Closed ones as well.
        #[arg(long)]
        all: bool,
    },
    /// Show a page with its deliveries.
    Show {
        /// The page's number.
        page: u64,
    },
    /// Take a page: escalation stops.
    Acknowledge {
        /// The page's number.
        page: u64,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
}

const DELIVERIES: Columns = &[
    ("at", "asked"),
    ("person", "person"),
    ("address", "address"),
    ("step", "step"),
    ("attempts", "attempts"),
    ("state", "state"),
    ("says", "says"),
];

impl PageVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List { all } => {
                let empty = "no page is open; watchkeeper page list --all shows closed ones";
                Ask::list(op::PAGES, PAGE_COLUMNS, empty).query("all", all.then_some(true))
            }
            Self::Show { page } => Ask::thing(op::PAGE).name(page).shown(Shape::Thing(&[("deliveries", DELIVERIES)])),
            Self::Acknowledge { page, note } => Ask::act(op::ACKNOWLEDGE_PAGE, json!({ "note": note })).name(page),
        }
    }
}

/// `watchkeeper silence …`
#[derive(Debug, Subcommand)]
pub enum SilenceVerb {
    /// List silences, those that are over included.
    List,
    /// Show a silence.
    Show {
        /// The silence's id.
        id: String,
    },
    /// Mute what meets all matchers.
    Add {
        /// Conditions such as service=checkout or severity=~"warning|info".
        #[arg(required = true)]
        matchers: Vec<String>,
        /// For how long.
        #[arg(long, default_value = "2h", conflicts_with = "ends_at")]
        lasts: Seconds,
        /// When it begins; now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        starts_at: Option<Timestamp>,
        /// When it ends, instead of --lasts.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        ends_at: Option<Timestamp>,
        /// Why.
        #[arg(long)]
        comment: String,
        /// The silence that this one takes the place of.
        #[arg(long, value_name = "ID")]
        replaces: Option<String>,
    },
    /// End a silence now.
    Expire {
        /// The silence's id.
        id: String,
    },
}

impl SilenceVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => {
                let empty = "there is no silence; add one with: watchkeeper silence add service=NAME --comment WHY";
                Ask::list(op::SILENCES, SILENCE_COLUMNS, empty)
            }
            Self::Show { id } => Ask::thing(op::SILENCE).name(id),
            Self::Add { matchers, lasts, starts_at, ends_at, comment, replaces } => {
                let lasts = ends_at.is_none().then_some(lasts);
                let body = json!({
                    "matchers": matchers, "lasts": lasts, "starts_at": starts_at, "ends_at": ends_at,
                    "comment": comment, "replaces": replaces,
                });
                Ask::act(op::ADD_SILENCE, body)
            }
            Self::Expire { id } => Ask::act(op::EXPIRE_SILENCE, json!({})).name(id),
        }
    }
}
