//! Instants and spans. Instants are UTC; civil time appears only where a schedule needs it. No clock is read here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use jiff::Timestamp;

/// A span of whole seconds that is never negative; written `90s`, `5m`, `1h30m`, `2d` or `1w`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(pub u32);

/// Why a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write it like 90s, 5m, 1h30m, 2d or 1w")]
pub struct SecondsError(pub String);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of minutes; saturates at the largest span.
    #[must_use]
    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes.saturating_mul(60))
    }

    /// A span of hours; saturates at the largest span.
    #[must_use]
    pub const fn hours(hours: u32) -> Self {
        Self(hours.saturating_mul(3600))
    }

    /// The instant this long after `start`; the last instant there is when that overflows.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.saturating_add(self.signed()).unwrap_or(Timestamp::MAX)
    }

    /// The instant this long before `end`; the first instant there is when that overflows.
    #[must_use]
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.saturating_sub(self.signed()).unwrap_or(Timestamp::MIN)
    }

    /// The same span for arithmetic with timestamps.
    #[must_use]
    pub fn signed(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(i64::from(self.0))
    }

    /// The same span for timers of the standard library.
    #[must_use]
    pub fn std(self) -> std::time::Duration {
        std::time::Duration::from_secs(u64::from(self.0))
    }
}

/// How many seconds lie between two instants; zero when `end` is not after `start`.
#[must_use]
pub fn between(start: Timestamp, end: Timestamp) -> Seconds {
    let seconds = end.duration_since(start).as_secs();
    Seconds(u32::try_from(seconds.max(0)).unwrap_or(u32::MAX))
}

impl std::str::FromStr for Seconds {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let wrong = || SecondsError(text.to_owned());
        let (mut total, mut number, mut seen) = (0_u32, None::<u32>, false);
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                let grown = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit));
                number = Some(grown.ok_or_else(wrong)?);
                continue;
            }
            let unit = unit_seconds(c).ok_or_else(wrong)?;
            let part = number.take().and_then(|n| n.checked_mul(unit)).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            seen = true;
        }
        // A bare `0` is the one number that means the same in every unit.
        if number == Some(0) && !seen {
            return Ok(Self::ZERO);
        }
        if number.is_some() || !seen { Err(wrong()) } else { Ok(Self(total)) }
    }
}

fn unit_seconds(unit: char) -> Option<u32> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        'w' => Some(604_800),
        _ => None,
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, size) in [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("1w", 604_800), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Seconds(seconds)), "{text}");
        }
        for text in ["", "5", "m", "5x", "-5s", "99999999999s", "5m3"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
        assert_eq!(Seconds(5400).to_string(), "1h30m");
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds: u32) {
            let text = Seconds(seconds).to_string();
            proptest::prop_assert_eq!(text.parse(), Ok(Seconds(seconds)));
        }
    }
}
