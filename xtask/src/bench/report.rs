//! Readings of a bench, laid out as one table: a row for each measure, a column for each server, and the ratio.

/// What a cell shows where nothing was read.
const NOTHING: &str = "–";

/// Which direction is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better: time, memory, losses.
    Lower,
    /// More is better: throughput.
    Higher,
}

/// Something that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// What it is, unit included.
    pub name: &'static str,
    /// Which direction is good.
    pub better: Better,
}

impl Measure {
    /// A measure of which less is better.
    pub const fn lower(name: &'static str) -> Self {
        Self { name, better: Better::Lower }
    }

    /// A measure of which more is better.
    pub const fn higher(name: &'static str) -> Self {
        Self { name, better: Better::Higher }
    }

    fn goal(self, goal: f64) -> String {
        let sign = if self.better == Better::Lower { "<=" } else { ">=" };
        format!("{sign} {}", show(Value::Exact(goal)))
    }
}

/// A value as it was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Measured.
    Exact(f64),
    /// Given up at this value: the truth is above it.
    Above(f64),
}

#[derive(Debug)]
struct Row {
    case: String,
    measure: Measure,
    values: Vec<(String, Value)>,
}

/// Everything that one bench read.
#[derive(Debug)]
pub struct Report {
    /// The bench's name.
    pub name: &'static str,
    shows: &'static str,
    rows: Vec<Row>,
    goals: Vec<(String, Measure, f64)>,
    notes: Vec<String>,
}

impl Report {
    /// An empty report.
    pub fn new(name: &'static str, shows: &'static str) -> Self {
        Self { name, shows, rows: Vec::new(), goals: Vec::new(), notes: Vec::new() }
    }

    /// Adds a reading of `measure` in `case` at the server `peer`.
    pub fn add(&mut self, peer: &str, case: &str, measure: Measure, value: f64) {
        self.add_value(peer, case, measure, Value::Exact(value));
    }

    /// Adds a reading that may have been given up.
    pub fn add_value(&mut self, peer: &str, case: &str, measure: Measure, value: Value) {
        self.row(case, measure).values.push((peer.to_owned(), value));
    }

    /// States what our own server is meant to reach in `case`.
    pub fn goal(&mut self, case: &str, measure: Measure, goal: f64) {
        if self.goal_of(case, measure).is_none() {
            self.goals.push((case.to_owned(), measure, goal));
        }
    }

    /// Adds a remark below the table, once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn goal_of(&self, case: &str, measure: Measure) -> Option<f64> {
        self.goals.iter().find(|(of, what, _)| of == case && *what == measure).map(|(.., goal)| *goal)
    }

    fn row(&mut self, case: &str, measure: Measure) -> &mut Row {
        let known = self.rows.iter().position(|row| row.case == case && row.measure == measure);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row { case: case.to_owned(), measure, values: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// The report as a Markdown table with its remarks.
    pub fn table(&self) -> String {
        let peers = self.peers();
        let rivals = if self.compares(&peers) { peers.get(1..).unwrap_or(&[]) } else { &[] };
        let better = |peer: &String| format!("{peer}: times better");
        let mut head = vec!["case".to_owned(), "measure".to_owned()];
        head.extend(peers.iter().cloned().chain(rivals.iter().map(better)).chain(["goal".to_owned()]));
        let rule = format!("|---|---|{}---|", "---:|".repeat(peers.len() + rivals.len()));
        let mut lines = vec![format!("*{}: {}*\n", self.name, self.shows), line(&head), rule];
        let mut case = "";
        for row in &self.rows {
            let shown = if row.case == case { "" } else { &row.case };
            case = &row.case;
            let mut cells = vec![shown.to_owned(), row.measure.name.to_owned()];
            cells.extend(peers.iter().map(|peer| row.of(peer).map_or(NOTHING.to_owned(), show)));
            cells.extend(rivals.iter().map(|peer| row.times_better(&peers[0], peer).unwrap_or(NOTHING.to_owned())));
            cells.push(self.goal_of(case, row.measure).map_or(String::new(), |goal| row.verdict(goal)));
            lines.push(line(&cells));
        }
        lines.extend(self.unmeasured());
        lines.extend((!self.notes.is_empty()).then(String::new));
        lines.extend(self.notes.iter().map(|note| format!("- {note}")));
        lines.join("\n") + "\n"
    }

    /// Goals for which nothing was read at all: they are shown, not forgotten.
    fn unmeasured(&self) -> Vec<String> {
        let has_row =
            |case: &str, measure: Measure| self.rows.iter().any(|row| row.case == case && row.measure == measure);
        let left = self.goals.iter().filter(|(case, measure, _)| !has_row(case, *measure));
        left.map(|(case, measure, goal)| {
            let empty = NOTHING.to_owned();
            line(&[case.clone(), measure.name.to_owned(), empty, measure.goal(*goal) + ": not measured"])
        })
        .collect()
    }

    /// The servers, in the order in which they first appeared.
    fn peers(&self) -> Vec<String> {
        let mut peers: Vec<String> = Vec::new();
        for (peer, _) in self.rows.iter().flat_map(|row| &row.values) {
            if !peers.contains(peer) {
                peers.push(peer.clone());
            }
        }
        peers
    }

    /// Ratios are against the first server, where that is the one we compare with.
    fn compares(&self, peers: &[String]) -> bool {
        peers.first().is_some_and(|first| is_other(first))
    }
}

/// Whether it is a server that we compare with.
fn is_other(peer: &str) -> bool {
    ["Alertmanager", "Prometheus", "VictoriaMetrics"].iter().any(|name| peer.starts_with(name))
}

impl Row {
    fn of(&self, peer: &str) -> Option<Value> {
        self.values.iter().rev().find(|(name, _)| name == peer).map(|(_, value)| *value)
    }

    fn times_better(&self, base: &str, peer: &str) -> Option<String> {
        let (ours, given_up) = match self.of(peer)? {
            Value::Exact(value) => (value, false),
            Value::Above(value) => (value, true),
        };
        let (theirs, floor) = match self.of(base)? {
            Value::Exact(value) => (value, ""),
            Value::Above(value) => (value, "> "),
        };
        if ours <= 0.0 || theirs <= 0.0 || given_up {
            return None;
        }
        let ratio = if self.measure.better == Better::Lower { theirs / ours } else { ours / theirs };
        Some(format!("{floor}{ratio:.2}"))
    }

    /// The goal and whether every server of ours met it.
    fn verdict(&self, goal: f64) -> String {
        let ours = self.values.iter().filter(|(peer, _)| !is_other(peer));
        let met: Vec<bool> = ours.map(|(_, value)| self.meets(*value, goal)).collect();
        let verdict = match (met.is_empty(), met.iter().all(|met| *met)) {
            (true, _) => "not measured",
            (_, true) => "met",
            _ => "**not met**",
        };
        format!("{}: {verdict}", self.measure.goal(goal))
    }

    fn meets(&self, value: Value, goal: f64) -> bool {
        match (value, self.measure.better) {
            (Value::Exact(value), Better::Lower) => value <= goal,
            (Value::Exact(value), Better::Higher) => value >= goal,
            (Value::Above(_), _) => false,
        }
    }
}

/// One line of a Markdown table.
fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn show(value: Value) -> String {
    let (sign, value) = match value {
        Value::Exact(value) => ("", value),
        Value::Above(value) => ("> ", value),
    };
    let digits = match value.abs() {
        small if small == small.trunc() && small < 1e15 => 0,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    let plain = format!("{value:.digits$}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(w, f)| (w, Some(f)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| format!("{sign}{grouped}"), |fraction| format!("{sign}{grouped}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_with_what_they_are_worth() {
        let cases = [
            (0.0, "0"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (1234.5, "1,234"),
            (1_000_000.0, "1,000,000"),
            (-1234.0, "-1,234"),
        ];
        for (value, expected) in cases {
            assert_eq!(show(Value::Exact(value)), expected);
        }
        assert_eq!(show(Value::Above(60.0)), "> 60");
    }

    #[test]
    fn a_table_compares_and_judges() {
        const CPU: Measure = Measure::lower("CPU per alert, us");
        const RATE: Measure = Measure::higher("alerts/s");
        let mut report = Report::new("post", "alerts in");
        report.goal("64 x 4", CPU, 10.0);
        report.add("Alertmanager 0.25", "64 x 4", CPU, 50.0);
        report.add("Alertmanager 0.25", "64 x 4", RATE, 100.0);
        report.add("Watchkeeper", "64 x 4", CPU, 10.0);
        report.add("Watchkeeper", "64 x 4", RATE, 50.0);
        let table = report.table();
        let rows: Vec<&str> = table.lines().skip(4).collect();
        assert_eq!(rows.len(), 2, "{table}");
        assert_eq!(rows[0], "| 64 x 4 | CPU per alert, us | 50 | 10 | 5.00 | <= 10: met |");
        assert_eq!(rows[1], "|  | alerts/s | 100 | 50 | 0.50 |  |");
    }

    #[test]
    fn what_was_given_up_is_not_met() {
        const TIME: Measure = Measure::lower("s");
        let mut report = Report::new("memory", "reads");
        report.goal("list", TIME, 1.0);
        report.add_value("Alertmanager 0.25", "list", TIME, Value::Above(60.0));
        report.add_value("Watchkeeper", "list", TIME, Value::Above(60.0));
        assert!(report.table().contains("| list | s | > 60 | > 60 | – | <= 1: **not met** |"), "{}", report.table());
    }
}
