//! Pages: one run of an escalation policy for one group, with the ledger of what was asked of whom. Not the rules of
//! escalation: see `escalate`.

use kernel::delivery::Outcome;
use kernel::time::{Seconds, Timestamp};
use kernel::{Actor, Address, Fingerprint, PersonName, PolicyName, ServiceName, Severity};
use serde::{Deserialize, Serialize};

use crate::event::{PageOpened, Says};
use crate::group::Retired;
use crate::id::{GroupKey, PageId};

/// The most requests that a page remembers; of those answered, the oldest go first.
pub const REQUESTS_KEPT_MAX: usize = 256;

/// A page, as it is remembered and as readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its number.
    pub id: PageId,
    /// The group it is for.
    pub group: GroupKey,
    /// The policy it runs; `None` when none was found.
    pub policy: Option<PolicyName>,
    /// How bad it is.
    pub severity: Severity,
    /// Why it is that bad.
    pub why: String,
    /// The service that the worst alert names.
    pub service: Option<ServiceName>,
    /// One line for people.
    pub title: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// Who had acknowledged it when it was closed, since when, and what they said.
    #[serde(default)]
    pub taken: Option<(Actor, Timestamp, String)>,
    /// The step that was begun last, from zero.
    pub step: u32,
    /// The round through the policy, from zero.
    pub round: u32,
    /// When the next step follows unless somebody acknowledges, or every alert is muted.
    pub escalates_at: Option<Timestamp>,
    /// What it told of last; at most [`crate::event::PAGE_ALERTS_MAX`].
    pub alerts: Vec<Fingerprint>,
    /// How many there were.
    pub count: u32,
    /// What it told of last as resolved.
    pub retired: Vec<Retired>,
    /// The ledger, in order of number.
    pub requests: Vec<Request>,
    /// The number of the next request.
    pub next_request: u32,
    /// When and why nobody was reached, the last time.
    pub nobody: Option<(Timestamp, String)>,
    /// How often an update is owed, when an incident is declared.
    pub update_every: Seconds,
    /// The group's labels and its route, kept for messages after the group is gone.
    pub group_labels: kernel::Labels,
    /// The path of the group's route.
    pub route: Box<str>,
}

/// Where a page stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// People or machines were told; somebody should acknowledge.
    Told,
    /// Somebody has it.
    Acknowledged {
        /// Who.
        by: Actor,
        /// Since when.
        at: Timestamp,
        /// What they said about it.
        note: String,
    },
    /// The policy has come to its end, and nobody acknowledged.
    Exhausted,
    /// All is resolved.
    Closed {
        /// Since when.
        at: Timestamp,
    },
}

/// One message that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its number within the page, from one.
    pub number: u32,
    /// When it was asked for.
    pub at: Timestamp,
    /// Who; `None` is a machine or a room.
    pub person: Option<PersonName>,
    /// Where.
    pub address: Address,
    /// The step of the policy.
    pub step: u32,
    /// The round through the policy.
    pub round: u32,
    /// Which of the person's contact methods.
    pub method: u32,
    /// What it says.
    pub says: Says,
    /// How many attempts are known.
    pub attempts: u32,
    /// What came of it.
    pub status: Status,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is on its way; the reason is of the last attempt, which failed, if there was one.
    Pending {
        /// Why the last attempt failed.
        reason: Option<String>,
    },
    /// The other side took it.
    Accepted {
        /// The server and its receipt.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// It will not be tried again.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Page {
    pub(crate) fn new(at: Timestamp, opened: &PageOpened, route: &str, group_labels: &kernel::Labels) -> Self {
        Self {
            id: opened.page,
            group: opened.group,
            policy: opened.policy.clone(),
            severity: opened.severity,
            why: opened.why.clone(),
            service: opened.service.clone(),
            title: opened.title.clone(),
            opened_at: at,
            phase: Phase::Told,
            taken: None,
            step: 0,
            round: 0,
            escalates_at: opened.due,
            alerts: opened.alerts.clone(),
            count: opened.count,
            retired: Vec::new(),
            requests: Vec::new(),
            next_request: 1,
            nobody: None,
            update_every: opened.update_every,
            group_labels: group_labels.clone(),
            route: route.into(),
        }
    }

    /// Whether alerts of its group still fire.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Closed { .. })
    }

    /// Whether somebody has it.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        matches!(self.phase, Phase::Acknowledged { .. })
    }

    /// Whether every message was finally answered.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !self.outstanding().any(|_| true)
    }

    /// The request of a number.
    #[must_use]
    pub fn request(&self, number: u32) -> Option<&Request> {
        let index = self.requests.binary_search_by_key(&number, |request| request.number).ok()?;
        self.requests.get(index)
    }

    pub(crate) fn request_mut(&mut self, number: u32) -> Option<&mut Request> {
        let index = self.requests.binary_search_by_key(&number, |request| request.number).ok()?;
        self.requests.get_mut(index)
    }

    /// The messages that should still be sent. Once a page is closed, nobody is told any more that it fires.
    pub fn outstanding(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().filter(|request| self.wants(request))
    }

    /// Whether a message of this page should still be sent.
    #[must_use]
    pub fn wants(&self, request: &Request) -> bool {
        request.is_pending() && (self.is_open() || request.says == Says::Closed)
    }

    /// Each address that was told that alerts fire, or is about to be, once, with the person behind it.
    #[must_use]
    pub fn told(&self) -> Vec<(Option<&PersonName>, &Address)> {
        let mut told: Vec<(Option<&PersonName>, &Address)> = Vec::new();
        let firing = |request: &&Request| request.says != Says::Closed && !request.is_failed();
        for request in self.requests.iter().filter(firing) {
            if told.iter().all(|(_, address)| **address != request.address) {
                told.push((request.person.as_ref(), &request.address));
            }
        }
        told
    }

    pub(crate) fn push_request(&mut self, request: Request) {
        self.next_request = self.next_request.max(request.number + 1);
        if self.requests.len() >= REQUESTS_KEPT_MAX {
            self.forget_request();
        }
        self.requests.push(request);
    }

    /// Forgets the oldest request that no rule needs: answered, and not the only one that told its address.
    fn forget_request(&mut self) {
        let told_again = |index: usize, request: &Request| {
            self.requests.iter().skip(index + 1).any(|other| other.address == request.address && !other.is_failed())
        };
        let spare = |(index, request): &(usize, &Request)| {
            !request.is_pending() && (request.is_failed() || told_again(*index, request))
        };
        if let Some((index, _)) = self.requests.iter().enumerate().find(spare) {
            self.requests.remove(index);
        }
    }
}

impl Request {
    /// Whether it is on its way.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        matches!(self.status, Status::Pending { .. })
    }

    /// Whether it will never arrive.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.status, Status::Failed { .. })
    }

    /// Notes what came of an attempt.
    pub(crate) fn note(&mut self, attempt: &kernel::delivery::Attempt) {
        self.attempts = self.attempts.max(attempt.number);
        self.status = match &attempt.outcome {
            Outcome::Accepted { by } => Status::Accepted { by: by.clone(), at: attempt.at },
            Outcome::Refused { reason } => Status::Failed { reason: reason.clone() },
            Outcome::Failed { reason, .. } if attempt.last => Status::Failed { reason: reason.clone() },
            Outcome::Failed { reason, .. } => Status::Pending { reason: Some(reason.clone()) },
        };
    }
}
