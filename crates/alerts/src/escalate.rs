//! Escalation: whom a step of a policy pages, what follows when that is not enough, and what came of a message. A step
//! that leads to nobody is left at once, and loudly.

use kernel::area::Context;
use kernel::book::{Book, EscalationPolicy, Step, Target};
use kernel::delivery::{Attempt, Outcome};
use kernel::time::Timestamp;
use kernel::{Address, DeliveryId, PersonName, PolicyName, ScheduleName, ServiceName};

use crate::draft::Draft;
use crate::event::{Escalation, Event, Says};
use crate::id::PageId;
use crate::page::{Page, Phase, Request};
use crate::refusal::Refusal;
use crate::state::State;

/// The most steps that one decision goes through because each of them leads to nobody.
pub const ESCALATIONS_AT_ONCE_MAX: usize = 64;

/// Asks for the messages of one page, within a decision.
pub(crate) struct Pager<'d, 'a> {
    draft: &'d mut Draft<'a>,
    page: PageId,
    number: u32,
    service: Option<ServiceName>,
    step: u32,
    round: u32,
}

/// Whom a step leads to.
#[derive(Default)]
pub(crate) struct Call {
    pub people: Vec<(PersonName, Address)>,
    pub machines: Vec<Address>,
    /// Why some of its people cannot be reached.
    pub problems: Vec<String>,
}

impl Call {
    /// Whether it reaches whom it is meant for: a person, unless it is meant for machines only.
    pub(crate) fn reaches(&self) -> bool {
        !self.people.is_empty() || self.problems.is_empty() && !self.machines.is_empty()
    }

    fn why(&self) -> String {
        if self.problems.is_empty() { "the step has no targets".to_owned() } else { self.problems.join("; ") }
    }

    /// Whom a step leads to, with whom each schedule has on duty.
    pub(crate) fn of(book: &Book, step: &Step, mut on_duty: impl FnMut(&ScheduleName) -> Option<PersonName>) -> Self {
        let mut call = Self::default();
        for target in &step.targets {
            match target {
                Target::Person(person) => call.add(book, person),
                Target::Schedule(schedule) => match on_duty(schedule) {
                    Some(person) => call.add(book, &person),
                    None => call.problems.push(format!("schedule {schedule} has nobody on duty")),
                },
                Target::Team(team) => match book.teams.get(team).filter(|team| !team.members.is_empty()) {
                    Some(team) => team.members.iter().for_each(|person| call.add(book, person)),
                    None => call.problems.push(format!("team {team} has no members")),
                },
                Target::Channel(address) if call.machines.contains(address) => {}
                Target::Channel(address) => call.machines.push(address.clone()),
            }
        }
        call
    }

    /// The whole team that owns a service: whom the end of a policy leads to.
    pub(crate) fn of_owner(book: &Book, service: Option<&ServiceName>) -> Self {
        let owner = service.and_then(|name| book.services.get(name)).map(|service| &service.owner);
        let mut call = Self::default();
        if let Some(team) = owner.and_then(|owner| book.teams.get(owner)) {
            team.members.iter().for_each(|person| call.add(book, person));
        }
        call
    }

    /// Adds a person by their first contact method, unless the step has them already.
    fn add(&mut self, book: &Book, person: &PersonName) {
        if self.people.iter().any(|(other, _)| other == person) {
            return;
        }
        match book.people.get(person).and_then(|found| found.contacts.first()) {
            Some(address) => self.people.push((person.clone(), address.clone())),
            None => self.problems.push(format!("{person} has no contact method")),
        }
    }
}

pub(crate) fn is_machine(step: &Step) -> bool {
    step.targets.iter().all(|target| matches!(target, Target::Channel(_)))
}

/// The step and the round that follow, if any. A policy that speaks to machines only is never gone through again.
pub(crate) fn next(policy: &EscalationPolicy, step: u32, round: u32) -> Option<(u32, u32)> {
    if step as usize + 1 < policy.steps.len() {
        return Some((step + 1, round));
    }
    let again = round < u32::from(policy.repeat) && !policy.steps.iter().all(is_machine);
    again.then_some((0, round + 1))
}

impl<'a> Draft<'a> {
    pub(crate) fn pager<'d>(&'d mut self, page: PageId, number: u32, service: Option<ServiceName>) -> Pager<'d, 'a> {
        Pager { draft: self, page, number, service, step: 0, round: 0 }
    }

    /// When the step after this one follows unless somebody acknowledges. Machines at the end of a policy cannot
    /// acknowledge, so nothing follows them.
    pub(crate) fn due_of(&self, policy: Option<&PolicyName>, step: u32, round: u32) -> Option<Timestamp> {
        let policy = self.context.book.policies.get(policy?)?;
        let current = policy.steps.get(step as usize)?;
        let ends = is_machine(current) && next(policy, step, round).is_none();
        (!ends).then(|| current.wait.after(self.now()))
    }
}

impl Pager<'_, '_> {
    /// Goes on from a step that was begun earlier.
    pub(crate) fn at(&mut self, step: u32, round: u32) {
        (self.step, self.round) = (step, round);
    }

    /// Begins a policy at its first step.
    pub(crate) fn begin(&mut self, policy: Option<&PolicyName>) {
        let book = self.draft.context.book;
        match policy.map(|name| (name, book.policies.get(name))) {
            Some((_, Some(policy))) => self.call_on(policy),
            Some((name, None)) => self.exhaust(format!("the escalation policy {name} is not in the watchbook")),
            None => self.exhaust("no route, service or team names an escalation policy for it".to_owned()),
        }
    }

    /// Begins the step after the one that was begun last.
    pub(crate) fn escalate(&mut self, policy: Option<&PolicyName>, why: Escalation) {
        let book = self.draft.context.book;
        let Some(policy) = policy.and_then(|name| book.policies.get(name)) else {
            return self.exhaust("its escalation policy is not in the watchbook any more".to_owned());
        };
        match self.go_on(policy, why) {
            true => self.call_on(policy),
            false => self.exhaust(format!("{why}, and the policy has come to its end")),
        }
    }

    /// Moves to the next step, if there is one.
    fn go_on(&mut self, policy: &EscalationPolicy, why: Escalation) -> bool {
        let Some((step, round)) = next(policy, self.step, self.round) else { return false };
        self.at(step, round);
        let due = policy.steps.get(step as usize).and_then(|current| {
            let ends = is_machine(current) && next(policy, step, round).is_none();
            (!ends).then(|| current.wait.after(self.draft.now()))
        });
        self.draft.facts.push(Event::PageEscalated { page: self.page, step, round, why, due });
        true
    }

    /// Pages the targets of the present step, and of those after it for as long as each leads to nobody.
    fn call_on(&mut self, policy: &EscalationPolicy) {
        for _ in 0..ESCALATIONS_AT_ONCE_MAX {
            let call = policy.steps.get(self.step as usize).map_or_else(Call::default, |step| self.targets(step));
            let (reaches, why) = (call.reaches(), call.why());
            self.send(call);
            if reaches {
                return;
            }
            self.draft.facts.push(Event::NobodyReached { page: self.page, why, exhausted: false });
            if !self.go_on(policy, Escalation::NobodyOnDuty) {
                break;
            }
        }
        self.exhaust("no step of the policy leads to anybody".to_owned());
    }

    /// The policy has come to its end: this is said loudly, and the whole team that owns the service is paged, once.
    fn exhaust(&mut self, why: String) {
        let book = self.draft.context.book;
        let page = self.page;
        self.draft.facts.push(Event::NobodyReached { page, why, exhausted: true });
        self.step = self.step.saturating_add(1);
        self.send(Call::of_owner(book, self.service.as_ref()));
    }

    fn targets(&mut self, step: &Step) -> Call {
        let book = self.draft.context.book;
        Call::of(book, step, |schedule| self.draft.on_duty(schedule))
    }

    fn send(&mut self, call: Call) {
        for (person, address) in call.people {
            self.request(Some(person), address, 0, Says::Firing);
        }
        for address in call.machines {
            self.request(None, address, 0, Says::Firing);
        }
    }

    /// Asks for one message.
    pub(crate) fn request(&mut self, person: Option<PersonName>, address: Address, method: u32, says: Says) {
        let delivery = self.page.delivery(self.number);
        self.number += 1;
        let (page, step, round) = (self.page, self.step, self.round);
        self.draft.facts.push(Event::PageRequested { page, delivery, person, address, step, round, method, says });
    }
}

/// Decides `RecordAttempt`. A failure sends the message by the person's next contact method at once, while the first
/// goes on being tried; when nothing of a step can arrive any more, the next step begins at once.
pub(crate) fn record_attempt(
    state: &State,
    context: &Context<'_>,
    delivery: DeliveryId,
    attempt: Attempt,
) -> Result<Vec<Event>, Refusal> {
    let found = PageId::of_delivery(&delivery).and_then(|(id, number)| {
        let page = state.pages.get(&id)?;
        Some((page, page.request(number)?))
    });
    let Some((page, request)) = found else {
        return Err(Refusal::DeliveryUnknown(delivery));
    };
    if attempt.number <= request.attempts {
        return Ok(Vec::new());
    }
    let mut draft = Draft::new(state, context);
    let failed = !matches!(attempt.outcome, Outcome::Accepted { .. });
    let mut after = request.clone();
    after.note(&attempt);
    draft.facts.push(Event::PageAttempted { page: page.id, delivery, attempt });
    let waits = matches!(page.phase, Phase::Told | Phase::Exhausted) && request.says != Says::Closed;
    if failed && waits {
        let mut pager = draft.pager(page.id, page.next_request, page.service.clone());
        pager.at(page.step, page.round);
        let elsewhere = pager.fall_back(page, request);
        if !elsewhere && after.is_failed() && is_lost(page, request.number) && is_current(page, request) {
            pager.give_up_step(page);
        }
    }
    Ok(draft.finish())
}

fn is_current(page: &Page, request: &Request) -> bool {
    (request.step, request.round) == (page.step, page.round) && request.says != Says::Closed
}

/// Whether nothing of the present step can arrive any more, the request of this number having failed.
fn is_lost(page: &Page, number: u32) -> bool {
    let current = page.requests.iter().filter(|request| is_current(page, request));
    current.into_iter().all(|request| request.is_failed() || request.number == number)
}

impl Pager<'_, '_> {
    /// Tries a person's next contact method, unless it was tried in this step.
    fn fall_back(&mut self, page: &Page, failed: &Request) -> bool {
        let Some(person) = &failed.person else { return false };
        let method = failed.method + 1;
        let known = self.draft.context.book.people.get(person);
        let Some(address) = known.and_then(|known| known.contacts.get(method as usize)) else { return false };
        let place = (failed.step, failed.round);
        let tried = page.requests.iter().any(|request| {
            request.person.as_ref() == Some(person)
                && (request.step, request.round) == place
                && request.method >= method
                && request.number > failed.number
        });
        if tried || failed.says != Says::Firing {
            return false;
        }
        let here = (self.step, self.round);
        self.at(failed.step, failed.round);
        self.request(Some(person.clone()), address.clone(), method, Says::Firing);
        self.at(here.0, here.1);
        true
    }

    fn give_up_step(&mut self, page: &Page) {
        match page.phase {
            Phase::Told => self.escalate(page.policy.as_ref(), Escalation::NotDelivered),
            _ => self.draft.facts.push(Event::NobodyReached {
                page: page.id,
                why: "no message to the owner's whole team could be delivered".to_owned(),
                exhausted: true,
            }),
        }
    }
}
