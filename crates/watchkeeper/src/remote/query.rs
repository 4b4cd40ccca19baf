//! `watchkeeper query`: a query in PromQL over a running server's samples, by the API that Prometheus has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use kernel::port::Clock as _;
use kernel::{Seconds, Timestamp};
use serde_json::{Map, Value, json};

use super::ask::{Ask, Server, Shape, show};
use super::operation::Operation;
use super::words::past;
use crate::failure::{Exit, Failure};
use crate::out;
use crate::table::Columns;
use crate::world::SystemClock;

/// At one instant.
const INSTANT: &Operation = &Operation { method: "GET", path: "/query", verb: "query" };
/// Over a while.
const RANGE: &Operation = &Operation { method: "GET", path: "/query_range", verb: "query" };
/// How many points a range has when nobody says how far apart they are.
const POINTS: u32 = 60;
/// How many places a line of small bars has.
const SPARKS_MAX: usize = 40;
/// From low to high.
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `watchkeeper query …`
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The query.
    #[arg(value_name = "EXPR")]
    expr: String,
    /// At this instant: a time, or how long ago, such as 5m; now, when not given.
    #[arg(long, value_name = "TIME", value_parser = past)]
    at: Option<Timestamp>,
    /// Over so long up to that instant, such as 1h.
    #[arg(long, value_name = "LENGTH")]
    range: Option<Seconds>,
    /// How far apart the points of a range are; a sixtieth of it, when not given.
    #[arg(long, value_name = "LENGTH", requires = "range")]
    step: Option<Seconds>,
    /// Print comma-separated values: a column for each label, the time, the value.
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    server: Server,
}

impl QueryArgs {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        let asked = |operation| Ask::thing(operation).query("query", Some(self.expr));
        let ask = match self.range {
            None => asked(INSTANT).query("time", self.at),
            Some(range) => {
                let end = self.at.unwrap_or_else(|| SystemClock.now());
                let step = self.step.unwrap_or(Seconds((range.0 / POINTS).max(1)));
                asked(RANGE).query("start", Some(range.before(end))).query("end", Some(end)).query("step", Some(step.0))
            }
        };
        (ask, self.server)
    }

    /// Asks, and prints the answer.
    pub async fn run(self, json: bool) -> Result<ExitCode, Failure> {
        let csv = self.csv;
        if csv && json {
            return Err(Failure::new("an answer is either JSON or comma-separated")
                .hint("leave --json or --csv out")
                .exit(Exit::Usage));
        }
        let columns = if self.range.is_some() { OVER_A_WHILE } else { AT_ONCE };
        let (ask, server) = self.ask();
        let answer = ask.answer(&server).await?;
        if json {
            show(&answer, Shape::Thing(&[]), true)?;
            return Ok(ExitCode::SUCCESS);
        }
        for said in ["warnings", "infos"].iter().filter_map(|kind| answer[*kind].as_array()).flatten() {
            out::aside(said.as_str().unwrap_or_default());
        }
        let series = series(&answer["data"])?;
        if csv {
            out::print(as_csv(&series))?
        } else {
            show(&rows(&series), Shape::List(columns, EMPTY), false)?
        }
        Ok(ExitCode::SUCCESS)
    }
}

const AT_ONCE: Columns = &[("value", "value"), ("series", "series")];
const OVER_A_WHILE: Columns =
    &[("value", "value"), ("least", "least"), ("most", "most"), ("course", "course"), ("series", "series")];
/// What is said of an answer without series.
const EMPTY: &str = "no series is like that; look over a while with --range";

/// A series of an answer: its labels, and its points as seconds and a text.
struct Series {
    labels: Map<String, Value>,
    points: Vec<(f64, String)>,
}

/// The series of an answer; a single number or text is one without labels.
fn series(data: &Value) -> Result<Vec<Series>, Failure> {
    let result = &data["result"];
    let unknown =
        || Failure::new("the server's answer is not one of a query").hint("is it a Watchkeeper, of this version?");
    match data["resultType"].as_str() {
        Some("scalar" | "string") => {
            Ok(vec![Series { labels: Map::new(), points: point(result).into_iter().collect() }])
        }
        Some("vector" | "matrix") => Ok(result.as_array().ok_or_else(unknown)?.iter().map(one).collect()),
        _ => Err(unknown()),
    }
}

fn one(series: &Value) -> Series {
    let single = ["value", "histogram"].iter().filter_map(|kind| series.get(*kind));
    let several = ["values", "histograms"].iter().filter_map(|kind| series.get(*kind)?.as_array()).flatten();
    let mut points: Vec<_> = single.chain(several).filter_map(point).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Series { labels: series["metric"].as_object().cloned().unwrap_or_default(), points }
}

fn point(pair: &Value) -> Option<(f64, String)> {
    let value = pair.get(1)?;
    let histogram = || Some(format!("count {} sum {}", value.get("count")?.as_str()?, value.get("sum")?.as_str()?));
    Some((pair.get(0)?.as_f64()?, value.as_str().map(str::to_owned).or_else(histogram)?))
}

/// The rows of a table for people.
fn rows(all: &[Series]) -> Value {
    all.iter().map(row).collect()
}

fn row(series: &Series) -> Value {
    let last = series.points.last().map(|(_, value)| value.as_str()).unwrap_or_default();
    let mut row = json!({ "value": last, "series": named(&series.labels) });
    let numbers: Vec<f64> = series.points.iter().filter_map(|(_, value)| value.parse().ok()).collect();
    if let (Some(fields), true) = (row.as_object_mut(), numbers.len() > 1) {
        let (least, most) = ends(&numbers);
        fields.insert("least".into(), least.to_string().into());
        fields.insert("most".into(), most.to_string().into());
        fields.insert("course".into(), course(&numbers).into());
    }
    row
}

fn ends(numbers: &[f64]) -> (f64, f64) {
    (numbers.iter().copied().fold(f64::INFINITY, f64::min), numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The labels as PromQL writes them.
fn named(labels: &Map<String, Value>) -> String {
    promql::Labels::from_pairs(labels.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())))
        .to_string()
}

/// Numbers as small bars, each place the last of its share of them.
fn course(numbers: &[f64]) -> String {
    let (least, most) = ends(numbers);
    let places = numbers.len().min(SPARKS_MAX);
    let last_of = |place: usize| numbers.get((place + 1) * numbers.len() / places - 1).copied();
    let bar = |number: f64| {
        let height = if most > least { (number - least) / (most - least) * (SPARKS.len() - 1) as f64 } else { 0.0 };
        if height.is_finite() { SPARKS.get(height.round() as usize).copied().unwrap_or(' ') } else { ' ' }
    };
    (0..places).filter_map(last_of).map(bar).collect()
}

/// One line for each point.
fn as_csv(all: &[Series]) -> String {
    let names: BTreeSet<&String> = all.iter().flat_map(|series| series.labels.keys()).collect();
    let mut text = String::new();
    let heading = names.iter().map(|name| name.as_str()).chain(["time", "value"]);
    write_line(&mut text, heading);
    for series in all {
        for (at, value) in &series.points {
            let of = |name: &&String| series.labels.get(*name).and_then(Value::as_str).unwrap_or_default();
            let at = at.to_string();
            write_line(&mut text, names.iter().map(of).chain([&*at, value]));
        }
    }
    text
}

/// One line, as RFC 4180 writes it.
fn write_line<'a>(text: &mut String, fields: impl Iterator<Item = &'a str>) {
    for (place, field) in fields.enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let is_plain = !field.contains([',', '"', '\n', '\r']);
        // Writing to a text cannot fail.
        let _ = if is_plain {
            write!(text, "{comma}{field}")
        } else {
            write!(text, "{comma}\"{}\"", field.replace('"', "\"\""))
        };
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_by_its_ends_and_its_course() {
        let data = json!({ "resultType": "matrix", "result": [
            { "metric": { "__name__": "up", "job": "a" }, "values": [[1, "0"], [2, "7"], [3, "3.5"]] },
            { "metric": {}, "histograms": [[1, { "count": "3", "sum": "6", "buckets": [] }]] },
        ]});
        let told = rows(&series(&data).unwrap());
        let expected = json!({ "value": "3.5", "least": "0", "most": "7", "course": "▁█▅", "series": "up{job=\"a\"}" });
        assert_eq!(told, json!([expected, { "value": "count 3 sum 6", "series": "{}" }]));
    }

    #[test]
    fn values_are_separated_by_commas_and_quoted_where_they_hold_one() {
        let data = json!({ "resultType": "vector", "result": [
            { "metric": { "__name__": "up", "path": "a,\"b\"" }, "value": [1.5, "1"] },
            { "metric": { "__name__": "up", "zone": "eu" }, "value": [1.5, "NaN"] },
        ]});
        let expected = "__name__,path,zone,time,value\nup,\"a,\"\"b\"\"\",,1.5,1\nup,,eu,1.5,NaN\n";
        assert_eq!(as_csv(&series(&data).unwrap()), expected);
        let scalar = json!({ "resultType": "scalar", "result": [2, "4"] });
        assert_eq!(as_csv(&series(&scalar).unwrap()), "time,value\n2,4\n");
        assert!(series(&json!({})).is_err());
    }

    #[test]
    fn a_course_has_no_more_places_than_fit() {
        let rising: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(course(&rising).chars().count(), SPARKS_MAX);
        assert_eq!((course(&[1.0, 1.0]), course(&[f64::NAN, 0.0, 1.0])), ("▁▁".into(), " ▁█".into()));
    }
}
