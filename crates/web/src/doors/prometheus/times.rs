//! How Prometheus' API writes instants and lengths of time: RFC 3339 or seconds since 1970; seconds or `1h30m`.

use std::time::Duration;

use kernel::Timestamp;
use promql::Millis;

use super::{Failed, Form, QUERY_TIMEOUT};
use crate::state::AppState;

/// Furthest from 1970 that an instant may be, in milliseconds: what fits twice into 64 bits.
const FURTHEST: f64 = 4.6e18;

/// An instant as Prometheus' API writes it.
fn instant(text: &str) -> Option<Millis> {
    let seconds = text.parse::<f64>().ok();
    match seconds {
        Some(seconds) => milliseconds(seconds),
        None => text.parse::<Timestamp>().ok().map(|at| at.as_millisecond()),
    }
}

fn milliseconds(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < FURTHEST).then_some(millis as Millis)
}

/// A length of time: a number of seconds, or units from years to milliseconds, the largest first, each at most once.
pub(super) fn span(text: &str) -> Option<Millis> {
    if let Ok(seconds) = text.parse::<f64>() {
        return milliseconds(seconds);
    }
    const UNITS: [(&str, Millis); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let (mut rest, mut next, mut total) = (text, 0, 0_i64);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let place = UNITS.iter().skip(next).position(|(name, _)| *name == unit)? + next;
        let (_, size) = UNITS.get(place)?;
        total = number.parse::<i64>().ok()?.checked_mul(*size).and_then(|part| total.checked_add(part))?;
        (rest, next) = (after, place + 1);
    }
    (next > 0).then_some(total)
}

impl Form {
    /// The instant of a parameter; `None` when it is not there.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Millis>, Failed> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || Failed::bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid timestamp"));
        instant(text).map(Some).ok_or_else(wrong)
    }

    /// The length of time of a parameter.
    pub(super) fn span(&self, name: &str) -> Result<Millis, Failed> {
        let text = self.needed(name)?;
        let wrong = || Failed::bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid duration"));
        span(text).ok_or_else(wrong)
    }
}

impl Form {
    /// How long the answer may take.
    pub(super) fn timeout(&self) -> Result<Duration, Failed> {
        if self.get("timeout").is_none() {
            return Ok(QUERY_TIMEOUT);
        }
        let wrong = || Failed::bad("invalid parameter \"timeout\": write a duration above zero");
        let millis = u64::try_from(self.span("timeout")?).ok().filter(|millis| *millis > 0).ok_or_else(wrong)?;
        Ok(Duration::from_millis(millis).min(QUERY_TIMEOUT))
    }

    /// How many series, names or values are wanted at most; `None` when that is not said, or zero.
    pub(super) fn limit(&self) -> Result<Option<usize>, Failed> {
        let Some(text) = self.get("limit") else { return Ok(None) };
        let wrong = |_| Failed::bad(format!("invalid parameter \"limit\": cannot parse {text:?} to a number"));
        text.parse().map(|limit: usize| Some(limit).filter(|limit| *limit > 0)).map_err(wrong)
    }
}

/// Now, in milliseconds.
pub(super) fn now(state: &AppState) -> Millis {
    state.engine.now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_seconds_or_rfc_3339() {
        assert_eq!(instant("1.5"), Some(1500));
        assert_eq!(instant("1700000000.123"), Some(1_700_000_000_123));
        assert_eq!(instant("2023-11-14T22:13:20Z"), Some(1_700_000_000_000));
        assert_eq!((instant("NaN"), instant("1e300"), instant("soon"), instant("")), (None, None, None, None));
    }

    #[test]
    fn spans_are_seconds_or_units() {
        let cases =
            [("15", 15_000), ("0.5", 500), ("1h30m", 5_400_000), ("1d", 86_400_000), ("250ms", 250), ("1m1ms", 60_001)];
        for (text, expected) in cases {
            assert_eq!(span(text), Some(expected), "{text}");
        }
        for wrong in ["", "m", "1m1h", "1m2m", "5x", "1h30", "99999999999999999999y"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
