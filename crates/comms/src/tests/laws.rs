//! Laws that hold for any run: replay is live, nothing but what was published is public; and the frozen bytes.

use std::collections::BTreeSet;

use kernel::area::{EventMeta as _, Stamp};
use kernel::{Area as _, IncidentId, Sensitivity, Seq};
use proptest::prelude::*;

use super::{Room, attempted, component, draft, publish, reopen, revise};
use crate::{Command, Comms, ComponentStatus, Event, NoticeId, Phase, Stage, State, UpdateId};

/// The bytes of each kind of fact are frozen: what was once written must always read back.
#[test]
fn facts_keep_their_bytes() {
    let mut room = Room::new();
    let mut secret = draft(Stage::Investigating, "payments", ComponentStatus::PartialOutage);
    if let Command::Draft { sensitivity, .. } = &mut secret {
        *sensitivity = Sensitivity::Confidential;
    }
    room.ask(secret).unwrap();
    room.ask(publish(UpdateId(1))).unwrap();
    room.ask_as("system:delivery", attempted(&kernel::DeliveryId("update-1-1".into()), true)).unwrap();
    room.ask(draft(Stage::Identified, "search", ComponentStatus::Maintenance)).unwrap();
    room.ask(revise(UpdateId(2), "It is the bank.")).unwrap();
    room.ask(Command::Discard { update: UpdateId(2) }).unwrap();
    room.tell(Stage::Resolved, ComponentStatus::Operational);
    room.ask(reopen()).unwrap();
    let json: Vec<_> = room.facts.iter().map(|(_, _, event)| serde_json::to_string(event).unwrap()).collect();
    let kinds: BTreeSet<_> = room.facts.iter().map(|(_, _, event)| event.kind()).collect();
    assert_eq!(kinds.len(), 7, "every kind is there: {kinds:?}");
    insta::assert_snapshot!(json.join("\n"));
}

#[derive(Debug, Clone)]
enum Ask {
    Draft(Option<u8>, Option<u8>, u8, u8, u8),
    Revise(u8, u8),
    Publish(u8, bool),
    Discard(u8),
    Reopen(u8),
    Attempt(u8, bool),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let update = 1_u8..10;
    let ask = prop_oneof![
        4 => (prop::option::weighted(0.2, 1_u8..4), prop::option::of(1_u8..4), 0_u8..5, 0_u8..2, 0_u8..5)
            .prop_map(|(n, i, stage, c, status)| Ask::Draft(n, i, stage, c, status)),
        1 => (update.clone(), 0_u8..5).prop_map(|(u, stage)| Ask::Revise(u, stage)),
        4 => (update.clone(), any::<bool>()).prop_map(|(u, system)| Ask::Publish(u, system)),
        1 => update.clone().prop_map(Ask::Discard),
        1 => (1_u8..4).prop_map(Ask::Reopen),
        1 => (update, any::<bool>()).prop_map(|(u, last)| Ask::Attempt(u, last)),
    ];
    prop::collection::vec(ask, 0..60)
}

/// Every text is marked with the step that wrote it, so that it can be told where it turns up.
fn command(step: usize, ask: &Ask) -> Command {
    let stage = |n: u8| Stage::ALL[usize::from(n)];
    match ask {
        Ask::Draft(notice, incident, at, name, status) => Command::Draft {
            notice: notice.map(|n| NoticeId(n.into())),
            incident: incident.map(|n| IncidentId(9_000_000 + u32::from(n))),
            title: format!("title-of-{step}."),
            stage: stage(*at),
            text: format!("text-of-{step}."),
            components: vec![(
                component(["payments", "search"][usize::from(*name)]),
                ComponentStatus::ALL[usize::from(*status)],
            )],
            next_update_in: None,
            sensitivity: Sensitivity::Internal,
        },
        Ask::Revise(update, at) => Command::Revise {
            update: UpdateId((*update).into()),
            title: format!("title-of-{step}."),
            stage: stage(*at),
            text: format!("text-of-{step}."),
            components: Vec::new(),
            next_update_in: None,
        },
        Ask::Publish(update, _) => publish(UpdateId((*update).into())),
        Ask::Discard(update) => Command::Discard { update: UpdateId((*update).into()) },
        Ask::Reopen(notice) => Command::Reopen { notice: NoticeId((*notice).into()), why: format!("why-of-{step}.") },
        Ask::Attempt(update, last) => attempted(&kernel::DeliveryId(format!("update-{update}-1").into()), *last),
    }
}

fn play(asks: &[Ask], mut look: impl FnMut(&Room)) -> Room {
    let mut room = Room::new();
    for (step, ask) in asks.iter().enumerate() {
        room.now += 1;
        let actor = if matches!(ask, Ask::Publish(_, true)) { "system:comms" } else { "person:ada-the-writer" };
        drop(room.ask_as(actor, command(step, ask)));
        look(&room);
    }
    room
}

proptest! {
    /// CO-8: replay = live, and a snapshot is the same state.
    #[test]
    fn co_8_facts_alone_give_the_same_state(asks in asks()) {
        let room = play(&asks, |_| {});
        let mut replayed = State::default();
        for (n, (when, actor, event)) in room.facts.iter().enumerate() {
            let event: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            Comms::evolve(&mut replayed, Stamp { seq: Seq(n as u64), at: *when, actor }, &event);
        }
        let live = serde_json::to_string(&room.state).unwrap();
        prop_assert_eq!(&serde_json::to_string(&replayed).unwrap(), &live);
        let restored: State = serde_json::from_str(&live).unwrap();
        prop_assert_eq!(serde_json::to_string(&restored).unwrap(), live);
    }

    /// CO-1: whatever happened, the public sees texts of published updates only: no draft, no reason, no person, no
    /// incident, no room.
    #[test]
    fn co_1_nothing_internal_is_ever_public(asks in asks()) {
        play(&asks, |room| {
            let public = serde_json::to_string(&room.state.public().collect::<Vec<_>>()).unwrap();
            let published: BTreeSet<String> = room.facts.iter().filter_map(|(_, _, event)| match event {
                Event::UpdatePublished { wording, .. } => Some([wording.title.clone(), wording.text.clone()]),
                _ => None,
            }).flatten().collect();
            for step in 0..60 {
                for text in [format!("title-of-{step}."), format!("text-of-{step}.")] {
                    assert!(!public.contains(&text) || published.contains(&text), "{text} in {public}");
                }
            }
            for internal in ["why-of", "ada-the-writer", "9000001", "#money"] {
                assert!(!public.contains(internal), "{internal} in {public}");
            }
        });
    }

    /// CO-2, CO-5 and CO-7 after every step.
    #[test]
    fn co_2_5_and_7_hold_after_every_step(asks in asks()) {
        play(&asks, |room| {
            let mut told = BTreeSet::new();
            for notice in room.state.open() {
                assert!(notice.incident.is_none_or(|incident| told.insert(incident)), "two open notices of one incident");
            }
            for notice in room.state.notices().filter(|notice| !notice.is_open()) {
                assert!(notice.components.values().all(|status| *status == ComponentStatus::Operational));
                assert!(notice.resolved_at.is_some() && notice.stage.is_some_and(Stage::is_over));
            }
            for update in room.state.notices().flat_map(|notice| &notice.updates) {
                if let Phase::Published { by, .. } = &update.phase {
                    assert_eq!(by.to_string(), "person:ada-the-writer");
                }
            }
        });
    }
}
