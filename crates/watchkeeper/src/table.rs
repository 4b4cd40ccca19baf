//! JSON for people: a list as an aligned table, a thing as its fields, times as how long ago they are. What is printed is what
//! the server said, never more; `--json` has it as it is.

use std::io::IsTerminal as _;

use jiff::tz::TimeZone;
use kernel::port::Clock as _;
use kernel::{Seconds, Timestamp};
use serde_json::{Map, Value};

use crate::remote::MADE_COLUMNS;
use crate::remote::ask::Shape;
use crate::world::SystemClock;

/// The columns of a list: the field, and the heading above it.
pub type Columns = &'static [(&'static str, &'static str)];

/// The widest column on a terminal, in characters; longer texts are cut there, and whole in a file.
const COLUMN_CHARS_MAX: usize = 72;
/// Words that a terminal shows in red, because somebody waits for them.
const URGENT: [&str; 7] = ["P1", "paging", "exhausted", "failed", "major_outage", "open", "firing"];
/// Words that a terminal shows in yellow.
const WARNING: [&str; 6] = ["P2", "muted", "mitigated", "partial_outage", "degraded_performance", "draft"];

/// What an answer is written on.
pub struct Paper {
    now: Timestamp,
    zone: TimeZone,
    /// Whether somebody looks at it: cut what is too long.
    terminal: bool,
    colour: bool,
}

impl Paper {
    /// Standard output as it is: colour only on a terminal, and only if nobody says no.
    #[must_use]
    pub fn of_stdout() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = terminal && !set("NO_COLOR") && !dumb;
        Self { now: SystemClock.now(), zone: TimeZone::system(), terminal, colour }
    }

    /// What clears a terminal; a line between two answers elsewhere.
    #[must_use]
    pub fn fresh(&self) -> &'static str {
        if self.terminal { "\u{1b}[H\u{1b}[2J" } else { "\n" }
    }

    /// An answer as text.
    #[must_use]
    pub fn answer(&self, value: &Value, shape: Shape) -> String {
        match shape {
            Shape::List(columns, empty) => match value.as_array() {
                Some(rows) if rows.is_empty() => format!("{empty}\n"),
                Some(rows) => self.table(rows, columns, ""),
                None => self.fields(value, &[]),
            },
            Shape::Thing(tables) => self.fields(value, tables),
            Shape::Done => self.done(value),
            Shape::Field(name) => match value.get(name) {
                Some(Value::String(text)) => format!("{}\n", text.trim_end()),
                _ => self.fields(value, &[]),
            },
        }
    }

    /// One row without its heading, for lists that never end.
    #[must_use]
    pub fn line(&self, row: &Value, columns: Columns) -> String {
        let cells: Vec<String> = columns.iter().map(|(field, _)| self.text(row.get(*field), false)).collect();
        cells.join("  ")
    }

    /// What a command made: what it tells besides, and its facts.
    fn done(&self, value: &Value) -> String {
        let facts = value.get("facts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut told = value.as_object().cloned().unwrap_or_default();
        told.remove("facts");
        let mut out = self.fields(&Value::Object(told), &[]);
        if facts.is_empty() {
            out.push_str("nothing had to change\n");
        } else {
            out.push_str(&self.table(facts, MADE_COLUMNS, ""));
        }
        out
    }

    fn table(&self, rows: &[Value], columns: Columns, indent: &str) -> String {
        let mut lines = vec![columns.iter().map(|(_, title)| title.to_uppercase()).collect::<Vec<_>>()];
        let cells = |row: &Value| columns.iter().map(|(field, _)| self.cell(row.get(*field))).collect();
        lines.extend(rows.iter().map(cells));
        let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let mut out = String::new();
        for (number, line) in lines.iter().enumerate() {
            out.push_str(indent);
            let last = line.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
            for (at, (cell, width)) in line.iter().zip(&widths).take(last + 1).enumerate() {
                let fill = if at == last { 0 } else { width - cell.chars().count() + 2 };
                out.push_str(&self.painted(cell, number == 0));
                out.push_str(&" ".repeat(fill));
            }
            out.push('\n');
        }
        out
    }

    fn fields(&self, value: &Value, tables: &[(&str, Columns)]) -> String {
        let Some(fields) = value.as_object() else { return format!("{}\n", self.text(Some(value), true)) };
        let width = fields.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        fields.iter().map(|(name, value)| self.field(name, value, width, tables)).collect()
    }

    fn field(&self, name: &str, value: &Value, width: usize, tables: &[(&str, Columns)]) -> String {
        let title = name.replace('_', " ");
        let columns = tables.iter().find(|(field, _)| *field == name).map(|(_, columns)| *columns);
        match (value, columns) {
            // What has no columns is for programs.
            (_, Some([])) => String::new(),
            (Value::Array(rows), Some(columns)) if !rows.is_empty() => {
                format!("\n{}\n{}", self.painted(&title, true), self.table(rows, columns, "  "))
            }
            (Value::Array(rows), Some(_)) if rows.is_empty() => self.plain(&title, "none", width),
            (Value::Object(map), _) if nests(map) => {
                let inner = self.fields(value, tables);
                let indented: String = inner.lines().map(|line| format!("  {line}\n")).collect();
                format!("{title}\n{indented}")
            }
            _ => self.plain(&title, &self.text(Some(value), true), width),
        }
    }

    /// A field in one line; a text of several lines stands below its name.
    fn plain(&self, title: &str, text: &str, width: usize) -> String {
        let trimmed = text.trim_end();
        if trimmed.contains('\n') {
            let indented: String = trimmed.lines().map(|line| format!("  {line}\n")).collect();
            return format!("{title}\n{indented}");
        }
        format!("{title:width$}  {}\n", self.painted(trimmed, false))
    }

    fn cell(&self, value: Option<&Value>) -> String {
        let text = self.text(value, false);
        if !self.terminal || text.chars().count() <= COLUMN_CHARS_MAX {
            return text;
        }
        let kept: String = text.chars().take(COLUMN_CHARS_MAX - 1).collect();
        format!("{kept}…")
    }

    /// A value as text; `whole` keeps lines apart and tells a time in full.
    fn text(&self, value: Option<&Value>, whole: bool) -> String {
        match value {
            None | Some(Value::Null) => "-".to_owned(),
            Some(Value::Bool(yes)) => (if *yes { "yes" } else { "no" }).to_owned(),
            Some(Value::String(text)) => match time(text) {
                Some(at) if whole => format!("{} ({})", self.clock_time(at), self.distance(at)),
                Some(at) => self.distance(at),
                None if whole => text.clone(),
                None => text.split_whitespace().collect::<Vec<_>>().join(" "),
            },
            Some(Value::Object(map)) => {
                let pairs = map.iter().map(|(name, value)| format!("{name}={}", self.text(Some(value), false)));
                joined(pairs, " ")
            }
            Some(Value::Array(items)) => joined(items.iter().map(|item| self.text(Some(item), false)), ", "),
            Some(other) => other.to_string(),
        }
    }

    fn clock_time(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// How far away an instant is, in its two greatest units.
    fn distance(&self, at: Timestamp) -> String {
        let seconds = at.as_second() - self.now.as_second();
        // What ends after more than a century has no end that anybody meant.
        let Ok(far) = u32::try_from(seconds.unsigned_abs()) else {
            return (if seconds > 0 { "open end" } else { "long ago" }).to_owned();
        };
        if far == 0 {
            return "now".to_owned();
        }
        let rounded = match far {
            0..60 => far,
            60..3600 => far - far % 60,
            3600..86_400 => far - far % 60,
            86_400..604_800 => far - far % 3600,
            _ => far - far % 86_400,
        };
        let told = Seconds(rounded).to_string();
        if seconds > 0 { format!("in {told}") } else { format!("{told} ago") }
    }

    fn painted(&self, text: &str, heading: bool) -> String {
        let code = match text {
            _ if !self.colour || text.is_empty() => return text.to_owned(),
            _ if heading => "1",
            word if URGENT.contains(&word) => "31",
            word if WARNING.contains(&word) => "33",
            _ => return text.to_owned(),
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Whether an object does not fit into one line.
fn nests(map: &Map<String, Value>) -> bool {
    map.values().any(|value| value.is_object() || value.as_str().is_some_and(|text| text.contains('\n')))
        || map.len() > 6
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    let all: Vec<String> = parts.collect();
    if all.is_empty() { "-".to_owned() } else { all.join(by) }
}

/// A text that is an instant.
fn time(text: &str) -> Option<Timestamp> {
    let looks = text.len() >= 20 && text.ends_with('Z') && text.as_bytes().get(4) == Some(&b'-');
    looks.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paper(colour: bool) -> Paper {
        Paper { now: "2026-11-24T09:00:00Z".parse().unwrap(), zone: TimeZone::UTC, terminal: colour, colour }
    }

    const COLUMNS: Columns = &[("id", "id"), ("title", "title"), ("at", "since")];

    #[test]
    fn a_list_is_an_aligned_table_without_trailing_blanks() {
        let rows = json!([
            { "id": 1, "title": "short", "at": "2026-11-24T08:57:30Z" },
            { "id": 22, "title": "two\nlines", "at": null },
        ]);
        let text = paper(false).answer(&rows, Shape::List(COLUMNS, "none"));
        assert_eq!(text, "ID  TITLE      SINCE\n1   short      2m ago\n22  two lines  -\n");
        assert_eq!(paper(false).answer(&json!([]), Shape::List(COLUMNS, "add one")), "add one\n");
    }

    #[test]
    fn a_thing_shows_its_fields_and_its_lists_as_tables() {
        let thing = json!({
            "incident": "INC-1", "declared_at": "2026-11-24T08:00:00Z", "services": ["a", "b"], "resolved": false,
            "roles": { "commander": ["ada"] }, "timeline": [{ "id": 1, "title": "x", "at": "2026-11-24T08:59:00Z" }],
            "pages": [],
        });
        let text = paper(false).answer(&thing, Shape::Thing(&[("timeline", COLUMNS), ("pages", COLUMNS)]));
        let told = "incident     INC-1\ndeclared at  2026-11-24 08:00:00 UTC (1h ago)\nservices     a, b\nresolved     no\n\
                    roles        commander=ada\n\ntimeline\n  ID  TITLE  SINCE\n  1   x      1m ago\npages        none\n";
        assert_eq!(text, told);
    }

    #[test]
    fn distances_are_told_in_their_greatest_units() {
        for (at, told) in [
            ("2026-11-24T09:00:00Z", "now"),
            ("2026-11-24T08:59:18Z", "42s ago"),
            ("2026-11-24T05:47:59Z", "3h12m ago"),
            ("2026-11-26T10:30:00Z", "in 2d1h"),
            ("2027-11-24T09:00:00Z", "in 52w1d"),
            ("9999-12-30T00:00:00Z", "open end"),
            ("0001-01-01T00:00:00Z", "long ago"),
        ] {
            assert_eq!(paper(false).distance(at.parse().unwrap()), told, "{at}");
        }
    }

    #[test]
    fn a_command_tells_what_it_made() {
        let made = json!({ "incident": "INC-7", "facts": [{ "seq": 3, "kind": "IncidentDeclared", "stream": "INC-7", "actor": "person:ada" }] });
        let told = "incident  INC-7\nFACT  WHAT              ABOUT  WHO\n3     IncidentDeclared  INC-7  person:ada\n";
        assert_eq!(paper(false).answer(&made, Shape::Done), told);
        assert_eq!(paper(false).answer(&json!({ "facts": [] }), Shape::Done), "nothing had to change\n");
        assert_eq!(paper(false).answer(&json!({ "token": "wk_x", "name": "x" }), Shape::Field("token")), "wk_x\n");
    }

    #[test]
    fn colour_only_adds_to_what_is_there() {
        let rows = json!([{ "id": "P1", "title": "t", "at": null }]);
        let coloured = paper(true).answer(&rows, Shape::List(COLUMNS, ""));
        assert!(coloured.contains("\u{1b}[31mP1\u{1b}[0m"), "{coloured}");
        let mut plain = coloured;
        for code in ["\u{1b}[31m", "\u{1b}[1m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, paper(false).answer(&rows, Shape::List(COLUMNS, "")));
    }
}
