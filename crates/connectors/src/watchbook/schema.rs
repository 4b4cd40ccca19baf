//! The JSON Schema of every kind of file, for editors. Made from the same shapes that read the files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::NAME_PATTERN;
use super::checks::CheckFile;
use super::files::{KINDS, Place};
use super::kinds::*;
use super::logs::LogsFile;
use super::shape::{Defs, Filled, Shape, Sort};
use super::sigma::SigmaFile;
use super::times::SpanFile;

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The JSON Schema of each kind of file, by the kind's name: that of `services.yaml` and of `services/*.yaml` is
/// `services`.
#[must_use]
pub fn schemas() -> BTreeMap<&'static str, Value> {
    KINDS.iter().map(|(name, place)| (*name, document(name, *place))).collect()
}

/// The JSON Schema of the watchbook as if it were one document: each kind under its name.
#[must_use]
pub fn schema() -> Value {
    let mut defs = Defs::new();
    let kinds: serde_json::Map<String, Value> =
        KINDS.iter().map(|(name, place)| ((*name).to_owned(), content(*place, &mut defs))).collect();
    json!({
        "$schema": DIALECT, "title": "A Watchkeeper watchbook", "type": "object",
        "properties": kinds, "required": ["watchkeeper"], "additionalProperties": false, "$defs": defs,
    })
}

fn document(name: &str, place: Place) -> Value {
    let mut defs = Defs::new();
    let mut schema = content(place, &mut defs);
    schema["$schema"] = DIALECT.into();
    schema["title"] = format!("Watchkeeper watchbook: {name}").into();
    schema["$defs"] = json!(defs);
    schema
}

fn content(place: Place, defs: &mut Defs) -> Value {
    match place {
        Place::Root => BookFile::schema(defs),
        Place::Routes => RoutesFile::schema(defs),
        Place::Logs => LogsFile::schema(defs),
        Place::Severity => Vec::<SeverityFile>::schema(defs),
        Place::Named(sort) => {
            let item = item(sort, defs);
            json!({ "type": "object", "propertyNames": { "pattern": NAME_PATTERN }, "additionalProperties": item })
        }
        Place::Handling => SigmaFile::schema(defs),
        Place::Template
        | Place::Access
        | Place::Prometheus
        | Place::Objectives
        | Place::Plugins
        | Place::Sigma(_)
        | Place::Scrape => json!({}),
    }
}

fn item(sort: Sort, defs: &mut Defs) -> Value {
    match sort {
        Sort::Service => ServiceFile::schema(defs),
        Sort::Team => TeamFile::schema(defs),
        Sort::Person => PersonFile::schema(defs),
        Sort::Schedule => ScheduleFile::schema(defs),
        Sort::Policy => PolicyFile::schema(defs),
        Sort::Channel => ChannelFile::schema(defs),
        Sort::Hook => HookFile::schema(defs),
        Sort::Rule => RuleFile::schema(defs),
        Sort::Check => CheckFile::schema(defs),
        Sort::Component => ComponentFile::schema(defs),
        Sort::Source => SourceFile::schema(defs),
        Sort::Interval => Filled::<SpanFile>::schema(defs),
        Sort::Template => json!({ "type": "string" }),
    }
}
