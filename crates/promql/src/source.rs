//! Where samples come from: the seam between this crate and whatever holds series.

use crate::ast::{Expr, Matcher};
use crate::{Labels, Millis, Series, Value};

/// What a selector wants of a source.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// All of these must hold. At least one of them does not match the empty text.
    pub matchers: &'a [Matcher],
    /// Points after this instant,
    pub after: Millis,
    /// up to and with this one.
    pub until: Millis,
}

/// The source could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceFailure(pub String);

/// Is told of a point: the series, when, and what.
pub type Each<'e> = &'e mut dyn FnMut(&Labels, Millis, &Value);

/// Holds series.
pub trait SeriesSource {
    /// The series that match, with their points after `after` up to and with `until`, in any order. Stale markers are
    /// points like any other. A series without a point in that time may be left out.
    ///
    /// # Errors
    /// When the source cannot answer, or the answer would pass a limit of its own; says which.
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure>;

    /// The answer to a whole query at an instant, from a source that answers queries itself; `None` where the query is to be
    /// evaluated over [`SeriesSource::select`]. A number is a sample without labels.
    fn answer(&self, _query: &Expr, _at: Millis) -> Option<Result<Vec<(Labels, Value)>, SourceFailure>> {
        None
    }

    /// Tells `each` the newest point of that time of every series that matches, each series once and in any order, and
    /// gives how many points were loaded for it. A source that knows newest points need not load any other; it may be
    /// locked meanwhile, so `each` does not ask it.
    ///
    /// # Errors
    /// As [`SeriesSource::select`].
    fn newest(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<usize, SourceFailure> {
        let all = self.select(wanted)?;
        for series in &all {
            if let Some(newest) = series.points.last() {
                each(&series.labels, newest.at, &newest.value);
            }
        }
        Ok(all.iter().map(|series| series.points.len()).sum())
    }

    /// Who scores series for `anomaly(..)` and `unusual(..)`, which are no functions of Prometheus. Without one such a call
    /// is refused.
    fn scorer(&self) -> Option<&dyn Scorer> {
        None
    }
}

/// A call that is scored.
#[derive(Debug, Clone, Copy)]
pub struct Scoring<'a> {
    /// [`ANOMALY`](crate::ANOMALY) or [`UNUSUAL`](crate::UNUSUAL).
    pub function: &'a str,
    /// What it is asked of.
    pub argument: &'a Expr,
}

/// Says how unusual the values of series are. This crate knows when to ask, and not how it is done. A score of
/// [`ANOMALY`](crate::ANOMALY) is the answer; one of [`UNUSUAL`](crate::UNUSUAL) is above zero where the series is in
/// trouble.
pub trait Scorer {
    /// Whether a function can score so many series at once.
    ///
    /// # Errors
    /// When they are too many; says how many there may be.
    fn admit(&self, function: &str, series: usize) -> Result<(), String>;

    /// How many steps before the first one asked for a series is looked at, so that there is something to compare with.
    fn warm_up(&self) -> usize;

    /// A score for each row of a series that nothing is known of: instants in order, and values.
    fn walk(&self, function: &str, rows: &[(Millis, f64)]) -> Vec<f64>;

    /// The scores of the newest row of each series, by whoever remembers what this call saw at earlier instants. `None`
    /// where nobody does: then the rows before are looked up, and walked.
    fn next(&self, call: Scoring<'_>, at: Millis, rows: &[(&Labels, f64)]) -> Option<Result<Vec<f64>, String>>;
}
