//! `score nab`: the built-in anomaly detector on the series of the Numenta Anomaly Benchmark, by its scoring formula.
//!
//! The threshold is that of a hit and is the same for all profiles and files; it is not fitted here.

use super::series::{Row, instant, rows};
use super::{Scores, archive};
use serde_json::Value;
use signals::anomaly::{Detector, HIT_SCORE};
use std::error::Error;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// A row is a detection from this score on. Each profile may have its own threshold; the detector's own is as good as
/// any for all three.
const THRESHOLD: f64 = HIT_SCORE;
/// The share of a file that is not scored, and the most rows of it.
const PROBATION_SHARE: f64 = 0.15;
const PROBATION_ROWS_MAX: usize = 750;

/// What a window that is found, a false detection and a missed window weigh.
struct Profile {
    name: &'static str,
    found: f64,
    wrong: f64,
    missed: f64,
}

const PROFILES: [Profile; 3] = [
    Profile { name: "standard", found: 1.0, wrong: 0.11, missed: 1.0 },
    Profile { name: "low_fp", found: 1.0, wrong: 0.22, missed: 1.0 },
    Profile { name: "low_fn", found: 1.0, wrong: 0.11, missed: 2.0 },
];

/// The rows between which a file is anomalous.
type Window = RangeInclusive<usize>;

/// Sums over files, before any profile weighs them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Tally {
    /// Windows with a row that is scored.
    windows: f64,
    /// Those with a detection, and the sum of their best places.
    hit: f64,
    places: f64,
    /// The sum of the places of detections outside windows; negative.
    outside: f64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.windows += other.windows;
        self.hit += other.hit;
        self.places += other.places;
        self.outside += other.outside;
    }

    /// The score in a profile: 0 for a detector that says nothing, 100 for one that finds each window at its first row.
    fn score(&self, profile: &Profile) -> f64 {
        let missed = self.windows - self.hit;
        let raw = profile.found * self.places + profile.wrong * self.outside - profile.missed * missed;
        let null = -profile.missed * self.windows;
        let perfect = profile.found * self.windows;
        100.0 * (raw - null) / (perfect - null)
    }
}

/// Scores the detector on all files.
pub fn run(data: &Path) -> Scores {
    let windows: Value = serde_json::from_slice(&fs::read(data.join("windows.json"))?)?;
    let mut tally = Tally::default();
    for (name, bytes) in archive::files(&data.join("series.tar.xz"))? {
        let Some((_, spans)) = windows.as_object().into_iter().flatten().find(|(file, _)| name.ends_with(*file)) else {
            continue;
        };
        let rows = rows(&name, &bytes)?;
        let windows = windows_of(&rows, spans).map_err(|error| format!("windows.json: {name}: {error}"))?;
        tally.add(count(&detections(&rows), &windows));
    }
    if tally.windows == 0.0 {
        return Err(format!("{}: no series has a window", data.display()).into());
    }
    Ok(PROFILES.iter().map(|profile| (profile.name.to_owned(), tally.score(profile))).collect())
}

/// Which rows the detector takes as anomalous; each is judged by itself and earlier ones.
fn detections(rows: &[Row]) -> Vec<bool> {
    let mut detector = Detector::new();
    rows.iter().map(|row| detector.observe(row.at, row.value) >= THRESHOLD).collect()
}

/// The windows of a file, given by their first and last instant.
fn windows_of(rows: &[Row], spans: &Value) -> Result<Vec<Window>, Box<dyn Error>> {
    let spans = spans.as_array().ok_or("the windows are not a list")?;
    spans
        .iter()
        .map(|span| {
            let end = |index: usize| instant(span.get(index).and_then(Value::as_str).unwrap_or_default());
            let (first, last) = (end(0)?, end(1)?);
            let inside = |row: &Row| (first..=last).contains(&row.at);
            let left = rows.iter().position(inside).ok_or("no row lies in a window")?;
            let right = rows.iter().rposition(inside).ok_or("no row lies in a window")?;
            Ok(left..=right)
        })
        .collect()
}

/// Counts what a file adds.
fn count(detections: &[bool], windows: &[Window]) -> Tally {
    let probation = probation(detections.len());
    let mut tally = Tally::default();
    for window in windows.iter().filter(|window| *window.end() >= probation) {
        tally.windows += 1.0;
        let first = detections.iter().enumerate().skip(probation).find(|(row, hit)| **hit && window.contains(row));
        if let Some((row, _)) = first {
            tally.hit += 1.0;
            tally.places += place_inside(row, window);
        }
    }
    let scored = detections.iter().enumerate().skip(probation).filter(|(_, hit)| **hit);
    let outside = scored.filter(|(row, _)| !windows.iter().any(|window| window.contains(row)));
    tally.outside = outside.map(|(row, _)| place_outside(row, windows)).sum();
    tally
}

/// How many rows at the start of a file are not scored.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
fn probation(rows: usize) -> usize {
    ((PROBATION_SHARE * rows as f64).floor() as usize).min(PROBATION_ROWS_MAX)
}

/// The place of a row within its window: 1 at its first row, towards 0 at its last.
fn place_inside(row: usize, window: &Window) -> f64 {
    let width = width(window);
    sigma(-width_between(row, window.end() + 1) / width) / sigma(-1.0)
}

/// The place of a row outside all windows: near 0 just after one, -1 far from it or before all.
fn place_outside(row: usize, windows: &[Window]) -> f64 {
    let before = windows.iter().filter(|window| *window.end() < row).max_by_key(|window| *window.end());
    before.map_or(-1.0, |window| sigma(width_between(*window.end(), row) / (width(window) - 1.0)))
}

fn width(window: &Window) -> f64 {
    width_between(*window.start(), window.end() + 1)
}

#[expect(clippy::cast_precision_loss, reason = "files have few rows")]
fn width_between(from: usize, to: usize) -> f64 {
    to.saturating_sub(from) as f64
}

fn sigma(y: f64) -> f64 {
    if y > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * y).exp()) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of 100 rows, of which 15 are probation, with detections at some rows.
    fn file(hits: &[usize], windows: &[Window]) -> Tally {
        let detections: Vec<bool> = (0..100).map(|row| hits.contains(&row)).collect();
        count(&detections, windows)
    }

    fn scores(tally: Tally) -> [f64; 3] {
        PROFILES.map(|profile| (tally.score(&profile) * 1000.0).round() / 1000.0)
    }

    #[test]
    fn nothing_found_is_zero_and_all_found_at_once_is_a_hundred() {
        assert_eq!(scores(file(&[], &[40..=49])), [0.0, 0.0, 0.0]);
        assert_eq!(scores(file(&[40], &[40..=49])), [100.0, 100.0, 100.0]);
    }

    #[test]
    fn within_a_window_the_first_detection_counts_once() {
        // y = -5/10, sigma = 0.848284, divided by 0.986614.
        let half = file(&[45, 46, 49], &[40..=49]);
        assert!((half.places - 0.859_793).abs() < 1e-6, "{half:?}");
        assert_eq!((half.hit, half.outside), (1.0, 0.0));
    }

    #[test]
    fn a_detection_outside_costs_by_its_distance_from_the_window_before() {
        // Before all windows: -1. One row after: y = 1/9, sigma = 2/(1+e^(5/9))-1 = -0.270847. Far away: -1.
        assert_eq!(file(&[20], &[40..=49]).outside, -1.0);
        assert!((file(&[50], &[40..=49]).outside + 0.270_847).abs() < 1e-6);
        assert_eq!(file(&[90], &[40..=49]).outside, -1.0);
        assert_eq!(file(&[20, 90], &[]).outside, -2.0);
    }

    #[test]
    fn the_profiles_weigh_one_found_one_missed_and_one_wrong() {
        // Raw: standard 1 - 0.11 - 1, null -2, perfect 2: 1.89 of 4. Low FP: 1.78 of 4. Low FN: 1 - 0.11 - 2 + 4 of 6.
        let tally = file(&[20, 40], &[40..=49, 70..=79]);
        assert_eq!(scores(tally), [47.25, 44.5, 48.167]);
    }

    #[test]
    fn probation_hides_detections_and_whole_windows() {
        assert_eq!(probation(100), 15);
        assert_eq!(probation(10_000), 750);
        assert_eq!(file(&[3, 14], &[2..=14]), Tally::default());
        // A window that reaches out of probation counts, its detections only from there on.
        let partly = file(&[12], &[10..=19]);
        assert_eq!((partly.windows, partly.hit, partly.outside), (1.0, 0.0, 0.0));
    }
}
