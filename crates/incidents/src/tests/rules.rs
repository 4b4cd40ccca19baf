//! Given what happened, when this is asked, then that follows: one test for each invariant, and what readers see.

use kernel::area::EventMeta as _;
use kernel::{Area as _, IncidentId, Seconds, Sensitivity, Severity};

use super::{NOTHING, ONE, Room, assign, at, declare, from, hand_over, mitigate, name, note, reopen, resolve, update};
use crate::{Command, Event, IncidentRole, Incidents, Phase, Refusal, TIMELINE_MAX, TIMELINE_RESERVE};

#[test]
fn in_1_one_commander_at_a_time() {
    let mut room = Room::open();
    assert_eq!(room.ask(assign(IncidentRole::Commander, "ada")), Ok(vec!["RoleAssigned"]));
    assert_eq!(room.ask(assign(IncidentRole::Commander, "bob")), Ok(vec!["HandedOver"]));
    assert_eq!(room.commander(), Some("bob"));
    assert_eq!(room.ask(hand_over("cleo")), Ok(vec!["HandedOver"]));
    let holders: Vec<_> = room.one().holders(IncidentRole::Commander).collect();
    assert_eq!(holders, [&name("cleo")]);
    let leave = Command::Unassign { incident: ONE, role: IncidentRole::Commander, person: name("cleo") };
    assert_eq!(room.ask(leave), Err(Refusal::CommandStays(ONE)));
}

#[test]
fn in_1_experts_may_be_many_and_may_leave() {
    let mut room = Room::open();
    let expert = IncidentRole::SubjectMatterExpert;
    for person in ["ada", "bob"] {
        assert_eq!(room.ask(assign(expert, person)), Ok(vec!["RoleAssigned"]));
    }
    assert_eq!(room.one().holders(expert).count(), 2);
    let leave = Command::Unassign { incident: ONE, role: expert, person: name("ada") };
    assert_eq!(room.ask(leave), Ok(vec!["RoleReleased"]));
    assert_eq!(room.one().holders(expert).collect::<Vec<_>>(), [&name("bob")]);
    assert_eq!(room.one().served.len(), 2, "whoever served is remembered for the review");
}

#[test]
fn in_2_only_people_of_the_watchbook_take_roles() {
    let mut room = Room::open();
    assert_eq!(room.ask(assign(IncidentRole::Scribe, "eve")), Err(Refusal::NoPerson(name("eve"))));
    room.ask(assign(IncidentRole::Commander, "ada")).unwrap();
    assert_eq!(room.ask(hand_over("eve")), Err(Refusal::NoPerson(name("eve"))));
}

#[test]
fn in_3_severity_stands_with_its_reason_and_its_cadence() {
    let mut room = Room::open();
    assert_eq!((room.one().severity, room.one().severity_why.as_str()), (Severity::P2, "tier 1 is down"));
    room.now = 60;
    let worse = |why: &str| Command::ChangeSeverity { incident: ONE, severity: Severity::P1, why: why.into() };
    assert_eq!(room.ask(worse(" ")), Err(Refusal::Empty("why")));
    assert_eq!(room.ask_as("person:bob", worse("nobody can buy")), Ok(vec!["SeverityChanged"]));
    let one = room.one();
    assert_eq!((one.severity, one.severity_why.as_str(), one.severity_at), (Severity::P1, "nobody can buy", at(60)));
    assert_eq!(one.severity_by.to_string(), "person:bob");
    // The watchbook asks for an update every 20 minutes of a P1: sooner than the 30 minutes that stood before.
    assert_eq!((one.update_every, one.update_due), (Seconds::minutes(20), Some(at(60 + 1200))));
}

#[test]
fn in_3_an_incident_that_says_no_cadence_has_that_of_its_severity() {
    // The watchbook has a rule for P1 alone.
    let wish = |asked: Option<u32>, bad: Severity| {
        let mut command = from(None, &["checkout"], bad);
        if let Command::Declare { update_every, .. } = &mut command {
            *update_every = asked.map(Seconds::minutes);
        }
        command
    };
    let cases = [
        (None, Severity::P1, Some(20)),
        (None, Severity::P2, Some(60)),
        (None, Severity::P3, None),
        (Some(45), Severity::P1, Some(45)),
        (Some(0), Severity::P1, None),
    ];
    for (asked, severity, minutes) in cases {
        let mut room = Room::new();
        room.ask(wish(asked, severity)).unwrap();
        assert_eq!(room.one().update_due, minutes.map(|m| at(m * 60)), "{asked:?} of {severity}");
    }
    let mut room = Room::new();
    room.book.severity.clear();
    room.ask(wish(None, Severity::P1)).unwrap();
    assert_eq!(room.one().update_due, Some(at(30 * 60)), "a watchbook that says nothing of P1");
    room.ask(Command::ChangeSeverity { incident: ONE, severity: Severity::P4, why: "few notice".into() }).unwrap();
    assert_eq!(room.one().update_every, Seconds::minutes(30), "what was promised stands");
}

#[test]
fn in_4_phases_change_only_as_drawn() {
    type Wish = fn() -> Command;
    type Go = fn(&mut Room);
    let wishes: [(&str, Wish); 3] = [("mitigate", mitigate), ("resolve", resolve), ("reopen", reopen)];
    let path: [(Phase, Go); 3] = [
        (Phase::Open, |_| {}),
        (Phase::Mitigated, |room| drop(room.ask(mitigate()).unwrap())),
        (Phase::Resolved, |room| drop(room.ask(resolve()).unwrap())),
    ];
    let mut seen = Vec::new();
    for (phase, go) in path {
        for (wish, command) in wishes {
            let mut room = Room::open();
            go(&mut room);
            assert_eq!(room.one().phase, phase);
            let answer = match room.ask(command()) {
                Ok(_) => room.one().phase.to_string(),
                Err(refusal) => refusal.to_string(),
            };
            seen.push(format!("{phase}, {wish}: {answer}"));
        }
    }
    insta::assert_snapshot!(seen.join("\n"), @"
    open, mitigate: mitigated
    open, resolve: resolved
    open, reopen: INC-1 is open and cannot be reopened: add a note
    mitigated, mitigate: INC-1 is mitigated and cannot be mitigated: add a note, resolve it, or reopen it
    mitigated, resolve: resolved
    mitigated, reopen: open
    resolved, mitigate: INC-1 is resolved and cannot be mitigated: reopen it first
    resolved, resolve: INC-1 is resolved and cannot be resolved: add a note, or reopen it
    resolved, reopen: open
    ");
}

#[test]
fn in_5_a_page_has_one_open_incident() {
    let mut room = Room::new();
    let first = || from(Some(7), &["checkout"], Severity::P2);
    assert_eq!(room.ask_as("system:alerts", first()), Ok(vec!["IncidentDeclared"]));
    assert_eq!(room.ask_as("system:alerts", first()), Ok(vec![]), "the same page again");
    room.now = 14 * 60;
    let second = from(Some(8), &["checkout", "search"], Severity::P1);
    assert_eq!(room.ask_as("system:alerts", second), Ok(vec!["PageJoined", "SeverityChanged"]));
    assert_eq!((room.one().severity, room.one().pages.len(), room.one().services.len()), (Severity::P1, 2, 2));
    assert_eq!(room.state.open_of_page(8).map(|incident| incident.id), Some(ONE));

    room.now = 15 * 60;
    let late = from(Some(9), &["checkout"], Severity::P3);
    assert_eq!(room.ask_as("system:alerts", late), Ok(vec!["IncidentDeclared"]), "later than JOIN_WITHIN");
    room.now = 30 * 60;
    room.ask(resolve()).unwrap();
    assert_eq!(room.ask_as("system:alerts", first()), Ok(vec!["IncidentDeclared"]), "the first one is resolved");
    assert_eq!(room.state.of_page(7).map(|incident| incident.id), Some(IncidentId(3)));
    let elsewhere = Refusal::PageElsewhere { incident: ONE, page: 7, other: IncidentId(3) };
    assert_eq!(room.ask(reopen()), Err(elsewhere));
    room.ask(Command::Resolve { incident: IncidentId(3), how: "the same".into() }).unwrap();
    room.ask(reopen()).unwrap();
    assert_eq!(room.state.open_of_page(7).map(|incident| incident.id), Some(ONE), "news of the page go there again");
}

#[test]
fn in_5_what_does_not_fit_together_is_not_joined() {
    let restricted = |mut command: Command| {
        if let Command::Declare { sensitivity, .. } = &mut command {
            *sensitivity = Sensitivity::Restricted;
        }
        command
    };
    let page = || from(Some(7), &["checkout"], Severity::P2);
    let cases = [
        ("another service", page(), from(Some(8), &["search"], Severity::P2)),
        ("another sensitivity", page(), restricted(from(Some(8), &["checkout"], Severity::P2))),
        ("the first was declared by a person", declare(), from(Some(8), &["checkout"], Severity::P2)),
        ("the second is declared by a person", page(), declare()),
    ];
    for (why, first, second) in cases {
        let mut room = Room::new();
        room.ask(first).unwrap();
        assert_eq!(room.ask(second), Ok(vec!["IncidentDeclared"]), "{why}");
    }
}

#[test]
fn a_page_is_never_refused_for_its_words() {
    let mut room = Room::new();
    let mut command = from(Some(7), &["checkout", "gone"], Severity::P2);
    if let Command::Declare { title, why, .. } = &mut command {
        (*title, *why) = ("é".repeat(400), String::new());
    }
    assert_eq!(room.ask_as("system:alerts", command), Ok(vec!["IncidentDeclared"]));
    let one = room.one();
    assert_eq!((one.title.len(), one.severity_why.as_str(), one.services.len()), (300, "page 7", 1));
}

#[test]
fn in_6_an_overdue_update_is_said_once() {
    let mut room = Room::open();
    room.ask(assign(IncidentRole::Commander, "ada")).unwrap();
    assert_eq!(Incidents::next_due(&room.state), Some(at(1800)));
    assert_eq!(room.wake(1799), NOTHING);
    assert_eq!(room.wake(1800), ["UpdateOverdue"]);
    assert_eq!((room.wake(9000), Incidents::next_due(&room.state)), (vec![], None));
    let clocks = room.one().clocks(at(9000));
    assert_eq!((clocks.update_overdue_by, clocks.since_update), (Some(Seconds(7200)), Seconds(9000)));

    room.ask_as("system:comms", update()).unwrap();
    assert_eq!(Incidents::next_due(&room.state), Some(at(9000 + 1800)));
    assert_eq!(room.one().clocks(at(9060)).since_update, Seconds(60));
    room.ask(resolve()).unwrap();
    assert_eq!((room.wake(99_000), Incidents::next_due(&room.state)), (vec![], None));
}

#[test]
fn in_7_a_missing_commander_is_said_once_per_opening() {
    let mut room = Room::open();
    assert_eq!(room.wake(299), NOTHING);
    assert_eq!(room.wake(300), ["CommanderMissing"]);
    assert_eq!(room.wake(301), NOTHING);
    assert_eq!(room.one().clocks(at(301)).without_commander, Some(Seconds(301)));
    room.ask(resolve()).unwrap();
    room.now = 400;
    room.ask(reopen()).unwrap();
    assert_eq!(room.wake(700), ["CommanderMissing"]);
    room.ask(assign(IncidentRole::Commander, "ada")).unwrap();
    assert_eq!(room.one().clocks(at(800)).without_commander, None);
    assert_eq!(room.one().commanded_at, Some(at(700)));
}

#[test]
fn in_8_a_timeline_ends_with_room_for_its_ending() {
    let mut room = Room::open();
    for _ in 0..TIMELINE_MAX - TIMELINE_RESERVE - 1 {
        room.ask(note("x")).unwrap();
    }
    let full = Err(Refusal::TimelineFull(ONE));
    assert_eq!(room.ask(note("x")), full);
    assert_eq!(room.ask(assign(IncidentRole::Scribe, "ada")), full);
    assert_eq!(room.ask(mitigate()), Ok(vec!["IncidentMitigated"]));
    assert_eq!(room.ask(resolve()), Ok(vec!["IncidentResolved"]));
    assert_eq!(room.ask(reopen()), full);
    assert!(room.one().timeline.len() <= TIMELINE_MAX);
}

#[test]
fn in_9_every_fact_is_as_sensitive_as_its_incident() {
    let mut room = Room::new();
    let mut command = declare();
    if let Command::Declare { sensitivity, .. } = &mut command {
        *sensitivity = Sensitivity::Restricted;
    }
    room.ask(command).unwrap();
    for command in [assign(IncidentRole::Commander, "ada"), note("x"), mitigate(), resolve(), reopen(), update()] {
        room.ask(command).unwrap();
    }
    room.wake(99_000);
    assert!(room.facts.iter().all(|(_, _, event)| event.sensitivity() == Sensitivity::Restricted));
    assert_eq!(room.state.sensitivity_of(ONE), Some(Sensitivity::Restricted));
}

#[test]
fn pages_are_followed_and_the_first_acknowledgement_is_kept() {
    let mut room = Room::new();
    let news = |page, acknowledged| Command::FollowPage { page, text: "bob acknowledged".into(), acknowledged };
    assert_eq!(room.ask_as("system:alerts", news(7, true)), Ok(vec![]), "no incident has that page");
    room.ask_as("system:alerts", from(Some(7), &["checkout"], Severity::P2)).unwrap();
    for (now, acknowledged) in [(10, false), (20, true), (30, true)] {
        room.now = now;
        assert_eq!(room.ask_as("system:alerts", news(7, acknowledged)), Ok(vec!["Noted"]));
    }
    assert_eq!(room.one().acknowledged_at, Some(at(20)));
}

#[test]
fn lists_put_what_is_open_first_then_the_worst_then_the_oldest() {
    let mut room = Room::new();
    for severity in [Severity::P3, Severity::P1, Severity::P3, Severity::P1, Severity::P2] {
        room.ask(from(None, &["checkout"], severity)).unwrap();
        room.now += 1;
    }
    for (incident, how) in [(IncidentId(2), "a".to_owned()), (IncidentId(5), "b".to_owned())] {
        room.ask(Command::Resolve { incident, how }).unwrap();
    }
    let order: Vec<_> = room.state.list().iter().map(|incident| incident.id.0).collect();
    assert_eq!((order, room.state.open_count()), (vec![4, 1, 3, 5, 2], 3));
    assert_eq!(room.state.of_service(&"checkout".parse().unwrap()).count(), 3);
}

#[test]
fn a_timeline_names_its_facts_and_is_told_by_roles() {
    let mut room = Room::open();
    room.ask(assign(IncidentRole::Commander, "bob")).unwrap();
    room.ask_as("person:bob", note("restarting")).unwrap();
    room.ask_as("person:cleo", note("looking")).unwrap();
    room.ask(hand_over("cleo")).unwrap();
    room.wake(3600);
    let told: Vec<_> = room.one().told().map(|t| format!("{} {}: {} [{}]", t.seq, t.who, t.text, t.kind)).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    0 responder: declared P2: tier 1 is down [IncidentDeclared]
    1 responder: somebody is incident commander now [RoleAssigned]
    2 incident commander: restarting [Noted]
    3 incident commander: looking [Noted]
    4 responder: the role of incident commander was handed over: all is calm [HandedOver]
    5 incidents: the update that was promised is overdue [UpdateOverdue]
    ");
    let kinds: Vec<_> = room.facts.iter().map(|(_, _, event)| event.kind()).collect();
    assert_eq!(room.one().timeline.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), kinds);
    assert!(matches!(&room.facts[4].2, Event::HandedOver { from, .. } if *from == name("bob")));
}

#[test]
fn notes_and_impact_may_follow_the_end_and_roles_may_not() {
    let mut room = Room::open();
    room.ask(resolve()).unwrap();
    assert_eq!(room.ask(note("seen again in the logs")), Ok(vec!["Noted"]));
    let impact = kernel::Impact { summary: "an hour of sales".into(), users_percent: Some(40), functions: Vec::new() };
    assert_eq!(room.ask(Command::StateImpact { incident: ONE, impact }), Ok(vec!["ImpactStated"]));
    assert_eq!(room.one().impact_text(), "an hour of sales; 40 % of users");
    assert!(matches!(room.ask(assign(IncidentRole::Scribe, "ada")), Err(Refusal::Phase { .. })));
}
