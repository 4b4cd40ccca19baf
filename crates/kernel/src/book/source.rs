//! Existing stores as data: where they are, how they are asked, over which of them rule files are evaluated, and whose log
//! events and spans rules look at. How they are asked is decided by `connectors::sources` and `connectors::clickhouse`, when
//! by `engine::ruler` and `engine::records`.

use std::num::NonZeroU8;

use super::SecretRef;
use crate::time::Seconds;

/// How long a source may take to answer where it says nothing.
pub const TIMEOUT: Seconds = Seconds(10);
/// How many questions are open at once where a source says nothing.
pub const AT_ONCE: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);
/// How often new rows are read where a source says nothing.
pub const EVERY: Seconds = Seconds(5);
/// How late a row may come where a source says nothing.
pub const LATENESS: Seconds = Seconds(60);
/// The longest lateness: what came in such a time is remembered, so that it is read once.
pub const LATENESS_MAX: Seconds = Seconds::hours(1);

/// An existing store that answers queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it speaks.
    pub kind: SourceKind,
    /// Where it is: for Prometheus' API what stands before `/api/v1/query`, for ClickHouse its HTTP interface.
    pub url: String,
    /// The name that the secret is the password of; without it, the secret is a bearer token, which ClickHouse does not take.
    pub user: Option<String>,
    /// The credential, by reference.
    pub secret: Option<SecretRef>,
    /// How long one answer may take.
    pub timeout: Seconds,
    /// How many questions are open at once.
    pub at_once: NonZeroU8,
    /// The rule files that are evaluated over it, by path within the watchbook; `*` stands for any text.
    pub rules: Vec<String>,
}

/// What a source speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// Prometheus' query API, as Prometheus, VictoriaMetrics, Mimir and Thanos have it.
    Prometheus,
    /// ClickHouse over HTTP, with the tables of OpenTelemetry's exporter.
    ClickHouse(Tables),
}

/// Tables of log events and spans, and how they are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The database that they are in.
    pub database: String,
    /// The name of the table of log events.
    pub logs: String,
    /// The name of the table of spans.
    pub traces: String,
    /// Which of them rules look at as rows come in. Both can be searched.
    pub follow: Vec<Table>,
    /// How often new rows are read.
    pub every: Seconds,
    /// How long after a row's own time it may come and still be read.
    pub lateness: Seconds,
}

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Log events.
    Logs,
    /// Spans.
    Traces,
}

impl Table {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Logs, Self::Traces];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
        }
    }
}

impl Tables {
    /// The name of a table in its database.
    #[must_use]
    pub fn name(&self, table: Table) -> &str {
        match table {
            Table::Logs => &self.logs,
            Table::Traces => &self.traces,
        }
    }
}

impl Source {
    /// Its tables of log events and spans, where it has some.
    #[must_use]
    pub fn tables(&self) -> Option<&Tables> {
        match &self.kind {
            SourceKind::Prometheus => None,
            SourceKind::ClickHouse(tables) => Some(tables),
        }
    }

    /// Whether the rule file of a path is evaluated over it.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        self.rules.iter().any(|pattern| fits(pattern, path))
    }
}

/// Whether a path fits a pattern in which `*` stands for any text. Of several stars only the last is tried again.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_text() {
        let table = [
            ("prometheus/node.yml", "prometheus/node.yml", true),
            ("prometheus/node.yml", "prometheus/other.yml", false),
            ("prometheus/mimir-*.yml", "prometheus/mimir-shop.yml", true),
            ("prometheus/mimir-*.yml", "prometheus/mimir-shop.yaml", false),
            ("*", "prometheus/a.yml", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("ab*ba", "aba", false),
        ];
        for (pattern, path, is) in table {
            assert_eq!(fits(pattern, path), is, "{pattern} {path}");
        }
    }
}
