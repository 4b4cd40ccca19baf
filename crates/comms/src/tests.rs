//! Given what happened, when this is asked, then that follows. Each invariant has a test of its number.

use kernel::area::{Context, EventMeta as _, Stamp};
use kernel::book::{Component, Service, Team};
use kernel::delivery::{Attempt, Outcome};
use kernel::{
    Actor, Address, Area as _, Book, ChannelName, ComponentName, IncidentId, PolicyName, Seconds, Sensitivity, Seq,
    ServiceName, TeamName, Timestamp,
};

use crate::{Command, Comms, ComponentStatus, Event, LintRule, NoticeId, Refusal, Stage, State, UpdateId, lint};

struct World {
    book: Book,
    state: State,
    now: Timestamp,
    facts: Vec<(Timestamp, Actor, Event)>,
}

fn component() -> ComponentName {
    ComponentName::new("payments").unwrap()
}

fn world() -> World {
    let mut book = Book::default();
    let service = ServiceName::new("payments").unwrap();
    let owner = TeamName::new("money").unwrap();
    book.components.push(Component {
        name: component(),
        title: "Payments".into(),
        description: String::new(),
        services: vec![service.clone()],
    });
    book.services.insert(
        service,
        Service {
            title: "Payments".into(),
            owner: owner.clone(),
            tier: 1,
            function: "taking payments".into(),
            depends_on: Vec::new(),
            regions: Vec::new(),
            policy: None,
            runbook: None,
        },
    );
    let room = Some(Address { channel: ChannelName::new("chat").unwrap(), to: "#money".into() });
    let team = Team { title: "Money".into(), members: Vec::new(), policy: PolicyName::new("money").unwrap(), room };
    book.teams.insert(owner, team);
    World { book, state: State::default(), now: "2026-03-01T10:00:00Z".parse().unwrap(), facts: Vec::new() }
}

impl World {
    fn ask(&mut self, actor: &str, command: Command) -> Result<Vec<&'static str>, Refusal> {
        let actor: Actor = actor.parse().unwrap();
        let context = Context { now: self.now, actor: &actor, book: &self.book, nonce: 1 };
        let events = Comms::decide(&self.state, &context, command)?;
        let kinds = events.iter().map(|event| event.kind()).collect();
        for event in events {
            let stamp = Stamp { seq: Seq(self.facts.len() as u64), at: self.now, actor: &actor };
            Comms::evolve(&mut self.state, stamp, &event);
            self.facts.push((self.now, actor.clone(), event));
        }
        Ok(kinds)
    }

    fn tell(&mut self, update: u32, stage: Stage, status: ComponentStatus) {
        self.ask("person:ada", draft(stage, status)).unwrap();
        self.ask("person:ada", publish(update)).unwrap();
    }

    fn component(&self) -> ComponentStatus {
        self.state.components(&self.book)[0].status
    }
}

fn draft(stage: Stage, status: ComponentStatus) -> Command {
    Command::Draft {
        notice: None,
        incident: Some(IncidentId(1)),
        title: "Card payments fail".into(),
        stage,
        text: format!("We are {stage}."),
        components: vec![(component(), status)],
        next_update_in: Some(Seconds::minutes(30)),
        sensitivity: Sensitivity::Internal,
    }
}

fn publish(update: u32) -> Command {
    Command::Publish { update: UpdateId(update), revision: None }
}

#[test]
fn co_1_only_what_was_published_is_public() {
    let mut w = world();
    w.ask("system:incidents", draft(Stage::Investigating, ComponentStatus::MajorOutage)).unwrap();
    assert_eq!(w.state.public().count(), 0);
    assert_eq!(w.component(), ComponentStatus::Operational);
    w.ask("person:ada", publish(1)).unwrap();
    let notice = w.state.public().next().unwrap();
    assert_eq!(notice.updates[0].text, "We are investigating.");
    assert_eq!(notice.next_update_at, Some(Seconds::minutes(30).after(w.now)));
    assert_eq!(w.component(), ComponentStatus::MajorOutage);
}

#[test]
fn co_2_and_3_somebody_publishes_and_it_stands() {
    let mut w = world();
    w.ask("system:incidents", draft(Stage::Investigating, ComponentStatus::Degraded)).unwrap();
    assert_eq!(w.ask("system:incidents", publish(1)), Err(Refusal::Unattended));
    let stale = Command::Publish { update: UpdateId(1), revision: Some(4) };
    assert_eq!(w.ask("person:ada", stale), Err(Refusal::Stale { update: UpdateId(1), read: 4, now: 0 }));
    w.ask("person:ada", publish(1)).unwrap();
    assert_eq!(w.ask("person:ada", publish(1)), Err(Refusal::Published(UpdateId(1))));
    assert_eq!(w.ask("person:ada", Command::Discard { update: UpdateId(1) }), Err(Refusal::Published(UpdateId(1))));
}

#[test]
fn co_4_5_and_7_a_notice_ends_and_is_reopened() {
    let mut w = world();
    w.tell(1, Stage::Investigating, ComponentStatus::PartialOutage);
    w.tell(2, Stage::Resolved, ComponentStatus::Operational);
    assert_eq!(w.state.notices().count(), 1, "one notice for the incident");
    assert_eq!(w.component(), ComponentStatus::Operational);
    let reopen = Command::Reopen { notice: NoticeId(1), why: "it is back".into() };
    assert_eq!(w.ask("person:ada", reopen.clone()).unwrap(), ["NoticeReopened"]);
    assert_eq!(w.ask("person:ada", reopen), Err(Refusal::NotResolved(NoticeId(1), "cannot be reopened")));
    let hurt = draft(Stage::Resolved, ComponentStatus::Degraded);
    assert_eq!(w.ask("person:ada", hurt), Err(Refusal::StillHurt(Stage::Resolved, component())));
}

#[test]
fn co_6_rooms_are_told_until_the_last_attempt() {
    let mut w = world();
    w.tell(1, Stage::Identified, ComponentStatus::Degraded);
    let asked = Comms::outstanding(&w.state, &w.book);
    assert_eq!(asked.iter().map(|d| d.address.to_string()).collect::<Vec<_>>(), ["chat to #money"]);
    let attempt = |last| Attempt { number: 1, at: w.now, outcome: Outcome::Accepted { by: "chat".into() }, last };
    let (early, last) = (attempt(false), attempt(true));
    let delivery = asked[0].id.clone();
    w.ask("system:delivery", Command::RecordAttempt { delivery: delivery.clone(), attempt: early }).unwrap();
    assert!(w.state.is_outstanding(&delivery));
    w.ask("system:delivery", Command::RecordAttempt { delivery: delivery.clone(), attempt: last }).unwrap();
    assert!(!w.state.is_outstanding(&delivery));
}

#[test]
fn co_8_a_replay_gives_the_same_state() {
    let mut w = world();
    w.tell(1, Stage::Investigating, ComponentStatus::MajorOutage);
    w.ask("person:ada", draft(Stage::Monitoring, ComponentStatus::Degraded)).unwrap();
    w.ask("person:ada", Command::Discard { update: UpdateId(2) }).unwrap();
    let mut again = State::default();
    for (seq, (at, actor, event)) in w.facts.iter().enumerate() {
        let bytes = serde_json::to_vec(event).unwrap();
        let event: Event = serde_json::from_slice(&bytes).unwrap();
        Comms::evolve(&mut again, Stamp { seq: Seq(seq as u64), at: *at, actor }, &event);
    }
    assert_eq!(again, w.state);
}

#[test]
fn plain_language_is_advised() {
    let rules = |text: &str| lint(text).into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
    assert_eq!(rules("Some card payments fail."), []);
    assert_eq!(rules("High latency upstream."), [LintRule::Jargon, LintRule::Jargon]);
    assert_eq!(rules("A mistake by an engineer."), [LintRule::Blame]);
    assert_eq!(rules("This will never happen again."), [LintRule::Promise]);
    assert_eq!(rules(&"word ".repeat(30)), [LintRule::LongSentence]);
    assert_eq!(rules("podium"), []);
}
