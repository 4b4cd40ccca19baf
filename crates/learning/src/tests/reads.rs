//! The draft and the export as people read them.

use kernel::{Impact, Seconds};

use super::{Room, SOON, add, at, complete, moment, source};
use crate::{Durations, Moment, Section, Source, draft};

fn drafted(source: &Source, wanted: Section) -> String {
    draft(source).into_iter().find(|(section, _)| *section == wanted).map(|(_, text)| text).unwrap()
}

#[test]
fn a_draft_says_what_the_journal_knows() {
    let all: Vec<_> = draft(&source()).iter().map(|(section, text)| format!("[{section}]\n{text}")).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn durations_count_from_when_it_was_noticed() {
    let minutes = |n| Some(Seconds::minutes(n));
    let expected = Durations {
        declare: Seconds::minutes(1),
        acknowledge: minutes(12),
        command: minutes(13),
        mitigate: minutes(70),
        resolve: Seconds::minutes(80),
    };
    assert_eq!(source().durations(), expected);
    let people = Source { detected_at: None, mitigated_at: None, ..source() };
    let expected = Durations {
        declare: Seconds(0),
        acknowledge: minutes(11),
        command: minutes(12),
        mitigate: None,
        resolve: Seconds::minutes(79),
    };
    assert_eq!(people.durations(), expected);
}

#[test]
fn each_gap_asks_its_question() {
    let quiet = Source {
        impact: Impact { summary: "nobody could pay".into(), ..Impact::default() },
        acknowledged_at: Some(at(5)),
        commanded_at: Some(at(5)),
        timeline: Vec::new(),
        ..source()
    };
    assert_eq!(drafted(&quiet, Section::OpenQuestions), "", "a whole story asks nothing");
    let with = |kind: &str, count| {
        let timeline = vec![Moment { kind: kind.into(), ..moment(1, 6, "incidents", "x") }; count];
        Source { timeline, ..quiet.clone() }
    };
    let gaps: [(&str, Source); 10] = [
        ("No alert came", Source { detected_at: None, ..quiet.clone() }),
        ("No acknowledgement was recorded", Source { acknowledged_at: None, ..quiet.clone() }),
        ("Nobody took command", Source { commanded_at: None, ..quiet.clone() }),
        ("No commander for 9m", Source { commanded_at: Some(at(9)), ..quiet.clone() }),
        ("No acknowledgement for 5m1s", Source { acknowledged_at: Some(Seconds(1).after(at(5))), ..quiet.clone() }),
        ("No impact was stated", Source { impact: Impact::default(), ..quiet.clone() }),
        ("No mitigation was recorded", Source { mitigated_at: None, ..quiet.clone() }),
        ("The severity changed once", with("SeverityChanged", 1)),
        ("An update was overdue twice", with("UpdateOverdue", 2)),
        ("The incident was reopened 3 times", with("IncidentReopened", 3)),
    ];
    for (question, source) in gaps {
        let asked = drafted(&source, Section::OpenQuestions);
        assert!(asked.contains(question) && asked.lines().count() == 1, "{question}: {asked}");
    }
}

#[test]
fn what_went_well_is_said_too() {
    let update = Moment { kind: "UpdateRecorded".into(), ..moment(1, 6, "comms", "x") };
    let mut source = Source { acknowledged_at: Some(at(2)), timeline: vec![update; 3], ..source() };
    assert_eq!(
        drafted(&source, Section::WhatWentWell),
        "- The page was acknowledged within 2m.\n- All updates came when they were due (3)."
    );
    source.timeline.push(Moment { kind: "UpdateOverdue".into(), ..moment(2, 7, "incidents", "x") });
    assert_eq!(drafted(&source, Section::WhatWentWell), "- The page was acknowledged within 2m.");
}

#[test]
fn the_longest_silences_are_asked_about() {
    let minutes = [0, 31, 31, 100, 140, 172, 200, 400];
    let timeline = minutes.iter().zip(0..).map(|(minute, seq)| moment(seq, *minute, "scribe", "x")).collect();
    let asked = drafted(&Source { resolved_at: at(200), timeline, ..source() }, Section::OpenQuestions);
    let silences: Vec<_> = asked.lines().filter(|line| line.contains("Nothing was written")).collect();
    insta::assert_snapshot!(silences.join("\n"), @"
    - Nothing was written for 1h9m, from 2026-03-01 10:31 UTC to 2026-03-01 11:40 UTC: what happened then?
    - Nothing was written for 40m, from 2026-03-01 11:40 UTC to 2026-03-01 12:20 UTC: what happened then?
    - Nothing was written for 32m, from 2026-03-01 12:20 UTC to 2026-03-01 12:52 UTC: what happened then?
    ");
}

#[test]
fn a_review_reads_as_one_document() {
    let mut room = Room::ready();
    room.ask(add("ada", SOON)).unwrap();
    room.ask(add("bob", SOON)).unwrap();
    room.ask(complete("[the drill](https://example.org/drill) | passed")).unwrap();
    insta::assert_snapshot!(crate::markdown(room.one()));
}

#[test]
fn every_section_has_a_heading_and_asks_something() {
    for section in Section::ALL {
        assert_eq!(section.as_str().parse(), Ok(section));
        assert!(!section.title().is_empty() && section.prompt().ends_with(['?', '.']), "{section}");
    }
}
