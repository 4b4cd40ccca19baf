//! A small world for tests: a watchbook, virtual time, and the journal of what was decided.

use alerts::{Alerts, Command, Event, Observed, Page, PageId, Refusal, State};
use kernel::area::{Area, Context, Stamp};
use kernel::book::*;
use kernel::delivery::{Attempt, Delivery, Outcome};
use kernel::time::{Seconds, Timestamp};
use kernel::{Actor, Address, Book, ChannelKind, DeliveryId, Labels, Matcher, PersonName, Seq, Severity};

pub struct World {
    pub state: State,
    pub book: Book,
    pub now: Timestamp,
    pub actor: Actor,
    pub journal: Vec<(Seq, Timestamp, Actor, Event)>,
    pub sent: Vec<Delivery>,
    /// Whether commands are heard; replays compare only what is journaled.
    pub hears: bool,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn labels(text: &str) -> Labels {
    let pairs = text.split(' ').filter(|part| !part.is_empty());
    Labels::from_pairs(pairs.map(|part| part.split_once('=').unwrap())).unwrap()
}

pub fn matchers(texts: &[&str]) -> Vec<Matcher> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub fn person(name: &str) -> PersonName {
    PersonName::new(name).unwrap()
}

pub fn address(text: &str) -> Address {
    let (channel, to) = text.split_once(':').unwrap_or((text, ""));
    Address { channel: channel.parse().unwrap(), to: to.to_owned() }
}

pub fn alert(text: &str) -> Observed {
    Observed {
        labels: labels(text),
        annotations: Labels::default(),
        starts_at: None,
        ends_at: None,
        generator_url: "".into(),
    }
}

pub fn step(targets: &[Target], wait: u32) -> Step {
    Step { targets: targets.to_vec(), wait: Seconds(wait) }
}

pub fn on(name: &str) -> Target {
    match name.split_once('/') {
        Some(("schedule", name)) => Target::Schedule(name.parse().unwrap()),
        Some(("team", name)) => Target::Team(name.parse().unwrap()),
        Some(("channel", name)) => Target::Channel(address(name)),
        _ => Target::Person(person(name)),
    }
}

pub fn policy(steps: Vec<Step>, repeat: u8) -> EscalationPolicy {
    EscalationPolicy { title: String::new(), steps, repeat }
}

fn known(contacts: &[&str]) -> Person {
    Person {
        title: String::new(),
        time_zone: jiff::tz::TimeZone::UTC,
        contacts: contacts.iter().map(|text| address(text)).collect(),
        roles: Vec::new(),
    }
}

fn service(owner: &str, tier: u8) -> Service {
    Service {
        title: String::new(),
        owner: owner.parse().unwrap(),
        tier,
        function: String::new(),
        depends_on: Vec::new(),
        regions: Vec::new(),
        policy: None,
        runbook: None,
    }
}

/// A shop: service `shop` of team `shop` (ada, ben), paged by the policy `shop`: whoever is on call, then the team.
pub fn book() -> Book {
    let mut book = Book::default();
    book.people.insert(person("ada"), known(&["mail:ada@example.org", "push:ada"]));
    book.people.insert(person("ben"), known(&["mail:ben@example.org"]));
    book.people.insert(person("cy"), known(&["mail:cy@example.org", "push:cy"]));
    book.people.insert(person("mute"), known(&[]));
    let team = Team {
        title: String::new(),
        members: vec![person("ada"), person("ben")],
        policy: "shop".parse().unwrap(),
        room: None,
    };
    book.teams.insert("shop".parse().unwrap(), team);
    book.services.insert("shop".parse().unwrap(), service("shop", 1));
    book.services.insert("blog".parse().unwrap(), service("shop", 4));
    let rota = Schedule {
        title: String::new(),
        time_zone: jiff::tz::TimeZone::UTC,
        layers: vec![Layer {
            people: vec![person("cy"), person("ben")],
            start: "2026-01-05T08:00".parse().unwrap(),
            turn: Turn::Weeks(1),
            hours: Vec::new(),
        }],
    };
    book.schedules.insert("rota".parse().unwrap(), rota);
    let empty = Schedule { title: String::new(), time_zone: jiff::tz::TimeZone::UTC, layers: Vec::new() };
    book.schedules.insert("empty".parse().unwrap(), empty);
    let shop = policy(vec![step(&[on("ada")], 300), step(&[on("ben"), on("channel/room:ops")], 600)], 1);
    book.policies.insert("shop".parse().unwrap(), shop);
    for (name, kind) in [("mail", ChannelKind::Email), ("push", ChannelKind::Ntfy), ("hook", ChannelKind::Webhook)] {
        let channel = Channel { kind, url: String::new(), from: None, secret: None };
        book.channels.insert(name.parse().unwrap(), channel);
    }
    let rule = |when: &[&str], severity, declare| SeverityRule {
        when: matchers(when),
        tiers: None,
        severity,
        declare,
        update_every: Seconds::minutes(30),
        why: format!("it is {severity}"),
    };
    book.severity =
        vec![rule(&["severity=critical"], Severity::P1, true), rule(&["severity=warning"], Severity::P3, false)];
    book.route = Route { group_by: vec!["service".into(), "alertname".into()], ..Route::default() };
    book.digest = kernel::Digest::of(&[b"first"]);
    book
}

impl World {
    pub fn new(book: Book) -> Self {
        Self {
            state: State::default(),
            book,
            now: at("2026-03-02T10:00:00Z"),
            actor: Actor::Integration("prometheus".into()),
            journal: Vec::new(),
            sent: Vec::new(),
            hears: true,
        }
    }

    /// Like the shop's, but groups do not wait.
    pub fn quick() -> Self {
        let mut book = book();
        book.route.group_wait = Seconds::ZERO;
        Self::new(book)
    }

    pub fn by(&mut self, name: &str) -> &mut Self {
        self.actor = Actor::Person(person(name));
        self
    }

    pub fn decide(&mut self, command: Command) -> Result<Vec<Event>, Refusal> {
        let context = Context {
            now: self.now,
            actor: &self.actor,
            book: &self.book,
            nonce: 0x1234_5678 + self.journal.len() as u128,
        };
        if self.hears {
            Alerts::hear(&mut self.state, &context, &command);
        }
        Alerts::decide(&self.state, &context, command)
    }

    pub fn ask(&mut self, command: Command) -> Result<Vec<Event>, Refusal> {
        let events = self.decide(command)?;
        self.record(&events, self.actor.clone());
        Ok(events)
    }

    fn record(&mut self, events: &[Event], actor: Actor) {
        for event in events {
            let seq = Seq(self.journal.len() as u64);
            Alerts::evolve(&mut self.state, Stamp { seq, at: self.now, actor: &actor }, event);
            self.sent.extend(Alerts::deliveries(&self.state, &self.book, event));
            self.journal.push((seq, self.now, actor.clone(), event.clone()));
        }
    }

    /// What the clock decides at this very instant.
    pub fn wake(&mut self) -> Vec<Event> {
        let actor = Actor::system("alerts");
        let context = Context { now: self.now, actor: &actor, book: &self.book, nonce: 7 };
        let events = Alerts::wake(&self.state, &context);
        self.record(&events, actor.clone());
        events
    }

    /// Lets time pass, waking the room whenever it asks to be.
    pub fn pass(&mut self, seconds: u32) -> Vec<Event> {
        let until = Seconds(seconds).after(self.now);
        let mut events = Vec::new();
        while let Some(due) = Alerts::next_due(&self.state).filter(|due| *due <= until) {
            self.now = self.now.max(due);
            let more = self.wake();
            assert!(!more.is_empty(), "woken at {} for {due} and had nothing to say", self.now);
            events.extend(more);
        }
        self.now = until;
        events
    }

    pub fn fire(&mut self, alerts: &[&str]) -> Vec<Event> {
        let alerts = alerts.iter().map(|text| alert(text)).collect();
        self.ask(Command::Observe { source: "prometheus".into(), alerts }).unwrap()
    }

    pub fn over(&mut self, alerts: &[&str]) -> Vec<Event> {
        let now = self.now;
        let alerts = alerts.iter().map(|text| Observed { ends_at: Some(now), ..alert(text) }).collect();
        self.ask(Command::Observe { source: "prometheus".into(), alerts }).unwrap()
    }

    pub fn attempt(&mut self, delivery: &str, outcome: Outcome, last: bool) -> Vec<Event> {
        let delivery = DeliveryId(delivery.into());
        let (page, number) = PageId::of_delivery(&delivery).unwrap();
        let number = self.page(page.0).request(number).map_or(0, |request| request.attempts) + 1;
        let attempt = Attempt { number, at: self.now, outcome, last };
        self.ask(Command::RecordAttempt { delivery, attempt }).unwrap()
    }

    pub fn accept_all(&mut self) {
        for delivery in Alerts::outstanding(&self.state, &self.book) {
            self.attempt(&delivery.id.0, Outcome::Accepted { by: "server".into() }, true);
        }
    }

    pub fn page(&self, page: u64) -> &Page {
        self.state.page(PageId(page)).unwrap()
    }

    pub fn silence(&mut self, texts: &[&str], seconds: u32) -> alerts::SilenceId {
        let command = Command::CreateSilence {
            matchers: matchers(texts),
            starts_at: self.now,
            ends_at: Seconds(seconds).after(self.now),
            created_by: String::new(),
            comment: "planned".into(),
            replaces: None,
        };
        let events = self.ask(command).unwrap();
        events
            .into_iter()
            .find_map(|event| match event {
                Event::SilenceCreated { id, .. } => Some(id),
                _ => None,
            })
            .unwrap()
    }

    /// The state after reading the journal again.
    pub fn replayed(&self) -> State {
        let mut state = State::default();
        for (seq, at, actor, event) in &self.journal {
            Alerts::evolve(&mut state, Stamp { seq: *seq, at: *at, actor }, event);
        }
        state
    }
}

pub fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.into(), wait: None }
}

pub fn json(state: &State) -> serde_json::Value {
    serde_json::to_value(state).unwrap()
}

/// Events in short, one word or two each, for tables.
pub fn short(events: &[Event]) -> Vec<String> {
    events.iter().map(short_one).collect()
}

fn short_one(event: &Event) -> String {
    let kind = kernel::area::EventMeta::kind(event);
    match event {
        Event::PageRequested { delivery, person, address, says, .. } => {
            let who =
                person.as_ref().map_or_else(|| address.to_string(), |who| format!("{who} by {}", address.channel));
            format!("{delivery} {says:?} {who}")
        }
        Event::PageEscalated { step, round, why, .. } => format!("{kind} {step}/{round} {why:?}"),
        Event::PageRenewed { why, count, .. } => format!("{kind} {why:?} {count}"),
        Event::PageOpened(opened) => format!("{kind} {} {} {}", opened.page, opened.severity, opened.title),
        Event::NobodyReached { why, exhausted, .. } => {
            format!("{kind} {why}{}", if *exhausted { " (end)" } else { "" })
        }
        Event::AlertMuted { why: alerts::Mute::Silence { .. }, .. } => format!("{kind} silence"),
        Event::AlertMuted { why: alerts::Mute::Inhibition { rule, .. }, .. } => format!("{kind} rule {rule}"),
        Event::AlertResolved { by, .. } => format!("{kind} {by:?}"),
        _ => kind.to_owned(),
    }
}
