//! Label matchers: `name = value`, `!=`, `=~`, `!~`, with the anchored regular expressions of Prometheus.

use std::fmt;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::labels::Labels;

/// The longest regular expression, in bytes.
pub const PATTERN_BYTES_MAX: usize = 4096;
/// The most memory of a compiled one, in bytes. Matching is linear in its input; this bounds what a short pattern such as
/// `(a{300}){300}` can grow to.
pub const PATTERN_COMPILED_MAX: usize = 1 << 20;

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
    /// There is no name.
    #[error("a matcher has no name: write name=\"value\"")]
    NoName,
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
    /// When the name is empty, or the pattern does not compile or is too long.
    pub fn new(name: &str, comparison: Comparison, value: &str) -> Result<Self, MatcherError> {
        if name.is_empty() {
            return Err(MatcherError::NoName);
        }
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

pub(crate) fn anchored(pattern: &str) -> Result<Regex, MatcherError> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(MatcherError::TooLong(pattern.len()));
    }
    let mut builder = RegexBuilder::new(&format!("^(?s:{pattern})$"));
    builder
        .size_limit(PATTERN_COMPILED_MAX)
        .dfa_size_limit(PATTERN_COMPILED_MAX)
        .build()
        .map_err(|error| MatcherError::Pattern(pattern.to_owned(), last_line(&error.to_string())))
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ").to_owned()
}

impl std::str::FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let wrong = || MatcherError::Form(text.to_owned());
        let at = after_quotes(text.trim_start())
            .and_then(|rest| rest.find(['=', '!']).map(|at| text.len() - rest.len() + at));
        let (name, rest) = text.split_at(at.ok_or_else(wrong)?);
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
        Self::new(&name, comparison, &value)
    }
}

/// What follows a quoted name, so that a sign within it is not taken for the operator; the whole when no quote begins it.
fn after_quotes(text: &str) -> Option<&str> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text) };
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    inner.get(end? + 1..)
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
        // Any text may be a name; whatever could be read in another way stands in quotes.
        if self.name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '/')) {
            f.write_str(&self.name)?;
        } else {
            quoted(f, &self.name)?;
        }
        write!(f, "{}", self.comparison)?;
        quoted(f, &self.value)
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\\' | '"' => write!(f, "\\{c}")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
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
        for text in ["severity", "=x", "a=~\"(\"", "a=\"x", "\"a=\"b\"", "\"\"=x", "a=~(a{300}){300}"] {
            assert!(text.parse::<Matcher>().is_err(), "{text}");
        }
    }

    proptest::proptest! {
        /// The journal keeps matchers as text: one that read back as another would mute something else after a restart.
        #[test]
        fn any_matcher_reads_back_as_itself(name in "[=!~\"\\\\ \n]{1,3}|\\PC{1,9}", value in "[=!~\"\\\\ \n\t\0]{0,3}|\\PC{0,9}") {
            for comparison in [Comparison::Equal, Comparison::NotEqual, Comparison::Matches, Comparison::NotMatches] {
                let Ok(matcher) = Matcher::new(&name, comparison, &value) else { continue };
                let text = matcher.to_string();
                proptest::prop_assert_eq!(text.parse::<Matcher>(), Ok(matcher), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a=!~\"\\\\(){},*+?|0-9 \n]{0,40}|\\PC{0,40}") {
            if let Ok(matcher) = text.parse::<Matcher>() {
                proptest::prop_assert_eq!(matcher.to_string().parse(), Ok(matcher));
            }
        }
    }
}
