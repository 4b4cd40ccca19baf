//! All rules together: loaded once, asked about every event.

use std::sync::Arc;

use jiff::Timestamp;

use super::correlate::Plans;
use super::event::Event;
use super::evidence::{self, Evidence};
use super::item::Tree;
use super::load::Loader;
use super::pipeline::{FieldMap, Pipeline};
use super::route::{Classes, Router};
use super::rule::{Exception, Refused, Rule};
use super::view::{Fields, View};

/// A file of rules, filters or correlations.
#[derive(Debug, Clone, Copy)]
pub struct RuleFile<'a> {
    /// What refusals call it.
    pub name: &'a str,
    /// Its YAML.
    pub text: &'a str,
}

/// What rules are loaded with.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Field names and log sources.
    pub pipeline: &'a Pipeline,
    /// Today, against which the expiry of exceptions is held.
    pub now: Timestamp,
    /// What filters must say.
    pub filters: Filters,
}

/// What filters must say to be applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Filters {
    /// An owner, a reason and a last day.
    #[default]
    Owned,
    /// Nothing beyond the specification. One that does say a last day is still not applied after it.
    Plain,
}

/// The rules in use.
#[derive(Debug, Default)]
pub struct Rules {
    pub(super) fields: Fields,
    pub(super) rules: Vec<Rule>,
    /// Rules as they are compiled, one for each set of field names they are asked under.
    variants: Vec<Variant>,
    trees: Vec<Tree>,
    router: Router,
    pub(super) correlations: Arc<Plans>,
    notes: Vec<Refused>,
    expired: Vec<Exception>,
}

/// Which rule a compiled rule is, and the names of its fields.
#[derive(Debug)]
pub(super) struct Variant {
    pub rule: usize,
    pub map: FieldMap,
}

/// A rule that an event matches.
#[derive(Debug, Clone, Copy)]
pub struct Match<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Its place among the rules in use, and among those that are compiled.
    pub(super) place: usize,
    variant: usize,
    pub(super) map: &'r FieldMap,
}

impl Rules {
    /// Loads what can be loaded. What cannot is refused by name, each with its reason.
    #[must_use]
    pub fn load(files: &[RuleFile<'_>], settings: &Settings<'_>) -> (Self, Vec<Refused>) {
        Loader::new(settings).load(files)
    }

    pub(super) fn assemble(
        mut fields: Fields,
        rules: Vec<Rule>,
        (variants, trees): (Vec<Variant>, Vec<Tree>),
        classes: Classes,
        correlations: Plans,
        (notes, expired): (Vec<Refused>, Vec<Exception>),
    ) -> Self {
        let router = classes.route(&trees, &mut fields);
        Self { fields, rules, variants, trees, router, correlations: Arc::new(correlations), notes, expired }
    }

    /// The rules that the event matches, in the order in which they were loaded, each once.
    #[must_use]
    pub fn matches(&self, event: &Event<'_>) -> Vec<Match<'_>> {
        let view = View::new(&self.fields, event);
        let mut candidates = self.router.candidates(&view, self.trees.len()).list;
        candidates.sort_unstable();
        self.ask(&view, &candidates)
    }

    /// The same rules, found by asking all of them: what [`Rules::matches`] is tested against.
    #[must_use]
    pub fn matches_without_index(&self, event: &Event<'_>) -> Vec<Match<'_>> {
        let view = View::new(&self.fields, event);
        self.ask(&view, &self.router.scan(&view))
    }

    /// The values for which the event matches the rule.
    #[must_use]
    pub fn evidence(&self, event: &Event<'_>, matched: &Match<'_>) -> Vec<Evidence> {
        let view = View::new(&self.fields, event);
        self.trees.get(matched.variant).map(|tree| evidence::of(tree, &view)).unwrap_or_default()
    }

    fn ask(&self, view: &View<'_>, variants: &[u32]) -> Vec<Match<'_>> {
        let mut matches: Vec<Match<'_>> = Vec::new();
        for at in variants.iter().map(|variant| *variant as usize) {
            let (Some(variant), Some(tree)) = (self.variants.get(at), self.trees.get(at)) else { continue };
            let Some(rule) = self.rules.get(variant.rule) else { continue };
            // The variants of a rule stand together.
            let known = matches.last().is_some_and(|last| last.place == variant.rule);
            if !known && rule.waits_for.is_empty() && tree.holds(view) {
                matches.push(Match { rule, place: variant.rule, variant: at, map: &variant.map });
            }
        }
        matches
    }

    /// The rules in use, in the order in which they were loaded.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The correlations in use, those that others refer to first.
    pub fn correlation_rules(&self) -> impl Iterator<Item = &Rule> {
        self.correlations.plans.iter().map(|plan| &*plan.rule)
    }

    /// The exceptions that are past their last day, and so are not applied.
    #[must_use]
    pub fn expired(&self) -> &[Exception] {
        &self.expired
    }

    /// What was odd about files but did not keep a rule from use.
    #[must_use]
    pub fn notes(&self) -> &[Refused] {
        &self.notes
    }

    /// How many compiled rules have to be asked about the event.
    #[must_use]
    pub fn candidates(&self, event: &Event<'_>) -> usize {
        let view = View::new(&self.fields, event);
        self.router.candidates(&view, self.trees.len()).list.len()
    }
}
