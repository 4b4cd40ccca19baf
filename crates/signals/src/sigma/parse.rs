//! Events straight from JSON text: what [`Event::new`] makes of a value, without the value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::event::{EVENT_DEPTH_MAX, Event, Field, Scalar};

/// A line that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not JSON: {0}")]
pub struct EventError(String);

impl<'a> Event<'a> {
    /// The event that a JSON text tells of. A key that stands twice gives its field both values.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, EventError> {
        let mut reader = Reader { event: Self::default(), is_windows: false };
        let mut json = serde_json::Deserializer::from_str(text);
        let read = json.deserialize_any(Top(&mut reader)).and_then(|()| json.end());
        read.map_err(|error| EventError(error.to_string()))?;
        if !reader.is_windows {
            return Ok(reader.event);
        }
        // The nested form of Windows is seldom, and its names depend on what stands beside them.
        let value: Value = serde_json::from_str(text).map_err(|error| EventError(error.to_string()))?;
        Ok(Event::new(&value).into_owned())
    }

    /// The same event, holding all its texts itself.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        let owned = |field: Field<'_>| Field {
            name: Cow::Owned(field.name.into_owned()),
            value: match field.value {
                Scalar::Null => Scalar::Null,
                Scalar::Bool(flag) => Scalar::Bool(flag),
                Scalar::Number(number) => Scalar::Number(Cow::Owned(number.into_owned())),
                Scalar::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
            },
        };
        Event { fields: self.fields.into_iter().map(owned).collect(), cut: self.cut }
    }
}

/// What was read so far.
struct Reader<'a> {
    event: Event<'a>,
    /// Whether it is in the nested form of Windows.
    is_windows: bool,
}

/// Reads the outermost value. Anything but an object is an event without fields.
struct Top<'r, 'a>(&'r mut Reader<'a>);

/// Reads the value of a field.
struct Inner<'r, 'a> {
    reader: &'r mut Reader<'a>,
    name: Cow<'a, str>,
    depth: usize,
}

/// Reads a key.
struct Key;

impl<'a> Visitor<'a> for Top<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an event")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Key)? {
            map.next_value_seed(Inner { reader: self.0, name, depth: 0 })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for Inner<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        let event = &mut self.reader.event;
        if self.depth >= EVENT_DEPTH_MAX || event.cut {
            event.cut = true;
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'a> Inner<'_, 'a> {
    fn push<E>(self, value: Scalar<'a>) -> Result<(), E> {
        self.reader.event.push(self.name, value);
        Ok(())
    }

    fn number<E>(self, number: Number) -> Result<(), E> {
        self.push(Scalar::Number(Cow::Owned(number)))
    }
}

impl<'a> Visitor<'a> for Inner<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(Scalar::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.push(Scalar::Bool(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        match Number::from_f64(number) {
            Some(number) => self.number(number),
            None => self.push(Scalar::Null),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.push(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<(), E> {
        self.push(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { reader, name, depth } = self;
        while seq.next_element_seed(Inner { reader, name: name.clone(), depth: depth + 1 })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { reader, name, depth } = self;
        while let Some(key) = map.next_key_seed(Key)? {
            reader.is_windows |= depth == 0 && name == "Event" && key == "System";
            let name = Cow::Owned(format!("{name}.{key}"));
            map.next_value_seed(Inner { reader, name, depth: depth + 1 })?;
        }
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
}
