//! Values that monitoring data carry: what OpenTelemetry calls attributes. Typed as they came, so that they can be shown
//! and searched as they came.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value of an attribute, or the body of a log event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub enum Attribute {
    /// Nothing: the sender named it and gave no value.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Attribute>),
    /// Named values, in the order in which they came.
    Map(Attributes),
}

/// Named values, in the order in which they came.
pub type Attributes = Vec<(String, Attribute)>;

impl Attribute {
    /// The text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Calls `each` with every text in it, at any depth, names of maps included.
    pub fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        match self {
            Self::Text(text) => each(text),
            Self::List(values) => values.iter().for_each(|value| value.texts(each)),
            Self::Map(pairs) => texts_of(pairs, each),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Bytes(_) => {}
        }
    }

    /// Replaces every text in it, at any depth. Names of maps stay.
    pub fn rewrite(&mut self, with: &mut dyn FnMut(&mut String)) {
        match self {
            Self::Text(text) => with(text),
            Self::List(values) => values.iter_mut().for_each(|value| value.rewrite(with)),
            Self::Map(pairs) => pairs.iter_mut().for_each(|(_, value)| value.rewrite(with)),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Bytes(_) => {}
        }
    }
}

/// Calls `each` with every name and text of named values.
pub fn texts_of<'a>(pairs: &'a Attributes, each: &mut dyn FnMut(&'a str)) {
    for (name, value) in pairs {
        each(name);
        value.texts(each);
    }
}

/// The value of a name; the first one where it stands twice.
#[must_use]
pub fn value_of<'a>(pairs: &'a Attributes, name: &str) -> Option<&'a Attribute> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

impl fmt::Display for Attribute {
    /// As people read it: a text without quotes; lists and maps as JSON would have them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::List(values) => {
                f.write_str("[")?;
                for (i, value) in values.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    quoted(value, f)?;
                }
                f.write_str("]")
            }
            Self::Map(pairs) => {
                f.write_str("{")?;
                for (i, (name, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{name:?}: ", if i == 0 { "" } else { ", " })?;
                    quoted(value, f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(value: &Attribute, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Attribute::Text(text) => write!(f, "{text:?}"),
        Attribute::Empty => f.write_str("null"),
        other => write!(f, "{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested() -> Attribute {
        let inner = vec![("b".to_owned(), Attribute::Int(2)), ("c".to_owned(), Attribute::Text("x".into()))];
        Attribute::List(vec![Attribute::Bool(true), Attribute::Map(inner), Attribute::Empty])
    }

    #[test]
    fn values_are_written_as_people_read_them() {
        assert_eq!(nested().to_string(), r#"[true, {"b": 2, "c": "x"}, null]"#);
        assert_eq!(Attribute::Text("a \"b\"".into()).to_string(), "a \"b\"");
        assert_eq!(Attribute::Bytes(vec![0, 255]).to_string(), "00ff");
    }

    #[test]
    fn texts_are_found_and_rewritten_at_any_depth() {
        let mut value = nested();
        value.rewrite(&mut |text| text.push('!'));
        let mut found = Vec::new();
        value.texts(&mut |text| found.push(text.to_owned()));
        assert_eq!(found, ["b", "c", "x!"]);
    }
}
