//! Sigma in the watchbook: its files as they are, and how the matches of their rules are handled. Not the rules
//! themselves: `signals::sigma` compiles them and fills [`Sigma::rules`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::name::RuleName;
use crate::time::Seconds;

/// How late an event may be and still count in correlations, when the watchbook does not say.
pub const LATENESS: Seconds = Seconds::minutes(5);
/// After how long without a match a raised signal clears, when the watchbook does not say.
pub const QUIET: Seconds = Seconds::hours(1);

/// The folder `sigma/` and the file `sigma.yaml`.
#[derive(Debug, Clone, Default)]
pub struct Sigma {
    /// The files, in order of path.
    pub files: Vec<File>,
    /// What `sigma.yaml` says.
    pub handling: Handling,
    /// The rules, correlations and baselines in use, and how each is handled. Empty until somebody has compiled the files.
    pub rules: BTreeMap<RuleName, Handled>,
}

/// One file of the folder `sigma/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path within the watchbook, such as `sigma/rules/windows/one.yml`.
    pub path: String,
    /// What it holds.
    pub part: Part,
    /// Its YAML.
    pub text: Arc<str>,
}

/// What a file of the folder `sigma/` holds, as its folder says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Rules and correlations: `sigma/rules/`.
    Rules,
    /// Filters, which are exceptions from rules: `sigma/filters/`.
    Filters,
    /// Pipelines, which say where events come from and how their fields are called: `sigma/pipelines/`.
    Pipelines,
}

/// What `sigma.yaml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// How late an event may be and still count in correlations.
    pub lateness: Seconds,
    /// After how long without a match a raised signal clears.
    pub quiet: Seconds,
    /// From when on a rule is asked to be tuned and pages nobody.
    pub precision: Bar,
    /// The label `severity` of each level.
    pub severities: Severities,
    /// Labels added to every alert.
    pub labels: BTreeMap<String, String>,
    /// Which events come from which log source, where they do not say it themselves. The first that fits counts.
    pub sources: Vec<LogSource>,
    /// What single rules say otherwise, by id, name or title.
    pub rules: BTreeMap<String, RuleHandling>,
    /// What is usual, by the baseline's name.
    pub baselines: BTreeMap<String, Baseline>,
}

impl Default for Handling {
    fn default() -> Self {
        Self {
            lateness: LATENESS,
            quiet: QUIET,
            precision: Bar::default(),
            severities: Severities::default(),
            labels: BTreeMap::new(),
            sources: Vec::new(),
            rules: BTreeMap::new(),
            baselines: BTreeMap::new(),
        }
    }
}

/// From when on a rule is asked to be tuned: when fewer of its alerts were right than it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// The lowest share of right alerts with which a rule may page, in percent, at most 100.
    pub at_least: u8,
    /// How many verdicts it takes before the share counts.
    pub after: u8,
}

impl Default for Bar {
    /// Three of ten alerts must be right, once ten verdicts are there.
    fn default() -> Self {
        Self { at_least: 30, after: 10 }
    }
}

/// The label `severity` for each of Sigma's levels; without one, matches are only shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severities {
    /// Of `critical`.
    pub critical: Option<String>,
    /// Of `high`.
    pub high: Option<String>,
    /// Of `medium`, and of rules without a level.
    pub medium: Option<String>,
    /// Of `low`.
    pub low: Option<String>,
    /// Of `informational`.
    pub informational: Option<String>,
}

impl Default for Severities {
    fn default() -> Self {
        let word = |word: &str| Some(word.to_owned());
        Self { critical: word("critical"), high: word("warning"), medium: word("info"), low: None, informational: None }
    }
}

/// The words of a log source, and the events that come from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSource {
    /// The fields that an event must have, and their values without case; all of them.
    pub when: BTreeMap<String, String>,
    /// The product, such as `linux`; may be empty, as the next two.
    pub product: String,
    /// The service, such as `sshd`.
    pub service: String,
    /// The category, such as `process_creation`.
    pub category: String,
}

/// What a single rule says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleHandling {
    /// Whether it is on trial: its matches are shown and page nobody.
    pub shadow: bool,
    /// The label `severity` of its alerts.
    pub severity: Option<String>,
    /// After how long without a match its signals clear.
    pub quiet: Option<Seconds>,
    /// The fields whose values tell one signal of it from another.
    pub by: Option<Vec<String>>,
    /// Labels added to its alerts.
    pub labels: BTreeMap<String, String>,
    /// From when on it is asked to be tuned.
    pub precision: Option<Bar>,
}

/// How the matches of one rule in use are handled: what the watchbook says of all, and of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// Whether it is on trial.
    pub shadow: bool,
    /// The label `severity` of its alerts; without one its matches are only shown.
    pub severity: Option<String>,
    /// After how long without a match its signals clear.
    pub quiet: Seconds,
    /// The fields whose values tell one signal of it from another; `None` for the host.
    pub by: Option<Vec<String>>,
    /// Labels added to its alerts.
    pub labels: BTreeMap<String, String>,
    /// From when on it is asked to be tuned.
    pub precision: Bar,
}

/// What is usual within a scope, so that what is not raises a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// What an alert of it is called.
    pub title: String,
    /// The rule, by id, name or title, whose matches are counted; every event without one.
    pub rule: Option<String>,
    /// The fields that name a scope, such as host or user.
    pub scope: Vec<String>,
    /// The fields whose values are counted within a scope.
    pub of: Vec<String>,
    /// How long a scope only learns.
    pub learn: Seconds,
    /// Up to which count a combination is rare; zero means that only what was never seen is told.
    pub rare_up_to: u32,
    /// After how long without being seen a combination is forgotten.
    pub forget: Seconds,
    /// How its findings are handled.
    pub handling: RuleHandling,
}
