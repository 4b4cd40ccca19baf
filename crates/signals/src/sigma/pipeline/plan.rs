//! What the pipelines make of one rule: the event classes it is asked of, and the names of its fields in each.

use std::collections::BTreeMap;

use super::change::{Change, Class, Condition, OneOrMany, Source, Step, Subject};
use super::{File, Pipeline};
use crate::sigma::event::SOURCE_FIELDS;
use crate::sigma::text::{Pattern, fold};

/// The most fields that one field of a rule may stand for.
const FIELDS_PER_NAME_MAX: usize = 100;

/// Where a rule is asked.
#[derive(Debug)]
pub(in crate::sigma) struct Plan {
    /// The classes of events; an event that is in one of them is looked at.
    pub routes: Vec<Route>,
    /// Whether no pipeline says where the events are: then they are known only by the words that come with them.
    pub only_told: bool,
}

/// A class of events, and the names of a rule's fields in it.
#[derive(Debug)]
pub(in crate::sigma) struct Route {
    /// What an event must be like; all of it. Empty: every event.
    pub when: Vec<Condition>,
    pub fields: FieldMap,
}

/// The names of a rule's fields in the events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sigma) struct FieldMap {
    steps: Vec<Rename>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rename {
    Map(BTreeMap<String, OneOrMany>, Touched),
    Prefixes(BTreeMap<String, OneOrMany>, Touched),
    Prefix(String, Touched),
    Suffix(String, Touched),
    Drop(Touched),
}

/// The step of the pipelines whose field conditions decide.
#[derive(Debug, Clone)]
struct Touched(Option<Step>);

impl PartialEq for Touched {
    /// Steps with conditions are taken for different: then a rule is only compiled once more.
    fn eq(&self, other: &Self) -> bool {
        self.0.is_none() && other.0.is_none()
    }
}

impl Eq for Touched {}

impl Touched {
    fn holds(&self, field: &str) -> bool {
        self.0.as_ref().is_none_or(|step| step.touches(field))
    }
}

impl FieldMap {
    /// The names of a field: none when it is dropped.
    pub fn names(&self, field: &str) -> Vec<String> {
        let mut names = vec![field.to_owned()];
        for step in &self.steps {
            names = names.into_iter().flat_map(|name| step.rename(name)).take(FIELDS_PER_NAME_MAX).collect();
        }
        names
    }

    /// The one name under which a field is looked up, for grouping.
    pub fn name(&self, field: &str) -> String {
        self.names(field).into_iter().next().unwrap_or_else(|| field.to_owned())
    }
}

impl Rename {
    fn rename(&self, name: String) -> Vec<String> {
        let mapped = |mapping: &BTreeMap<String, OneOrMany>| Some(mapping.get(&name)?.names().to_vec());
        let changed = match self {
            Self::Map(mapping, touched) if touched.holds(&name) => mapped(mapping),
            Self::Prefixes(mapping, touched) if touched.holds(&name) => {
                let known = mapping.iter().find_map(|(old, new)| Some((name.strip_prefix(old.as_str())?, new)));
                known.map(|(rest, new)| new.names().iter().map(|new| format!("{new}{rest}")).collect())
            }
            Self::Prefix(prefix, touched) if touched.holds(&name) => Some(vec![format!("{prefix}{name}")]),
            Self::Suffix(suffix, touched) if touched.holds(&name) => Some(vec![format!("{name}{suffix}")]),
            Self::Drop(touched) if touched.holds(&name) => Some(Vec::new()),
            _ => None,
        };
        changed.unwrap_or_else(|| vec![name])
    }
}

/// A plan while the transformations are applied.
struct Draft {
    source: Source,
    renames: FieldMap,
    added: Vec<Condition>,
    classes: Vec<Class>,
}

impl Pipeline {
    /// What becomes of a rule. `source`, `tags`: what it says of itself.
    pub(in crate::sigma) fn plan(&self, source: &Source, tags: &[String]) -> Result<Plan, String> {
        let (renames, added, classes) = (FieldMap::default(), Vec::new(), Vec::new());
        let mut draft = Draft { source: source.clone(), renames, added, classes };
        for (file, step) in self.steps() {
            let applies = step.applies(Subject { source: &draft.source, tags, correlation: false });
            if applies {
                draft.apply(file, step)?;
            }
        }
        Ok(draft.finish())
    }
}

impl Draft {
    fn apply(&mut self, file: &File, step: &Step) -> Result<(), String> {
        let touched = || Touched(step.names_fields().then(|| step.clone()));
        match &step.change {
            Change::FieldNameMapping { mapping } => self.rename(Rename::Map(mapping.clone(), touched())),
            Change::FieldNamePrefixMapping { mapping } => self.rename(Rename::Prefixes(mapping.clone(), touched())),
            Change::FieldNamePrefix { prefix } => self.rename(Rename::Prefix(prefix.clone(), touched())),
            Change::FieldNameSuffix { suffix } => self.rename(Rename::Suffix(suffix.clone(), touched())),
            Change::DropDetectionItem {} => self.rename(Rename::Drop(touched())),
            Change::AddCondition { conditions } => self.added.extend(conditions.iter().cloned()),
            Change::LogSource { product, service, category } => {
                let (product, service, category) = (product.clone(), service.clone(), category.clone());
                self.source = Source { product, service, category };
            }
            Change::LogSources { log_sources } => {
                let fitting = log_sources.iter().filter(|entry| entry.source.tells(&self.source));
                // The entry that says most about the source is meant; of two the first.
                let words = |source: &Source| source.words().iter().flatten().count();
                let best = fitting.rev().max_by_key(|entry| words(&entry.source));
                let on = |class: &&Class| class.option.as_deref().is_none_or(|option| file.is_on(option));
                self.classes.extend(best.into_iter().flat_map(|entry| entry.from.iter().filter(on)).cloned());
            }
            Change::RuleFailure { message } => return Err(format!("the pipeline refuses it: {message}")),
            Change::ValuePlaceholders {} | Change::WildcardPlaceholders {} => {}
        }
        Ok(())
    }

    fn rename(&mut self, rename: Rename) {
        self.renames.steps.push(rename);
    }

    /// The classes, and the events that come with the words of the rule's log source.
    fn finish(self) -> Plan {
        let Self { source, renames, added, classes } = self;
        let only_told = classes.is_empty() && added.is_empty() && source.words().iter().any(Option::is_some);
        let mut routes: Vec<Route> = Vec::new();
        for class in classes {
            let mut fields = renames.clone();
            if !class.fields.is_empty() {
                fields.steps.push(Rename::Map(class.fields, Touched(None)));
            }
            routes.push(Route { when: joined(class.when, &added), fields });
        }
        let words = SOURCE_FIELDS.iter().zip(source.words());
        let told: Vec<Condition> = words.filter_map(|(field, word)| Some(told(field, word?))).collect();
        if routes.is_empty() && !added.is_empty() {
            routes.push(Route { when: joined(Vec::new(), &added), fields: renames });
        } else {
            routes.push(Route { when: joined(told, &added), fields: renames });
        }
        Plan { routes, only_told }
    }
}

fn joined(mut own: Vec<Condition>, added: &[Condition]) -> Vec<Condition> {
    own.extend(added.iter().cloned());
    own
}

fn told(field: &str, word: &str) -> Condition {
    Condition { field: field.to_owned(), values: vec![Pattern::literal(fold(word))] }
}
