//! Who would be paged for an alert that begins now, and when, if nobody acknowledged and every message arrived. The same
//! routes, times, schedules and steps as in life; nothing is remembered and nobody is paged.

use kernel::book::{Book, EscalationPolicy};
use kernel::time::{Seconds, Timestamp};
use kernel::{Address, Labels, PersonName, PolicyName, ScheduleName, ServiceName, Severity};

use crate::escalate::{self, Call};
use crate::flush::SEVERITY_DEFAULT;
use crate::oncall::{self, Override};
use crate::route::{self, Trail, group_labels};
use crate::times::{self, Quiet};

/// The most calls of one run; a longer one is cut, and says so by [`Run::is_cut`].
pub const CALLS_MAX: usize = 500;

/// What one route does with an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The path of the route, as Alertmanager writes it.
    pub route: String,
    /// The labels by which it groups the alert.
    pub group: Labels,
    /// The service that the alert names, when the watchbook has it.
    pub service: Option<ServiceName>,
    /// The policy by which it pages; `None` where nothing names one.
    pub policy: Option<PolicyName>,
    /// Who names the policy.
    pub named_by: NamedBy,
    /// How bad the page would be.
    pub severity: Severity,
    /// How long the group waits.
    pub wait: Seconds,
    /// Why the route keeps quiet at the end of the wait, and until when.
    pub quiet: Option<Quiet>,
    /// Whom it calls, in order of time.
    pub calls: Vec<Called>,
    /// Whether there would be more calls than are told.
    pub is_cut: bool,
}

/// Where the policy of a page comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The route, or one above it.
    Route,
    /// The service, or the team that owns it.
    Service,
    /// The root of the tree, the catch-all.
    CatchAll,
    /// Nothing.
    Nobody,
}

/// One step of a policy, begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// When.
    pub at: Timestamp,
    /// Which step, from zero; `None` is the end of the policy, which calls the owner's whole team.
    pub step: Option<u32>,
    /// The round through the policy, from zero.
    pub round: u32,
    /// The people, each with the address of their first contact method.
    pub people: Vec<(PersonName, Address)>,
    /// Machines and rooms.
    pub machines: Vec<Address>,
    /// Who cannot be reached, and why.
    pub problems: Vec<String>,
}

/// Who would be paged for an alert with these labels that begins at an instant: one run for each route that it takes.
/// `overrides` tells the shifts that people took of a schedule.
#[must_use]
pub fn simulate<'o>(
    book: &Book,
    overrides: impl Fn(&ScheduleName) -> &'o [Override],
    labels: &Labels,
    at: Timestamp,
) -> Vec<Run> {
    let mut runs = Vec::new();
    let on_duty = |schedule: &ScheduleName, at: Timestamp| {
        let found = book.schedules.get(schedule)?;
        oncall::on_duty(found, overrides(schedule), at).map(|(person, _)| person)
    };
    route::walk(&book.route, labels, &mut |trail| runs.push(run(book, &on_duty, trail, labels, at)));
    runs
}

fn run(
    book: &Book,
    on_duty: &impl Fn(&ScheduleName, Timestamp) -> Option<PersonName>,
    trail: &Trail<'_>,
    labels: &Labels,
    at: Timestamp,
) -> Run {
    let route = trail.route;
    let service = book.service_of(labels).map(|(name, _)| name.clone());
    let policy = book.pages_by(route.policy.as_ref(), service.as_ref());
    let served = book.pages_by(None, service.as_ref());
    let named_by = match policy {
        None => NamedBy::Nobody,
        Some(_) if route.policy.is_some() && !std::ptr::eq(route, &raw const book.route) => NamedBy::Route,
        Some(_) if service.is_some() && served == policy => NamedBy::Service,
        Some(_) => NamedBy::CatchAll,
    };
    let waited = route.group_wait.after(at);
    let quiet = times::quiet(book, &route.times, waited);
    let mut run = Run {
        route: trail.text(),
        group: Labels::from_pairs(group_labels(route, labels)).unwrap_or_default(),
        severity: book.severity_of(labels).map_or(SEVERITY_DEFAULT, |rule| rule.severity),
        wait: route.group_wait,
        policy: policy.cloned(),
        named_by,
        service,
        calls: Vec::new(),
        is_cut: false,
        quiet,
    };
    let first = run.quiet.as_ref().map_or(waited, |quiet| quiet.until);
    let rest = |at: Timestamp| times::quiet(book, &route.times, at).map_or(at, |quiet| quiet.until);
    match policy.and_then(|name| book.policies.get(name)) {
        Some(policy) => run.climb(book, policy, on_duty, first, rest),
        None => run.exhaust(book, first, 0),
    }
    run
}

impl Run {
    /// Goes through a policy as the room does when nobody acknowledges.
    fn climb(
        &mut self,
        book: &Book,
        policy: &EscalationPolicy,
        on_duty: &impl Fn(&ScheduleName, Timestamp) -> Option<PersonName>,
        first: Timestamp,
        rest: impl Fn(Timestamp) -> Timestamp,
    ) {
        let (mut at, mut place) = (first, Some((0, 0)));
        while let Some((number, round)) = place {
            let Some(step) = policy.steps.get(number as usize) else { break };
            if self.calls.len() >= CALLS_MAX {
                self.is_cut = true;
                return;
            }
            let call = Call::of(book, step, |schedule| on_duty(schedule, at));
            let reaches = call.reaches();
            self.push(at, Some(number), round, call);
            place = escalate::next(policy, number, round);
            if reaches && place.is_none() && escalate::is_machine(step) {
                // Machines cannot acknowledge, so nothing follows them.
                return;
            }
            if reaches {
                at = rest(step.wait.after(at));
            }
        }
        let round = self.calls.last().map_or(0, |call| call.round);
        self.exhaust(book, at, round);
    }

    fn exhaust(&mut self, book: &Book, at: Timestamp, round: u32) {
        let call = Call::of_owner(book, self.service.as_ref());
        self.push(at, None, round, call);
    }

    fn push(&mut self, at: Timestamp, step: Option<u32>, round: u32, call: Call) {
        let Call { people, machines, problems } = call;
        self.calls.push(Called { at, step, round, people, machines, problems });
    }

    /// Whether anybody at all would be reached.
    #[must_use]
    pub fn reaches_somebody(&self) -> bool {
        self.calls.iter().any(|call| !call.people.is_empty())
    }
}
