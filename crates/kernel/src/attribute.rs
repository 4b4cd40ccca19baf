//! Values that monitoring data carry: what OpenTelemetry calls attributes. Typed as they came, so that they can be shown
//! and searched as they came.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much is told of the name of a value within maps: its end.
const NAME_BYTES_MAX: usize = 256;

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

    /// Calls `with` for every value in it that holds no others, at any depth, with its name: those of the maps it is in, with
    /// dots between, or, in a list, the option of a command that stands before it. Names of maps stay.
    pub fn rewrite(&mut self, name: &str, with: &mut dyn FnMut(&str, &mut Self)) {
        match self {
            Self::List(values) => {
                let mut option: Option<String> = None;
                for value in values {
                    let next = value.text().filter(|text| text.starts_with('-') && !text.contains('='));
                    let next = next.map(str::to_owned);
                    value.rewrite(option.as_deref().unwrap_or(name), with);
                    option = next;
                }
            }
            Self::Map(pairs) if name.is_empty() => {
                pairs.iter_mut().for_each(|(inner, value)| value.rewrite(inner, with))
            }
            Self::Map(pairs) => {
                for (inner, value) in pairs {
                    let path = format!("{name}.{inner}");
                    let end = path.floor_char_boundary(path.len().saturating_sub(NAME_BYTES_MAX));
                    value.rewrite(path.get(end..).unwrap_or_default(), with);
                }
            }
            other => with(name, other),
        }
    }
}

/// Does with a text what [`Attribute::rewrite`] does with a value that has no name.
pub fn rewrite_text(text: &mut String, with: &mut dyn FnMut(&str, &mut Attribute)) {
    let mut value = Attribute::Text(std::mem::take(text));
    with("", &mut value);
    *text = match value {
        Attribute::Text(text) => text,
        other => other.to_string(),
    };
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
    fn texts_are_found_and_values_rewritten_at_any_depth_by_name() {
        let mut value = nested();
        let mut names = Vec::new();
        value.rewrite("top", &mut |name, value| {
            names.push(name.to_owned());
            if let Attribute::Text(text) = value {
                text.push('!');
            }
        });
        assert_eq!(names, ["top", "top.b", "top.c", "top"]);
        let mut found = Vec::new();
        value.texts(&mut |text| found.push(text.to_owned()));
        assert_eq!(found, ["b", "c", "x!"]);
    }

    #[test]
    fn a_value_after_an_option_has_its_name() {
        let text = |text: &str| Attribute::Text(text.into());
        let mut names = Vec::new();
        let mut command = Attribute::List(["mysqld", "--password", "x", "--port=1", "y"].map(text).into());
        command.rewrite("process.command_args", &mut |name, _| names.push(name.to_owned()));
        let args = "process.command_args";
        assert_eq!(names, [args, args, "--password", args, args]);
        let mut text = "a".to_owned();
        rewrite_text(&mut text, &mut |name, value| *value = Attribute::Text(format!("{name}{value}b")));
        assert_eq!(text, "ab");
    }
}
