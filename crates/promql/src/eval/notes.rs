//! Warnings and errors of an evaluation, in Prometheus' words, so that those who know these find them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::Warning;
use crate::histogram::number;

/// How many different warnings an answer carries at most. What comes after them is left out.
const NOTES_MAX: usize = 1000;

/// Two series of an answer would have the same labels.
pub(super) const DUPLICATE: &str = "vector cannot contain metrics with the same labelset";

/// The warnings that were found so far, each once.
#[derive(Debug, Default)]
pub(super) struct Notes(RefCell<BTreeSet<Warning>>);

impl Notes {
    /// All, in order.
    pub fn into_all(self) -> Vec<Warning> {
        self.0.into_inner().into_iter().collect()
    }

    fn add(&self, warning: Warning) {
        let mut all = self.0.borrow_mut();
        if all.len() < NOTES_MAX {
            all.insert(warning);
        }
    }

    fn warn(&self, text: String) {
        self.add(Warning::Warn(format!("PromQL warning: {text}")));
    }

    fn info(&self, text: String) {
        self.add(Warning::Info(format!("PromQL info: {text}")));
    }

    /// A quantile below 0 or above 1.
    pub fn quantile(&self, q: f64) {
        if !(0.0..=1.0).contains(&q) {
            self.warn(format!("quantile value should be between 0 and 1, got {}", number(q)));
        }
    }

    /// A ratio that was capped.
    pub fn ratio(&self, ratio: f64, to: f64) {
        let (ratio, to) = (number(ratio), number(to));
        self.warn(format!("ratio value should be between -1 and 1, got {ratio}, capping to {to}"));
    }

    /// The label `le` of a classic histogram's bucket is not a number.
    pub fn bucket_label(&self, metric: &str, label: &str) {
        let text = format!("bucket label \"le\" is missing or has a malformed value of {label:?}");
        self.warn(with_metric(text, metric));
    }

    /// A window with numbers and histograms.
    pub fn mixed(&self, metric: &str) {
        self.warn(format!("encountered a mix of histograms and floats for metric name {metric:?}"));
    }

    /// A group with numbers and histograms.
    pub fn mixed_aggregation(&self) {
        self.warn("encountered a mix of histograms and floats for aggregation".to_owned());
    }

    /// A classic and a native histogram of the same labels.
    pub fn mixed_classic_native(&self, metric: &str) {
        self.warn(with_metric("vector contains a mix of classic and native histograms".to_owned(), metric));
    }

    /// A gauge histogram where a counter belongs.
    pub fn not_counter(&self, metric: &str) {
        self.warn(format!("this native histogram metric is not a counter: {metric:?}"));
    }

    /// A counter histogram where a gauge belongs.
    pub fn not_gauge(&self, metric: &str) {
        self.warn(format!("this native histogram metric is not a gauge: {metric:?}"));
    }

    /// Histograms with exponential and with custom buckets.
    pub fn mixed_schemas(&self, metric: &str) {
        self.warn(format!(
            "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric:?}"
        ));
    }

    /// Two histograms that an operator cannot combine.
    pub fn incompatible_buckets(&self, operator: &str) {
        self.warn(format!("incompatible bucket layout encountered for binary operator {operator}"));
    }

    /// Histograms of which one was reset and another was not.
    pub fn resets_collide(&self, operation: &str) {
        self.warn(format!("conflicting counter resets during histogram {operation}"));
    }

    /// Sorting what will be sorted by labels anyway.
    pub fn sort_in_range(&self) {
        self.warn("sort is ineffective for range queries since results are always ordered by labels".to_owned());
    }

    /// Custom buckets of which only the common bounds were kept.
    pub fn bounds_reconciled(&self, operation: &str) {
        self.info(format!("mismatched custom buckets were reconciled during {operation}"));
    }

    /// A rate of what does not look like a counter.
    pub fn possible_non_counter(&self, metric: &str) {
        self.info(format!(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {metric:?}"
        ));
    }

    /// Counts of a classic histogram that fall where they must rise.
    pub fn forced_monotonicity(&self, metric: &str) {
        let text = "input to histogram_quantile needed to be fixed for monotonicity (see \
                    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
        self.info(with_metric(text.to_owned(), metric));
    }

    /// Values of kinds that an operator cannot combine.
    pub fn incompatible_types(&self, left: &str, operator: &str, right: &str) {
        self.info(format!(
            "incompatible sample types encountered for binary operator {operator:?}: {left} {operator} {right}"
        ));
    }

    /// An aggregation that only takes numbers.
    pub fn ignored_in_aggregation(&self, aggregation: &str) {
        self.info(format!("ignored histogram in {aggregation} aggregation"));
    }

    /// A function of a window that only takes numbers.
    pub fn ignored_in_window(&self, metric: &str) {
        self.info(format!(
            "ignored histograms in a range containing both floats and histograms for metric name {metric:?}"
        ));
    }

    /// A quantile among observations that are not numbers.
    pub fn quantile_is_nan(&self, metric: &str) {
        let text = "input to histogram_quantile has NaN observations, result is NaN";
        self.info(with_metric(text.to_owned(), metric));
    }

    /// A quantile that observations that are not numbers make too high.
    pub fn quantile_is_skewed(&self, metric: &str) {
        let text = "input to histogram_quantile has NaN observations, result is skewed higher";
        self.info(with_metric(text.to_owned(), metric));
    }

    /// A fraction without the observations that are not numbers.
    pub fn fraction_without_nan(&self, metric: &str) {
        let text = "input to histogram_fraction has NaN observations, which are excluded from all fractions";
        self.info(with_metric(text.to_owned(), metric));
    }
}

fn with_metric(text: String, metric: &str) -> String {
    if metric.is_empty() { text } else { format!("{text} for metric name {metric:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_note_stands_once_and_there_is_an_end_of_them() {
        let notes = Notes::default();
        notes.quantile(2.0);
        notes.quantile(2.0);
        notes.quantile(0.5);
        notes.mixed("up");
        let texts = notes.into_all();
        let expected = [
            "PromQL warning: encountered a mix of histograms and floats for metric name \"up\"",
            "PromQL warning: quantile value should be between 0 and 1, got 2",
        ];
        assert_eq!(texts, expected.map(|text| Warning::Warn(text.to_owned())));

        let notes = Notes::default();
        (0..2 * NOTES_MAX).for_each(|n| notes.mixed(&n.to_string()));
        assert_eq!(notes.into_all().len(), NOTES_MAX);
    }
}
