//! The invariants of this room, each by its name; what readers see; the refusals; the frozen bytes.

mod laws;
mod refusals;
mod rules;

use kernel::area::{Context, Stamp};
use kernel::book::{Person, Service, SeverityRule};
use kernel::{Actor, Area as _, Book, Impact, IncidentId, PersonName, Seconds, Sensitivity, Seq, Severity, Timestamp};

use crate::{Command, Event, Incident, IncidentRole, Incidents, Refusal, State};

const ONE: IncidentId = IncidentId(1);
const NOTHING: [&str; 0] = [];

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn name(text: &str) -> PersonName {
    PersonName::new(text).unwrap()
}

fn book() -> Book {
    let mut book = Book::default();
    for person in ["ada", "bob", "cleo"] {
        let time_zone = jiff::tz::TimeZone::UTC;
        let known = Person { title: person.to_uppercase(), time_zone, contacts: Vec::new(), roles: Vec::new() };
        book.people.insert(name(person), known);
    }
    for service in ["checkout", "search"] {
        let known = Service {
            title: service.into(),
            owner: "shop".parse().unwrap(),
            tier: 1,
            function: "selling".into(),
            depends_on: Vec::new(),
            regions: Vec::new(),
            policy: None,
            runbook: None,
        };
        book.services.insert(service.parse().unwrap(), known);
    }
    let (severity, update_every) = (Severity::P1, Seconds::minutes(20));
    let (when, why) = (Vec::new(), "customers cannot buy".into());
    book.severity.push(SeverityRule { when, tiers: None, severity, declare: true, update_every, why });
    book
}

/// The room with a book, a clock in seconds, and the facts it made.
struct Room {
    book: Book,
    state: State,
    now: i64,
    facts: Vec<(Timestamp, Actor, Event)>,
}

impl Room {
    fn new() -> Self {
        Self { book: book(), state: State::default(), now: 0, facts: Vec::new() }
    }

    /// A room with one open incident, declared by a person.
    fn open() -> Self {
        let mut room = Self::new();
        assert_eq!(room.ask(declare()), Ok(vec!["IncidentDeclared"]));
        room
    }

    fn ask(&mut self, command: Command) -> Result<Vec<&'static str>, Refusal> {
        self.ask_as("person:ada", command)
    }

    fn ask_as(&mut self, actor: &str, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let actor: Actor = actor.parse().unwrap();
        let context = Context { now: at(self.now), actor: &actor, book: &self.book, nonce: 0 };
        let events = Incidents::decide(&self.state, &context, command)?;
        Ok(self.fold(&actor, events))
    }

    /// What the clock brings at a second.
    fn wake(&mut self, now: i64) -> Vec<&'static str> {
        self.now = now;
        let actor = Actor::system("incidents");
        let context = Context { now: at(now), actor: &actor, book: &self.book, nonce: 0 };
        let events = Incidents::wake(&self.state, &context);
        self.fold(&actor, events)
    }

    fn fold(&mut self, actor: &Actor, events: Vec<Event>) -> Vec<&'static str> {
        let kinds = events.iter().map(kernel::area::EventMeta::kind).collect();
        for event in events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: at(self.now), actor };
            Incidents::evolve(&mut self.state, stamp, &event);
            self.facts.push((at(self.now), actor.clone(), event));
        }
        kinds
    }

    fn one(&self) -> &Incident {
        self.state.get(ONE).unwrap()
    }

    fn commander(&self) -> Option<&str> {
        self.one().commander().map(PersonName::as_str)
    }
}

fn declare() -> Command {
    from(None, &["checkout"], Severity::P2)
}

fn from(page: Option<u64>, services: &[&str], severity: Severity) -> Command {
    Command::Declare {
        title: "Checkout fails".into(),
        severity,
        impact: Impact::default(),
        services: services.iter().map(|service| service.parse().unwrap()).collect(),
        why: "tier 1 is down".into(),
        page,
        detected_at: None,
        update_every: Some(Seconds::minutes(30)),
        sensitivity: Sensitivity::Internal,
    }
}

fn assign(role: IncidentRole, person: &str) -> Command {
    Command::Assign { incident: ONE, role, person: name(person) }
}

fn hand_over(to: &str) -> Command {
    Command::HandOver { incident: ONE, role: IncidentRole::Commander, to: name(to), summary: "all is calm".into() }
}

fn note(text: &str) -> Command {
    Command::Note { incident: ONE, text: text.into() }
}

fn mitigate() -> Command {
    Command::Mitigate { incident: ONE, how: "took the node out".into() }
}

fn resolve() -> Command {
    Command::Resolve { incident: ONE, how: "replaced the node".into() }
}

fn reopen() -> Command {
    Command::Reopen { incident: ONE, why: "it is back".into() }
}

fn update() -> Command {
    Command::RecordUpdate { incident: ONE, text: "we are on it".into() }
}
