//! Laws that hold for any run: replay is live, nothing written is lost, what is published is whole; and the frozen bytes.

use std::collections::BTreeSet;

use kernel::area::{EventMeta as _, Stamp};
use kernel::{Area as _, IncidentId, Seq};
use proptest::prelude::*;

use super::{Room, SOON, add, at, complete, drop_one, name, open, publish, source};
use crate::{ActionKind, Command, Event, Learning, ReviewId, Section, Source, State};

/// The bytes of each kind of fact are frozen: what was once written must always read back.
#[test]
fn facts_keep_their_bytes() {
    let mut room = Room::ready();
    room.ask(add("ada", SOON)).unwrap();
    room.ask(complete("seen")).unwrap();
    room.ask(add("bob", SOON)).unwrap();
    room.ask(Command::DropAction { review: ReviewId(1), action: 2, why: "too much".into() }).unwrap();
    room.ask(publish()).unwrap();
    room.ask(open(Source { resolved_at: at(81), ..source() })).unwrap();
    let json: Vec<_> = room.facts.iter().map(|(_, _, event)| serde_json::to_string(event).unwrap()).collect();
    let kinds: BTreeSet<_> = room.facts.iter().map(|(_, _, event)| event.kind()).collect();
    assert_eq!(kinds.len(), 7, "every kind is there: {kinds:?}");
    insta::assert_snapshot!(json.join("\n"));
}

/// Facts of earlier forms read as they were meant.
#[test]
fn facts_of_earlier_forms_are_read() {
    let event: Event = serde_json::from_str(r#"{"ReviewPublished":{"review":1,"text":"x"}}"#).unwrap();
    assert!(matches!(event, Event::ReviewPublished { edition: 1, .. }));
}

#[derive(Debug, Clone)]
enum Ask {
    Open(u8, u8),
    Edit(u8, u8, u8, bool),
    Add(u8, u8),
    Complete(u8, u8),
    Drop(u8, u8),
    Publish(u8),
    Leave,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let review = 1_u8..3;
    let ask = prop_oneof![
        2 => (1_u8..3, 0_u8..3).prop_map(|(i, n)| Ask::Open(i, n)),
        8 => (review.clone(), 0_u8..7, 0_u8..3, any::<bool>()).prop_map(|(r, s, t, stale)| Ask::Edit(r, s, t, stale)),
        2 => (review.clone(), 0_u8..3).prop_map(|(r, p)| Ask::Add(r, p)),
        1 => (review.clone(), 1_u8..4).prop_map(|(r, a)| Ask::Complete(r, a)),
        1 => (review.clone(), 1_u8..4).prop_map(|(r, a)| Ask::Drop(r, a)),
        3 => review.prop_map(Ask::Publish),
        1 => Just(Ask::Leave),
    ];
    prop::collection::vec(ask, 0..60)
}

fn command(room: &Room, ask: &Ask) -> Command {
    let review = |n: &u8| ReviewId((*n).into());
    match ask {
        Ask::Open(incident, n) => {
            let incident = IncidentId((*incident).into());
            open(Source { incident, reopened: (*n).into(), ..source() })
        }
        Ask::Edit(r, s, text, stale) => {
            let section = Section::ALL[usize::from(*s)];
            let revision = room.state.review(review(r)).map_or(0, |own| own.revision(section)) + u32::from(*stale);
            let text = ["", "something", "something else"][usize::from(*text)].to_owned();
            Command::Edit { review: review(r), section, text, revision }
        }
        Ask::Add(r, person) => {
            let owner = name(["ada", "bob", "eve"][usize::from(*person)]);
            Command::AddAction { review: review(r), title: "do".into(), owner, due: SOON, kind: ActionKind::Prevent }
        }
        Ask::Complete(r, action) => {
            Command::CompleteAction { review: review(r), action: (*action).into(), evidence: "seen".into() }
        }
        Ask::Drop(r, action) => Command::DropAction { review: review(r), action: (*action).into(), why: "no".into() },
        Ask::Publish(r) => Command::Publish { review: review(r) },
        Ask::Leave => drop_one("bob left"),
    }
}

fn play(asks: &[Ask], mut look: impl FnMut(&Room, &Ask, bool)) -> Room {
    let mut room = Room::new();
    for ask in asks {
        room.now += 1;
        if matches!(ask, Ask::Leave) {
            room.book.people.remove("bob");
        }
        let accepted = room.ask(command(&room, ask)).is_ok_and(|kinds| !kinds.is_empty());
        look(&room, ask, accepted);
    }
    room
}

proptest! {
    /// LE-7: replay = live, and a snapshot is the same state.
    #[test]
    fn le_7_facts_alone_give_the_same_state(asks in asks()) {
        let room = play(&asks, |_, _, _| {});
        let mut replayed = State::default();
        for (n, (when, actor, event)) in room.facts.iter().enumerate() {
            let event: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            Learning::evolve(&mut replayed, Stamp { seq: Seq(n as u64), at: *when, actor }, &event);
        }
        let live = serde_json::to_string(&room.state).unwrap();
        prop_assert_eq!(&serde_json::to_string(&replayed).unwrap(), &live);
        let restored: State = serde_json::from_str(&live).unwrap();
        prop_assert_eq!(serde_json::to_string(&restored).unwrap(), live);
    }

    /// LE-1, LE-3 and LE-4 after every step.
    #[test]
    fn le_1_3_and_4_hold_after_every_step(asks in asks()) {
        play(&asks, |room, ask, accepted| {
            let incidents: BTreeSet<_> = room.state.reviews().map(|review| review.source.incident).collect();
            assert_eq!(incidents.len(), room.state.reviews().count(), "an incident has two reviews");
            assert!(!accepted || !matches!(ask, Ask::Edit(_, _, _, true)), "an unread revision was written over");
            for review in room.state.reviews().filter(|review| review.is_published() && !review.changed) {
                for section in [Section::Summary, Section::Impact, Section::ContributingFactors] {
                    assert!(!review.section(section).is_empty(), "{section} is empty in a published review");
                }
                let (_, _, text) = review.published.as_ref().unwrap();
                assert!(Section::ALL.iter().all(|section| text.contains(review.section(*section).trim())));
            }
        });
    }
}
