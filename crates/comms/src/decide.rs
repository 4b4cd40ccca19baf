//! The rules of telling, one function a command.

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
    wording: Wording,
    sensitivity: Sensitivity,
) -> Decided {
    let wording = checked(context, wording)?;
    let drafts = state.notices().flat_map(Notice::drafts).count();
    if drafts >= DRAFTS_MAX {
        return Err(Refusal::Many("drafts", DRAFTS_MAX));
    }
    let existing = match notice {
        Some(id) => Some(state.notice(id).ok_or(Refusal::NoNotice(id))?),
        None => incident.and_then(|incident| state.of_incident(incident).find(|notice| notice.is_open())),
    };
    let (notice, incident) = match existing {
        Some(notice) => {
            fits(notice, wording.stage)?;
            if notice.updates.len() >= UPDATES_MAX {
                return Err(Refusal::Many("updates", UPDATES_MAX));
            }
            (notice.id, notice.incident)
        }
        None if state.notices().filter(|notice| notice.is_open()).count() >= OPEN_MAX => {
            return Err(Refusal::Many("notices", OPEN_MAX));
        }
        None => (NoticeId(state.last_notice.saturating_add(1)), incident),
    };
    let update = UpdateId(state.last_update.saturating_add(1));
    Ok(vec![Event::UpdateDrafted { notice, update, incident, wording, sensitivity }])
}

fn revise(state: &State, context: &Context<'_>, id: UpdateId, wording: Wording) -> Decided {
    let (notice, update) = drafted(state, id)?;
    let wording = checked(context, wording)?;
    fits(notice, wording.stage)?;
    if wording == update.wording {
        return Ok(Vec::new());
    }
    let revision = update.revision.saturating_add(1);
    let sensitivity = update.sensitivity;
    Ok(vec![Event::UpdateRevised { notice: notice.id, update: id, revision, wording, sensitivity }])
}

/// What is published is read by customers, so somebody stands for it: never Watchkeeper itself.
fn publish(state: &State, context: &Context<'_>, id: UpdateId, read: Option<u32>) -> Decided {
    if !matches!(context.actor, Actor::Person(_) | Actor::Integration(_)) {
        return Err(Refusal::Unattended);
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
    Ok(vec![Event::UpdatePublished {
        notice: notice.id,
        update: id,
        incident: notice.incident,
        wording,
        next_update_at,
        rooms,
    }])
}

fn discard(state: &State, id: UpdateId) -> Decided {
    let (notice, update) = drafted(state, id)?;
    Ok(vec![Event::UpdateDiscarded { notice: notice.id, update: id, sensitivity: update.sensitivity }])
}

fn reopen(state: &State, id: NoticeId, why: String) -> Decided {
    let notice = state.notice(id).ok_or(Refusal::NoNotice(id))?;
    if notice.is_open() {
        return Err(Refusal::NotResolved(id, "cannot be reopened"));
    }
    let why = said("why", &why, WHY_BYTES_MAX)?;
    Ok(vec![Event::NoticeReopened { notice: id, why, sensitivity: Sensitivity::Internal }])
}

fn record_attempt(state: &State, delivery: DeliveryId, attempt: Attempt) -> Decided {
    let mut all = state.notices().flat_map(|notice| notice.updates.iter().map(move |update| (notice, update)));
    let asked = all.find(|(_, update)| update.tellings.iter().any(|telling| telling.delivery == delivery));
    let (notice, update) = asked.ok_or_else(|| Refusal::NoDelivery(delivery.to_string()))?;
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
        (true, Stage::Postmortem) => Err(Refusal::NotResolved(notice.id, "has no post-mortem yet")),
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
        return Err(Refusal::Many("components in one update", COMPONENTS_MAX));
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
        return Err(Refusal::Long(field, limit));
    }
    Ok(text.to_owned())
}
