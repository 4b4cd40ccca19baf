//! What a template computes with, and how it is typed, tested and printed.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::clock;

/// Go's name for the dot of a template.
pub(super) const DATA: &str =
    "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }";
/// Go's name for one series of an answer.
pub(super) const SAMPLE: &str = "*template.sample";

/// How deep values may be nested.
pub(super) const VALUE_DEPTH_MAX: usize = 32;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// There is none: a key that is not in a map of anything, or a command without one.
    Missing,
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// Nanoseconds.
    Duration(i64),
    /// Milliseconds since 1970.
    Time(i64),
    /// A native histogram, as it is printed.
    Histogram(Rc<str>),
    /// An answer to a query.
    List(Rc<Vec<Value>>),
    Map(Rc<Map>),
    Record(Rc<Record>),
}

/// Values by key.
#[derive(Debug)]
pub(super) struct Map {
    pub entries: BTreeMap<Rc<str>, Value>,
    /// Whether every value is a text, so that a missing one is the empty text.
    pub texts: bool,
    /// How deep maps are nested in it, this one included.
    pub depth: usize,
}

/// Values by fixed names.
#[derive(Debug)]
pub(super) struct Record {
    pub type_name: &'static str,
    pub fields: Vec<(&'static str, Value)>,
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// A map of texts; the last of two equal keys counts.
    pub fn texts(pairs: &[(String, String)]) -> Self {
        let entries = pairs.iter().map(|(key, value)| (key.as_str().into(), Self::text(value))).collect();
        Self::Map(Rc::new(Map { entries, texts: true, depth: 1 }))
    }

    pub fn record(type_name: &'static str, fields: Vec<(&'static str, Value)>) -> Self {
        Self::Record(Rc::new(Record { type_name, fields }))
    }

    /// One series of an answer.
    pub fn sample(labels: &[(String, String)], value: f64) -> Self {
        Self::record(SAMPLE, vec![("Labels", Self::texts(labels)), ("Value", Self::Float(value))])
    }

    /// Go's name for the value's type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Missing | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Duration(_) => "*time.Duration",
            Self::Time(_) => "*time.Time",
            Self::Histogram(_) => "*histogram.FloatHistogram",
            Self::List(_) => "template.queryResult",
            Self::Map(map) if map.texts => "map[string]string",
            Self::Map(_) => "map[string]interface {}",
            Self::Record(record) => record.type_name,
        }
    }

    /// Whether a condition with this value holds.
    pub fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Duration(_) | Self::Time(_) | Self::Histogram(_) | Self::Record(_) => true,
        }
    }

    /// A record's field or a map's entry; the error is Go's.
    pub fn field(&self, name: &str) -> Result<Self, String> {
        let unknown = || Err(format!("can't evaluate field {name} in type {}", self.type_name()));
        match self {
            Self::Missing => Ok(Self::Missing),
            Self::Nil => Err(format!("nil data; no entry for key {}", super::quote::quote(name))),
            Self::Map(map) => Ok(map.get(name)),
            Self::Record(record) => record
                .fields
                .iter()
                .find(|(known, _)| *known == name)
                .map_or_else(unknown, |(_, value)| Ok(value.clone())),
            _ => unknown(),
        }
    }

    /// The text that a value has by itself, as Go's `Stringer`.
    pub fn own_text(&self) -> Option<String> {
        match self {
            Self::Duration(nanos) => Some(clock::duration(*nanos)),
            Self::Time(millis) => Some(clock::time(*millis)),
            Self::Histogram(text) => Some(text.to_string()),
            _ => None,
        }
    }

    /// How deep maps are nested in it.
    pub fn depth(&self) -> usize {
        match self {
            Self::Map(map) => map.depth,
            Self::Record(_) => 2,
            Self::List(_) => 3,
            _ => 0,
        }
    }
}

impl Map {
    /// An entry, or what a missing one is.
    pub fn get(&self, key: &str) -> Value {
        let absent = || if self.texts { Value::text("") } else { Value::Missing };
        self.entries.get(key).cloned().unwrap_or_else(absent)
    }
}
