//! The invariants of this room, each by its name; the draft and the export as they read; the refusals; the frozen bytes.

mod blameless;
mod language;
mod laws;
mod reads;
mod refusals;
mod rules;

use jiff::civil::{Date, date};
use kernel::area::{Context, Stamp};
use kernel::book::Person;
use kernel::{Actor, Area as _, Book, Impact, IncidentId, PersonName, Seconds, Sensitivity, Seq, Severity, Timestamp};

use crate::{ActionKind, Command, Event, Learning, Moment, Refusal, Review, ReviewId, Section, Source, State};

const ONE: ReviewId = ReviewId(1);
const SOON: Date = date(2026, 4, 1);

fn at(minute: u32) -> Timestamp {
    Seconds::minutes(minute).after("2026-03-01T10:00:00Z".parse().unwrap())
}

fn name(text: &str) -> PersonName {
    PersonName::new(text).unwrap()
}

fn book() -> Book {
    let mut book = Book::default();
    for (handle, title) in [("ada", "Ada Vance"), ("bob", "Bob Stone"), ("will", "Will Harper")] {
        let time_zone = jiff::tz::TimeZone::UTC;
        let person = Person { title: title.into(), time_zone, contacts: Vec::new(), roles: Vec::new() };
        book.people.insert(name(handle), person);
    }
    book
}

fn moment(seq: u64, minute: u32, who: &str, text: &str) -> Moment {
    Moment { seq: Seq(seq), at: at(minute), who: who.into(), kind: String::new(), text: text.into() }
}

fn source() -> Source {
    Source {
        incident: IncidentId(1),
        title: "Checkout fails".into(),
        severity: Severity::P1,
        severity_why: "a tier 1 service is critical".into(),
        impact: Impact::default(),
        services: vec!["checkout".parse().unwrap()],
        sensitivity: Sensitivity::Internal,
        detected_at: Some(at(0)),
        declared_at: at(1),
        acknowledged_at: Some(at(12)),
        commanded_at: Some(at(13)),
        mitigated_at: Some(at(70)),
        resolved_at: at(80),
        reopened: 1,
        timeline: vec![
            moment(4, 1, "alerts", "declared P1: a tier 1 service is critical"),
            moment(7, 12, "alerts", "bob acknowledged page 3"),
            moment(9, 70, "incident commander", "mitigated: renewed the | certificate"),
            Moment {
                kind: "IncidentReopened".into(),
                ..moment(11, 75, "incident commander", "reopened: bob saw it again")
            },
        ],
        people: vec![(name("bob"), "scribe".into())],
    }
}

/// The room with a book, a clock in minutes, and the facts it made.
struct Room {
    book: Book,
    state: State,
    now: u32,
    facts: Vec<(Timestamp, Actor, Event)>,
}

impl Room {
    fn new() -> Self {
        Self { book: book(), state: State::default(), now: 90, facts: Vec::new() }
    }

    /// A room with one review.
    fn open() -> Self {
        let mut room = Self::new();
        assert_eq!(room.ask(open(source())), Ok(vec!["ReviewOpened"]));
        room
    }

    /// A room with one review that says enough to be published.
    fn ready() -> Self {
        let mut room = Self::open();
        room.write(Section::Impact, "Nobody could pay for an hour.").unwrap();
        room.write(Section::ContributingFactors, "- A certificate expired unseen.").unwrap();
        room
    }

    fn ask(&mut self, command: Command) -> Result<Vec<&'static str>, Refusal> {
        self.ask_as("person:ada", command)
    }

    fn ask_as(&mut self, actor: &str, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let actor: Actor = actor.parse().unwrap();
        let context = Context { now: at(self.now), actor: &actor, book: &self.book, nonce: 0 };
        let events = Learning::decide(&self.state, &context, command)?;
        let kinds = events.iter().map(kernel::area::EventMeta::kind).collect();
        for event in events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: at(self.now), actor: &actor };
            Learning::evolve(&mut self.state, stamp, &event);
            self.facts.push((at(self.now), actor.clone(), event));
        }
        Ok(kinds)
    }

    fn write(&mut self, section: Section, text: &str) -> Result<Vec<&'static str>, Refusal> {
        let revision = self.one().revision(section);
        self.ask(edit(section, text, revision))
    }

    fn one(&self) -> &Review {
        self.state.review(ONE).unwrap()
    }
}

fn open(source: Source) -> Command {
    Command::Open { source: Box::new(source) }
}

fn edit(section: Section, text: &str, revision: u32) -> Command {
    Command::Edit { review: ONE, section, text: text.into(), revision }
}

fn add(owner: &str, due: Date) -> Command {
    let (title, owner) = ("Alert two weeks before a certificate expires".into(), name(owner));
    Command::AddAction { review: ONE, title, owner, due, kind: ActionKind::Detect }
}

fn complete(evidence: &str) -> Command {
    Command::CompleteAction { review: ONE, action: 1, evidence: evidence.into() }
}

fn drop_one(why: &str) -> Command {
    Command::DropAction { review: ONE, action: 1, why: why.into() }
}

fn publish() -> Command {
    Command::Publish { review: ONE }
}
