//! One trace as a tree: every span below the one that it is a part of, in order of time.
//!
//! Whatever the senders wrote, each span stands in the tree once: a span whose parent is not there, or that is its own
//! ancestor, is a root; of two spans with one id the first has the children.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{Nanos, Span};

use super::{FAILED, SPANS_PER_TRACE_MAX, services};
use crate::blocks::{Blocks, Search};

/// A trace with its spans as a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Its id, in hexadecimal digits.
    pub id: String,
    /// When its first span began,
    pub start: Nanos,
    /// and its last one ended.
    pub end: Nanos,
    /// Its spans: each before its children, children in order of time.
    pub rows: Vec<Row>,
    /// The services that take part.
    pub services: BTreeSet<String>,
    /// How many spans failed.
    pub failed: usize,
    /// Whether all spans that are kept of it are there.
    pub whole: bool,
}

/// A span in its place in the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The span.
    pub span: Arc<Span>,
    /// How many spans are above it.
    pub depth: usize,
    /// How many spans are just below it.
    pub children: usize,
    /// It says what it is a part of, and that is not there.
    pub is_lost: bool,
}

impl Trace {
    /// How long it took from its first beginning to its last end, in nanoseconds.
    #[must_use]
    pub fn duration(&self) -> Nanos {
        self.end.saturating_sub(self.start).max(0)
    }

    /// Puts the spans of a trace in their places; `None` when there are none.
    #[must_use]
    pub fn of(id: &str, mut spans: Vec<Arc<Span>>, whole: bool) -> Option<Self> {
        spans.sort_by(|a, b| (a.start, b.end, &a.id).cmp(&(b.start, a.end, &b.id)));
        Some(Self {
            id: id.to_owned(),
            start: spans.first()?.start,
            end: spans.iter().map(|span| span.end).max()?,
            services: services(&spans),
            failed: spans.iter().filter(|span| span.status == FAILED).count(),
            rows: Branches::of(&spans).rows(&spans),
            whole,
        })
    }
}

/// Reads one trace; `None` when no span of it is kept. Blocks on the disk.
#[must_use]
pub fn one(spans: &Blocks<Span>, trace: &str) -> Option<Trace> {
    let (traces, limit) = (&[trace], SPANS_PER_TRACE_MAX);
    let found = spans.search(&Search { traces, limit, ..Search::all(Nanos::MIN, Nanos::MAX, &|_| true) });
    Trace::of(trace, found.records, found.whole)
}

/// Which spans are below which; all by their place in the list.
struct Branches {
    roots: Vec<usize>,
    below: Vec<Vec<usize>>,
    lost: Vec<bool>,
}

impl Branches {
    fn of(spans: &[Arc<Span>]) -> Self {
        let mut places = HashMap::new();
        for (place, span) in spans.iter().enumerate() {
            places.entry(&*span.id).or_insert(place);
        }
        let mut branches =
            Self { roots: Vec::new(), below: vec![Vec::new(); spans.len()], lost: vec![false; spans.len()] };
        for (place, span) in spans.iter().enumerate() {
            let parent = places.get(&*span.parent).copied().filter(|parent| *parent != place);
            match parent.and_then(|parent| branches.below.get_mut(parent)) {
                Some(children) => children.push(place),
                None => branches.roots.push(place),
            }
            if let Some(lost) = branches.lost.get_mut(place) {
                *lost = parent.is_none() && !span.parent.is_empty();
            }
        }
        branches
    }

    fn rows(&self, spans: &[Arc<Span>]) -> Vec<Row> {
        let mut rows = Vec::with_capacity(spans.len());
        let mut seen = vec![false; spans.len()];
        // What no root leads to is in a ring; it is entered at its first span.
        for root in self.roots.iter().copied().chain(0..spans.len()) {
            let mut next = vec![(root, 0)];
            while let Some((place, depth)) = next.pop() {
                let (Some(span), Some(below)) = (spans.get(place), self.below.get(place)) else { continue };
                match seen.get_mut(place) {
                    Some(seen) if !*seen => *seen = true,
                    _ => continue,
                }
                let is_lost = self.lost.get(place).is_some_and(|lost| *lost);
                rows.push(Row { span: Arc::clone(span), depth, children: below.len(), is_lost });
                next.extend(below.iter().rev().map(|child| (*child, depth + 1)));
            }
        }
        rows
    }
}
