//! The store as threshold rules see it: windows of numbers.

use kernel::matcher::Comparison;
use kernel::port::SampleSource;
use kernel::sample::Window;
use kernel::{Labels, Matcher, Timestamp};
use promql::ast::{self, Pattern, Test};
use promql::{METRIC_NAME, Series, SeriesSource as _, Wanted};

use super::instant;
use super::store::Store;

impl SampleSource for Store {
    /// What cannot be answered, because it would be too much, is no window: the rule then sees nothing and changes nothing.
    fn windows(&self, metric: &str, matchers: &[Matcher], from: Timestamp, to: Timestamp) -> Vec<Window> {
        let named = ast::Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(metric.to_owned()) };
        let all: Option<Vec<ast::Matcher>> =
            std::iter::once(Some(named)).chain(matchers.iter().map(translated)).collect();
        let Some(all) = all else { return Vec::new() };
        let (after, until) = (from.as_millisecond(), to.as_millisecond());
        let found = self.select(Wanted { matchers: &all, after, until }).unwrap_or_default();
        found.into_iter().filter_map(window).collect()
    }
}

/// A matcher in PromQL's words; its pattern was checked when it was made.
fn translated(matcher: &Matcher) -> Option<ast::Matcher> {
    let (comparison, value) = (matcher.comparison(), matcher.value());
    let test = match comparison {
        Comparison::Equal => Test::Is(value.to_owned()),
        Comparison::NotEqual => Test::IsNot(value.to_owned()),
        Comparison::Matches => Test::Matches(Pattern::new(value).ok()?),
        Comparison::NotMatches => Test::MatchesNot(Pattern::new(value).ok()?),
    };
    Some(ast::Matcher { name: matcher.name().to_owned(), test })
}

/// Histograms and the markers of ended series are no numbers.
fn window(series: Series) -> Option<Window> {
    let labels = Labels::from_pairs(series.labels.iter()).ok()?;
    let points: Vec<(Timestamp, f64)> = series
        .points
        .iter()
        .filter(|point| !point.value.is_stale())
        .filter_map(|point| Some((instant(point.at), point.value.float()?)))
        .collect();
    (!points.is_empty()).then_some(Window { series: labels, points })
}
