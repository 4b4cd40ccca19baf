//! Numbers and lengths of time as they are written in a query.

use crate::Millis;

/// A number: decimal, hexadecimal (`0x1f`) or octal (`017`), with underscores between digits.
pub(crate) fn literal(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    if let Some(digits) = plain.strip_prefix("0x").or(plain.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16)
            .ok()
            .filter(|_| digits.starts_with(|c: char| c.is_ascii_hexdigit()))
            .map(wide);
    }
    if plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|b| (b'0'..b'8').contains(&b)) {
        return i64::from_str_radix(&plain, 8).ok().map(wide);
    }
    // Rust reads "inf", "nan" and "infinity" as well, which are words here.
    plain.starts_with(|c: char| c.is_ascii_digit() || c == '.').then(|| plain.parse().ok()).flatten()
}

/// The nearest float of an integer.
#[expect(clippy::cast_precision_loss, reason = "a number of a query is a float, however many digits are written")]
fn wide(value: i64) -> f64 {
    value as f64
}

/// The units of time from the longest on, in milliseconds.
const UNITS: [(&str, Millis); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// A length of time such as `1h30m`: units from the longest to the shortest, each at most once. A bare `0` is one too.
pub(crate) fn duration(text: &str) -> Option<Millis> {
    if text.is_empty() || text == "0" {
        return (text == "0").then_some(0);
    }
    let (mut rest, mut sum, mut units) = (text, 0_i64, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, after) = rest.split_at_checked(digits)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let place = units.iter().position(|(name, _)| *name == unit)?;
        let length = units.get(place)?.1;
        sum = count.parse::<i64>().ok()?.checked_mul(length)?.checked_add(sum)?;
        (rest, units) = (after, units.get(place + 1..)?);
    }
    Some(sum)
}

/// A length of time as it is written in a query: `1h30m`, `-5m`, `0s`.
pub(crate) fn write_duration(millis: Millis) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut out = String::from(if millis < 0 { "-" } else { "" });
    let mut left = millis.unsigned_abs();
    for (unit, length) in UNITS {
        // Years and weeks only where nothing else is left, which is how people write them.
        let length = length.unsigned_abs();
        if left >= length && (!matches!(unit, "y" | "w") || left.is_multiple_of(length)) {
            out.push_str(&format!("{}{unit}", left / length));
            left %= length;
        }
    }
    out
}
