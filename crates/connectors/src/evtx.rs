//! Windows event logs as files (EVTX), read as events with flat fields.
//!
//! The names are those that Sysmon and the Sigma rules use: `EventID`, `Channel`, `Computer`, `Provider_Name` and the
//! other parts of `System`, and the names of the event's own data. A record that cannot be read is skipped and told of.

use std::collections::BTreeMap;
use std::sync::Arc;

use evtx::{EvtxParser, ParserSettings};
use kernel::{Attribute, LogEvent, Nanos, Origin};
use serde_json::{Map, Value};

use crate::lines::{attribute, instant, origin_of, text_of};

/// The most bytes of one file.
pub const EVTX_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// The most events that are read of one file.
pub const EVTX_EVENTS_MAX: u64 = 10_000_000;
/// How many skipped records are told of one by one; the others are only counted.
pub const EVTX_SKIPPED_NAMED_MAX: usize = 20;

/// The keys of attributes and of the text beside them.
const ATTRIBUTES: &str = "#attributes";
const TEXT: &str = "#text";

/// A file that is no event log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvtxError {
    /// It is larger than [`EVTX_BYTES_MAX`].
    #[error("the file has {0} bytes, limit {EVTX_BYTES_MAX}: export it in parts")]
    TooLarge(usize),
    /// It does not begin as an event log does, or its parts do not fit together.
    #[error("this is not a Windows event log (EVTX): {0}")]
    NotEvtx(String),
}

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvtxSummary {
    /// How many events.
    pub events: u64,
    /// How many records could not be read.
    pub skipped: u64,
    /// Why not, for the first of them.
    pub reasons: Vec<String>,
    /// Whether [`EVTX_EVENTS_MAX`] was reached and the rest was left.
    pub cut: bool,
}

impl EvtxSummary {
    fn skip(&mut self, reason: String) {
        self.skipped += 1;
        if self.reasons.len() < EVTX_SKIPPED_NAMED_MAX {
            self.reasons.push(reason);
        }
    }
}

/// Reads a file and hands on each of its events, the oldest first. A part of 64 KiB is in memory at a time.
///
/// # Errors
/// When it is not an event log. Records that are broken are skipped.
pub fn read(bytes: Vec<u8>, mut each: impl FnMut(Map<String, Value>)) -> Result<EvtxSummary, EvtxError> {
    if bytes.len() > EVTX_BYTES_MAX {
        return Err(EvtxError::TooLarge(bytes.len()));
    }
    let parser = EvtxParser::from_buffer(bytes).map_err(|error| EvtxError::NotEvtx(error.to_string()))?;
    let mut parser = parser.with_configuration(ParserSettings::new().indent(false));
    let mut summary = EvtxSummary::default();
    for record in parser.records_json_value() {
        if summary.events + summary.skipped >= EVTX_EVENTS_MAX {
            summary.cut = true;
            break;
        }
        match record.map(|record| (record.event_record_id, flat(record.data))) {
            Ok((_, Some(event))) => {
                summary.events += 1;
                each(event);
            }
            Ok((id, None)) => summary.skip(format!("record {id} has no System")),
            Err(error) => summary.skip(error.to_string()),
        }
    }
    Ok(summary)
}

/// Reads a file as log events. Fields become attributes under their flat names; the computer is the host. `service` names
/// whose events they are, `received` stands in for a time that is missing.
///
/// # Errors
/// When it is not an event log. Records that are broken are skipped.
pub fn log_events(bytes: Vec<u8>, service: &str, received: Nanos) -> Result<(Vec<LogEvent>, EvtxSummary), EvtxError> {
    let mut origins: BTreeMap<String, Arc<Origin>> = BTreeMap::new();
    let mut events = Vec::new();
    let summary = read(bytes, |fields| {
        let host = fields.get("Computer").map(text_of).unwrap_or_default();
        let origin = origins.entry(host).or_insert_with_key(|host| Arc::new(on_host(service, host)));
        events.push(LogEvent { origin: Arc::clone(origin), ..log_event(fields, received) });
    })?;
    Ok((events, summary))
}

fn on_host(service: &str, host: &str) -> Origin {
    let mut origin = origin_of(service);
    if !host.is_empty() {
        origin.resource.push(("host.name".to_owned(), Attribute::Text(host.to_owned())));
    }
    origin
}

/// The message of an event stands in the provider's files and not in the log, so the body says where it was written and
/// which one it is.
fn log_event(fields: Map<String, Value>, received: Nanos) -> LogEvent {
    let text = |name: &str| fields.get(name).map(text_of).unwrap_or_default();
    let (severity, word) = level(fields.get("Level").and_then(Value::as_u64));
    LogEvent {
        at: fields.get("TimeCreated_SystemTime").and_then(instant).unwrap_or(received),
        observed: received,
        severity,
        severity_text: word.to_owned(),
        body: Attribute::Text(format!("{} {}", text("Channel"), text("EventID")).trim().to_owned()),
        attributes: fields.into_iter().map(|(name, value)| (name, attribute(value))).collect(),
        ..LogEvent::default()
    }
}

/// How bad the levels of Windows are, as OpenTelemetry counts.
fn level(level: Option<u64>) -> (u8, &'static str) {
    match level {
        Some(1) => (18, "critical"),
        Some(2) => (17, "error"),
        Some(3) => (13, "warning"),
        Some(0 | 4) => (9, "information"),
        Some(5) => (5, "verbose"),
        _ => (0, ""),
    }
}

/// The flat form of a record.
fn flat(mut record: Value) -> Option<Map<String, Value>> {
    let mut event = record.get_mut("Event").map(Value::take)?;
    let Value::Object(system) = event.get_mut("System").map(Value::take)? else { return None };
    let mut fields = Map::new();
    for (name, value) in system {
        match value {
            Value::Object(element) => part(&mut fields, &name, element),
            value => add(&mut fields, name, value),
        }
    }
    if let Some(Value::Object(named)) = event.get_mut("EventData").map(Value::take) {
        data(&mut fields, named);
    }
    // The data of some providers stands one level deeper, below a name of their own.
    if let Some(Value::Object(wrapped)) = event.get_mut("UserData").map(Value::take) {
        for named in wrapped
            .into_iter()
            .filter_map(|(_, value)| if let Value::Object(named) = value { Some(named) } else { None })
        {
            data(&mut fields, named);
        }
    }
    Some(fields)
}

/// An element of `System`: its text under its name, its attributes as `Element_Attribute`.
fn part(fields: &mut Map<String, Value>, name: &str, mut element: Map<String, Value>) {
    if let Some(Value::Object(attributes)) = element.remove(ATTRIBUTES) {
        attributes.into_iter().for_each(|(attribute, value)| add(fields, format!("{name}_{attribute}"), value));
    }
    if let Some(text) = element.remove(TEXT) {
        add(fields, name.to_owned(), text);
    }
}

fn data(fields: &mut Map<String, Value>, named: Map<String, Value>) {
    for (name, value) in named.into_iter().filter(|(name, _)| name != ATTRIBUTES) {
        let value = match value {
            Value::Object(mut element) if element.contains_key(TEXT) => element.remove(TEXT).unwrap_or_default(),
            value => value,
        };
        // Rules write the names of data without spaces.
        if name.contains(' ') {
            add(fields, name.replace(' ', ""), value.clone());
        }
        add(fields, name, value);
    }
}

/// Adds a field. What was there under the same name stays, as another value of it.
fn add(fields: &mut Map<String, Value>, name: String, value: Value) {
    match fields.get_mut(&name) {
        None => drop(fields.insert(name, value)),
        Some(Value::Array(values)) => values.push(value),
        Some(known) => *known = Value::Array(vec![known.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn system_and_data_become_flat_fields() {
        let record = json!({"Event": {
            "#attributes": {"xmlns": "x"},
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
                "EventID": {"#attributes": {"Qualifiers": 1}, "#text": 7036},
                "Channel": "System",
                "Correlation": null
            },
            "EventData": {"#attributes": {"Name": "n"}, "Threat Name": "EICAR", "Data": {"#text": ["a", "b"]}},
            "UserData": {"Wrapped": {"#attributes": {"xmlns": "y"}, "Param1": 1}}
        }});
        let wanted = json!({
            "Provider_Name": "Microsoft-Windows-Sysmon", "EventID_Qualifiers": 1, "EventID": 7036, "Channel": "System",
            "Correlation": null, "ThreatName": "EICAR", "Threat Name": "EICAR", "Data": ["a", "b"], "Param1": 1
        });
        assert_eq!(flat(record).map(Value::Object), Some(wanted));
    }

    #[test]
    fn a_name_in_both_parts_has_both_values() {
        let record = json!({"Event": {"System": {"Task": 1}, "EventData": {"Task": "copy"}}});
        assert_eq!(flat(record).map(Value::Object), Some(json!({"Task": [1, "copy"]})));
    }

    #[test]
    fn fields_become_a_log_event() {
        let fields = json!({
            "EventID": 4625, "Channel": "Security", "Level": 2, "Computer": "dc1",
            "TimeCreated_SystemTime": "2026-01-05T09:00:00.5Z", "TargetUserName": "anna"
        });
        let Value::Object(fields) = fields else { panic!("an object") };
        let event = log_event(fields, 7);
        assert_eq!((event.at, event.observed), (1_767_603_600_500_000_000, 7));
        assert_eq!((event.severity, event.severity_text.as_str()), (17, "error"));
        assert_eq!(event.body, Attribute::Text("Security 4625".to_owned()));
        assert!(event.attributes.contains(&("TargetUserName".to_owned(), Attribute::Text("anna".to_owned()))));
        let Value::Object(none) = json!({}) else { panic!("an object") };
        assert_eq!((log_event(none, 7).at, on_host("", "").resource.len()), (7, 0));
    }

    #[test]
    fn what_is_no_event_log_is_refused() {
        assert!(matches!(read(b"no".to_vec(), |_| ()), Err(EvtxError::NotEvtx(_))));
        assert!(matches!(read(Vec::new(), |_| ()), Err(EvtxError::NotEvtx(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..70_000), signed: bool) {
            if signed {
                let start = b"ElfFile\0".iter().chain([0; 32].iter());
                bytes.iter_mut().zip(start).for_each(|(byte, wanted)| *byte = *wanted);
            }
            let _ = read(bytes, |_| ());
        }
    }
}
