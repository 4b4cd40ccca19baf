//! Service-level objectives as data: what is promised, how it is measured, and over which windows it is watched. What
//! rules that makes is decided by `signals::slo`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use crate::Seconds;

/// The objectives of a watchbook, and what is needed to make rules of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Objectives {
    /// The objectives, in order of place.
    pub slos: Vec<Placed>,
    /// Windows of one's own; for other periods the published ones hold.
    pub windows: Vec<Windows>,
    /// Queries of plugins by the plugin's name.
    pub plugins: BTreeMap<String, String>,
}

/// An objective and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The path of its file.
    pub file: String,
    /// Its line, from one.
    pub line: usize,
    /// The objective.
    pub slo: Slo,
}

/// A service-level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Slo {
    /// The service that promises.
    pub service: String,
    /// The objective's name, once in its service.
    pub name: String,
    /// What is promised, in words.
    pub description: String,
    /// The share of good events.
    pub objective: Objective,
    /// Over how long; whoever makes the rules says it when it is absent.
    pub period: Option<Seconds>,
    /// Labels of the recorded series.
    pub labels: BTreeMap<String, String>,
    /// Labels of the series `sloth_slo_info` only.
    pub info_labels: BTreeMap<String, String>,
    /// How often the rules are evaluated; the server's default when absent.
    pub interval: Option<Seconds>,
    /// The form in which it was written, such as `prometheus/v1`.
    pub form: &'static str,
    /// How good events are told from bad ones.
    pub sli: Sli,
    /// What the alerts are called and carry.
    pub alerting: Alerting,
    /// How many bad events an alert needs in its long window, beside the ratio.
    pub min_events: Option<NonZeroU32>,
    /// Pairs of windows that are left out.
    pub dropped: BTreeSet<Tier>,
}

impl Slo {
    /// The name that is unique over all services.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.service, self.name)
    }
}

/// The share of good events that is promised: more than none, less than all.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Objective(f64);

impl Objective {
    /// From percent; `None` unless it is between 0 and 100, both excluded.
    #[must_use]
    pub fn percent(percent: f64) -> Option<Self> {
        (percent > 0.0 && percent < 100.0).then_some(Self(percent))
    }

    /// From a ratio; `None` unless it is between 0 and 1, both excluded.
    #[must_use]
    pub fn ratio(ratio: f64) -> Option<Self> {
        Self::percent(rounded(ratio * 100.0))
    }

    /// In percent.
    #[must_use]
    pub fn as_percent(self) -> f64 {
        self.0
    }

    /// As a ratio.
    #[must_use]
    pub fn as_ratio(self) -> f64 {
        rounded(self.0 / 100.0)
    }

    /// The share that may be bad.
    #[must_use]
    pub fn budget(self) -> f64 {
        rounded((100.0 - self.0) / 100.0)
    }
}

/// Twelve significant digits, which takes away what binary fractions add to decimal ones.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// How good events are told from bad ones. Queries are PromQL with `{{.window}}` where a range stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Sli {
    /// Bad events and all events.
    Events {
        /// Counts or rates bad events.
        error: String,
        /// Counts or rates all events.
        total: String,
    },
    /// Good events and all events.
    Good {
        /// Counts or rates good events.
        good: String,
        /// Counts or rates all events.
        total: String,
    },
    /// The share of bad events, from 0 to 1.
    Ratio(String),
    /// A plugin of sloth's that makes the query. Which query that is, the file does not say.
    Plugin {
        /// The plugin's name.
        id: String,
        /// What it is given.
        options: BTreeMap<String, String>,
    },
}

/// What the alerts are called and carry.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// The name of both alerts; a common one when absent.
    pub name: Option<String>,
    /// Labels of both.
    pub labels: BTreeMap<String, String>,
    /// Annotations of both; they win over those made here.
    pub annotations: BTreeMap<String, String>,
    /// The alert that wakes somebody.
    pub page: AlertWords,
    /// The alert that can wait until the morning.
    pub ticket: AlertWords,
}

/// What one of the alerts carries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertWords {
    /// Whether it is not made.
    pub disabled: bool,
    /// Its labels; they win over those of both.
    pub labels: BTreeMap<String, String>,
    /// Its annotations; they win over those of both.
    pub annotations: BTreeMap<String, String>,
}

/// How soon somebody must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Somebody must look now.
    Page,
    /// Somebody must look in the next days.
    Ticket,
}

impl Urgency {
    /// Both, the sooner first.
    pub const ALL: [Self; 2] = [Self::Page, Self::Ticket];

    /// As labels have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A pair of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The budget burns very fast.
    PageQuick,
    /// The budget burns fast.
    PageSlow,
    /// The budget burns in days.
    TicketQuick,
    /// The budget burns as fast as it grows.
    TicketSlow,
}

impl Tier {
    /// All four, the fastest first.
    pub const ALL: [Self; 4] = [Self::PageQuick, Self::PageSlow, Self::TicketQuick, Self::TicketSlow];

    /// As files have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PageQuick => "page_quick",
            Self::PageSlow => "page_slow",
            Self::TicketQuick => "ticket_quick",
            Self::TicketSlow => "ticket_slow",
        }
    }

    /// How soon somebody must know.
    #[must_use]
    pub const fn urgency(self) -> Urgency {
        match self {
            Self::PageQuick | Self::PageSlow => Urgency::Page,
            Self::TicketQuick | Self::TicketSlow => Urgency::Ticket,
        }
    }
}

/// So much of the budget, burned within the long window, is too much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Percent of the budget of the whole period.
    pub budget_percent: f64,
    /// The short window.
    pub short: Seconds,
    /// The long window.
    pub long: Seconds,
}

/// The windows for one period, in the order of [`Tier::ALL`].
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    period: Seconds,
    paces: [Pace; 4],
}

/// Why windows make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", tier.word())]
pub struct WindowsError {
    /// Which pair it is.
    pub tier: Tier,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Windows {
    /// Windows of one's own.
    ///
    /// # Errors
    /// When a window is empty, the short one is not shorter than the long one, the long one is not shorter than the
    /// period, or a share of the budget is not between 0 and 100 percent.
    pub fn new(period: Seconds, paces: [Pace; 4]) -> Result<Self, WindowsError> {
        let wrong = paces.iter().zip(Tier::ALL).find_map(|(pace, tier)| {
            let reason = if pace.short.0 == 0 {
                "the short window is empty"
            } else if pace.short >= pace.long {
                "the short window is not shorter than the long one"
            } else if pace.long >= period {
                "the long window is not shorter than the period"
            } else if !(pace.budget_percent > 0.0 && pace.budget_percent <= 100.0) {
                "the share of the error budget is not between 0 and 100 percent"
            } else {
                return None;
            };
            Some(WindowsError { tier, reason })
        });
        wrong.map_or(Ok(Self { period, paces }), Err)
    }

    /// The period they are for.
    #[must_use]
    pub fn period(&self) -> Seconds {
        self.period
    }

    /// The pace of a tier.
    #[must_use]
    pub fn pace(&self, tier: Tier) -> Pace {
        let [page_quick, page_slow, ticket_quick, ticket_slow] = self.paces;
        match tier {
            Tier::PageQuick => page_quick,
            Tier::PageSlow => page_slow,
            Tier::TicketQuick => ticket_quick,
            Tier::TicketSlow => ticket_slow,
        }
    }
}
