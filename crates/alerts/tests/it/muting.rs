//! Silences and inhibitions: what is muted never pages, and what is unmuted pages.

use alerts::{Command, Event, Mute, Refusal, SilenceStatus};
use kernel::book::Inhibition;
use kernel::time::Seconds;

use crate::world::*;

fn inhibiting() -> World {
    let mut world = World::quick();
    world.book.inhibitions = vec![Inhibition {
        source: matchers(&["severity=critical"]),
        target: matchers(&["severity=~\"warning|info\""]),
        equal: vec!["service".into()],
    }];
    world
}

#[test]
fn a_silence_mutes_and_its_end_pages() {
    let mut world = World::quick();
    let id = world.silence(&["service=shop"], 100);
    assert_eq!(short(&world.fire(&["alertname=A service=shop"])), ["AlertOpened", "AlertMuted silence"]);
    assert_eq!(world.state.counts().muted, 1);
    let view = world.state.alert(labels("alertname=A service=shop").fingerprint()).unwrap();
    assert_eq!(view.silenced_by(world.now), [&id]);
    assert_eq!(
        short(&world.pass(100)),
        ["SilenceExpired", "AlertUnmuted", "PageOpened page-1 P3 A on shop", "page-1-1 Firing ada by mail"]
    );
    assert_eq!(world.state.silence(&id).unwrap().status(world.now), SilenceStatus::Expired);
}

#[test]
fn a_silence_over_an_open_page_rests_it_and_the_end_is_still_told() {
    let mut world = World::quick();
    world
        .ask(Command::Observe { source: "watchkeeper".into(), alerts: vec![alert("alertname=A service=shop")] })
        .unwrap();
    world.accept_all();
    let id = world.silence(&["alertname=\"A\""], 7200);
    assert_eq!(short(&world.pass(3600)), [""; 0], "a muted page does not escalate");
    let events = world.by("ada").ask(Command::ExpireSilence { id }).unwrap();
    assert_eq!(
        short(&events),
        ["SilenceExpired", "AlertUnmuted", "PageRenewed Changed 1", "page-1-2 Renewed ada by mail"]
    );
    assert_eq!(short(&world.pass(0))[0], "PageEscalated 1/0 NotAcknowledged");
    world.silence(&["alertname=\"A\""], 7200);
    let events = world.over(&["alertname=A service=shop"]);
    assert_eq!(short(&events)[..3], ["AlertResolved Source", "PageClosed", "page-1-5 Closed ada by mail"]);
}

#[test]
fn a_silence_begins_when_it_says() {
    let mut world = World::new(book());
    world.fire(&["alertname=A service=shop"]);
    let starts_at = Seconds(10).after(world.now);
    let events = world.ask(Command::CreateSilence {
        matchers: matchers(&["service=shop"]),
        starts_at,
        ends_at: Seconds(60).after(world.now),
        created_by: "ada".into(),
        comment: String::new(),
        replaces: None,
    });
    assert_eq!(short(&events.unwrap()), ["SilenceCreated"]);
    assert_eq!(short(&world.pass(10)), ["SilenceStarted", "AlertMuted silence"]);
    assert_eq!(
        short(&world.pass(50)),
        ["SilenceExpired", "AlertUnmuted", "PageOpened page-1 P3 A on shop", "page-1-1 Firing ada by mail"]
    );
}

#[test]
fn a_silence_is_rewritten_under_its_id_or_replaced() {
    let mut world = World::quick();
    let id = world.silence(&["service=shop"], 100);
    world.fire(&["alertname=A service=shop", "alertname=B service=blog"]);
    let starts_at = world.state.silence(&id).unwrap().starts_at;
    world.pass(50);
    let wanted = |texts: &[&str], replaces| Command::CreateSilence {
        matchers: matchers(texts),
        starts_at,
        ends_at: Seconds(500).after(starts_at),
        created_by: String::new(),
        comment: "longer".into(),
        replaces: Some(replaces),
    };
    let events = world.ask(wanted(&["service=shop"], id.clone())).unwrap();
    assert!(matches!(&events[..], [Event::SilenceCreated { id: kept, .. }] if *kept == id), "{events:?}");
    assert_eq!(short(&world.pass(100)), [""; 0], "the old end is void");
    let events = world.ask(wanted(&["service=blog"], id.clone())).unwrap();
    let expected = ["SilenceExpired", "SilenceCreated", "SilenceStarted", "AlertUnmuted", "AlertMuted silence"];
    assert_eq!(short(&events)[..5], expected);
    let refusal = world.ask(Command::ExpireSilence { id: id.clone() }).unwrap_err();
    assert_eq!(refusal, Refusal::SilenceExpired(id));
}

#[test]
fn another_silence_takes_over_without_a_page() {
    let mut world = World::quick();
    let first = world.silence(&["service=shop"], 100);
    world.silence(&["alertname=~\"A.*\""], 1000);
    world.fire(&["alertname=A service=shop"]);
    let why =
        |world: &World| world.state.alert(labels("alertname=A service=shop").fingerprint()).unwrap().muted().cloned();
    let muted_by_first = why(&world) == Some(Mute::Silence { id: first.clone() });
    let events = world.pass(100);
    let expected: &[&str] =
        if muted_by_first { &["SilenceExpired", "AlertMuted silence"] } else { &["SilenceExpired"] };
    assert_eq!(short(&events), expected);
    assert_ne!(why(&world), Some(Mute::Silence { id: first }));
}

#[test]
fn bad_silences_are_refused() {
    let mut world = World::quick();
    let now = world.now;
    let wanted = |texts: &[&str], ends| Command::CreateSilence {
        matchers: matchers(texts),
        starts_at: now,
        ends_at: ends,
        created_by: String::new(),
        comment: String::new(),
        replaces: None,
    };
    let later = Seconds(60).after(now);
    for (command, word) in [
        (wanted(&[], later), "at least one matcher"),
        (wanted(&["a=~\".*\"", "b=\"\""], later), "at least one matcher"),
        (wanted(&["a=b"], now), "end after"),
        (wanted(&["a=b"; 65], later), "at most 64"),
    ] {
        let refusal = world.ask(command).unwrap_err();
        assert!(refusal.to_string().contains(word), "{refusal}");
    }
}

#[test]
fn a_source_mutes_its_targets_even_when_they_come_together() {
    let mut world = inhibiting();
    let events =
        world.fire(&["alertname=W service=shop severity=warning", "alertname=C service=shop severity=critical"]);
    assert_eq!(
        short(&events),
        [
            "AlertOpened",
            "AlertOpened",
            "AlertMuted rule 0",
            "PageOpened page-1 P1 C on shop",
            "page-1-1 Firing ada by mail"
        ]
    );
    let events = world.over(&["alertname=C service=shop severity=critical"]);
    assert_eq!(
        short(&events),
        [
            "AlertResolved Source",
            "AlertUnmuted",
            "PageClosed",
            "page-1-2 Closed ada by mail",
            "PageOpened page-2 P3 W on shop",
            "page-2-1 Firing ada by mail"
        ]
    );
}

#[test]
fn the_first_source_mutes_and_the_last_one_unmutes() {
    let mut world = inhibiting();
    world.fire(&["alertname=W service=shop severity=warning", "alertname=W service=blog severity=warning"]);
    let critical = |pod: u8| format!("alertname=C service=shop severity=critical pod={pod}");
    let mutes = |events: &[Event]| {
        short(events).iter().filter(|kind| kind.contains("mute")).count()
            + short(events).iter().filter(|kind| kind.contains("Muted")).count()
    };
    assert_eq!(mutes(&world.fire(&[&critical(1)])), 1, "the blog is another service");
    assert_eq!(mutes(&world.fire(&[&critical(2)])), 0);
    assert_eq!(mutes(&world.over(&[&critical(1)])), 0);
    let view = world.state.alert(labels("alertname=W service=shop severity=warning").fingerprint()).unwrap();
    assert_eq!(view.inhibited_by(&world.book, 10), [labels(&critical(2)).fingerprint()]);
    assert_eq!(mutes(&world.over(&[&critical(2)])), 1);
}

#[test]
fn alerts_on_both_sides_of_a_rule_do_not_inhibit_each_other() {
    let mut world = World::quick();
    world.book.inhibitions =
        vec![Inhibition { source: matchers(&["team=ops"]), target: matchers(&["service=shop"]), equal: Vec::new() }];
    let both = ["alertname=A service=shop team=ops", "alertname=B service=shop team=ops"];
    let events = world.fire(&both);
    assert!(short(&events).iter().all(|kind| !kind.contains("Muted")), "{events:?}");
    assert_eq!(short(&world.fire(&["alertname=C service=shop"]))[1], "AlertMuted rule 0");
}

#[test]
fn what_one_decision_cannot_mute_follows() {
    let mut world = World::new(book());
    let many: Vec<String> = (0..12_000).map(|pod| format!("alertname=A service=shop pod={pod}")).collect();
    for batch in many.chunks(6000) {
        world.fire(&batch.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let before = world.journal.len();
    world.silence(&["service=shop"], 100);
    let kinds = short(&world.journal[before..].iter().map(|(.., event)| event.clone()).collect::<Vec<_>>());
    assert_eq!(kinds.last().unwrap(), "MutingDeferred");
    assert!(kinds.len() <= alerts::WAKE_EVENTS_MAX + 1, "{}", kinds.len());
    let events = world.pass(0);
    assert_eq!(short(&events).last().unwrap(), "MutingSettled");
    assert_eq!(world.state.counts().muted, 12_000);
    let kinds = short(&world.pass(100));
    assert_eq!(kinds.iter().filter(|kind| *kind == "AlertUnmuted").count(), 12_000);
    assert_eq!(kinds.iter().filter(|kind| kind.starts_with("PageOpened")).count(), 1);
    assert_eq!(world.state.counts().muted, 0);
}
