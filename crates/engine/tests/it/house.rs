//! A small organisation, and an engine over it.

use std::sync::Arc;

use engine::{Engine, Fact, Parts};
use kernel::area::EventMeta as _;
use kernel::book::{Channel, EscalationPolicy, Person, Service, SeverityRule, Step, Target, Team};
use kernel::port::{JournalStore, SampleSource};
use kernel::sample::Window;
use kernel::{
    Actor, Address, Book, ChannelKind, ChannelName, Labels, Matcher, PersonName, PolicyName, Role, Seconds,
    ServiceName, Severity, TeamName, Timestamp,
};
use testkit::{FakeWorld, MemoryStore, SeededChance, VirtualClock};

/// Everything that a test holds.
pub struct House {
    pub engine: Engine,
    pub clock: VirtualClock,
    pub world: Arc<FakeWorld>,
    pub store: Arc<MemoryStore>,
}

struct NoSamples;

impl SampleSource for NoSamples {
    fn windows(&self, _: &str, _: &[Matcher], _: Timestamp, _: Timestamp) -> Vec<Window> {
        Vec::new()
    }
}

impl House {
    /// A house with an empty journal.
    pub async fn open() -> Self {
        Self::over(Arc::new(MemoryStore::new()), VirtualClock::at("2026-03-02T10:00:00Z")).await
    }

    /// A house over a journal that may have been written before.
    pub async fn over(store: Arc<MemoryStore>, clock: VirtualClock) -> Self {
        let world = Arc::new(FakeWorld::new());
        let shared: Arc<dyn JournalStore> = store.clone();
        let parts = Parts {
            store: shared,
            deliver: world.clone(),
            samples: Arc::new(NoSamples),
            clock: Arc::new(clock.clone()),
            chance: Arc::new(SeededChance::new(1)),
            book: book(),
            signing_seed: [1; 32],
            origin: "test.example/journal".into(),
            link_secret: [2; 32],
            base_url: "http://127.0.0.1:9093".into(),
            holder: "test".into(),
        };
        let engine = Engine::start(parts).await.unwrap();
        Self { engine, clock, world, store }
    }

    /// One critical alert of checkout, firing.
    pub async fn fire(&self, instance: &str) -> Result<Vec<Fact>, engine::Error> {
        self.observe(instance, None).await
    }

    /// The same alert, over.
    pub async fn clear(&self, instance: &str) -> Result<Vec<Fact>, engine::Error> {
        self.observe(instance, Some(self.engine.now())).await
    }

    async fn observe(&self, instance: &str, ends_at: Option<Timestamp>) -> Result<Vec<Fact>, engine::Error> {
        let labels = Labels::from_pairs([
            ("alertname", "CheckoutDown"),
            ("service", "checkout"),
            ("severity", "critical"),
            ("instance", instance),
        ]);
        let alert = alerts::Observed {
            labels: labels.unwrap(),
            annotations: Labels::default(),
            starts_at: None,
            ends_at,
            generator_url: "".into(),
        };
        let command = alerts::Command::Observe { source: "test".into(), alerts: vec![alert] };
        self.engine.ask(&Actor::system("test"), command).await
    }
}

/// The kinds of facts, in order.
pub fn kinds(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(|fact| fact.event.kind()).collect()
}

/// A person as an actor.
pub fn person(name: &str) -> Actor {
    Actor::Person(PersonName::new(name).unwrap())
}

fn address(channel: &str, to: &str) -> Address {
    Address { channel: ChannelName::new(channel).unwrap(), to: to.into() }
}

/// One service, one team of two, mail before push, and a policy that pages one after the other.
pub fn book() -> Book {
    let mut book = Book::default();
    for (name, roles) in [("ada", vec![Role::Commander]), ("bob", vec![Role::Responder]), ("eve", vec![Role::Viewer])] {
        let contacts = vec![address("mail", &format!("{name}@example.org")), address("push", name)];
        let person = Person { title: name.into(), time_zone: jiff::tz::TimeZone::UTC, contacts, roles };
        book.people.insert(PersonName::new(name).unwrap(), person);
    }
    for (name, kind) in [("mail", ChannelKind::Email), ("push", ChannelKind::Ntfy)] {
        let channel = Channel { kind, url: "smtp://127.0.0.1:25".into(), from: None, secret: None };
        book.channels.insert(ChannelName::new(name).unwrap(), channel);
    }
    let target = |name: &str| vec![Target::Person(PersonName::new(name).unwrap())];
    let step = |name: &str| Step { targets: target(name), wait: Seconds::minutes(5) };
    let policy = PolicyName::new("shop").unwrap();
    let steps = vec![step("ada"), step("bob")];
    book.policies.insert(policy.clone(), EscalationPolicy { title: "Shop".into(), steps, repeat: 0 });
    let members = ["ada", "bob"].map(|name| PersonName::new(name).unwrap()).to_vec();
    let team = TeamName::new("shop").unwrap();
    book.teams.insert(team.clone(), Team { title: "Shop".into(), members, policy, room: None });
    let service = Service {
        title: "Checkout".into(),
        owner: team,
        tier: 1,
        function: "taking payments".into(),
        depends_on: Vec::new(),
        regions: Vec::new(),
        policy: None,
        runbook: None,
    };
    book.services.insert(ServiceName::new("checkout").unwrap(), service);
    book.severity.push(SeverityRule {
        when: vec!["severity=critical".parse().unwrap()],
        tiers: Some((1, 1)),
        severity: Severity::P1,
        declare: true,
        update_every: Seconds::minutes(30),
        why: "a tier 1 service is critical".into(),
    });
    book.route.group_by = vec!["service".into()];
    book.route.group_wait = Seconds::ZERO;
    book
}
