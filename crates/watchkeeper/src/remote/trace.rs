//! `watchkeeper traces …`

use clap::Subcommand;
use kernel::Timestamp;

use super::ask::{Ask, Shape};
use super::operation as op;
use super::words::past;
use crate::table::Columns;

const TRACE_COLUMNS: Columns = &[
    ("trace", "trace"),
    ("start", "began"),
    ("duration_ms", "ms"),
    ("spans", "spans"),
    ("errors", "failed"),
    ("service", "service"),
    ("operation", "operation"),
];
const SPAN_COLUMNS: Columns = &[
    ("depth", "deep"),
    ("after_ms", "after ms"),
    ("duration_ms", "ms"),
    ("status", "status"),
    ("kind", "kind"),
    ("service", "service"),
    ("operation", "operation"),
    ("message", "message"),
];

/// `watchkeeper traces …`
#[derive(Debug, Subcommand)]
pub enum TraceVerb {
    /// List traces that have a span for which all of this holds, the newest first.
    Search {
        /// It is of this service.
        #[arg(long)]
        service: Option<String>,
        /// Its name holds this text, whatever the case.
        #[arg(long, value_name = "TEXT")]
        operation: Option<String>,
        /// It took at least so long, such as 250ms.
        #[arg(long, value_name = "LENGTH")]
        min_duration: Option<String>,
        /// It failed.
        #[arg(long)]
        error: bool,
        /// It, or its resource, has this attribute.
        #[arg(long, value_name = "NAME[=VALUE]")]
        attribute: Option<String>,
        /// In this source of the watchbook instead of the server's own store.
        #[arg(long)]
        source: Option<String>,
        /// It began not before this: a time, or how long ago, such as 1h.
        #[arg(long, value_name = "TIME", value_parser = past)]
        from: Option<Timestamp>,
        /// It began not after this: a time, or how long ago.
        #[arg(long, value_name = "TIME", value_parser = past)]
        until: Option<Timestamp>,
        /// How many traces, at most 200.
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Show a trace: each span before those that are parts of it.
    Show {
        /// Its id, 32 hexadecimal digits.
        trace: String,
        /// The source of the watchbook that it is in, instead of the server's own store.
        #[arg(long)]
        source: Option<String>,
        /// How many spans are left out before the first.
        #[arg(long)]
        offset: Option<usize>,
        /// How many spans, at most 10000.
        #[arg(long)]
        limit: Option<usize>,
    },
}

impl TraceVerb {
    /// What it asks.
    pub fn ask(self) -> Ask {
        match self {
            Self::Search { service, operation, min_duration, error, attribute, source, from, until, limit } => {
                let list = Ask::thing(op::TRACES).shown(Shape::Thing(&[("traces", TRACE_COLUMNS)]));
                let narrowed = list.query("service", service).query("operation", operation);
                let narrowed = narrowed.query("min_duration", min_duration).query("error", error.then_some(true));
                let narrowed = narrowed.query("attribute", attribute).query("source", source);
                narrowed.query("from", from).query("until", until).query("limit", limit)
            }
            Self::Show { trace, source, offset, limit } => {
                let shown = Ask::thing(op::TRACE).name(trace).shown(Shape::Thing(&[("spans", SPAN_COLUMNS)]));
                shown.query("source", source).query("offset", offset).query("limit", limit)
            }
        }
    }
}
