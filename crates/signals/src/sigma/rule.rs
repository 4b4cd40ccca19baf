//! A rule as people know it: who wrote it, how bad a match is, what is excepted from it.

use jiff::civil::Date;

/// How bad a match is, as the rule's author says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Context for other matches.
    Informational,
    /// Notable, seldom trouble.
    Low,
    /// Worth a look.
    Medium,
    /// Look at once.
    High,
    /// Certainly an attack.
    Critical,
}

impl From<rsigma_parser::Level> for Level {
    fn from(level: rsigma_parser::Level) -> Self {
        match level {
            rsigma_parser::Level::Informational => Self::Informational,
            rsigma_parser::Level::Low => Self::Low,
            rsigma_parser::Level::Medium => Self::Medium,
            rsigma_parser::Level::High => Self::High,
            rsigma_parser::Level::Critical => Self::Critical,
        }
    }
}

/// What a rule says of itself. The author is named in whatever a match writes, as the licence of many rules asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The file in which it stands, as the caller named it.
    pub file: String,
    /// Its id, a UUID in most rules.
    pub id: Option<String>,
    /// Its short name, by which correlations may refer to it.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// The product of its log source.
    pub product: Option<String>,
    /// The service of its log source.
    pub service: Option<String>,
    /// The category of its log source.
    pub category: Option<String>,
    /// Whether no pipeline says where its events are. It is asked only of events that come with the words of its log
    /// source: see `Event::from_source`.
    pub only_told: bool,
    /// Whether it looks for a text anywhere in the event.
    pub has_keywords: bool,
    /// How bad a match is. Rules without a level are medium.
    pub level: Level,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it finds.
    pub description: Option<String>,
    /// Its tags, such as `attack.t1059`.
    pub tags: Vec<String>,
    /// What may match it without being an attack.
    pub false_positives: Vec<String>,
    /// Placeholders that no pipeline fills. While there are any, the rule matches nothing.
    pub waits_for: Vec<String>,
    /// The filters that except events from it.
    pub exceptions: Vec<Exception>,
    /// Whether its matches stand for themselves. Not so when they only feed a correlation that does not generate them.
    pub reported: bool,
}

impl Rule {
    /// What it is called where one text must do: its id, or its title.
    #[must_use]
    pub fn key(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.title)
    }

    /// Whether a reference means this rule: by id, by name or by title.
    pub(super) fn is_called(&self, reference: &str) -> bool {
        let is = |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(reference));
        is(&self.id) || is(&self.name) || self.title == reference
    }
}

/// A filter: events that are excepted from rules, without a change to the rules' own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The file in which it stands.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Why these events are harmless.
    pub reason: Option<String>,
    /// The last day on which it is applied.
    pub expires: Option<Date>,
}

/// A rule, filter or correlation that is not in use, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {rule}: {reason}")]
pub struct Refused {
    /// The file in which it stands.
    pub file: String,
    /// Its id or title; the file's name when neither could be read.
    pub rule: String,
    /// What is wrong, and where there is one, a way out.
    pub reason: String,
}

impl Refused {
    pub(super) fn new(file: &str, rule: &str, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), rule: rule.to_owned(), reason: reason.into() }
    }
}
