//! The statements. Their text is made of nothing but what stands in this file; whatever somebody asks is a value of a query
//! parameter.

use std::collections::BTreeSet;

use kernel::Nanos;
use kernel::book::source::Table;
use kernel::search::{LogsWanted, Place, TracesWanted, WantedAttribute};

/// The column of whole seconds, which tables of log events are sorted and parted by where they have it.
pub(super) const BY_SECOND: &str = "TimestampTime";
/// The last second that such a column can hold.
const SECOND_MAX: i64 = u32::MAX as i64;
/// The most services of a trace that are named.
const SERVICES_MAX: usize = 200;

/// What is read of a log event. Columns that a table does not have are left out by the server.
const LOG_COLUMNS: &str = "COLUMNS('^(TraceId|SpanId|TraceFlags|SeverityText|SeverityNumber|ServiceName|Body|\
    ResourceSchemaUrl|ResourceAttributes|ScopeSchemaUrl|ScopeName|ScopeVersion|ScopeAttributes|LogAttributes|EventName)$')";
/// What is read of a span.
const SPAN_COLUMNS: &str = "COLUMNS('^(TraceId|SpanId|ParentSpanId|TraceState|SpanName|SpanKind|ServiceName|\
    ResourceAttributes|ScopeName|ScopeVersion|SpanAttributes|Duration|StatusCode|StatusMessage|\
    Events[.](Name|Attributes)|Links[.](TraceId|SpanId|TraceState|Attributes))$')";
/// When the events of a span were, because their own column is written in the server's time zone.
const EVENT_TIMES: &str = "arrayMap(at -> toString(toUnixTimestamp64Nano(at)), `Events.Timestamp`) AS event_nanos";
/// The instant of a row, as text: JSON has no whole numbers of this size.
const AT: &str = "toString(toUnixTimestamp64Nano(Timestamp)) AS at_nanos";

/// A statement and the values of its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<(&'static str, String)>,
}

/// A table as it is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub(super) name: &'a str,
    pub(super) table: Table,
    /// Whether it has [`BY_SECOND`].
    pub(super) by_second: bool,
}

impl Shelf<'_> {
    fn columns(&self) -> &'static str {
        match self.table {
            Table::Logs => LOG_COLUMNS,
            Table::Traces => SPAN_COLUMNS,
        }
    }

    /// The columns, the instant, and the place of each row.
    fn select(&self, statement: &mut Statement) {
        let (columns, times) = (self.columns(), self.times());
        statement.say(&format!("SELECT {columns}, {AT}{times}, toString(cityHash64({columns})) AS row_hash"));
        self.from(statement);
    }

    fn times(&self) -> String {
        if self.table == Table::Traces { format!(", {EVENT_TIMES}") } else { String::new() }
    }

    fn from(&self, statement: &mut Statement) {
        statement.say(" FROM {table:Identifier}");
        statement.set("table", self.name.to_owned());
    }

    /// Only rows of a time.
    fn within(&self, statement: &mut Statement, from: Nanos, until: Nanos) {
        let (from, until) = (from.max(0), until.max(0));
        statement.say(" WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64})");
        statement.say(" AND Timestamp <= fromUnixTimestamp64Nano({until:Int64})");
        statement.set("from", from.to_string());
        statement.set("until", until.to_string());
        if self.by_second {
            statement.say(" AND TimestampTime >= toDateTime({from_second:UInt32})");
            statement.say(" AND TimestampTime <= toDateTime({until_second:UInt32})");
            statement.set("from_second", (from / 1_000_000_000).min(SECOND_MAX).to_string());
            statement.set("until_second", (until / 1_000_000_000).min(SECOND_MAX).to_string());
        }
    }
}

impl Statement {
    fn new() -> Self {
        Self { text: String::new(), values: Vec::new() }
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Sets a parameter, written as the server reads values: with escapes.
    fn set(&mut self, name: &'static str, value: String) {
        self.values.push((name, escaped(&value)));
    }

    fn limit(mut self, limit: usize) -> Self {
        self.say(" LIMIT {limit:UInt64}");
        self.set("limit", limit.to_string());
        self.rows()
    }

    fn rows(mut self) -> Self {
        self.say(" FORMAT JSONEachRow");
        self
    }

    fn service(&mut self, service: Option<&String>) {
        if let Some(service) = service {
            self.say(" AND ServiceName = {service:String}");
            self.set("service", service.clone());
        }
    }

    fn attribute(&mut self, attribute: Option<&WantedAttribute>, own: &str) {
        let Some((name, value)) = attribute else { return };
        self.set("name", name.clone());
        let column = |column: &str| match value {
            Some(_) => {
                format!("{column}[{{name:String}}] = {{value:String}} AND mapContains({column}, {{name:String}})")
            }
            None => format!("mapContains({column}, {{name:String}})"),
        };
        self.say(&format!(" AND ({} OR {})", column(own), column("ResourceAttributes")));
        if let Some(value) = value {
            self.set("value", value.clone());
        }
    }

    fn wanted_logs(&mut self, wanted: &LogsWanted) {
        self.service(wanted.service.as_ref());
        if wanted.severity > 0 {
            self.say(" AND SeverityNumber >= {severity:UInt8}");
            self.set("severity", wanted.severity.to_string());
        }
        if let Some(trace) = &wanted.trace {
            self.say(" AND TraceId = {trace:String}");
            self.set("trace", trace.clone());
        }
        if !wanted.text.is_empty() {
            let holds = |text: &str| format!("positionCaseInsensitiveUTF8({text}, {{text:String}}) > 0");
            let values = |map: &str| format!("arrayExists(value -> {}, mapValues({map}))", holds("value"));
            let places = [
                holds("Body"),
                holds("SeverityText"),
                holds("TraceId"),
                values("LogAttributes"),
                values("ResourceAttributes"),
            ];
            self.say(&format!(" AND ({})", places.join(" OR ")));
            self.set("text", wanted.text.clone());
        }
        self.attribute(wanted.attribute.as_ref(), "LogAttributes");
    }
}

/// A value as the server reads it: in the format of tab-separated values, where a backslash begins an escape.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\0' => text.push_str("\\0"),
            c => text.push(c),
        }
    }
    text
}

/// Texts as the value of an array.
fn array(texts: &BTreeSet<&str>) -> String {
    let quoted = |text: &&str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    format!("[{}]", texts.iter().map(quoted).collect::<Vec<_>>().join(","))
}

/// The names of a table's columns.
pub(super) fn columns(table: &str) -> Statement {
    let mut statement = Statement::new();
    statement.say("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {name:String}");
    statement.set("name", table.to_owned());
    statement.rows()
}

/// How many rows each second has.
pub(super) fn counts(shelf: Shelf<'_>, from: Nanos, until: Nanos) -> Statement {
    let mut statement = Statement::new();
    statement.say("SELECT toString(intDiv(toUnixTimestamp64Nano(Timestamp), 1000000000) AS second) AS at_second");
    statement.say(", toString(count()) AS found");
    shelf.from(&mut statement);
    shelf.within(&mut statement, from, until);
    statement.say(" GROUP BY second ORDER BY second");
    statement.rows()
}

/// Rows from a place on, in order.
pub(super) fn page(shelf: Shelf<'_>, place: Place, until: Nanos, limit: usize) -> Statement {
    let mut statement = Statement::new();
    shelf.select(&mut statement);
    shelf.within(&mut statement, place.at, until);
    if place.hash > 0 {
        let columns = shelf.columns();
        statement.say(" AND (Timestamp > fromUnixTimestamp64Nano({from:Int64})");
        statement.say(&format!(" OR cityHash64({columns}) >= {{hash:UInt64}})"));
        statement.set("hash", place.hash.to_string());
    }
    statement.say(" ORDER BY Timestamp, toUInt64(row_hash)");
    statement.limit(limit)
}

/// Log events that are wanted, the newest first.
pub(super) fn logs(shelf: Shelf<'_>, wanted: &LogsWanted) -> Statement {
    let mut statement = Statement::new();
    shelf.select(&mut statement);
    shelf.within(&mut statement, wanted.from, wanted.until);
    statement.wanted_logs(wanted);
    statement.say(" ORDER BY Timestamp DESC, toUInt64(row_hash)");
    statement.limit(wanted.limit)
}

/// How many of them there are over time.
pub(super) fn volume(shelf: Shelf<'_>, wanted: &LogsWanted, pieces: usize) -> Statement {
    let mut statement = Statement::new();
    statement.say(
        "SELECT toString(least(intDiv(toInt128(toUnixTimestamp64Nano(Timestamp) - {from:Int64}) * {pieces:UInt32}",
    );
    statement.say(", {span:Int64}), {pieces:UInt32} - 1) AS place) AS piece");
    statement.say(", toString(countIf(SeverityNumber >= 17)) AS errors");
    statement.say(", toString(countIf(SeverityNumber >= 13 AND SeverityNumber < 17)) AS warnings");
    statement.say(", toString(countIf(SeverityNumber < 13)) AS others");
    shelf.from(&mut statement);
    shelf.within(&mut statement, wanted.from, wanted.until);
    statement.wanted_logs(wanted);
    statement.set("pieces", pieces.to_string());
    statement.set("span", wanted.until.saturating_sub(wanted.from.max(0)).max(1).to_string());
    statement.say(" GROUP BY place ORDER BY place");
    statement.rows()
}

/// The traces that have a span that is wanted.
pub(super) fn matched(shelf: Shelf<'_>, wanted: &TracesWanted) -> Statement {
    let mut statement = Statement::new();
    statement.say("SELECT TraceId AS trace, toString(max(toUnixTimestamp64Nano(Timestamp))) AS newest");
    statement.say(", toString(count()) AS matched");
    shelf.from(&mut statement);
    shelf.within(&mut statement, wanted.from, wanted.until);
    statement.say(" AND TraceId != ''");
    statement.service(wanted.service.as_ref());
    if let Some(operation) = &wanted.operation {
        statement.say(" AND positionCaseInsensitiveUTF8(SpanName, {operation:String}) > 0");
        statement.set("operation", operation.clone());
    }
    if wanted.took > 0 {
        statement.say(" AND toInt64(Duration) >= {took:Int64}");
        statement.set("took", wanted.took.to_string());
    }
    if wanted.failed {
        statement.say(" AND StatusCode IN ('Error', 'STATUS_CODE_ERROR')");
    }
    statement.attribute(wanted.attribute.as_ref(), "SpanAttributes");
    statement.say(" GROUP BY TraceId ORDER BY max(Timestamp) DESC, TraceId");
    statement.limit(wanted.limit)
}

/// One line for each of some traces.
pub(super) fn summaries(shelf: Shelf<'_>, traces: &BTreeSet<&str>, from: Nanos, until: Nanos) -> Statement {
    let mut statement = Statement::new();
    statement.say("SELECT TraceId AS trace");
    statement.say(", argMin(ServiceName, (ParentSpanId != '', Timestamp)) AS service");
    statement.say(", argMin(SpanName, (ParentSpanId != '', Timestamp)) AS name");
    statement.say(", toString(min(toUnixTimestamp64Nano(Timestamp))) AS start");
    statement.say(", toString(max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration))) AS end");
    statement.say(", toString(count()) AS spans");
    statement.say(", toString(countIf(StatusCode IN ('Error', 'STATUS_CODE_ERROR'))) AS failed");
    statement.say(&format!(", groupUniqArray({SERVICES_MAX})(ServiceName) AS services"));
    shelf.from(&mut statement);
    shelf.within(&mut statement, from, until);
    statement.say(" AND TraceId IN ({traces:Array(String)})");
    // The value of an array is read by itself, and quotes its texts by itself.
    statement.values.push(("traces", array(traces)));
    statement.say(" GROUP BY TraceId");
    statement.limit(traces.len())
}

/// The spans of one trace.
pub(super) fn trace(shelf: Shelf<'_>, trace: &str, limit: usize) -> Statement {
    let mut statement = Statement::new();
    shelf.select(&mut statement);
    statement.say(" WHERE TraceId = {trace:String}");
    statement.set("trace", trace.to_owned());
    statement.say(" ORDER BY Timestamp, SpanId");
    statement.limit(limit)
}
