//! From files to rules: parse, apply filters and pipelines, compile, refuse by name what cannot be used.

use std::collections::{BTreeSet, HashSet};

use rsigma_parser::{CorrelationRule, FilterRule, LogSource, SigmaRule};

use super::compile::Compiler;
use super::correlate::Plans;
use super::except::Filter;
use super::guard;
use super::item::Tree;
use super::modify::REGEX_LARGE_MAX;
use super::pipeline::{FieldMap, Source};
use super::route::Classes;
use super::rule::{Exception, Level, Refused, Rule};
use super::rules::{RuleFile, Rules, Settings, Variant};
use super::view::Fields;

/// The most rules in use; what is above is refused.
pub const RULES_MAX: usize = 100_000;

/// Beginnings of what the parser says about a document that it could read all the same.
const REMARKS: [&str; 5] = ["invalid status", "invalid level", "invalid sigma-version", "'related'", "related["];

/// Rules while they are loaded.
pub(super) struct Loader<'a> {
    settings: &'a Settings<'a>,
    refused: Vec<Refused>,
    notes: Vec<Refused>,
    expired: Vec<Exception>,
    fields: Fields,
    rules: Vec<Rule>,
    ids: HashSet<String>,
    variants: Vec<Variant>,
    trees: Vec<Tree>,
    classes: Classes,
    large_regexes: usize,
}

/// A document and the file in which it stands.
type In<'f, T> = (&'f str, T);

impl<'a> Loader<'a> {
    pub fn new(settings: &'a Settings<'a>) -> Self {
        let (refused, notes, expired) = (Vec::new(), Vec::new(), Vec::new());
        let (fields, rules) = (Fields::default(), Vec::new());
        let (ids, variants, trees, classes) = (HashSet::new(), Vec::new(), Vec::new(), Classes::default());
        let large_regexes = REGEX_LARGE_MAX;
        Self { settings, refused, notes, expired, fields, rules, ids, variants, trees, classes, large_regexes }
    }

    pub fn load(mut self, files: &[RuleFile<'_>]) -> (Rules, Vec<Refused>) {
        let (mut rules, mut correlations, mut filters) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            self.parse(file, &mut rules, &mut correlations, &mut filters);
        }
        let mut filters = self.filters(filters);
        for (file, rule) in rules {
            let name = rule.id.clone().unwrap_or_else(|| rule.title.clone());
            if let Err(reason) = self.rule(file, &rule, &mut filters) {
                self.refused.push(Refused::new(file, &name, reason));
            }
        }
        for filter in filters.iter().filter(|filter| !filter.used) {
            let Filter { exception, .. } = filter;
            self.notes.push(Refused::new(&exception.file, &exception.title, "this filter applies to no rule in use"));
        }
        let (plans, refused) = Plans::new(correlations, &mut self.rules);
        self.refused.extend(refused);
        let compiled = (self.variants, self.trees);
        let told = (self.notes, self.expired);
        let rules = Rules::assemble(self.fields, self.rules, compiled, self.classes, plans, told);
        (rules, self.refused)
    }

    fn parse<'f>(
        &mut self,
        file: &RuleFile<'f>,
        rules: &mut Vec<In<'f, SigmaRule>>,
        correlations: &mut Vec<In<'f, CorrelationRule>>,
        filters: &mut Vec<In<'f, FilterRule>>,
    ) {
        let RuleFile { name, text } = *file;
        let parsed =
            guard::check(text).and_then(|()| rsigma_parser::parse_sigma_yaml(text).map_err(|error| error.to_string()));
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return self.refused.push(Refused::new(name, name, reason)),
        };
        for reason in parsed.errors {
            let remark = REMARKS.iter().any(|start| reason.starts_with(start));
            let list = if remark { &mut self.notes } else { &mut self.refused };
            list.push(Refused::new(name, name, reason));
        }
        rules.extend(parsed.rules.into_iter().map(|rule| (name, rule)));
        correlations.extend(parsed.correlations.into_iter().map(|rule| (name, rule)));
        filters.extend(parsed.filters.into_iter().map(|rule| (name, rule)));
    }

    fn filters(&mut self, given: Vec<In<'_, FilterRule>>) -> Vec<Filter> {
        let mut filters = Vec::new();
        for (file, rule) in given {
            let name = rule.id.clone().unwrap_or_else(|| rule.title.clone());
            let filter = Filter::new(file, rule, self.settings).and_then(|filter| {
                // Tried once by itself, so that a bad filter is refused and not the rules that it is meant for.
                let map = FieldMap::default();
                let mut compiler = self.compiler(&map);
                compiler.detections(&filter.detection)?;
                match compiler.waits_for.first() {
                    None => Ok(filter),
                    Some(name) => Err(format!("no pipeline fills its placeholder %{name}%")),
                }
            });
            match filter {
                Ok(filter) => match filter.expired() {
                    Some(reason) => {
                        self.refused.push(Refused::new(file, &name, reason));
                        self.expired.push(filter.exception);
                    }
                    None => filters.push(filter),
                },
                Err(reason) => self.refused.push(Refused::new(file, &name, reason)),
            }
        }
        filters
    }

    fn compiler<'s>(&'s mut self, map: &'s FieldMap) -> Compiler<'s> {
        let pipeline = self.settings.pipeline;
        let (fields, large_regexes) = (&mut self.fields, &mut self.large_regexes);
        Compiler { fields, pipeline, map, waits_for: BTreeSet::new(), has_keywords: false, large_regexes }
    }

    fn rule(&mut self, file: &str, given: &SigmaRule, filters: &mut [Filter]) -> Result<(), String> {
        if self.rules.len() >= RULES_MAX {
            return Err(format!("there are {RULES_MAX} rules already, which is the limit"));
        }
        if rsigma_parser::is_unsupported(given.sigma_version) {
            return Err("it asks for a newer version of the Sigma specification than is known here".to_owned());
        }
        if let Some(id) = given.id.as_ref().filter(|id| self.ids.contains(*id)) {
            return Err(format!("the id {id} is another rule's already"));
        }
        let mut rule = describe(file, given);
        let source = source(&given.logsource);
        let plan = self.settings.pipeline.plan(&source, &given.tags)?;
        rule.only_told = plan.only_told;
        let mut filters: Vec<&mut Filter> =
            filters.iter_mut().filter(|filter| filter.applies(&rule, &source)).collect();
        let mut compiled: Vec<(FieldMap, Tree, Vec<usize>)> = Vec::new();
        for (at, route) in plan.routes.iter().enumerate() {
            if let Some((.., routes)) = compiled.iter_mut().find(|(map, ..)| *map == route.fields) {
                routes.push(at);
                continue;
            }
            let mut compiler = self.compiler(&route.fields);
            let mut trees = vec![compiler.detections(&given.detection)?];
            let mut broken = Vec::new();
            for filter in &filters {
                match compiler.detections(&filter.detection) {
                    Ok(tree) => trees.push(tree),
                    Err(reason) => broken.push((&filter.exception, reason)),
                }
            }
            rule.has_keywords |= compiler.has_keywords;
            rule.waits_for.extend(compiler.waits_for);
            // A filter that does not fit a rule takes nothing from the rule.
            let told = broken.into_iter().map(|(known, reason)| Refused::new(&known.file, &known.title, reason));
            self.refused.extend(told);
            compiled.push((route.fields.clone(), Tree::all(trees), vec![at]));
        }
        rule.waits_for.sort();
        rule.waits_for.dedup();
        for filter in &mut filters {
            filter.used = true;
            rule.exceptions.push(filter.exception.clone());
        }
        for (map, tree, routes) in compiled {
            let variant = u32::try_from(self.variants.len()).map_err(|_| "there are too many rules")?;
            let when = routes.iter().filter_map(|at| plan.routes.get(*at)).map(|route| &route.when);
            when.for_each(|when| self.classes.add(when, variant));
            self.variants.push(Variant { rule: self.rules.len(), map });
            self.trees.push(tree);
        }
        self.ids.extend(rule.id.clone());
        self.rules.push(rule);
        Ok(())
    }
}

/// The words of a log source.
pub(super) fn source(given: &LogSource) -> Source {
    Source { product: given.product.clone(), service: given.service.clone(), category: given.category.clone() }
}

fn describe(file: &str, given: &SigmaRule) -> Rule {
    Rule {
        file: file.to_owned(),
        id: given.id.clone(),
        name: given.name.clone(),
        title: given.title.clone(),
        product: given.logsource.product.clone(),
        service: given.logsource.service.clone(),
        category: given.logsource.category.clone(),
        only_told: false,
        has_keywords: false,
        level: given.level.map_or(Level::Medium, Level::from),
        author: given.author.clone(),
        description: given.description.clone(),
        tags: given.tags.clone(),
        false_positives: given.falsepositives.clone(),
        waits_for: Vec::new(),
        exceptions: Vec::new(),
        reported: true,
    }
}
