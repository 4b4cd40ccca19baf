//! Values that are written as one text: durations, matchers, thresholds, names, times. Each says what is wrong with a
//! text, and how it should be written.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::book::{DutyHours, SecretRef, Threshold, Turn};
use kernel::matcher::MatcherError;
use kernel::{Matcher, Seconds, Severity};
use serde_json::json;

use super::hours;
use super::rule::{self, Rule};
use super::shape::{Defs, Reader, Shape};
use super::suggest;
use super::yaml::Node;

/// The longest name of a database or a table, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 100;

/// Notes that a text breaks a rule.
pub(crate) fn refuse<T>(
    node: &Node,
    reader: &mut Reader<'_>,
    rule: &'static Rule,
    message: impl Into<String>,
    hint: &str,
) -> Option<T> {
    reader.note_hint(node.at, rule, message, hint);
    None
}

impl Shape for String {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        if text.trim().is_empty() {
            return refuse(node, reader, &rule::WRONG_FORM, "this text is empty", "give one, or remove the key");
        }
        Some(text.trim_end().to_owned())
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }
}

impl Shape for bool {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                refuse(node, reader, &rule::WORD, format!("`{other}` is not true or false"), "write true or false")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number within bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<const MIN: u8, const MAX: u8>(pub u8);

impl<const MIN: u8, const MAX: u8> Shape for Whole<MIN, MAX> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Some(Self(number)),
            _ => {
                let hint = format!("write a whole number from {MIN} to {MAX}");
                refuse(node, reader, &rule::NUMBER, format!("`{text}` is not a number from {MIN} to {MAX}"), &hint)
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// A range of whole numbers, `1-2`, or one number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<const MIN: u16, const MAX: u16>(pub u16, pub u16);

impl<const MIN: u16, const MAX: u16> Shape for Range<MIN, MAX> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        match (low.trim().parse(), high.trim().parse()) {
            (Ok(low), Ok(high)) if MIN <= low && low <= high && high <= MAX => Some(Self(low, high)),
            _ => {
                let hint = format!("write {MIN}-{MAX}, or one number of it");
                refuse(node, reader, &rule::NUMBER, format!("`{text}` is not a range within {MIN}-{MAX}"), &hint)
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "integer"], "pattern": "^[0-9]+( ?- ?[0-9]+)?$", "minimum": MIN, "maximum": MAX })
    }
}

impl Shape for Seconds {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        match text.parse() {
            Ok(seconds) => Some(seconds),
            Err(_) => {
                let message = format!("`{text}` is not a duration");
                refuse(node, reader, &rule::DURATION, message, "write it like 90s, 5m, 1h30m, 2d or 1w")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "integer"], "pattern": "^(0|([0-9]+[smhdw])+)$", "maximum": 0 })
    }
}

/// The name of a database or a table.
#[derive(Debug, Clone)]
pub(crate) struct Identifier(pub String);

impl Shape for Identifier {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            text if is_word(text, "_") && text.len() <= IDENTIFIER_BYTES_MAX => Some(Self(text.to_owned())),
            other => {
                let message = format!("`{other}` is not the name of a database or a table");
                refuse(node, reader, &rule::IDENTIFIER, message, "use letters, digits and `_`")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "maxLength": IDENTIFIER_BYTES_MAX })
    }
}

/// A duration of at least one second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(pub Seconds);

impl Shape for Span {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match Seconds::read(node, reader)? {
            Seconds::ZERO => refuse(node, reader, &rule::DURATION, "this duration cannot be zero", "write at least 1s"),
            seconds => Some(Self(seconds)),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^([0-9]+[smhdw])+$" })
    }
}

impl Shape for Matcher {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        match text.parse() {
            Ok(matcher) => Some(matcher),
            Err(error) => {
                let message = match error {
                    MatcherError::Form(text) => format!("`{text}` is not a matcher"),
                    other => other.to_string(),
                };
                refuse(node, reader, &rule::MATCHER, message, "write severity=\"critical\", with =, !=, =~ or !~")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[^=!]+(=|!=|=~|!~)", "examples": ["severity=\"critical\""] })
    }
}

impl Shape for Threshold {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let wrong = || format!("`{text}` is not a threshold");
        let number = text.trim().trim_start_matches(['>', '<', '=']);
        let sign = text.trim().strip_suffix(number).unwrap_or_default();
        let number = number.trim().parse().ok().filter(|number: &f64| number.is_finite());
        match (sign, number) {
            (">", Some(number)) => Some(Self::Above(number)),
            (">=", Some(number)) => Some(Self::AtLeast(number)),
            ("<", Some(number)) => Some(Self::Below(number)),
            ("<=", Some(number)) => Some(Self::AtMost(number)),
            _ => refuse(node, reader, &rule::THRESHOLD, wrong(), "write \"> 0.05\", with >, >=, < or <="),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^ *(>=|<=|>|<) *[-+0-9.eE]+ *$", "examples": ["> 0.05"] })
    }
}

impl Shape for TimeZone {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        if let Ok(zone) = Self::get(text) {
            return Some(zone);
        }
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let near = suggest::nearest(text, names.iter().map(String::as_str));
        let hint =
            near.map_or("write one such as Europe/Berlin or UTC".into(), |near| format!("did you mean `{near}`?"));
        refuse(node, reader, &rule::TIME_ZONE, format!("there is no time zone `{text}`"), &hint)
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "examples": ["Europe/Berlin", "UTC"] })
    }
}

impl Shape for DateTime {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        match text.parse() {
            Ok(time) => Some(time),
            Err(_) => {
                let message = format!("`{text}` is not a local date and time");
                refuse(
                    node,
                    reader,
                    &rule::CIVIL_TIME,
                    message,
                    "write 2026-01-05 09:00; the schedule says in which zone",
                )
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$" })
    }
}

impl Shape for Turn {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let count = text.trim_end_matches(['w', 'd', 'h']);
        let unit = text.strip_prefix(count).unwrap_or_default();
        match (unit, count.parse().ok().filter(|count| *count > 0)) {
            ("w", Some(count)) => Some(Self::Weeks(count)),
            ("d", Some(count)) => Some(Self::Days(count)),
            ("h", Some(count)) => Some(Self::Hours(count)),
            _ => refuse(node, reader, &rule::TURN, format!("`{text}` is not a turn"), "write 1w, 1d or 12h"),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[1-9][0-9]*[wdh]$", "examples": ["1w", "1d", "12h"] })
    }
}

impl Shape for DutyHours {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        match hours::parse(text) {
            Ok(hours) => Some(hours),
            Err(wrong) => {
                refuse(node, reader, &rule::DUTY_HOURS, wrong, "write mon-fri 09:00-17:00 or daily 22:00-06:00")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        let pattern = "^[a-z, -]+ [0-9]{2}:[0-9]{2} ?- ?[0-9]{2}:[0-9]{2}$";
        json!({ "type": "string", "pattern": pattern, "examples": ["mon-fri 09:00-17:00", "daily 22:00-06:00"] })
    }
}

impl Shape for Severity {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node)?;
        let wrong = format!("`{text}` is not a severity");
        text.parse().ok().or_else(|| refuse(node, reader, &rule::WORD, wrong, "write P1 (worst), P2, P3, P4 or P5"))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "enum": Self::ALL.map(Self::as_str) })
    }
}

impl Shape for SecretRef {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)?.split_once(':') {
            Some(("env", name)) if !name.trim().is_empty() => Some(Self::Env(name.trim().to_owned())),
            Some(("file", path)) if !path.trim().is_empty() => Some(Self::File(path.trim().to_owned())),
            _ => {
                let hint = "write env:NAME or file:PATH and put the secret there; a secret that stood here is spent";
                refuse(node, reader, &rule::SECRET, "this does not say where the secret is", hint)
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(env|file):.+$", "examples": ["env:SMTP_PASSWORD"] })
    }
}

/// A text with placeholders, which has been compiled once.
#[derive(Debug)]
pub(crate) struct Template(pub String);

impl Shape for Template {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = match reader.text(node)? {
            // A label may well be empty, when that is said with quotes.
            "" => return Some(Self(String::new())),
            text => text.trim_end(),
        };
        match template_error(text) {
            None => Some(Self(text.to_owned())),
            Some((_, wrong)) => refuse(node, reader, &rule::TEMPLATE, wrong, "write {{ value }} for a value"),
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// The line on which a template is not well formed, and why.
pub(crate) fn template_error(text: &str) -> Option<(usize, String)> {
    let error = minijinja::Environment::new().template_from_str(text).err()?;
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Some((error.line().unwrap_or(1), format!("the template is not well formed: {detail}")))
}

/// The name of a metric.
#[derive(Debug)]
pub(crate) struct Metric(pub String);

impl Shape for Metric {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            text if is_word(text, "_:.") => Some(Self(text.to_owned())),
            text => {
                let message = format!("`{text}` is not the name of a metric");
                refuse(node, reader, &rule::METRIC, message, "put conditions on labels under `matchers`")
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^[A-Za-z_:.][A-Za-z0-9_:.]*$" })
    }
}

/// A JSON pointer.
#[derive(Debug, Default)]
pub(crate) struct Pointer(pub String);

impl Shape for Pointer {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match reader.text(node)? {
            text if text.is_empty() || text.starts_with('/') => Some(Self(text.to_owned())),
            text => {
                let hint = format!("write /{}", text.replace('.', "/"));
                refuse(node, reader, &rule::POINTER, format!("`{text}` is not a JSON pointer"), &hint)
            }
        }
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": "string", "pattern": "^(/.*)?$" })
    }
}

/// Whether a text is letters, digits and these characters, and does not begin with a digit.
pub(crate) fn is_word(text: &str, more: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
    !text.is_empty() && text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}
