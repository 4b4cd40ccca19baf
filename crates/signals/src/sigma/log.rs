//! Log events as they come in by the doors, in the form that rules look at: fields with values, and the words of a log source.

use std::borrow::Cow;

use kernel::book::sigma::LogSource;
use kernel::{Attribute, Attributes, LogEvent};
use serde_json::{Map, Value};

use super::event::{Event, SOURCE_FIELDS};

/// The field that holds what an event says, where that is a text.
const MESSAGE: &str = "message";
/// The field that holds how bad an event is, in its source's word.
const LEVEL: &str = "level";
/// The fields that name a host, the most exact first.
const HOST_FIELDS: [&str; 7] = ["Computer", "host.name", "hostname", "Hostname", "HostName", "_HOSTNAME", "host"];
/// The scope of events that came by syslog.
const SYSLOG: &str = "syslog";

/// The words of the log sources of one event: product, service and category, each of which may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<[Cow<'static, str>; 3]>);

/// All that an event says, as one JSON object: where it comes from, its attributes, and what its body says, of which the
/// later wins. A body that is a JSON object, or the text of one, is taken apart.
pub(super) fn object(event: &LogEvent) -> Value {
    let mut fields = Map::new();
    put(&mut fields, &event.origin.resource);
    put(&mut fields, &event.attributes);
    match &event.body {
        Attribute::Map(body) => put(&mut fields, body),
        Attribute::Text(text) => match parsed(text) {
            Some(body) => fields.extend(body),
            None => drop(fields.insert(MESSAGE.to_owned(), Value::String(text.clone()))),
        },
        Attribute::Empty => {}
        other => drop(fields.insert(MESSAGE.to_owned(), value(other))),
    }
    if !event.severity_text.is_empty() && !fields.contains_key(LEVEL) {
        fields.insert(LEVEL.to_owned(), Value::String(event.severity_text.clone()));
    }
    Value::Object(fields)
}

fn put(fields: &mut Map<String, Value>, pairs: &Attributes) {
    fields.extend(pairs.iter().map(|(name, attribute)| (name.clone(), value(attribute))));
}

fn parsed(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    let is_object = text.starts_with('{') && text.ends_with('}');
    is_object.then(|| serde_json::from_str(text).ok()).flatten()
}

fn value(attribute: &Attribute) -> Value {
    match attribute {
        Attribute::Empty => Value::Null,
        Attribute::Text(text) => Value::String(text.clone()),
        Attribute::Bool(flag) => Value::Bool(*flag),
        Attribute::Int(number) => Value::from(*number),
        // Numbers that JSON does not have are no values.
        Attribute::Double(number) => Value::from(*number),
        Attribute::Bytes(_) => Value::String(attribute.to_string()),
        Attribute::List(values) => Value::Array(values.iter().map(value).collect()),
        Attribute::Map(pairs) => {
            Value::Object(pairs.iter().map(|(name, inner)| (name.clone(), value(inner))).collect())
        }
    }
}

/// The host that an event tells of.
pub(super) fn host(event: &Event<'_>) -> Option<String> {
    HOST_FIELDS.iter().find_map(|field| event.text(field)).map(Cow::into_owned)
}

impl Words {
    /// The words for an event: those of the first of `sources` that fits, else what its door and its resource tell. None
    /// where it says them itself.
    pub fn of(log: &LogEvent, event: &Event<'_>, sources: &[LogSource]) -> Self {
        if let Some(source) = sources.iter().find(|source| fits(source, event)) {
            let word = |word: &String| Cow::Owned(word.clone());
            return Self(vec![[word(&source.product), word(&source.service), word(&source.category)]]);
        }
        if SOURCE_FIELDS.iter().any(|field| event.values(field).next().is_some()) {
            return Self::default();
        }
        let of_resource =
            |name: &str| kernel::attribute::value_of(&log.origin.resource, name).and_then(Attribute::text);
        match of_resource("os.type") {
            _ if log.origin.scope == SYSLOG => Self::of_syslog(log.origin.service(), of_resource("syslog.facility")),
            Some(system) => Self(vec![[product(system), Cow::Owned(log.origin.service().to_lowercase()), "".into()]]),
            None => Self::default(),
        }
    }

    /// What comes by syslog is taken for Linux: the program is a service, and so are the logs that its facility is kept in.
    fn of_syslog(program: &str, facility: Option<&str>) -> Self {
        let program = match program.to_lowercase() {
            listener if listener.starts_with("sshd-") => "sshd".to_owned(),
            program => program,
        };
        let kept_in = match facility {
            Some("auth" | "authpriv") => "auth",
            Some("cron") => "cron",
            _ => "",
        };
        let service = |service: Cow<'static, str>| ["linux".into(), service, "".into()];
        Self(vec![service(program.into()), service(kept_in.into()), service(SYSLOG.into())])
    }

    /// The event with these words.
    pub fn tell<'a>(&'a self, event: Event<'a>) -> Event<'a> {
        self.0.iter().fold(event, |event, [product, service, category]| event.from_source(product, service, category))
    }
}

/// OpenTelemetry's word for a system as Sigma's word for a product.
fn product(system: &str) -> Cow<'static, str> {
    match system {
        "darwin" => Cow::Borrowed("macos"),
        other => Cow::Owned(other.to_lowercase()),
    }
}

fn fits(source: &LogSource, event: &Event<'_>) -> bool {
    let is = |field: &str, wanted: &str| {
        event.values(field).any(|value| value.text().is_some_and(|text| text.eq_ignore_ascii_case(wanted)))
    };
    !source.when.is_empty() && source.when.iter().all(|(field, wanted)| is(field, wanted))
}
