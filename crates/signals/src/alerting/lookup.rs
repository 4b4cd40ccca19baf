//! The sample of an answer that speaks about a series: one whose labels are all labels of that series.

use std::collections::HashMap;

use promql::Labels;

/// An answer, ready to be asked about series.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// By the names of the labels of a sample, in order.
    by_names: HashMap<Vec<String>, HashMap<Labels, f64>>,
}

impl Lookup {
    /// Takes the samples of an answer. Metric names do not count.
    pub fn new(samples: impl IntoIterator<Item = (Labels, f64)>) -> Self {
        let mut lookup = Self::default();
        for (labels, value) in samples {
            let labels = labels.without(promql::METRIC_NAME);
            let names = labels.iter().map(|(name, _)| name.to_owned()).collect();
            lookup.by_names.entry(names).or_default().insert(labels, value);
        }
        lookup
    }

    /// The value of the sample that speaks about a series; the one with the most labels where there are several.
    pub fn about(&self, series: &Labels) -> Option<f64> {
        let found = self.by_names.iter().filter_map(|(names, samples)| {
            let wanted = series.filtered(|name| names.iter().any(|known| known == name));
            samples.get(&wanted).map(|value| (names, *value))
        });
        found.max_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b))).map(|(_, value)| value)
    }

    /// The value of the sample that has exactly the labels of a series.
    pub fn exact(&self, series: &Labels) -> Option<f64> {
        let names: Vec<String> = series.iter().map(|(name, _)| name.to_owned()).collect();
        self.by_names.get(&names)?.get(series).copied()
    }

    /// Whether a sample has exactly the labels of a series.
    pub fn has(&self, series: &Labels) -> bool {
        self.exact(series).is_some()
    }

    /// The labels of all samples.
    pub fn series(&self) -> impl Iterator<Item = &Labels> {
        self.by_names.values().flat_map(HashMap::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_speaks_about_series_that_have_its_labels() {
        let set = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let lookup =
            Lookup::new([(set(&[]), 1.0), (set(&[("a", "1")]), 2.0), (set(&[("b", "1"), ("__name__", "x")]), 3.0)]);
        let about = |pairs: &[(&str, &str)]| lookup.about(&set(pairs));
        assert_eq!(about(&[("a", "1"), ("c", "1")]), Some(2.0));
        assert_eq!(about(&[("a", "2")]), Some(1.0));
        assert_eq!(about(&[("b", "1")]), Some(3.0));
        assert!(lookup.has(&set(&[("a", "1")])) && !lookup.has(&set(&[("a", "1"), ("c", "1")])));
    }
}
