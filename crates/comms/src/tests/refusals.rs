//! Every refusal: what it says, which kind it is, and which field it names. Each leaves the state as it was.

use kernel::IncidentId;
use kernel::area::Refuse as _;

use super::{Room, attempted, component, draft, publish, reopen, revise, wrote};
use crate::{
    COMPONENTS_MAX, Command, ComponentStatus, DRAFTS_MAX, NoticeId, OPEN_MAX, Refusal, Stage, TEXT_BYTES_MAX,
    TITLE_BYTES_MAX, UPDATES_MAX, UpdateId,
};

/// A room with a published, unresolved notice (update 1) and a draft of it (update 2).
fn room() -> Room {
    let mut room = Room::new();
    room.tell(Stage::Investigating, ComponentStatus::Degraded);
    room.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    room
}

#[test]
fn each_refusal_names_the_rule_and_a_way_out() {
    let other = || Some(IncidentId(2));
    let payments = |status| (component("payments"), status);
    let degraded = || payments(ComponentStatus::Degraded);
    let mut elsewhere = draft(Stage::Identified, "payments", ComponentStatus::Degraded);
    if let Command::Draft { notice, .. } = &mut elsewhere {
        *notice = Some(NoticeId(9));
    }
    let commands = [
        elsewhere,
        revise(UpdateId(9), "x"),
        revise(UpdateId(1), "x"),
        Command::Publish { update: UpdateId(2), revision: Some(5) },
        reopen(),
        Command::Reopen { notice: NoticeId(9), why: "x".into() },
        draft(Stage::Postmortem, "payments", ComponentStatus::Operational),
        wrote(other(), "t", Stage::Postmortem, "x", Vec::new()),
        wrote(other(), " ", Stage::Identified, "x", Vec::new()),
        wrote(other(), "t", Stage::Identified, "", Vec::new()),
        wrote(other(), &"t".repeat(TITLE_BYTES_MAX + 1), Stage::Identified, "x", Vec::new()),
        wrote(other(), "t", Stage::Identified, &"x".repeat(TEXT_BYTES_MAX + 1), Vec::new()),
        wrote(other(), "t", Stage::Identified, "x", vec![degraded(); COMPONENTS_MAX + 1]),
        wrote(other(), "t", Stage::Identified, "x", vec![degraded(); 2]),
        wrote(other(), "t", Stage::Resolved, "x", vec![degraded()]),
        draft(Stage::Identified, "unknown", ComponentStatus::Degraded),
        attempted(&kernel::DeliveryId("update-9-1".into()), true),
    ];
    let mut room = room();
    let before = serde_json::to_string(&room.state).unwrap();
    let mut said = Vec::new();
    for command in commands {
        let refusal = room.ask(command.clone()).expect_err(&format!("{command:?} was not refused"));
        said.push(format!("{:?} {}: {refusal}", refusal.kind(), refusal.field().unwrap_or("-")));
    }
    let nobody = room.ask_as("system:comms", publish(UpdateId(2))).unwrap_err();
    said.push(format!("{:?} {}: {nobody}", nobody.kind(), nobody.field().unwrap_or("-")));
    assert_eq!(serde_json::to_string(&room.state).unwrap(), before);
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_discarded_update_stays_discarded() {
    let mut room = room();
    room.ask(Command::Discard { update: UpdateId(2) }).unwrap();
    let refusal = Err(Refusal::Discarded(UpdateId(2)));
    assert_eq!(room.ask(publish(UpdateId(2))), refusal);
    assert_eq!(room.ask(Command::Discard { update: UpdateId(2) }), refusal);
}

#[test]
fn at_most_so_many_drafts_and_open_notices() {
    let mut room = Room::new();
    let of = |incident| wrote(Some(IncidentId(incident)), "t", Stage::Identified, "x", Vec::new());
    assert_eq!(DRAFTS_MAX, OPEN_MAX);
    for incident in 0..DRAFTS_MAX as u32 {
        room.ask(of(incident)).unwrap();
    }
    assert_eq!(room.ask(of(0)), Err(Refusal::Many("drafts", DRAFTS_MAX)));
    room.ask(publish(UpdateId(1))).unwrap();
    assert_eq!(room.ask(of(DRAFTS_MAX as u32)), Err(Refusal::Many("open notices", OPEN_MAX)));
    assert!(room.ask(of(0)).is_ok(), "an open notice goes on");
}

#[test]
fn a_full_notice_can_still_be_resolved() {
    let mut room = Room::new();
    for _ in 0..UPDATES_MAX {
        room.tell(Stage::Identified, ComponentStatus::Degraded);
    }
    let next = draft(Stage::Monitoring, "payments", ComponentStatus::Degraded);
    assert_eq!(room.ask(next), Err(Refusal::Full(NoticeId(1))));
    room.tell(Stage::Resolved, ComponentStatus::Operational);
    assert_eq!(room.ask(reopen()), Err(Refusal::Full(NoticeId(1))));
}

#[test]
fn another_notice_of_the_incident_keeps_the_old_one_closed() {
    // Only what was written before this rule could have left two notices; a replay still takes them.
    let mut room = Room::new();
    room.tell(Stage::Resolved, ComponentStatus::Operational);
    let facts = std::mem::take(&mut room.facts);
    let renumbered = |event: &crate::Event| {
        let text =
            serde_json::to_string(event).unwrap().replace("\"notice\":1,\"update\":1", "\"notice\":2,\"update\":2");
        serde_json::from_str::<crate::Event>(&text).unwrap()
    };
    let (when, actor, event) = facts.first().unwrap();
    let stamp = kernel::area::Stamp { seq: kernel::Seq(9), at: *when, actor };
    <crate::Comms as kernel::Area>::evolve(&mut room.state, stamp, &renumbered(event));
    assert_eq!(room.ask(reopen()), Err(Refusal::ToldElsewhere(NoticeId(1), NoticeId(2))));
}
