//! Names of things in the watchbook, and ids of things that happen. Not display titles: those are plain text.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 100;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has no characters.
    #[error("a name cannot be empty: use lower-case letters, digits, '-', '_', '.' or '@'")]
    Empty,
    /// The text is longer than [`NAME_BYTES_MAX`].
    #[error("a name has at most {NAME_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    /// The text holds a character that is not allowed.
    #[error("a name cannot hold {0:?}: use lower-case letters, digits, '-', '_', '.' or '@'")]
    Character(char),
}

/// Checks that a text is a name: lower-case letters, digits, `-`, `_`, `.` and `@`, not empty, not too long.
///
/// # Errors
/// Says which rule the text breaks.
pub fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong(text.len()));
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '@');
    match text.chars().find(|c| !allowed(*c)) {
        Some(c) => Err(NameError::Character(c)),
        None => Ok(()),
    }
}

/// The longest name of a rule, in bytes: a file, a group and an alert, each in its own words.
pub const RULE_NAME_BYTES_MAX: usize = 600;

/// Checks that a text can name a rule. Rule files in Prometheus' form name groups and alerts as they like, so here any
/// text on one line is a name; what the watchbook names itself keeps to [`check`].
///
/// # Errors
/// Says which rule the text breaks.
pub fn check_rule(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > RULE_NAME_BYTES_MAX {
        return Err(NameError::TooLong(text.len()));
    }
    text.chars().find(|c| c.is_control()).map_or(Ok(()), |c| Err(NameError::Character(c)))
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident by $check:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and keeps a name.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn new(text: &str) -> Result<Self, NameError> {
                $check(text).map(|()| Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

names! {
    /// A service of the organisation, such as `checkout`.
    ServiceName by check;
    /// A team that owns services.
    TeamName by check;
    /// A person who can be paged, take a role or log in.
    PersonName by check;
    /// An on-call schedule.
    ScheduleName by check;
    /// An escalation policy.
    PolicyName by check;
    /// A configured channel: a mail relay, a webhook, a chat room.
    ChannelName by check;
    /// A message template.
    TemplateName by check;
    /// A component of the public status page.
    ComponentName by check;
    /// A generic webhook door.
    HookName by check;
    /// An existing store that rules are evaluated over.
    SourceName by check;
    /// A time interval during which routes page, or keep quiet.
    IntervalName by check;
    /// A rule or a health check.
    RuleName by check_rule;
}

/// The number of an incident; shown as `INC-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IncidentId(pub u32);

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

impl std::str::FromStr for IncidentId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("INC-").or_else(|| text.strip_prefix("inc-")).unwrap_or(text);
        digits.parse().map(Self).map_err(|_| format!("{text:?} is not an incident: write INC-42 or 42"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_which_rule_is_broken() {
        let cases = [
            ("checkout", Ok(())),
            ("eu-west.api_2", Ok(())),
            ("", Err(NameError::Empty)),
            ("Checkout", Err(NameError::Character('C'))),
            ("a b", Err(NameError::Character(' '))),
            (&"x".repeat(101), Err(NameError::TooLong(101))),
        ];
        for (text, verdict) in cases {
            assert_eq!(check(text), verdict, "{text:?}");
        }
    }

    #[test]
    fn incidents_are_read_as_they_are_shown() {
        assert_eq!("INC-42".parse(), Ok(IncidentId(42)));
        assert_eq!("42".parse(), Ok(IncidentId(42)));
        assert!("INC-x".parse::<IncidentId>().is_err());
        assert_eq!(IncidentId(7).to_string(), "INC-7");
    }
}
