//! The invariants of this room, each by its name; what readers see; the refusals; the frozen bytes.

mod language;
mod laws;
mod refusals;
mod rules;

use kernel::area::{Context, Stamp};
use kernel::book::{Component, Service, Team};
use kernel::delivery::{Attempt, Outcome};
use kernel::{
    Actor, Address, Area as _, Book, ComponentName, DeliveryId, IncidentId, Seconds, Sensitivity, Seq, Timestamp,
};

use crate::{Command, Comms, ComponentStatus, Event, NoticeId, Refusal, Stage, State, UpdateId};

const ONE: NoticeId = NoticeId(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn component(text: &str) -> ComponentName {
    ComponentName::new(text).unwrap()
}

/// Two components: payments, of the team with a room, and search, of a team without one.
fn book() -> Book {
    let mut book = Book::default();
    for (text, owner, room) in [("payments", "money", Some("#money")), ("search", "find", None)] {
        let service = Service {
            title: text.into(),
            owner: owner.parse().unwrap(),
            tier: 1,
            function: String::new(),
            depends_on: Vec::new(),
            regions: Vec::new(),
            policy: None,
            runbook: None,
        };
        book.services.insert(text.parse().unwrap(), service);
        let (name, services) = (component(text), vec![text.parse().unwrap()]);
        book.components.push(Component { name, title: text.to_uppercase(), description: String::new(), services });
        let room = room.map(|to| Address { channel: "chat".parse().unwrap(), to: to.into() });
        let team = Team { title: owner.into(), members: Vec::new(), policy: "p".parse().unwrap(), room };
        book.teams.insert(owner.parse().unwrap(), team);
    }
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

    fn ask(&mut self, command: Command) -> Result<Vec<&'static str>, Refusal> {
        self.ask_as("person:ada", command)
    }

    fn ask_as(&mut self, actor: &str, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let actor: Actor = actor.parse().unwrap();
        let context = Context { now: at(self.now), actor: &actor, book: &self.book, nonce: 0 };
        let events = Comms::decide(&self.state, &context, command)?;
        let kinds = events.iter().map(kernel::area::EventMeta::kind).collect();
        for event in events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: at(self.now), actor: &actor };
            Comms::evolve(&mut self.state, stamp, &event);
            self.facts.push((at(self.now), actor.clone(), event));
        }
        Ok(kinds)
    }

    /// Drafts and publishes an update of the incident; the number of the update.
    fn tell(&mut self, stage: Stage, status: ComponentStatus) -> UpdateId {
        self.tell_of(draft(stage, "payments", status))
    }

    fn tell_of(&mut self, command: Command) -> UpdateId {
        self.ask(command).unwrap();
        let update = self.newest();
        self.ask(publish(update)).unwrap();
        update
    }

    fn newest(&self) -> UpdateId {
        let drafted = self.facts.iter().rev().find_map(|(_, _, event)| match event {
            Event::UpdateDrafted { update, .. } => Some(*update),
            _ => None,
        });
        drafted.unwrap()
    }

    fn status(&self, name: &str) -> ComponentStatus {
        self.state.component_status(&component(name))
    }
}

fn draft(stage: Stage, name: &str, status: ComponentStatus) -> Command {
    wrote(
        Some(IncidentId(1)),
        "Card payments fail",
        stage,
        &format!("We are {stage}."),
        vec![(component(name), status)],
    )
}

fn wrote(
    incident: Option<IncidentId>,
    title: &str,
    stage: Stage,
    text: &str,
    components: Vec<(ComponentName, ComponentStatus)>,
) -> Command {
    Command::Draft {
        notice: None,
        incident,
        title: title.into(),
        stage,
        text: text.into(),
        components,
        next_update_in: Some(Seconds::minutes(30)),
        sensitivity: Sensitivity::Internal,
    }
}

fn revise(update: UpdateId, text: &str) -> Command {
    Command::Revise {
        update,
        title: String::new(),
        stage: Stage::Identified,
        text: text.into(),
        components: Vec::new(),
        next_update_in: None,
    }
}

fn publish(update: UpdateId) -> Command {
    Command::Publish { update, revision: None }
}

fn reopen() -> Command {
    Command::Reopen { notice: ONE, why: "it is back".into() }
}

fn attempted(delivery: &DeliveryId, last: bool) -> Command {
    let attempt = Attempt { number: 1, at: at(0), outcome: Outcome::Accepted { by: "chat".into() }, last };
    Command::RecordAttempt { delivery: delivery.clone(), attempt }
}
