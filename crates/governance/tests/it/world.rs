//! A small world for tests: a watchbook with a person of each role, a clock that stands, and one command after another.

use governance::{Command, Event, Governance, Refusal, State};
use kernel::area::{Context, Stamp};
use kernel::book::Person;
use kernel::{Actor, Area, Book, PersonName, Role, Seconds, Seq, Timestamp};

/// One person for each role, called like it, and one with none, called `guest`.
pub fn book() -> Book {
    let mut book = Book::default();
    for (name, roles) in [
        ("viewer", vec![Role::Viewer]),
        ("responder", vec![Role::Responder]),
        ("commander", vec![Role::Commander]),
        ("communications", vec![Role::Communications]),
        ("auditor", vec![Role::Auditor]),
        ("administrator", vec![Role::Administrator]),
        ("guest", Vec::new()),
    ] {
        let person = Person { title: name.to_owned(), time_zone: jiff::tz::TimeZone::UTC, contacts: Vec::new(), roles };
        book.people.insert(person_name(name), person);
    }
    book
}

pub fn person_name(name: &str) -> PersonName {
    PersonName::new(name).unwrap()
}

pub fn person(name: &str) -> Actor {
    Actor::Person(person_name(name))
}

/// An area's state with all that happened to it.
pub struct World {
    pub book: Book,
    pub state: State,
    pub now: Timestamp,
    pub events: Vec<(Timestamp, Event)>,
    nonce: u128,
}

impl World {
    pub fn new() -> Self {
        Self {
            book: book(),
            state: State::default(),
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            events: Vec::new(),
            nonce: 0,
        }
    }

    pub fn later(&mut self, by: Seconds) {
        self.now = by.after(self.now);
    }

    pub fn ask(&mut self, actor: &Actor, command: Command) -> Result<Vec<Event>, Refusal> {
        self.nonce += 1;
        let context = Context { now: self.now, actor, book: &self.book, nonce: self.nonce };
        Governance::hear(&mut self.state, &context, &command);
        let events = Governance::decide(&self.state, &context, command)?;
        for event in &events {
            let seq = Seq(self.events.len() as u64);
            Governance::evolve(&mut self.state, Stamp { seq, at: self.now, actor }, event);
            self.events.push((self.now, event.clone()));
        }
        Ok(events)
    }

    /// The state that the facts alone give.
    pub fn replayed(&self) -> State {
        let mut state = State::default();
        let actor = Actor::system("test");
        for (at, event) in &self.events {
            Governance::evolve(&mut state, Stamp { seq: Seq(0), at: *at, actor: &actor }, event);
        }
        state
    }
}
