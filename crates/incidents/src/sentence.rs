//! What a fact says in a timeline, in plain words; and the same without names, for reviews. Not who said it.

use kernel::Impact;

use crate::COMMANDER_WITHIN;
use crate::event::Event;

/// What a fact says.
pub(crate) fn of(event: &Event) -> String {
    match event {
        Event::IncidentDeclared(declared) => format!("declared {}: {}", declared.severity, declared.why),
        Event::PageJoined { page, title, .. } => format!("page {page} joined: {title}"),
        Event::RoleAssigned { role, person, .. } => format!("{person} is {role} now"),
        Event::RoleReleased { role, person, .. } => format!("{person} is no longer {role}"),
        Event::HandedOver { role, from, to, summary, .. } => {
            with(&format!("{from} handed the role of {role} over to {to}"), summary)
        }
        Event::Noted { text, .. } => text.clone(),
        Event::SeverityChanged { from, to, why, .. } => format!("severity changed from {from} to {to}: {why}"),
        Event::ImpactStated { impact, .. } => with("impact", &impact_text(impact)),
        Event::IncidentMitigated { how, .. } => format!("mitigated: {how}"),
        Event::IncidentResolved { how, .. } => format!("resolved: {how}"),
        Event::IncidentReopened { why, .. } => format!("reopened: {why}"),
        Event::UpdateRecorded { text, .. } => format!("update published: {text}"),
        Event::UpdateOverdue { .. } => "the update that was promised is overdue".to_owned(),
        Event::CommanderMissing { .. } => format!("nobody took command within {COMMANDER_WITHIN}"),
    }
}

/// What a fact says without people's names, where [`of`] puts them there.
pub(crate) fn nameless(event: &Event) -> Option<String> {
    match event {
        Event::RoleAssigned { role, .. } => Some(format!("somebody is {role} now")),
        Event::RoleReleased { role, .. } => Some(format!("the role of {role} was laid down")),
        Event::HandedOver { role, summary, .. } => Some(with(&format!("the role of {role} was handed over"), summary)),
        _ => None,
    }
}

/// What is hurt, in one line; empty when nothing is known.
pub(crate) fn impact_text(impact: &Impact) -> String {
    let mut parts = Vec::new();
    if !impact.summary.is_empty() {
        parts.push(impact.summary.clone());
    }
    if let Some(percent) = impact.users_percent {
        parts.push(format!("{percent} % of users"));
    }
    if !impact.functions.is_empty() {
        parts.push(format!("functions: {}", impact.functions.join(", ")));
    }
    parts.join("; ")
}

fn with(head: &str, rest: &str) -> String {
    if rest.is_empty() { head.to_owned() } else { format!("{head}: {rest}") }
}
