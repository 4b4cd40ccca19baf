//! Durations as Prometheus writes them: `1h30m`, `1d`, `500ms`, `0`. Each unit once, the longest first.

use std::time::Duration;

/// The units, the longest first, in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
/// The longest duration, in milliseconds: what Prometheus can count in nanoseconds.
const MILLIS_MAX: u64 = i64::MAX.unsigned_abs() / 1_000_000;

/// Reads a duration; `None` when it is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut rest, mut total, mut units) = (text, 0_u64, UNITS.iter());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let (name, after) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let (_, size) = units.find(|(unit, _)| *unit == name)?;
        total = number.parse::<u64>().ok()?.checked_mul(*size)?.checked_add(total)?;
        rest = after;
    }
    (!text.is_empty() && total <= MILLIS_MAX).then(|| Duration::from_millis(total))
}

/// Writes a duration to the millisecond.
pub(super) fn written(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    // Years and weeks are units that nobody writes rules in.
    for (unit, size) in UNITS.iter().filter(|(unit, _)| !matches!(*unit, "y" | "w")) {
        if rest >= *size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_does() {
        let table = [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("5m", Some(300_000)),
            ("1h30m", Some(5_400_000)),
            ("1d2h", Some(93_600_000)),
            ("1w", Some(604_800_000)),
            ("1y2w3d4h5m6s7ms", Some(31_536_000_000 + 1_209_600_000 + 259_200_000 + 14_400_000 + 306_007)),
            ("500ms", Some(500)),
            ("", None),
            ("5", None),
            ("m", None),
            ("30m1h", None),
            ("1m1m", None),
            ("-1m", None),
            ("1.5h", None),
            ("1 m", None),
            ("99999999999999999999y", None),
            ("400y", None),
        ];
        for (text, millis) in table {
            assert_eq!(parse(text).map(|d| d.as_millis()), millis, "{text}");
        }
    }
}
