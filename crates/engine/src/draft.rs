//! What Watchkeeper writes for people to finish: the first update of a bad incident, and the last update and the review of
//! one that is over.

use comms::{COMPONENTS_MAX, ComponentStatus, Stage};
use incidents::{Declared, Incident};
use kernel::{Sensitivity, Severity};
use learning::{Moment, Source};

use crate::command::Command;
use crate::words;
use crate::world::World;

/// A draft for the status page when customers are likely to notice; nobody sees it until somebody publishes it.
pub(crate) fn first_update(world: &World, declared: &Declared) -> Option<Command> {
    if declared.severity > Severity::P2 || declared.about.sensitivity > Sensitivity::Internal {
        return None;
    }
    let incident = world.incidents.get(declared.about.incident)?;
    let components = words::hurt(world, incident);
    components.first()?;
    let status = words::guess(declared.severity);
    let next = declared.update_every;
    Some(
        comms::Command::Draft {
            notice: None,
            incident: Some(incident.id),
            title: words::title(world, incident),
            stage: Stage::Investigating,
            text: words::update(world, incident, Stage::Investigating),
            components: components.iter().map(|component| (component.name.clone(), status)).collect(),
            next_update_in: (next.0 > 0).then_some(next),
            sensitivity: Sensitivity::Internal,
        }
        .into(),
    )
}

/// A draft that says that it is over, when customers read of it and do not know so yet. There is one such draft at most.
pub(crate) fn last_update(world: &World, incident: &Incident) -> Option<Command> {
    let told = world.comms.of_incident(incident.id).find(|notice| notice.is_open() && notice.published_at.is_some())?;
    if told.drafts().any(|update| update.wording.stage == Stage::Resolved) {
        return None;
    }
    let known = |name: &&kernel::ComponentName| world.book.components.iter().any(|component| component.name == **name);
    let hurt = told.components.keys().filter(known).take(COMPONENTS_MAX);
    Some(
        comms::Command::Draft {
            notice: Some(told.id),
            incident: Some(incident.id),
            title: told.title.clone(),
            stage: Stage::Resolved,
            text: words::update(world, incident, Stage::Resolved),
            components: hurt.map(|name| (name.clone(), ComponentStatus::Operational)).collect(),
            next_update_in: None,
            sensitivity: incident.sensitivity.max(Sensitivity::Internal),
        }
        .into(),
    )
}

/// The review of an incident that is over, from its own timeline.
pub(crate) fn review(incident: &Incident) -> Option<Command> {
    let moment = |told: incidents::Told<'_>| Moment {
        seq: told.seq,
        at: told.at,
        who: told.who.to_owned(),
        kind: told.kind.to_owned(),
        text: told.text.to_owned(),
    };
    let source = Source {
        incident: incident.id,
        title: incident.title.clone(),
        severity: incident.severity,
        severity_why: incident.severity_why.clone(),
        impact: incident.impact.clone(),
        services: incident.services.clone(),
        sensitivity: incident.sensitivity,
        detected_at: incident.detected_at,
        declared_at: incident.declared_at,
        acknowledged_at: incident.acknowledged_at,
        commanded_at: incident.commanded_at,
        mitigated_at: incident.mitigated_at,
        resolved_at: incident.resolved_at?,
        reopened: incident.reopened,
        timeline: incident.told().map(moment).collect(),
        people: incident.served.iter().map(|(person, role)| (person.clone(), role.title().to_owned())).collect(),
    };
    Some(learning::Command::Open { source: Box::new(source) }.into())
}
