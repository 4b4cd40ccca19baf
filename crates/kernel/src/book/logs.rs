//! How the logs of services are watched: what is found in them, and what of it raises a signal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::log::Level;
use crate::name::{RuleName, ServiceName};
use crate::time::Seconds;

/// What can be found in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFinding {
    /// Lines of a pattern that nothing was like before.
    New,
    /// A pattern has many more lines a minute than usual.
    More,
    /// A pattern has many fewer lines a minute than usual.
    Fewer,
}

impl LogFinding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::New, Self::More, Self::Fewer];

    /// Its word in the watchbook and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::More => "more",
            Self::Fewer => "fewer",
        }
    }

    /// The name of its alerts, and of the rule that raises them. No rule of the watchbook can have it: those are in lower
    /// case, or hold a slash.
    #[must_use]
    pub fn alert_name(self) -> &'static str {
        match self {
            Self::New => "NewLogPatterns",
            Self::More => "MoreLogLines",
            Self::Fewer => "FewerLogLines",
        }
    }

    /// The finding that a rule raises.
    #[must_use]
    pub fn of_rule(rule: &RuleName) -> Option<Self> {
        Self::ALL.into_iter().find(|finding| finding.alert_name() == rule.as_str())
    }
}

/// How one log is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWatch {
    /// Whether patterns are looked for at all.
    pub watch: bool,
    /// Which findings raise a signal; the others are shown and page nobody.
    pub raise: BTreeSet<LogFinding>,
    /// The least level at which a new pattern, or one with more lines, raises.
    pub level: Level,
    /// How long from the first line on everything is new and nothing is found to be.
    pub learn_for: Seconds,
    /// How many spreads off the usual a rate must be. The fewer, the more is found.
    pub spreads: u8,
    /// How long new patterns are gathered, so that one signal tells them all.
    pub gather_for: Seconds,
    /// How long there must have been nothing more of it until a signal clears.
    pub quiet_for: Seconds,
    /// The labels added to the alert.
    pub labels: Labels,
}

impl Default for LogWatch {
    /// Watched, shown, and silent: nobody is paged until the watchbook says so.
    fn default() -> Self {
        Self {
            watch: true,
            raise: BTreeSet::new(),
            level: Level::Error,
            learn_for: Seconds::hours(24),
            spreads: 8,
            gather_for: Seconds(30),
            quiet_for: Seconds::minutes(15),
            labels: Labels::from_pairs([("severity", "warning")]).unwrap_or_default(),
        }
    }
}

/// How the logs of all services are watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogWatches {
    /// Where the service has nothing of its own.
    pub default: LogWatch,
    /// By service.
    pub services: BTreeMap<ServiceName, LogWatch>,
}

impl LogWatches {
    /// How the log of a service is watched, by the name that its log events carry.
    #[must_use]
    pub fn of(&self, service: &str) -> &LogWatch {
        self.services.get(service).unwrap_or(&self.default)
    }

    /// Whether a rule may raise a signal about a service.
    #[must_use]
    pub fn raises(&self, rule: &RuleName, service: &str) -> bool {
        let watch = self.of(service);
        watch.watch && LogFinding::of_rule(rule).is_some_and(|finding| watch.raise.contains(&finding))
    }
}
