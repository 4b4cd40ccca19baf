//! Standing selectors: resolved once, and kept up to date as series come and go.
//!
//! The live rules hold one for each of their selectors. Whatever asks for the same series then finds them resolved, in order
//! of their labels, and their newest points without decoding or allocating anything; and [`Store::take_written`] tells
//! which selectors a write has concerned, so that nobody need ask again and again.

use std::ops::ControlFlow;
use std::sync::Arc;

use promql::ast::Matcher;
use promql::{Labels, Millis, Series, SourceFailure, Value, Wanted};

use super::head::{Head, STANDING_MAX};
use super::select::slots;
use super::store::{Inner, Store};

/// The number of a standing selector; taken again when nobody holds it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StandingId(pub u32);

/// The place of a series in the head. Means the same series for as long as the generation of the selector is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);

/// A standing selector. Dropping it ends it.
#[derive(Debug)]
pub struct Standing {
    store: Arc<Inner>,
    id: u32,
}

/// The newest point of a series.
#[derive(Debug, Clone, Copy)]
pub struct Newest<'a> {
    /// The series.
    pub id: SeriesId,
    /// Its labels.
    pub labels: &'a Labels,
    /// When; `Millis::MIN` when it has no point yet.
    pub at: Millis,
    /// When its counter was born, zero where that is not known.
    pub born: Millis,
    /// What; may be a stale marker.
    pub value: &'a Value,
}

/// What a look has found out, beside the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Grows whenever a series comes or goes.
    pub generation: u64,
    /// Whether anything was written since this or [`Store::take_written`] was last asked.
    pub written: bool,
    /// How many series there are.
    pub series: usize,
}

impl Store {
    /// Makes a standing selector. Series that are only in blocks are not among its series.
    ///
    /// # Errors
    /// When there are [`STANDING_MAX`] of them.
    pub fn watch(&self, matchers: &[Matcher]) -> Result<Standing, SourceFailure> {
        self.watch_window(matchers, 0)
    }

    /// The same for windows of this length, up to now: points that young are kept decoded and each write adds its own, for
    /// up to [`RECENT_SERIES_MAX`](super::RECENT_SERIES_MAX) series and [`RECENT_POINTS_MAX`](super::RECENT_POINTS_MAX)
    /// points of each. What does not fit is decoded whenever it is asked for.
    ///
    /// # Errors
    /// As [`Store::watch`].
    pub fn watch_window(&self, matchers: &[Matcher], window: Millis) -> Result<Standing, SourceFailure> {
        self.0.let_go();
        let mut head = self.0.head.write();
        let members = slots(&head, matchers).into_owned();
        let full = || SourceFailure(format!("there are {STANDING_MAX} standing selectors: use fewer rules"));
        let id = head.watch(matchers.into(), window, members).ok_or_else(full)?;
        Ok(Standing { store: self.0.clone(), id })
    }

    /// Appends the standing selectors of which something was written since this was last asked, in ascending order. A new
    /// one is among them once.
    pub fn take_written(&self, written: &mut Vec<StandingId>) {
        let mut ids = Vec::new();
        self.0.head.read().watches.take_all_written(&mut ids);
        written.extend(ids.into_iter().map(StandingId));
    }
}

/// What a look at several selectors shows, one after the other.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// The newest point of a series of this selector.
    Point(Newest<'a>),
    /// That was all of this selector.
    End(Look),
}

impl Store {
    /// Looks at several standing selectors of this store under one lock, so that nobody comes between them, and so that
    /// a round over thousands of them does not wait for a writer thousands of times. Some hundred at once are a good
    /// number: writers wait meanwhile. `each` is told the place of the selector in `standing`.
    pub fn look_at<'s>(&self, standing: impl IntoIterator<Item = &'s Standing>, mut each: impl FnMut(usize, Seen<'_>)) {
        let head = self.0.head.read();
        for (place, one) in standing.into_iter().enumerate().filter(|(_, one)| Arc::ptr_eq(&one.store, &self.0)) {
            let end = look(&head, one.id, &mut |newest| {
                each(place, Seen::Point(newest));
                ControlFlow::Continue(())
            });
            each(place, Seen::End(end));
        }
    }
}

impl Standing {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> StandingId {
        StandingId(self.id)
    }

    /// Gives `each` the newest point of every series, in any order. The head is locked meanwhile, so
    /// nothing in there may write or wait.
    pub fn look(&self, mut each: impl FnMut(Newest<'_>)) -> Look {
        self.look_until(|newest| {
            each(newest);
            ControlFlow::Continue(())
        })
    }

    /// The same, until `each` has seen enough.
    pub fn look_until(&self, mut each: impl FnMut(Newest<'_>) -> ControlFlow<()>) -> Look {
        look(&self.store.head.read(), self.id, &mut each)
    }

    /// Its generation: the series are the same for as long as this is.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.store.head.read().watches.get(self.id).map_or(0, |watch| watch.generation)
    }

    /// The points of its series in `(after, until]`. Does not look for the series, and reads blocks only for what is older
    /// than [`RECENT`](super::RECENT).
    ///
    /// # Errors
    /// When there are more points than a query may load.
    pub fn window(&self, after: Millis, until: Millis) -> Result<Vec<Series>, SourceFailure> {
        let mut room = self.store.settings.query_samples;
        let (copied, matchers) = {
            let head = self.store.head.read();
            let Some(watch) = head.watches.get(self.id) else { return Ok(Vec::new()) };
            let copied = self.store.copy(&head, watch.members(), (after, until), &mut room)?;
            let matchers = if copied.is_all_after(after) { Vec::new() } else { watch.matchers.to_vec() };
            (copied, matchers)
        };
        self.store.read(copied, Wanted { matchers: &matchers, after, until }, &mut room)
    }
}

fn look(head: &Head, id: u32, each: &mut impl FnMut(Newest<'_>) -> ControlFlow<()>) -> Look {
    let written = head.watches.take_written(id);
    let Some(watch) = head.watches.get(id) else { return Look { generation: 0, written, series: 0 } };
    for slot in watch.members() {
        let Some(series) = head.get(*slot) else { continue };
        let (id, labels, value) = (SeriesId(*slot), &series.labels, &series.value);
        if each(Newest { id, labels, at: series.newest, born: series.born, value }).is_break() {
            break;
        }
    }
    Look { generation: watch.generation, written, series: watch.members().len() }
}

impl Drop for Standing {
    fn drop(&mut self) {
        // Not at once: the head may be locked by whoever drops this.
        self.store.unwatched.lock().push(self.id);
    }
}
