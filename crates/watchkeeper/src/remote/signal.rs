//! `watchkeeper signal …`, `check …`, `target …`, `source …` and `change …`.

use clap::Subcommand;
use kernel::Timestamp;
use serde_json::{Value, json};

use super::ask::Ask;
use super::operation as op;
use super::words::{instant, object, pair};
use crate::table::Columns;

const SIGNAL_COLUMNS: Columns = &[
    ("rule", "rule"),
    ("kind", "kind"),
    ("since", "since"),
    ("missing", "no values"),
    ("series", "series"),
    ("summary", "summary"),
];
const TARGET_COLUMNS: Columns = &[
    ("job", "job"),
    ("instance", "target"),
    ("health", "state"),
    ("at", "asked"),
    ("samples", "samples"),
    ("error", "error"),
];
const SOURCE_COLUMNS: Columns = &[
    ("source", "source"),
    ("table", "table"),
    ("followed", "followed"),
    ("read", "read"),
    ("until", "up to"),
    ("rows", "rows"),
    ("error", "error"),
];
const CHANGE_COLUMNS: Columns = &[("at", "at"), ("service", "service"), ("source", "from"), ("summary", "summary")];

/// `watchkeeper signal …`
#[derive(Debug, Subcommand)]
pub enum SignalVerb {
    /// List the signals that are raised.
    List,
    /// Say that a raised signal whose series vanished is over.
    Dismiss {
        /// The rule.
        rule: String,
        /// The labels of its series.
        #[arg(value_name = "NAME=VALUE", value_parser = pair)]
        series: Vec<(String, String)>,
    },
}

impl SignalVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => Ask::list(op::SIGNALS, SIGNAL_COLUMNS, "no signal is raised"),
            Self::Dismiss { rule, series } => {
                Ask::act(op::DISMISS_SIGNAL, json!({ "rule": rule, "series": object(series) }))
            }
        }
    }
}

/// `watchkeeper check …`
#[derive(Debug, Subcommand)]
pub enum CheckVerb {
    /// Say that the program whose heartbeat a check awaits is well.
    Beat {
        /// The check.
        check: String,
    },
}

impl CheckVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::Beat { check } => Ask::act(op::BEAT, json!({})).name(check),
        }
    }
}

/// `watchkeeper target …`
#[derive(Debug, Subcommand)]
pub enum TargetVerb {
    /// List the targets that are scraped, and how each was last found.
    List,
}

impl TargetVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => Ask::list(op::TARGETS, TARGET_COLUMNS, "nothing is scraped; add jobs to scrape.yaml"),
        }
    }
}

/// `watchkeeper source …`
#[derive(Debug, Subcommand)]
pub enum SourceVerb {
    /// List the existing stores of log events and spans, and how each table that is followed does.
    List,
}

impl SourceVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => {
                let none = "no source holds log events or spans; add one of the kind clickhouse to sources.yaml";
                Ask::list(op::SOURCES, SOURCE_COLUMNS, none)
            }
        }
    }
}

/// `watchkeeper change …`
#[derive(Debug, Subcommand)]
pub enum ChangeVerb {
    /// List the changes that were reported, the newest report first.
    List,
    /// Report a change, so that whoever asks what changed finds it.
    Report {
        /// What was changed, in one line.
        summary: String,
        /// The service that it touches.
        #[arg(long)]
        service: Option<String>,
        /// When it was made; now, when not given.
        #[arg(long, value_name = "TIME", value_parser = instant)]
        at: Option<Timestamp>,
        /// Where more can be read: an address and, after a space, what to call it; several allowed.
        #[arg(long = "link", value_name = "URL")]
        links: Vec<String>,
        /// A named detail; several allowed.
        #[arg(long = "detail", value_name = "NAME=VALUE", value_parser = pair)]
        details: Vec<(String, String)>,
    },
}

impl ChangeVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::List => {
                let empty = "no change was reported; report one with: watchkeeper change report \"deployed 1.2\" --service NAME";
                Ask::list(op::CHANGES, CHANGE_COLUMNS, empty)
            }
            Self::Report { summary, service, at, links, details } => {
                let links: Vec<Value> = links.iter().map(|link| linked(link)).collect();
                let details = object(details);
                let body =
                    json!({ "summary": summary, "service": service, "at": at, "links": links, "details": details });
                Ask::act(op::REPORT_CHANGE, body)
            }
        }
    }
}

fn linked(link: &str) -> Value {
    let (href, text) = link.split_once(' ').unwrap_or((link, ""));
    json!({ "href": href, "text": text.trim() })
}
