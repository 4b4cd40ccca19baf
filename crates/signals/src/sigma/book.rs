//! From the watchbook to rules in use: its files are compiled, and what it says of rules is resolved to their names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::RuleName;
use kernel::book::sigma::{Baseline, Handled, Handling, Part, RuleHandling, Severities, Sigma};

use super::except::EXPIRED;
use super::pipeline::Pipeline;
use super::rule::{Level, Refused, Rule};
use super::rules::{Filters, RuleFile, Rules, Settings};

/// The file that says how matches are handled, as findings call it.
pub const HANDLING_FILE: &str = "sigma.yaml";
/// What the name of a Sigma rule begins with, so that it is no other rule's.
const PREFIX: &str = "sigma:";

/// The rules of a watchbook, ready for use.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The rules.
    pub rules: Rules,
    /// How each of the rules, correlations and baselines is handled.
    pub handled: BTreeMap<RuleName, Handled>,
    /// The baselines, as rules that people read, and what each counts.
    pub baselines: Vec<(Rule, Baseline)>,
    /// What is wrong with the files.
    pub wrong: Vec<Wrong>,
}

/// Something in the files that is not in use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The file, the rule in it, and the reason.
    pub what: Refused,
    /// Whether its author must mend it: what the organisation writes itself, such as filters and pipelines. A shared rule
    /// that cannot be used, and a filter that has expired, only keep themselves from use.
    pub grave: bool,
}

/// Compiles the files of a watchbook. `now` is held against the last days of exceptions.
#[must_use]
pub fn compile(sigma: &Sigma, now: Timestamp) -> Compiled {
    let (pipeline, mut wrong) = pipeline(sigma);
    let wanted = sigma.files.iter().filter(|file| file.part != Part::Pipelines);
    let files: Vec<RuleFile<'_>> = wanted.map(|file| RuleFile { name: &file.path, text: &file.text }).collect();
    let settings = Settings { pipeline: &pipeline, now, filters: Filters::Owned };
    let (rules, refused) = Rules::load(&files, &settings);
    let own = |what: &Refused| {
        let part = sigma.files.iter().find(|file| file.path == what.file).map(|file| file.part);
        part == Some(Part::Filters) && !what.reason.starts_with(EXPIRED)
    };
    wrong.extend(refused.into_iter().map(|what| Wrong { grave: own(&what), what }));
    wrong.extend(rules.notes().iter().cloned().map(|what| Wrong { what, grave: false }));
    let baselines: Vec<(Rule, Baseline)> =
        sigma.handling.baselines.iter().map(|(name, baseline)| (described(name, baseline), baseline.clone())).collect();
    wrong.extend(unknown(&rules, &sigma.handling));
    let handled = handled(&rules, &baselines, &sigma.handling);
    Compiled { rules, handled, baselines, wrong }
}

/// The built-in pipeline and those of the watchbook.
fn pipeline(sigma: &Sigma) -> (Pipeline, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut pipeline = Pipeline::built_in().unwrap_or_default();
    for file in sigma.files.iter().filter(|file| file.part == Part::Pipelines) {
        match Pipeline::parse(&file.path, &file.text) {
            Ok(more) => pipeline = pipeline.and(more),
            Err(error) => wrong.push(Wrong { what: Refused::new(&file.path, &file.path, error.reason), grave: true }),
        }
    }
    (pipeline, wrong)
}

/// What is said of rules that are not in use.
fn unknown(rules: &Rules, handling: &Handling) -> Vec<Wrong> {
    let is_known = |reference: &str| all(rules).any(|rule| rule.is_called(reference));
    let of_rules = handling.rules.keys();
    let of_baselines = handling.baselines.values().filter_map(|baseline| baseline.rule.as_ref());
    let lost = of_rules.chain(of_baselines).filter(|reference| !is_known(reference));
    let reason = "no rule in use has this id, name or title: see `watchkeeper sigma check`";
    lost.map(|lost| Wrong { what: Refused::new(HANDLING_FILE, lost, reason), grave: false }).collect()
}

fn all(rules: &Rules) -> impl Iterator<Item = &Rule> {
    rules.iter().chain(rules.correlation_rules())
}

fn handled(rules: &Rules, baselines: &[(Rule, Baseline)], handling: &Handling) -> BTreeMap<RuleName, Handled> {
    let of_rule = |rule: &Rule| {
        let said = handling.rules.iter().find(|(reference, _)| rule.is_called(reference)).map(|(_, said)| said);
        Some((rule.rule_name()?, resolve(handling, rule.level, said.unwrap_or(&RuleHandling::default()))))
    };
    let of_baseline = |(rule, baseline): &(Rule, Baseline)| {
        Some((rule.rule_name()?, resolve(handling, rule.level, &baseline.handling)))
    };
    all(rules).filter_map(of_rule).chain(baselines.iter().filter_map(of_baseline)).collect()
}

/// What is said of one rule, and of all where nothing is said of it.
fn resolve(handling: &Handling, level: Level, said: &RuleHandling) -> Handled {
    let mut labels = handling.labels.clone();
    labels.extend(said.labels.iter().map(|(name, value)| (name.clone(), value.clone())));
    Handled {
        shadow: said.shadow,
        severity: said.severity.clone().or_else(|| severity(&handling.severities, level).clone()),
        quiet: said.quiet.unwrap_or(handling.quiet),
        by: said.by.clone(),
        labels,
        precision: said.precision.unwrap_or(handling.precision),
    }
}

fn severity(severities: &Severities, level: Level) -> &Option<String> {
    match level {
        Level::Critical => &severities.critical,
        Level::High => &severities.high,
        Level::Medium => &severities.medium,
        Level::Low => &severities.low,
        Level::Informational => &severities.informational,
    }
}

/// A baseline as a rule that people read.
fn described(name: &str, baseline: &Baseline) -> Rule {
    let (of, scope) = (baseline.of.join(", "), baseline.scope.join(", "));
    Rule {
        file: HANDLING_FILE.to_owned(),
        id: Some(format!("baseline-{name}")),
        name: Some(name.to_owned()),
        title: baseline.title.clone(),
        product: None,
        service: None,
        category: None,
        only_told: false,
        has_keywords: false,
        level: Level::Medium,
        author: None,
        description: Some(format!("Tells of values of {of} that are new or rare within one {scope}.")),
        tags: Vec::new(),
        false_positives: Vec::new(),
        waits_for: Vec::new(),
        exceptions: Vec::new(),
        reported: true,
    }
}

impl Rule {
    /// The name by which its signals are known: its id, or its title, behind `sigma:`. `None` where that passes the limits
    /// of names.
    #[must_use]
    pub fn rule_name(&self) -> Option<RuleName> {
        // A slash would read as a group and its alert.
        RuleName::new(&format!("{PREFIX}{}", self.key().replace('/', "-"))).ok()
    }
}
