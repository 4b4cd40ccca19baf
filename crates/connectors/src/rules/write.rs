//! Rule files written, so that [`super::check`] reads the same again: what a person would write, and text between quotes
//! wherever YAML could take it for something else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use kernel::book::Threshold;
use kernel::book::rules::{Alerting, Beyond, Group, OnMissing, Recovery, Rule};

use super::duration;

/// Writes groups as a rule file.
#[must_use]
pub fn to_yaml(groups: &[Group]) -> String {
    let mut page = Page(String::from("groups:\n"));
    groups.iter().for_each(|group| page.group(group));
    page.0
}

/// A file in the making.
struct Page(String);

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.0, "{:indent$}{text}", "");
    }

    fn group(&mut self, group: &Group) {
        self.line(2, &format!("- name: {}", scalar(&group.name)));
        if let Some(interval) = group.interval {
            self.line(4, &format!("interval: {}", duration::written(interval)));
        }
        if let Some(offset) = group.query_offset {
            self.line(4, &format!("query_offset: {}", duration::written(offset)));
        }
        if let Some(limit) = group.limit {
            self.line(4, &format!("limit: {limit}"));
        }
        self.map(4, "labels", &group.labels);
        self.line(4, "rules:");
        group.rules.iter().for_each(|rule| self.rule(rule));
    }

    fn rule(&mut self, rule: &Rule) {
        let kind = if matches!(rule, Rule::Recording(_)) { "record" } else { "alert" };
        self.line(6, &format!("- {kind}: {}", scalar(rule.name())));
        self.text(8, "expr", &rule.expr().text);
        if let Rule::Alerting(rule) = rule {
            self.spans(rule);
        }
        self.map(8, "labels", rule.labels());
        if let Rule::Alerting(rule) = rule {
            self.map(8, "annotations", &rule.annotations);
            rule.beyond.iter().for_each(|beyond| self.beyond(beyond));
        }
    }

    fn spans(&mut self, rule: &Alerting) {
        for (name, span) in [("for", rule.hold), ("keep_firing_for", rule.keep_firing)] {
            if span > Duration::ZERO {
                self.line(8, &format!("{name}: {}", duration::written(span)));
            }
        }
    }

    fn beyond(&mut self, beyond: &Beyond) {
        if *beyond == Beyond::default() {
            return;
        }
        self.line(8, "watchkeeper:");
        match &beyond.recover_when {
            Some(Recovery::Query(query)) => self.text(10, "recover_when", &query.text),
            Some(Recovery::Threshold(limit)) => self.line(10, &format!("recover_when: {}", quoted(&threshold(*limit)))),
            None => {}
        }
        if let Some(several) = beyond.several {
            self.line(10, &format!("for: {} of {}", several.needed(), several.of()));
        }
        if beyond.on_missing != OnMissing::default() {
            self.line(10, &format!("on_missing: {}", on_missing(beyond.on_missing)));
        }
        if let Some(flapping) = beyond.flapping {
            self.line(10, &format!("flapping: {{ high: {}, low: {} }}", flapping.high(), flapping.low()));
        }
        if let Some(events) = &beyond.min_events {
            self.line(10, "min_events:");
            self.text(12, "of", &events.of.text);
            self.line(12, &format!("at_least: {}", events.at_least));
        }
        if let Some(from) = &beyond.severity_from {
            self.line(10, "severity_from:");
            self.text(12, "impact", &from.impact.text);
            self.line(12, "steps:");
            for (limit, severity) in &from.steps {
                self.line(14, &format!("{}: {}", quoted(&threshold(*limit)), scalar(severity)));
            }
        }
    }

    fn map(&mut self, indent: usize, name: &str, entries: &BTreeMap<String, String>) {
        if !entries.is_empty() {
            self.line(indent, &format!("{name}:"));
        }
        for (key, value) in entries {
            self.text(indent + 2, &scalar(key), value);
        }
    }

    /// A text under a name; over several lines it stands as a block.
    fn text(&mut self, indent: usize, name: &str, text: &str) {
        let plain = |c: char| c == '\n' || !is_odd(c);
        let begins = !text.starts_with([' ', '\t', '\n']) && !text.ends_with('\n') && !text.contains(" \n");
        if !(text.contains('\n') && begins && text.chars().all(plain)) {
            return self.line(indent, &format!("{name}: {}", scalar(text)));
        }
        self.line(indent, &format!("{name}: |-"));
        for line in text.split('\n') {
            if line.is_empty() { self.0.push('\n') } else { self.line(indent + 2, line) }
        }
    }
}

fn threshold(limit: Threshold) -> String {
    match limit {
        Threshold::Above(number) => format!("> {number}"),
        Threshold::AtLeast(number) => format!(">= {number}"),
        Threshold::Below(number) => format!("< {number}"),
        Threshold::AtMost(number) => format!("<= {number}"),
    }
}

fn on_missing(what: OnMissing) -> String {
    match what {
        OnMissing::Keep => "keep".to_owned(),
        OnMissing::Resolve(delay) => format!("resolve after {}", duration::written(delay)),
        OnMissing::Alert(delay) => format!("alert after {}", duration::written(delay)),
    }
}

/// A text as YAML reads it: as it is where it can only be a text, else between quotes.
fn scalar(text: &str) -> String {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '(');
    let ends = !text.ends_with([' ', ':']) && !text.is_empty();
    let within = !text.contains(": ") && !text.contains(" #") && !text.contains(is_odd) && text.is_ascii();
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = word.iter().any(|word| text.eq_ignore_ascii_case(word));
    let number = text.parse::<f64>().is_ok();
    if begins && ends && within && !is_word && !number { text.to_owned() } else { quoted(text) }
}

/// Whether a character has to be escaped.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// A text between double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_odd(c) => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use kernel::book::rules::{Expression, Place};
    use proptest::prelude::*;

    use super::*;

    /// Without places, which a written file has others of.
    fn bare(mut group: Group) -> Group {
        group.at = Place::default();
        for rule in &mut group.rules {
            match rule {
                Rule::Recording(rule) => (rule.at, rule.expr.at) = Default::default(),
                Rule::Alerting(rule) => {
                    (rule.at, rule.expr.at) = Default::default();
                    let beyond = rule.beyond.iter_mut();
                    for beyond in beyond {
                        let of = beyond.min_events.iter_mut().map(|events| &mut events.of);
                        let impact = beyond.severity_from.iter_mut().map(|from| &mut from.impact);
                        of.chain(impact).for_each(|query| query.at = Place::default());
                        if let Some(Recovery::Query(query)) = &mut beyond.recover_when {
                            query.at = Place::default();
                        }
                    }
                }
            }
        }
        group
    }

    fn again(groups: &[Group]) -> Vec<Group> {
        let text = to_yaml(groups);
        let file = super::super::check("a.yml", text.as_bytes()).whole();
        file.unwrap_or_else(|findings| panic!("{text}\n{findings}")).groups.into_iter().map(bare).collect()
    }

    #[test]
    fn a_whole_file_is_read_again_as_it_was() {
        let text = include_str!("snapshots/whole.yml");
        let groups: Vec<Group> =
            super::super::check("a.yml", text.as_bytes()).whole().unwrap().groups.into_iter().map(bare).collect();
        assert_eq!(again(&groups), groups);
        assert_eq!(to_yaml(&groups), text, "it is written as a person would");
    }

    proptest! {
        #[test]
        fn any_text_is_read_again_as_it_was(name in "[ -~\\n\\t\u{a0}-\u{200}]{1,20}", value in any::<String>(), millis in 1..10_000_000_u64) {
            prop_assume!(!name.trim().is_empty() && !value.contains('\0'));
            let rule = Alerting {
                alert: name.clone(),
                expr: Expression { text: "m > 5".into(), ..Expression::default() },
                hold: Duration::from_millis(millis),
                annotations: [("a".to_owned(), value)].into(),
                ..Alerting::default()
            };
            let groups = [Group { name, rules: vec![Rule::Alerting(rule)], ..Group::default() }];
            prop_assert_eq!(again(&groups), groups);
        }
    }
}
