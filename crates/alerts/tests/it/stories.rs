//! From an alert to its page and to the end of it.

use alerts::{Alerts, Command, Event, Observed, Refusal};
use kernel::Labels;
use kernel::area::Area;
use kernel::time::Seconds;

use crate::world::*;

#[test]
fn an_alert_waits_with_its_group_and_is_paged_once() {
    let mut world = World::new(book());
    assert_eq!(short(&world.fire(&["alertname=Slow service=shop severity=warning pod=1"])), ["AlertOpened"]);
    world.pass(20);
    assert_eq!(short(&world.fire(&["alertname=Slow service=shop severity=critical pod=2"])), ["AlertOpened"]);
    let paged = ["PageOpened page-1 P1 Slow on shop (2 alerts)", "page-1-1 Firing ada by mail"];
    assert_eq!(short(&world.pass(10)), paged);
    assert_eq!(world.sent[0].id.0.as_ref(), "page-1-1");
}

#[test]
fn without_a_wait_the_command_that_reports_also_pages() {
    let mut world = World::quick();
    let events = world.fire(&["alertname=A service=shop severity=critical pod=1", "alertname=A service=shop pod=2"]);
    let expected =
        ["AlertOpened", "AlertOpened", "PageOpened page-1 P1 A on shop (2 alerts)", "page-1-1 Firing ada by mail"];
    assert_eq!(short(&events), expected, "two alerts of one batch and group are one page");
}

#[test]
fn an_alert_that_fired_longer_than_the_wait_does_not_wait_again() {
    let mut world = World::new(book());
    let old = Observed { starts_at: Some(Seconds(31).before(world.now)), ..alert("alertname=A service=shop") };
    let events = world.ask(Command::Observe { source: "prometheus".into(), alerts: vec![old] }).unwrap();
    assert_eq!(short(&events).len(), 3);
}

#[test]
fn still_firing_is_no_fact_and_keeps_the_alert() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    for _ in 0..3 {
        world.pass(240);
        assert_eq!(short(&world.fire(&["alertname=A service=shop"])), [""; 0]);
    }
    let alert = labels("alertname=A service=shop").fingerprint();
    let view = world.state.alert(alert).unwrap();
    assert_eq!(view.updated_at(), world.now);
    assert_eq!(view.ends_at(), Some(Seconds(300).after(world.now)));
}

#[test]
fn an_alert_that_is_not_sent_again_ends_and_everybody_told_is_told_the_end() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    world.accept_all();
    world.by("ada").ask(Command::Acknowledge { page: alerts::PageId(1), note: String::new() }).unwrap();
    let events = world.pass(301);
    assert_eq!(short(&events), ["AlertResolved Expired", "PageClosed", "page-1-2 Closed ada by mail"]);
    assert_eq!(world.state.counts().alerts, 0);
    assert_eq!(world.state.counts().groups, 0);
    assert_eq!(Alerts::next_due(&world.state), None);
}

#[test]
fn the_end_is_told_once_to_each_address_that_was_told_or_may_have_been() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    world.attempt("page-1-1", failed("mail is down"), false);
    world.attempt("page-1-2", kernel::Outcome::Refused { reason: "no such topic".into() }, true);
    world.fire(&["alertname=A service=shop"]);
    world.pass(299);
    world.fire(&["alertname=A service=shop"]);
    assert_eq!(
        short(&world.pass(2)),
        ["PageEscalated 1/0 NotAcknowledged", "page-1-3 Firing ben by mail", "page-1-4 Firing room to ops"]
    );
    world.accept_all();
    let events = world.over(&["alertname=A service=shop"]);
    // Ada's mail may yet arrive or not: it is told the end. Her refused push is not.
    assert_eq!(
        short(&events),
        [
            "AlertResolved Source",
            "PageClosed",
            "page-1-5 Closed ada by mail",
            "page-1-6 Closed ben by mail",
            "page-1-7 Closed room to ops"
        ]
    );
    let outstanding = Alerts::outstanding(&world.state, &world.book);
    let ids: Vec<&str> = outstanding.iter().map(|delivery| &*delivery.id.0).collect();
    assert_eq!(ids, ["page-1-5", "page-1-6", "page-1-7"]);
    assert_eq!(short(&world.over(&["alertname=A service=shop"])), [""; 0]);
}

#[test]
fn alerts_that_join_or_leave_renew_the_page_after_the_interval() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop pod=1"]);
    world.accept_all();
    world.by("ada").ask(Command::Acknowledge { page: alerts::PageId(1), note: String::new() }).unwrap();
    assert_eq!(short(&world.fire(&["alertname=A service=shop pod=2"])), ["AlertOpened"]);
    world.pass(200);
    world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=2"]);
    assert_eq!(short(&world.pass(100)), ["PageRenewed Changed 2"], "whoever took it is left alone");
    let worse = world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=3 severity=critical"]);
    assert_eq!(short(&worse), ["AlertOpened"]);
    assert_eq!(short(&world.pass(200)), ["AlertResolved Expired"]);
    world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=3 severity=critical"]);
    assert_eq!(short(&world.pass(100)), ["PageRenewed Worse 2", "page-1-2 Firing ada by mail"]);
    assert!(!world.page(1).is_acknowledged());
    assert_eq!(world.page(1).retired.len(), 1);
}

#[test]
fn a_page_that_nobody_took_is_told_again_to_all_who_were_told() {
    let mut book = book();
    book.route.group_wait = Seconds::ZERO;
    book.policies.insert("shop".parse().unwrap(), policy(vec![step(&[on("channel/hook")], 60)], 3));
    let mut world = World::new(book);
    world
        .ask(Command::Observe { source: "watchkeeper".into(), alerts: vec![alert("alertname=A service=shop")] })
        .unwrap();
    world.accept_all();
    assert_eq!(short(&world.pass(14_399)), [""; 0], "a machine is not escalated from");
    assert_eq!(short(&world.pass(1)), ["PageRenewed Repeat 1", "page-1-2 Renewed hook"]);
    assert_eq!(short(&world.pass(14_400)), ["PageRenewed Repeat 1", "page-1-3 Renewed hook"]);
    let data = world.sent[0].message.data.as_ref().unwrap();
    assert_eq!(data["groupKey"], r#"{}:{alertname="A", service="shop"}"#);
    assert_eq!(data["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    world.over(&["alertname=A service=shop"]);
    let data = world.sent.last().unwrap().message.data.as_ref().unwrap();
    assert_eq!((&data["status"], &data["alerts"][0]["status"]), (&"resolved".into(), &"resolved".into()));
}

#[test]
fn the_last_word_of_a_batch_counts() {
    let mut world = World::quick();
    let now = world.now;
    let over = Observed { ends_at: Some(now), ..alert("alertname=A") };
    let batch = |alerts| Command::Observe { source: "prometheus".into(), alerts };
    assert_eq!(world.ask(batch(vec![alert("alertname=A"), over.clone()])).unwrap(), []);
    assert_eq!(world.ask(batch(vec![over.clone(), alert("alertname=A")])).unwrap().len(), 3);
    assert_eq!(world.ask(batch(vec![over, alert("alertname=A")])).unwrap(), []);
}

#[test]
fn a_person_resolves_until_the_source_sends_it_again() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    let alert = labels("alertname=A service=shop").fingerprint();
    let resolve = |note: &str| Command::Resolve { alert, note: note.into() };
    let events = world.by("ada").ask(resolve("restarted")).unwrap();
    assert_eq!(short(&events), ["AlertResolved Person", "PageClosed", "page-1-2 Closed ada by mail"]);
    assert_eq!(world.ask(resolve("")).unwrap_err(), Refusal::AlertUnknown(alert));
    assert_eq!(short(&world.fire(&["alertname=A service=shop"]))[1], "PageOpened page-2 P3 A on shop");
}

#[test]
fn bad_alerts_are_refused_by_name() {
    let mut world = World::quick();
    let nothing = Observed { labels: Labels::default(), ..alert("a=b") };
    let now = world.now;
    let backwards = Observed { starts_at: Some(now), ends_at: Some(Seconds(1).before(now)), ..alert("a=b") };
    for (bad, word) in [(nothing, "no labels"), (backwards, "ends before")] {
        let alerts = vec![alert("alertname=A"), bad];
        let refusal = world.ask(Command::Observe { source: "prometheus".into(), alerts }).unwrap_err();
        assert!(refusal.to_string().contains("alert 1 of the batch"), "{refusal}");
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
    assert!(world.journal.is_empty());
}

#[test]
fn after_a_restart_alerts_get_time_to_be_sent_again() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop"]);
    world.now = Seconds::hours(2).after(world.now);
    let events = world.ask(Command::Resume).unwrap();
    assert_eq!(short(&events), ["Resumed"]);
    assert_eq!(world.ask(Command::Resume).unwrap().len(), 1, "the end is still within the time that is given");
    world.pass(200);
    assert_eq!(world.state.counts().alerts, 1);
    let events = world.pass(101);
    assert!(short(&events).contains(&"AlertResolved Expired".to_owned()), "{events:?}");
}

#[test]
fn proceeding_routes_put_an_alert_into_several_groups() {
    let mut book = book();
    let route = |matchers_: &[&str], policy: Option<&str>, proceed| kernel::book::Route {
        matchers: matchers(matchers_),
        group_wait: Seconds::ZERO,
        policy: policy.map(|name| name.parse().unwrap()),
        proceed,
        ..kernel::book::Route::default()
    };
    book.policies.insert("audit".parse().unwrap(), policy(vec![step(&[on("channel/hook")], 60)], 0));
    book.route.routes = vec![
        route(&["severity=critical"], Some("audit"), true),
        route(&["service=shop"], None, false),
        route(&["service=~\".+\""], Some("audit"), false),
    ];
    let mut world = World::new(book);
    let events = world.fire(&["alertname=A service=shop severity=critical"]);
    assert_eq!(
        short(&events)[1..],
        [
            "PageOpened page-1 P1 A on shop",
            "page-1-1 Firing hook",
            "PageOpened page-2 P1 A on shop",
            "page-2-1 Firing ada by mail"
        ]
    );
    let Event::AlertOpened(opened) = &events[0] else { panic!("{events:?}") };
    let routes: Vec<&str> = opened.place.groups.iter().map(|group| &*group.opens.as_ref().unwrap().route).collect();
    assert_eq!(routes, [r#"{}/{severity="critical"}"#, r#"{}/{service="shop"}"#]);
    assert_eq!(short(&world.over(&["alertname=A service=shop severity=critical"])).len(), 5);
}

#[test]
fn a_changed_watchbook_moves_alerts_when_they_are_sent_again() {
    let mut world = World::quick();
    world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=2"]);
    world.fire(&["alertname=A service=shop pod=1"]);
    world.book.route.group_by = vec!["pod".into()];
    world.book.digest = kernel::Digest::of(&[b"second"]);
    let events = world.fire(&["alertname=A service=shop pod=1"]);
    assert_eq!(short(&events), ["AlertRouted", "PageOpened page-2 P3 A on shop", "page-2-1 Firing ada by mail"]);
    let events = world.fire(&["alertname=A service=shop pod=2"]);
    assert_eq!(short(&events)[..3], ["AlertRouted", "PageClosed", "page-1-2 Closed ada by mail"]);
    assert_eq!(short(&world.fire(&["alertname=A service=shop pod=1", "alertname=A service=shop pod=2"])), [""; 0]);
    assert_eq!(world.state.counts().groups, 2);
    assert_eq!(json(&world.state)["groups"], json(&world.replayed())["groups"]);
}
