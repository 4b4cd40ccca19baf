//! The functions that every Go template has, except `and` and `or`, which do not evaluate all they are given.

use std::cmp::Ordering;
use std::rc::Rc;

use super::NO_VALUE;
use super::printf;
use super::quote;
use super::value::{SAMPLE, Value};

/// `eq`: whether the first equals any of the others.
pub(super) fn eq(values: &[Value]) -> Result<bool, String> {
    let (first, others) = values.split_first().ok_or("missing argument for comparison")?;
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a) | Value::Duration(a), Value::Int(b) | Value::Duration(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        (Value::Missing | Value::Nil, Value::Missing | Value::Nil) => Ok(true),
        (Value::Missing | Value::Nil, _) | (_, Value::Missing | Value::Nil) => Ok(false),
        // Series are pointers in Go: each is equal to itself alone.
        (Value::Record(a), Value::Record(b)) if a.type_name == SAMPLE && b.type_name == SAMPLE => Ok(Rc::ptr_eq(a, b)),
        (a, b) if basic(a) || basic(b) => Err("incompatible types for comparison".to_owned()),
        (a, b) => {
            let (ta, tb) = (a.type_name(), b.type_name());
            Err(format!("non-comparable types {}: {ta}, {}: {tb}", printf::plain(a), printf::plain(b)))
        }
    }
}

fn basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Duration(_))
}

/// The order of two values of one kind; `None` when one of them is no number.
pub(super) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    match (a, b) {
        (Value::Int(a) | Value::Duration(a), Value::Int(b) | Value::Duration(b)) => Ok(Some(a.cmp(b))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (a, b) if !basic(a) || !basic(b) => Err("invalid type for comparison".to_owned()),
        (Value::Bool(_), Value::Bool(_)) => Err("invalid type for comparison".to_owned()),
        _ => Err("incompatible types for comparison".to_owned()),
    }
}

/// `len`, in bytes for a text.
pub(super) fn len(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.entries.len(),
        Value::Missing | Value::Nil => return Err("len of nil pointer".to_owned()),
        other => return Err(format!("len of type {}", other.type_name().trim_start_matches('*'))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// `index`: an item of an item of a list, map or text.
pub(super) fn index(values: &[Value]) -> Result<Value, String> {
    let (first, keys) = values.split_first().ok_or("index of untyped nil")?;
    keys.iter().try_fold(first.clone(), |value, key| item(&value, key))
}

fn item(value: &Value, key: &Value) -> Result<Value, String> {
    match value {
        Value::Map(map) => match key {
            Value::Text(key) => Ok(map.get(key)),
            other => Err(format!("value has type {}; should be string", other.type_name())),
        },
        Value::List(list) => {
            let at = position(key, list.len())?;
            list.get(at).cloned().ok_or_else(|| "reflect: slice index out of range".to_owned())
        }
        Value::Text(text) => {
            let at = position(key, text.len())?;
            let byte = text.as_bytes().get(at).map(|byte| Value::Int(i64::from(*byte)));
            byte.ok_or_else(|| "reflect: string index out of range".to_owned())
        }
        Value::Missing | Value::Nil => Err("index of untyped nil".to_owned()),
        other => Err(format!("can't index item of type {}", other.type_name().trim_start_matches('*'))),
    }
}

fn out_of_range(key: &Value) -> String {
    format!("index out of range: {}", printf::plain(key))
}

/// A place within a length, the end included.
fn position(key: &Value, length: usize) -> Result<usize, String> {
    match key {
        Value::Int(at) => usize::try_from(*at).ok().filter(|at| *at <= length).ok_or_else(|| out_of_range(key)),
        Value::Missing | Value::Nil => Err("cannot index slice/array with nil".to_owned()),
        other => Err(format!("cannot index slice/array with type {}", other.type_name())),
    }
}

/// `slice`: a part of a list or a text, in bytes; halves of characters are replaced.
pub(super) fn slice(values: &[Value]) -> Result<Value, String> {
    let (first, places) = values.split_first().ok_or("slice of untyped nil")?;
    let length = match first {
        Value::Text(_) if places.len() > 2 => return Err("cannot 3-index slice a string".to_owned()),
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Missing | Value::Nil => return Err("slice of untyped nil".to_owned()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    if places.len() > 3 {
        return Err(format!("too many slice indexes: {}", places.len()));
    }
    let places: Vec<usize> = places.iter().map(|key| position(key, length)).collect::<Result<_, _>>()?;
    let (start, end) = (places.first().copied().unwrap_or(0), places.get(1).copied().unwrap_or(length));
    if start > end || places.get(2).is_some_and(|capacity| end > *capacity) {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match first {
        Value::Text(text) => Value::text(String::from_utf8_lossy(text.as_bytes().get(start..end).unwrap_or(&[]))),
        Value::List(list) => Value::List(Rc::new(list.get(start..end).unwrap_or(&[]).to_vec())),
        other => other.clone(),
    })
}

/// What the escaping functions escape: a text, or values printed as one.
pub(super) fn joined(values: &[Value]) -> String {
    match values {
        [Value::Text(text)] => text.to_string(),
        [value @ Value::Record(_)] => printf::plain(value),
        values => {
            let shown = |value: &Value| match value {
                Value::Missing | Value::Nil => Value::text(NO_VALUE),
                value => value.clone(),
            };
            printf::print(&values.iter().map(shown).collect::<Vec<_>>())
        }
    }
}

/// `html`.
pub(super) fn html(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

/// `js`.
pub(super) fn js(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '\\' | '\'' | '"' => out.extend(['\\', c]),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if quote::printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
        out
    })
}

/// `urlquery`: a text as a value of a URL's query.
pub(super) fn query_escape(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
