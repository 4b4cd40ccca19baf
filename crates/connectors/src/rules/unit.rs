//! From a tree to a [`TestFile`]: promtool's unit tests of rules.

use std::time::Duration;

use kernel::book::rules::RuleFile;
use kernel::book::unit::{
    AlertTest, EVALUATION_INTERVAL, ExpectedAlert, ExpectedSample, InputSeries, QueryTest, Test, TestFile,
};

use super::field::{
    Entries, duration_of, flag_of, given, list_of, map_of, number, place, refuse, text, text_of, texts_of,
};
use super::{demand, with_tree};
use crate::watchbook::Findings;
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::Node;

const FILE_KEYS: [&str; 5] = ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"];
const TEST_KEYS: [&str; 8] = [
    "interval",
    "input_series",
    "alert_rule_test",
    "promql_expr_test",
    "external_labels",
    "external_url",
    "name",
    "start_timestamp",
];

/// Reads and checks a file of unit tests.
///
/// # Errors
/// With everything that is wrong with it.
pub fn check_test(path: &str, bytes: &[u8]) -> Result<TestFile, Findings> {
    let (file, findings) = with_tree(path, bytes, |root, reader| file(path, root, reader));
    file.flatten().filter(|_| findings.is_empty()).ok_or(findings)
}

fn file(path: &str, root: &Node, reader: &mut Reader<'_>) -> Option<TestFile> {
    let entries = reader.keys(root, &FILE_KEYS)?;
    let interval = duration_of(entries, "evaluation_interval", reader).filter(|interval| !interval.is_zero());
    let evaluation_interval = interval.unwrap_or(EVALUATION_INTERVAL);
    let tests = list_of(entries, "tests", reader);
    Some(TestFile {
        path: path.to_owned(),
        rule_files: texts_of(entries, "rule_files", reader),
        evaluation_interval,
        group_eval_order: order(entries, root, reader),
        fuzzy_compare: flag_of(entries, "fuzzy_compare", reader),
        tests: tests.iter().filter_map(|node| test(node, evaluation_interval, reader)).collect(),
    })
}

fn order(entries: &Entries, root: &Node, reader: &mut Reader<'_>) -> Vec<String> {
    let order = texts_of(entries, "group_eval_order", reader);
    for (i, name) in order.iter().enumerate() {
        if order.iter().take(i).any(|earlier| earlier == name) {
            let at = given(entries, "group_eval_order").map_or(root.at, |node| node.at);
            let message = format!("the group `{name}` is twice in the order of evaluation");
            refuse(at, &demand::TEST, message, "name each group once", reader);
            break;
        }
    }
    order
}

fn test(node: &Node, usual: Duration, reader: &mut Reader<'_>) -> Option<Test> {
    let entries = keys(node, &TEST_KEYS, reader)?;
    Some(Test {
        name: text_of(entries, "name", reader),
        at: place(node),
        interval: duration_of(entries, "interval", reader).filter(|interval| !interval.is_zero()).unwrap_or(usual),
        start: start(entries, reader),
        input: each(entries, "input_series", reader, input),
        alerts: each(entries, "alert_rule_test", reader, alert_test),
        queries: each(entries, "promql_expr_test", reader, query_test),
        external_labels: map_of(entries, "external_labels", reader),
        external_url: text_of(entries, "external_url", reader),
    })
}

/// The entries of a map of which every key may be absent, so that null is one without entries.
fn keys<'n>(node: &'n Node, known: &[&'static str], reader: &mut Reader<'_>) -> Option<&'n Entries> {
    if node.is_null() { Some(&[]) } else { reader.keys(node, known) }
}

/// Reads each item of a list.
fn each<T>(
    entries: &Entries,
    name: &str,
    reader: &mut Reader<'_>,
    read: fn(&Node, &mut Reader<'_>) -> Option<T>,
) -> Vec<T> {
    let items = list_of(entries, name, reader);
    items.iter().filter_map(|item| read(item, reader)).collect()
}

fn input(node: &Node, reader: &mut Reader<'_>) -> Option<InputSeries> {
    let entries = reader.keys(node, &["series", "values"])?;
    let (series, values) = (text_of(entries, "series", reader), text_of(entries, "values", reader));
    Some(InputSeries { at: place(node), series, values })
}

fn alert_test(node: &Node, reader: &mut Reader<'_>) -> Option<AlertTest> {
    let entries = reader.keys(node, &["eval_time", "alertname", "exp_alerts"])?;
    let alertname = text_of(entries, "alertname", reader);
    Some(AlertTest {
        at: place(node),
        eval_time: duration_of(entries, "eval_time", reader).unwrap_or_default(),
        alertname,
        expected: each(entries, "exp_alerts", reader, expected_alert),
    })
}

fn expected_alert(node: &Node, reader: &mut Reader<'_>) -> Option<ExpectedAlert> {
    let entries = keys(node, &["exp_labels", "exp_annotations"], reader)?;
    let (labels, annotations) = (map_of(entries, "exp_labels", reader), map_of(entries, "exp_annotations", reader));
    Some(ExpectedAlert { labels, annotations })
}

fn query_test(node: &Node, reader: &mut Reader<'_>) -> Option<QueryTest> {
    let entries = reader.keys(node, &["expr", "eval_time", "exp_samples"])?;
    Some(QueryTest {
        at: place(node),
        expr: text_of(entries, "expr", reader),
        eval_time: duration_of(entries, "eval_time", reader).unwrap_or_default(),
        expected: each(entries, "exp_samples", reader, expected_sample),
    })
}

fn expected_sample(node: &Node, reader: &mut Reader<'_>) -> Option<ExpectedSample> {
    let entries = keys(node, &["labels", "value", "histogram"], reader)?;
    let value = given(entries, "value").map_or(Some(0.0), |node| number(node, reader))?;
    let (labels, histogram) = (text_of(entries, "labels", reader), text_of(entries, "histogram", reader));
    Some(ExpectedSample { labels, value, histogram })
}

/// When the series begin: RFC 3339, or seconds since 1970.
fn start(entries: &Entries, reader: &mut Reader<'_>) -> i64 {
    let Some(node) = given(entries, "start_timestamp") else { return 0 };
    let written = text(node, reader).unwrap_or_default();
    instant(written).unwrap_or_else(|| {
        let message = format!("`{written}` is not an instant");
        refuse(node.at, &demand::TIME, message, "write 2026-01-05T09:00:00Z or 1767603600", reader);
        0
    })
}

fn instant(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        let millis = (seconds * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "within bounds that a double holds exactly")]
        return (millis.abs() < 9e15).then_some(millis as i64);
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// The rule files of a test that could be read.
pub(super) type RuleFiles = Vec<RuleFile>;
