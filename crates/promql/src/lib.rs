//! PromQL parsed and evaluated over any source of series.
//!
//! A query is parsed once ([`parse`]) into an [`ast::Expr`] and evaluated by [`instant`] or [`range`] over whatever
//! fills [`SeriesSource`]: the embedded store, a script of samples, a copy of the past. Nothing here reads a clock or a
//! disk: the same query over the same samples gives the same answer, live and in replay.
//!
//! [`script::run`] runs scripts in Prometheus' own test language over this engine; [`MemorySource`] holds their samples.
//!
//! The order of reading is the order of the modules; each uses only those above it.

pub mod ast;
mod error;
mod eval;
pub mod functions;
pub mod histogram;
mod labels;
mod memory;
mod parse;
mod point;
pub mod script;
mod source;
mod walk;

pub use error::{Error, Warning};
pub use eval::{Answer, DEPTH_MAX, Data, Options, SAMPLES_MAX, SUBQUERY_STEP, instant, range};
pub use functions::function;
pub use histogram::{CUSTOM_BUCKETS, Histogram, HistogramSum, ResetHint};
pub use labels::Labels;
pub use memory::MemorySource;
pub use parse::{HEIGHT_MAX, NESTING_MAX, QUERY_BYTES_MAX, parse, series_name};
pub use point::{Millis, Point, STALE_BITS, Series, Value};
pub use source::{Each, Scorer, Scoring, SeriesSource, SourceFailure, Wanted};

/// How far back an instant selector looks for the newest sample when nothing else is said: five minutes.
pub const LOOK_BACK: Millis = 5 * 60 * 1000;
/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";
/// The function that says how unusual a value is, from 0 to 1. It is not Prometheus': see [`Scorer`].
pub const ANOMALY: &str = "anomaly";
/// The function that leaves only series which are in trouble, each with its value, as a comparison does. It is not
/// Prometheus' either.
pub const UNUSUAL: &str = "unusual";
