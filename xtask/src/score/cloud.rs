//! `score cloud-monitoring`: the built-in default rule on labelled series of online services, by the formula beside them.
//!
//! Rows and alerts of the warm-up are not counted, nor are its rows in the figures per thousand.

use super::series::{Row, rows};
use super::{Scores, archive};
use signals::anomaly::DefaultRule;
use std::path::Path;

/// How many rows after a segment an alert about it may still start.
const WIDENED_ROWS: usize = 5;
/// An alert that starts within so many rows of the end of the last one is a flap.
const FLAP_ROWS: usize = 10;

/// A run of rows, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
}

impl Run {
    /// Whether an alert is about this segment.
    fn is_met_by(self, alert: Self) -> bool {
        alert.start <= self.end + WIDENED_ROWS && alert.end >= self.start
    }
}

/// Counts over all series.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    rows: usize,
    segments: usize,
    alerts: usize,
    wrong: usize,
    flaps: usize,
    /// For each segment that was found, how many rows it took.
    delays: Vec<usize>,
}

/// Scores the default rule on all files.
pub fn run(data: &Path) -> Scores {
    let mut tally = Tally::default();
    for (name, bytes) in archive::files(&data.join("series.tar.xz"))? {
        if name.ends_with(".csv") {
            let rows = rows(&name, &bytes)?;
            let labelled: Vec<bool> = rows.iter().map(|row| row.labelled).collect();
            tally.add(&runs(&labelled), &runs(&raised(&rows)), rows.len());
        }
    }
    if tally.segments == 0 || tally.alerts == 0 {
        return Err(format!("{}: there is no labelled row, or no alert", data.display()).into());
    }
    Ok(tally.scores())
}

/// At which rows the rule is raised; each is judged by itself and earlier ones.
fn raised(rows: &[Row]) -> Vec<bool> {
    let mut rule = DefaultRule::new();
    rows.iter().map(|row| rule.observe(row.value)).collect()
}

/// The maximal runs of rows that are set.
fn runs(set: &[bool]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (row, _) in set.iter().enumerate().filter(|(_, set)| **set) {
        match runs.last_mut() {
            Some(last) if last.end + 1 == row => last.end = row,
            _ => runs.push(Run { start: row, end: row }),
        }
    }
    runs
}

impl Tally {
    /// Counts a series of so many rows.
    fn add(&mut self, segments: &[Run], alerts: &[Run], rows: usize) {
        let warm_up = rows * 15 / 100;
        let scored = |runs: &[Run]| -> Vec<Run> { runs.iter().copied().filter(|run| run.end >= warm_up).collect() };
        let (segments, alerts) = (scored(segments), scored(alerts));
        self.rows += rows - warm_up;
        self.segments += segments.len();
        self.alerts += alerts.len();
        self.wrong += alerts.iter().filter(|alert| !segments.iter().any(|segment| segment.is_met_by(**alert))).count();
        let gaps = alerts.windows(2).filter_map(|pair| Some(pair.get(1)?.start - pair.first()?.end));
        self.flaps += gaps.filter(|gap| *gap < FLAP_ROWS).count();
        let first = |segment: &Run| alerts.iter().find(|alert| segment.is_met_by(**alert)).copied();
        let delays = segments.iter().filter_map(|segment| Some(first(segment)?.start.saturating_sub(segment.start)));
        self.delays.extend(delays);
    }

    #[expect(clippy::cast_precision_loss, reason = "the counts are small")]
    fn scores(mut self) -> Vec<(String, f64)> {
        self.delays.sort_unstable();
        let delay = self.delays.get(self.delays.len() / 2).copied().unwrap_or_default();
        let share = |part: usize, whole: usize| part as f64 / whole as f64;
        let fields = [
            ("recall", share(self.delays.len(), self.segments)),
            ("precision", 1.0 - share(self.wrong, self.alerts)),
            ("false_per_1k", 1000.0 * share(self.wrong, self.rows)),
            ("flaps_per_1k", 1000.0 * share(self.flaps, self.rows)),
            ("median_delay", delay as f64),
        ];
        fields.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: usize, end: usize) -> Run {
        Run { start, end }
    }

    #[test]
    fn runs_are_maximal() {
        let set = [true, true, false, true, false, false, true];
        assert_eq!(runs(&set), [run(0, 1), run(3, 3), run(6, 6)]);
        assert!(runs(&[false]).is_empty());
    }

    #[test]
    fn a_segment_is_found_until_five_rows_after_it() {
        let mut tally = Tally::default();
        tally.add(&[run(30, 39)], &[run(44, 50)], 100);
        assert_eq!((tally.delays.as_slice(), tally.wrong), ([14].as_slice(), 0));
        let mut tally = Tally::default();
        tally.add(&[run(30, 39)], &[run(20, 29), run(45, 50)], 100);
        assert_eq!((tally.delays.len(), tally.wrong, tally.alerts, tally.flaps), (0, 2, 2, 0));
    }

    #[test]
    fn the_warm_up_is_not_counted_and_quick_returns_are_flaps() {
        let mut tally = Tally::default();
        tally.add(&[run(2, 5), run(50, 60)], &[run(0, 14), run(10, 15), run(40, 52), run(61, 62), run(72, 73)], 100);
        let expected = Tally { rows: 85, segments: 1, alerts: 4, wrong: 2, flaps: 1, delays: vec![0] };
        assert_eq!(tally, expected);
        let scores = tally.scores();
        assert_eq!(scores[0], ("recall".to_owned(), 1.0));
        assert_eq!(scores[1], ("precision".to_owned(), 0.5));
        assert!((scores[2].1 - 2000.0 / 85.0).abs() < 1e-9, "{scores:?}");
    }
}
