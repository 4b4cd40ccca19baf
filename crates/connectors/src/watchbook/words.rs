//! Values that are one of some known words, and names of things that are defined elsewhere.

use kernel::book::probe::{DnsRecord, HttpMethod};
use kernel::book::rules::OnBadRule;
use kernel::book::source::Table;
use kernel::book::{LogFinding, Reduce};
use kernel::{
    ChannelKind, ChannelName, IntervalName, Level, PersonName, PolicyName, Role, ScheduleName, ServiceName, TeamName,
};
use serde_json::json;

use super::rule;
use super::scalars::refuse;
use super::shape::{Defs, Reader, Shape, Sort};
use super::suggest;
use super::yaml::Node;

/// What a source speaks, as one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Prometheus' query API.
    Prometheus,
    /// ClickHouse's HTTP interface.
    ClickHouse,
}

/// Implements a shape for the words of an enum.
macro_rules! words {
    ($($kind:ty, $what:literal: $($word:literal => $value:expr),+;)*) => {$(
        impl Shape for $kind {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(node)?;
                match text {
                    $($word => Some($value),)+
                    other => {
                        let hint = suggest::hint(other, [$($word),+]).unwrap_or_default();
                        refuse(node, reader, &rule::WORD, format!("`{other}` is not {}", $what), &hint)
                    }
                }
            }

            fn schema(_: &mut Defs) -> serde_json::Value {
                json!({ "enum": [$($word),+] })
            }
        }
    )*};
}

words! {
    Reduce, "a way to make one number of a window": "last" => Self::Last, "mean" => Self::Mean, "min" => Self::Min,
        "max" => Self::Max, "rate" => Self::Rate;
    Spoken, "a kind of source": "prometheus" => Self::Prometheus, "clickhouse" => Self::ClickHouse;
    Table, "a table that is followed": "logs" => Self::Logs, "traces" => Self::Traces;
    ChannelKind, "a kind of channel": "email" => Self::Email, "webhook" => Self::Webhook, "ntfy" => Self::Ntfy,
        "slack" => Self::Slack, "matrix" => Self::Matrix;
    HttpMethod, "a method that a check asks with": "GET" => Self::Get, "HEAD" => Self::Head, "OPTIONS" => Self::Options,
        "POST" => Self::Post, "PUT" => Self::Put;
    DnsRecord, "a type of record that a check asks for": "A" => Self::A, "AAAA" => Self::Aaaa, "CNAME" => Self::Cname,
        "MX" => Self::Mx, "NS" => Self::Ns, "TXT" => Self::Txt, "SRV" => Self::Srv;
    OnBadRule, "what becomes of a watchbook with a bad rule": "refuse" => Self::Refuse,
        "load_the_rest" => Self::LoadTheRest;
    Level, "a level": "unknown" => Self::Unknown, "trace" => Self::Trace, "debug" => Self::Debug, "info" => Self::Info,
        "warning" => Self::Warning, "error" => Self::Error, "fatal" => Self::Fatal;
    LogFinding, "a finding in logs": "new" => Self::New, "more" => Self::More, "fewer" => Self::Fewer;
    Role, "a role": "viewer" => Self::Viewer, "responder" => Self::Responder, "commander" => Self::Commander,
        "communications" => Self::Communications, "auditor" => Self::Auditor, "administrator" => Self::Administrator;
}

/// Implements a shape for names that refer to something that must be defined.
macro_rules! references {
    ($($name:ty => $sort:ident;)*) => {$(
        impl Shape for $name {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.text(node)?;
                reader.defined(Sort::$sort, text, node.at)?;
                Self::new(text).ok()
            }

            fn schema(_: &mut Defs) -> serde_json::Value {
                json!({ "type": "string", "pattern": super::NAME_PATTERN })
            }
        }
    )*};
}

references! {
    ServiceName => Service;
    TeamName => Team;
    PersonName => Person;
    ScheduleName => Schedule;
    PolicyName => Policy;
    ChannelName => Channel;
    IntervalName => Interval;
}
