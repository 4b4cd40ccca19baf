//! The samples of a test: those of its series up to the evaluation, and those that rules wrote.

use std::collections::HashMap;

use promql::{Labels, Millis, Point, Series, SeriesSource, SourceFailure, Value, Wanted};

use crate::alerting::named;

/// The series of a test.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    series: Vec<Series>,
    places: HashMap<Labels, usize>,
    /// The places of series by metric name.
    by_name: HashMap<String, Vec<usize>>,
    /// The samples that are still to come, by place, the newest first.
    coming: Vec<(Labels, Vec<Point>)>,
}

impl Shelf {
    /// A shelf whose series come with time. A series that is given twice is the one given last.
    pub fn new(input: Vec<Series>) -> Self {
        let mut coming: Vec<(Labels, Vec<Point>)> = Vec::with_capacity(input.len());
        let mut places = HashMap::new();
        for Series { labels, mut points } in input {
            points.reverse();
            match places.get(&labels).and_then(|place: &usize| coming.get_mut(*place)) {
                Some(known) => known.1 = points,
                None => {
                    places.insert(labels.clone(), coming.len());
                    coming.push((labels, points));
                }
            }
        }
        Self { coming, ..Self::default() }
    }

    /// Lets the samples come that are not later than an instant.
    ///
    /// # Errors
    /// When a rule has written another sample of a series already.
    pub fn advance(&mut self, until: Millis) -> Result<(), String> {
        let mut coming = std::mem::take(&mut self.coming);
        let mut outcome = Ok(());
        for (labels, points) in &mut coming {
            while let Some(point) = points.pop_if(|point| point.at <= until) {
                outcome = outcome.and(self.add(labels, point));
            }
        }
        coming.retain(|(_, points)| !points.is_empty());
        self.coming = coming;
        outcome
    }

    /// Adds a sample, newer than what its series has.
    ///
    /// # Errors
    /// In Prometheus' words when it is older, or another one of the same time.
    pub fn add(&mut self, labels: &Labels, point: Point) -> Result<(), String> {
        let place = self.place(labels);
        let Some(series) = self.series.get_mut(place) else { return Ok(()) };
        match series.points.last() {
            Some(last) if last.at > point.at => Err(format!("out of order sample of {labels}")),
            Some(last) if last.at == point.at && !same(&last.value, &point.value) => {
                Err(format!("duplicate sample for timestamp of {labels}"))
            }
            Some(last) if last.at == point.at => Ok(()),
            _ => {
                series.points.push(point);
                Ok(())
            }
        }
    }

    fn place(&mut self, labels: &Labels) -> usize {
        if let Some(place) = self.places.get(labels) {
            return *place;
        }
        let place = self.series.len();
        self.series.push(Series { labels: labels.clone(), points: Vec::new() });
        self.places.insert(labels.clone(), place);
        self.by_name.entry(labels.name().to_owned()).or_default().push(place);
        place
    }
}

/// Whether two values are the same, bit for bit where they are numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

impl SeriesSource for Shelf {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        let places = named(&self.by_name, wanted.matchers).into_iter().flatten();
        let series = places.filter_map(|place| self.series.get(*place));
        let found = series.filter(|series| wanted.matchers.iter().all(|m| m.holds(series.labels.get(&m.name))));
        Ok(found.map(|series| cut(series, wanted)).filter(|series| !series.points.is_empty()).collect())
    }
}

/// The points of a series that are wanted.
fn cut(series: &Series, wanted: Wanted<'_>) -> Series {
    let first = series.points.partition_point(|point| point.at <= wanted.after);
    let last = series.points.partition_point(|point| point.at <= wanted.until);
    let points = series.points.get(first..last).unwrap_or_default().to_vec();
    Series { labels: series.labels.clone(), points }
}
