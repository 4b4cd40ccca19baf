//! Label matchers: `name = value`, `!=`, `=~`, `!~`, with the anchored regular expressions of Prometheus.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::labels::Labels;

/// The longest regular expression, in bytes. The engine is linear in its input; this bounds the compiled size.
pub const PATTERN_BYTES_MAX: usize = 4096;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
}

/// One condition on one label. An absent label has the empty value.
#[derive(Clone)]
pub struct Matcher {
    name: Box<str>,
    comparison: Comparison,
    value: Box<str>,
    pattern: Option<Regex>,
}

/// Why a text is not a matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// No operator was found.
    #[error("{0:?} is not a matcher: write name=\"value\", name!=\"value\", name=~\"pattern\" or name!~\"pattern\"")]
    Form(String),
    /// The regular expression does not compile.
    #[error("pattern {0:?} is not a regular expression: {1}")]
    Pattern(String, String),
    /// The regular expression is longer than [`PATTERN_BYTES_MAX`].
    #[error("a pattern has at most {PATTERN_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
}

impl Matcher {
    /// Builds a matcher; the pattern of `=~` and `!~` is anchored at both ends.
    ///
    /// # Errors
    /// When the pattern does not compile or is too long.
    pub fn new(name: &str, comparison: Comparison, value: &str) -> Result<Self, MatcherError> {
        let pattern = match comparison {
            Comparison::Equal | Comparison::NotEqual => None,
            Comparison::Matches | Comparison::NotMatches => Some(anchored(value)?),
        };
        Ok(Self { name: name.into(), comparison, value: value.into(), pattern })
    }

    /// Whether a label set meets this condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.accepts(labels.value(&self.name))
    }

    /// Whether a value of this matcher's label meets the condition.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let hit = self.pattern.as_ref().map_or_else(|| *self.value == *value, |p| p.is_match(value));
        match self.comparison {
            Comparison::Equal | Comparison::Matches => hit,
            Comparison::NotEqual | Comparison::NotMatches => !hit,
        }
    }

    /// The label that is looked at.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        self.comparison
    }

    /// The value or the pattern, without anchors.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn anchored(pattern: &str) -> Result<Regex, MatcherError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(MatcherError::TooLong(pattern.len()));
    }
    Regex::new(&format!("^(?s:{pattern})$"))
        .map_err(|error| MatcherError::Pattern(pattern.to_owned(), last_line(&error.to_string())))
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ").to_owned()
}

impl std::str::FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let wrong = || MatcherError::Form(text.to_owned());
        let at = text.find(['=', '!']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at(at);
        let operators = [
            ("=~", Comparison::Matches),
            ("!~", Comparison::NotMatches),
            ("!=", Comparison::NotEqual),
            ("=", Comparison::Equal),
        ];
        let (comparison, value) =
            operators.iter().find_map(|(sign, c)| rest.strip_prefix(sign).map(|v| (*c, v))).ok_or_else(wrong)?;
        let name = unquoted(name.trim()).ok_or_else(wrong)?;
        let value = unquoted(value.trim()).ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        Self::new(&name, comparison, &value)
    }
}

/// The text between double quotes with its escapes undone, or the bare text; `None` when a quote is not closed.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return Some(text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                'n' => plain.push('\n'),
                c @ ('\\' | '"') => plain.push(c),
                other => plain.extend(['\\', other]),
            },
            '"' => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
        })
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}\"", self.name, self.comparison)?;
        for c in self.value.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\\' | '"' => write!(f, "\\{c}")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.comparison, &self.value) == (&other.name, other.comparison, &other.value)
    }
}

impl Eq for Matcher {}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_reads_like_prometheus() {
        let set = Labels::from_pairs([("severity", "critical"), ("path", "a\"b")]).unwrap();
        let table = [
            ("severity=critical", true),
            ("severity = \"critical\"", true),
            ("severity!=critical", false),
            ("severity=~\"crit.*|page\"", true),
            ("severity=~\"crit\"", false),
            ("severity!~\"warn.*\"", true),
            ("absent=\"\"", true),
            ("absent=~\".+\"", false),
            (r#"path="a\"b""#, true),
        ];
        for (text, verdict) in table {
            let matcher: Matcher = text.parse().unwrap();
            assert_eq!(matcher.matches(&set), verdict, "{text}");
            assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher, "{text}");
        }
        for text in ["severity", "=x", "a=~\"(\"", "a=\"x"] {
            assert!(text.parse::<Matcher>().is_err(), "{text}");
        }
    }
}
