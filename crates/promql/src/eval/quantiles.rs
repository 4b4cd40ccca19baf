//! Functions of histograms, classic and native: `histogram_quantile`, `histogram_quantiles`, `histogram_fraction`.

use std::collections::HashMap;
use std::sync::Arc;

use super::buckets::{self, Bucket};
use super::grid::Column;
use super::notes::Notes;
use super::{float, numbers};
use crate::histogram::Quantile;
use crate::{Histogram, Labels, Value};

/// The label that holds a classic bucket's upper bound.
const BOUND: &str = "le";

/// Series that are one histogram: a native one, or the buckets of a classic one.
struct Family {
    labels: Labels,
    natives: Vec<usize>,
    buckets: Vec<(usize, f64)>,
}

/// A histogram at a step.
enum Found {
    Native(Arc<Histogram>),
    Classic(Vec<Bucket>),
}

/// The histograms among series.
pub(super) struct Families<'a> {
    columns: &'a [Column],
    families: Vec<Family>,
    /// Series that are no bucket, because their bound is not a number.
    boundless: Vec<usize>,
    notes: &'a Notes,
}

impl<'a> Families<'a> {
    /// Finds the histograms: series that differ only in `le` belong together.
    pub fn of(columns: &'a [Column], notes: &'a Notes) -> Self {
        let mut all = Self { columns, families: Vec::new(), boundless: Vec::new(), notes };
        let mut places = HashMap::new();
        for (index, column) in columns.iter().enumerate() {
            if column.cells.iter().flatten().any(|value| matches!(value, Value::Histogram(_))) {
                all.add(&mut places, &column.labels, |family| family.natives.push(index));
            }
            match column.labels.get(BOUND).parse::<f64>() {
                Ok(bound) if !bound.is_nan() => {
                    let labels = column.labels.without(BOUND);
                    all.add(&mut places, &labels, |family| family.buckets.push((index, bound)));
                }
                _ => all.boundless.push(index),
            }
        }
        all
    }

    /// Adds a series to the family with these labels, which is made when there is none.
    fn add(&mut self, places: &mut HashMap<Labels, usize>, labels: &Labels, add: impl FnOnce(&mut Family)) {
        let next = self.families.len();
        let place = *places.entry(labels.clone()).or_insert(next);
        if place == next {
            self.families.push(Family { labels: labels.clone(), natives: Vec::new(), buckets: Vec::new() });
        }
        if let Some(family) = self.families.get_mut(place) {
            add(family);
        }
    }

    fn column(&self, index: usize) -> Option<&'a Column> {
        self.columns.get(index)
    }

    /// Notes numbers in series that are no bucket.
    fn note_boundless(&self, steps: usize) {
        for column in self.boundless.iter().filter_map(|index| self.column(*index)) {
            if (0..steps).any(|step| column.float(step).is_some()) {
                self.notes.bucket_label(column.labels.name(), column.labels.get(BOUND));
            }
        }
    }

    /// The histogram of a family at a step. None, with a note, where it is both classic and native.
    fn at(&self, family: &Family, step: usize) -> Option<Found> {
        let native = family.natives.iter().find_map(|index| match self.column(*index)?.at(step)? {
            Value::Histogram(histogram) => Some(Arc::clone(histogram)),
            Value::Float(_) => None,
        });
        let bucket = |(index, upper): &(usize, f64)| {
            let count = self.column(*index)?.float(step)?;
            Some(Bucket { upper: *upper, count })
        };
        let buckets: Vec<_> = family.buckets.iter().filter_map(bucket).collect();
        match (native, buckets.is_empty()) {
            (Some(native), true) => Some(Found::Native(native)),
            (None, false) => Some(Found::Classic(buckets)),
            (None, true) => None,
            (Some(_), false) => {
                self.notes.mixed_classic_native(family.labels.name());
                None
            }
        }
    }

    /// A number of each histogram at each step.
    fn each(&self, steps: usize, value: impl Fn(&str, usize, Found) -> f64) -> Vec<Column> {
        self.note_boundless(steps);
        let column = |family: &Family| {
            let name = family.labels.name();
            let cell = |step| self.at(family, step).and_then(|found| float(value(name, step, found)));
            Column { labels: family.labels.clone(), drop_name: true, cells: (0..steps).map(cell).collect() }
        };
        self.families.iter().map(column).filter(Column::has_any).collect()
    }

    /// `histogram_quantile`, for a quantile at each step.
    pub fn quantile(&self, q: &[f64]) -> Vec<Column> {
        q.iter().for_each(|q| self.notes.quantile(*q));
        self.each(q.len(), |name, step, found| {
            let q = q.get(step).copied().unwrap_or(f64::NAN);
            match found {
                Found::Native(histogram) => self.native_quantile(name, q, &histogram),
                Found::Classic(buckets) => {
                    let estimate = buckets::quantile(q, buckets);
                    if estimate.was_forced {
                        self.notes.forced_monotonicity(name);
                    }
                    estimate.value
                }
            }
        })
    }

    fn native_quantile(&self, name: &str, q: f64, histogram: &Histogram) -> f64 {
        let quantile = histogram.quantile(q);
        match quantile {
            Quantile::Value(_) => {}
            Quantile::Skewed(_) if has_nan(histogram) => self.notes.quantile_is_skewed(name),
            Quantile::Skewed(_) => {}
            Quantile::AmongNan => self.notes.quantile_is_nan(name),
        }
        quantile.value()
    }

    /// `histogram_quantiles`, for several quantiles at each step; a label says which.
    pub fn quantiles(&self, label: &str, all: &[Vec<f64>]) -> Vec<Column> {
        let of = |q: &Vec<f64>| {
            let text = numbers::label(q.first().copied().unwrap_or(f64::NAN));
            let columns = self.quantile(q).into_iter();
            columns.map(move |column| Column { labels: column.labels.with(label, &text), ..column })
        };
        all.iter().flat_map(of).collect()
    }

    /// `histogram_fraction`, for two values at each step.
    pub fn fraction(&self, lower: &[f64], upper: &[f64]) -> Vec<Column> {
        self.each(lower.len(), |name, step, found| {
            let value = |of: &[f64]| of.get(step).copied().unwrap_or(f64::NAN);
            match found {
                Found::Native(histogram) => {
                    if has_nan(&histogram) && value(lower) < value(upper) {
                        self.notes.fraction_without_nan(name);
                    }
                    histogram.fraction(value(lower), value(upper))
                }
                Found::Classic(buckets) => buckets::fraction(value(lower), value(upper), buckets),
            }
        })
    }
}

/// Whether some observations were not numbers: these are in the count, but in no bucket.
fn has_nan(histogram: &Histogram) -> bool {
    let in_buckets = || histogram.buckets().iter().map(|bucket| bucket.count).sum::<f64>();
    histogram.sum.is_nan() && in_buckets() < histogram.count
}
