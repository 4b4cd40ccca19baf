//! *Explore*: a query in PromQL, plotted over the last hours, with the table that says the same.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use engine::Read;
use kernel::Timestamp;
use promql::{Answer, Data, Labels, Millis, Point, Series, Warning, parse};
use serde::Deserialize;
use signals::anomaly::Scored;

use super::frame::{Screen, frame, html, stop};
use super::view::monitoring::{ExplorePage, SeriesRow};
use super::view::plot::{Curve, LINES_MAX, Plot, words};
use super::view::{Chrome, Named, Tab};
use crate::doors::prometheus::bounded;
use crate::session::Reader;
use crate::state::AppState;

/// How far back one may look: seconds and words.
pub(super) const RANGES: [(i64, &str); 6] = [
    (900, "15 minutes"),
    (3600, "1 hour"),
    (6 * 3600, "6 hours"),
    (86_400, "1 day"),
    (3 * 86_400, "3 days"),
    (300, "5 minutes"),
];
/// How far back is looked when nothing is said, in seconds.
const RANGE: i64 = 3600;
/// How many points of a series are asked for.
const POINTS: Millis = 240;
/// The finest step, in milliseconds.
const STEP_MIN: Millis = 1000;
/// The most points of an answer that are drawn and listed: of some two thousand series.
const ANSWER_POINTS_MAX: usize = 500_000;
/// The most series in the table.
const ROWS_MAX: usize = 200;
/// The longest query, in bytes.
const QUERY_BYTES_MAX: usize = 10_000;
/// Queries to begin with.
const EXAMPLES: [(&str, &str); 4] = [
    ("ALERTS", "alerts of rules"),
    ("check_up", "health checks: 1 is healthy"),
    ("check_seconds", "how long health checks take"),
    ("count by (__name__) ({__name__!=\"\"})", "which series there are"),
];

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/explore", get(explore))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    #[serde(default)]
    query: String,
    range: Option<i64>,
}

async fn explore(State(state): State<AppState>, Reader(session): Reader, Query(wanted): Query<Wanted>) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Explore, "Explore", "/explore")?;
    state.engine.may(&session.actor(), Read::of("signals:read")).map_err(stop(&chrome))?;
    let range = RANGES.iter().map(|(seconds, _)| *seconds).find(|seconds| Some(*seconds) == wanted.range);
    let range = range.unwrap_or(RANGE);
    let until = chrome.now.as_millisecond();
    let from = until - range * 1000;
    let step = ((until - from) / POINTS).max(STEP_MIN);
    let began = Instant::now();
    let answer = match wanted.query.trim() {
        "" => None,
        query => Some(ask(&state, query, (from, until, step)).await),
    };
    let took = began.elapsed().as_millis();
    let examples = EXAMPLES.iter().map(|(query, what)| Named::new(*query, *what)).collect();
    let mut page = ExplorePage {
        query: wanted.query,
        range,
        ranges: RANGES.to_vec(),
        error: None,
        warnings: Vec::new(),
        plot: Plot::default(),
        rows: Vec::new(),
        series: 0,
        took,
        examples,
        chrome,
    };
    match answer {
        None => {}
        Some(Err(error)) => page.error = Some(error),
        Some(Ok(answer)) => fill(&mut page, answer, (from, until, step)),
    }
    Ok(html(&page))
}

type Span = (Millis, Millis, Millis);

async fn ask(state: &AppState, query: &str, (from, until, step): Span) -> Result<Answer, String> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(format!("a query here has at most {QUERY_BYTES_MAX} bytes"));
    }
    let expr = parse(query).map_err(|error| error.to_string())?;
    // Nobody closes the semaphore. The place is taken until the query has ended, whoever still waits for it.
    let place = Arc::clone(&state.queries).acquire_owned().await;
    let metrics = state.stores.metrics.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let answer = promql::range(&expr, &Scored(&metrics), from, until, step, &bounded());
        let answer = answer.map_err(|error| error.to_string()).and_then(few_enough);
        drop(place);
        answer
    });
    match asked.await {
        Ok(answer) => answer,
        Err(_) => Err("the query ended without an answer".to_owned()),
    }
}

/// An answer that can be drawn.
fn few_enough(answer: Answer) -> Result<Answer, String> {
    let Data::Matrix(series) = &answer.data else { return Ok(answer) };
    let points: usize = series.iter().map(|series| series.points.len()).sum();
    if points <= ANSWER_POINTS_MAX {
        return Ok(answer);
    }
    Err(format!(
        "{} series with {points} points, and at most {ANSWER_POINTS_MAX} points are drawn: aggregate them, as by \
         `sum by (service) (..)`, or take the largest, by `topk(10, ..)`",
        series.len()
    ))
}

fn fill(page: &mut ExplorePage, answer: Answer, (from, until, step): Span) {
    page.warnings = answer
        .warnings
        .into_iter()
        .map(|warning| match warning {
            Warning::Warn(text) | Warning::Info(text) => text,
        })
        .collect();
    let series = match answer.data {
        Data::Matrix(series) => series,
        Data::Vector(points) => {
            points.into_iter().map(|(labels, point)| Series { labels, points: vec![point] }).collect()
        }
        Data::Scalar(at, value) => vec![Series { labels: Labels::default(), points: vec![Point::float(at, value)] }],
        Data::Text(_, text) => return page.warnings.push(format!("the answer is a text: {text}")),
    };
    let curve = |series: &Series| Curve {
        label: series.labels.to_string(),
        points: series.points.iter().filter_map(|point| Some((point.at, point.value.float()?))).collect(),
        gap: step * 2,
    };
    let curves: Vec<Curve> = series.iter().take(LINES_MAX).map(curve).collect();
    let clock = |at: Millis| clock(&page.chrome, at, until - from);
    page.plot = Plot::of(&curves, from, until, clock);
    page.plot.left_out = series.len().saturating_sub(LINES_MAX);
    page.series = series.len();
    page.rows = series.iter().enumerate().take(ROWS_MAX).map(|(number, series)| row(number, series)).collect();
}

fn row(number: usize, series: &Series) -> SeriesRow {
    let value = series.points.last().map_or_else(String::new, |point| match &point.value {
        promql::Value::Float(value) => words(*value),
        promql::Value::Histogram(histogram) => histogram.to_string(),
    });
    SeriesRow { hue: (number < LINES_MAX).then_some(number % 8), label: series.labels.to_string(), value }
}

fn clock(chrome: &Chrome, at: Millis, span: Millis) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    chrome.civil(&at, if span > 86_400_000 { "%-d %b %H:%M" } else { "%H:%M" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_too_many_points_is_refused_with_a_way_out() {
        let answer = |series: usize| {
            let points: Vec<Point> = (0..100).map(|at| Point::float(at, 1.0)).collect();
            let one = Series { labels: Labels::default(), points };
            Answer { data: Data::Matrix(vec![one; series]), warnings: Vec::new() }
        };
        assert!(few_enough(answer(ANSWER_POINTS_MAX / 100)).is_ok());
        let refused = few_enough(answer(ANSWER_POINTS_MAX / 100 + 1)).unwrap_err();
        assert!(refused.starts_with("5001 series with 500100 points") && refused.contains("topk(10, ..)"), "{refused}");
    }
}
