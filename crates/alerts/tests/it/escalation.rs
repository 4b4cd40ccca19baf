//! Whom a page reaches, and what happens when it reaches nobody.

use alerts::{Command, PageId, Phase, Refusal};
use kernel::Outcome;
use kernel::book::{EscalationPolicy, Target};

use crate::world::*;

const A: &str = "alertname=A service=shop";

fn with(policy: EscalationPolicy) -> World {
    let mut world = World::quick();
    world.book.policies.insert("shop".parse().unwrap(), policy);
    world
}

/// Fires an alert that never ends by itself.
fn fire(world: &mut World) -> Vec<String> {
    let command = Command::Observe { source: "watchkeeper".into(), alerts: vec![alert(A)] };
    short(&world.ask(command).unwrap())[2..].to_vec()
}

#[test]
fn a_page_climbs_its_policy_and_ends_with_the_whole_team() {
    let mut world = World::quick();
    assert_eq!(fire(&mut world), ["page-1-1 Firing ada by mail"]);
    let room = |id: &str| format!("page-1-{id} Firing room to ops");
    assert_eq!(
        short(&world.pass(300)),
        ["PageEscalated 1/0 NotAcknowledged", "page-1-2 Firing ben by mail", &room("3")]
    );
    assert_eq!(short(&world.pass(600)), ["PageEscalated 0/1 NotAcknowledged", "page-1-4 Firing ada by mail"]);
    assert_eq!(
        short(&world.pass(300)),
        ["PageEscalated 1/1 NotAcknowledged", "page-1-5 Firing ben by mail", &room("6")]
    );
    assert_eq!(
        short(&world.pass(600)),
        [
            "NobodyReached nobody acknowledged in time, and the policy has come to its end (end)",
            "page-1-7 Firing ada by mail",
            "page-1-8 Firing ben by mail"
        ]
    );
    assert_eq!(short(&world.pass(3600)), [""; 0]);
    assert_eq!(world.page(1).phase, Phase::Exhausted);
    world.by("ben").ask(Command::Acknowledge { page: PageId(1), note: String::new() }).unwrap();
    assert!(world.page(1).is_acknowledged());
}

#[test]
fn acknowledging_stops_the_climb_and_is_said_once() {
    let mut world = World::quick();
    fire(&mut world);
    let take = |note: &str| Command::Acknowledge { page: PageId(1), note: note.into() };
    assert_eq!(short(&world.by("ada").ask(take("looking")).unwrap()), ["PageAcknowledged"]);
    assert_eq!(world.ask(take("still")).unwrap(), []);
    let refusal = world.by("ben").ask(take("")).unwrap_err();
    assert_eq!(refusal.to_string(), "page-1 is already acknowledged by person:ada at 2026-03-02T10:00:00Z");
    assert_eq!(short(&world.pass(4000)), [""; 0]);
    world.over(&[A]);
    assert_eq!(world.ask(take("")).unwrap_err(), Refusal::PageClosed(PageId(1)));
    let page = PageId(10);
    let unknown = world.ask(Command::Acknowledge { page, note: String::new() }).unwrap_err();
    assert_eq!(unknown, Refusal::PageUnknown(page));
}

#[test]
fn an_alert_is_acknowledged_by_its_own_name() {
    let mut world = World::new(book());
    let fingerprint = labels(A).fingerprint();
    let take = || Command::AcknowledgeAlert { alert: fingerprint, note: String::new() };
    assert_eq!(world.ask(take()).unwrap_err(), Refusal::AlertUnknown(fingerprint));
    world.fire(&[A]);
    assert_eq!(world.ask(take()).unwrap_err(), Refusal::AlertNotPaged(fingerprint));
    world.pass(30);
    assert_eq!(short(&world.by("ada").ask(take()).unwrap()), ["PageAcknowledged"]);
    assert_eq!(world.ask(take()).unwrap(), []);
}

#[test]
fn a_failure_falls_back_at_once_and_a_lost_step_is_left_at_once() {
    let mut world = World::quick();
    fire(&mut world);
    let refused = |reason: &str| Outcome::Refused { reason: reason.into() };
    assert_eq!(
        short(&world.attempt("page-1-1", failed("busy"), false)),
        ["PageAttempted", "page-1-2 Firing ada by push"]
    );
    assert_eq!(short(&world.attempt("page-1-1", failed("busy"), false)), ["PageAttempted"], "push is on its way");
    assert_eq!(short(&world.attempt("page-1-2", refused("no such topic"), true)), ["PageAttempted"]);
    assert_eq!(
        short(&world.attempt("page-1-1", failed("gave up"), true)),
        [
            "PageAttempted",
            "PageEscalated 1/0 NotDelivered",
            "page-1-3 Firing ben by mail",
            "page-1-4 Firing room to ops"
        ]
    );
    let events = world.attempt("page-1-3", Outcome::Accepted { by: "mx".into() }, true);
    assert_eq!(short(&events), ["PageAttempted"]);
    assert_eq!(short(&world.attempt("page-1-4", refused("archived"), true)), ["PageAttempted"], "ben has it");
}

#[test]
fn an_attempt_is_recorded_once() {
    let mut world = World::quick();
    fire(&mut world);
    let attempt = kernel::delivery::Attempt {
        number: 1,
        at: world.now,
        outcome: Outcome::Accepted { by: "mx".into() },
        last: true,
    };
    let record =
        |id: &str| Command::RecordAttempt { delivery: kernel::DeliveryId(id.into()), attempt: attempt.clone() };
    assert_eq!(short(&world.ask(record("page-1-1")).unwrap()), ["PageAttempted"]);
    assert_eq!(world.ask(record("page-1-1")).unwrap(), []);
    for unknown in ["page-1-2", "page-8-1", "update-1", "page-x-y"] {
        let refusal = world.ask(record(unknown)).unwrap_err();
        assert!(matches!(refusal, Refusal::DeliveryUnknown(_)), "{refusal}");
    }
}

#[test]
fn steps_that_lead_to_nobody_are_left_at_once_and_loudly() {
    let end = "NobodyReached no step of the policy leads to anybody (end)";
    let team = ["page-1-1 Firing ada by mail", "page-1-2 Firing ben by mail"];
    let nobody = |text: &str| format!("NobodyReached {text}");
    let on_duty = "PageEscalated 1/0 NobodyOnDuty".to_owned();
    let empty = nobody("schedule empty has nobody on duty");
    type Case<'a> = (&'a str, Vec<Vec<Target>>, Vec<String>);
    let cases: Vec<Case> = vec![
        ("on call", vec![vec![on("schedule/rota")]], vec!["page-1-1 Firing cy by mail".into()]),
        (
            "an empty schedule, then a person",
            vec![vec![on("schedule/empty")], vec![on("ben")]],
            vec![empty.clone(), on_duty.clone(), "page-1-1 Firing ben by mail".into()],
        ),
        (
            "a room does not make up for a missing person",
            vec![vec![on("schedule/empty"), on("channel/room:ops")], vec![on("ben")]],
            vec!["page-1-1 Firing room to ops".into(), empty.clone(), on_duty, "page-1-2 Firing ben by mail".into()],
        ),
        (
            "nobody at all",
            vec![vec![on("mute")]],
            vec![nobody("mute has no contact method"), end.into(), team[0].into(), team[1].into()],
        ),
        (
            "the same person twice",
            vec![vec![on("ada"), on("team/shop"), on("ada")]],
            vec![team[0].into(), team[1].into()],
        ),
        (
            "one of two cannot be reached",
            vec![vec![on("schedule/empty"), on("ada")]],
            vec!["page-1-1 Firing ada by mail".into()],
        ),
    ];
    for (name, steps, expected) in cases {
        let steps = steps.iter().map(|targets| step(targets, 60)).collect();
        assert_eq!(fire(&mut with(policy(steps, 0))), expected, "{name}");
    }
}

#[test]
fn a_page_without_a_policy_says_so_and_pages_the_owner_if_there_is_one() {
    let mut world = World::quick();
    let orphan = short(&world.fire(&["alertname=Orphan"]));
    assert_eq!(orphan[2..], ["NobodyReached no route, service or team names an escalation policy for it (end)"]);
    let mut world = World::quick();
    world.book.policies.clear();
    assert_eq!(
        fire(&mut world),
        [
            "NobodyReached the escalation policy shop is not in the watchbook (end)",
            "page-1-1 Firing ada by mail",
            "page-1-2 Firing ben by mail"
        ]
    );
    let refused = || Outcome::Refused { reason: "no".into() };
    world.attempt("page-1-2", refused(), true);
    assert_eq!(short(&world.attempt("page-1-1", refused(), true)), ["PageAttempted", "page-1-3 Firing ada by push"]);
    let events = world.attempt("page-1-3", refused(), true);
    assert_eq!(
        short(&events),
        ["PageAttempted", "NobodyReached no message to the owner's whole team could be delivered (end)"]
    );
}

#[test]
fn a_dead_machine_at_the_end_of_a_policy_is_loud() {
    let mut world = with(policy(vec![step(&[on("channel/hook")], 60)], 5));
    assert_eq!(fire(&mut world), ["page-1-1 Firing hook"]);
    let events = world.attempt("page-1-1", failed("refused"), true);
    assert_eq!(
        short(&events),
        [
            "PageAttempted",
            "NobodyReached no message could be delivered, and the policy has come to its end (end)",
            "page-1-2 Firing ada by mail",
            "page-1-3 Firing ben by mail"
        ]
    );
}

#[test]
fn an_override_takes_the_shift() {
    let mut world = with(policy(vec![step(&[on("schedule/rota")], 60)], 0));
    let (from, until) = (world.now, kernel::Seconds::hours(1).after(world.now));
    let schedule: kernel::ScheduleName = "rota".parse().unwrap();
    let take = |name: &str| Command::OverrideShift { schedule: schedule.clone(), person: person(name), from, until };
    assert_eq!(short(&world.by("ada").ask(take("ada")).unwrap()), ["ShiftOverridden"]);
    assert_eq!(fire(&mut world), ["page-1-1 Firing ada by mail"]);
    assert!(world.ask(take("mute")).unwrap_err().to_string().contains("contact method"));
    let id = world.state.overrides(&schedule)[0].id;
    world.ask(Command::CancelOverride { id }).unwrap();
    assert_eq!(world.ask(Command::CancelOverride { id }).unwrap_err(), Refusal::OverrideUnknown(id));
    assert_eq!(short(&world.fire(&["alertname=B service=shop"]))[2], "page-2-1 Firing cy by mail");
}
