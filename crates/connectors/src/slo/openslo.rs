//! OpenSLO's form. An indicator may stand in the objective or apart, so objectives are whole only at the end of the file.
//!
//! OpenSLO's queries are about no window; how each is asked over one depends on what it is:
//!
//! | the query | over a window |
//! |---|---|
//! | has `{{.window}}` | as it is |
//! | selects a counter | `sum(rate(query[window]))` |
//! | computes from counters, without a range | `rate((query)[window:])` |
//! | has a range of its own | `avg_over_time((query)[window:])` |
//! | counts anew each time | `sum_over_time((query)[window:])` |

use std::collections::BTreeMap;

use kernel::Seconds;
use kernel::book::slo::{Alerting, Objective, Sli, Slo};

use super::field::{Entries, beyond, flag_of, given, list_of, map_of, name_of, number, refuse, text_of};
use super::{Found, demand, keys};
use crate::watchbook::finding::{Note, Spot};
use crate::watchbook::scalars::is_word;
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Key, Node, Value};

const DOCUMENT_KEYS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
const SPEC_KEYS: [&str; 11] = [
    "description",
    "service",
    "indicator",
    "indicatorRef",
    "timeWindow",
    "timeWindows",
    "budgetingMethod",
    "objectives",
    "alertPolicies",
    "watchkeeper",
    "title",
];
const OBJECTIVE_KEYS: [&str; 12] = [
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "ratioMetrics",
    "compositeWeight",
    "description",
];
/// Kinds that say nothing about objectives.
const OTHER_KINDS: [&str; 5] = ["Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"];

const DAY: u32 = 86_400;

/// How good and bad events are known.
#[derive(Debug, Clone)]
enum Indicator {
    Sli(Sli),
    /// A value that is compared with a limit.
    Threshold(String),
}

/// An objective whose indicator may stand elsewhere.
struct Draft {
    slo: Slo,
    at: Spot,
    indicator: Option<Indicator>,
    refers: Option<String>,
    /// What a bad value is: the comparison and the limit.
    bad: Option<(&'static str, f64)>,
}

/// What one objective says: the share that is promised, an indicator of its own, and what a bad value is.
struct Goal {
    objective: Objective,
    own: Option<Indicator>,
    bad: Option<(&'static str, f64)>,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Pile {
    drafts: Vec<Draft>,
    indicators: BTreeMap<String, Indicator>,
}

impl Pile {
    /// Reads one document.
    pub fn document(
        &mut self,
        root: &Node,
        entries: &Entries,
        (api, kind): (&str, &str),
        before: usize,
        reader: &mut Reader<'_>,
    ) {
        let form = match api {
            "openslo/v1alpha" => "openslo/v1alpha",
            "openslo/v1" => "openslo/v1",
            _ => {
                let message = format!("OpenSLO's version `{api}` is not read");
                return refuse(root.at, &demand::FORM, message, "write openslo/v1 or openslo/v1alpha", reader);
            }
        };
        keys(root, &DOCUMENT_KEYS, reader);
        match kind {
            "SLO" => self.objectives(root, entries, form, before, reader),
            "SLI" => {
                let name = metadata_name(root, entries, reader);
                let indicator = given(entries, "spec").and_then(|spec| indicator(spec, reader));
                self.indicators.extend(name.zip(indicator));
            }
            kind if OTHER_KINDS.contains(&kind) => {}
            _ => {
                let message = format!("a document of the kind `{kind}` is not read");
                reader.notes.push(Note { at: root.at, rule: &demand::KIND, message, hint: None });
            }
        }
    }

    fn objectives(
        &mut self,
        root: &Node,
        entries: &Entries,
        form: &'static str,
        before: usize,
        reader: &mut Reader<'_>,
    ) {
        let name = metadata_name(root, entries, reader);
        let labels = labels(entries, reader);
        let Some(spec) = map_of(entries, "spec", &SPEC_KEYS, reader) else {
            return refuse(root.at, &demand::FORM, "`spec` is missing".into(), "add `spec:`", reader);
        };
        let service = name_of(root, spec, "service", reader);
        method(spec, reader);
        let period = period(spec, reader);
        let shared = given(spec, "indicator").and_then(|node| inline(node, reader));
        let refers = text_of(spec, "indicatorRef", reader);
        let objectives = list_of(spec, "objectives", reader);
        if objectives.is_empty() {
            refuse(
                root.at,
                &demand::OBJECTIVE,
                "there is no objective".into(),
                "add `objectives:` with a `target`",
                reader,
            );
        }
        for (i, node) in objectives.iter().enumerate() {
            let Some(Goal { objective, own, bad }) = objective(node, reader) else { continue };
            let (Some(service), Some(name)) = (service.clone(), name.clone()) else { continue };
            let name = if objectives.len() == 1 { name } else { format!("{name}-{i}") };
            let mut slo = Slo {
                service,
                name,
                description: text_of(spec, "description", reader).unwrap_or_default(),
                objective,
                period,
                labels: labels.clone(),
                info_labels: BTreeMap::new(),
                interval: None,
                form,
                sli: Sli::Ratio(String::new()),
                alerting: Alerting::default(),
                min_events: None,
                dropped: Default::default(),
            };
            beyond(spec, &mut slo, reader);
            let at = Spot { line: node.at.line + before, ..node.at };
            let indicator = own.or_else(|| shared.clone());
            self.drafts.push(Draft { slo, at, indicator, refers: refers.clone(), bad });
        }
    }

    /// The objectives, once all indicators are known.
    pub fn finish(self, notes: &mut Vec<Note>) -> Vec<Found> {
        let mut found = Vec::new();
        for Draft { mut slo, at, indicator, refers, bad } in self.drafts {
            let named = refers.as_ref().and_then(|name| self.indicators.get(name)).cloned();
            let sli = match (indicator.or(named), bad) {
                (Some(Indicator::Sli(sli)), _) => Ok(sli),
                (Some(Indicator::Threshold(query)), Some((sign, limit))) => {
                    Ok(Sli::Ratio(format!("avg_over_time((({query}) {sign} bool {limit})[{{{{.window}}}}:])")))
                }
                (Some(Indicator::Threshold(_)), None) => {
                    Err((&demand::SLI, "a threshold needs `op` and `value`".to_owned(), "add `op: lte` and `value:`"))
                }
                (None, _) => {
                    let message = refers.map_or_else(
                        || "the objective has no indicator".to_owned(),
                        |name| format!("there is no indicator `{name}` in this file"),
                    );
                    Err((
                        &demand::INDICATOR,
                        message,
                        "put the indicator into the objective, or the SLI into this file",
                    ))
                }
            };
            match sli {
                Ok(sli) => {
                    slo.sli = sli;
                    found.push(Found { slo, line: at.line });
                }
                Err((rule, message, hint)) => notes.push(Note { at, rule, message, hint: Some(hint.to_owned()) }),
            }
        }
        found
    }
}

fn metadata_name(root: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Option<String> {
    let metadata = given(entries, "metadata").and_then(|node| reader.map(node)).unwrap_or_default();
    name_of(root, metadata, "name", reader)
}

/// The labels of an object whose values are single texts; names that Prometheus does not know are left out.
fn labels(entries: &Entries, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let metadata = given(entries, "metadata").and_then(|node| reader.map(node)).unwrap_or_default();
    let labels = given(metadata, "labels").and_then(|node| reader.map(node)).unwrap_or_default();
    let single = labels.iter().filter(|(key, _)| is_word(&key.text, "_") && !key.text.starts_with("__"));
    let text = |(key, node): &(Key, Node)| match &node.value {
        Value::Text { text, .. } => Some((key.text.clone(), text.clone())),
        _ => None,
    };
    single.filter_map(text).collect()
}

fn method(spec: &Entries, reader: &mut Reader<'_>) {
    let Some(node) = given(spec, "budgetingMethod") else { return };
    let Some(word) = reader.text(node) else { return };
    if !word.eq_ignore_ascii_case("occurrences") {
        let message = format!("the budgeting method `{word}` is not supported");
        refuse(
            node.at,
            &demand::METHOD,
            message,
            "write Occurrences: good events are counted, not good minutes",
            reader,
        );
    }
}

/// The period over which the objective holds; the first one that is given.
fn period(spec: &Entries, reader: &mut Reader<'_>) -> Option<Seconds> {
    let windows = if given(spec, "timeWindow").is_some() { "timeWindow" } else { "timeWindows" };
    let node = list_of(spec, windows, reader).first()?;
    let window = keys(node, &["duration", "isRolling", "calendar", "count", "unit"], reader)?;
    let rolling = flag_of(window, "isRolling", reader);
    if given(window, "calendar").is_some() || (given(window, "isRolling").is_some() && !rolling) {
        let message = "the period is watched as a rolling one of the same length".to_owned();
        let hint = Some("burn rates look back from now; write `isRolling: true` when that is meant".to_owned());
        reader.notes.push(Note { at: node.at, rule: &demand::CALENDAR, message, hint });
    }
    let (at, text) = match given(window, "duration") {
        Some(node) => (node.at, reader.text(node)?.to_owned()),
        None => {
            let (count, unit) = (text_of(window, "count", reader)?, text_of(window, "unit", reader)?);
            (node.at, format!("{count}{}", unit_mark(&unit)))
        }
    };
    let parsed = duration(&text);
    if parsed.is_none() {
        refuse(at, &demand::WINDOWS, format!("`{text}` is not a period"), "write it like 30d, 4w or 1M", reader);
    }
    parsed
}

/// The letter of a unit that is written out.
fn unit_mark(unit: &str) -> &str {
    match unit.to_ascii_lowercase().trim_end_matches('s') {
        "second" => "s",
        "minute" => "m",
        "hour" => "h",
        "day" => "d",
        "week" => "w",
        "month" => "M",
        "quarter" => "Q",
        "year" => "Y",
        _ => "?",
    }
}

/// A duration; months have 30 days, quarters 90, years 365.
fn duration(text: &str) -> Option<Seconds> {
    let long = [("M", 30 * DAY), ("Q", 90 * DAY), ("Y", 365 * DAY)];
    let of = |(mark, size): (&str, u32)| text.strip_suffix(mark)?.parse::<u32>().ok()?.checked_mul(size).map(Seconds);
    long.into_iter().find_map(of).or_else(|| text.parse().ok())
}

fn objective(node: &Node, reader: &mut Reader<'_>) -> Option<Goal> {
    let entries = keys(node, &OBJECTIVE_KEYS, reader)?;
    let target = match (given(entries, "targetPercent"), given(entries, "target")) {
        (Some(value), _) => number(value, reader).map(|target| (value, Objective::percent(target))),
        (None, Some(value)) => number(value, reader).map(|target| (value, Objective::ratio(target))),
        (None, None) => {
            refuse(node.at, &demand::OBJECTIVE, "`target` is missing".into(), "add it as a ratio, like 0.999", reader);
            None
        }
    };
    let (value, target) = target?;
    if target.is_none() {
        let message = "this is no objective: it leaves no error budget, or nothing else".to_owned();
        refuse(value.at, &demand::OBJECTIVE, message, "write `target` between 0 and 1, or `targetPercent`", reader);
    }
    let own = match given(entries, "ratioMetrics") {
        Some(node) => ratio(node, reader),
        None => given(entries, "indicator").and_then(|node| inline(node, reader)),
    };
    let limit = given(entries, "value").and_then(|node| number(node, reader));
    let sign = text_of(entries, "op", reader).and_then(|op| match op.to_ascii_lowercase().as_str() {
        "lte" => Some(">"),
        "lt" => Some(">="),
        "gte" => Some("<"),
        "gt" => Some("<="),
        _ => None,
    });
    Some(Goal { objective: target?, own, bad: sign.zip(limit) })
}

/// An indicator that stands within an objective.
fn inline(node: &Node, reader: &mut Reader<'_>) -> Option<Indicator> {
    let entries = keys(node, &["metadata", "spec", "thresholdMetric", "ratioMetric", "ratioMetrics"], reader)?;
    indicator(given(entries, "spec").unwrap_or(node), reader)
}

fn indicator(spec: &Node, reader: &mut Reader<'_>) -> Option<Indicator> {
    let known = ["description", "thresholdMetric", "ratioMetric", "ratioMetrics", "metadata", "spec"];
    let entries = keys(spec, &known, reader)?;
    if let Some(node) = given(entries, "ratioMetric").or_else(|| given(entries, "ratioMetrics")) {
        return ratio(node, reader);
    }
    match given(entries, "thresholdMetric") {
        Some(node) => metric(node, reader).map(Indicator::Threshold),
        None => {
            let hint = "give `ratioMetric` with `good` and `total`, or `thresholdMetric`";
            refuse(spec.at, &demand::SLI, "the indicator has no metric".into(), hint, reader);
            None
        }
    }
}

fn ratio(node: &Node, reader: &mut Reader<'_>) -> Option<Indicator> {
    let known = ["counter", "incremental", "good", "bad", "total", "raw", "rawType"];
    let entries = keys(node, &known, reader)?;
    let counter = flag_of(entries, "counter", reader) || flag_of(entries, "incremental", reader);
    if let Some(raw) = given(entries, "raw") {
        let success = text_of(entries, "rawType", reader).is_none_or(|kind| kind == "success");
        let query = metric(raw, reader)?;
        let asked = if query.contains("{{") { query } else { format!("avg_over_time(({query})[{{{{.window}}}}:])") };
        return Some(Indicator::Sli(Sli::Ratio(if success { format!("1 - ({asked})") } else { asked })));
    }
    let mut asked = |name| given(entries, name).map(|node| metric(node, reader).map(|query| windowed(&query, counter)));
    let (good, bad, total) = (asked("good"), asked("bad"), asked("total"));
    match (good, bad, total) {
        (Some(good), _, Some(total)) => Some(Indicator::Sli(Sli::Good { good: good?, total: total? })),
        (None, Some(bad), Some(total)) => Some(Indicator::Sli(Sli::Events { error: bad?, total: total? })),
        _ => {
            let message = "a ratio has `total`, and `good` or `bad`".to_owned();
            refuse(node.at, &demand::SLI, message, "add what is missing", reader);
            None
        }
    }
}

/// The query of a metric, as either version writes it.
fn metric(node: &Node, reader: &mut Reader<'_>) -> Option<String> {
    let known = ["metricSource", "source", "queryType", "query", "metadata", "displayName"];
    let entries = keys(node, &known, reader)?;
    let mut sources = vec![(entries, "source")];
    let mut asked = entries;
    if let Some(source) = map_of(entries, "metricSource", &["metricSourceRef", "type", "spec"], reader) {
        sources.push((source, "type"));
        asked = given(source, "spec").and_then(|node| reader.map(node)).unwrap_or_default();
    }
    for (entries, key) in sources {
        let Some(kind) = given(entries, key) else { continue };
        let Some(word) = reader.text(kind) else { continue };
        if !word.eq_ignore_ascii_case("prometheus") {
            let message = format!("metrics of `{word}` cannot be asked");
            refuse(kind.at, &demand::SOURCE, message, "write a query for Prometheus", reader);
            return None;
        }
    }
    let query = given(asked, "query").or_else(|| given(asked, "promql"));
    match query {
        Some(query) => reader.text(query).map(|text| text.trim().to_owned()),
        None => {
            refuse(node.at, &demand::SLI, "the metric has no query".into(), "add `query:`", reader);
            None
        }
    }
}

/// A query over a window.
fn windowed(query: &str, counter: bool) -> String {
    let window = "{{.window}}";
    if query.contains("{{") {
        query.to_owned()
    } else if query.contains('[') {
        format!("avg_over_time(({query})[{window}:])")
    } else if counter && !query.contains('(') {
        format!("sum(rate({query}[{window}]))")
    } else if counter {
        format!("rate(({query})[{window}:])")
    } else {
        format!("sum_over_time(({query})[{window}:])")
    }
}
