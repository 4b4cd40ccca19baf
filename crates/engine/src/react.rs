//! What follows from what, written once. Read this function to know the product.

use alerts::{Mute, Observed};
use kernel::{Impact, Labels, Sensitivity};
use signals::Kind;

use crate::command::{Command, Event, Fact};
use crate::draft;
use crate::world::World;

/// The most alerts whose labels and words go into an incident that a page declares.
const NAMED_MAX: usize = 20;

/// What is asked because of a fact that was just folded into the world.
#[must_use]
pub fn react(world: &World, fact: &Fact) -> Vec<Command> {
    match &fact.event {
        // A signal is an alert of our own, which nobody needs to repeat: it lasts until it is cleared.
        Event::Signals(signals::Event::SignalRaised { labels, annotations, .. }) => {
            vec![observe(labels, annotations, None)]
        }
        // Where another signal has the same labels, the alert goes on with that one.
        Event::Signals(signals::Event::SignalCleared { labels, .. }) if world.signals.carries(labels) => Vec::new(),
        Event::Signals(signals::Event::SignalCleared { labels, .. }) => {
            vec![observe(labels, &Labels::default(), Some(fact.at))]
        }
        Event::Signals(
            signals::Event::ChangeReported { .. }
            | signals::Event::RuleJudged { .. }
            | signals::Event::TuningAsked { .. },
        ) => Vec::new(),

        // A page that the severity policy calls an incident declares one, or joins the one that is open.
        Event::Alerts(alerts::Event::PageOpened(opened)) if opened.declare => vec![declare(world, opened)],
        Event::Alerts(alerts::Event::AlertResolved { alert, by: alerts::ResolvedBy::Person, .. }) => {
            world.signals.raised().filter(|signal| signal.labels.fingerprint() == *alert).map(said_over).collect()
        }
        Event::Alerts(event) => follow(event, &fact.actor).into_iter().collect(),

        Event::Incidents(event) => after_incident(world, event),
        Event::Comms(event) => after_update(event).into_iter().collect(),

        // What is learned and what is governed ask for nothing by themselves.
        Event::Learning(_) | Event::Governance(_) => Vec::new(),
    }
}

/// A person says that an alert of ours is over while its signal stays raised. Where the signal tells what is so now, they are
/// told that it still is, by the alert opening again. Where it tells what happened, it is over with that, and what happens
/// next raises it anew.
fn said_over(signal: &signals::Signal) -> Command {
    match signal.kind {
        Kind::Rule | Kind::Check | Kind::Alerting => observe(&signal.labels, &signal.annotations, None),
        Kind::Sigma | Kind::Pattern => {
            signals::Command::Dismiss { rule: signal.rule.clone(), series: signal.series.clone() }.into()
        }
    }
}

/// A bad incident gets the draft of its first update; one that is over, the draft of its review, and of its last update
/// while customers still read that it goes on.
fn after_incident(world: &World, event: &incidents::Event) -> Vec<Command> {
    match event {
        incidents::Event::IncidentDeclared(declared) => draft::first_update(world, declared).into_iter().collect(),
        incidents::Event::IncidentResolved { about, .. } => {
            let over = world.incidents.get(about.incident);
            let drafts = over.map(|incident| [draft::last_update(world, incident), draft::review(incident)]);
            drafts.into_iter().flatten().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// A published update restarts the incident's clock of updates.
fn after_update(event: &comms::Event) -> Option<Command> {
    let comms::Event::UpdatePublished { incident: Some(incident), wording, .. } = event else { return None };
    Some(incidents::Command::RecordUpdate { incident: *incident, text: wording.text.clone() }.into())
}

fn observe(labels: &Labels, annotations: &Labels, ends_at: Option<kernel::Timestamp>) -> Command {
    let observed = Observed {
        labels: labels.clone(),
        annotations: annotations.clone(),
        starts_at: None,
        ends_at,
        generator_url: "".into(),
    };
    alerts::Command::Observe { source: alerts::OWN_SOURCE.into(), alerts: vec![observed] }.into()
}

fn declare(world: &World, opened: &alerts::PageOpened) -> Command {
    let services: Vec<_> = opened.service.iter().cloned().collect();
    let functions = services.iter().filter_map(|name| world.book.services.get(name)).map(|s| s.function.clone());
    let first = |label: &str| {
        let found = opened.alerts.iter().take(NAMED_MAX).find_map(|alert| {
            world.alerts.alert(*alert).and_then(|view| view.annotations().get(label).map(str::to_owned))
        });
        found.unwrap_or_default()
    };
    let impact = Impact { summary: first("impact"), users_percent: None, functions: functions.collect() };
    let detected_at = opened.alerts.iter().filter_map(|a| world.alerts.alert(*a)).map(|view| view.starts_at()).min();
    incidents::Command::Declare {
        title: opened.title.clone(),
        severity: opened.severity,
        impact,
        services,
        why: opened.why.clone(),
        page: Some(opened.page.0),
        detected_at,
        update_every: Some(opened.update_every),
        sensitivity: Sensitivity::Internal,
    }
    .into()
}

/// What happens to a page stands in the timeline of the incident that it led to.
fn follow(event: &alerts::Event, actor: &kernel::Actor) -> Option<Command> {
    use alerts::Event as E;
    let (page, text) = match event {
        E::PageRequested { page, person: Some(person), address, says, .. } => {
            let what = match says {
                alerts::Says::Firing => "was paged",
                alerts::Says::Renewed => "was told that the page changed",
                alerts::Says::Closed => return None,
            };
            (page, format!("{person} {what} by {}", address.channel))
        }
        E::PageAttempted { page, attempt, .. } => (page, failure(attempt)?),
        E::PageAcknowledged { page, note } => {
            let colon = if note.is_empty() { "" } else { ": " };
            let who = actor.person().map_or_else(|| actor.to_string(), ToString::to_string);
            (page, format!("{who} acknowledged page {}{colon}{note}", page.0))
        }
        E::PageEscalated { page, step, why, .. } => {
            let why = match why {
                alerts::Escalation::NotAcknowledged => "nobody acknowledged in time",
                alerts::Escalation::NotDelivered => "no message was delivered",
                alerts::Escalation::NobodyOnDuty => "nobody is on duty",
            };
            (page, format!("page {} went on to step {}: {why}", page.0, step + 1))
        }
        E::NobodyReached { page, why, .. } => (page, format!("page {} reached nobody: {why}", page.0)),
        E::PageClosed { page } => (page, format!("all alerts of page {} are over", page.0)),
        _ => return None,
    };
    let acknowledged = matches!(event, E::PageAcknowledged { .. });
    Some(incidents::Command::FollowPage { page: page.0, text, acknowledged }.into())
}

/// Only the last word on a failed delivery is worth a line.
fn failure(attempt: &kernel::delivery::Attempt) -> Option<String> {
    let (kernel::Outcome::Failed { reason, .. } | kernel::Outcome::Refused { reason }) = &attempt.outcome else {
        return None;
    };
    attempt.last.then(|| format!("a message could not be delivered: {reason}"))
}

/// The reason why an alert pages nobody, in words; used by pages and by the CLI as well.
#[must_use]
pub fn muted_because(mute: &Mute) -> String {
    match mute {
        Mute::Silence { id } => format!("silence {id} matches it"),
        Mute::Inhibition { by, rule } => format!("alert {by} inhibits it by rule {rule}"),
    }
}
