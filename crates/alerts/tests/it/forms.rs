//! The form of each kind of fact, frozen byte by byte: what was written once must be read for ever.

use std::collections::BTreeSet;

use alerts::{
    AlertOpened, Escalation, Event, GroupKey, GroupOpened, InhibitionKey, Membership, Mute, Muting, OverrideId, PageId,
    PageOpened, Placement, Renewal, ResolvedBy, Restart, Says, SilenceId,
};
use kernel::area::EventMeta;
use kernel::delivery::Attempt;
use kernel::time::Seconds;
use kernel::{Fingerprint, Outcome, Severity};

use crate::world::*;

const ALERT: Fingerprint = Fingerprint(0x00ab_cdef_0123_4567);

fn opened() -> AlertOpened {
    let group = GroupOpened {
        route: r#"{}/{team="shop"}"#.into(),
        labels: labels("service=shop"),
        flush_at: at("2026-03-02T10:00:30Z"),
        interval: Seconds::minutes(5),
        repeat: Seconds::hours(4),
        policy: Some("shop".parse().unwrap()),
        times: kernel::book::times::RouteTimes::default(),
    };
    AlertOpened {
        alert: ALERT,
        labels: labels("alertname=A service=shop"),
        annotations: labels("summary=slow"),
        starts_at: at("2026-03-02T10:00:00Z"),
        ends_at: Some(at("2026-03-02T10:05:00.5Z")),
        source: "prometheus".into(),
        generator_url: "http://prometheus.example.org/graph".into(),
        place: Placement {
            groups: vec![
                Membership { group: GroupKey(7), opens: None },
                Membership { group: GroupKey(u64::MAX), opens: Some(Box::new(group)) },
            ],
            inhibits: vec![InhibitionKey { rule: 1, equal: 2 }],
        },
    }
}

fn page_opened() -> PageOpened {
    PageOpened {
        page: PageId(12),
        group: GroupKey(7),
        policy: Some("shop".parse().unwrap()),
        severity: Severity::P1,
        declare: true,
        why: "customers cannot pay".into(),
        service: Some("shop".parse().unwrap()),
        title: "A on shop".into(),
        alerts: vec![ALERT],
        count: 1,
        update_every: Seconds::minutes(30),
        due: Some(at("2026-03-02T10:05:30Z")),
    }
}

fn alerts_and_silences() -> Vec<Event> {
    let id = SilenceId::from_nonce(0xfeed);
    let inhibition = Muting::Inhibition { rule: 1, equal: labels("service=shop") };
    vec![
        Event::AlertOpened(Box::new(opened())),
        Event::AlertRouted { alert: ALERT, place: Placement { inhibits: Vec::new(), ..opened().place } },
        Event::AlertResolved {
            alert: ALERT,
            ends_at: at("2026-03-02T11:00:00Z"),
            by: ResolvedBy::Person,
            note: "restarted".into(),
        },
        Event::AlertMuted { alert: ALERT, why: Mute::Silence { id: id.clone() } },
        Event::AlertMuted { alert: ALERT, why: Mute::Inhibition { by: Fingerprint(1), rule: 3 } },
        Event::AlertUnmuted { alert: ALERT },
        Event::MutingDeferred { what: Muting::Silence(id.clone()) },
        Event::MutingSettled { what: inhibition },
        Event::SilenceCreated {
            id: id.clone(),
            matchers: matchers(&["service=shop", "pod!~\"a.*\""]),
            starts_at: at("2026-03-02T10:00:00Z"),
            ends_at: at("2026-03-02T12:00:00Z"),
            created_by: "ada".into(),
            comment: "planned".into(),
        },
        Event::SilenceStarted { id: id.clone() },
        Event::SilenceExpired { id },
    ]
}

fn pages_and_shifts() -> Vec<Event> {
    let page = PageId(12);
    let delivery = page.delivery(3);
    let attempt = |outcome| Attempt { number: 1, at: at("2026-03-02T10:00:31Z"), outcome, last: false };
    vec![
        Event::PageOpened(Box::new(page_opened())),
        Event::PageRenewed {
            page,
            why: Renewal::Worse,
            severity: Severity::P2,
            alerts: vec![ALERT],
            count: 1,
            restart: Some(Restart { due: None }),
        },
        Event::PageRequested {
            page,
            delivery: delivery.clone(),
            person: Some(person("ada")),
            address: address("mail:ada@example.org"),
            step: 0,
            round: 1,
            method: 2,
            says: Says::Firing,
        },
        Event::PageAttempted { page, delivery: delivery.clone(), attempt: attempt(failed("busy")) },
        Event::PageAttempted { page, delivery, attempt: attempt(Outcome::Accepted { by: "mx".into() }) },
        Event::PageAcknowledged { page, note: "looking".into() },
        Event::PageEscalated {
            page,
            step: 1,
            round: 0,
            why: Escalation::NotDelivered,
            due: Some(at("2026-03-02T10:09:00Z")),
        },
        Event::NobodyReached { page, why: "schedule shop has nobody on duty".into(), exhausted: false },
        Event::PageClosed { page },
        Event::GroupHeld {
            group: GroupKey(7),
            quiet: alerts::Quiet { by: "nights".parse().unwrap(), outside: false, until: at("2026-03-02T12:00:00Z") },
        },
        Event::ShiftOverridden {
            id: OverrideId(4),
            schedule: "shop".parse().unwrap(),
            person: person("ben"),
            from: at("2026-03-02T08:00:00Z"),
            until: at("2026-03-03T08:00:00Z"),
        },
        Event::OverrideCancelled { id: OverrideId(4) },
        Event::Resumed { until: at("2026-03-02T10:05:00Z") },
    ]
}

#[test]
fn every_fact_keeps_its_form() {
    let events = [alerts_and_silences(), pages_and_shifts()].concat();
    let kinds: BTreeSet<&str> = events.iter().map(EventMeta::kind).collect();
    assert_eq!(kinds.len(), 22, "a new kind needs a form here");
    let mut forms = String::new();
    for event in &events {
        let json = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), event, "{json}");
        assert!(json.starts_with(&format!("{{\"{}\"", event.kind())), "{json}");
        forms.push_str(&format!("{} v{} {json}\n", event.stream().0, event.version()));
    }
    insta::assert_snapshot!(forms);
}

#[test]
fn ids_are_read_as_they_are_shown() {
    assert_eq!("page-12".parse(), Ok(PageId(12)));
    assert_eq!("12".parse(), Ok(PageId(12)));
    assert!("page-x".parse::<PageId>().is_err());
    assert_eq!(PageId::of_delivery(&PageId(12).delivery(3)), Some((PageId(12), 3)));
    assert_eq!("00000000000000ff".parse(), Ok(GroupKey(255)));
    let id = SilenceId::from_nonce(u128::MAX).to_string();
    assert_eq!(id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
