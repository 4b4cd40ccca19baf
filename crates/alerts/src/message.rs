//! What a page's messages say: plain words for people, and Alertmanager's webhook form for machines. Built when they
//! are sent, from what is so then; the journal keeps only who was to be told.

use std::collections::BTreeMap;

use kernel::delivery::{Acknowledge, Delivery, Message};
use kernel::time::Timestamp;
use kernel::{Book, ChannelKind, Fingerprint, Labels};
use serde_json::{Value, json};

use crate::event::{Event, Says};
use crate::id::PageId;
use crate::page::{Page, Request};
use crate::read::AlertView;
use crate::state::State;

/// The most alerts in one webhook message; `truncatedAlerts` says how many more there are.
pub const WEBHOOK_ALERTS_MAX: usize = 500;
/// The most labels that a message for people names.
pub const DETAILS_MAX: usize = 12;
/// The end of an alert that still fires, as Alertmanager writes it.
const NO_END: &str = "0001-01-01T00:00:00Z";

/// An alert as a message tells of it.
struct Told<'a> {
    alert: Fingerprint,
    labels: &'a Labels,
    annotations: &'a Labels,
    generator_url: &'a str,
    starts_at: Timestamp,
    /// `None` while it fires.
    ends_at: Option<Timestamp>,
}

/// What a fact asks of the world.
pub(crate) fn deliveries(state: &State, book: &Book, event: &Event) -> Vec<Delivery> {
    let Event::PageRequested { page, delivery, .. } = event else { return Vec::new() };
    let number = PageId::of_delivery(delivery).map(|(_, number)| number);
    let found = state.page(*page).and_then(|page| Some((page, page.request(number?)?)));
    found.map(|(page, request)| vec![compose(state, book, page, request)]).unwrap_or_default()
}

/// What was asked and not finally answered.
pub(crate) fn outstanding(state: &State, book: &Book) -> Vec<Delivery> {
    let mut pages: Vec<&Page> = state.pages().collect();
    pages.reverse();
    let wanted = pages.into_iter().flat_map(|page| page.outstanding().map(move |request| (page, request)));
    wanted.map(|(page, request)| compose(state, book, page, request)).collect()
}

fn compose(state: &State, book: &Book, page: &Page, request: &Request) -> Delivery {
    let told = told(state, page);
    let machine = book.channels.get(&request.address.channel).is_some_and(|known| known.kind == ChannelKind::Webhook);
    let person = request.person.clone().filter(|_| request.says != Says::Closed);
    let message = Message {
        title: title(page, request.says),
        body: body(page, request.says, &told),
        severity: Some(page.severity),
        details: details(page, &told),
        path: format!("/pages/{}", page.id.0),
        acknowledge: person.map(|person| Acknowledge { page: page.id.0, person }),
        data: machine.then(|| webhook(page, &told)),
    };
    Delivery { id: page.id.delivery(request.number), address: request.address.clone(), message }
}

/// What fires and is not muted, then what was resolved since the page was last told.
fn told<'a>(state: &'a State, page: &'a Page) -> Vec<Told<'a>> {
    let group = state.group(page.group).filter(|_| page.is_open());
    let firing = group.into_iter().flat_map(|group| group.alerts()).filter(|alert| alert.muted().is_none());
    let resolved = page.retired.iter().map(|alert| Told {
        alert: alert.alert,
        labels: &alert.labels,
        annotations: &alert.annotations,
        generator_url: &alert.generator_url,
        starts_at: alert.starts_at,
        ends_at: Some(alert.ends_at),
    });
    firing.map(fires).take(WEBHOOK_ALERTS_MAX).chain(resolved).take(WEBHOOK_ALERTS_MAX).collect()
}

fn fires(alert: AlertView<'_>) -> Told<'_> {
    Told {
        alert: alert.fingerprint(),
        labels: alert.labels(),
        annotations: alert.annotations(),
        generator_url: alert.generator_url(),
        starts_at: alert.starts_at(),
        ends_at: None,
    }
}

/// Without the severity, which whoever sends the message writes before it.
fn title(page: &Page, says: Says) -> String {
    match says {
        Says::Firing => page.title.clone(),
        Says::Renewed => format!("Still firing: {}", page.title),
        Says::Closed => format!("Resolved: {}", page.title),
    }
}

fn body(page: &Page, says: Says, told: &[Told<'_>]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let texts = ["summary", "description"].into_iter().filter_map(|name| told.first()?.annotations.get(name));
    lines.extend(texts.filter(|text| !text.is_empty()).map(str::to_owned));
    match says {
        Says::Closed => lines.push("All its alerts are resolved; nothing is left to do.".to_owned()),
        Says::Firing | Says::Renewed => {
            let since = told.iter().map(|alert| alert.starts_at).min().unwrap_or(page.opened_at);
            let alerts =
                if page.count == 1 { "One alert fires".to_owned() } else { format!("{} alerts fire", page.count) };
            lines.push(format!("{alerts}, the first since {since:.0}. Severity {}: {}.", page.severity, page.why));
            lines.extend(page.escalates_at.map(|at| format!("Unless somebody acknowledges, it escalates at {at:.0}.")));
        }
    }
    lines.join("\n")
}

fn details(page: &Page, told: &[Told<'_>]) -> Vec<(String, String)> {
    let mut details = Vec::new();
    details.extend(page.service.iter().map(|service| ("service".to_owned(), service.to_string())));
    details.extend(page.policy.iter().map(|policy| ("policy".to_owned(), policy.to_string())));
    let labels = common(told.iter().map(|alert| alert.labels));
    let named = labels.into_iter().filter(|(name, _)| *name != "service");
    details.extend(named.take(DETAILS_MAX).map(|(name, value)| (name.to_owned(), value.to_owned())));
    let runbook = told.iter().find_map(|alert| alert.annotations.get("runbook_url"));
    details.extend(runbook.map(|url| ("runbook".to_owned(), url.to_owned())));
    details
}

/// Alertmanager's webhook body, version 4.
fn webhook(page: &Page, told: &[Told<'_>]) -> Value {
    let fires = told.iter().any(|alert| alert.ends_at.is_none());
    let count = if page.is_open() { page.count as usize + page.retired.len() } else { page.retired.len() };
    json!({
        "version": "4",
        "groupKey": format!("{}:{}", page.route, page.group_labels),
        "truncatedAlerts": count.saturating_sub(told.len()),
        "status": if fires { "firing" } else { "resolved" },
        "receiver": page.policy.as_ref().map_or("", |policy| policy.as_str()),
        "groupLabels": page.group_labels,
        "commonLabels": common(told.iter().map(|alert| alert.labels)),
        "commonAnnotations": common(told.iter().map(|alert| alert.annotations)),
        "externalURL": "",
        "alerts": told.iter().map(webhook_alert).collect::<Vec<Value>>(),
    })
}

fn webhook_alert(alert: &Told<'_>) -> Value {
    json!({
        "status": if alert.ends_at.is_some() { "resolved" } else { "firing" },
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": alert.starts_at,
        "endsAt": alert.ends_at.map_or_else(|| NO_END.to_owned(), |at| at.to_string()),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.alert,
    })
}

/// The pairs that all sets have.
fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> BTreeMap<&'a str, &'a str> {
    let mut common: BTreeMap<&str, &str> = sets.next().map(|first| first.iter().collect()).unwrap_or_default();
    for set in sets {
        common.retain(|name, value| set.get(name) == Some(*value));
    }
    common
}
