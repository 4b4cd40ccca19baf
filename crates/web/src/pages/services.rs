//! *Services*: what there is, who owns it, how it hangs together and how it is.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use engine::{Read, World};
use kernel::book::{Service, Target};
use kernel::{Book, ServiceName, Timestamp};

use super::frame::{Screen, frame, html, missing, stop};
use super::rows;
use super::view::service::{CheckRow, Edge, Map, Node, ServicePage, ServiceRow, ServicesPage};
use super::view::{Chip, Named, Tab, Tone};
use crate::session::Reader;
use crate::state::AppState;

/// The size of a service in a drawing, and the room between two.
const NODE: (i32, i32) = (148, 42);
const GAP: (i32, i32) = (60, 18);
/// How deep a chain of needs is drawn; a circle ends here.
const DEPTH_MAX: usize = 12;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/services", get(list)).route("/services/{name}", get(service))
}

async fn list(State(state): State<AppState>, Reader(session): Reader) -> Screen {
    let (chrome, session) = frame(&state, session.as_ref(), Tab::Services, "Services", "/services")?;
    let stopped = stop(&chrome);
    let page = state.engine.read(&session.actor(), Read::of("alerts:read"), |world| {
        let book = &world.book;
        let mut services: Vec<_> = book.services.iter().map(|(name, one)| row(world, name, one, chrome.now)).collect();
        services.sort_by_key(|row| row.tier);
        let all: Vec<&ServiceName> = book.services.keys().collect();
        ServicesPage { services, map: map(world, &all, None, chrome.now), chrome }
    });
    page.map(|page| html(&page)).map_err(stopped)
}

fn row(world: &World, name: &ServiceName, service: &Service, now: Timestamp) -> ServiceRow {
    let team = world.book.teams.get(&service.owner).map_or(service.owner.as_str(), |team| &team.title);
    ServiceRow {
        service: Named::new(name.as_str(), &service.title),
        tier: service.tier,
        function: service.function.clone(),
        owner: Named::new(service.owner.as_str(), team),
        on_call: on_call(world, service, now),
        state: state_of(world, name),
        regions: service.regions.clone(),
    }
}

/// Whoever the first step of its policy reaches now.
pub(super) fn on_call(world: &World, service: &Service, now: Timestamp) -> Option<Named> {
    let book = &world.book;
    let policy = book.policies.get(book.policy_of(service)?)?;
    let person = policy.steps.iter().flat_map(|step| &step.targets).find_map(|target| match target {
        Target::Person(name) => Some(name.clone()),
        Target::Schedule(name) => {
            let schedule = book.schedules.get(name)?;
            alerts::oncall::on_duty(schedule, world.alerts.overrides(name), now).map(|(name, _)| name)
        }
        Target::Team(_) | Target::Channel(_) => None,
    });
    person.map(|name| rows::person(book, &name))
}

fn state_of(world: &World, name: &ServiceName) -> Chip {
    // This chip is on every screen, so it tells nobody of what not everybody may know.
    if world.incidents.of_service(name).any(|incident| incident.sensitivity <= kernel::Sensitivity::Internal) {
        return Chip::new(Tone::Bad, "Incident");
    }
    let matcher = kernel::Matcher::new("service", kernel::matcher::Comparison::Equal, name.as_str());
    let firing = matcher.is_ok_and(|matcher| !world.alerts.find(&[matcher], 0, 1).0.is_empty());
    if firing { Chip::new(Tone::Warn, "Firing") } else { Chip::new(Tone::Ok, "Quiet") }
}

/// How deep a service stands: what needs nothing that is drawn stands at the right.
fn depths<'a>(book: &'a Book, drawn: &[&'a ServiceName]) -> BTreeMap<&'a ServiceName, usize> {
    let mut depths: BTreeMap<&ServiceName, usize> = drawn.iter().map(|name| (*name, 0)).collect();
    for _ in 0..DEPTH_MAX {
        let before = depths.clone();
        for name in drawn {
            let needs = book.services.get(*name).map_or(&[][..], |service| &service.depends_on);
            for need in needs.iter().filter(|need| before.contains_key(need)) {
                let deeper = before.get(name).map_or(0, |depth| depth + 1).min(DEPTH_MAX);
                if let Some((key, _)) = before.get_key_value(need) {
                    let depth = depths.entry(key).or_default();
                    *depth = (*depth).max(deeper);
                }
            }
        }
        if depths == before {
            break;
        }
    }
    depths
}

fn map(world: &World, drawn: &[&ServiceName], here: Option<&ServiceName>, now: Timestamp) -> Map {
    let (book, mut used) = (&world.book, BTreeMap::<usize, i32>::new());
    let mut places: BTreeMap<&ServiceName, (i32, i32)> = BTreeMap::new();
    for (name, depth) in depths(book, drawn) {
        let place = used.entry(depth).or_default();
        let column = i32::try_from(depth).unwrap_or_default();
        places.insert(name, (4 + column * (NODE.0 + GAP.0), 4 + *place * (NODE.1 + GAP.1)));
        *place += 1;
    }
    let node = |(name, (x, y)): (&&ServiceName, &(i32, i32))| {
        let service = book.services.get(*name)?;
        let sub = on_call(world, service, now).map_or_else(|| "nobody on call".to_owned(), |person| person.title);
        let (named, tone) = (Named::new(name.as_str(), &service.title), state_of(world, name).tone);
        Some(Node { service: named, sub, x: *x, y: *y, tone, here: here == Some(*name) })
    };
    let edges = places.iter().flat_map(|(name, from)| {
        let needs = book.services.get(*name).map_or(&[][..], |service| &service.depends_on);
        needs.iter().filter_map(|need| Some(edge(world, *from, *places.get(need)?, need))).collect::<Vec<_>>()
    });
    let far = |pick: fn(&(i32, i32)) -> i32| places.values().map(pick).max().unwrap_or_default();
    Map {
        width: far(|place| place.0) + NODE.0 + 4,
        height: far(|place| place.1) + NODE.1 + 4,
        edges: edges.collect(),
        nodes: places.iter().filter_map(node).collect(),
    }
}

/// A curve from the right edge of a service to the left edge of what it needs.
fn edge(world: &World, from: (i32, i32), to: (i32, i32), need: &ServiceName) -> Edge {
    let (x1, y1, x2, y2) = (from.0 + NODE.0, from.1 + NODE.1 / 2, to.0, to.1 + NODE.1 / 2);
    let middle = i32::midpoint(x1, x2);
    Edge { d: format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"), bad: state_of(world, need).tone != Tone::Ok }
}

async fn service(State(state): State<AppState>, Reader(session): Reader, Path(name): Path<ServiceName>) -> Screen {
    let (chrome, session) =
        frame(&state, session.as_ref(), Tab::Services, name.as_str(), &format!("/services/{name}"))?;
    let (stopped, gone) = (stop(&chrome), missing(&chrome, format!("The live watchbook has no service {name}")));
    let actor = session.actor();
    let reach = state.engine.reach(&actor, "incidents:read");
    let page = state.engine.read(&actor, Read::of("alerts:read"), |world| {
        let (book, service) = (&world.book, world.book.services.get(&name)?);
        let needed_by: Vec<&ServiceName> =
            book.services.iter().filter(|(_, one)| one.depends_on.contains(&name)).map(|(own, _)| own).collect();
        let near: Vec<&ServiceName> =
            service.depends_on.iter().chain(needed_by.iter().copied()).chain([&name]).collect();
        let policy = book.policy_of(service).and_then(|name| book.policies.get_key_value(name));
        let of_all = world.incidents.list().into_iter().filter(|incident| incident.services.contains(&name));
        let readable = of_all.filter(|incident| reach.shows(&incident.id.to_string(), incident.sensitivity));
        Some(ServicePage {
            row: row(world, &name, service, chrome.now),
            runbook: service.runbook.clone().filter(|link| link.starts_with("https://") || link.starts_with("http://")),
            policy: policy.map(|(name, policy)| Named::new(name.as_str(), &policy.title)),
            steps: policy
                .map_or_else(Vec::new, |(_, policy)| policy.steps.iter().map(|step| words(world, step)).collect()),
            duty: Vec::new(),
            map: map(world, &near, Some(&name), chrome.now),
            needs: service.depends_on.iter().map(|need| rows::service(book, need)).collect(),
            needed_by: needed_by.iter().map(|one| rows::service(book, one)).collect(),
            alerts: rows::groups(world, |of| of == Some(&name)),
            incidents: readable.take(20).map(|incident| rows::incident(book, incident)).collect(),
            changes: rows::changes(world, |of| of == Some(&name)),
            checks: book
                .checks
                .iter()
                .filter(|(_, check)| check.service == name)
                .map(|(own, one)| check(world, own, one))
                .collect(),
            chrome,
        })
    });
    page.map_err(stopped)?.map(|page| html(&page)).ok_or(gone)
}

fn words(world: &World, step: &kernel::book::Step) -> String {
    let targets: Vec<String> = step.targets.iter().map(|target| super::paging::target(world, target)).collect();
    format!("{}, then after {}", targets.join(", "), step.wait)
}

fn check(world: &World, name: &kernel::RuleName, check: &kernel::book::Check) -> CheckRow {
    let note = world.signals.check(name);
    let state = match note {
        None => Chip::new(Tone::Plain, "Not asked yet"),
        Some(note) if note.healthy => Chip::new(Tone::Ok, "Healthy"),
        Some(_) => Chip::new(Tone::Bad, "Failing"),
    };
    let why = note.filter(|note| !note.healthy).map_or_else(String::new, |note| note.reason.clone());
    CheckRow {
        name: name.to_string(),
        url: check.probe.subject(),
        state,
        why,
        latency_ms: note.map(|note| note.latency_ms),
    }
}
