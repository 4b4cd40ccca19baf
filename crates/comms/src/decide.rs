//! The rules of this room, one function for each command. Reads the state; changes nothing.

use std::collections::BTreeSet;

use kernel::area::Context;
use kernel::delivery::Attempt;
use kernel::{Actor, Address, ComponentName, DeliveryId, IncidentId, Sensitivity};

use crate::command::Command;
use crate::event::{Event, Wording};
use crate::refusal::Refusal;
use crate::state::{Notice, Phase, State, Update};
use crate::words::{ComponentStatus, NoticeId, Stage, UpdateId};
use crate::{
    COMPONENTS_MAX, DRAFTS_MAX, OPEN_MAX, ROOMS_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX, UPDATES_MAX, WHY_BYTES_MAX,
};

type Decided = Result<Vec<Event>, Refusal>;

/// Decides a command.
pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Decided {
    match command {
        Command::Draft { notice, incident, title, stage, text, components, next_update_in, sensitivity } => {
            let wording = Wording { title, stage, text, components, next_update_in };
            draft(state, context, notice, incident, wording, sensitivity)
        }
        Command::Revise { update, title, stage, text, components, next_update_in } => {
            revise(state, context, update, Wording { title, stage, text, components, next_update_in })
        }
        Command::Publish { update, revision } => publish(state, context, update, revision),
        Command::Discard { update } => discard(state, update),
        Command::Reopen { notice, why } => reopen(state, notice, why),
        Command::RecordAttempt { delivery, attempt } => record_attempt(state, delivery, attempt),
    }
}

fn draft(
    state: &State,
    context: &Context<'_>,
    notice: Option<NoticeId>,
    incident: Option<IncidentId>,
    mut wording: Wording,
    sensitivity: Sensitivity,
) -> Decided {
    let host = host(state, notice, incident)?;
    keep_title(host, &mut wording);
    let wording = checked(context, wording)?;
    if state.draft_count() >= DRAFTS_MAX {
        return Err(Refusal::Many("drafts", DRAFTS_MAX));
    }
    let (notice, incident) = match host {
        Some(host) => (continued(host, wording.stage)?, host.incident),
        None if wording.stage == Stage::Postmortem => return Err(Refusal::NothingResolved),
        None if state.open_count() >= OPEN_MAX => return Err(Refusal::Many("open notices", OPEN_MAX)),
        None => (state.next_notice(), incident),
    };
    Ok(vec![Event::UpdateDrafted { notice, update: state.next_update(), incident, wording, sensitivity }])
}

/// The notice that a draft goes on with: the one named, else the incident's newest.
fn host(state: &State, notice: Option<NoticeId>, incident: Option<IncidentId>) -> Result<Option<&Notice>, Refusal> {
    let Some(id) = notice else { return Ok(incident.and_then(|incident| state.of_incident(incident).next())) };
    let named = state.notice(id).ok_or(Refusal::NoNotice(id))?;
    match incident.filter(|incident| named.incident != Some(*incident)) {
        Some(other) => Err(Refusal::OtherIncident(id, other)),
        None => Ok(Some(named)),
    }
}

/// A notice keeps its title unless an update gives it another.
fn keep_title(host: Option<&Notice>, wording: &mut Wording) {
    if let Some(host) = host.filter(|_| wording.title.trim().is_empty()) {
        wording.title.clone_from(&host.title);
    }
}

/// The notice's number, when it takes another update of that stage.
fn continued(host: &Notice, stage: Stage) -> Result<NoticeId, Refusal> {
    fits(host, stage)?;
    if host.updates.len() >= UPDATES_MAX && stage != Stage::Resolved {
        return Err(Refusal::Full(host.id));
    }
    Ok(host.id)
}

fn revise(state: &State, context: &Context<'_>, id: UpdateId, mut wording: Wording) -> Decided {
    let (notice, update) = drafted(state, id)?;
    keep_title(Some(notice), &mut wording);
    let wording = checked(context, wording)?;
    fits(notice, wording.stage)?;
    if wording == update.wording {
        return Ok(Vec::new());
    }
    let revision = update.revision.saturating_add(1);
    let sensitivity = update.sensitivity;
    Ok(vec![Event::UpdateRevised { notice: notice.id, update: id, revision, wording, sensitivity }])
}

/// What is published is read by customers, so somebody stands for it: never Watchkeeper itself. What was right when it
/// was drafted is checked again, for the watchbook and the notice may have moved on.
fn publish(state: &State, context: &Context<'_>, id: UpdateId, read: Option<u32>) -> Decided {
    if !matches!(context.actor, Actor::Person(_) | Actor::Integration(_)) {
        return Err(Refusal::Unattended(id));
    }
    let (notice, update) = drafted(state, id)?;
    if let Some(read) = read.filter(|read| *read != update.revision) {
        return Err(Refusal::Stale { update: id, read, now: update.revision });
    }
    let wording = checked(context, update.wording.clone())?;
    fits(notice, wording.stage)?;
    let next_update_at =
        wording.next_update_in.filter(|_| !wording.stage.is_over()).map(|span| span.after(context.now));
    let rooms = rooms(context, notice, &wording);
    let (notice, incident) = (notice.id, notice.incident);
    let mut events = vec![Event::UpdatePublished { notice, update: id, incident, wording, next_update_at }];
    if !rooms.is_empty() {
        events.push(Event::TellingRequested { notice, update: id, rooms });
    }
    Ok(events)
}

fn discard(state: &State, id: UpdateId) -> Decided {
    let (notice, update) = drafted(state, id)?;
    Ok(vec![Event::UpdateDiscarded { notice: notice.id, update: id, sensitivity: update.sensitivity }])
}

/// Customers see that it is back with the next published update, not before.
fn reopen(state: &State, id: NoticeId, why: String) -> Decided {
    let notice = state.notice(id).ok_or(Refusal::NoNotice(id))?;
    if notice.open {
        return Err(Refusal::NotResolved(id, "cannot be reopened: draft an update of it"));
    }
    let other = notice.incident.and_then(|incident| state.of_incident(incident).find(|other| other.open));
    if let Some(other) = other {
        return Err(Refusal::ToldElsewhere(id, other.id));
    }
    if notice.updates.len() >= UPDATES_MAX {
        return Err(Refusal::Full(id));
    }
    if state.open_count() >= OPEN_MAX {
        return Err(Refusal::Many("open notices", OPEN_MAX));
    }
    let why = said("why", &why, WHY_BYTES_MAX)?;
    // The reason is for us: it is as sensitive as the most sensitive draft of the notice.
    let sensitivity = notice.updates.iter().map(|update| update.sensitivity).max().unwrap_or_default();
    Ok(vec![Event::NoticeReopened { notice: id, why, sensitivity }])
}

fn record_attempt(state: &State, delivery: DeliveryId, attempt: Attempt) -> Decided {
    let Some((notice, update)) = state.told_by(&delivery) else { return Err(Refusal::NoDelivery(delivery)) };
    Ok(vec![Event::TellingAttempted { notice: notice.id, update: update.id, delivery, attempt }])
}

fn drafted(state: &State, id: UpdateId) -> Result<(&Notice, &Update), Refusal> {
    let (notice, update) = state.update(id).ok_or(Refusal::NoDraft(id))?;
    match update.phase {
        Phase::Draft => Ok((notice, update)),
        Phase::Published { .. } => Err(Refusal::Published(id)),
        Phase::Discarded => Err(Refusal::Discarded(id)),
    }
}

/// Whether a notice may go on at this stage.
fn fits(notice: &Notice, stage: Stage) -> Result<(), Refusal> {
    match (notice.is_open(), stage) {
        (false, Stage::Postmortem) => Ok(()),
        (false, _) => Err(Refusal::Resolved(notice.id)),
        (true, Stage::Postmortem) => Err(Refusal::NotResolved(notice.id, "has no post-mortem yet: resolve it first")),
        (true, _) => Ok(()),
    }
}

fn checked(context: &Context<'_>, wording: Wording) -> Result<Wording, Refusal> {
    let title = said("title", &wording.title, TITLE_BYTES_MAX)?;
    let text = said("text", &wording.text, TEXT_BYTES_MAX)?;
    components(context, &wording.components, wording.stage)?;
    Ok(Wording { title, text, ..wording })
}

fn components(context: &Context<'_>, named: &[(ComponentName, ComponentStatus)], stage: Stage) -> Result<(), Refusal> {
    if named.len() > COMPONENTS_MAX {
        return Err(Refusal::TooMany("components", named.len(), COMPONENTS_MAX));
    }
    let mut seen = BTreeSet::new();
    for (name, status) in named {
        if !context.book.components.iter().any(|component| component.name == *name) {
            return Err(Refusal::NoComponent(name.clone()));
        }
        if !seen.insert(name) {
            return Err(Refusal::Twice(name.clone()));
        }
        if stage.is_over() && *status != ComponentStatus::Operational {
            return Err(Refusal::StillHurt(stage, name.clone()));
        }
    }
    Ok(())
}

/// The rooms of the teams that own the services behind the components that the notice names.
fn rooms(context: &Context<'_>, notice: &Notice, wording: &Wording) -> Vec<Address> {
    let book = context.book;
    let named: BTreeSet<&ComponentName> =
        notice.components.keys().chain(wording.components.iter().map(|(name, _)| name)).collect();
    let services = book.components.iter().filter(|c| named.contains(&c.name)).flat_map(|c| &c.services);
    let owners: BTreeSet<_> =
        services.filter_map(|name| book.services.get(name)).map(|service| &service.owner).collect();
    let rooms = owners.into_iter().filter_map(|team| book.teams.get(team)).filter_map(|team| team.room.clone());
    rooms.collect::<BTreeSet<_>>().into_iter().take(ROOMS_MAX).collect()
}

fn said(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::Empty(field));
    }
    if text.len() > limit {
        return Err(Refusal::Long(field, text.len(), limit));
    }
    Ok(text.to_owned())
}
