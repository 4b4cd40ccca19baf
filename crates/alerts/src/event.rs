//! What can have happened in this room. Each variant's form is frozen by a byte snapshot in the tests; fields added
//! later have defaults. Not commands, and not what is merely heard.

use std::fmt;

use kernel::area::EventMeta;
use kernel::book::times::RouteTimes;
use kernel::delivery::Attempt;
use kernel::time::{Seconds, Timestamp};
use kernel::{
    Address, DeliveryId, Fingerprint, Labels, Matcher, PersonName, PolicyName, ScheduleName, Sensitivity, ServiceName,
    Severity, Stream,
};
use serde::{Deserialize, Serialize};

use crate::id::{GroupKey, OverrideId, PageId, SilenceId};
use crate::times::Quiet;

/// The most alerts that one fact about a page names; `count` says how many there are.
pub const PAGE_ALERTS_MAX: usize = 200;

/// What can have happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// An alert began to fire, and was put into its groups.
    AlertOpened(Box<AlertOpened>),
    /// The watchbook changed, and an alert belongs to other groups or inhibitions now.
    AlertRouted {
        /// Which alert.
        alert: Fingerprint,
        /// Where it belongs now.
        place: Placement,
    },
    /// An alert is over.
    AlertResolved {
        /// Which alert.
        alert: Fingerprint,
        /// When it ended.
        ends_at: Timestamp,
        /// Who says so.
        by: ResolvedBy,
        /// What a person said about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// An alert pages nobody from now on.
    AlertMuted {
        /// Which alert.
        alert: Fingerprint,
        /// Why.
        why: Mute,
    },
    /// Nothing mutes an alert any more.
    AlertUnmuted {
        /// Which alert.
        alert: Fingerprint,
    },
    /// A change of muting reaches more alerts than one decision may; the rest follows.
    MutingDeferred {
        /// What changed.
        what: Muting,
    },
    /// The rest has followed.
    MutingSettled {
        /// What had changed.
        what: Muting,
    },
    /// A silence was written, or written anew under its old id.
    SilenceCreated {
        /// Its id.
        id: SilenceId,
        /// The conditions.
        matchers: Vec<Matcher>,
        /// When it begins.
        starts_at: Timestamp,
        /// When it ends.
        ends_at: Timestamp,
        /// Who says so, as the client named them; empty means the actor of this fact.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        created_by: String,
        /// Why.
        comment: String,
    },
    /// A silence began to mute.
    SilenceStarted {
        /// Which silence.
        id: SilenceId,
    },
    /// A silence is over: its time came, or somebody ended it.
    SilenceExpired {
        /// Which silence.
        id: SilenceId,
    },
    /// A run of an escalation policy began for a group.
    PageOpened(Box<PageOpened>),
    /// What a page says changed, or nobody took it for the repeat interval.
    PageRenewed {
        /// Which page.
        page: PageId,
        /// Why it is told again.
        why: Renewal,
        /// How bad it is now.
        severity: Severity,
        /// What fires and is not muted; at most [`PAGE_ALERTS_MAX`].
        alerts: Vec<Fingerprint>,
        /// How many there are.
        count: u32,
        /// When the escalation that begins anew goes on to its next step; `None` leaves it as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restart: Option<Restart>,
    },
    /// A message to somebody is wanted.
    PageRequested {
        /// Which page.
        page: PageId,
        /// The identity of the delivery.
        delivery: DeliveryId,
        /// Who; `None` is a machine or a room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonName>,
        /// Where.
        address: Address,
        /// The step of the policy, from zero; one past the last is the owner's whole team.
        step: u32,
        /// The round through the policy, from zero.
        round: u32,
        /// Which of the person's contact methods, from zero.
        method: u32,
        /// What the message says.
        says: Says,
    },
    /// A delivery was tried.
    PageAttempted {
        /// Which page.
        page: PageId,
        /// Which delivery.
        delivery: DeliveryId,
        /// What came of it.
        attempt: Attempt,
    },
    /// Somebody took the page; the fact's actor says who.
    PageAcknowledged {
        /// Which page.
        page: PageId,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// The next step of the policy was begun.
    PageEscalated {
        /// Which page.
        page: PageId,
        /// The step, from zero.
        step: u32,
        /// The round, from zero.
        round: u32,
        /// Why the last step was not enough.
        why: Escalation,
        /// When the one after it follows unless somebody acknowledges.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
    },
    /// Nobody who could act was reached. This is loud.
    NobodyReached {
        /// Which page.
        page: PageId,
        /// Why, in plain words.
        why: String,
        /// Whether the policy has come to its end.
        exhausted: bool,
    },
    /// A group has something to tell, and its route keeps quiet at this time.
    GroupHeld {
        /// Which group.
        group: GroupKey,
        /// By which interval, and until when.
        quiet: Quiet,
    },
    /// No alert of the page's group fires any more.
    PageClosed {
        /// Which page.
        page: PageId,
    },
    /// Somebody took a shift.
    ShiftOverridden {
        /// The override's number.
        id: OverrideId,
        /// Which schedule.
        schedule: ScheduleName,
        /// Who is on duty instead.
        person: PersonName,
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// An override was taken back.
    OverrideCancelled {
        /// Which override.
        id: OverrideId,
    },
    /// The system came back: no alert ends before this instant unless it is resolved.
    Resumed {
        /// The instant.
        until: Timestamp,
    },
}

/// An alert began to fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertOpened {
    /// Its fingerprint.
    pub alert: Fingerprint,
    /// Its identity.
    pub labels: Labels,
    /// What it says to people.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: Timestamp,
    /// When it ends unless it is sent again; `None` means never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Who reported it.
    pub source: Box<str>,
    /// Where it was made; may be empty.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub generator_url: Box<str>,
    /// Where it belongs.
    pub place: Placement,
}

/// Where an alert belongs, by the watchbook of the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Placement {
    /// Its groups, one for each route that it took.
    pub groups: Vec<Membership>,
    /// The inhibitions of which it is a source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inhibits: Vec<InhibitionKey>,
}

/// A place in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which group.
    pub group: GroupKey,
    /// What the group is, when it opens with this alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens: Option<Box<GroupOpened>>,
}

/// What a group is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOpened {
    /// The path of its route, as Alertmanager writes it: `{}/{team="shop"}`.
    pub route: Box<str>,
    /// The labels that its alerts have in common because they were grouped by them.
    pub labels: Labels,
    /// When it is first paged.
    pub flush_at: Timestamp,
    /// How long it waits before it pages again because alerts joined or left it.
    pub interval: Seconds,
    /// How long until it pages again without change; zero means never.
    pub repeat: Seconds,
    /// Whom to page, when the route says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// When its route pages.
    #[serde(default, skip_serializing_if = "RouteTimes::is_always")]
    pub times: RouteTimes,
}

/// An inhibition's rule with the values that must be equal, both as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InhibitionKey {
    /// A hash of the rule's text.
    pub rule: u64,
    /// A hash of the rule's text and of the equal values.
    pub equal: u64,
}

/// A run of an escalation policy began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageOpened {
    /// The page's number.
    pub page: PageId,
    /// Which group.
    pub group: GroupKey,
    /// Which policy; `None` when none was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// How bad the worst alert is.
    pub severity: Severity,
    /// Whether an incident is declared for it.
    pub declare: bool,
    /// Why it is that bad, in plain words.
    pub why: String,
    /// The service that the worst alert names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// One line for people.
    pub title: String,
    /// What fires and is not muted; at most [`PAGE_ALERTS_MAX`].
    pub alerts: Vec<Fingerprint>,
    /// How many there are.
    pub count: u32,
    /// How often an update is owed, when an incident is declared.
    pub update_every: Seconds,
    /// When the second step follows unless somebody acknowledges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// Who says that an alert is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// Its source.
    Source,
    /// Nobody: it was not sent again in time.
    Expired,
    /// A person.
    Person,
}

/// Why an alert pages nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mute {
    /// A silence matches it.
    Silence {
        /// Which silence.
        id: SilenceId,
    },
    /// Another alert inhibits it.
    Inhibition {
        /// The alert that does.
        by: Fingerprint,
        /// The rule's number in the watchbook.
        rule: u32,
    },
}

/// What can change the muting of many alerts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Muting {
    /// A silence began or ended.
    Silence(SilenceId),
    /// The first source of an inhibition came, or the last one went.
    Inhibition {
        /// A hash of the rule's text.
        rule: u64,
        /// The labels that must be equal, with their values.
        equal: Labels,
    },
}

/// Why a page is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renewal {
    /// Alerts joined or left its group.
    Changed,
    /// It got worse; whoever acknowledged it acknowledged something smaller.
    Worse,
    /// Nothing changed and nobody took it.
    Repeat,
}

/// An escalation begins anew, at the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Restart {
    /// When the second step follows unless somebody acknowledges.
    pub due: Option<Timestamp>,
}

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Alerts fire.
    Firing,
    /// What fires changed, or still fires.
    Renewed,
    /// All is resolved.
    Closed,
}

/// Why a step was not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escalation {
    /// Nobody acknowledged in time.
    NotAcknowledged,
    /// No message of the step was taken.
    NotDelivered,
    /// The step leads to nobody: an empty schedule, or people without contact methods.
    NobodyOnDuty,
}

impl Event {
    fn page(&self) -> Option<PageId> {
        match self {
            Self::PageOpened(opened) => Some(opened.page),
            Self::PageRenewed { page, .. }
            | Self::PageRequested { page, .. }
            | Self::PageAttempted { page, .. }
            | Self::PageAcknowledged { page, .. }
            | Self::PageEscalated { page, .. }
            | Self::NobodyReached { page, .. }
            | Self::PageClosed { page } => Some(*page),
            _ => None,
        }
    }

    fn alert(&self) -> Option<Fingerprint> {
        match self {
            Self::AlertOpened(opened) => Some(opened.alert),
            Self::AlertRouted { alert, .. }
            | Self::AlertResolved { alert, .. }
            | Self::AlertMuted { alert, .. }
            | Self::AlertUnmuted { alert } => Some(*alert),
            _ => None,
        }
    }
}

impl EventMeta for Event {
    fn kind(&self) -> &'static str {
        match self {
            Self::AlertOpened(_) => "AlertOpened",
            Self::AlertRouted { .. } => "AlertRouted",
            Self::AlertResolved { .. } => "AlertResolved",
            Self::AlertMuted { .. } => "AlertMuted",
            Self::AlertUnmuted { .. } => "AlertUnmuted",
            Self::MutingDeferred { .. } => "MutingDeferred",
            Self::MutingSettled { .. } => "MutingSettled",
            Self::SilenceCreated { .. } => "SilenceCreated",
            Self::SilenceStarted { .. } => "SilenceStarted",
            Self::SilenceExpired { .. } => "SilenceExpired",
            Self::PageOpened(_) => "PageOpened",
            Self::PageRenewed { .. } => "PageRenewed",
            Self::PageRequested { .. } => "PageRequested",
            Self::PageAttempted { .. } => "PageAttempted",
            Self::PageAcknowledged { .. } => "PageAcknowledged",
            Self::PageEscalated { .. } => "PageEscalated",
            Self::NobodyReached { .. } => "NobodyReached",
            Self::GroupHeld { .. } => "GroupHeld",
            Self::PageClosed { .. } => "PageClosed",
            Self::ShiftOverridden { .. } => "ShiftOverridden",
            Self::OverrideCancelled { .. } => "OverrideCancelled",
            Self::Resumed { .. } => "Resumed",
        }
    }

    fn stream(&self) -> Stream {
        if let Some(page) = self.page() {
            return Stream(page.to_string().into());
        }
        if let Some(alert) = self.alert() {
            return Stream(format!("alert-{alert}").into());
        }
        Stream(match self {
            Self::SilenceCreated { id, .. } | Self::SilenceStarted { id } | Self::SilenceExpired { id } => {
                format!("silence-{id}").into()
            }
            Self::ShiftOverridden { schedule, .. } => format!("schedule-{schedule}").into(),
            Self::OverrideCancelled { id } => id.to_string().into(),
            Self::GroupHeld { group, .. } => format!("group-{group}").into(),
            _ => "alerts".into(),
        })
    }

    fn sensitivity(&self) -> Sensitivity {
        Sensitivity::Internal
    }

    /// Alerts come in great numbers and go soon; everything else is what people look up.
    fn indexed(&self) -> bool {
        self.alert().is_none()
    }
}

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { id } => write!(f, "silenced by {id}"),
            Self::Inhibition { by, rule } => write!(f, "inhibited by alert {by} (rule {rule})"),
        }
    }
}

impl fmt::Display for Escalation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAcknowledged => "nobody acknowledged in time",
            Self::NotDelivered => "no message could be delivered",
            Self::NobodyOnDuty => "the step leads to nobody",
        })
    }
}

impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "alerts joined or left",
            Self::Worse => "it got worse",
            Self::Repeat => "it still fires and nobody took it",
        })
    }
}

impl fmt::Display for ResolvedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "its source",
            Self::Expired => "its end, as it was not sent again",
            Self::Person => "a person",
        })
    }
}
