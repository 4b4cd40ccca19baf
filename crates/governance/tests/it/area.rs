//! The rules of this room, one test for each invariant.

use governance::{
    Command, DENIALS_OF_ONE_MAX, DENIALS_RECENT_MAX, Event, LOCK_FIRST, LOCK_MAX, PASSWORD_FAILURES_FREE, REPEAT_AFTER,
    Refusal, SESSIONS_MAX, SessionId,
};
use kernel::area::{EventMeta as _, RefusalKind, Refuse as _};
use kernel::{Actor, Digest, Seconds};

use crate::world::{World, person, person_name};

fn open(world: &mut World, name: &str) -> Result<SessionId, Refusal> {
    let expires = Seconds::hours(8).after(world.now);
    let events = world.ask(&person(name), Command::OpenSession { person: person_name(name), expires })?;
    match events.last() {
        Some(Event::SessionOpened { session, .. }) => Ok(session.clone()),
        other => panic!("{other:?} opens no session"),
    }
}

fn fail(world: &mut World, name: &str) -> Result<Vec<Event>, Refusal> {
    world.ask(&Actor::system("web"), Command::RecordPasswordFailure { person: person_name(name) })
}

fn issue(world: &mut World, name: &str, scopes: &[&str], lasts: Seconds) -> Result<Vec<Event>, Refusal> {
    let scopes = scopes.iter().map(|scope| (*scope).into()).collect();
    let expires = lasts.after(world.now);
    world.ask(&person("administrator"), Command::IssueToken { name: name.into(), scopes, expires })
}

fn deny(world: &mut World, resource: &str) -> Vec<Event> {
    deny_to(world, &person("viewer"), resource)
}

fn deny_to(world: &mut World, actor: &Actor, resource: &str) -> Vec<Event> {
    let command = Command::RecordDenial {
        actor: actor.clone(),
        action: "incidents:declare".into(),
        resource: resource.to_owned(),
        reason: "no policy allows it".to_owned(),
    };
    world.ask(&Actor::system("governance"), command).unwrap()
}

#[test]
fn go_3_a_token_works_until_it_ends_or_is_revoked() {
    let mut world = World::new();
    issue(&mut world, "scraper", &["alerts:write"], Seconds::hours(2)).unwrap();
    let scopes = |world: &World| world.state.token_scopes("scraper", world.now).map(|s| s.to_vec());
    assert_eq!(scopes(&world), Some(vec!["alerts:write".into()]));
    assert!(matches!(issue(&mut world, "scraper", &["alerts:read"], Seconds::hours(2)), Err(Refusal::TokenExists(_))));
    world.later(Seconds::hours(2));
    assert_eq!(scopes(&world), None);
    issue(&mut world, "scraper", &["alerts:read"], Seconds::hours(2)).unwrap();
    assert_eq!(scopes(&world), Some(vec!["alerts:read".into()]));
    let revoke = || Command::RevokeToken { name: "scraper".into() };
    world.ask(&person("administrator"), revoke()).unwrap();
    assert_eq!(scopes(&world), None);
    assert!(matches!(world.ask(&person("administrator"), revoke()), Err(Refusal::NoToken(_))));
    assert_eq!(world.state.token_scopes("unknown", world.now), None);
}

#[test]
fn a_token_that_cannot_be_meant_is_refused_by_field() {
    let mut world = World::new();
    let hour = Seconds::hours(1);
    let many = vec!["alerts:read"; 51];
    let cases: [(&str, &[&str], Seconds, &str); 9] = [
        ("Scraper", &["alerts:read"], hour, "name"),
        ("", &["alerts:read"], hour, "name"),
        ("scraper", &[], hour, "scopes"),
        ("scraper", &many, hour, "scopes"),
        ("scraper", &["alarms:read"], hour, "scopes"),
        ("scraper", &["alerts"], hour, "scopes"),
        ("scraper", &["alerts:"], hour, "scopes"),
        ("scraper", &["alerts:read"], Seconds::ZERO, "expires"),
        ("scraper", &["alerts:read"], Seconds::hours(24 * 365 * 10), "expires"),
    ];
    for (name, scopes, lasts, field) in cases {
        let refusal = issue(&mut world, name, scopes, lasts).unwrap_err();
        assert_eq!((refusal.kind(), refusal.field()), (RefusalKind::Invalid, Some(field)), "{refusal}");
    }
    assert!(world.events.is_empty());
}

#[test]
fn go_4_only_a_person_opens_and_closes_their_sessions() {
    let mut world = World::new();
    let expires = Seconds::hours(8).after(world.now);
    let other = world.ask(&person("viewer"), Command::OpenSession { person: person_name("responder"), expires });
    assert_eq!(other, Err(Refusal::NotTheirs(person_name("responder"))));
    let token = world.ask(&Actor::Integration("x".into()), Command::SetPassword { person: person_name("viewer") });
    assert_eq!(token, Err(Refusal::NotTheirs(person_name("viewer"))));
    let gone = world.ask(&person("gone"), Command::SetPassword { person: person_name("gone") });
    assert_eq!(gone, Err(Refusal::NoPerson(person_name("gone"))));

    let session = open(&mut world, "responder").unwrap();
    assert_eq!(world.state.session(&session, world.now).map(|s| s.person.clone()), Some(person_name("responder")));
    let close = || Command::CloseSession { session: session.clone() };
    assert_eq!(world.ask(&person("viewer"), close()), Err(Refusal::NotTheirs(person_name("responder"))));
    world.ask(&person("responder"), close()).unwrap();
    assert_eq!(world.state.session(&session, world.now), None);
    assert!(matches!(world.ask(&person("responder"), close()), Err(Refusal::NoSession(_))));
}

#[test]
fn go_4_setting_a_password_or_ending_sessions_closes_all_of_them() {
    let mut world = World::new();
    let (first, second) = (open(&mut world, "viewer").unwrap(), open(&mut world, "viewer").unwrap());
    let another = open(&mut world, "responder").unwrap();
    world.ask(&person("viewer"), Command::SetPassword { person: person_name("viewer") }).unwrap();
    for session in [&first, &second] {
        assert_eq!(world.state.session(session, world.now), None);
    }
    assert!(world.state.access("viewer").unwrap().password_set.is_some());
    assert!(world.state.session(&another, world.now).is_some());
    world.ask(&person("administrator"), Command::EndSessions { person: person_name("responder") }).unwrap();
    assert_eq!(world.state.session(&another, world.now), None);
}

#[test]
fn a_person_has_a_bounded_number_of_sessions_and_each_ends() {
    let mut world = World::new();
    let first = open(&mut world, "viewer").unwrap();
    for _ in 0..SESSIONS_MAX {
        world.later(Seconds(1));
        open(&mut world, "viewer").unwrap();
    }
    assert_eq!(world.state.session(&first, world.now), None);
    assert_eq!(world.state.sessions_of(&person_name("viewer"), world.now).len(), SESSIONS_MAX);
    world.later(Seconds::hours(8));
    assert!(world.state.sessions_of(&person_name("viewer"), world.now).is_empty());
}

#[test]
fn go_5_wrong_passwords_lock_for_twice_as_long_each_time() {
    let mut world = World::new();
    for _ in 1..PASSWORD_FAILURES_FREE {
        fail(&mut world, "viewer").unwrap();
        assert_eq!(world.state.locked_until("viewer", world.now), None);
    }
    let mut waits = Vec::new();
    for _ in 0..8 {
        fail(&mut world, "viewer").unwrap();
        let until = world.state.locked_until("viewer", world.now).unwrap();
        assert!(
            matches!(fail(&mut world, "viewer"), Err(Refusal::Locked { .. })),
            "nothing is recorded while it is locked"
        );
        assert!(
            matches!(open(&mut world, "viewer"), Err(Refusal::Locked { .. })),
            "the right password does not help either"
        );
        waits.push(kernel::time::between(world.now, until).0);
        world.now = until;
        assert_eq!(world.state.locked_until("viewer", world.now), None);
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
    assert_eq!((waits[0], waits[7]), (LOCK_FIRST.0, LOCK_MAX.0));
    open(&mut world, "viewer").unwrap();
    assert_eq!(world.state.access("viewer").unwrap().failures, 0);
    assert!(matches!(fail(&mut world, "gone"), Err(Refusal::NoPerson(_))));
}

#[test]
fn go_6_a_watchbook_that_changes_nothing_leaves_no_fact() {
    let mut world = World::new();
    let system = Actor::system("watchbook");
    let (good, bad) = (Digest([1; 32]), Digest([2; 32]));
    let apply = || Command::ApplyBook { digest: good, commit: Some("abc".into()), source: "book".into() };
    let refuse = || Command::RefuseBook { digest: bad, findings: 3, source: "book".into() };
    assert_eq!(world.ask(&system, apply()).unwrap().len(), 1);
    assert_eq!(world.ask(&system, apply()).unwrap().len(), 0);
    assert_eq!(world.ask(&system, refuse()).unwrap().len(), 1);
    assert_eq!(world.ask(&system, refuse()).unwrap().len(), 0);
    assert_eq!(world.state.live_book().map(|book| book.digest), Some(good));
    assert_eq!((world.state.refused_book(), world.state.refused_findings()), (Some(bad), Some(3)));
    // The trouble is over when the files are again what is live.
    assert_eq!(world.ask(&system, apply()).unwrap().len(), 1);
    assert_eq!((world.state.refused_book(), world.state.refused_findings()), (None, None));
    assert_eq!(world.ask(&system, refuse()).unwrap().len(), 1);
    // The same files in another commit are another watchbook.
    let moved = Command::ApplyBook { digest: good, commit: None, source: "book".into() };
    assert_eq!(world.ask(&system, moved).unwrap().len(), 1);
    assert_eq!(world.state.refused_book(), None);
}

/// How many denials were left out, as those that were recorded tell.
fn unrecorded(world: &World) -> u32 {
    let of = |event: &Event| if let Event::CommandDenied { unrecorded, .. } = event { *unrecorded } else { 0 };
    world.events.iter().map(|(_, event)| of(event)).sum()
}

#[test]
fn go_7_repeats_are_left_out_and_counted() {
    let mut world = World::new();
    assert_eq!(deny(&mut world, "incident").len(), 1);
    assert!(deny(&mut world, "incident").is_empty());
    assert!(deny(&mut world, "incident").is_empty());
    assert_eq!(deny(&mut world, "incident/INC-1").len(), 1, "another resource is another denial");
    world.later(REPEAT_AFTER);
    match deny(&mut world, "incident").as_slice() {
        [Event::CommandDenied { unrecorded, .. }] => assert_eq!(*unrecorded, 0, "they were counted in the fact before"),
        other => panic!("{other:?}"),
    }
    assert_eq!(unrecorded(&world), 2);

    let read = || Command::RecordRead { actor: person("commander"), resource: "incident/INC-1".into() };
    assert_eq!(world.ask(&Actor::system("governance"), read()).unwrap().len(), 1);
    assert_eq!(world.ask(&Actor::system("governance"), read()).unwrap().len(), 0);
    world.later(REPEAT_AFTER);
    assert_eq!(world.ask(&Actor::system("governance"), read()).unwrap().len(), 1);
}

#[test]
fn go_7_a_flood_of_denials_is_bounded_and_counted() {
    let mut world = World::new();
    let flood = |world: &mut World, actor: &Actor| -> usize {
        (0..DENIALS_OF_ONE_MAX + 5).map(|i| deny_to(world, actor, &format!("incident/{i}")).len()).sum()
    };
    assert_eq!(flood(&mut world, &person("viewer")), DENIALS_OF_ONE_MAX, "of one actor");
    let others = DENIALS_RECENT_MAX / DENIALS_OF_ONE_MAX + 1;
    let programs = (0..others).map(|n| Actor::Integration(format!("program-{n}").into()));
    let recorded: usize = programs.map(|program| flood(&mut world, &program)).sum();
    assert_eq!(recorded, DENIALS_RECENT_MAX - DENIALS_OF_ONE_MAX, "of all");
    let left_out = (others + 1) * (DENIALS_OF_ONE_MAX + 5) - DENIALS_RECENT_MAX;
    world.later(REPEAT_AFTER);
    assert_eq!(deny(&mut world, "incident").len(), 1);
    assert_eq!(usize::try_from(unrecorded(&world)), Ok(left_out), "what is left out is counted");
}

#[test]
fn go_8_a_journal_that_was_changed_cannot_be_signed_again() {
    let mut world = World::new();
    let system = Actor::system("engine");
    let sign = |size, root| Command::RecordCheckpoint { size, root: Digest([root; 32]) };
    assert_eq!(world.ask(&system, sign(10, 1)).unwrap().len(), 1);
    assert_eq!(world.ask(&system, sign(10, 1)).unwrap().len(), 0);
    assert_eq!(world.ask(&system, sign(9, 7)).unwrap().len(), 0, "an older one is no news");
    assert_eq!(world.ask(&system, sign(10, 2)), Err(Refusal::Forked { size: 10 }));
    assert_eq!(world.ask(&system, sign(12, 3)).unwrap().len(), 1);
    assert_eq!(world.state.checkpoint().map(|c| c.size), Some(12));
}

/// A world in which everything happened once.
fn busy() -> World {
    let mut world = World::new();
    let system = Actor::system("engine");
    world.ask(&system, Command::RecordStart { version: "0.1.0".into() }).unwrap();
    let apply = Command::ApplyBook { digest: Digest([1; 32]), commit: None, source: "book".into() };
    world.ask(&system, apply).unwrap();
    world.ask(&system, Command::RefuseBook { digest: Digest([2; 32]), findings: 1, source: "book".into() }).unwrap();
    let expires = Seconds::hours(24).after(world.now);
    world.ask(&person("administrator"), Command::IssueInvite { person: person_name("viewer"), expires }).unwrap();
    world.ask(&person("viewer"), Command::SetPassword { person: person_name("viewer") }).unwrap();
    fail(&mut world, "viewer").unwrap();
    let session = open(&mut world, "viewer").unwrap();
    open(&mut world, "viewer").unwrap();
    world.ask(&person("viewer"), Command::CloseSession { session }).unwrap();
    issue(&mut world, "scraper", &["alerts:write"], Seconds::hours(1)).unwrap();
    issue(&mut world, "probe", &["telemetry:write"], Seconds::hours(1)).unwrap();
    world.ask(&person("administrator"), Command::RevokeToken { name: "probe".into() }).unwrap();
    deny(&mut world, "incident");
    world.ask(&system, Command::RecordRead { actor: person("commander"), resource: "incident/INC-1".into() }).unwrap();
    world.ask(&system, Command::RecordCheckpoint { size: 9, root: Digest([3; 32]) }).unwrap();
    world
}

#[test]
fn go_9_the_facts_alone_give_the_same_state() {
    let world = busy();
    let kinds: std::collections::BTreeSet<_> = world.events.iter().map(|(_, event)| event.kind()).collect();
    assert_eq!(kinds.len(), 13, "every kind of fact is there: {kinds:?}");
    assert_eq!(world.replayed(), world.state);
    let snapshot = serde_json::to_string(&world.state).unwrap();
    assert_eq!(serde_json::from_str::<governance::State>(&snapshot).unwrap(), world.state);
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let mut world = World::new();
    match deny(&mut world, &"ü".repeat(2000)).as_slice() {
        [Event::CommandDenied { resource, .. }] => assert_eq!(resource.len(), governance::TEXT_BYTES_MAX),
        other => panic!("{other:?}"),
    }
    assert!(deny(&mut world, &"ü".repeat(2000)).is_empty(), "what was cut is still the same");
}
