//! `watchkeeper logs …`: log events, the patterns of their lines, and what was found in them.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::ask::{Ask, Server, Shape, send};
use super::operation as op;
use crate::failure::Failure;
use crate::out;
use crate::table::Columns;

const EVENT_COLUMNS: Columns =
    &[("time", "when"), ("level", "level"), ("service", "service"), ("pattern", "pattern"), ("message", "says")];
const LOG_COLUMNS: Columns = &[
    ("service", "service"),
    ("patterns", "patterns"),
    ("lines", "lines"),
    ("raises", "raises"),
    ("learns_until", "learns until"),
    ("last", "last"),
];
const PATTERN_COLUMNS: Columns = &[
    ("service", "service"),
    ("pattern", "pattern"),
    ("level", "level"),
    ("lines", "lines"),
    ("first", "first"),
    ("last", "last"),
    ("new", "new"),
    ("changed", "changed"),
    ("text", "text"),
];
const FINDING_COLUMNS: Columns = &[
    ("at", "at"),
    ("found", "found"),
    ("service", "service"),
    ("pattern", "pattern"),
    ("lines", "lines"),
    ("usual", "usual"),
    ("text", "text"),
];

/// `watchkeeper logs …`
#[derive(Debug, Subcommand)]
pub enum LogsVerb {
    /// Search log events, the newest first.
    Search(Wanted),
    /// Print log events as JSON lines, the newest first; at most 10,000 at once.
    Export(Wanted),
    /// List the logs that are watched, service by service.
    List,
    /// List the patterns that lines have in common; new ones and those off their usual rate first.
    Patterns {
        /// A text that the pattern holds.
        text: Option<String>,
        /// Of this service only.
        #[arg(long)]
        service: Option<String>,
        /// How many, at most 1000; 100 when not given.
        #[arg(long)]
        limit: Option<u32>,
        /// How many are left out before the first.
        #[arg(long)]
        offset: Option<u32>,
    },
    /// List what was found lately: new patterns, and patterns whose rate changed.
    Findings {
        /// Of this service only.
        #[arg(long)]
        service: Option<String>,
    },
}

/// Which log events.
#[derive(Debug, Args)]
pub struct Wanted {
    /// A text that any part of an event holds.
    text: Option<String>,
    /// Of this service only.
    #[arg(long)]
    service: Option<String>,
    /// At least this bad: unknown, trace, debug, info, warning, error or fatal.
    #[arg(long)]
    level: Option<String>,
    /// Of this pattern of the service only, such as t17.
    #[arg(long)]
    pattern: Option<String>,
    /// Of this trace only, in hexadecimal digits.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// With this attribute, of their own or of their resource.
    #[arg(long, value_name = "NAME[=VALUE]")]
    attribute: Option<String>,
    /// In this source of the watchbook instead of the server's own store.
    #[arg(long)]
    source: Option<String>,
    /// How far back, such as 30m; one hour when neither this nor --from is given.
    #[arg(long)]
    since: Option<String>,
    /// Not before this instant, such as 2026-01-05T09:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Not after this instant.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How many.
    #[arg(long)]
    limit: Option<u32>,
    /// Go on where the answer before said.
    #[arg(long)]
    cursor: Option<String>,
}

impl Wanted {
    fn of(self, ask: Ask) -> Ask {
        ask.query("text", self.text)
            .query("service", self.service)
            .query("level", self.level)
            .query("pattern", self.pattern)
            .query("trace", self.trace)
            .query("attribute", self.attribute)
            .query("source", self.source)
            .query("since", self.since)
            .query("from", self.from)
            .query("until", self.until)
            .query("limit", self.limit)
            .query("cursor", self.cursor)
    }
}

impl LogsVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::Search(wanted) => wanted.of(Ask::thing(op::LOGS).shown(Shape::Thing(&[("events", EVENT_COLUMNS)]))),
            Self::Export(wanted) => wanted.of(Ask::thing(op::EXPORT_LOGS)),
            Self::List => Ask::thing(op::WATCHED_LOGS).shown(Shape::Thing(&[("logs", LOG_COLUMNS)])),
            Self::Patterns { text, service, limit, offset } => {
                let ask = Ask::thing(op::LOG_PATTERNS).shown(Shape::Thing(&[("patterns", PATTERN_COLUMNS)]));
                ask.query("text", text).query("service", service).query("limit", limit).query("offset", offset)
            }
            Self::Findings { service } => {
                Ask::list(op::LOG_FINDINGS, FINDING_COLUMNS, "nothing was found lately").query("service", service)
            }
        }
    }
}

/// Prints what an export answers as it comes, and on standard error where it goes on.
pub async fn export(ask: &Ask, server: &Server) -> Result<ExitCode, Failure> {
    let mut answer = send(ask.request(server)?, server).await?;
    let next = answer.headers().get("x-next-cursor").and_then(|next| next.to_str().ok()).map(str::to_owned);
    let mut rest = Vec::new();
    loop {
        let chunk = answer.chunk().await.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
        rest.extend_from_slice(chunk.as_deref().unwrap_or_default());
        // Whole lines only, so that no character is cut in two.
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        out::print(String::from_utf8_lossy(rest.get(..whole).unwrap_or_default()))?;
        rest.drain(..whole);
        if chunk.is_none() {
            break;
        }
    }
    if let Some(next) = next {
        out::aside(format_args!("there is more: go on with --cursor {next}"));
    }
    Ok(ExitCode::SUCCESS)
}
