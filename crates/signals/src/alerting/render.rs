//! A sample of an answer becomes an alert: its labels and annotations, rendered.

use promql::{Labels, METRIC_NAME, Millis, Options, SeriesSource, Value};

use super::plan::AlertPlan;
use super::{ALERT_NAME, Setting};
use crate::gotemplate::{self, Scope, ScopeValue};

/// An alert as one evaluation makes it.
#[derive(Debug)]
pub(super) struct Fresh {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations; those that are empty stay.
    pub annotations: Vec<(String, String)>,
    /// The labels of its series without the metric's name.
    pub series: Labels,
    /// The value; zero for a histogram, as in Prometheus.
    pub value: f64,
}

/// Asks the queries of templates.
pub(super) struct Asker<'a> {
    pub source: &'a dyn SeriesSource,
    pub at: Millis,
    pub options: &'a Options,
}

impl gotemplate::Query for Asker<'_> {
    fn query(&self, expression: &str) -> Result<gotemplate::Answer, String> {
        let expr = promql::parse(expression).map_err(|error| error.to_string())?;
        let samples = vector(&expr, self.source, self.at, self.options)?;
        Ok(samples.into_iter().map(|(labels, value)| (pairs(&labels), value.float().unwrap_or_default())).collect())
    }
}

/// The answer to a query as samples; a number is a sample without labels. A source that answers queries itself is asked.
///
/// # Errors
/// When there is no answer, or it is neither a number nor a vector.
pub fn vector(
    expr: &promql::ast::Expr,
    source: &dyn SeriesSource,
    at: Millis,
    options: &Options,
) -> Result<Vec<(Labels, Value)>, String> {
    if let Some(answer) = source.answer(expr, at) {
        return answer.map_err(|failure| failure.to_string());
    }
    match promql::instant(expr, source, at, options).map_err(|error| error.to_string())?.data {
        promql::Data::Vector(samples) => Ok(samples.into_iter().map(|(labels, point)| (labels, point.value)).collect()),
        promql::Data::Scalar(_, value) => Ok(vec![(Labels::default(), Value::Float(value))]),
        promql::Data::Text(..) | promql::Data::Matrix(_) => Err("rule result is not a vector or scalar".to_owned()),
    }
}

/// Renders the alert of a sample.
pub(super) fn render(rule: &AlertPlan, sample: &Labels, value: &Value, setting: &Setting, asker: &Asker<'_>) -> Fresh {
    let name = format!("__alert_{}", rule.name);
    let known = pairs(sample);
    let histogram = match value {
        Value::Float(_) => String::new(),
        Value::Histogram(histogram) => histogram.to_string(),
    };
    let value = match value {
        Value::Float(value) => ScopeValue::Float(*value),
        Value::Histogram(_) => ScopeValue::Histogram(&histogram),
    };
    let scope =
        Scope { labels: &known, external_labels: &setting.external_labels, external_url: &setting.external_url, value };
    let expand = |text: &str| {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let rendered = gotemplate::render(&name, text, &scope, asker, asker.at);
        rendered.unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    };
    let series = sample.without(METRIC_NAME);
    let own = rule.labels.iter().map(|(name, text)| (name.clone(), expand(text)));
    let named = std::iter::once((ALERT_NAME.to_owned(), rule.name.clone()));
    Fresh {
        labels: Labels::from_pairs(pairs(&series).into_iter().chain(own).chain(named)),
        annotations: rule.annotations.iter().map(|(name, text)| (name.clone(), expand(text))).collect(),
        value: if let ScopeValue::Float(value) = value { value } else { 0.0 },
        series,
    }
}

/// The annotations that a rule would give to a sample: for checks of rules, and for showing an example.
#[must_use]
pub fn annotations_of(
    rule: &AlertPlan,
    sample: &Labels,
    value: f64,
    setting: &Setting,
    source: &dyn SeriesSource,
) -> Vec<(String, String)> {
    let asker = Asker { source, at: 0, options: &setting.options };
    render(rule, sample, &Value::Float(value), setting, &asker).annotations
}

fn pairs(labels: &Labels) -> Vec<(String, String)> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
