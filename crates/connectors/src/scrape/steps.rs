//! Reads `relabel_configs` and `metric_relabel_configs`.

use std::num::NonZeroU64;

use kernel::book::scrape::{Action, Pattern, Relabel};

use super::demand;
use super::relabel::is_label;
use crate::rules::field::{Entries, given, list_of, refuse, text_of, texts_of};
use crate::watchbook::shape::Reader;
use crate::watchbook::yaml::Node;

const KEYS: [&str; 7] = ["source_labels", "separator", "target_label", "regex", "modulus", "replacement", "action"];
/// Every action, by its name in the files.
const ACTIONS: &str =
    "replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase or uppercase";
/// What a pattern is that nobody wrote: everything, captured.
const EVERYTHING: &str = "(.*)";
/// What a text is that nobody wrote: what was captured.
const CAPTURED: &str = "$1";

/// The steps under a key.
pub(super) fn read(entries: &Entries, key: &str, reader: &mut Reader<'_>) -> Vec<Relabel> {
    list_of(entries, key, reader).iter().filter_map(|node| step(node, reader)).collect()
}

fn step(node: &Node, reader: &mut Reader<'_>) -> Option<Relabel> {
    let entries = reader.keys(node, &KEYS)?;
    let step = Step { node, entries };
    let action = step.action(reader)?;
    let separator = given(entries, "separator").map(|_| text_of(entries, "separator", reader));
    Some(Relabel {
        source: texts_of(entries, "source_labels", reader),
        separator: separator.unwrap_or_else(|| ";".to_owned()),
        action,
    })
}

struct Step<'n> {
    node: &'n Node,
    entries: &'n Entries,
}

impl Step<'_> {
    fn action(&self, reader: &mut Reader<'_>) -> Option<Action> {
        let name = text_of(self.entries, "action", reader).to_lowercase();
        match name.as_str() {
            "" | "replace" => Some(Action::Replace {
                pattern: self.pattern(reader)?,
                target: self.target("replace", true, reader)?,
                replacement: self.replacement(reader),
            }),
            "lowercase" => self.target(&name, false, reader).map(Action::Lowercase),
            "uppercase" => self.target(&name, false, reader).map(Action::Uppercase),
            "keep" => self.pattern(reader).map(Action::Keep),
            "drop" => self.pattern(reader).map(Action::Drop),
            "keepequal" => self
                .only(&name, &["source_labels", "target_label"], reader)
                .and_then(|()| self.target(&name, false, reader))
                .map(Action::KeepEqual),
            "dropequal" => self
                .only(&name, &["source_labels", "target_label"], reader)
                .and_then(|()| self.target(&name, false, reader))
                .map(Action::DropEqual),
            "hashmod" => {
                Some(Action::HashMod { target: self.target(&name, false, reader)?, modulus: self.modulus(reader)? })
            }
            "labelmap" => {
                Some(Action::LabelMap { pattern: self.pattern(reader)?, replacement: self.replacement(reader) })
            }
            "labeldrop" => {
                self.only(&name, &["regex"], reader).and_then(|()| self.pattern(reader)).map(Action::LabelDrop)
            }
            "labelkeep" => {
                self.only(&name, &["regex"], reader).and_then(|()| self.pattern(reader)).map(Action::LabelKeep)
            }
            other => self.refuse(format!("there is no action `{other}`"), &format!("write {ACTIONS}"), reader),
        }
    }

    fn refuse<T>(&self, message: String, hint: &str, reader: &mut Reader<'_>) -> Option<T> {
        refuse(self.node.at, &demand::RELABEL, message, hint, reader);
        None
    }

    /// That no other key is given than these.
    fn only(&self, action: &str, keys: &[&str], reader: &mut Reader<'_>) -> Option<()> {
        let other = self.entries.iter().find(|(key, _)| key.text != "action" && !keys.contains(&&*key.text));
        match other {
            None => Some(()),
            Some((key, _)) => {
                let (message, hint) = (format!("`{action}` does not look at `{}`", key.text), "take it out");
                refuse(key.at, &demand::RELABEL, message, hint, reader);
                None
            }
        }
    }

    fn pattern(&self, reader: &mut Reader<'_>) -> Option<Pattern> {
        let written = match given(self.entries, "regex") {
            Some(_) => text_of(self.entries, "regex", reader),
            None => EVERYTHING.to_owned(),
        };
        match Pattern::new(&written) {
            Ok(pattern) => Some(pattern),
            Err(error) => self.refuse(error.to_string(), "it meets the whole of a text", reader),
        }
    }

    fn replacement(&self, reader: &mut Reader<'_>) -> String {
        match given(self.entries, "replacement") {
            Some(_) => text_of(self.entries, "replacement", reader),
            None => CAPTURED.to_owned(),
        }
    }

    /// The label that is set; where `$1` may stand in it, it is checked when it is known.
    fn target(&self, action: &str, captures: bool, reader: &mut Reader<'_>) -> Option<String> {
        let target = text_of(self.entries, "target_label", reader);
        if is_label(&target) || (captures && target.contains('$')) {
            return Some(target);
        }
        let message = match target.is_empty() {
            true => format!("`{action}` has no `target_label`"),
            false => format!("`{target}` is no name for a label"),
        };
        self.refuse(message, "add `target_label:` with letters, digits and `_`", reader)
    }

    fn modulus(&self, reader: &mut Reader<'_>) -> Option<NonZeroU64> {
        let written = text_of(self.entries, "modulus", reader);
        let modulus = written.parse().ok().and_then(NonZeroU64::new);
        modulus.or_else(|| self.refuse("`hashmod` has no `modulus`".to_owned(), "add `modulus:` above zero", reader))
    }
}
