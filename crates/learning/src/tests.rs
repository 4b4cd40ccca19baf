//! Given what happened, when this is asked, then that follows.

use kernel::area::{Context, EventMeta as _, Stamp};
use kernel::book::Person;
use kernel::{Actor, Area as _, Book, Impact, IncidentId, PersonName, Seconds, Seq, Severity, Timestamp};

use crate::{ActionKind, Command, Event, Learning, Moment, Refusal, ReviewId, Section, Source, State, draft};

const ONE: ReviewId = ReviewId(1);

fn at(minute: u32) -> Timestamp {
    Seconds::minutes(minute).after("2026-03-01T10:00:00Z".parse().unwrap())
}

fn source() -> Source {
    Source {
        incident: IncidentId(1),
        title: "Checkout fails".into(),
        severity: Severity::P1,
        severity_why: "a tier 1 service is critical".into(),
        impact: Impact::default(),
        services: Vec::new(),
        detected_at: Some(at(0)),
        declared_at: at(1),
        acknowledged_at: Some(at(13)),
        mitigated_at: Some(at(70)),
        resolved_at: at(80),
        reopened: 1,
        timeline: vec![
            Moment { seq: Seq(4), at: at(1), who: "alerts".into(), text: "Declared".into() },
            Moment { seq: Seq(9), at: at(70), who: "incident commander".into(), text: "Mitigated".into() },
        ],
    }
}

#[derive(Default)]
struct World {
    state: State,
    facts: Vec<Event>,
}

impl World {
    fn ask(&mut self, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let mut book = Book::default();
        let ada =
            Person { title: "Ada".into(), time_zone: jiff::tz::TimeZone::UTC, contacts: Vec::new(), roles: Vec::new() };
        book.people.insert(PersonName::new("ada").unwrap(), ada);
        let actor: Actor = "person:ada".parse().unwrap();
        let context = Context { now: at(90), actor: &actor, book: &book, nonce: 1 };
        let events = Learning::decide(&self.state, &context, command)?;
        let kinds = events.iter().map(|event| event.kind()).collect();
        for event in events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: at(90), actor: &actor };
            Learning::evolve(&mut self.state, stamp, &event);
            self.facts.push(event);
        }
        Ok(kinds)
    }

    fn write(&mut self, section: Section, text: &str) -> Result<Vec<&'static str>, Refusal> {
        let revision = self.state.review(ONE).map_or(0, |review| review.revision(section));
        self.ask(Command::Edit { review: ONE, section, text: text.into(), revision })
    }
}

#[test]
fn a_draft_asks_about_every_gap() {
    let questions = draft(&source()).into_iter().find(|(section, _)| *section == Section::OpenQuestions).unwrap().1;
    for part in ["after 12m", "No impact was stated", "reopened 1 times", "Nothing is written for 1h9m"] {
        assert!(questions.contains(part), "{part:?} in {questions}");
    }
}

#[test]
fn a_review_is_published_when_it_says_enough() {
    let mut w = World::default();
    let open = Command::Open { source: Box::new(source()) };
    assert_eq!(w.ask(open.clone()).unwrap(), ["ReviewOpened"]);
    assert!(w.ask(open).unwrap().is_empty(), "LE-1");
    let missing = w.ask(Command::Publish { review: ONE });
    assert!(matches!(missing, Err(Refusal::Missing(why)) if why.contains("impact")), "{missing:?}");
    w.write(Section::Impact, "Nobody could pay for an hour.").unwrap();
    w.write(Section::ContributingFactors, "A certificate expired unseen.").unwrap();
    assert_eq!(w.ask(Command::Publish { review: ONE }).unwrap(), ["ReviewPublished"]);
    let text = w.state.review(ONE).unwrap().published.clone().unwrap().2;
    assert!(text.contains("## Contributing factors\n\nA certificate expired unseen."), "{text}");
    assert!(w.ask(Command::Publish { review: ONE }).unwrap().is_empty());
    let again = Source { resolved_at: at(100), ..source() };
    assert_eq!(w.ask(Command::Open { source: Box::new(again) }).unwrap(), ["SourceRenewed"]);
}

#[test]
fn nobody_writes_over_what_they_have_not_read() {
    let mut w = World::default();
    w.ask(Command::Open { source: Box::new(source()) }).unwrap();
    w.write(Section::Summary, "first").unwrap();
    let edit = Command::Edit { review: ONE, section: Section::Summary, text: "second".into(), revision: 0 };
    assert_eq!(w.ask(edit), Err(Refusal::Stale { read: 0, now: 1 }));
}

#[test]
fn actions_have_owners_and_evidence() {
    let mut w = World::default();
    w.ask(Command::Open { source: Box::new(source()) }).unwrap();
    let add = |owner: &str| Command::AddAction {
        review: ONE,
        title: "Watch certificates".into(),
        owner: PersonName::new(owner).unwrap(),
        due: jiff::civil::date(2026, 4, 1),
        kind: ActionKind::Detect,
    };
    assert_eq!(w.ask(add("eve")), Err(Refusal::NoPerson(PersonName::new("eve").unwrap())));
    w.ask(add("ada")).unwrap();
    let done = |evidence: &str| Command::CompleteAction { review: ONE, action: 1, evidence: evidence.into() };
    assert_eq!(w.ask(done(" ")), Err(Refusal::Empty("evidence")));
    w.ask(done("the alert fired in a drill")).unwrap();
    assert_eq!(w.ask(done("again")), Err(Refusal::Done(ONE, 1)));
    let mut again = State::default();
    for (seq, event) in w.facts.iter().enumerate() {
        let event: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
        let actor: Actor = "person:ada".parse().unwrap();
        Learning::evolve(&mut again, Stamp { seq: Seq(seq as u64), at: at(90), actor: &actor }, &event);
    }
    assert_eq!(again, w.state, "LE-5");
}

#[test]
fn the_bytes_of_facts_are_frozen() {
    let event = Event::SectionEdited { review: ONE, section: Section::WhatWentWell, text: "t".into(), revision: 2 };
    let bytes = r#"{"SectionEdited":{"review":1,"section":"what_went_well","text":"t","revision":2}}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), bytes);
    assert_eq!(serde_json::from_str::<Event>(bytes).unwrap(), event);
}
