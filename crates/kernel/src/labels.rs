//! Label sets: sorted, packed into two allocations, because a million alerts hold one each. Not matchers: see `matcher`.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most bytes of names and values in one set.
pub const LABELS_BYTES_MAX: usize = 65_535;
/// The most labels in one set.
pub const LABELS_MAX: usize = 256;

/// Why pairs are not a label set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// Names and values together are too long.
    #[error("labels hold {0} bytes, at most {LABELS_BYTES_MAX} are accepted")]
    TooLong(usize),
    /// There are too many labels.
    #[error("there are {0} labels, at most {LABELS_MAX} are accepted")]
    TooMany(usize),
    /// One name occurs twice.
    #[error("label {0:?} is given twice")]
    Twice(String),
    /// A name is empty.
    #[error("a label has an empty name")]
    EmptyName,
}

/// A set of `name = value` pairs, sorted by name, each name once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Labels {
    text: Box<str>,
    /// The end of each name and of each value within `text`, in turn.
    ends: Box<[u16]>,
}

/// The identity of a label set: FNV-1a over sorted pairs, as Prometheus and Alertmanager compute it.
/// Shown as sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint(pub u64);

impl Labels {
    /// Sorts, checks and packs pairs.
    ///
    /// # Errors
    /// When a name is empty or given twice, or a limit of this module is passed.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LabelsError> {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().collect();
        if pairs.len() > LABELS_MAX {
            return Err(LabelsError::TooMany(pairs.len()));
        }
        pairs.sort_unstable_by(|a, b| a.0.as_ref().cmp(b.0.as_ref()));
        let bytes = pairs.iter().map(|(n, v)| n.as_ref().len() + v.as_ref().len()).sum();
        if bytes > LABELS_BYTES_MAX {
            return Err(LabelsError::TooLong(bytes));
        }
        let mut text = String::with_capacity(bytes);
        let mut ends = Vec::with_capacity(pairs.len() * 2);
        let mut previous: Option<&str> = None;
        for (name, value) in &pairs {
            let name = name.as_ref();
            if name.is_empty() {
                return Err(LabelsError::EmptyName);
            }
            if previous == Some(name) {
                return Err(LabelsError::Twice(name.to_owned()));
            }
            previous = Some(name);
            for part in [name, value.as_ref()] {
                text.push_str(part);
                ends.push(u16::try_from(text.len()).map_err(|_| LabelsError::TooLong(bytes))?);
            }
        }
        Ok(Self { text: text.into(), ends: ends.into() })
    }

    /// The pairs in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let cut = |i: usize| {
            let start = if i == 0 { 0 } else { usize::from(self.ends[i - 1]) };
            &self.text[start..usize::from(self.ends[i])]
        };
        (0..self.len()).map(move |i| (cut(2 * i), cut(2 * i + 1)))
    }

    /// The value of a label; `None` when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The value of a label; the empty text when it is absent, as matchers and grouping see it.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() / 2
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A set with the labels of `other` added; those of `other` win.
    ///
    /// # Errors
    /// When the sum passes a limit of this module.
    pub fn with(&self, other: &Self) -> Result<Self, LabelsError> {
        let kept = self.iter().filter(|(name, _)| other.get(name).is_none());
        Self::from_pairs(kept.chain(other.iter()))
    }

    /// The labels named, in order; absent ones are left out.
    #[must_use]
    pub fn only(&self, names: &[String]) -> Self {
        let kept = self.iter().filter(|(name, _)| names.iter().any(|n| n == name));
        Self::from_pairs(kept).unwrap_or_default()
    }

    /// The identity of this set.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut eat = |bytes: &[u8]| {
            for byte in bytes.iter().chain(std::iter::once(&0xff)) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
            }
        };
        for (name, value) in self.iter() {
            eat(name.as_bytes());
            eat(value.as_bytes());
        }
        Fingerprint(hash)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LabelsVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of label names and text values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut pairs: Vec<(std::borrow::Cow<'de, str>, std::borrow::Cow<'de, str>)> = Vec::with_capacity(12);
        while let Some((name, value)) = map.next_entry::<CowStr<'de>, CowStr<'de>>()? {
            if pairs.len() >= LABELS_MAX {
                return Err(serde::de::Error::custom(LabelsError::TooMany(pairs.len() + 1)));
            }
            pairs.push((name.0, value.0));
        }
        Labels::from_pairs(pairs).map_err(serde::de::Error::custom)
    }
}

/// A text borrowed from the input where it holds no escapes.
#[derive(Deserialize)]
struct CowStr<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("{text:?} is not a fingerprint: write sixteen hexadecimal digits");
        u64::from_str_radix(text, 16).map(Self).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        Labels::from_pairs(pairs.iter().copied()).unwrap()
    }

    #[test]
    fn pairs_are_sorted_and_found() {
        let set = labels(&[("b", "2"), ("a", "1"), ("c", "")]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2"), ("c", "")]);
        assert_eq!(set.get("b"), Some("2"));
        assert_eq!(set.value("none"), "");
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"{"a":"1","b":"2","c":""}"#);
    }

    #[test]
    fn bad_sets_are_refused() {
        assert_eq!(Labels::from_pairs([("a", "1"), ("a", "2")]), Err(LabelsError::Twice("a".into())));
        assert_eq!(Labels::from_pairs([("", "1")]), Err(LabelsError::EmptyName));
        assert!(matches!(Labels::from_pairs([("a", "x".repeat(70_000))]), Err(LabelsError::TooLong(_))));
    }

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        // The empty set has the offset basis; see common/model/signature.go.
        assert_eq!(labels(&[]).fingerprint().to_string(), "cbf29ce484222325");
        let one = labels(&[("name", "garland, briggs"), ("fear", "love is not enough")]);
        assert_eq!(one.fingerprint(), Fingerprint(5_799_056_148_416_392_346));
    }

    proptest::proptest! {
        #[test]
        fn json_reads_back(pairs in proptest::collection::btree_map("[a-z]{1,8}", "\\PC{0,12}", 0..10)) {
            let set = Labels::from_pairs(pairs.iter()).unwrap();
            let json = serde_json::to_string(&set).unwrap();
            let back: Labels = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(set, back);
        }
    }
}
