//! The kinds of file, key by key. Each doc comment is also the description that editors show.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::book::rules::OnBadRule;
use kernel::book::source::Table;
use kernel::book::{DutyHours, Reduce, SecretRef, Target, Threshold, Turn};
use kernel::{
    Address, ChannelKind, IntervalName, Labels, Matcher, PersonName, PolicyName, Role, Seconds, ServiceName, Severity,
    TeamName,
};
use serde_json::json;

use super::address::Url;
use super::rule;
use super::scalars::{Identifier, Metric, Pointer, Range, Span, Template, Whole, is_word};
use super::shape::{Defs, Filled, Placed, Reader, Shape, shape};
use super::words::Spoken;
use super::yaml::Node;

shape! {
    /// The organisation whose watchbook this is.
    BookFile {
        /// The organisation's name, for titles and the status page.
        "organisation" organisation: String,
        /// What becomes of the watchbook when a rule in `prometheus/` or an objective in `slo/` is bad: `refuse` refuses
        /// it as a whole, `load_the_rest` leaves out what is bad and names it. Default: `refuse`.
        "on_bad_rule" on_bad_rule: Option<OnBadRule>,
    }
}

shape! {
    /// A service of the organisation.
    ServiceFile {
        /// What people call it. Default: its name.
        "title" title: Option<String>,
        /// The team that owns it, and is paged for it.
        "owner" owner: TeamName,
        /// How much depends on it: 1 is the most critical, 4 the least.
        "tier" tier: Whole<1, 4>,
        /// The business function it carries, such as "taking payments".
        "function" function: Option<String>,
        /// The services it needs.
        "depends_on" depends_on: Vec<ServiceName>,
        /// Where it runs.
        "regions" regions: Vec<String>,
        /// The escalation policy that pages for it. Default: that of its owner.
        "policy" policy: Option<PolicyName>,
        /// Where its runbook is.
        "runbook" runbook: Option<String>,
    }
}

shape! {
    /// A team that owns services.
    TeamFile {
        /// What people call it. Default: its name.
        "title" title: Option<String>,
        /// Its people.
        "members" members: Filled<PersonName>,
        /// The escalation policy by which it is paged.
        "policy" policy: PolicyName,
        /// Its chat room, for messages that page nobody: `slack: "#shop"`.
        "room" room: Option<Address>,
    }
}

shape! {
    /// A person who can be paged, take a role or log in.
    PersonFile {
        /// The name to show. Default: the key.
        "title" title: Option<String>,
        /// Where they live, for local times. Default: UTC.
        "time_zone" time_zone: Option<TimeZone>,
        /// How to reach them, best first, each as channel and address: `mail: ada@example.org`.
        "contacts" contacts: Vec<Address>,
        /// What they may be. Default: viewer.
        "roles" roles: Option<Filled<Role>>,
    }
}

shape! {
    /// An on-call schedule: layers, of which the first with somebody on duty wins.
    ScheduleFile {
        /// What people call it. Default: its name.
        "title" title: Option<String>,
        /// The zone in which starts, turns and hours are meant.
        "time_zone" time_zone: TimeZone,
        /// The rotations, the topmost first.
        "layers" layers: Filled<LayerFile>,
    }
}

shape! {
    /// One rotation of a schedule.
    LayerFile {
        /// Who takes turns, in order.
        "people" people: Filled<PersonName>,
        /// When the first person's first turn begins, in the schedule's zone: `2026-01-05 09:00`.
        "start" start: DateTime,
        /// How long a turn is: `1w`, `1d` or `12h`. Weeks and days are civil: 09:00 stays 09:00 when the clocks change.
        "turn" turn: Turn,
        /// When this layer is on duty: `mon-fri 09:00-17:00`. Default: always.
        "hours" hours: Vec<DutyHours>,
    }
}

shape! {
    /// An escalation policy: whom to page, and whom next.
    PolicyFile {
        /// What people call it. Default: its name.
        "title" title: Option<String>,
        /// The steps in order.
        "steps" steps: Filled<StepFile>,
        /// How often all steps are gone through again when nobody acknowledged. Default: 0.
        "repeat" repeat: Option<Whole<0, 20>>,
    }
}

shape! {
    /// One step of an escalation policy.
    StepFile {
        /// Who is paged, all at once: `person: ada`, `schedule: shop`, `team: shop` or `channel: pager`.
        "page" page: Filled<Target>,
        /// How long they have to acknowledge before the next step.
        "wait" wait: Span,
    }
}

shape! {
    /// How alerts find whom they page, and which alerts keep quiet.
    RoutesFile {
        /// The root of the routing tree; it matches every alert.
        "route" route: Option<Placed<RouteFile>>,
        /// Alerts that mute other alerts.
        "inhibitions" inhibitions: Vec<InhibitionFile>,
    }
}

shape! {
    /// A node of the routing tree, with Alertmanager's meaning. What a child does not say, it takes from its parent.
    RouteFile {
        /// Which alerts: `severity="critical"`; all must hold. The root has none.
        "matchers" matchers: Vec<Matcher>,
        /// The labels by which alerts are grouped into one page; `...` alone means by all labels.
        "group_by" group_by: Option<Vec<String>>,
        /// How long a new group waits for more alerts before it is first paged. Default: 30s.
        "group_wait" group_wait: Option<Seconds>,
        /// How long a group waits before it pages again because alerts joined or left it. Default: 5m.
        "group_interval" group_interval: Option<Span>,
        /// How long until a group that did not change pages again. Default: 4h.
        "repeat_interval" repeat_interval: Option<Span>,
        /// Whom to page. Without one, the policy of the service that the alert names is used, then that of its owner,
        /// then that of the root, which is the catch-all; the root's policy is not taken over by its children.
        "policy" policy: Option<PolicyName>,
        /// Time intervals during which it keeps quiet: what fires then is told when they end. Children do not take it over.
        "mute_time_intervals" mute_time_intervals: Vec<IntervalName>,
        /// Time intervals outside of which it keeps quiet. Children do not take it over. Default: it pages at any time.
        "active_time_intervals" active_time_intervals: Vec<IntervalName>,
        /// Whether the next sibling is tried as well. Default: false.
        "continue" proceed: Option<bool>,
        /// The children, of which the first that matches wins.
        "routes" routes: Vec<Placed<RouteFile>>,
    }
}

shape! {
    /// While an alert matching `source` fires, alerts matching `target` page nobody.
    InhibitionFile {
        /// What mutes.
        "source" source: Filled<Matcher>,
        /// What is muted.
        "target" target: Filled<Matcher>,
        /// The labels that must have the same values in both.
        "equal" equal: Vec<String>,
    }
}

shape! {
    /// What makes an alert an incident, and how bad; the first rule that matches wins.
    SeverityFile {
        /// Which alerts: `severity="critical"`; all must hold. Default: every alert.
        "when" when: Vec<Matcher>,
        /// The tiers that the alert's service may have: `1-2` or `3`. Default: any, and alerts without a service too.
        "tiers" tiers: Option<Range<1, 4>>,
        /// How bad it is, from P1 (worst) to P5.
        "severity" severity: Severity,
        /// Whether an incident is declared; otherwise the alert only pages. Default: false.
        "declare" declare: Option<bool>,
        /// How often an update is owed to the audience while the incident is open. Default: 1h.
        "update_every" update_every: Option<Span>,
        /// Why, in plain words; shown with the severity.
        "why" why: String,
    }
}

shape! {
    /// A channel that messages go through.
    ChannelFile {
        /// What it speaks.
        "kind" kind: ChannelKind,
        /// For email `smtps://host:port` or `smtp://host:port`, the latter plain unless it ends in `?tls=required` or
        /// `?tls=opportunistic`. Otherwise an HTTP URL.
        "url" url: Url,
        /// The sender, for email.
        "from" from: Option<String>,
        /// Where the credential is: `env:NAME` or `file:PATH` on the server. It is never written here.
        "secret" secret: Option<SecretRef>,
    }
}

shape! {
    /// A generic webhook door, `/hooks/NAME`: how a JSON body becomes alerts. Templates see each item as `item`.
    HookFile {
        /// A JSON pointer to the list of items, such as `/alerts`. Default: the body is one item.
        "items" items: Option<Pointer>,
        /// Labels of the alert: names, and templates over the item.
        "labels" labels: Pairs<Template>,
        /// Annotations of the alert: names, and templates over the item.
        "annotations" annotations: Pairs<Template>,
        /// A template over the item that yields `resolved` when the alert is over. Default: it always fires.
        "status" status: Option<Template>,
    }
}

shape! {
    /// A threshold rule over samples.
    RuleFile {
        /// The metric's name, as it is sent.
        "metric" metric: Metric,
        /// Which series: `service="payments"`; all must hold. Each series is judged on its own.
        "matchers" matchers: Vec<Matcher>,
        /// How the window becomes one number: last, mean, min, max, or rate (a counter's increase per second).
        /// Default: last.
        "reduce" reduce: Option<Reduce>,
        /// The window's length. Default: 1m.
        "window" window: Option<Span>,
        /// The condition that raises: `"> 0.05"`.
        "raise" raise: Threshold,
        /// The condition that clears; between the two nothing changes. Default: the opposite of `raise`.
        "clear" clear: Option<Placed<Threshold>>,
        /// How long the raising condition must hold. Default: 0s.
        "for" hold: Option<Seconds>,
        /// Labels added to the alert.
        "labels" labels: Labels,
        /// Annotations: names, and templates over `labels` and `value`.
        "annotations" annotations: Pairs<Template>,
    }
}

shape! {
    /// A component of the public status page.
    ComponentFile {
        /// What customers call it. Default: its name.
        "title" title: Option<String>,
        /// What it does, for customers.
        "description" description: Option<String>,
        /// The services behind it.
        "services" services: Vec<ServiceName>,
    }
}

shape! {
    /// An existing store: rule files are evaluated over it, or its log events and spans are followed and searched.
    SourceFile {
        /// What it speaks. Default: prometheus, which is also what VictoriaMetrics, Mimir and Thanos speak.
        "kind" kind: Option<Spoken>,
        /// Where it is: what stands before `/api/v1/query`; of clickhouse its HTTP interface, `http://host:8123`.
        "url" url: Url,
        /// The name that the secret is the password of. Without it, the secret is a bearer token.
        "user" user: Option<String>,
        /// Where the credential is: `env:NAME` or `file:PATH` on the server. It is never written here.
        "secret" secret: Option<SecretRef>,
        /// How long one answer may take. Default: 10s.
        "timeout" timeout: Option<Span>,
        /// How many questions are open at once. Default: 8.
        "at_once" at_once: Option<Whole<1, 64>>,
        /// The rule files that are evaluated over it: `prometheus/shop-*.yml`. A group may also name its source itself.
        "rules" rules: Vec<String>,
        /// Of clickhouse: the database of its tables. Default: default.
        "database" database: Option<Identifier>,
        /// Of clickhouse: the table of log events. Default: otel_logs.
        "logs" logs: Option<Identifier>,
        /// Of clickhouse: the table of spans. Default: otel_traces.
        "traces" traces: Option<Identifier>,
        /// Of clickhouse: which tables rules look at as rows come in, `logs` and `traces`. Default: both.
        "follow" follow: Option<Vec<Table>>,
        /// Of clickhouse: how often new rows are read. Default: 5s.
        "every" every: Option<Span>,
        /// Of clickhouse: how long after its own time a row may come and still be read, at most 1h. Default: 1m.
        "lateness" lateness: Option<Span>,
    }
}

/// The value of a label; empty when that is said with quotes.
#[derive(Debug)]
pub(super) struct LabelText(pub String);

impl Shape for LabelText {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        reader.text(node).map(|text| Self(text.to_owned()))
    }

    fn schema(_: &mut Defs) -> serde_json::Value {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

/// Labels or annotations: a map whose keys are label names.
#[derive(Debug)]
pub(super) struct Pairs<T>(pub BTreeMap<String, T>);

impl<T: Shape> Shape for Pairs<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut pairs = Some(BTreeMap::new());
        for (key, value) in reader.map(node)? {
            let sound = is_word(&key.text, "_");
            if !sound {
                let message = format!("`{}` is not the name of a label", key.text);
                reader.note_hint(key.at, &rule::LABEL_NAME, message, "use letters, digits and `_`");
            }
            let value = T::read(value, reader).filter(|_| sound);
            pairs = pairs.zip(value).map(|(mut pairs, value)| {
                pairs.insert(key.text.clone(), value);
                pairs
            });
        }
        pairs.map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self(BTreeMap::new()))
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let names = json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" });
        json!({ "type": "object", "propertyNames": names, "additionalProperties": T::schema(defs) })
    }
}

impl Shape for Labels {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Pairs(pairs) = Pairs::<LabelText>::read(node, reader)?;
        match Self::from_pairs(pairs.iter().map(|(name, LabelText(value))| (name, value))) {
            Ok(labels) => Some(labels),
            Err(error) => {
                reader.note(node.at, &rule::LABELS, error.to_string());
                None
            }
        }
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        Pairs::<LabelText>::schema(defs)
    }
}
