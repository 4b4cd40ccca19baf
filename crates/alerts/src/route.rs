//! Routing: which routes of the watchbook's tree an alert takes, and so to which groups it belongs. As in Alertmanager:
//! the first child that matches wins, unless it says `proceed`; a node of whose children none matches keeps the alert.

use kernel::book::Route;
use kernel::time::Timestamp;
use kernel::{Labels, PolicyName};

use crate::draft::Draft;
use crate::event::{GroupOpened, Membership};
use crate::hash;
use crate::id::GroupKey;
use crate::inhibit::{all_hold, matchers_hash};

/// What stands alone in `group_by` to say "by all labels".
pub const ALL_LABELS: &str = "...";
/// How deep the tree may be; deeper children are not looked at.
pub const DEPTH_MAX: usize = 64;
/// How many keys are tried when two different groups have one hash.
const PROBES_MAX: u64 = 8;

/// The way from the root to a route.
pub(crate) struct Trail<'a> {
    pub route: &'a Route,
    parent: Option<&'a Trail<'a>>,
    hash: u64,
    depth: usize,
}

impl Trail<'_> {
    /// The path as Alertmanager writes it: `{}/{team="shop"}`.
    pub(crate) fn text(&self) -> String {
        let matchers: Vec<String> = self.route.matchers.iter().map(ToString::to_string).collect();
        let here = format!("{{{}}}", matchers.join(","));
        self.parent.map_or_else(|| here.clone(), |parent| format!("{}/{here}", parent.text()))
    }
}

/// Visits each route that an alert takes, in order.
pub(crate) fn walk(root: &Route, labels: &Labels, visit: &mut dyn FnMut(&Trail<'_>)) {
    let trail = Trail { route: root, parent: None, hash: hash::EMPTY, depth: 0 };
    descend(&trail, labels, visit);
}

fn descend(trail: &Trail<'_>, labels: &Labels, visit: &mut dyn FnMut(&Trail<'_>)) {
    let mut taken = false;
    if trail.depth < DEPTH_MAX {
        for route in trail.route.routes.iter().filter(|route| all_hold(&route.matchers, labels)) {
            taken = true;
            let hash = matchers_hash(trail.hash, &route.matchers);
            descend(&Trail { route, parent: Some(trail), hash, depth: trail.depth + 1 }, labels, visit);
            if !route.proceed {
                break;
            }
        }
    }
    if !taken {
        visit(trail);
    }
}

/// The labels by which a route groups an alert.
pub(crate) fn group_labels<'a>(route: &'a Route, labels: &'a Labels) -> impl Iterator<Item = (&'a str, &'a str)> {
    let all = route.group_by.iter().any(|name| name == ALL_LABELS);
    labels.iter().filter(move |(name, _)| all || route.group_by.iter().any(|by| by == name))
}

impl Draft<'_> {
    /// The groups to which an alert belongs, each once.
    pub(crate) fn memberships(&self, labels: &Labels, starts_at: Timestamp) -> Vec<Membership> {
        let mut memberships: Vec<Membership> = Vec::with_capacity(1);
        walk(&self.context.book.route, labels, &mut |trail| {
            let membership = self.membership(trail, labels, starts_at);
            if memberships.iter().all(|other| other.group != membership.group) {
                memberships.push(membership);
            }
        });
        memberships
    }

    fn membership(&self, trail: &Trail<'_>, labels: &Labels, starts_at: Timestamp) -> Membership {
        let route = trail.route;
        let policy = route.policy.as_ref().map_or("", PolicyName::as_str);
        let seed = hash::text(trail.hash, policy);
        let pairs = group_labels(route, labels);
        let hash = pairs.fold(seed, |seed, (name, value)| hash::text(hash::text(seed, name), value));
        let mut key = GroupKey(hash);
        for probe in 0..PROBES_MAX {
            key = GroupKey(hash.wrapping_add(probe));
            let known = self.state.group_of(key).map(|group| &group.labels);
            match known.or_else(|| self.opening(key).map(|opens| &opens.labels)) {
                Some(known) if known.iter().eq(group_labels(route, labels)) => {
                    return Membership { group: key, opens: None };
                }
                Some(_) => {}
                None => break,
            }
        }
        let opens = self.open_group(trail, labels, starts_at);
        Membership { group: key, opens: Some(Box::new(opens)) }
    }

    /// A group that opens. When its first alert has fired for longer than the group would wait, it does not wait.
    fn open_group(&self, trail: &Trail<'_>, labels: &Labels, starts_at: Timestamp) -> GroupOpened {
        let (route, now) = (trail.route, self.now());
        let waited = route.group_wait.after(starts_at) <= now;
        GroupOpened {
            route: trail.text().into(),
            labels: Labels::from_pairs(group_labels(route, labels)).unwrap_or_default(),
            flush_at: if waited { now } else { route.group_wait.after(now) },
            interval: route.group_interval,
            repeat: route.repeat_interval,
            policy: route.policy.clone(),
            times: route.times.clone(),
        }
    }
}
