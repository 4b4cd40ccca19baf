//! Why somebody was paged for an alert, or was not: every stage that it came through, in order, each with its reason.

use kernel::time::Timestamp;
use kernel::{Book, Fingerprint};

use crate::page::{Page, Phase, Request, Status};
use crate::read::{AlertView, GroupView};
use crate::route;
use crate::state::State;
use crate::times::Quiet;

/// One stage on the way from an alert to somebody's pocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Which stage: `observed`, `route`, `group`, `mute`, `page`, `step`, `nobody` or `delivery`.
    pub stage: &'static str,
    /// When it was reached, where that is known.
    pub at: Option<Timestamp>,
    /// What happened there and why, in plain words.
    pub said: String,
}

fn stage(stage: &'static str, at: Option<Timestamp>, said: String) -> Stage {
    Stage { stage, at, said }
}

impl State {
    /// Why somebody was paged for a firing alert, or was not; empty when it does not fire.
    #[must_use]
    pub fn why(&self, book: &Book, alert: Fingerprint) -> Vec<Stage> {
        let Some(alert) = self.alert(alert) else { return Vec::new() };
        let mut stages = vec![observed(&alert)];
        for group in alert.groups() {
            stages.extend([routed(book, &alert, &group), grouped(&group), muted(&alert)]);
            stages.extend(group.held().map(held));
            match group.page() {
                Some(page) => stages.extend(paged(book, page)),
                None => stages.push(not_paged(&group)),
            }
        }
        stages
    }
}

fn observed(alert: &AlertView<'_>) -> Stage {
    let ends =
        alert.ends_at().map_or_else(|| "it is told".to_owned(), |at| format!("{at:.0}, if it is not sent again"));
    let said = format!("reported by {}, last at {:.0}; it ends when {ends}", alert.source(), alert.updated_at());
    stage("observed", Some(alert.starts_at()), said)
}

fn routed(book: &Book, alert: &AlertView<'_>, group: &GroupView<'_>) -> Stage {
    let mut takes = false;
    route::walk(&book.route, alert.labels(), &mut |trail| takes |= trail.text() == group.route());
    let stale = if takes { "" } else { ", by an earlier watchbook: it moves when it is next sent" };
    stage("route", None, format!("took the route {}{stale}", group.route()))
}

fn grouped(group: &GroupView<'_>) -> Stage {
    let said = format!("in group {} {} with {} firing", group.key(), group.labels(), group.len());
    stage("group", Some(group.opened_at()), said)
}

fn muted(alert: &AlertView<'_>) -> Stage {
    let said = alert.muted().map_or_else(|| "not muted".to_owned(), |why| format!("muted: {why}"));
    stage("mute", None, said)
}

fn held(quiet: &Quiet) -> Stage {
    stage("mute", None, format!("held until {:.0}: its route keeps quiet {quiet}", quiet.until))
}

fn not_paged(group: &GroupView<'_>) -> Stage {
    let said = match group.due() {
        Some(at) => format!("no page yet: the group waits until {at:.0}"),
        None => "no page: every alert of the group is muted".to_owned(),
    };
    stage("page", group.due(), said)
}

fn paged(book: &Book, page: &Page) -> Vec<Stage> {
    let policy = page.policy.as_ref().map_or_else(|| "no policy".to_owned(), |name| format!("policy {name}"));
    let said = format!("{} opened with {policy}, severity {}: {}", page.id, page.severity, page.why);
    let mut stages = vec![stage("page", Some(page.opened_at), said), stood(book, page)];
    stages.extend(page.nobody.as_ref().map(|(at, why)| stage("nobody", Some(*at), format!("nobody reached: {why}"))));
    stages.extend(page.requests.iter().map(delivered));
    stages
}

fn stood(book: &Book, page: &Page) -> Stage {
    let policy = page.policy.as_ref().and_then(|name| book.policies.get(name));
    let steps = policy.map_or_else(String::new, |policy| format!(" of {}", policy.steps.len()));
    match &page.phase {
        Phase::Told => {
            let next = page
                .escalates_at
                .map_or_else(|| "it does not escalate".to_owned(), |at| format!("escalates at {at:.0}"));
            stage("step", page.escalates_at, format!("step {}{steps}, round {}; {next}", page.step + 1, page.round + 1))
        }
        Phase::Acknowledged { by, at, .. } => stage("step", Some(*at), format!("acknowledged by {by}")),
        Phase::Exhausted => stage("step", None, "the policy has come to its end".to_owned()),
        Phase::Closed { at } => stage("step", Some(*at), "closed".to_owned()),
    }
}

fn delivered(request: &Request) -> Stage {
    let to = request.person.as_ref().map_or_else(String::new, |person| format!("{person} by "));
    let came = match &request.status {
        Status::Pending { reason: None } => "on its way".to_owned(),
        Status::Pending { reason: Some(why) } => format!("on its way after {} attempts: {why}", request.attempts),
        Status::Accepted { by, at } => format!("taken by {by} at {at:.0}"),
        Status::Failed { reason } => format!("failed for good after {} attempts: {reason}", request.attempts),
    };
    stage("delivery", Some(request.at), format!("to {to}{}: {came}", request.address))
}
