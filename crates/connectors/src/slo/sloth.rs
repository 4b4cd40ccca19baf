//! sloth's forms: `prometheus/v1`, the Kubernetes resource `PrometheusServiceLevel`, and `AlertWindows`. The two forms of
//! objectives differ in the style of their keys only; both styles are read in both.

use kernel::book::slo::{AlertWords, Alerting, Objective, Pace, Sli, Slo, Tier, Windows};

use super::field::{
    Entries, beyond, either, flag_of, given, labels_of, list_of, map_of, name_of, number, refuse, span, text_of,
    texts_of,
};
use super::{demand, keys};
use crate::watchbook::finding::Note;
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::{Key, Node};

const SPEC_KEYS: [&str; 7] = ["version", "service", "labels", "slos", "slo_plugins", "sloPlugins", "metadata"];
const SLO_KEYS: [&str; 8] = ["name", "description", "objective", "labels", "sli", "alerting", "plugins", "watchkeeper"];
/// The parts of plugins' names that change nothing in the rules.
const NO_EFFECT: &str = "sloth.dev/core/";
const INFO_LABELS: &str = "sloth.dev/contrib/info_labels/";
const RULE_INTERVALS: &str = "sloth.dev/contrib/rule_intervals/";

/// Objectives and their lines.
type Slos = Vec<(Slo, usize)>;

/// Reads a document of the form `prometheus/v1`.
pub(super) fn plain(root: &Node, _: &Entries, reader: &mut Reader<'_>) -> Slos {
    spec(root, "prometheus/v1", reader)
}

/// Reads a Kubernetes resource.
pub(super) fn kubernetes(root: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Slos {
    keys(root, &["apiVersion", "kind", "metadata", "spec", "status"], reader);
    match given(entries, "spec") {
        Some(node) => spec(node, "sloth.slok.dev/v1", reader),
        None => {
            refuse(root.at, &demand::FORM, "`spec` is missing".into(), "add `spec:` with `service` and `slos`", reader);
            Vec::new()
        }
    }
}

fn spec(node: &Node, form: &'static str, reader: &mut Reader<'_>) -> Slos {
    let Some(entries) = keys(node, &SPEC_KEYS, reader) else { return Vec::new() };
    let service = name_of(node, entries, "service", reader);
    let labels = labels_of(entries, "labels", reader);
    let shared = either(entries, ["slo_plugins", "sloPlugins"]);
    let mut slos = Vec::new();
    for node in list_of(entries, "slos", reader) {
        let Some(mut slo) = objective(node, form, reader) else { continue };
        let Some(service) = service.clone() else { continue };
        slo.service = service;
        let own = std::mem::replace(&mut slo.labels, labels.clone());
        slo.labels.extend(own);
        if let Some(shared) = shared {
            plugins(shared, &mut slo, reader);
        }
        // An objective's own plugins are read last, so that they win.
        if let Some(own) = reader.map(node).and_then(|entries| given(entries, "plugins")) {
            plugins(own, &mut slo, reader);
        }
        slos.push((slo, node.at.line));
    }
    slos
}

fn objective(node: &Node, form: &'static str, reader: &mut Reader<'_>) -> Option<Slo> {
    let entries = keys(node, &SLO_KEYS, reader)?;
    let name = name_of(node, entries, "name", reader);
    let objective = percent(node, entries, reader);
    let sli = sli(node, entries, reader);
    let alerting = alerting(entries, reader);
    let mut slo = Slo {
        service: String::new(),
        name: name?,
        description: text_of(entries, "description", reader).unwrap_or_default(),
        objective: objective?,
        period: None,
        labels: labels_of(entries, "labels", reader),
        info_labels: Default::default(),
        interval: None,
        form,
        sli: sli?,
        alerting,
        min_events: None,
        dropped: Default::default(),
    };
    beyond(entries, &mut slo, reader);
    Some(slo)
}

fn percent(node: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Option<Objective> {
    let Some(value) = given(entries, "objective") else {
        refuse(node.at, &demand::OBJECTIVE, "`objective` is missing".into(), "add it in percent, like 99.9", reader);
        return None;
    };
    let percent = number(value, reader)?;
    let objective = Objective::percent(percent);
    if objective.is_none() {
        let message = format!("{percent} percent is no objective: it leaves no error budget, or nothing else");
        refuse(value.at, &demand::OBJECTIVE, message, "write a number between 0 and 100, like 99.9", reader);
    }
    objective
}

fn sli(node: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Option<Sli> {
    let at = given(entries, "sli").map_or(node.at, |sli| sli.at);
    let sli = map_of(entries, "sli", &["events", "raw", "plugin"], reader).unwrap_or_default();
    let way = |(key, node): &&(Key, Node)| !node.is_null() && matches!(&*key.text, "events" | "raw" | "plugin");
    let ways: Vec<&(Key, Node)> = sli.iter().filter(way).collect();
    let [(key, way)] = ways.as_slice() else {
        let message = format!("an SLI has exactly one of `events`, `raw` and `plugin`, and here are {}", ways.len());
        refuse(at, &demand::SLI, message, "give `events` with `error_query` and `total_query`", reader);
        return None;
    };
    match key.text.as_str() {
        "events" => {
            let entries = keys(way, &["error_query", "total_query", "errorQuery", "totalQuery"], reader)?;
            let error = query(way, entries, ["error_query", "errorQuery"], reader);
            let total = query(way, entries, ["total_query", "totalQuery"], reader);
            Some(Sli::Events { error: error?, total: total? })
        }
        "raw" => {
            let entries = keys(way, &["error_ratio_query", "errorRatioQuery"], reader)?;
            query(way, entries, ["error_ratio_query", "errorRatioQuery"], reader).map(Sli::Ratio)
        }
        "plugin" => {
            let entries = keys(way, &["id", "options"], reader)?;
            let id = name_of(way, entries, "id", reader)?;
            Some(Sli::Plugin { id, options: texts_of(entries, "options", reader) })
        }
        _ => None,
    }
}

fn query(node: &Node, entries: &Entries, names: [&str; 2], reader: &mut Reader<'_>) -> Option<String> {
    let Some(value) = either(entries, names) else {
        let [name, _] = names;
        let hint = format!("add `{name}:`");
        refuse(node.at, &demand::SLI, format!("`{name}` is missing"), &hint, reader);
        return None;
    };
    reader.text(value).map(str::to_owned)
}

fn alerting(entries: &Entries, reader: &mut Reader<'_>) -> Alerting {
    const KEYS: [&str; 7] = ["name", "labels", "annotations", "page_alert", "ticket_alert", "pageAlert", "ticketAlert"];
    let Some(entries) = map_of(entries, "alerting", &KEYS, reader) else { return Alerting::default() };
    let name = text_of(entries, "name", reader).filter(|name| !name.trim().is_empty());
    let mut words = |names| either(entries, names).map(|node| alert_words(node, reader)).unwrap_or_default();
    let (page, ticket) = (words(["page_alert", "pageAlert"]), words(["ticket_alert", "ticketAlert"]));
    Alerting {
        name,
        labels: labels_of(entries, "labels", reader),
        annotations: texts_of(entries, "annotations", reader),
        page,
        ticket,
    }
}

fn alert_words(node: &Node, reader: &mut Reader<'_>) -> AlertWords {
    let Some(entries) = keys(node, &["disable", "labels", "annotations"], reader) else { return AlertWords::default() };
    AlertWords {
        disabled: flag_of(entries, "disable", reader),
        labels: labels_of(entries, "labels", reader),
        annotations: texts_of(entries, "annotations", reader),
    }
}

/// Applies what a chain of SLO plugins does, as far as it is known.
fn plugins(node: &Node, slo: &mut Slo, reader: &mut Reader<'_>) {
    let keys_known = ["chain", "overridePrevious", "override_previous"];
    let Some(entries) = keys(node, &keys_known, reader) else { return };
    for item in list_of(entries, "chain", reader) {
        let Some(plugin) = keys(item, &["id", "config", "priority"], reader) else { continue };
        let id = text_of(plugin, "id", reader).unwrap_or_default();
        let config = given(plugin, "config").and_then(|node| reader.map(node)).unwrap_or_default();
        if id.starts_with(INFO_LABELS) {
            slo.info_labels.extend(labels_of(config, "labels", reader));
        } else if id.starts_with(RULE_INTERVALS) {
            let interval = given(config, "interval").and_then(|node| reader.map(node)).unwrap_or_default();
            slo.interval = given(interval, "default").and_then(|node| span(node, reader)).or(slo.interval);
        } else if !id.starts_with(NO_EFFECT) {
            let message = format!("the SLO plugin `{id}` is not known, and what it does is left out");
            reader.notes.push(Note { at: item.at, rule: &demand::PLUGIN, message, hint: None });
        }
    }
}

/// Reads windows of one's own.
pub(super) fn windows(root: &Node, entries: &Entries, reader: &mut Reader<'_>) -> Option<Windows> {
    let Some(spec) = map_of(entries, "spec", &["sloPeriod", "page", "ticket"], reader) else {
        refuse(
            root.at,
            &demand::FORM,
            "`spec` is missing".into(),
            "add `spec:` with `sloPeriod`, `page` and `ticket`",
            reader,
        );
        return None;
    };
    let period = needed(root, spec, "sloPeriod", reader).and_then(|node| span(node, reader));
    let paces = Tier::ALL.map(|tier| {
        let (urgency, speed) = tier.word().split_once('_')?;
        let pair = needed(root, spec, urgency, reader).and_then(|node| keys(node, &["quick", "slow"], reader))?;
        needed(root, pair, speed, reader).and_then(|node| pace(node, reader))
    });
    let [Some(page_quick), Some(page_slow), Some(ticket_quick), Some(ticket_slow)] = paces else { return None };
    match Windows::new(period?, [page_quick, page_slow, ticket_quick, ticket_slow]) {
        Ok(windows) => Some(windows),
        Err(error) => {
            refuse(root.at, &demand::WINDOWS, error.to_string(), "compare with the published windows", reader);
            None
        }
    }
}

fn pace(node: &Node, reader: &mut Reader<'_>) -> Option<Pace> {
    let entries = keys(node, &["errorBudgetPercent", "shortWindow", "longWindow"], reader)?;
    let budget_percent = needed(node, entries, "errorBudgetPercent", reader).and_then(|node| number(node, reader));
    let short = needed(node, entries, "shortWindow", reader).and_then(|node| span(node, reader));
    let long = needed(node, entries, "longWindow", reader).and_then(|node| span(node, reader));
    Some(Pace { budget_percent: budget_percent?, short: short?, long: long? })
}

fn needed<'n>(node: &Node, entries: &'n Entries, name: &str, reader: &mut Reader<'_>) -> Option<&'n Node> {
    let value = given(entries, name);
    if value.is_none() {
        let hint = format!("add `{name}:`");
        refuse(node.at, &demand::WINDOWS, format!("`{name}` is missing"), &hint, reader);
    }
    value
}
