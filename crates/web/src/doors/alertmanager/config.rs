//! The routing part of the live watchbook in Alertmanager's words, so that `amtool config routes` works. Written as JSON,
//! which is YAML too.

use kernel::book::{Inhibition, Route};
use kernel::{Book, Matcher, Seconds};
use serde_json::{Map, Value, json};

/// The receiver of what no policy pages for.
pub(super) const NOBODY: &str = "nobody";
/// The receiver of a route that leaves the policy to the service that an alert names.
const BY_SERVICE: &str = "policy-of-the-service";

/// Every receiver that an alert, a group or a route may name.
pub(super) fn receivers(book: &Book) -> Vec<Value> {
    let policies = book.policies.keys().map(kernel::PolicyName::as_str);
    policies.chain([BY_SERVICE, NOBODY]).map(|name| json!({ "name": name })).collect()
}

/// The configuration as text.
pub(super) fn written(book: &Book) -> String {
    let receivers = receivers(book);
    let inhibitions: Vec<Value> = book.inhibitions.iter().map(inhibition).collect();
    let whole = json!({ "route": route(&book.route), "receivers": receivers, "inhibit_rules": inhibitions });
    let commit = book.commit.as_deref().unwrap_or("none");
    format!("# watchbook {} (commit {commit})\n{whole:#}\n", book.digest)
}

fn route(of: &Route) -> Value {
    let mut map = Map::new();
    let receiver = of.policy.as_ref().map_or(BY_SERVICE, kernel::PolicyName::as_str);
    map.insert("receiver".into(), receiver.into());
    map.insert("group_wait".into(), of.group_wait.to_string().into());
    for (name, span) in [("group_interval", of.group_interval), ("repeat_interval", of.repeat_interval)] {
        // Alertmanager refuses zero there.
        if span > Seconds::ZERO {
            map.insert(name.into(), span.to_string().into());
        }
    }
    if !of.group_by.is_empty() {
        map.insert("group_by".into(), of.group_by.clone().into());
    }
    if !of.matchers.is_empty() {
        map.insert("matchers".into(), matchers(&of.matchers));
    }
    if of.proceed {
        map.insert("continue".into(), true.into());
    }
    if !of.routes.is_empty() {
        map.insert("routes".into(), of.routes.iter().map(route).collect());
    }
    Value::Object(map)
}

fn inhibition(of: &Inhibition) -> Value {
    json!({ "source_matchers": matchers(&of.source), "target_matchers": matchers(&of.target), "equal": of.equal })
}

fn matchers(of: &[Matcher]) -> Value {
    of.iter().map(ToString::to_string).collect()
}
