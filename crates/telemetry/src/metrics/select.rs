//! Reading: the points of the series that match, and lists of what there is.
//!
//! A query copies what it needs of the head under one lock, so that it sees every write as a whole or not at all; chunks are
//! shared, only those that still grow are copied. It decodes, and reads blocks, when the lock is free again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use promql::ast::Matcher;
use promql::{Each, Labels, Millis, Point, Series, SeriesSource, SourceFailure, Wanted};

use super::block::{Block, Unread};
use super::chunk::in_order;
use super::head::Head;
use super::matching::resolve;
use super::series::Parts;
use super::store::{Inner, Store};

impl SeriesSource for Store {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let mut room = self.0.settings.query_samples;
        let copied = {
            let head = self.0.head.read();
            let slots = slots(&head, wanted.matchers);
            self.0.copy(&head, &slots, (wanted.after, wanted.until), &mut room)?
        };
        self.0.read(copied, wanted, &mut room)
    }

    fn newest(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<usize, SourceFailure> {
        if let Some(loaded) = self.0.newest_in_head(wanted, each)? {
            return Ok(loaded);
        }
        let all = self.select(wanted)?;
        for series in &all {
            if let Some(newest) = series.points.last() {
                each(&series.labels, newest.at, &newest.value);
            }
        }
        Ok(all.iter().map(|series| series.points.len()).sum())
    }
}

/// What the head has of some series, and up to when blocks may have more.
#[derive(Debug)]
pub(super) struct Copied {
    parts: Vec<(Labels, Parts)>,
    blocks_until: Option<Millis>,
}

impl Copied {
    /// Whether blocks may have points after this instant that the head has not.
    pub(super) fn is_all_after(&self, after: Millis) -> bool {
        self.blocks_until.is_none_or(|until| until <= after)
    }
}

impl Store {
    /// The label names of series with points in `(after, until]`, roughly: blocks and the head are not looked into. With
    /// matchers, those of the series that match.
    ///
    /// # Errors
    /// When there are more series than may be listed.
    pub fn label_names(
        &self,
        matchers: &[Matcher],
        after: Millis,
        until: Millis,
    ) -> Result<Vec<String>, SourceFailure> {
        let mut names = BTreeSet::new();
        if matchers.is_empty() {
            names.extend(self.0.head.read().index.names().map(|name| name.to_string()));
            self.0
                .overlapping(after, until)
                .iter()
                .for_each(|block| names.extend(block.names().map(|n| n.to_string())));
        } else {
            for labels in self.series(matchers, after, until)? {
                names.extend(labels.iter().map(|(name, _)| name.to_owned()));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The values of a label, likewise.
    ///
    /// # Errors
    /// As [`Store::label_names`].
    pub fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        after: Millis,
        until: Millis,
    ) -> Result<Vec<String>, SourceFailure> {
        let mut values = BTreeSet::new();
        if matchers.is_empty() {
            values.extend(self.0.head.read().index.values(name).map(|value| value.to_string()));
            for block in self.0.overlapping(after, until) {
                let read = block.values(name, |value| {
                    if !values.contains(value) {
                        values.insert(value.to_owned());
                    }
                });
                read.unwrap_or_else(|failure| self.0.set_aside(&block, &failure));
            }
        } else {
            values.extend(self.series(matchers, after, until)?.iter().map(|labels| labels.get(name).to_owned()));
            values.remove("");
        }
        Ok(values.into_iter().collect())
    }

    /// The series that match, with points in `(after, until]`, roughly: a block is not looked into for points.
    ///
    /// # Errors
    /// When there are more series than may be listed: as many as the head may have.
    pub fn series(&self, matchers: &[Matcher], after: Millis, until: Millis) -> Result<Vec<Labels>, SourceFailure> {
        let mut found = BTreeSet::new();
        {
            let head = self.0.head.read();
            let slots = slots(&head, matchers);
            let series = slots.iter().filter_map(|slot| head.get(*slot));
            let filled = series.filter(|series| series.newest > after && series.oldest().is_none_or(|at| at <= until));
            found.extend(filled.map(|series| series.labels.clone()));
        }
        for block in self.0.overlapping(after, until) {
            let read = block.series(matchers, |labels| {
                found.insert(labels);
            });
            read.unwrap_or_else(|failure| self.0.set_aside(&block, &failure));
            let limit = self.0.settings.series;
            if found.len() > limit {
                let message = format!("more than {limit} series match: ask for fewer, or for a shorter time");
                return Err(SourceFailure(message));
            }
        }
        Ok(found.into_iter().collect())
    }
}

impl Inner {
    /// The newest points, where the head has every point of that time; `None` where blocks may have more. Only series whose
    /// newest point is too new are decoded.
    fn newest_in_head(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<Option<usize>, SourceFailure> {
        let head = self.head.read();
        if head.totals.whole_after.is_some_and(|until| until > wanted.after) {
            return Ok(None);
        }
        let slots = slots(&head, wanted.matchers);
        if slots.len() > self.settings.query_samples {
            return Err(self.too_many(slots.len(), slots.len()));
        }
        let mut loaded = 0;
        for series in slots.iter().filter_map(|slot| head.get(*slot)).filter(|series| series.newest > wanted.after) {
            loaded += 1;
            if series.newest <= wanted.until {
                each(&series.labels, series.newest, &series.value);
            } else if let Some(point) = series.newest_until(wanted.after, wanted.until) {
                each(&series.labels, point.at, &point.value);
            }
        }
        Ok(Some(loaded))
    }

    /// Copies what the head has of these series; `room` is how many more points may be loaded.
    pub(super) fn copy(
        &self,
        head: &Head,
        slots: &[u32],
        (after, until): (Millis, Millis),
        room: &mut usize,
    ) -> Result<Copied, SourceFailure> {
        let series = || slots.iter().filter_map(|slot| head.get(*slot));
        let count = series().map(|series| series.count(after, until)).sum();
        *room = room.checked_sub(count).ok_or_else(|| self.too_many(count, series().count()))?;
        let filled = series().filter(|series| series.newest > after && series.count(after, until) > 0);
        let parts = filled.map(|series| (series.labels.clone(), series.parts(after, until))).collect();
        Ok(Copied { parts, blocks_until: head.totals.whole_after })
    }

    /// Decodes what was copied, behind what blocks have.
    pub(super) fn read(
        &self,
        copied: Copied,
        wanted: Wanted<'_>,
        room: &mut usize,
    ) -> Result<Vec<Series>, SourceFailure> {
        let (after, until) = (wanted.after, wanted.until);
        let blocks = if copied.is_all_after(after) { Vec::new() } else { self.overlapping(after, until) };
        if blocks.is_empty() {
            let series = copied.parts.into_iter().filter_map(|(labels, parts)| decode(labels, &parts, after, until));
            return Ok(series.collect());
        }
        let mut points: HashMap<Labels, Vec<Point>> = HashMap::new();
        for block in blocks {
            self.read_block(&block, wanted, room, &mut points)?;
        }
        for (labels, parts) in copied.parts {
            parts.read(after, until, points.entry(labels).or_default());
        }
        Ok(points.into_iter().filter_map(|(labels, points)| series(labels, points)).collect())
    }

    /// The blocks that may hold points in `(after, until]`, oldest first. To be asked after the head was.
    fn overlapping(&self, after: Millis, until: Millis) -> Vec<Arc<Block>> {
        self.blocks.read().iter().filter(|block| block.overlaps(after, until)).cloned().collect()
    }

    fn read_block(
        &self,
        block: &Block,
        wanted: Wanted<'_>,
        room: &mut usize,
        points: &mut HashMap<Labels, Vec<Point>>,
    ) -> Result<(), SourceFailure> {
        let take = |labels: Labels, found: Vec<Point>| match points.entry(labels) {
            Entry::Occupied(mut before) => before.get_mut().extend(found),
            Entry::Vacant(place) => drop(place.insert(found)),
        };
        match block.select(wanted.matchers, (wanted.after, wanted.until), room, take) {
            Ok(()) => Ok(()),
            Err(Unread::TooMany(over)) => Err(self.too_many(self.settings.query_samples + over, points.len())),
            Err(Unread::Bad(failure)) => {
                self.set_aside(block, &failure);
                Ok(())
            }
        }
    }

    fn too_many(&self, samples: usize, series: usize) -> SourceFailure {
        let limit = self.settings.query_samples;
        SourceFailure(format!(
            "the query would load {samples} samples or more of {series} series, at most {limit} are loaded: ask for fewer \
             series or for a shorter time"
        ))
    }
}

/// The places of the series that match; of a standing selector in order of their labels.
pub(super) fn slots<'h>(head: &'h Head, matchers: &[Matcher]) -> Cow<'h, [u32]> {
    if let Some(watch) = head.watches.of(matchers) {
        let labels = |slot: u32| head.get(slot).map(|series| &series.labels);
        return Cow::Borrowed(watch.in_order(|a, b| labels(a).cmp(&labels(b))));
    }
    let resolved: Result<Vec<u32>, Infallible> = resolve(head, matchers);
    match resolved {
        Ok(slots) => Cow::Owned(slots),
        Err(never) => match never {},
    }
}

/// Decodes one series; `None` when it has no points there.
fn decode(labels: Labels, parts: &Parts, after: Millis, until: Millis) -> Option<Series> {
    let mut points = Vec::with_capacity(parts.count());
    parts.read(after, until, &mut points);
    series(labels, points)
}

fn series(labels: Labels, mut points: Vec<Point>) -> Option<Series> {
    in_order(&mut points);
    (!points.is_empty()).then_some(Series { labels, points })
}
