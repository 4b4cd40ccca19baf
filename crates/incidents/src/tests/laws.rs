//! Laws that hold for any run: replay is live, one commander, at most one open incident a page; and the frozen bytes.

use std::collections::BTreeSet;

use kernel::area::Stamp;
use kernel::{Area as _, IncidentId, Seq, Severity};
use proptest::prelude::*;

use super::{ONE, Room, assign, from, hand_over, mitigate, name, note, reopen, resolve, update};
use crate::{Command, Event, IncidentRole, Incidents, State};

/// The bytes of each kind of fact are frozen: what was once written must always read back.
#[test]
fn facts_keep_their_bytes() {
    let mut room = Room::new();
    room.ask_as("system:alerts", from(Some(7), &["checkout"], Severity::P2)).unwrap();
    room.ask_as("system:alerts", from(Some(8), &["checkout", "search"], Severity::P1)).unwrap();
    let news = Command::FollowPage { page: 7, text: "bob acknowledged".into(), acknowledged: true };
    let leave = Command::Unassign { incident: ONE, role: IncidentRole::Scribe, person: name("bob") };
    let impact =
        kernel::Impact { summary: "no sales".into(), users_percent: Some(9), functions: vec!["buying".into()] };
    let rest = [
        news,
        assign(IncidentRole::Scribe, "bob"),
        leave,
        assign(IncidentRole::Commander, "ada"),
        hand_over("bob"),
        note("restarting"),
        Command::StateImpact { incident: ONE, impact },
        update(),
        mitigate(),
        resolve(),
        reopen(),
    ];
    for command in rest {
        room.ask(command).unwrap();
    }
    room.ask(from(None, &[], Severity::P3)).unwrap();
    room.wake(99_000);
    let json: Vec<_> = room.facts.iter().map(|(_, _, event)| serde_json::to_string(event).unwrap()).collect();
    let kinds: BTreeSet<_> = room.facts.iter().map(|(_, _, event)| kernel::area::EventMeta::kind(event)).collect();
    assert_eq!(kinds.len(), 14, "every kind is there: {kinds:?}");
    insta::assert_snapshot!(json.join("\n"));
}

#[derive(Debug, Clone)]
enum Ask {
    Declare(Option<u64>, bool, u8),
    Assign(u8, u8, u8),
    Unassign(u8, u8, u8),
    HandOver(u8, u8, u8),
    Note(u8),
    Follow(u64, bool),
    Severity(u8, u8),
    Phase(u8, u8),
    Update(u8),
    Wait(u16),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let (one, role, person) = (1_u8..4, 0_u8..6, 0_u8..4);
    let ask = prop_oneof![
        2 => (prop::option::of(0_u64..4), any::<bool>(), 0_u8..5).prop_map(|(p, s, v)| Ask::Declare(p, s, v)),
        3 => (one.clone(), role.clone(), person.clone()).prop_map(|(i, r, p)| Ask::Assign(i, r, p)),
        1 => (one.clone(), role.clone(), person.clone()).prop_map(|(i, r, p)| Ask::Unassign(i, r, p)),
        1 => (one.clone(), role, person).prop_map(|(i, r, p)| Ask::HandOver(i, r, p)),
        1 => one.clone().prop_map(Ask::Note),
        1 => (0_u64..4, any::<bool>()).prop_map(|(p, a)| Ask::Follow(p, a)),
        1 => (one.clone(), 0_u8..5).prop_map(|(i, s)| Ask::Severity(i, s)),
        3 => (one.clone(), 0_u8..3).prop_map(|(i, p)| Ask::Phase(i, p)),
        1 => one.prop_map(Ask::Update),
        3 => (1_u16..2000).prop_map(Ask::Wait),
    ];
    prop::collection::vec(ask, 0..80)
}

fn role(n: u8) -> IncidentRole {
    IncidentRole::ALL[usize::from(n)]
}

fn person(n: u8) -> kernel::PersonName {
    name(["ada", "bob", "cleo", "eve"][usize::from(n)])
}

fn command(ask: &Ask) -> Command {
    let incident = |n: &u8| IncidentId(u32::from(*n));
    let severity = |n: u8| Severity::ALL[usize::from(n)];
    let text = || "said".to_owned();
    match ask {
        Ask::Declare(page, search, bad) => {
            from(*page, if *search { &["search"] } else { &["checkout"] }, severity(*bad))
        }
        Ask::Assign(i, r, p) => Command::Assign { incident: incident(i), role: role(*r), person: person(*p) },
        Ask::Unassign(i, r, p) => Command::Unassign { incident: incident(i), role: role(*r), person: person(*p) },
        Ask::HandOver(i, r, p) => {
            Command::HandOver { incident: incident(i), role: role(*r), to: person(*p), summary: text() }
        }
        Ask::Note(i) => Command::Note { incident: incident(i), text: text() },
        Ask::Follow(page, acknowledged) => {
            Command::FollowPage { page: *page, text: text(), acknowledged: *acknowledged }
        }
        Ask::Severity(i, s) => Command::ChangeSeverity { incident: incident(i), severity: severity(*s), why: text() },
        Ask::Phase(i, 0) => Command::Mitigate { incident: incident(i), how: text() },
        Ask::Phase(i, 1) => Command::Resolve { incident: incident(i), how: text() },
        Ask::Phase(i, _) => Command::Reopen { incident: incident(i), why: text() },
        Ask::Update(i) => Command::RecordUpdate { incident: incident(i), text: text() },
        Ask::Wait(_) => unreachable!("waiting asks for nothing"),
    }
}

/// Plays a run and looks at the room after each step.
fn play(asks: &[Ask], mut look: impl FnMut(&Room)) -> Room {
    let mut room = Room::new();
    for ask in asks {
        room.now += 1;
        match ask {
            Ask::Wait(seconds) => drop(room.wake(room.now + i64::from(*seconds))),
            other => drop(room.ask(command(other))),
        }
        look(&room);
    }
    room
}

proptest! {
    /// IN-10: replay = live, and a snapshot is the same state.
    #[test]
    fn in_10_facts_alone_give_the_same_state(asks in asks()) {
        let room = play(&asks, |_| {});
        let mut replayed = State::default();
        for (n, (when, actor, event)) in room.facts.iter().enumerate() {
            let event: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
            Incidents::evolve(&mut replayed, Stamp { seq: Seq(n as u64), at: *when, actor }, &event);
        }
        let live = serde_json::to_string(&room.state).unwrap();
        prop_assert_eq!(&serde_json::to_string(&replayed).unwrap(), &live);
        let restored: State = serde_json::from_str(&live).unwrap();
        prop_assert_eq!(serde_json::to_string(&restored).unwrap(), live);
    }

    /// IN-1, IN-2 and IN-5 after every step; command never goes back to nobody while an incident is open.
    #[test]
    fn in_1_and_5_hold_after_every_step(asks in asks()) {
        let mut commanded = BTreeSet::new();
        play(&asks, |room| {
            let mut pages = BTreeSet::new();
            for incident in room.state.open() {
                for role in IncidentRole::ALL.into_iter().filter(|role| role.is_single()) {
                    assert!(incident.holders(role).count() <= 1, "{role}");
                }
                assert!(incident.roles.values().flatten().all(|p| room.book.people.contains_key(p)));
                assert!(incident.commander().is_some() || !commanded.contains(&incident.id));
                commanded.extend(incident.commander().map(|_| incident.id));
                assert!(incident.pages.iter().all(|page| pages.insert(*page)), "a page has two open incidents");
            }
        });
    }

    /// IN-6 and IN-7: what is due is said when it is due, and after a wake nothing due is left.
    #[test]
    fn a_wake_leaves_nothing_due(asks in asks()) {
        let mut room = play(&asks, |_| {});
        room.wake(room.now);
        prop_assert!(Incidents::next_due(&room.state).is_none_or(|due| due > super::at(room.now)));
    }
}
