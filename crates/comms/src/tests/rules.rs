//! Given what happened, when this is asked, then that follows: one test for each invariant, and what readers see.

use kernel::area::{EventMeta as _, Stream};
use kernel::{Area as _, IncidentId, Seconds, Sensitivity};

use super::{ONE, Room, at, attempted, component, draft, publish, reopen, revise, wrote};
use crate::{
    Command, Comms, ComponentStatus, Event, NoticeId, NoticeImpact, Phase, RESOLVED_KEPT_MAX, Refusal, Stage, UpdateId,
};

#[test]
fn co_1_only_what_was_published_is_public() {
    let mut room = Room::new();
    room.ask_as("system:incidents", draft(Stage::Investigating, "payments", ComponentStatus::MajorOutage)).unwrap();
    assert_eq!(room.state.public().count(), 0);
    assert_eq!(room.status("payments"), ComponentStatus::Operational);
    room.now = 60;
    room.ask(publish(UpdateId(1))).unwrap();
    room.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    let notice = room.state.public().next().unwrap();
    assert_eq!(notice.updates.iter().map(|update| update.text).collect::<Vec<_>>(), ["We are investigating."]);
    assert_eq!((notice.title, notice.stage, notice.created_at), ("Card payments fail", Stage::Investigating, at(60)));
    assert_eq!((notice.next_update_at, room.state.next_update_at()), (Some(at(1860)), Some(at(1860))));
    assert_eq!(notice.components, [("payments", ComponentStatus::MajorOutage)]);
}

#[test]
fn co_2_watchkeeper_never_publishes() {
    let mut room = Room::new();
    room.ask_as("system:incidents", draft(Stage::Investigating, "payments", ComponentStatus::Degraded)).unwrap();
    for nobody in ["system:incidents", "anonymous"] {
        assert_eq!(room.ask_as(nobody, publish(UpdateId(1))), Err(Refusal::Unattended(UpdateId(1))), "{nobody}");
    }
    assert!(room.ask_as("integration:pipeline", publish(UpdateId(1))).is_ok());
}

#[test]
fn co_2_what_was_read_is_what_is_published() {
    let mut room = Room::new();
    room.ask(draft(Stage::Investigating, "payments", ComponentStatus::Degraded)).unwrap();
    assert_eq!(room.ask_as("person:bob", revise(UpdateId(1), "It is the bank.")), Ok(vec!["UpdateRevised"]));
    assert_eq!(room.ask_as("person:bob", revise(UpdateId(1), "It is the bank.")), Ok(vec![]), "nothing changed");
    let read = |revision| Command::Publish { update: UpdateId(1), revision: Some(revision) };
    assert_eq!(room.ask(read(0)), Err(Refusal::Stale { update: UpdateId(1), read: 0, now: 1 }));
    room.ask(read(1)).unwrap();
    let (notice, update) = room.state.update(UpdateId(1)).unwrap();
    assert_eq!((notice.title.as_str(), update.wording.text.as_str()), ("Card payments fail", "It is the bank."));
    assert_eq!(
        (update.drafted.1.to_string(), update.written.1.to_string()),
        ("person:ada".into(), "person:bob".into())
    );
}

#[test]
fn co_3_what_was_published_does_not_change() {
    let mut room = Room::new();
    let update = room.tell(Stage::Investigating, ComponentStatus::Degraded);
    for command in [publish(update), revise(update, "no"), Command::Discard { update }] {
        assert_eq!(room.ask(command), Err(Refusal::Published(update)));
    }
}

#[test]
fn co_4_a_resolved_notice_takes_nothing_but_a_post_mortem() {
    let mut room = Room::new();
    room.tell(Stage::Monitoring, ComponentStatus::Degraded);
    assert_eq!(room.tell(Stage::Resolved, ComponentStatus::Operational), UpdateId(2));
    let identified = || draft(Stage::Identified, "payments", ComponentStatus::Degraded);
    assert_eq!(room.ask(identified()), Err(Refusal::Resolved(ONE)));
    room.tell(Stage::Postmortem, ComponentStatus::Operational);

    assert_eq!(room.ask(reopen()), Ok(vec!["NoticeReopened"]));
    let shown = room.state.public().next().unwrap();
    assert_eq!((shown.stage, shown.resolved_at), (Stage::Postmortem, Some(at(0))), "nothing new was published yet");
    room.tell_of(identified());
    let shown = room.state.public().next().unwrap();
    assert_eq!((shown.stage, shown.resolved_at, shown.updates.len()), (Stage::Identified, None, 4));
    assert_eq!(room.status("payments"), ComponentStatus::Degraded);
}

#[test]
fn co_4_a_draft_is_checked_again_when_it_is_published() {
    let mut room = Room::new();
    room.tell(Stage::Monitoring, ComponentStatus::Degraded);
    room.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    let overtaken = room.newest();
    room.tell(Stage::Resolved, ComponentStatus::Operational);
    assert_eq!(room.ask(publish(overtaken)), Err(Refusal::Resolved(ONE)));
    assert_eq!(room.ask(Command::Discard { update: overtaken }), Ok(vec!["UpdateDiscarded"]));

    let mut other = Room::new();
    other.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    other.book.components.clear();
    assert_eq!(other.ask(publish(UpdateId(1))), Err(Refusal::NoComponent(component("payments"))));
}

#[test]
fn co_5_the_worst_open_notice_counts() {
    let mut room = Room::new();
    let of = |incident, stage, status| {
        wrote(Some(IncidentId(incident)), "t", stage, "x", vec![(component("payments"), status)])
    };
    room.tell_of(of(1, Stage::Investigating, ComponentStatus::Degraded));
    room.now = 10;
    room.tell_of(of(2, Stage::Investigating, ComponentStatus::MajorOutage));
    assert_eq!(room.status("payments"), ComponentStatus::MajorOutage);
    let overall = room.state.overall(&room.book);
    assert_eq!((overall.worst, overall.hurt, overall.sentence()), (ComponentStatus::MajorOutage, 1, "Major outage"));
    // An update that does not name a component leaves it as it was.
    room.tell_of(wrote(Some(IncidentId(2)), "t", Stage::Monitoring, "x", Vec::new()));
    assert_eq!(room.status("payments"), ComponentStatus::MajorOutage);
    room.tell_of(wrote(Some(IncidentId(2)), "t", Stage::Resolved, "x", Vec::new()));
    let now = room.state.components(&room.book);
    assert_eq!((now[0].status, now[0].since), (ComponentStatus::Degraded, Some(at(0))));
    assert_eq!((now[1].status, now[1].since), (ComponentStatus::Operational, None));
    room.tell_of(of(1, Stage::Resolved, ComponentStatus::Operational));
    assert_eq!(room.state.overall(&room.book).sentence(), "All systems operational");
    let impacts: Vec<_> = room.state.public().map(|notice| notice.impact).collect();
    assert_eq!(impacts, [NoticeImpact::Critical, NoticeImpact::Minor], "the impact stays what it was at its worst");
}

#[test]
fn co_6_rooms_are_told_once_until_the_last_attempt() {
    let mut room = Room::new();
    room.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    assert_eq!(room.ask(publish(UpdateId(1))), Ok(vec!["UpdatePublished", "TellingRequested"]));
    let asked = Comms::deliveries(&room.state, &room.book, &room.facts.last().unwrap().2);
    assert_eq!(asked, Comms::outstanding(&room.state, &room.book), "what is asked again after a restart is the same");
    let [told] = &asked[..] else { panic!("one room: {asked:?}") };
    assert_eq!((&*told.id.0, told.address.to_string()), ("update-1-1", "chat to #money".to_owned()));
    assert_eq!(told.message.title, "Identified: Card payments fail");

    room.ask_as("system:delivery", attempted(&told.id, false)).unwrap();
    assert!(room.state.is_outstanding(&told.id));
    room.ask_as("system:delivery", attempted(&told.id, true)).unwrap();
    assert!(!room.state.is_outstanding(&told.id));
    let again = room.ask_as("system:delivery", attempted(&told.id, true));
    assert_eq!(again, Err(Refusal::NoDelivery(told.id.clone())));
    assert!(room.state.update(UpdateId(1)).unwrap().1.tellings[0].attempt.is_some());
    // The next update tells the room too, though it does not name the component itself.
    room.tell_of(wrote(Some(IncidentId(1)), "t", Stage::Monitoring, "x", Vec::new()));
    assert_eq!(Comms::outstanding(&room.state, &room.book).len(), 1);
}

#[test]
fn co_6_addresses_of_rooms_are_not_public() {
    let mut room = Room::new();
    room.tell(Stage::Identified, ComponentStatus::Degraded);
    for (_, _, event) in &room.facts {
        let public = event.sensitivity() == Sensitivity::Public;
        assert_eq!(public, matches!(event, Event::UpdatePublished { .. }), "{event:?}");
        assert!(!public || !serde_json::to_string(event).unwrap().contains("#money"));
        assert_eq!(event.stream(), Stream("N-1".into()));
    }
}

#[test]
fn co_7_an_incident_has_one_open_notice() {
    let mut room = Room::new();
    let named = |notice| {
        let mut command = draft(Stage::Investigating, "payments", ComponentStatus::Degraded);
        if let Command::Draft { notice: field, incident, .. } = &mut command {
            (*field, *incident) = (Some(notice), None);
        }
        command
    };
    room.tell(Stage::Investigating, ComponentStatus::Degraded);
    room.tell(Stage::Identified, ComponentStatus::Degraded);
    room.tell_of(named(ONE));
    assert_eq!(room.state.of_incident(IncidentId(1)).map(|notice| notice.id).collect::<Vec<_>>(), [ONE]);
    let of_another = Command::Draft {
        notice: Some(ONE),
        incident: Some(IncidentId(2)),
        title: "t".into(),
        stage: Stage::Identified,
        text: "x".into(),
        components: Vec::new(),
        next_update_in: None,
        sensitivity: Sensitivity::Internal,
    };
    assert_eq!(room.ask(of_another), Err(Refusal::OtherIncident(ONE, IncidentId(2))));
}

#[test]
fn a_notice_of_which_nothing_is_left_never_was() {
    let mut room = Room::new();
    room.ask(draft(Stage::Investigating, "payments", ComponentStatus::Degraded)).unwrap();
    room.ask(draft(Stage::Identified, "payments", ComponentStatus::Degraded)).unwrap();
    room.ask(Command::Discard { update: UpdateId(1) }).unwrap();
    assert_eq!(room.state.update(UpdateId(1)).unwrap().1.phase, Phase::Discarded);
    room.ask(Command::Discard { update: UpdateId(2) }).unwrap();
    assert_eq!((room.state.notices().count(), room.state.drafts().count()), (0, 0));
    room.ask(draft(Stage::Investigating, "payments", ComponentStatus::Degraded)).unwrap();
    assert_eq!(room.state.notices().next().unwrap().id, NoticeId(2), "numbers are not used twice");
}

#[test]
fn drafts_are_as_sensitive_as_asked_until_they_are_published() {
    let mut room = Room::new();
    let mut command = draft(Stage::Investigating, "payments", ComponentStatus::Degraded);
    if let Command::Draft { sensitivity, .. } = &mut command {
        *sensitivity = Sensitivity::Restricted;
    }
    room.ask(command).unwrap();
    room.ask(revise(UpdateId(1), "other words")).unwrap();
    assert!(room.facts.iter().all(|(_, _, event)| event.sensitivity() == Sensitivity::Restricted));
    assert_eq!(room.state.sensitivity_of(UpdateId(1)), Some(Sensitivity::Restricted));
    room.ask(publish(UpdateId(1))).unwrap();
    assert_eq!(room.state.sensitivity_of(UpdateId(1)), Some(Sensitivity::Public));
}

#[test]
fn an_over_update_promises_no_next_one() {
    let mut room = Room::new();
    room.tell(Stage::Monitoring, ComponentStatus::Degraded);
    assert_eq!(room.state.next_update_at(), Some(Seconds::minutes(30).after(at(0))));
    room.tell(Stage::Resolved, ComponentStatus::Operational);
    assert_eq!(room.state.next_update_at(), None);
}

#[test]
fn resolved_notices_are_forgotten_oldest_first() {
    let mut room = Room::new();
    for incident in 0..RESOLVED_KEPT_MAX as u32 + 2 {
        let text = wrote(Some(IncidentId(incident)), "t", Stage::Resolved, "x", Vec::new());
        room.tell_of(text);
    }
    assert_eq!(room.state.notices().count(), RESOLVED_KEPT_MAX);
    assert_eq!(room.state.notice(NoticeId(2)), None);
    assert!(room.state.notice(NoticeId(3)).is_some() && room.state.update(UpdateId(2)).is_none());
}
