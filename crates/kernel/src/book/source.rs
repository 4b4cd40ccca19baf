//! Existing stores as data: where they are, how they are asked, and over which of them rule files are evaluated. How they
//! are asked is decided by `connectors::sources`, when by `engine::ruler`.

use std::num::NonZeroU8;

use super::SecretRef;
use crate::time::Seconds;

/// How long a source may take to answer where it says nothing.
pub const TIMEOUT: Seconds = Seconds(10);
/// How many questions are open at once where a source says nothing.
pub const AT_ONCE: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);

/// An existing store that answers queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it speaks.
    pub kind: SourceKind,
    /// Where it is: what stands before `/api/v1/query`.
    pub url: String,
    /// The name that the secret is the password of; without it, the secret is a bearer token.
    pub user: Option<String>,
    /// The credential, by reference.
    pub secret: Option<SecretRef>,
    /// How long one answer may take.
    pub timeout: Seconds,
    /// How many questions are open at once.
    pub at_once: NonZeroU8,
    /// The rule files that are evaluated over it, by path within the watchbook; `*` stands for any text.
    pub rules: Vec<String>,
}

/// What a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Prometheus' query API, as Prometheus, VictoriaMetrics, Mimir and Thanos have it.
    Prometheus,
}

impl Source {
    /// Whether the rule file of a path is evaluated over it.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        self.rules.iter().any(|pattern| fits(pattern, path))
    }
}

/// Whether a path fits a pattern in which `*` stands for any text. Of several stars only the last is tried again.
fn fits(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_text() {
        let table = [
            ("prometheus/node.yml", "prometheus/node.yml", true),
            ("prometheus/node.yml", "prometheus/other.yml", false),
            ("prometheus/mimir-*.yml", "prometheus/mimir-shop.yml", true),
            ("prometheus/mimir-*.yml", "prometheus/mimir-shop.yaml", false),
            ("*", "prometheus/a.yml", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("ab*ba", "aba", false),
        ];
        for (pattern, path, is) in table {
            assert_eq!(fits(pattern, path), is, "{pattern} {path}");
        }
    }
}
