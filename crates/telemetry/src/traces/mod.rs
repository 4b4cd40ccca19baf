//! Traces, made of the spans that are kept: those that are like what is asked, and one of them as a tree.
//!
//! ```text
//!  Asked -> spans that are like it, newest first -> their traces -> all spans of these -> a Summary each
//!                    blocks pruned by time,                     blocks pruned by the
//!                    service and duration                       filter of traces
//! ```
//!
//! Nothing is remembered here: every question is a search over [`Blocks`], bounded in spans and in bytes, and the answer says
//! when it may be less than all there is.

#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::attribute::value_of;
use kernel::{Nanos, Span};

use crate::blocks::{Blocks, Search};

pub use kernel::search::Summary;
pub use tree::{Row, Trace, one};

/// The most traces of one list.
pub const TRACES_MAX: usize = 200;
/// The most spans of one trace that are read; of one with more, the earliest of the newest so many.
pub const SPANS_PER_TRACE_MAX: usize = 10_000;
/// The most spans that a list looks at because they are like what is asked,
const MATCHED_MAX: usize = 5_000;
/// and how many it looks at first for each trace, which is enough where few spans of a trace are like that.
const MATCHED_FIRST: usize = 4;
/// The most spans that a list looks at because they belong to its traces.
const RELATED_MAX: usize = 100_000;
/// How far apart in time the spans of one trace are looked for, in nanoseconds: an hour.
const TRACE_LASTS_MAX: Nanos = 3_600_000_000_000;
/// The status of a span that failed, as OpenTelemetry counts.
const FAILED: u8 = 2;

/// Which traces are wanted: those with a span for which everything holds that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked<'a> {
    /// The span began not before this instant,
    pub from: Nanos,
    /// and not after this one.
    pub until: Nanos,
    /// It is of this service.
    pub service: Option<&'a str>,
    /// Its name holds this text, whatever the case.
    pub operation: Option<&'a str>,
    /// It took at least so long.
    pub took: Nanos,
    /// It failed.
    pub failed: bool,
    /// It, or what it comes from, has an attribute of this name, and of this value where one is asked.
    pub attribute: Option<(&'a str, Option<&'a str>)>,
    /// How many traces are wanted, at most [`TRACES_MAX`].
    pub limit: usize,
}

/// Traces, those with the newest spans first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The traces.
    pub traces: Vec<Summary>,
    /// Whether these are all there are. If not, the next ones are before [`Listing::next`].
    pub whole: bool,
    /// When the oldest span of interest began that was looked at, where there were too many of them to look at all.
    pub looked_back_to: Option<Nanos>,
}

impl Listing {
    /// Until when to ask for what comes after this list; `None` when it is whole. A trace whose spans lie on both sides of
    /// that instant stands in both lists.
    #[must_use]
    pub fn next(&self) -> Option<Nanos> {
        let last = self.looked_back_to.or_else(|| Some(self.traces.last()?.newest));
        last.filter(|_| !self.whole).map(|last| last.saturating_sub(1))
    }
}

impl Asked<'_> {
    /// Whether a span is like what is asked; when it began, its service and how long it took are for the search to look at.
    fn is_like(&self, span: &Span) -> bool {
        (!self.failed || span.status == FAILED)
            && self.operation.is_none_or(|text| holds(&span.name, text))
            && self.attribute.is_none_or(|(name, value)| has(span, name, value))
    }
}

fn holds(text: &str, part: &str) -> bool {
    part.is_empty() || text.to_lowercase().contains(&part.to_lowercase())
}

fn has(span: &Span, name: &str, value: Option<&str>) -> bool {
    let found = [&span.attributes, &span.origin.resource].into_iter().filter_map(|pairs| value_of(pairs, name));
    found.into_iter().any(|found| value.is_none_or(|value| found.to_string() == value))
}

/// Looks for traces. Blocks on the disk.
#[must_use]
pub fn search(spans: &Blocks<Span>, asked: &Asked<'_>) -> Listing {
    let limit = asked.limit.min(TRACES_MAX);
    let test = |span: &Span| asked.is_like(span);
    let like = |most: usize| {
        let all = Search::all(asked.from, asked.until, &test);
        spans.search(&Search { service: asked.service, took: asked.took, limit: most, ..all })
    };
    let mut found = like(limit * MATCHED_FIRST);
    let stopped_early = found.records.len() >= limit * MATCHED_FIRST;
    if stopped_early && by_trace(&found.records).len() <= limit {
        found = like(MATCHED_MAX);
    }
    let mut matched = by_trace(&found.records);
    let all_shown = matched.len() <= limit;
    matched.truncate(limit);
    // Where every trace that was found is shown, the next ones are beyond the oldest span, and not beyond the newest one of
    // the last trace, which may have more spans than are looked at.
    let looked_back_to = found.records.last().map(|span| span.start).filter(|_| all_shown && !found.whole);
    Listing { traces: summaries(spans, &matched), whole: found.whole && all_shown, looked_back_to }
}

/// A trace's id, when the newest of its spans of interest began, and how many of these there are.
type Matched<'a> = (&'a str, Nanos, usize);

/// The traces of spans, in the order in which they come.
fn by_trace(spans: &[Arc<Span>]) -> Vec<Matched<'_>> {
    let (mut matched, mut places): (Vec<Matched<'_>>, _) = (Vec::new(), BTreeMap::new());
    for span in spans {
        let place = *places.entry(&*span.trace).or_insert(matched.len());
        match matched.get_mut(place) {
            Some((_, _, count)) => *count += 1,
            None => matched.push((&span.trace, span.start, 1)),
        }
    }
    matched
}

/// A line for each of some traces.
fn summaries(spans: &Blocks<Span>, matched: &[Matched<'_>]) -> Vec<Summary> {
    let ids: Vec<&str> = matched.iter().map(|(trace, ..)| *trace).collect();
    let began = || matched.iter().map(|(_, newest, _)| *newest);
    let (Some(first), Some(last)) = (began().min(), began().max()) else { return Vec::new() };
    let (from, until) = (first.saturating_sub(TRACE_LASTS_MAX), last.saturating_add(TRACE_LASTS_MAX));
    let related = spans.search(&Search { traces: &ids, limit: RELATED_MAX, ..Search::all(from, until, &|_| true) });
    let mut of_traces: BTreeMap<&str, Vec<&Arc<Span>>> = BTreeMap::new();
    related.records.iter().for_each(|span| of_traces.entry(&span.trace).or_default().push(span));
    let line = |(trace, newest, count): &Matched<'_>| {
        of_traces.get(trace).and_then(|spans| summary(trace, spans, *newest, *count))
    };
    matched.iter().filter_map(line).collect()
}

fn summary(trace: &str, spans: &[&Arc<Span>], newest: Nanos, matched: usize) -> Option<Summary> {
    let first = spans.iter().min_by_key(|span| (!span.parent.is_empty(), span.start))?;
    Some(Summary {
        trace: trace.to_owned(),
        service: first.origin.service().to_owned(),
        name: first.name.clone(),
        start: spans.iter().map(|span| span.start).min().unwrap_or(first.start),
        end: spans.iter().map(|span| span.end).max().unwrap_or(first.end),
        spans: spans.len(),
        failed: spans.iter().filter(|span| span.status == FAILED).count(),
        matched,
        newest,
        services: services(spans.iter().copied()),
    })
}

fn services<'a>(spans: impl IntoIterator<Item = &'a Arc<Span>>) -> BTreeSet<String> {
    spans.into_iter().map(|span| span.origin.service().to_owned()).filter(|service| !service.is_empty()).collect()
}
