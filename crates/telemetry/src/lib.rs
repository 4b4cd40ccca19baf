//! Monitoring data of the last days, embedded: what rules look at, what people search.
//!
//! | module | keeps |
//! |---|---|
//! | [`metrics`] | samples of series for three days, in compressed chunks behind an index; fills [`promql::SeriesSource`] |
//! | [`blocks`] | log events and spans for a day, in packed blocks that are pruned before they are read |
//! | [`traces`] | nothing: it reads spans as traces, and one trace as a tree |
//! | [`span_metrics`] | running counts of spans, from which series are made for rules and queries |
//!
//! None of these are facts: they are bounded by size and age, and what is not kept is counted by its reason. All of it
//! survives a restart and `kill -9`.

pub mod blocks;
pub mod metrics;
pub mod span_metrics;
pub mod traces;
