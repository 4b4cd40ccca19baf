//! From what stands in a file to what the kernel calls it: defaults are filled in, and what several keys of one thing say
//! together is checked.

use std::num::NonZeroU8;

use kernel::book::source::{self, Source, SourceKind, Table, Tables};
use kernel::book::times::RouteTimes;
use kernel::book::{
    Channel, EscalationPolicy, Hook, Inhibition, Layer, Person, Reduce, Route, Rule, Schedule, Service, SeverityRule,
    Step, Team, Threshold,
};
use kernel::{ChannelKind, Role, Seconds};

use super::address;
use super::kinds::*;
use super::rule;
use super::scalars::{Identifier, Pointer, Range, Span, Template, Whole};
use super::shape::{Reader, Sort};
use super::words::Spoken;

/// The window of a rule that does not say one.
const WINDOW: Seconds = Seconds::minutes(1);
/// How often an update is owed when the severity rule does not say.
const UPDATE_EVERY: Seconds = Seconds::hours(1);

pub(super) fn service(name: &str, file: ServiceFile, reader: &mut Reader<'_>) -> Option<Service> {
    if file.depends_on.iter().any(|other| other.as_str() == name) {
        let at = reader.names.spot(Sort::Service, name)?;
        reader.note_hint(at, &rule::SELF_DEPENDENCY, format!("`{name}` depends on itself"), "take it out");
    }
    let Whole(tier) = file.tier;
    Some(Service {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        owner: file.owner,
        tier,
        function: file.function.unwrap_or_default(),
        depends_on: file.depends_on,
        regions: file.regions,
        policy: file.policy,
        runbook: file.runbook,
    })
}

pub(super) fn team(name: &str, file: TeamFile, _: &mut Reader<'_>) -> Option<Team> {
    let title = file.title.unwrap_or_else(|| name.to_owned());
    Some(Team { title, members: file.members.0, policy: file.policy, room: file.room })
}

pub(super) fn person(name: &str, file: PersonFile, _: &mut Reader<'_>) -> Option<Person> {
    Some(Person {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        time_zone: file.time_zone.unwrap_or(jiff::tz::TimeZone::UTC),
        contacts: file.contacts,
        roles: file.roles.map_or_else(|| vec![Role::Viewer], |roles| roles.0),
    })
}

pub(super) fn schedule(name: &str, file: ScheduleFile, _: &mut Reader<'_>) -> Option<Schedule> {
    let layer =
        |layer: LayerFile| Layer { people: layer.people.0, start: layer.start, turn: layer.turn, hours: layer.hours };
    Some(Schedule {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        time_zone: file.time_zone,
        layers: file.layers.0.into_iter().map(layer).collect(),
    })
}

pub(super) fn policy(name: &str, file: PolicyFile, _: &mut Reader<'_>) -> Option<EscalationPolicy> {
    let step = |step: StepFile| Step { targets: step.page.0, wait: step.wait.0 };
    Some(EscalationPolicy {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        steps: file.steps.0.into_iter().map(step).collect(),
        repeat: file.repeat.map_or(0, |Whole(times)| times),
    })
}

/// A route and its children, which take from it what they do not say themselves. The root has no parent.
pub(super) fn route(file: RouteFile, parent: Option<&Route>, reader: &mut Reader<'_>) -> Route {
    let given = parent.cloned().unwrap_or_default();
    let mut made = Route {
        matchers: file.matchers,
        group_by: file.group_by.unwrap_or(given.group_by),
        group_wait: file.group_wait.unwrap_or(given.group_wait),
        group_interval: file.group_interval.map_or(given.group_interval, |Span(span)| span),
        repeat_interval: file.repeat_interval.map_or(given.repeat_interval, |Span(span)| span),
        policy: file.policy.or(given.policy),
        times: RouteTimes { mute: file.mute_time_intervals, active: file.active_time_intervals },
        proceed: file.proceed.unwrap_or(false),
        routes: Vec::new(),
    };
    // The policy of the root is the catch-all, behind those of services and owners: children do not take it over.
    let inherited = Route { policy: made.policy.clone().filter(|_| parent.is_some()), ..made.clone() };
    let mut taken = false;
    for child in file.routes {
        if taken {
            let hint = "a sibling above it matches every alert and does not say `continue: true`";
            reader.note_hint(child.at, &rule::UNREACHABLE, "this route is never reached", hint);
        }
        taken |= child.value.matchers.is_empty() && child.value.proceed != Some(true);
        made.routes.push(route(child.value, Some(&inherited), reader));
    }
    made
}

pub(super) fn inhibition(file: InhibitionFile) -> Inhibition {
    Inhibition { source: file.source.0, target: file.target.0, equal: file.equal }
}

pub(super) fn severity_rule(file: SeverityFile) -> SeverityRule {
    // The shape has bounded both ends to 1-4.
    let tier = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    SeverityRule {
        when: file.when,
        tiers: file.tiers.map(|Range(low, high)| (tier(low), tier(high))),
        severity: file.severity,
        declare: file.declare.unwrap_or(false),
        update_every: file.update_every.map_or(UPDATE_EVERY, |Span(span)| span),
        why: file.why,
    }
}

pub(super) fn channel(_: &str, file: ChannelFile, reader: &mut Reader<'_>) -> Option<Channel> {
    file.url.demand(address::schemes(file.kind), reader);
    let sender = file.from.as_ref().is_some_and(|from| address::is_mailbox(from));
    if file.kind == ChannelKind::Email && !sender {
        let hint = "add `from: watchkeeper@example.org`";
        reader.note_hint(file.url.at, &rule::SENDER, "a mail channel needs the address it sends from", hint);
    }
    Some(Channel { kind: file.kind, url: file.url.text, from: file.from, secret: file.secret })
}

pub(super) fn source(_: &str, file: SourceFile, reader: &mut Reader<'_>) -> Option<Source> {
    file.url.demand(address::HTTP, reader);
    if file.user.is_some() && file.secret.is_none() {
        let hint = "add `secret: env:NAME` or `secret: file:PATH`";
        reader.note_hint(file.url.at, &rule::SECRET, "a source with a user has no secret", hint);
    }
    let kind = match file.kind.unwrap_or(Spoken::Prometheus) {
        Spoken::Prometheus => {
            only_of_clickhouse(&file, reader);
            SourceKind::Prometheus
        }
        Spoken::ClickHouse => SourceKind::ClickHouse(tables(&file, reader)),
    };
    Some(Source {
        kind,
        url: file.url.text.trim_end_matches('/').to_owned(),
        user: file.user,
        secret: file.secret,
        timeout: file.timeout.map_or(source::TIMEOUT, |Span(span)| span),
        at_once: file.at_once.and_then(|Whole(most)| NonZeroU8::new(most)).unwrap_or(source::AT_ONCE),
        rules: file.rules,
    })
}

/// Notes keys that a source of Prometheus' API does not have.
fn only_of_clickhouse(file: &SourceFile, reader: &mut Reader<'_>) {
    let given = [
        ("database", file.database.is_some()),
        ("logs", file.logs.is_some()),
        ("traces", file.traces.is_some()),
        ("follow", file.follow.is_some()),
        ("every", file.every.is_some()),
        ("lateness", file.lateness.is_some()),
    ];
    for (key, _) in given.iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` is a key of sources of the kind clickhouse");
        reader.note_hint(file.url.at, &rule::SOURCE_KEYS, message, "add `kind: clickhouse`, or remove the key");
    }
}

/// The tables of a source, with a note on what such a source cannot have.
fn tables(file: &SourceFile, reader: &mut Reader<'_>) -> Tables {
    if !file.rules.is_empty() {
        let hint = "remove `rules`: Sigma rules, patterns and rules over `log_events_total` see its rows without it";
        let message = "rule files are not evaluated over a source of the kind clickhouse";
        reader.note_hint(file.url.at, &rule::SOURCE_KEYS, message, hint);
    }
    if file.user.is_none() && file.secret.is_some() {
        let hint = "add `user`: the secret is its password";
        reader.note_hint(file.url.at, &rule::SECRET, "a source of the kind clickhouse takes no token", hint);
    }
    let lateness = file.lateness.map_or(source::LATENESS, |Span(span)| span);
    if lateness > source::LATENESS_MAX {
        let hint = "write at most 1h";
        reader.note_hint(file.url.at, &rule::DURATION, "`lateness` is longer than one hour", hint);
    }
    let named = |name: &Option<Identifier>, usual: &str| name.as_ref().map_or(usual, |name| &name.0).to_owned();
    Tables {
        database: named(&file.database, "default"),
        logs: named(&file.logs, "otel_logs"),
        traces: named(&file.traces, "otel_traces"),
        follow: file.follow.clone().unwrap_or_else(|| Table::ALL.to_vec()),
        every: file.every.map_or(source::EVERY, |Span(span)| span),
        lateness,
    }
}

pub(super) fn hook(_: &str, file: HookFile, _: &mut Reader<'_>) -> Option<Hook> {
    let Pointer(items) = file.items.unwrap_or_default();
    let plain = |pairs: Pairs<Template>| pairs.0.into_iter().map(|(name, text)| (name, text.0)).collect();
    let status = file.status.map_or_else(|| "firing".to_owned(), |Template(text)| text);
    Some(Hook { items, labels: plain(file.labels), annotations: plain(file.annotations), status })
}

pub(super) fn rule(_: &str, file: RuleFile, reader: &mut Reader<'_>) -> Option<Rule> {
    if let Some(clear) = file.clear.as_ref().filter(|clear| overlap(file.raise, clear.value)) {
        let hint = "let it clear on the other side: raise \"> 0.05\", clear \"< 0.01\"";
        reader.note_hint(clear.at, &rule::HYSTERESIS, "some values both raise and clear", hint);
    }
    Some(Rule {
        metric: file.metric.0,
        matchers: file.matchers,
        reduce: file.reduce.unwrap_or(Reduce::Last),
        window: file.window.map_or(WINDOW, |Span(span)| span),
        raise: file.raise,
        clear: file.clear.map_or_else(|| opposite(file.raise), |clear| clear.value),
        hold: file.hold.unwrap_or(Seconds::ZERO),
        labels: file.labels,
        annotations: file.annotations.0.into_iter().map(|(name, text)| (name, text.0)).collect(),
    })
}

fn opposite(threshold: Threshold) -> Threshold {
    match threshold {
        Threshold::Above(x) => Threshold::AtMost(x),
        Threshold::AtLeast(x) => Threshold::Below(x),
        Threshold::Below(x) => Threshold::AtLeast(x),
        Threshold::AtMost(x) => Threshold::Above(x),
    }
}

/// Whether some value meets both conditions. Of two that point the same way, the further one's values meet both; of two
/// that point at each other, what lies between their numbers does.
fn overlap(raise: Threshold, clear: Threshold) -> bool {
    use Threshold::{Above, AtLeast, AtMost, Below};
    match (raise, clear) {
        (Above(_) | AtLeast(_), Above(_) | AtLeast(_)) | (Below(_) | AtMost(_), Below(_) | AtMost(_)) => true,
        (AtLeast(low), AtMost(high)) | (AtMost(high), AtLeast(low)) => low <= high,
        (Above(low) | AtLeast(low), Below(high) | AtMost(high))
        | (Below(high) | AtMost(high), Above(low) | AtLeast(low)) => low < high,
    }
}
