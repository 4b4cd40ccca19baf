//! Correlation rules compiled: what they count, over which rules, how they group, and when what they ask holds.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, Quantifier,
    SelectorPattern, WindowMode,
};

use super::window::{ITEMS_MAX, Input};
use crate::sigma::rule::{Level, Refused, Rule};

/// The longest span of a correlation, in milliseconds: 31 days.
pub const TIMESPAN_MAX_MS: i64 = 31 * 24 * 3600 * 1000;
/// The most rules that one correlation may refer to.
pub const INPUTS_MAX: usize = 1000;
/// The most correlations in use.
pub const CORRELATIONS_MAX: usize = 2000;
/// How many correlations may stand in a chain, each referring to the one before.
pub const CHAIN_MAX: usize = 5;
/// The most fields by which one correlation may group or count.
pub const GROUP_FIELDS_MAX: usize = 50;

/// All correlations in use, those that others refer to first.
#[derive(Debug, Default)]
pub(in crate::sigma) struct Plans {
    pub plans: Vec<Plan>,
    /// For each rule and each correlation the plans that it feeds, and as which of their inputs.
    by_rule: HashMap<usize, Vec<(usize, Input)>>,
    by_plan: HashMap<usize, Vec<(usize, Input)>>,
}

/// One correlation.
#[derive(Debug)]
pub(in crate::sigma) struct Plan {
    pub rule: Arc<Rule>,
    /// A hash of what the correlation says, and of the rules it refers to.
    pub identity: u64,
    pub kind: Kind,
    pub inputs: usize,
    pub group_by: Vec<Field>,
    pub span: i64,
    pub mode: Mode,
    pub predicates: Vec<(ConditionOperator, f64)>,
    /// The fields whose values are counted or summed.
    pub fields: Vec<Field>,
}

/// What is made of the events of a window.
#[derive(Debug)]
pub(in crate::sigma) enum Kind {
    Events,
    Values,
    Temporal(Logic),
    Ordered,
    Sum,
    Average,
    Percentile(f64),
}

/// How a window is placed. Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sigma) enum Mode {
    Sliding,
    Tumbling,
    Session { gap: i64 },
}

/// Which inputs must have been seen.
#[derive(Debug)]
pub(in crate::sigma) enum Logic {
    Seen(Input),
    All(Vec<Logic>),
    Any(Vec<Logic>),
    Not(Box<Logic>),
    AtLeast(u64, Vec<Logic>),
}

/// A field of a correlation, and its names in the events of single inputs.
#[derive(Debug)]
pub(in crate::sigma) struct Field {
    pub name: String,
    aliases: HashMap<Input, String>,
}

impl Field {
    /// The field's name in the events of an input.
    pub fn of(&self, input: Input) -> &str {
        self.aliases.get(&input).unwrap_or(&self.name)
    }
}

impl Logic {
    pub fn holds(&self, seen: &dyn Fn(Input) -> bool) -> bool {
        match self {
            Self::Seen(input) => seen(*input),
            Self::All(parts) => parts.iter().all(|part| part.holds(seen)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(seen)),
            Self::Not(part) => !part.holds(seen),
            Self::AtLeast(count, parts) => parts.iter().filter(|part| part.holds(seen)).count() as u64 >= *count,
        }
    }

    /// Whether more events can never make it fail.
    fn is_monotone(&self) -> bool {
        match self {
            Self::Seen(_) => true,
            Self::All(parts) | Self::Any(parts) | Self::AtLeast(_, parts) => parts.iter().all(Self::is_monotone),
            Self::Not(_) => false,
        }
    }
}

impl Plan {
    /// Whether it may fire as soon as it holds, because no later event can undo that. Others wait until their window is
    /// closed.
    pub fn is_monotone(&self) -> bool {
        let rising = |(operator, _): &(ConditionOperator, f64)| {
            matches!(operator, ConditionOperator::Gt | ConditionOperator::Gte)
        };
        match &self.kind {
            Kind::Events | Kind::Values => self.predicates.iter().all(rising),
            Kind::Temporal(logic) => logic.is_monotone(),
            Kind::Ordered => true,
            Kind::Sum | Kind::Average | Kind::Percentile(_) => false,
        }
    }

    /// Whether a running tally is kept, so that one more event costs no look at the others.
    pub fn is_tallied(&self) -> bool {
        self.mode == Mode::Sliding && self.is_monotone() && matches!(self.kind, Kind::Values | Kind::Temporal(_))
    }

    /// Whether a number is as the condition asks.
    pub fn accepts(&self, number: f64) -> bool {
        self.predicates.iter().all(|(operator, wanted)| match operator {
            ConditionOperator::Lt => number < *wanted,
            ConditionOperator::Lte => number <= *wanted,
            ConditionOperator::Gt => number > *wanted,
            ConditionOperator::Gte => number >= *wanted,
            ConditionOperator::Eq => number == *wanted,
            ConditionOperator::Neq => number != *wanted,
        })
    }
}

/// What a reference means.
#[derive(Clone, Copy)]
enum Source {
    Rule(usize),
    Plan(usize),
}

impl Plans {
    /// Compiles the correlations over these rules. A rule that only feeds correlations is reported no more.
    pub fn new(given: Vec<(&str, CorrelationRule)>, rules: &mut [Rule]) -> (Self, Vec<Refused>) {
        let (mut plans, mut refused, mut quiet, mut loud) =
            (Self::default(), Vec::new(), HashSet::new(), HashSet::new());
        let mut waiting = given;
        for (file, rule) in waiting.drain(waiting.len().min(CORRELATIONS_MAX)..) {
            let reason = format!("there are {CORRELATIONS_MAX} correlations already, which is the limit");
            refused.push(Refused::new(file, &rule.title, reason));
        }
        // Each round takes what refers only to rules and to correlations taken before, so a circle is never taken.
        for _ in 0..CHAIN_MAX {
            let (ready, left): (Vec<_>, Vec<_>) = {
                let names: Vec<CorrelationNames> = waiting.iter().map(|(_, rule)| CorrelationNames::of(rule)).collect();
                let later = |reference: &String| names.iter().any(|names| names.is_called(reference));
                waiting.into_iter().partition(|(_, rule)| !rule.rules.iter().any(later))
            };
            waiting = left;
            for (file, rule) in ready {
                let heard = if rule.generate { &mut loud } else { &mut quiet };
                if let Err(reason) = plans.add(file, &rule, rules, heard) {
                    refused.push(Refused::new(file, rule.id.as_deref().unwrap_or(&rule.title), reason));
                }
            }
        }
        let circle = format!("it refers to itself, or it ends a chain of more than {CHAIN_MAX} correlations");
        refused.extend(waiting.iter().map(|(file, rule)| Refused::new(file, &rule.title, circle.as_str())));
        for (at, rule) in rules.iter_mut().enumerate() {
            rule.reported = loud.contains(&at) || !quiet.contains(&at);
        }
        (plans, refused)
    }

    /// The plans that a rule's matches feed.
    pub fn fed_by_rule(&self, rule: usize) -> &[(usize, Input)] {
        self.by_rule.get(&rule).map_or(&[], Vec::as_slice)
    }

    /// The plans that a correlation's findings feed.
    pub fn fed_by_plan(&self, plan: usize) -> &[(usize, Input)] {
        self.by_plan.get(&plan).map_or(&[], Vec::as_slice)
    }

    fn add(
        &mut self,
        file: &str,
        given: &CorrelationRule,
        rules: &[Rule],
        heard: &mut HashSet<usize>,
    ) -> Result<(), String> {
        let sources = self.sources(given, rules)?;
        let mut plan = plan(file, given)?;
        plan.inputs = sources.len();
        let place = self.plans.len();
        for (input, sources) in sources.iter().enumerate() {
            let input = Input::try_from(input).map_err(|_| "it refers to too many rules")?;
            for source in sources {
                let fed = match source {
                    Source::Rule(rule) => {
                        heard.insert(*rule);
                        self.by_rule.entry(*rule).or_default()
                    }
                    Source::Plan(plan) => {
                        if let Some(inner) = self.plans.get_mut(*plan) {
                            Arc::make_mut(&mut inner.rule).reported &= given.generate;
                        }
                        self.by_plan.entry(*plan).or_default()
                    }
                };
                fed.push((place, input));
            }
        }
        self.plans.push(plan);
        Ok(())
    }

    /// What each reference means: all rules of that id, name or title.
    fn sources(&self, given: &CorrelationRule, rules: &[Rule]) -> Result<Vec<Vec<Source>>, String> {
        if given.rules.is_empty() {
            return Err("it refers to no rule: name one under `rules`".to_owned());
        }
        if given.rules.len() > INPUTS_MAX {
            return Err(format!("it refers to more than {INPUTS_MAX} rules"));
        }
        let one = |reference: &String| {
            let known = rules.iter().enumerate().filter(|(_, rule)| rule.is_called(reference));
            let plans = self.plans.iter().enumerate().filter(|(_, plan)| plan.rule.is_called(reference));
            let sources: Vec<Source> =
                known.map(|(at, _)| Source::Rule(at)).chain(plans.map(|(at, _)| Source::Plan(at))).collect();
            if sources.is_empty() {
                return Err(format!("it refers to `{reference}`, but no rule in use is called so"));
            }
            Ok(sources)
        };
        given.rules.iter().map(one).collect()
    }
}

struct CorrelationNames(Vec<String>);

impl CorrelationNames {
    fn of(rule: &CorrelationRule) -> Self {
        Self(rule.id.iter().chain(&rule.name).chain([&rule.title]).cloned().collect())
    }

    fn is_called(&self, reference: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(reference))
    }
}

fn plan(file: &str, given: &CorrelationRule) -> Result<Plan, String> {
    let span = milliseconds(given.timespan.seconds)?;
    let mode = match (given.window, &given.gap) {
        (WindowMode::Sliding, _) => Mode::Sliding,
        (WindowMode::Tumbling, _) => Mode::Tumbling,
        (WindowMode::Session, Some(gap)) => Mode::Session { gap: milliseconds(gap.seconds)? },
        (WindowMode::Session, None) => return Err("a session window needs a `gap`".to_owned()),
    };
    let group_by: Vec<Field> = given.group_by.iter().map(|name| field(name, given)).collect();
    let (mut predicates, mut names, mut rank) = (Vec::new(), Vec::new(), None);
    if let CorrelationCondition::Threshold { predicates: given, field, percentile } = &given.condition {
        // The parser has no numbers below zero and writes them as very large ones.
        predicates = given.iter().map(|(operator, number)| (*operator, number.cast_signed() as f64)).collect();
        names = field.clone().unwrap_or_default();
        rank = *percentile;
    }
    let fields: Vec<Field> = names.iter().map(|name| field(name, given)).collect();
    if group_by.len().max(fields.len()) > GROUP_FIELDS_MAX {
        return Err(format!("it groups by or counts more than {GROUP_FIELDS_MAX} fields"));
    }
    let kind = kind(given, rank)?;
    let counted = matches!(kind, Kind::Values | Kind::Sum | Kind::Average | Kind::Percentile(_));
    if counted && fields.is_empty() {
        return Err(format!("{} needs `field` in its condition", given.correlation_type.as_str()));
    }
    let most = predicates.iter().map(|(_, number)| *number).fold(0.0, f64::max);
    if matches!(kind, Kind::Events | Kind::Values) && most >= ITEMS_MAX as f64 {
        return Err(format!("it counts to {most}, but no more than {ITEMS_MAX} events of a group are kept"));
    }
    let rule = Arc::new(describe(file, given));
    let identity = identity(given);
    Ok(Plan { rule, identity, kind, inputs: 0, group_by, span, mode, predicates, fields })
}

/// The same for the same correlation, whatever its title, level and other words for people are.
fn identity(given: &CorrelationRule) -> u64 {
    let mut hasher = DefaultHasher::new();
    let CorrelationRule { correlation_type, rules, group_by, timespan, window, gap, condition, aliases, .. } = given;
    let mut named: Vec<(&str, &str, &str)> = Vec::new();
    for alias in aliases {
        named.extend(alias.mapping.iter().map(|(rule, field)| (alias.alias.as_str(), rule.as_str(), field.as_str())));
    }
    named.sort_unstable();
    let gap = gap.as_ref().map(|gap| gap.seconds);
    (given.id.as_deref().unwrap_or(&given.title), correlation_type.as_str(), rules, group_by).hash(&mut hasher);
    (timespan.seconds, window.as_str(), gap, format!("{condition:?}"), named).hash(&mut hasher);
    hasher.finish()
}

fn kind(given: &CorrelationRule, rank: Option<u64>) -> Result<Kind, String> {
    let extended = match &given.condition {
        CorrelationCondition::Extended(expression) => Some(expression),
        CorrelationCondition::Threshold { .. } => None,
    };
    let kind = match given.correlation_type {
        CorrelationType::Temporal => Kind::Temporal(match extended {
            Some(expression) => logic(expression, given)?,
            None => Logic::All((0..given.rules.len()).map(seen).collect::<Result<_, _>>()?),
        }),
        _ if extended.is_some() => return Err("only `temporal` takes a condition over rules".to_owned()),
        CorrelationType::TemporalOrdered => Kind::Ordered,
        CorrelationType::EventCount => Kind::Events,
        CorrelationType::ValueCount => Kind::Values,
        CorrelationType::ValueSum => Kind::Sum,
        CorrelationType::ValueAvg => Kind::Average,
        CorrelationType::ValueMedian => Kind::Percentile(50.0),
        CorrelationType::ValuePercentile => match rank.unwrap_or(50) {
            rank @ 0..=100 => Kind::Percentile(rank as f64),
            rank => return Err(format!("there is no percentile {rank}: ranks go from 0 to 100")),
        },
    };
    Ok(kind)
}

fn seen(at: usize) -> Result<Logic, String> {
    Input::try_from(at).map(Logic::Seen).map_err(|_| "it refers to too many rules".to_owned())
}

fn logic(expression: &ConditionExpr, given: &CorrelationRule) -> Result<Logic, String> {
    let all = |parts: &[ConditionExpr]| parts.iter().map(|part| logic(part, given)).collect::<Result<Vec<_>, _>>();
    let called = |name: &str| given.rules.iter().position(|rule| rule == name);
    match expression {
        ConditionExpr::And(parts) => Ok(Logic::All(all(parts)?)),
        ConditionExpr::Or(parts) => Ok(Logic::Any(all(parts)?)),
        ConditionExpr::Not(part) => Ok(Logic::Not(Box::new(logic(part, given)?))),
        ConditionExpr::Identifier(name) => {
            let at = called(name).ok_or_else(|| format!("its condition names `{name}`, which is not under `rules`"))?;
            seen(at)
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            let wanted = |name: &str| match pattern {
                SelectorPattern::Them => true,
                SelectorPattern::Pattern(pattern) => rsigma_parser::detection_name_matches(pattern, name),
            };
            let places = given.rules.iter().enumerate().filter(|(_, name)| wanted(name)).map(|(at, _)| seen(at));
            let parts = places.collect::<Result<Vec<_>, _>>()?;
            Ok(match quantifier {
                Quantifier::Any => Logic::Any(parts),
                Quantifier::All => Logic::All(parts),
                Quantifier::Count(count) => Logic::AtLeast(*count, parts),
            })
        }
    }
}

fn field(name: &str, given: &CorrelationRule) -> Field {
    let alias = given.aliases.iter().find(|alias| alias.alias == name);
    let named = |(at, rule): (usize, &String)| {
        let own = alias?.mapping.get(rule)?;
        Some((Input::try_from(at).ok()?, own.clone()))
    };
    Field { name: name.to_owned(), aliases: given.rules.iter().enumerate().filter_map(named).collect() }
}

fn milliseconds(seconds: u64) -> Result<i64, String> {
    let span = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
    span.filter(|span| (1..=TIMESPAN_MAX_MS).contains(span))
        .ok_or_else(|| format!("its time span is {seconds} s; it must be from 1 s to {} s", TIMESPAN_MAX_MS / 1000))
}

fn describe(file: &str, given: &CorrelationRule) -> Rule {
    Rule {
        file: file.to_owned(),
        id: given.id.clone(),
        name: given.name.clone(),
        title: given.title.clone(),
        product: None,
        service: None,
        category: None,
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
