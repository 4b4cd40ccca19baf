//! Checks that need the whole book: whether everybody who can be paged can be reached and can answer, whether every
//! alert finds somebody, whether services depend on each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use kernel::book::Target;
use kernel::book::probe::CHECKS_MAX;
use kernel::{PersonName, Role, ServiceName};

use super::build::Draft;
use super::finding::{Level, Note, Spot};
use super::rule::{self, Rule};
use super::shape::Sort;

/// Notes what is wrong with a book as a whole.
pub(super) fn weigh(draft: &Draft, root: Spot, notes: &mut Vec<Note>) {
    let mut scale = Scale { draft, root, notes };
    scale.people();
    scale.policies();
    scale.circles();
    scale.hooks();
    scale.checks();
    // What is missing from a book that could not be read whole may be in the part that was not read.
    if scale.notes.iter().all(|note| note.rule.level == Level::Warning) {
        scale.catch_all();
    }
}

struct Scale<'a> {
    draft: &'a Draft,
    /// Where to point at when a thing that should be there is not.
    root: Spot,
    notes: &'a mut Vec<Note>,
}

impl Scale<'_> {
    fn note(&mut self, (sort, name): (Sort, &str), rule: &'static Rule, message: String, hint: &str) {
        let at = self.draft.names.spot(sort, name).unwrap_or(self.root);
        self.notes.push(Note { at, rule, message, hint: Some(hint.to_owned()) });
    }

    fn people(&mut self) {
        let may = |role: &Role| matches!(role, Role::Responder | Role::Commander | Role::Administrator);
        let draft = self.draft;
        for (name, reason) in pageable(draft) {
            let Some(person) = draft.book.people.get(&name) else { continue };
            if person.contacts.is_empty() {
                let message = format!("`{name}` can be paged ({reason}) but has no contact");
                let hint = "add `contacts:` with `- mail: name@example.org`";
                self.note((Sort::Person, name.as_str()), &rule::NO_CONTACT, message, hint);
            }
            if !person.roles.iter().any(may) {
                let message = format!("`{name}` can be paged ({reason}) but has no role that may acknowledge");
                self.note(
                    (Sort::Person, name.as_str()),
                    &rule::CANNOT_ACKNOWLEDGE,
                    message,
                    "add `roles: [responder]`",
                );
            }
        }
    }

    fn policies(&mut self) {
        let machine = |target: &Target| matches!(target, Target::Channel(_));
        for (name, policy) in &self.draft.book.policies {
            if policy.steps.iter().flat_map(|step| &step.targets).all(machine) {
                let message = format!("`{name}` pages only machines and rooms, which cannot acknowledge");
                let hint = "add a step that pages a schedule or a person";
                self.note((Sort::Policy, name.as_str()), &rule::MACHINES_ONLY, message, hint);
            }
        }
    }

    fn catch_all(&mut self) {
        let book = &self.draft.book;
        let everything = book.severity.last().is_some_and(|last| last.when.is_empty() && last.tiers.is_none());
        let mut missing = |rule, message: &str, hint: &str| {
            self.notes.push(Note { at: self.root, rule, message: message.to_owned(), hint: Some(hint.to_owned()) });
        };
        if book.route.policy.is_none() {
            let message = "the root route has no policy: an alert that names no known service pages nobody";
            missing(&rule::NO_CATCH_ALL, message, "give `route:` in routes.yaml a `policy:`");
        }
        if !everything {
            let message = "the last severity rule does not match every alert: some have no severity";
            missing(&rule::NO_SEVERITY, message, "end severity.yaml with a rule that has no `when` and no `tiers`");
        }
    }

    fn circles(&mut self) {
        for circle in circles(self.draft) {
            let Some(first) = circle.first() else { continue };
            let way: Vec<&str> = circle.iter().chain([first]).map(ServiceName::as_str).collect();
            let message = format!("these services depend on each other in a circle: {}", way.join(" -> "));
            self.note(
                (Sort::Service, first.as_str()),
                &rule::CYCLE,
                message,
                "say which one can live without the other",
            );
        }
    }

    fn hooks(&mut self) {
        for (name, hook) in &self.draft.book.hooks {
            if !hook.labels.contains_key("alertname") {
                let message = format!("the alerts of `{name}` have no `alertname`");
                let hint = "add `alertname:` to its labels";
                self.note((Sort::Hook, name.as_str()), &rule::NO_ALERT_NAME, message, hint);
            }
        }
    }

    fn checks(&mut self) {
        let checks = &self.draft.book.checks;
        if let Some(name) = checks.keys().nth(CHECKS_MAX) {
            let left = checks.len() - CHECKS_MAX;
            let message =
                format!("there are {} health checks: `{name}` and all after it, {left}, do not run", checks.len());
            let hint = "remove checks, or let another program make them and beat";
            self.note((Sort::Check, name.as_str()), &rule::TOO_MANY_CHECKS, message, hint);
        }
    }
}

/// Everybody who can be paged, and one reason why.
fn pageable(draft: &Draft) -> BTreeMap<PersonName, String> {
    let book = &draft.book;
    let mut found = BTreeMap::new();
    let mut add = |person: &PersonName, reason: String| {
        found.entry(person.clone()).or_insert(reason);
    };
    for (name, schedule) in &book.schedules {
        for person in schedule.layers.iter().flat_map(|layer| &layer.people) {
            add(person, format!("schedule `{name}`"));
        }
    }
    for (name, policy) in &book.policies {
        for target in policy.steps.iter().flat_map(|step| &step.targets) {
            match target {
                Target::Person(person) => add(person, format!("policy `{name}`")),
                Target::Team(team) => {
                    let members = book.teams.get(team).map(|team| &*team.members).unwrap_or_default();
                    members.iter().for_each(|person| add(person, format!("team `{team}`")));
                }
                Target::Schedule(_) | Target::Channel(_) => {}
            }
        }
    }
    found
}

/// Circles of dependencies, found in depth; each service is told of in at most one. A service that depends on itself
/// is another rule's business.
fn circles(draft: &Draft) -> Vec<Vec<ServiceName>> {
    let services = &draft.book.services;
    let needs = |name: &ServiceName| services.get(name).map(|service| service.depends_on.iter()).unwrap_or_default();
    let (mut found, mut told, mut done) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for root in services.keys() {
        if !done.insert(root) {
            continue;
        }
        let mut way = vec![(root, needs(root))];
        while let Some((here, rest)) = way.last_mut() {
            let here = *here;
            match rest.next() {
                None => drop(way.pop()),
                Some(need) if need == here => {}
                Some(need) if done.insert(need) => way.push((need, needs(need))),
                Some(need) => {
                    let start = way.iter().position(|(name, _)| *name == need).unwrap_or(way.len());
                    let circle: Vec<_> = way.iter().skip(start).map(|(name, _)| (*name).clone()).collect();
                    if !circle.is_empty() && circle.iter().all(|name| told.insert(name.clone())) {
                        found.push(circle);
                    }
                }
            }
        }
    }
    found
}
