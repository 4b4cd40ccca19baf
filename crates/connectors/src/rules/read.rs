//! From a tree to a [`RuleFile`]. What can be read is read, so that one mistake does not hide another; what is wrong with a
//! rule refuses that rule, what is wrong with a group refuses the group.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use kernel::SourceName;
use kernel::book::rules::{Alerting, Expression, Group, Recording, Rule, RuleFile};

use super::field::{
    Entries, duration_of, expression, given, labels_of, list_of, map_of, number, place, refuse, text_of,
};
use super::{RULES_MAX, Refused, beyond, demand};
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::Node;

const GROUP_KEYS: [&str; 7] = ["name", "interval", "query_offset", "limit", "labels", "rules", "watchkeeper"];
/// What a file or a group may say beyond Prometheus.
const BEYOND_KEYS: [&str; 1] = ["source"];
const RULE_KEYS: [&str; 8] =
    ["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations", "watchkeeper"];

/// What was read of a file.
pub(super) struct Read {
    pub file: RuleFile,
    pub refused: Vec<Refused>,
    /// Whether everything that is wrong is about rules and groups that were refused.
    pub rest_is_sound: bool,
}

/// Reads a file's tree.
pub(super) fn file(path: &str, root: &Node, reader: &mut Reader<'_>) -> Read {
    let mut shelf = Shelf::default();
    let entries = reader.keys(root, &["groups", "watchkeeper"]).unwrap_or_default();
    let source = source(entries, reader);
    // As in Prometheus, an item that is nothing is none.
    for node in list_of(entries, "groups", reader).iter().filter(|node| !node.is_null()) {
        shelf.group(node, reader);
    }
    for group in shelf.groups.iter_mut().filter(|group| group.source.is_none()) {
        group.source.clone_from(&source);
    }
    Read {
        file: RuleFile { path: path.to_owned(), groups: shelf.groups },
        refused: shelf.refused,
        rest_is_sound: shelf.explained == reader.notes.len(),
    }
}

/// What was read so far.
#[derive(Default)]
struct Shelf {
    groups: Vec<Group>,
    refused: Vec<Refused>,
    /// How many notes are about what was refused.
    explained: usize,
    lines: BTreeMap<String, usize>,
    rules: usize,
}

impl Shelf {
    fn group(&mut self, node: &Node, reader: &mut Reader<'_>) {
        let before = reader.notes.len();
        let Some(entries) = reader.keys(node, &GROUP_KEYS) else { return };
        let mut group = Group {
            name: text_of(entries, "name", reader),
            at: place(node),
            interval: duration_of(entries, "interval", reader).filter(|interval| !interval.is_zero()),
            query_offset: duration_of(entries, "query_offset", reader),
            limit: limit(entries, reader),
            labels: labels_of(entries, "labels", reader),
            source: source(entries, reader),
            rules: Vec::new(),
        };
        self.name(&group, node, reader);
        let wrong = reader.notes.len() - before;
        for node in list_of(entries, "rules", reader).iter().filter(|node| !node.is_null()) {
            self.rule(node, &mut group, reader);
        }
        if wrong == 0 {
            self.groups.push(group);
        } else {
            self.explained += wrong;
            self.refused.push(Refused { group: group.name, rule: None, line: group.at.line });
        }
    }

    fn name(&mut self, group: &Group, node: &Node, reader: &mut Reader<'_>) {
        if group.name.is_empty() {
            let hint = "add `name:` with a name of its own";
            refuse(node.at, &demand::GROUP_NAME, "this group has no name".to_owned(), hint, reader);
        } else if let Some(first) = self.lines.insert(group.name.clone(), node.at.line) {
            let message = format!("the group `{}` is there twice, first on line {first}", group.name);
            refuse(node.at, &demand::GROUP_NAME, message, "give one of them another name", reader);
        }
    }

    fn rule(&mut self, node: &Node, group: &mut Group, reader: &mut Reader<'_>) {
        self.rules += 1;
        if self.rules > RULES_MAX {
            if self.rules == RULES_MAX + 1 {
                let message = format!("there are more than {RULES_MAX} rules in this file; the rest is not read");
                refuse(node.at, &demand::TOO_MUCH, message, "split the file", reader);
            }
            return;
        }
        let before = reader.notes.len();
        match rule(node, reader) {
            Ok(rule) if reader.notes.len() == before => group.rules.push(rule),
            Ok(rule) => self.refuse(group, rule.name(), node),
            Err(name) => self.refuse(group, &name, node),
        }
        self.explained += reader.notes.len() - before;
    }

    fn refuse(&mut self, group: &Group, name: &str, node: &Node) {
        self.refused.push(Refused { group: group.name.clone(), rule: Some(name.to_owned()), line: node.at.line });
    }
}

/// The source that a file or a group names.
fn source(entries: &Entries, reader: &mut Reader<'_>) -> Option<SourceName> {
    let node = given(entries, "watchkeeper")?;
    let entries = reader.keys(node, &BEYOND_KEYS)?;
    let written = text_of(entries, "source", reader);
    match SourceName::new(&written) {
        Ok(name) => Some(name),
        Err(wrong) => {
            refuse(node.at, &demand::BEYOND, wrong.to_string(), "write `watchkeeper: { source: NAME }`", reader);
            None
        }
    }
}

fn limit(entries: &Entries, reader: &mut Reader<'_>) -> Option<NonZeroU32> {
    let node = given(entries, "limit")?;
    let number = number(node, reader)?;
    if number.fract() != 0.0 || number.abs() > f64::from(u32::MAX) {
        let message = format!("`{number}` is not a limit");
        refuse(node.at, &demand::NUMBER, message, "write a whole number; 0 is no limit", reader);
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within bounds")]
    NonZeroU32::new(number.max(0.0) as u32)
}

/// One rule; its name where it could not be read far enough to be one, of which a note says more.
fn rule(node: &Node, reader: &mut Reader<'_>) -> Result<Rule, String> {
    let entries = reader.keys(node, &RULE_KEYS).ok_or_else(String::new)?;
    let (record, alert) = (text_of(entries, "record", reader), text_of(entries, "alert", reader));
    let name = if alert.is_empty() { record.clone() } else { alert.clone() };
    let at = place(node);
    let expr = expr(entries, &name, node, reader);
    match (record.is_empty(), alert.is_empty()) {
        (true, true) => {
            let hint = "add `alert:` or `record:` with a name";
            refuse(node.at, &demand::KIND, "this rule has neither `record` nor `alert`".to_owned(), hint, reader);
        }
        (false, false) => {
            let message = format!("this rule has both `record` ({record}) and `alert` ({alert})");
            refuse(node.at, &demand::KIND, message, "make two rules of it", reader);
        }
        (false, true) => check_recording(entries, &record, node, reader),
        (true, false) => {}
    }
    let labels = labels_of(entries, "labels", reader);
    let (expr, tree) = expr.ok_or_else(|| name.clone())?;
    if alert.is_empty() {
        return Ok(Rule::Recording(Recording { record, at, expr, labels }));
    }
    Ok(Rule::Alerting(alerting(entries, Alerting { alert, at, expr, labels, ..Alerting::default() }, &tree, reader)))
}

fn alerting(entries: &Entries, base: Alerting, tree: &promql::ast::Expr, reader: &mut Reader<'_>) -> Alerting {
    Alerting {
        hold: duration_of(entries, "for", reader).unwrap_or_default(),
        keep_firing: duration_of(entries, "keep_firing_for", reader).unwrap_or_default(),
        annotations: labels_of(entries, "annotations", reader),
        beyond: given(entries, "watchkeeper").and_then(|node| beyond::read(node, tree, reader)),
        ..base
    }
}

fn expr(
    entries: &Entries,
    name: &str,
    node: &Node,
    reader: &mut Reader<'_>,
) -> Option<(Expression, promql::ast::Expr)> {
    match given(entries, "expr") {
        Some(node) => expression(node, reader),
        None => {
            let message = format!("the rule `{name}` has no `expr`");
            refuse(node.at, &demand::EXPRESSION, message, "add `expr:` with a query", reader);
            None
        }
    }
}

fn check_recording(entries: &Entries, record: &str, node: &Node, reader: &mut Reader<'_>) {
    if record.contains(['{', '}']) {
        let message = format!("the recorded name `{record}` has braces");
        let hint = "the name stands alone; put labels under `labels`, a query under `expr`";
        refuse(node.at, &demand::RECORD_NAME, message, hint, reader);
    }
    let lasts = |name, reader: &mut Reader<'_>| duration_of(entries, name, reader).is_some_and(|d| !d.is_zero());
    let wrong = [
        ("annotations", !map_of(entries, "annotations", reader).is_empty()),
        ("for", lasts("for", reader)),
        ("keep_firing_for", lasts("keep_firing_for", reader)),
        ("watchkeeper", given(entries, "watchkeeper").is_some()),
    ];
    for (name, _) in wrong.iter().filter(|(_, wrong)| *wrong) {
        let at = given(entries, name).map_or(node.at, |given| given.at);
        let message = format!("the recording rule `{record}` has `{name}`");
        refuse(at, &demand::ALERTS_ONLY, message, "remove it, or make it an alerting rule", reader);
    }
}
