//! From an alert to a page, an incident and their end.

use kernel::Seconds;
use testkit::Answer;

use crate::house::{House, kinds, person};

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_becomes_a_page_and_an_incident_in_one_commit() {
    let house = House::open().await;
    let facts = house.fire("a").await.unwrap();
    let kinds = kinds(&facts);
    for kind in ["AlertOpened", "PageOpened", "PageRequested", "IncidentDeclared"] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let (delivery, links) = house.world.expect_delivery("mail to ada@example.org").await;
    assert!(delivery.message.title.contains("CheckoutDown"), "{}", delivery.message.title);
    assert!(links.acknowledge.is_some_and(|link| link.contains("/ack/")), "the message can be acknowledged");
    let again = house.fire("a").await.unwrap();
    assert!(again.is_empty(), "still firing is no fact");
    house.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_not_delivered_takes_the_next_method_and_escalates_when_nobody_answers() {
    let house = House::open().await;
    house.world.script("mail to ada@example.org", [Answer::Refuse("no such user")]);
    house.fire("a").await.unwrap();
    house.world.expect_delivery("push to ada").await;
    // Its source repeats the alert, or it would be over after five minutes.
    house.clock.advance(Seconds::minutes(4));
    house.fire("a").await.unwrap();
    house.clock.advance(Seconds::minutes(2));
    let facts = house.engine.wake().await.unwrap();
    assert!(kinds(&facts).contains(&"PageEscalated"), "{:?}", kinds(&facts));
    house.world.expect_delivery("mail to bob@example.org").await;
    house.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_told_firing_is_told_closed() {
    let house = House::open().await;
    house.fire("a").await.unwrap();
    let (first, _) = house.world.expect_delivery("mail to ada@example.org").await;
    let page = first.message.acknowledge.unwrap().page;
    let command = alerts::Command::Acknowledge { page: alerts::PageId(page), note: "on it".into() };
    let facts = house.engine.ask(&person("ada"), command).await.unwrap();
    assert!(kinds(&facts).contains(&"PageAcknowledged"));
    house.clock.advance(Seconds(1));
    house.clear("a").await.unwrap();
    house.clock.advance(Seconds::minutes(6));
    house.engine.wake().await.unwrap();
    house.world.expect("the closing notice", |d| d.id != first.id && d.address == first.address).await;
    house.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_allowed_is_denied_and_the_denial_is_a_fact() {
    let house = House::open().await;
    house.fire("a").await.unwrap();
    let alert = house.engine.read(&person("eve"), engine::Read::of("alerts:read"), |world| {
        world.alerts.alerts_from(0, 1).0.first().map(|view| view.fingerprint())
    });
    let alert = alert.unwrap().unwrap();
    let command = alerts::Command::Resolve { alert, note: "go away".into() };
    let denied = house.engine.ask(&person("eve"), command).await;
    assert!(matches!(denied, Err(engine::Error::Denied { .. })), "{denied:?}");
    house.engine.wake().await.unwrap();
    let facts = house.engine.facts(&kernel::Actor::system("test"), kernel::Seq(0), 1000).await;
    let denials = facts.unwrap().iter().filter(|record| &*record.kind == "CommandDenied").count();
    assert_eq!(denials, 1);
    house.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_that_is_over_has_a_review() {
    let house = House::open().await;
    house.fire("a").await.unwrap();
    let incident = house.engine.read(&person("ada"), engine::Read::of("incidents:read"), |world| {
        world.incidents.list().first().map(|incident| incident.id)
    });
    let incident = incident.unwrap().unwrap();
    let resolve = incidents::Command::Resolve { incident, how: "renewed the certificate".into() };
    let facts = house.engine.ask(&person("ada"), resolve).await.unwrap();
    assert_eq!(kinds(&facts), ["IncidentResolved", "ReviewOpened"]);
    assert_eq!(facts[1].cause, Some(facts[0].seq), "the review names the fact it reacts to");
    house.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rc_5_nobody_searches_a_source_without_permission() {
    let house = House::open().await;
    let records = engine::records::Records::new(house.engine.clone());
    let wanted = kernel::search::LogsWanted::default();
    let stranger = kernel::Actor::Integration("stranger".into());
    let denied = records.logs(&stranger, "lake", &wanted).await;
    assert!(matches!(denied, Err(engine::records::Unread::Engine(engine::Error::Denied { .. }))), "{denied:?}");
    assert!(records.sources(&stranger).is_err());
    let missing = records.logs(&kernel::Actor::system("test"), "lake", &wanted).await;
    assert!(matches!(missing, Err(engine::records::Unread::Missing(_))), "{missing:?}");
    house.engine.stop().await;
}
