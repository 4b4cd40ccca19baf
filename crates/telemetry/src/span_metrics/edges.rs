//! Edges: which service calls which. A request has two halves, the span of the caller and the span of the called below it;
//! they come apart, in either order, and the first one waits for the other.

use std::collections::VecDeque;
use std::mem;

use hashbrown::{HashMap, HashSet};
use kernel::{Labels, Seconds, Span, Timestamp, time};

use super::{Count, Named, OVERFLOW, cut, labels};

/// The most halves that wait, or waited a moment ago; further ones are dropped, which is counted.
pub(super) const WAITING_MAX: usize = 100_000;
/// The most places in their order, those of paired halves counted, before these are tidied away.
const PLACES_MAX: usize = 2 * WAITING_MAX;
/// How long a half waits for the other one.
pub(super) const WAITS_FOR: Seconds = Seconds(30);

/// Which half of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Side {
    Client,
    Server,
}

/// A request: the trace and the caller's span, as numbers.
type Request = (u128, u64);

/// One half of a request.
#[derive(Debug)]
pub(super) struct Half {
    side: Side,
    request: Request,
    service: String,
    failed: bool,
}

impl Half {
    /// The half that a span is; `None` for work within a service.
    pub(super) fn of(span: &Span) -> Option<Self> {
        let (side, caller) = match span.kind {
            2 | 5 => (Side::Server, &span.parent),
            3 | 4 => (Side::Client, &span.id),
            _ => return None,
        };
        let request = (u128::from_str_radix(&span.trace, 16).ok()?, u64::from_str_radix(caller, 16).ok()?);
        let service = cut(span.origin.service()).to_owned();
        Some(Self { side, request, service, failed: span.status == 2 })
    }
}

/// Two services of which one calls the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    client: String,
    server: String,
}

impl Named for Edge {
    fn series(of: Option<&Self>) -> Vec<Labels> {
        let named = of.map(|edge| [("client", &*edge.client), ("server", &*edge.server)]);
        let pairs = named.as_ref().map_or(&[OVERFLOW][..], |named| &named[..]);
        let metrics = ["traces_service_graph_request_total", "traces_service_graph_request_failed_total"];
        metrics.map(|metric| labels(metric, pairs)).into()
    }
}

/// The requests of one edge.
#[derive(Debug, Default)]
pub(super) struct Requests {
    count: u64,
    failed: u64,
}

impl Requests {
    pub(super) fn one(failed: bool) -> Self {
        Self { count: 1, failed: u64::from(failed) }
    }
}

impl Count for Requests {
    fn values(&self) -> Vec<f64> {
        vec![self.count as f64, self.failed as f64]
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.failed += other.failed;
    }
}

/// Halves that came to no edge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Strays {
    /// The other half did not come in time.
    unpaired: u64,
    /// Too many waited.
    dropped: u64,
}

impl Named for () {
    fn series(_: Option<&Self>) -> Vec<Labels> {
        let metrics = ["traces_service_graph_unpaired_spans_total", "traces_service_graph_dropped_spans_total"];
        metrics.map(|metric| labels(metric, &[])).into()
    }
}

impl Count for Strays {
    fn values(&self) -> Vec<f64> {
        vec![self.unpaired as f64, self.dropped as f64]
    }

    fn add(&mut self, other: &Self) {
        self.unpaired += other.unpaired;
        self.dropped += other.dropped;
    }
}

/// Halves that wait.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    waiting: HashMap<(Side, Request), Half>,
    /// In the order in which they came; some of them are paired already.
    order: VecDeque<(Timestamp, Side, Request)>,
    strays: Strays,
}

impl Pairs {
    /// Takes a half in. Gives the edge that it completes, and whether the request failed on either side.
    pub(super) fn take(&mut self, half: Half, now: Timestamp) -> Option<(Edge, bool)> {
        self.let_go(now);
        let other = if half.side == Side::Client { Side::Server } else { Side::Client };
        if let Some(other) = self.waiting.remove(&(other, half.request)) {
            let failed = half.failed || other.failed;
            let (client, server) = if half.side == Side::Client { (half, other) } else { (other, half) };
            return Some((Edge { client: client.service, server: server.service }, failed));
        }
        if self.order.len() >= PLACES_MAX {
            self.tidy();
        }
        if self.waiting.len() >= WAITING_MAX {
            self.strays.dropped += 1;
            return None;
        }
        let (side, request) = (half.side, half.request);
        if self.waiting.insert((side, request), half).is_some() {
            self.strays.unpaired += 1;
        }
        self.order.push_back((now, side, request));
        None
    }

    /// Leaves only one place to each half that waits.
    fn tidy(&mut self) {
        let (waiting, mut seen) = (&self.waiting, HashSet::new());
        self.order.retain(|(_, side, request)| {
            let key = (*side, *request);
            waiting.contains_key(&key) && seen.insert(key)
        });
    }

    /// Lets go of those that waited long enough, and of the places of those that were paired.
    fn let_go(&mut self, now: Timestamp) {
        while let Some((since, side, request)) = self.order.front() {
            let key = (*side, *request);
            if time::between(*since, now) < WAITS_FOR && self.waiting.contains_key(&key) {
                return;
            }
            self.strays.unpaired += u64::from(self.waiting.remove(&key).is_some());
            self.order.pop_front();
        }
    }

    /// How many halves came to no edge since this was last asked.
    pub(super) fn strays(&mut self, now: Timestamp) -> Strays {
        self.let_go(now);
        mem::take(&mut self.strays)
    }
}
