//! `anomaly(..)` and `unusual(..)` in queries: who scores, and what a rule remembers from one evaluation to the next.
//!
//! A *rule* keeps a set of detectors, or of default rules, for each different argument of its calls, in its state
//! ([`Learnt`]), so that it learns as long as it lives. A series has one row an interval of its group: an evaluation sooner than three quarters of
//! an interval after the last row, as arriving samples cause it, is told that row's scores and teaches nothing. Rows of one
//! second are one row. An edit of the threshold keeps what was learnt, an edit of the argument begins anew.
//!
//! A *query* remembers nothing. It walks [`WARM_UP`] steps before the first that it asks for: a range query by its own
//! step, a query of one instant by minutes, which is a day. Two queries of different steps therefore score differently, as
//! two rules of different intervals do: rows count, not seconds.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use kernel::Labels;
use promql::ast::{Call, Expr};
use promql::{Each, Millis, Scorer, Scoring, Series, SeriesSource, SourceFailure, Wanted};
use serde::{Deserialize, Serialize};

use super::{DefaultRule, Detector, Watch, Watches};

/// The most series that one call may have: 4 MiB.
pub const SERIES_MAX: usize = 1_000;
/// The most calls with different arguments that one rule may have.
pub const CALLS_MAX: usize = 8;
/// How many steps before the first one a query looks at: a day of minutes.
pub const WARM_UP: usize = 1_440;

/// What the calls of one rule have learnt.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Learnt {
    anomaly: Memories<Detector>,
    unusual: Memories<DefaultRule>,
}

/// What calls of one function have learnt, by their arguments as they are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "W: Watch + Serialize", deserialize = "W: Watch + Deserialize<'de>"))]
struct Memories<W: Watch>(BTreeMap<String, Memory<W>>);

/// What one call has learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "W: Watch + Serialize", deserialize = "W: Watch + Deserialize<'de>"))]
struct Memory<W: Watch> {
    /// The instant of the last row, in milliseconds.
    row: Millis,
    watches: Watches<W>,
}

impl Learnt {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anomaly.0.is_empty() && self.unusual.0.is_empty()
    }
}

impl<W: Watch> Default for Memories<W> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<W: Watch> Memories<W> {
    /// What is remembered for an argument; the one asked longest ago makes room.
    fn of(&mut self, argument: String, at: Millis) -> &mut Memory<W> {
        if self.0.len() >= CALLS_MAX && !self.0.contains_key(&argument) {
            let oldest = self.0.iter().min_by_key(|(_, memory)| memory.row).map(|(argument, _)| argument.clone());
            oldest.and_then(|oldest| self.0.remove(&oldest));
        }
        let new = || Memory { row: at, watches: Watches::new(SERIES_MAX) };
        self.0.entry(argument).or_insert_with(new)
    }
}

impl<W: Watch> Memory<W> {
    /// The scores of the rows at an instant.
    fn next(&mut self, at: Millis, interval: Millis, rows: &[(&promql::Labels, f64)]) -> Result<Vec<f64>, String> {
        if at < self.row || at.saturating_sub(self.row) >= interval / 4 * 3 {
            self.row = at;
        }
        let seconds = self.row.div_euclid(1000);
        let mut score = |(series, value): &(&promql::Labels, f64)| {
            let labels = Labels::from_pairs(series.iter());
            let labels = labels.map_err(|error| format!("nothing can be learnt of {series}: {error}"))?;
            Ok(self.watches.observe(&labels, seconds, *value))
        };
        rows.iter().map(&mut score).collect()
    }
}

/// Scores for one rule: remembers while something is lent to it, and walks while not.
#[derive(Debug, Default)]
pub(crate) struct Remembering {
    lent: RefCell<Option<Learnt>>,
    /// How often the rule is evaluated.
    interval: Millis,
}

impl Remembering {
    /// For rules that are evaluated so often.
    pub fn every(interval: Millis) -> Self {
        Self { lent: RefCell::default(), interval }
    }

    /// Remembers into this from now on, and gives back what it had before.
    pub fn swap(&self, learnt: Option<Learnt>) -> Option<Learnt> {
        self.lent.replace(learnt)
    }
}

impl Scorer for Remembering {
    fn admit(&self, function: &str, series: usize) -> Result<(), String> {
        Walking.admit(function, series)
    }

    fn warm_up(&self) -> usize {
        WARM_UP
    }

    fn walk(&self, function: &str, rows: &[(Millis, f64)]) -> Vec<f64> {
        Walking.walk(function, rows)
    }

    fn next(&self, call: Scoring<'_>, at: Millis, rows: &[(&promql::Labels, f64)]) -> Option<Result<Vec<f64>, String>> {
        let mut lent = self.lent.borrow_mut();
        let learnt = lent.as_mut()?;
        let argument = call.argument.to_string();
        Some(if call.function == promql::UNUSUAL {
            learnt.unusual.of(argument, at).next(at, self.interval, rows)
        } else {
            learnt.anomaly.of(argument, at).next(at, self.interval, rows)
        })
    }
}

/// Scores for queries: remembers nothing.
#[derive(Debug, Clone, Copy)]
struct Walking;

impl Scorer for Walking {
    fn admit(&self, function: &str, series: usize) -> Result<(), String> {
        if series <= SERIES_MAX {
            return Ok(());
        }
        let advice = "aggregate them first, or select fewer";
        Err(format!("{function}(..) looks at at most {SERIES_MAX} series, not {series}: {advice}"))
    }

    fn warm_up(&self) -> usize {
        WARM_UP
    }

    fn walk(&self, function: &str, rows: &[(Millis, f64)]) -> Vec<f64> {
        if function == promql::UNUSUAL { walked::<DefaultRule>(rows) } else { walked::<Detector>(rows) }
    }

    fn next(&self, _: Scoring<'_>, _: Millis, _: &[(&promql::Labels, f64)]) -> Option<Result<Vec<f64>, String>> {
        None
    }
}

/// What a watch that knows nothing says of these rows, one by one.
fn walked<W: Watch>(rows: &[(Millis, f64)]) -> Vec<f64> {
    let mut watch = W::default();
    rows.iter().map(|(at, value)| watch.observe(at.div_euclid(1000), *value)).collect()
}

/// A source whose series can be scored: what a query is to be asked of that may call `anomaly(..)` or `unusual(..)`.
pub struct Scored<'a>(pub &'a dyn SeriesSource);

impl SeriesSource for Scored<'_> {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        self.0.select(wanted)
    }

    fn newest(&self, wanted: Wanted<'_>, each: Each<'_>) -> Result<usize, SourceFailure> {
        self.0.newest(wanted, each)
    }

    fn scorer(&self) -> Option<&dyn Scorer> {
        Some(&Walking)
    }
}

/// Why the calls of a rule cannot be kept apart and learn, if they cannot.
///
/// # Errors
/// When there are too many, or one stands in a query that is asked now and then only.
pub(crate) fn check(rule: &Expr, sometimes: &[&Expr]) -> Result<(), String> {
    for function in [promql::ANOMALY, promql::UNUSUAL] {
        let distinct: BTreeSet<String> = rule.calls(function).into_iter().map(argument).collect();
        if distinct.len() > CALLS_MAX {
            let count = distinct.len();
            return Err(format!("a rule may call {function}(..) of at most {CALLS_MAX} expressions, not {count}"));
        }
    }
    let written = |call: &Call| format!("{}({})", call.function, argument(call));
    let known: Vec<String> = rule.scored().into_iter().map(written).collect();
    match sometimes.iter().flat_map(|query| query.scored()).map(written).find(|call| !known.contains(call)) {
        None => Ok(()),
        Some(call) => Err(format!(
            "{call} is asked only now and then in a block `watchkeeper:`, so that it learns nothing: \
             record it in a rule of its own"
        )),
    }
}

fn argument(call: &Call) -> String {
    call.arguments.first().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(function: &'a str, argument: &'a Expr) -> Scoring<'a> {
        Scoring { function, argument }
    }

    fn series(name: &str) -> promql::Labels {
        promql::Labels::from_pairs([("s", name)])
    }

    fn argument() -> Expr {
        promql::parse("x").unwrap()
    }

    #[test]
    fn an_evaluation_between_two_rows_is_told_the_last_one_and_teaches_nothing() {
        let (a, argument) = (series("a"), argument());
        let rows = |every: Millis| {
            let scorer = Remembering::every(15_000);
            scorer.swap(Some(Learnt::default()));
            let mut at = 0;
            while at <= 3_000_000 {
                // What is asked early says something else; it must not matter.
                let value = if at % 15_000 == 0 { 1.0 } else { 77.0 };
                scorer.next(call(promql::ANOMALY, &argument), at, &[(&a, value)]).unwrap().unwrap();
                scorer.next(call(promql::UNUSUAL, &argument), at, &[(&a, value)]).unwrap().unwrap();
                at += every;
            }
            scorer.swap(None)
        };
        assert!(rows(15_000).is_some());
        assert_eq!(rows(15_000), rows(5_000));
    }

    #[test]
    fn a_series_takes_less_than_4_kib_and_survives_being_kept() {
        let (names, argument) = ((0..20).map(|n| series(&n.to_string())).collect::<Vec<_>>(), argument());
        let scorer = Remembering::default();
        scorer.swap(Some(Learnt::default()));
        for at in 0..5_000 {
            let value = if at % 97 == 0 { 9.0 } else { f64::from(at % 5) };
            let rows: Vec<_> = names.iter().map(|name| (name, value)).collect();
            let call = call(promql::ANOMALY, &argument);
            scorer.next(call, Millis::from(at) * 300_000, &rows).unwrap().unwrap();
        }
        let learnt = scorer.swap(None).unwrap();
        let kept = rmp_serde::to_vec(&learnt).unwrap();
        assert!(kept.len() < names.len() * 4096, "{} bytes for {} series", kept.len(), names.len());
        assert_eq!(rmp_serde::from_slice::<Learnt>(&kept).unwrap(), learnt);
    }

    #[test]
    fn only_as_many_calls_are_remembered_as_a_rule_may_have() {
        let mut learnt = Memories::<DefaultRule>::default();
        for n in 0..20 {
            learnt.of(n.to_string(), n);
        }
        assert_eq!(learnt.0.keys().collect::<Vec<_>>(), ["12", "13", "14", "15", "16", "17", "18", "19"]);
    }

    #[test]
    fn more_series_than_a_call_may_have_are_refused() {
        assert_eq!(Walking.admit("anomaly", SERIES_MAX), Ok(()));
        assert!(
            Walking
                .admit("anomaly", SERIES_MAX + 1)
                .is_err_and(|error| error.contains("at most 1000 series, not 1001"))
        );
    }
}
