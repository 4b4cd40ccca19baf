//! What readers see: lists in pieces, searches, reasons, and the messages that go out.

use alerts::{Alerts, Command, PageId};
use kernel::area::Area;

use crate::world::*;

fn many(world: &mut World, count: usize) {
    let texts: Vec<String> =
        (0..count).map(|pod| format!("alertname=A service={} pod={pod}", ["shop", "blog"][pod % 2])).collect();
    world.fire(&texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_list_in_pieces_is_the_whole_list() {
    let mut world = World::new(book());
    many(&mut world, 2500);
    for (filter, expected) in [
        (&[][..], 2500),
        (&["service=shop"], 1250),
        (&["pod=77"], 1),
        (&["pod=77", "service=shop"], 0),
        (&["pod=none"], 0),
    ] {
        let (mut cursor, mut found) = (Some(0), Vec::new());
        while let Some(from) = cursor {
            let (piece, next) = world.state.find(&matchers(filter), from, 400);
            assert!(piece.len() <= 400);
            found.extend(piece.iter().map(|alert| alert.fingerprint()));
            cursor = next;
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), expected, "{filter:?}");
    }
}

#[test]
fn what_left_is_not_found_and_its_place_is_used_again() {
    let mut world = World::new(book());
    many(&mut world, 100);
    for pod in 0..100 {
        world.over(&[&format!("alertname=A service={} pod={pod}", ["shop", "blog"][pod % 2])]);
    }
    assert_eq!(world.state.counts(), alerts::Counts::default());
    many(&mut world, 10);
    assert_eq!(world.state.find(&matchers(&["service=shop"]), 0, 100).0.len(), 5);
    assert_eq!(world.state.alerts_from(0, 100).0.len(), 10);
}

#[test]
fn every_page_can_be_explained() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop severity=critical"]);
    world.attempt("page-1-1", failed("greylisted"), false);
    let alert = labels("alertname=A service=shop severity=critical").fingerprint();
    let why = |world: &World| -> Vec<String> {
        world.state.why(&world.book, alert).iter().map(|stage| format!("{}: {}", stage.stage, stage.said)).collect()
    };
    insta::assert_snapshot!(why(&world).join("\n"));
    world.silence(&["service=shop"], 60);
    assert!(why(&world)[3].starts_with("mute: muted: silenced by "), "{:?}", why(&world));
    world.by("ada").ask(Command::Acknowledge { page: PageId(1), note: String::new() }).unwrap();
    assert!(why(&world).contains(&"step: acknowledged by person:ada".to_owned()));
    world.over(&["alertname=A service=shop severity=critical"]);
    assert_eq!(why(&world), [""; 0]);
}

#[test]
fn a_message_says_what_a_person_needs() {
    let mut world = World::quick();
    let mut observed = alert("alertname=A service=shop severity=critical pod=1");
    observed.annotations =
        kernel::Labels::from_pairs([("summary", "Payments fail"), ("runbook_url", "https://runbooks.example.org/pay")])
            .unwrap();
    world.ask(Command::Observe { source: "prometheus".into(), alerts: vec![observed] }).unwrap();
    let message = &world.sent[0].message;
    insta::assert_json_snapshot!(message);
    world.over(&["alertname=A service=shop severity=critical pod=1"]);
    let message = &world.sent[1].message;
    assert_eq!(message.title, "Resolved: A on shop");
    assert!(message.acknowledge.is_none());
}

#[test]
fn a_webhook_is_told_as_alertmanager_tells_it() {
    let mut world = World::quick();
    world.book.policies.insert("shop".parse().unwrap(), policy(vec![step(&[on("channel/hook")], 60)], 0));
    world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=2"]);
    insta::assert_json_snapshot!(world.sent[0].message.data);
    let many: Vec<String> = (0..600).map(|pod| format!("alertname=B service=shop pod={pod}")).collect();
    world.fire(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let data = world.sent[1].message.data.as_ref().unwrap();
    assert_eq!(data["alerts"].as_array().unwrap().len(), alerts::WEBHOOK_ALERTS_MAX);
    assert_eq!(data["truncatedAlerts"], 100);
}

#[test]
fn what_is_superseded_is_not_wanted_any_more() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    let first = world.sent[0].id.clone();
    assert!(world.state.wants(&first));
    world.over(&["alertname=A service=shop"]);
    assert!(!world.state.wants(&first), "nobody is told that it fires once it is over");
    let last = world.sent[1].id.clone();
    assert!(world.state.wants(&last));
    world.accept_all();
    assert!(!world.state.wants(&last));
    assert_eq!(Alerts::outstanding(&world.state, &world.book), []);
    assert!(!world.state.wants(&kernel::DeliveryId("update-1".into())));
}
