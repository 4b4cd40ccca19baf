//! A log event as fields with values: what rules look at.
//!
//! Nested objects become fields with dotted names, each element of a list becomes a value of its field. Windows events
//! in their nested form (`Event.System`, `Event.EventData`, `Event.UserData`) get the flat names that rules use:
//! `EventID`, `Channel`, `Provider_Name`, and the names of the event's own data.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use super::clock;

/// The most values that one event may have; more are left out, and [`Event::is_cut`] says so.
pub const EVENT_VALUES_MAX: usize = 4000;
/// How deep an event may be nested; what lies deeper is left out, and [`Event::is_cut`] says so.
pub const EVENT_DEPTH_MAX: usize = 32;

/// The fields under which [`Event::from_source`] keeps what is known about where an event comes from.
pub const SOURCE_FIELDS: [&str; 3] = ["logsource.product", "logsource.service", "logsource.category"];

/// The fields that tell when an event happened, the most exact first. What tells when it was read comes last.
const TIME_FIELDS: [&str; 10] = [
    "TimeCreated_SystemTime",
    "UtcTime",
    "EventTime",
    "eventTime",
    "time",
    "ts",
    "timestamp",
    "TimeCreated",
    "published",
    "@timestamp",
];

/// The key of XML attributes, and the key of the text beside them, in JSON made of XML.
const ATTRIBUTES: &str = "#attributes";
const TEXT: &str = "#text";

/// One value of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// The field is there and holds nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Cow<'a, Number>),
    /// A text.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The value as text; nothing for null.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => None,
            Self::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Self::Number(number) => Some(Cow::Owned(number_text(number))),
            Self::Text(text) => Some(Cow::Borrowed(text)),
        }
    }

    /// The value as a number, also when it was written as text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Null | Self::Bool(_) => None,
            Self::Number(number) => number.as_f64(),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }
}

/// The largest magnitude up to which each whole number has a form of its own in 64-bit floating point.
const WHOLE_MAX: f64 = 9e15;

/// A number as text. Whole numbers have one form only, so that `5` and `5.0` are the same.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// A floating-point number in the same form.
pub(super) fn float_text(float: f64) -> String {
    if float.fract() == 0.0 && float.abs() <= WHOLE_MAX { format!("{float:.0}") } else { float.to_string() }
}

/// A field's name and one of its values.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub name: Cow<'a, str>,
    pub value: Scalar<'a>,
}

/// A log event.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    pub(super) fields: Vec<Field<'a>>,
    pub(super) cut: bool,
}

impl<'a> Event<'a> {
    /// The event that a JSON object tells of. Anything but an object is an event without fields.
    #[must_use]
    pub fn new(value: &'a Value) -> Self {
        let mut event = Self::default();
        let Value::Object(object) = value else { return event };
        match object.get("Event") {
            Some(Value::Object(windows)) if windows.contains_key("System") => event.windows(windows),
            _ => object.iter().for_each(|(name, value)| event.value(Cow::Borrowed(name), value, 0)),
        }
        event
    }

    /// This event with what is known about its source: the words of a rule's `logsource`.
    #[must_use]
    pub fn from_source(mut self, product: &'a str, service: &'a str, category: &'a str) -> Self {
        for (name, word) in SOURCE_FIELDS.into_iter().zip([product, service, category]) {
            if !word.is_empty() {
                self.push(Cow::Borrowed(name), Scalar::Text(Cow::Borrowed(word)));
            }
        }
        self
    }

    /// Whether a part of the event was left out because of its size.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The values of a field, in the order in which they stand.
    pub fn values<'s>(&'s self, field: &'s str) -> impl Iterator<Item = &'s Scalar<'a>> {
        self.fields.iter().filter(move |known| known.name == field).map(|known| &known.value)
    }

    /// The first value of a field as text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        self.fields.iter().filter(|known| known.name == field).find_map(|known| known.value.text())
    }

    /// When it happened, as the first of its usual fields for that tells.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        TIME_FIELDS.iter().find_map(|field| self.values(field).find_map(clock::moment))
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: Scalar<'a>) {
        if self.fields.len() < EVENT_VALUES_MAX {
            self.fields.push(Field { name, value });
        } else {
            self.cut = true;
        }
    }

    fn object(&mut self, prefix: &str, object: &'a Map<String, Value>, depth: usize) {
        for (key, value) in object {
            self.value(Cow::Owned(format!("{prefix}.{key}")), value, depth);
        }
    }

    fn value(&mut self, name: Cow<'a, str>, value: &'a Value, depth: usize) {
        if depth >= EVENT_DEPTH_MAX || self.cut {
            self.cut = true;
            return;
        }
        match value {
            Value::Null => self.push(name, Scalar::Null),
            Value::Bool(flag) => self.push(name, Scalar::Bool(*flag)),
            Value::Number(number) => self.push(name, Scalar::Number(Cow::Borrowed(number))),
            Value::String(text) => self.push(name, Scalar::Text(Cow::Borrowed(text))),
            Value::Array(items) => items.iter().for_each(|item| self.value(name.clone(), item, depth + 1)),
            Value::Object(object) => self.object(&name, object, depth + 1),
        }
    }

    fn windows(&mut self, event: &'a Map<String, Value>) {
        if let Some(Value::Object(system)) = event.get("System") {
            system.iter().for_each(|(name, value)| self.system(name, value));
        }
        if let Some(Value::Object(data)) = event.get("EventData") {
            self.data(data);
        }
        // The data of some providers stands one level deeper, below a name of their own.
        let wrapped = event.get("UserData").and_then(Value::as_object).into_iter().flat_map(Map::values);
        wrapped.filter_map(Value::as_object).for_each(|data| self.data(data));
        let others = ["System", "EventData", "UserData", ATTRIBUTES];
        for (name, value) in event.iter().filter(|(name, _)| !others.contains(&name.as_str())) {
            self.value(Cow::Borrowed(name), value, 1);
        }
    }

    /// An element of `System`: its text under its name, its attributes as `Element_Attribute`.
    fn system(&mut self, name: &'a str, value: &'a Value) {
        let Value::Object(object) = value else {
            return self.value(Cow::Borrowed(name), value, 1);
        };
        let (attributes, of) = match name.strip_suffix("_attributes") {
            Some(element) => (Some(object), element),
            None => (object.get(ATTRIBUTES).and_then(Value::as_object), name),
        };
        for (attribute, value) in attributes.into_iter().flatten() {
            self.value(Cow::Owned(format!("{of}_{attribute}")), value, 1);
        }
        if let Some(text) = object.get(TEXT) {
            self.value(Cow::Borrowed(name), text, 1);
        }
    }

    /// Named data. A name with spaces counts without them too, as rules write it.
    fn data(&mut self, data: &'a Map<String, Value>) {
        for (name, value) in data.iter().filter(|(name, _)| *name != ATTRIBUTES && !name.ends_with("_attributes")) {
            let value = value.as_object().and_then(|object| object.get(TEXT)).unwrap_or(value);
            if name.contains(' ') {
                self.value(Cow::Owned(name.replace(' ', "")), value, 1);
            }
            self.value(Cow::Borrowed(name), value, 1);
        }
    }
}
