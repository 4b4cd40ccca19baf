//! Simulations against life: what is foretold is what happens when nobody acknowledges and no message is answered.

use alerts::{Command, Event, NamedBy, simulate};
use kernel::book::{EscalationPolicy, Target};
use kernel::time::Timestamp;
use kernel::{Address, PersonName};
use proptest::prelude::*;

use crate::world::*;

/// When whom is asked, as was foretold.
fn foretold(world: &World, text: &str) -> Vec<(Timestamp, Option<PersonName>, Address)> {
    let runs = simulate(&world.book, |_| &[], &labels(text), world.now);
    let mut told = Vec::new();
    for call in runs.iter().flat_map(|run| &run.calls) {
        told.extend(call.people.iter().map(|(person, address)| (call.at, Some(person.clone()), address.clone())));
        told.extend(call.machines.iter().map(|address| (call.at, None, address.clone())));
    }
    told.sort();
    told
}

/// When whom was asked, in so many seconds.
fn lived(world: &mut World, text: &str, seconds: u32) -> Vec<(Timestamp, Option<PersonName>, Address)> {
    let command = Command::Observe { source: "watchkeeper".into(), alerts: vec![alert(text)] };
    world.ask(command).unwrap();
    world.pass(seconds);
    let asked = world.journal.iter().filter_map(|(_, at, _, event)| match event {
        Event::PageRequested { person, address, .. } => Some((*at, person.clone(), address.clone())),
        _ => None,
    });
    let mut asked: Vec<_> = asked.collect();
    asked.sort();
    asked
}

fn world(policy: EscalationPolicy, now: &str) -> World {
    let mut world = World::new(book());
    // So long that nothing is told again for its own sake.
    world.book.route.repeat_interval = kernel::Seconds::ZERO;
    world.book.policies.insert("shop".parse().unwrap(), policy);
    world.now = at(now);
    world
}

#[test]
fn it_says_who_names_the_policy() {
    let mut world = World::new(book());
    let named = |world: &World, text: &str| simulate(&world.book, |_| &[], &labels(text), world.now)[0].named_by;
    assert_eq!(named(&world, "alertname=A service=shop"), NamedBy::Service);
    assert_eq!(named(&world, "alertname=A"), NamedBy::Nobody);
    world.book.route.policy = Some("shop".parse().unwrap());
    assert_eq!(named(&world, "alertname=A"), NamedBy::CatchAll);
    let child = kernel::book::Route { matchers: matchers(&["severity=critical"]), ..world.book.route.clone() };
    world.book.route.routes.push(child);
    assert_eq!(named(&world, "alertname=A severity=critical"), NamedBy::Route);
}

#[test]
fn nobody_to_page_is_told_as_such() {
    let world = world(policy(vec![step(&[on("mute"), on("schedule/empty")], 60)], 0), "2026-03-02T10:00:00Z");
    let run = &simulate(&world.book, |_| &[], &labels("alertname=A service=shop"), world.now)[0];
    let problems: Vec<&str> = run.calls[0].problems.iter().map(String::as_str).collect();
    assert_eq!(problems, ["mute has no contact method", "schedule empty has nobody on duty"]);
    // Then the owner's whole team, at once.
    assert_eq!(run.calls[1].people.len(), 2);
    assert_eq!(run.calls[1].at, run.calls[0].at);
}

fn some_policy() -> impl Strategy<Value = EscalationPolicy> {
    let target = prop::sample::select(vec![
        "ada",
        "ben",
        "mute",
        "schedule/rota",
        "schedule/empty",
        "team/shop",
        "channel/room:ops",
    ]);
    let steps = prop::collection::vec((prop::collection::vec(target, 1..3), 30_u32..4000), 1..4);
    (steps, 0_u8..3).prop_map(|(steps, repeat)| {
        let steps = steps.into_iter().map(|(targets, wait)| {
            let targets: Vec<Target> = targets.into_iter().map(on).collect();
            step(&targets, wait)
        });
        policy(steps.collect(), repeat)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_foretold_is_what_happens(
        policy in some_policy(),
        // The shift of the rota changes on Mondays at 08:00.
        now in prop::sample::select(vec!["2026-03-02T07:59:00Z", "2026-03-02T07:20:10Z", "2026-03-04T23:00:00Z"]),
        text in prop::sample::select(vec!["alertname=A service=shop", "alertname=A service=blog severity=critical", "alertname=A"]),
    ) {
        let mut world = world(policy, now);
        let foretold = foretold(&world, text);
        prop_assert_eq!(lived(&mut world, text, 200_000), foretold);
    }
}
