//! The one way a value is read: a [`Shape`] knows how it is written, reads itself from a node and describes itself for
//! editors. [`shape!`] makes one from the keys of a map, so that reading, schema and documentation cannot disagree.
//! A shape that cannot be read has left a note; its neighbours are read all the same, so that all notes come at once.

use std::collections::{BTreeMap, BTreeSet};

use kernel::ChannelKind;
use serde_json::json;

use super::finding::{Note, Spot};
use super::rule::{self, Rule};
use super::suggest;
use super::yaml::{Key, Node, Value};

/// The named shapes of a schema, by name.
pub(crate) type Defs = BTreeMap<&'static str, serde_json::Value>;

/// Something that can stand in a file.
pub(crate) trait Shape: Sized {
    /// Reads a node; `None` after a note.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;

    /// What it is when its key is not given; `None` when the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// Its JSON Schema; named shapes are put into `defs` and referred to.
    fn schema(defs: &mut Defs) -> serde_json::Value;
}

/// What can be named in a watchbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    Service,
    Team,
    Person,
    Schedule,
    Policy,
    Channel,
    Hook,
    Rule,
    Check,
    Component,
    Source,
    Interval,
    Template,
}

impl Sort {
    /// What people call one.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Team => "team",
            Self::Person => "person",
            Self::Schedule => "schedule",
            Self::Policy => "policy",
            Self::Channel => "channel",
            Self::Hook => "hook",
            Self::Rule => "rule",
            Self::Check => "check",
            Self::Component => "component",
            Self::Source => "source",
            Self::Interval => "time interval",
            Self::Template => "template",
        }
    }
}

/// Every name that is defined, and where; known before anything else is read.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By sort and name, the place of the definition.
    pub spots: BTreeMap<Sort, BTreeMap<String, Spot>>,
    /// The sorts of which a file could not be read, so that a missing name proves nothing.
    pub unsure: BTreeSet<Sort>,
}

impl Names {
    /// Where a name is defined.
    pub fn spot(&self, sort: Sort, name: &str) -> Option<Spot> {
        self.spots.get(&sort)?.get(name).copied()
    }
}

/// What reading needs beside the node.
pub(crate) struct Reader<'a> {
    pub names: &'a Names,
    pub notes: &'a mut Vec<Note>,
    /// What each channel speaks, once channels have been read.
    pub channels: BTreeMap<String, ChannelKind>,
}

impl Reader<'_> {
    /// Writes a note.
    pub fn note(&mut self, at: Spot, rule: &'static Rule, message: impl Into<String>) {
        self.notes.push(Note { at, rule, message: message.into(), hint: None });
    }

    /// Writes a note with a way out.
    pub fn note_hint(&mut self, at: Spot, rule: &'static Rule, message: impl Into<String>, hint: impl Into<String>) {
        self.notes.push(Note { at, rule, message: message.into(), hint: Some(hint.into()) });
    }

    /// The text of a scalar that is not empty.
    pub fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        if node.is_null() {
            self.note_hint(node.at, &rule::WRONG_FORM, "there is no value", "give one, or remove the key");
            return None;
        }
        match &node.value {
            Value::Text { text, .. } => Some(text),
            other => self.wrong(node, other, "a text"),
        }
    }

    /// The items of a list.
    pub fn list<'n>(&mut self, node: &'n Node) -> Option<&'n [Node]> {
        match &node.value {
            Value::List(items) => Some(items),
            other => self.wrong(node, other, "a list, such as [one, two]"),
        }
    }

    /// The entries of a map.
    pub fn map<'n>(&mut self, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            other => self.wrong(node, other, "a map, such as key: value"),
        }
    }

    fn wrong<T>(&mut self, node: &Node, found: &Value, wanted: &str) -> Option<T> {
        let found = match found {
            Value::Broken => return None,
            Value::Text { .. } if node.is_null() => "nothing",
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        };
        self.note(node.at, &rule::WRONG_FORM, format!("here must be {wanted}, not {found}"));
        None
    }

    /// The entries of a map with these keys; other keys are noted.
    pub fn keys<'n>(&mut self, node: &'n Node, known: &[&'static str]) -> Option<&'n [(Key, Node)]> {
        let entries = self.map(node)?;
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&&*key.text)) {
            let free = known.iter().filter(|name| entries.iter().all(|(other, _)| other.text != **name));
            let hint = suggest::hint(&key.text, free.copied());
            let message = format!("there is no key `{}` here", key.text);
            self.notes.push(Note { at: key.at, rule: &rule::UNKNOWN_KEY, message, hint });
        }
        Some(entries)
    }

    /// The value of one key, or what stands for it when it is absent.
    pub fn field<T: Shape>(&mut self, node: &Node, entries: &[(Key, Node)], name: &str) -> Option<T> {
        if let Some((_, value)) = entries.iter().find(|(key, _)| key.text == name) {
            return T::read(value, self);
        }
        let absent = T::absent();
        if absent.is_none() {
            let at = Spot { width: 1, ..node.at };
            self.note_hint(at, &rule::MISSING_KEY, format!("`{name}` is missing"), format!("add `{name}:`"));
        }
        absent
    }

    /// Whether a name is defined; notes it when it is not.
    pub fn defined(&mut self, sort: Sort, name: &str, at: Spot) -> Option<()> {
        let known = self.names.spots.get(&sort);
        if self.names.unsure.contains(&sort) || known.is_some_and(|known| known.contains_key(name)) {
            return Some(());
        }
        let candidates = known.into_iter().flat_map(BTreeMap::keys).map(String::as_str);
        let hint = suggest::hint(name, candidates);
        let message = format!("there is no {} `{name}`", sort.noun());
        self.notes.push(Note { at, rule: &rule::UNKNOWN_NAME, message, hint });
        None
    }
}

impl<T: Shape> Shape for Option<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        T::schema(defs)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        // Every item is read before any failure counts, so that each leaves its note.
        let items: Vec<Option<T>> = reader.list(node)?.iter().map(|item| T::read(item, reader)).collect();
        items.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "type": "array", "items": T::schema(defs) })
    }
}

/// A list with at least one item.
#[derive(Debug)]
pub(crate) struct Filled<T>(pub Vec<T>);

impl<T: Shape> Shape for Filled<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let items = Vec::read(node, reader)?;
        if items.is_empty() {
            reader.note(node.at, &rule::EMPTY, "this list must have at least one item");
            return None;
        }
        Some(Self(items))
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        json!({ "type": "array", "items": T::schema(defs), "minItems": 1 })
    }
}

/// A value together with its place.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    pub at: Spot,
    pub value: T,
}

impl<T: Shape> Shape for Placed<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(|value| Self { at: node.at, value })
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        T::schema(defs)
    }
}

/// The schema of a map with fixed keys: name, description, whether it is required, and schema of each.
pub(crate) fn object(about: &str, keys: Vec<(&str, String, bool, serde_json::Value)>) -> serde_json::Value {
    let required: Vec<&str> = keys.iter().filter(|(_, _, required, _)| *required).map(|(key, ..)| *key).collect();
    let described = |(key, doc, _, mut schema): (&str, String, bool, serde_json::Value)| {
        schema["description"] = doc.into();
        (key.to_owned(), schema)
    };
    let properties: serde_json::Map<_, _> = keys.into_iter().map(described).collect();
    json!({
        "type": "object", "description": about, "properties": properties,
        "required": required, "additionalProperties": false,
    })
}

/// Defines a shape by its keys. Each key has its documentation, which is also its description in the schema.
macro_rules! shape {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $doc:literal])+ $key:literal $field:ident: $kind:ty,)* }) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name { $($(#[doc = $doc])+ pub $field: $kind,)* }

        impl $crate::watchbook::shape::Shape for $name {
            fn read(
                node: &$crate::watchbook::yaml::Node,
                reader: &mut $crate::watchbook::shape::Reader<'_>,
            ) -> Option<Self> {
                let entries = reader.keys(node, &[$($key),*])?;
                $(let $field = reader.field::<$kind>(node, entries, $key);)*
                Some(Self { $($field: $field?,)* })
            }

            fn schema(defs: &mut $crate::watchbook::shape::Defs) -> serde_json::Value {
                const NAME: &str = stringify!($name);
                // A shape that holds itself must find itself defined.
                if !defs.contains_key(NAME) {
                    defs.insert(NAME, serde_json::Value::Null);
                    let keys = vec![$((
                        $key,
                        [$($doc),+].concat().trim().to_owned(),
                        <$kind as $crate::watchbook::shape::Shape>::absent().is_none(),
                        <$kind as $crate::watchbook::shape::Shape>::schema(defs),
                    )),*];
                    let about = [$($about),+].concat();
                    defs.insert(NAME, $crate::watchbook::shape::object(about.trim(), keys));
                }
                serde_json::json!({ "$ref": format!("#/$defs/{NAME}") })
            }
        }
    };
}
pub(crate) use shape;
