//! Given what happened, when this is asked, then that follows: one test for each invariant.

use kernel::area::EventMeta as _;
use kernel::{Area as _, Sensitivity};

use super::{ONE, Room, SOON, add, at, complete, drop_one, edit, moment, open, publish, source};
use crate::{Command, Learning, MOMENT_BYTES_MAX, MOMENTS_MAX, REVIEWS_KEPT_MAX, Refusal, ReviewId, Section, Source};

#[test]
fn le_1_an_incident_has_one_review() {
    let mut room = Room::open();
    assert_eq!(room.ask(open(source())), Ok(vec![]), "told again without news");
    room.write(Section::Detection, "Customers called.").unwrap();
    let mut again = Source { resolved_at: at(200), reopened: 2, ..source() };
    again.timeline.extend(again.timeline.last().cloned());
    assert_eq!(room.ask(open(again)), Ok(vec!["SourceRenewed"]));
    let one = room.one();
    assert_eq!(one.section(Section::Detection), "Customers called.", "what people wrote stays");
    assert!(one.section(Section::OpenQuestions).contains("reopened twice"), "what nobody wrote is drafted anew");
    assert_eq!((room.state.reviews().count(), one.source.resolved_at), (1, at(200)));
    assert_eq!(room.state.of_incident(kernel::IncidentId(1)).map(|review| review.id), Some(ONE));
}

#[test]
fn le_2_no_name_is_drafted() {
    let mut room = Room::new();
    let mut named = source();
    named.title = "Ada Vance's checkout fails".into();
    named.severity_why = "person:bob said so".into();
    named.impact.summary = "@will could not pay".into();
    named.impact.functions = vec!["what Will Harper sells".into()];
    named.timeline.push(moment(10, 71, "scribe", "Bob Stone, ada and Will restarted it"));
    room.ask(open(named)).unwrap();
    let fact = serde_json::to_string(&room.facts[0].2).unwrap();
    for name in ["Ada", "ada", "Bob", "bob", "will", "Will", "Vance", "Stone", "Harper"] {
        assert!(!fact.contains(name), "{name} in {fact}");
    }
}

#[test]
fn le_2_who_took_part_is_told_by_role() {
    let room = Room::open();
    let texts: Vec<_> = room.one().source.timeline.iter().map(|moment| moment.text.as_str()).collect();
    assert_eq!(texts[1..=1], ["The scribe acknowledged page 3"]);
    assert!(room.one().source.people.is_empty(), "names are used and not kept");
}

#[test]
fn every_fact_is_as_sensitive_as_the_incident() {
    let mut room = Room::new();
    room.ask(open(Source { sensitivity: Sensitivity::Restricted, ..source() })).unwrap();
    room.write(Section::Summary, "said").unwrap();
    room.ask(add("ada", SOON)).unwrap();
    assert!(room.facts.iter().all(|(_, _, event)| event.sensitivity() == Sensitivity::Restricted));
    assert_eq!(room.state.sensitivity_of(ONE), Some(Sensitivity::Restricted));
}

#[test]
fn le_3_nobody_writes_over_what_they_have_not_read() {
    let mut room = Room::open();
    assert_eq!(room.ask_as("person:bob", edit(Section::Summary, "first", 0)), Ok(vec!["SectionEdited"]));
    let stale = Refusal::Stale { section: Section::Summary, by: "person:bob".into(), read: 0, now: 1 };
    assert_eq!(room.ask(edit(Section::Summary, "second", 0)), Err(stale));
    assert_eq!(room.ask(edit(Section::Impact, "other sections are free", 0)), Ok(vec!["SectionEdited"]));
    assert_eq!(room.ask(edit(Section::Summary, "first", 1)), Ok(vec![]), "nothing changed");
    assert_eq!((room.one().section(Section::Summary), room.one().revision(Section::Summary)), ("first", 1));
}

#[test]
fn le_4_publishing_says_all_that_is_missing() {
    let mut room = Room::open();
    room.ask(add("bob", SOON)).unwrap();
    room.write(Section::Summary, "").unwrap();
    room.write(Section::ContributingFactors, "- \n- ").unwrap();
    room.book.people.remove("bob");
    insta::assert_snapshot!(room.ask(publish()).unwrap_err(), @"R-1 cannot be published yet: the summary is empty: say what happened in a few sentences; the impact is empty: say who was hurt, how much and how long; no contributing factor is named: say what made it possible; bob, who sees to action 1, left the watchbook: drop it and add another; write what is missing, then publish");
    for (section, text) in [
        (Section::Summary, "It failed."),
        (Section::Impact, "Nobody could pay."),
        (Section::ContributingFactors, "It expired."),
    ] {
        assert!(room.ask(publish()).is_err());
        room.write(section, text).unwrap();
    }
    assert!(room.ask(publish()).is_err());
    room.ask(drop_one("bob left")).unwrap();
    assert_eq!(room.ask(publish()), Ok(vec!["ReviewPublished"]));
}

#[test]
fn le_5_what_was_published_stands() {
    let mut room = Room::ready();
    assert_eq!(room.ask(publish()), Ok(vec!["ReviewPublished"]));
    let text = |room: &Room| room.one().published.clone().unwrap().2;
    let first = text(&room);
    assert!(first.contains("## Contributing factors\n\n- A certificate expired unseen."), "{first}");
    assert_eq!(room.ask(publish()), Ok(vec![]), "nothing changed");
    room.write(Section::Summary, "In other words.").unwrap();
    assert_eq!((text(&room), room.one().changed, room.one().edition), (first.clone(), true, 1));
    room.ask(publish()).unwrap();
    assert!(text(&room).contains("In other words."));
    assert_eq!((room.one().changed, room.one().edition), (false, 2));

    room.ask(add("bob", SOON)).unwrap();
    assert!(room.one().changed);
    room.ask(publish()).unwrap();
    room.ask(complete("it fired in a drill")).unwrap();
    assert!(!room.one().changed, "an action that is done needs no other edition");
}

#[test]
fn le_6_an_action_ends_once() {
    type End = fn(&str) -> Command;
    let ends: [(End, &str, &str); 2] = [(complete, "ActionCompleted", "done"), (drop_one, "ActionDropped", "dropped")];
    for (end, kind, how) in ends {
        let mut room = Room::open();
        room.ask(add("ada", SOON)).unwrap();
        assert_eq!(room.state.open_actions().len(), 1);
        assert_eq!(room.ask(end("the alert fired in a drill")), Ok(vec![kind]));
        assert_eq!(room.state.open_actions().len(), 0);
        for again in [complete("x"), drop_one("x")] {
            assert_eq!(room.ask(again), Err(Refusal::Ended(ONE, 1, how)));
        }
    }
}

#[test]
fn a_day_is_over_when_it_is_over_everywhere() {
    let mut room = Room::open();
    let today = jiff::civil::date(2026, 3, 1);
    assert_eq!(room.ask(add("ada", today)), Ok(vec!["ActionAdded"]));
    // It is 11:30 UTC on the first: in the last zone the 28th of February is not over.
    let before = jiff::civil::date(2026, 2, 28);
    assert_eq!(room.ask(add("ada", before)), Ok(vec!["ActionAdded"]));
    room.now += 31;
    assert_eq!(room.ask(add("ada", before)), Err(Refusal::Past(before)));
    let overdue = |day| room.state.open_actions().iter().filter(|(_, action)| action.is_overdue(day)).count();
    assert_eq!((overdue(before), overdue(today), overdue(SOON)), (0, 1, 2));
}

#[test]
fn a_long_timeline_keeps_its_beginning_and_its_end() {
    let mut long = source();
    let moments = MOMENTS_MAX as u64 + 500;
    long.timeline = (0..moments).map(|seq| moment(seq, 1, "scribe", &"é".repeat(MOMENT_BYTES_MAX))).collect();
    let mut room = Room::new();
    room.ask(open(long)).unwrap();
    let timeline = &room.one().source.timeline;
    assert_eq!(timeline.len(), MOMENTS_MAX);
    assert_eq!((timeline[0].seq.0, timeline[MOMENTS_MAX - 1].seq.0), (0, moments - 1));
    assert_eq!(timeline[MOMENTS_MAX / 2].text, "501 entries, from fact 500 on, are left to the journal");
    assert_eq!((timeline[MOMENTS_MAX / 2].seq.0, timeline[MOMENTS_MAX / 2 + 1].seq.0), (500, 1001));
    assert_eq!(timeline[0].text.len(), MOMENT_BYTES_MAX);
}

#[test]
fn published_reviews_without_open_actions_are_forgotten_first() {
    let mut room = Room::ready();
    let of = |incident| Source { incident: kernel::IncidentId(incident), timeline: Vec::new(), ..source() };
    room.ask(open(of(2))).unwrap();
    for section in [Section::Impact, Section::ContributingFactors] {
        let text = "said".to_owned();
        room.ask(Command::Edit { review: ReviewId(2), section, text, revision: 0 }).unwrap();
    }
    room.ask(Command::Publish { review: ReviewId(2) }).unwrap();
    for incident in 3..=REVIEWS_KEPT_MAX as u32 + 1 {
        room.ask(open(of(incident))).unwrap();
    }
    assert!(room.state.review(ONE).is_some() && room.state.review(ReviewId(2)).is_none());
    room.ask(open(of(9_999_999))).unwrap();
    assert!(room.state.review(ONE).is_none(), "where none is over, the oldest goes");
    assert_eq!(room.state.reviews().next().map(|review| review.id), Some(ReviewId(REVIEWS_KEPT_MAX as u32 + 2)));
    assert!(Learning::next_due(&room.state).is_none());
}
