//! `anomaly` and `unusual` with a scorer that counts: what it is asked, and when.

use super::*;
use crate::{ANOMALY, MemorySource, Scorer, Scoring};

/// Scores a row by how many rows it saw; and at one instant by a thousand, where it remembers.
struct Counting {
    below: MemorySource,
    remembers: bool,
}

impl SeriesSource for Counting {
    fn select(&self, wanted: Wanted<'_>) -> Result<Vec<Series>, SourceFailure> {
        self.below.select(wanted)
    }

    fn scorer(&self) -> Option<&dyn Scorer> {
        Some(self)
    }
}

impl Scorer for Counting {
    fn admit(&self, _: &str, series: usize) -> Result<(), String> {
        if series > 2 { Err(format!("{series} are too many")) } else { Ok(()) }
    }

    fn warm_up(&self) -> usize {
        5
    }

    fn walk(&self, function: &str, rows: &[(Millis, f64)]) -> Vec<f64> {
        // What is unusual is every other row.
        let score = |row: usize| if function == ANOMALY { row as f64 } else { (row % 2) as f64 };
        (1..=rows.len()).map(score).collect()
    }

    fn next(&self, call: Scoring<'_>, _: Millis, rows: &[(&Labels, f64)]) -> Option<Result<Vec<f64>, String>> {
        assert_eq!(call.argument.to_string(), "m");
        self.remembers.then(|| Ok(vec![1000.0; rows.len()]))
    }
}

/// So many series named `m` with a sample a minute.
fn counting(series: usize, remembers: bool) -> Counting {
    let mut below = MemorySource::new();
    for n in 0..series {
        let labels = Labels::from_pairs([("__name__", "m"), ("n", &*n.to_string())]);
        below.insert(labels, (0..=60).map(|minute| Point::float(minute * 60_000, 1.0)));
    }
    Counting { below, remembers }
}

/// The scores of the first series in a range query over the last so many minutes.
fn scores(query: &str, minutes: Millis, source: &Counting) -> Vec<Option<f64>> {
    let (start, end) = ((60 - minutes) * 60_000, 60 * 60_000);
    let answer = range(&parse(query).unwrap(), source, start, end, 60_000, &Options::default()).unwrap();
    let Data::Matrix(all) = answer.data else { panic!("{answer:?}") };
    assert_eq!(all[0].labels, Labels::from_pairs([("n", "0")]), "it is no longer that metric");
    all[0].points.iter().map(|point| point.value.float()).collect()
}

#[test]
fn the_steps_before_the_first_are_walked_as_well() {
    let source = counting(2, true);
    assert_eq!(scores("anomaly(m)", 2, &source), [Some(6.0), Some(7.0), Some(8.0)]);
    assert_eq!(scores("max_over_time(anomaly(m)[2m:30s])", 0, &source), [Some(9.0)], "a subquery has steps of its own");
}

#[test]
fn one_instant_is_asked_of_whoever_remembers_and_else_looked_back_for() {
    let at = |query: &str, remembers| {
        let answer = instant(&parse(query).unwrap(), &counting(1, remembers), 3_600_000, &Options::default()).unwrap();
        let Data::Vector(all) = answer.data else { panic!("{answer:?}") };
        all[0].1.value.float()
    };
    assert_eq!((at("anomaly(m)", true), at("anomaly(m)", false)), (Some(1000.0), Some(6.0)));
}

#[test]
fn what_is_unusual_is_let_through_with_its_value_and_name() {
    let ask = |query: &str| {
        range(&parse(query).unwrap(), &counting(1, false), 3_480_000, 3_600_000, 60_000, &Options::default())
    };
    let Data::Matrix(all) = ask("unusual(m * 7)").unwrap().data else { panic!() };
    let points: Vec<_> = all[0].points.iter().map(|point| (point.at, point.value.float())).collect();
    assert_eq!(points, [(3_540_000, Some(7.0))], "the rows with numbers 6, 7 and 8");
    let Data::Matrix(all) = ask("unusual(m)").unwrap().data else { panic!() };
    assert_eq!(all[0].labels.get("__name__"), "m");
    let at = |source: &Counting| {
        instant(&parse("unusual(m)").unwrap(), source, 3_600_000, &Options::default()).unwrap().data
    };
    assert!(
        matches!(at(&counting(2, true)), Data::Vector(all) if all.len() == 2 && all[0].1.value.float() == Some(1.0))
    );
    assert!(matches!(at(&counting(2, false)), Data::Vector(all) if all.is_empty()), "the sixth row is usual");
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let ask =
        |source: &dyn SeriesSource| instant(&parse("anomaly(m)").unwrap(), source, 3_600_000, &Options::default());
    assert!(ask(&counting(3, true)).is_err_and(|error| error.to_string() == "3 are too many"));
    assert!(ask(&counting(3, false)).is_err_and(|error| error.to_string() == "3 are too many"));
    assert!(ask(&counting(1, true).below).is_err_and(|error| error.to_string().contains("nothing scores")));
    let few = Options { samples_max: 6, ..Options::default() };
    let answer = range(&parse("anomaly(m)").unwrap(), &counting(1, false), 0, 300_000, 60_000, &few);
    assert!(matches!(answer, Err(Error::TooManySamples { .. })), "{answer:?}");
}
