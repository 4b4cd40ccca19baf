//! Prometheus' `humanize` functions: numbers for people to read. Units are seconds, ratios and plain counts.

use super::clock;
use super::number;
use super::quote::quote;
use super::value::Value;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// A number, or a text that is one; durations are their seconds.
pub(super) fn to_float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        Value::Int(value) => Ok(*value as f64),
        Value::Duration(nanos) => Ok(*nanos as f64 / 1e9),
        Value::Text(text) => number::parse_float(text)
            .ok_or_else(|| format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(text))),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    number::float(value, 'g', Some(4))
}

/// The number and its prefix, once it is divided by a step as often as it is at least that step.
fn scale(mut value: f64, step: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut chosen = "";
    for prefix in prefixes {
        if value.abs() < step {
            break;
        }
        chosen = prefix;
        value /= step;
    }
    (value, chosen)
}

/// The number and its prefix, once it is multiplied until it is at least one.
fn scale_up(mut value: f64) -> (f64, &'static str) {
    let mut chosen = "";
    for prefix in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        chosen = prefix;
        value *= 1000.0;
    }
    (value, chosen)
}

/// With metric prefixes: `1.235M`, `120m`.
pub(super) fn metric(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return short(value);
    }
    let (value, prefix) = if value.abs() >= 1.0 { scale(value, 1000.0, LARGE) } else { scale_up(value) };
    format!("{}{prefix}", short(value))
}

/// With binary prefixes: `1Mi`.
pub(super) fn binary(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return short(value);
    }
    let (value, prefix) = scale(value, 1024.0, BINARY);
    format!("{}{prefix}", short(value))
}

/// Seconds as days, hours, minutes and seconds, or with a small prefix.
pub(super) fn duration(value: f64) -> String {
    if !value.is_finite() {
        return short(value);
    }
    if value == 0.0 {
        return format!("{}s", short(value));
    }
    if value.abs() < 1.0 {
        let (value, prefix) = scale_up(value);
        return format!("{}{prefix}s", short(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    // What is too large for an integer is, on the usual machines, Go's smallest one.
    let whole = if value.abs() < 9.223_372_036_854_775e18 { value.abs() as i64 } else { i64::MIN };
    let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", short(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

/// A ratio as a percentage.
pub(super) fn percentage(value: f64) -> String {
    format!("{}%", short(value * 100.0))
}

/// Seconds since 1970 as a time in UTC.
pub(super) fn timestamp(value: f64) -> Result<String, String> {
    if value.is_finite() { to_millis(value).map(clock::time) } else { Ok(short(value)) }
}

/// Seconds since 1970 as milliseconds.
pub(super) fn to_millis(value: f64) -> Result<i64, String> {
    if !value.is_finite() {
        return Err("value is NaN or Inf".to_owned());
    }
    nanos(value).map(|nanos| nanos / 1_000_000).ok_or_else(|| {
        let shown = number::float(value, 'g', None);
        format!("{shown} cannot be represented as a nanoseconds timestamp since it overflows int64")
    })
}

/// Seconds as nanoseconds, where they fit.
pub(super) fn nanos(seconds: f64) -> Option<i64> {
    let nanos = seconds * 1e9;
    let whole = nanos as i64;
    (nanos > -9.3e18 && nanos < 9.223_372_036_854_775e18).then_some(whole)
}

/// A duration as Prometheus writes it, `1h30m`, in seconds.
pub(super) fn parse_duration(text: &str) -> Result<f64, String> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 31_536_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let invalid = || format!("not a valid duration string: {}", quote(text));
    match text {
        "" => return Err("empty duration string".to_owned()),
        "0" => return Ok(0.0),
        _ => {}
    }
    let (mut rest, mut units, mut millis) = (text, UNITS.as_slice(), 0_u64);
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?);
        let end = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let place =
            units.iter().position(|(name, _)| *name == unit).filter(|_| !digits.is_empty()).ok_or_else(invalid)?;
        let size = units.get(place).map_or(1, |(_, size)| *size);
        let part = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(size));
        let sum = part.and_then(|part| millis.checked_add(part)).filter(|sum| *sum < i64::MAX as u64 / 1_000_000);
        millis = sum.ok_or("duration out of range")?;
        (rest, units) = (after, units.get(place + 1..).unwrap_or(&[]));
    }
    let seconds = millis as f64 / 1000.0;
    Ok(seconds)
}
