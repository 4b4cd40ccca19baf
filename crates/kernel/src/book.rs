//! The watchbook as data: intent, checked and resolved. Not its files: a door reads those and builds this, all or nothing.
//!
//! Every reference between parts has been checked when a `Book` exists, so a room may look a name up and treat absence
//! as "this part is gone", never as an error of the user. [`Book::default`] is the empty book.

pub mod logs;
pub mod probe;
pub mod rules;
pub mod scrape;
pub mod sigma;
pub mod slo;
pub mod source;
pub mod times;
pub mod unit;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use logs::{LogFinding, LogWatch, LogWatches};
pub use probe::{Check, Probe, Tally};

use crate::actor::Role;
use crate::delivery::{Address, ChannelKind};
use crate::digest::Digest;
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::name::{
    ChannelName, ComponentName, HookName, IntervalName, PersonName, PolicyName, RuleName, ScheduleName, ServiceName,
    SourceName, TeamName, TemplateName,
};
use crate::severity::Severity;
use crate::time::Seconds;

/// The whole of the intent that is live.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// The digest over all files, in order of path.
    pub digest: Digest,
    /// The Git commit, when the directory is a clean checkout.
    pub commit: Option<String>,
    /// The organisation's name, for titles and the status page.
    pub organisation: String,
    /// Services by name.
    pub services: BTreeMap<ServiceName, Service>,
    /// Teams by name.
    pub teams: BTreeMap<TeamName, Team>,
    /// People by name.
    pub people: BTreeMap<PersonName, Person>,
    /// On-call schedules by name.
    pub schedules: BTreeMap<ScheduleName, Schedule>,
    /// Escalation policies by name.
    pub policies: BTreeMap<PolicyName, EscalationPolicy>,
    /// The root of the routing tree; it matches everything.
    pub route: Route,
    /// Time intervals by name.
    pub intervals: BTreeMap<IntervalName, times::Interval>,
    /// Alerts that mute other alerts.
    pub inhibitions: Vec<Inhibition>,
    /// What makes an alert an incident, and how bad; the first rule that matches wins.
    pub severity: Vec<SeverityRule>,
    /// Message templates (minijinja) by name.
    pub templates: BTreeMap<TemplateName, String>,
    /// Configured channels by name.
    pub channels: BTreeMap<ChannelName, Channel>,
    /// Generic webhook doors by name.
    pub hooks: BTreeMap<HookName, Hook>,
    /// Threshold rules by name.
    pub rules: BTreeMap<RuleName, Rule>,
    /// Rule files in Prometheus' form, in order of path.
    pub rule_files: Vec<rules::RuleFile>,
    /// The names of all alerting rules in them.
    pub alerting: BTreeSet<RuleName>,
    /// Service-level objectives; the rules made of them are among the rule files, under the path of the objectives' file.
    pub objectives: slo::Objectives,
    /// What becomes of the book when a rule in a rule file or an objective is bad.
    pub on_bad_rule: rules::OnBadRule,
    /// What was left out because of that, in order of place.
    pub left_out: Vec<rules::LeftOut>,
    /// Sigma rules and how their matches are handled.
    pub sigma: sigma::Sigma,
    /// Health checks by name.
    pub checks: BTreeMap<RuleName, Check>,
    /// How the logs of services are watched.
    pub logs: LogWatches,
    /// Scrape jobs, in the order of the files.
    pub scrapes: Vec<scrape::ScrapeJob>,
    /// Existing stores that rules may be evaluated over, by name.
    pub sources: BTreeMap<SourceName, source::Source>,
    /// Components of the status page, in the order in which they are shown.
    pub components: Vec<Component>,
    /// Access policies in Cedar's language, added to the built-in ones.
    pub access: String,
}

/// The stages for which a watchbook may have a template, by the template's name.
pub const UPDATE_STAGES: [&str; 4] = ["investigating", "identified", "monitoring", "resolved"];
/// How many steps the template of an update may take.
pub const UPDATE_FUEL: u64 = 20_000;

/// What the template of an update may say: only what customers may read. A name here is a promise to every watchbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdateWords {
    /// The notice's title, such as `Problems with Card payments`.
    pub title: String,
    /// The titles of the status page's components that are hurt; none where no component is.
    pub components: Vec<String>,
    /// How bad it is for customers, such as `major outage`.
    pub severity: String,
    /// When it began: `10:00 UTC`, or `2 March, 10:00 UTC` when that was another day.
    pub since: String,
    /// Until when the next update is promised, likewise; empty where none is.
    pub next_update: String,
    /// The organisation's name.
    pub organisation: String,
}

impl UpdateWords {
    /// Two examples: one with everything, one without what may be missing.
    #[must_use]
    pub fn samples() -> [Self; 2] {
        let full = Self {
            title: "Problems with Card payments".into(),
            components: vec!["Card payments".into(), "Web shop".into()],
            severity: "major outage".into(),
            since: "10:00 UTC".into(),
            next_update: "10:30 UTC".into(),
            organisation: "Corner Shop".into(),
        };
        let bare = Self { components: Vec::new(), next_update: String::new(), ..full.clone() };
        [full, bare]
    }
}

/// A service of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What people call it.
    pub title: String,
    /// The team that owns it.
    pub owner: TeamName,
    /// How much depends on it: 1 is the most critical, 4 the least.
    pub tier: u8,
    /// The business function it carries, such as "taking payments".
    pub function: String,
    /// The services it needs.
    pub depends_on: Vec<ServiceName>,
    /// Where it runs.
    pub regions: Vec<String>,
    /// Whom to page, when it is not the owner's policy.
    pub policy: Option<PolicyName>,
    /// Where its runbook is.
    pub runbook: Option<String>,
}

/// A team that owns services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// What people call it.
    pub title: String,
    /// Its people.
    pub members: Vec<PersonName>,
    /// How it is paged.
    pub policy: PolicyName,
    /// Its chat room, for messages that page nobody.
    pub room: Option<Address>,
}

/// A person who can be paged, take a role or log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name to show.
    pub title: String,
    /// Where they live, for local times.
    pub time_zone: TimeZone,
    /// How to reach them, best first; never empty for somebody on call.
    pub contacts: Vec<Address>,
    /// What they may be.
    pub roles: Vec<Role>,
}

/// An on-call schedule: layers, of which the first with somebody on duty wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// What people call it.
    pub title: String,
    /// The zone in which hand-off times are meant.
    pub time_zone: TimeZone,
    /// The rotations, the topmost first.
    pub layers: Vec<Layer>,
}

/// One rotation of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Who takes turns, in order; never empty.
    pub people: Vec<PersonName>,
    /// When the first person's first turn begins, in the schedule's zone.
    pub start: DateTime,
    /// How long a turn is, in civil time: a day stays a day when the clocks change.
    pub turn: Turn,
    /// When this layer is on duty; empty means always.
    pub hours: Vec<DutyHours>,
}

/// The length of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// So many civil days; hand-off is at the start's time of day.
    Days(u16),
    /// So many civil weeks; hand-off is at the start's weekday and time of day.
    Weeks(u16),
    /// So many elapsed hours.
    Hours(u16),
}

/// Hours of duty on some weekdays, in the schedule's zone. `until <= from` ends on the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DutyHours {
    /// The days on which the hours begin.
    pub days: Vec<Weekday>,
    /// When they begin.
    pub from: Time,
    /// When they end.
    pub until: Time,
}

/// Whom to page, and whom next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationPolicy {
    /// What people call it.
    pub title: String,
    /// The steps in order; never empty.
    pub steps: Vec<Step>,
    /// How often all steps are gone through again when nobody acknowledged.
    pub repeat: u8,
}

/// One step of an escalation policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who is paged; never empty.
    pub targets: Vec<Target>,
    /// How long they have to acknowledge before the next step.
    pub wait: Seconds,
}

/// Who or what is paged by a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This person.
    Person(PersonName),
    /// Whoever is on call.
    Schedule(ScheduleName),
    /// Everybody of the team.
    Team(TeamName),
    /// A machine or a room. It cannot acknowledge.
    Channel(Address),
}

/// A node of the routing tree, with Alertmanager's meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The conditions, all of which must hold.
    pub matchers: Vec<Matcher>,
    /// The labels by which alerts are grouped; `...` alone means by all labels.
    pub group_by: Vec<String>,
    /// How long a new group waits for more alerts before it is first paged.
    pub group_wait: Seconds,
    /// How long a group waits before it pages again because alerts joined or left it.
    pub group_interval: Seconds,
    /// How long until a group that did not change pages again.
    pub repeat_interval: Seconds,
    /// Whom to page; `None` means the policy of the service that the alert names, then that of its owner.
    pub policy: Option<PolicyName>,
    /// When it pages; children do not take it over.
    pub times: times::RouteTimes,
    /// Whether the next sibling is tried as well.
    pub proceed: bool,
    /// The children, of which the first that matches wins.
    pub routes: Vec<Route>,
}

/// While an alert matching `source` fires, alerts matching `target` with the same values of `equal` page nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inhibition {
    /// What mutes.
    pub source: Vec<Matcher>,
    /// What is muted.
    pub target: Vec<Matcher>,
    /// The labels that must agree.
    pub equal: Vec<String>,
}

/// What makes an alert an incident, and how bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityRule {
    /// The conditions on the alert's labels, all of which must hold.
    pub when: Vec<Matcher>,
    /// The lowest tier number (most critical) to highest that the alert's service may have; `None` means any.
    pub tiers: Option<(u8, u8)>,
    /// How bad it is.
    pub severity: Severity,
    /// Whether an incident is declared; otherwise the alert is only paged with this severity.
    pub declare: bool,
    /// How often an update is owed to the audience while the incident is open.
    pub update_every: Seconds,
    /// Why, in plain words; shown with the severity.
    pub why: String,
}

/// A channel that a connector can speak to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// What it speaks.
    pub kind: ChannelKind,
    /// `smtp://host:port`, `smtps://host:port` or an HTTP URL, by kind.
    pub url: String,
    /// The sender, for mail.
    pub from: Option<String>,
    /// The credential, by reference.
    pub secret: Option<SecretRef>,
}

/// Where a secret is found. The secret itself is never in the watchbook, the journal or a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In this environment variable of the server.
    Env(String),
    /// In this file on the server.
    File(String),
}

/// A generic webhook door: how a JSON body becomes alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// A JSON pointer to the list of items; empty when the body is one item.
    pub items: String,
    /// Label names and minijinja templates over the item, for their values.
    pub labels: BTreeMap<String, String>,
    /// Annotation names and templates.
    pub annotations: BTreeMap<String, String>,
    /// A template that yields `resolved` when the alert is over, and anything else while it fires.
    pub status: String,
}

/// A threshold rule over samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The metric's name.
    pub metric: String,
    /// Conditions on the series' labels.
    pub matchers: Vec<Matcher>,
    /// How the window becomes one number.
    pub reduce: Reduce,
    /// The window's length.
    pub window: Seconds,
    /// The condition that raises.
    pub raise: Threshold,
    /// The condition that clears; between the two nothing changes (hysteresis).
    pub clear: Threshold,
    /// How long the raising condition must hold.
    pub hold: Seconds,
    /// The labels added to the alert.
    pub labels: Labels,
    /// Annotation names and minijinja templates over `labels` and `value`.
    pub annotations: BTreeMap<String, String>,
}

/// How a window of samples becomes one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// The newest value.
    Last,
    /// The mean.
    Mean,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// The increase per second of a counter; a fall counts as a restart from zero.
    Rate,
}

/// A comparison with a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// `value > x`
    Above(f64),
    /// `value >= x`
    AtLeast(f64),
    /// `value < x`
    Below(f64),
    /// `value <= x`
    AtMost(f64),
}

/// A component of the status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its name in addresses.
    pub name: ComponentName,
    /// What customers call it.
    pub title: String,
    /// What it does, for customers.
    pub description: String,
    /// The services behind it.
    pub services: Vec<ServiceName>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            matchers: Vec::new(),
            group_by: Vec::new(),
            group_wait: Seconds(30),
            group_interval: Seconds::minutes(5),
            repeat_interval: Seconds::hours(4),
            policy: None,
            times: times::RouteTimes::default(),
            proceed: false,
            routes: Vec::new(),
        }
    }
}

impl Threshold {
    /// Whether a value meets the condition; NaN never does.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Above(x) => value > x,
            Self::AtLeast(x) => value >= x,
            Self::Below(x) => value < x,
            Self::AtMost(x) => value <= x,
        }
    }
}

impl Book {
    /// The service that an alert's labels name, by the label `service`.
    #[must_use]
    pub fn service_of(&self, labels: &Labels) -> Option<(&ServiceName, &Service)> {
        self.services.get_key_value(labels.get("service")?)
    }

    /// The policy that pages for a service: its own, else its owner's.
    #[must_use]
    pub fn policy_of<'a>(&'a self, service: &'a Service) -> Option<&'a PolicyName> {
        service.policy.as_ref().or_else(|| self.teams.get(&service.owner).map(|team| &team.policy))
    }

    /// The policy that pages for a group of alerts: the one its route names, else that of the service or of its owner, else
    /// the root route's.
    #[must_use]
    pub fn pages_by<'a>(
        &'a self,
        routed: Option<&'a PolicyName>,
        service: Option<&ServiceName>,
    ) -> Option<&'a PolicyName> {
        let served = || self.policy_of(self.services.get(service?)?);
        routed.or_else(served).or(self.route.policy.as_ref())
    }

    /// How often an update is owed while an incident of a severity is open: as the first rule says that declares incidents
    /// of it, else as is usual for it ([`Severity::update_every`]). `None` where neither says anything.
    #[must_use]
    pub fn update_every(&self, severity: Severity) -> Option<Seconds> {
        let rule = self.severity.iter().find(|rule| rule.severity == severity && rule.declare);
        rule.map(|rule| rule.update_every).or_else(|| severity.update_every())
    }

    /// The rule that says how bad an alert is; the first that matches.
    #[must_use]
    pub fn severity_of(&self, labels: &Labels) -> Option<&SeverityRule> {
        let tier = self.service_of(labels).map(|(_, service)| service.tier);
        self.severity.iter().find(|rule| {
            let fits = |(low, high)| tier.is_some_and(|t| (low..=high).contains(&t));
            rule.tiers.is_none_or(fits) && rule.when.iter().all(|m| m.matches(labels))
        })
    }
}
