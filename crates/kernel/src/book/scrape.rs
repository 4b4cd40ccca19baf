//! Scrape jobs as data, in Prometheus' words: which targets there are, how each is asked, what becomes of its labels. How a
//! target is asked is decided by `connectors::scrape`.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use regex::Regex;

use crate::matcher::{MatcherError, anchored};

/// The most targets of one job where it says no limit.
pub const TARGETS_MAX: usize = 10_000;
/// The largest answer of a target where its job says no limit, unpacked, in bytes.
pub const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How often a target is asked where nothing says how often.
pub const INTERVAL: Duration = Duration::from_secs(60);
/// How long it may take where nothing says how long.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A set of targets that are asked in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeJob {
    /// Its name, once in a watchbook; the label `job` of its series.
    pub name: String,
    /// How often each target is asked.
    pub interval: Duration,
    /// How long an answer may take; at most the interval.
    pub timeout: Duration,
    /// How a target is asked.
    pub ask: Asking,
    /// Whether labels that a target gives win over those of the target.
    pub honor_labels: bool,
    /// Whether timestamps that a target gives are kept.
    pub honor_timestamps: bool,
    /// Targets that are named here.
    pub targets: Vec<TargetGroup>,
    /// Targets that files name.
    pub files: Vec<TargetFiles>,
    /// What becomes of a target's labels before it is asked.
    pub relabel: Vec<Relabel>,
    /// What becomes of a sample's labels before it is kept.
    pub metric_relabel: Vec<Relabel>,
    /// How much a target may say.
    pub limits: ScrapeLimits,
}

/// How a target is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asking {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// The path, with a slash at its beginning.
    pub path: String,
    /// The parameters of the address.
    pub params: BTreeMap<String, Vec<String>>,
    /// How we say who we are.
    pub login: Option<Login>,
    /// Whom we trust.
    pub tls: Tls,
}

/// How a target is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Without encryption.
    #[default]
    Http,
    /// With encryption.
    Https,
}

impl Scheme {
    /// As addresses write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Who we say that we are. Secrets are named by their file and never stand here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A name, and the file of its password.
    Basic {
        /// The name.
        user: String,
        /// The file; an empty password where there is none.
        password_file: Option<String>,
    },
    /// `Authorization: KIND CREDENTIALS`.
    Header {
        /// Mostly `Bearer`.
        kind: String,
        /// The file of the credentials.
        file: String,
    },
}

/// Whom we trust, and what we show of ourselves. Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The only authorities that count; the system's where absent.
    pub ca_file: Option<String>,
    /// Our certificate and its key.
    pub identity: Option<(String, String)>,
    /// Whether every certificate is believed.
    pub skip_verify: bool,
}

impl Tls {
    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca_file.iter().chain(identity).map(String::as_str)
    }
}

/// Targets with labels in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetGroup {
    /// Their addresses: a host, and mostly a port.
    pub targets: Vec<String>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

/// Files that name targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetFiles {
    /// Their paths, from the watchbook's directory; `*` may stand in the last part.
    pub patterns: Vec<String>,
    /// How often they are read again.
    pub refresh: Duration,
}

/// How much one target may say in one answer; more of it is a failed scrape. `None` is no limit of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScrapeLimits {
    /// The most targets of the job.
    pub targets: Option<NonZeroUsize>,
    /// The most samples after relabeling.
    pub samples: Option<NonZeroUsize>,
    /// The most labels of a sample.
    pub labels: Option<NonZeroUsize>,
    /// The longest name of a label, in bytes.
    pub label_name: Option<NonZeroUsize>,
    /// The longest value of a label, in bytes.
    pub label_value: Option<NonZeroUsize>,
    /// The largest answer, unpacked, in bytes.
    pub body: Option<NonZeroU64>,
}

/// One step of relabeling, with Prometheus' meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relabel {
    /// The labels whose values it looks at,
    pub source: Vec<String>,
    /// joined by this text.
    pub separator: String,
    /// What it does.
    pub action: Action,
}

/// What a step of relabeling does. Patterns meet the whole of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Sets a label to a text with `$1` for what the pattern captured, where it is met. Empty removes the label.
    Replace {
        /// What the joined values must meet.
        pattern: Pattern,
        /// The label, with `$1` likewise.
        target: String,
        /// The text.
        replacement: String,
    },
    /// Sets a label to the joined values in lower case.
    Lowercase(String),
    /// Sets a label to the joined values in upper case.
    Uppercase(String),
    /// Drops what does not meet the pattern.
    Keep(Pattern),
    /// Drops what meets it.
    Drop(Pattern),
    /// Drops where the joined values are not the label's.
    KeepEqual(String),
    /// Drops where they are.
    DropEqual(String),
    /// Sets a label to a hash of the joined values modulo a number.
    HashMod {
        /// The label.
        target: String,
        /// The number.
        modulus: NonZeroU64,
    },
    /// Gives the value of each label whose name meets the pattern to the label that the text names.
    LabelMap {
        /// What a name must meet.
        pattern: Pattern,
        /// The other name, with `$1` for what was captured.
        replacement: String,
    },
    /// Removes the labels whose names meet the pattern.
    LabelDrop(Pattern),
    /// Removes all others.
    LabelKeep(Pattern),
}

/// A regular expression that meets the whole of a text.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    compiled: Regex,
}

impl Pattern {
    /// Compiles one.
    ///
    /// # Errors
    /// When it is no regular expression, or too long or too large.
    pub fn new(source: &str) -> Result<Self, MatcherError> {
        Ok(Self { source: source.to_owned(), compiled: anchored(source)? })
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a text meets it.
    #[must_use]
    pub fn meets(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// A template with what was captured of a text; `None` where the text does not meet it.
    #[must_use]
    pub fn expand(&self, text: &str, template: &str) -> Option<String> {
        let captures = self.compiled.captures(text)?;
        let mut out = String::new();
        captures.expand(template, &mut out);
        Some(out)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.source)
    }
}
