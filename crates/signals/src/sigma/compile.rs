//! From a parsed detection to a tree of tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rsigma_parser::{ConditionExpr, Detection, Detections, Quantifier, SelectorPattern, SigmaString};

use super::item::Tree;
use super::modify::{self, Names};
use super::pipeline::{FieldMap, Pipeline};
use super::text::Shape;
use super::view::{FieldId, Fields};

/// The most places at which the conditions of one rule may name its searches, selectors counted by what they select.
pub const CONDITION_NODES_MAX: usize = 10_000;

/// Compiles the detections of one rule for one class of events.
pub(super) struct Compiler<'a> {
    pub fields: &'a mut Fields,
    pub pipeline: &'a Pipeline,
    pub map: &'a FieldMap,
    /// The placeholders that nobody filled.
    pub waits_for: BTreeSet<String>,
    /// Whether some value may stand in any field.
    pub has_keywords: bool,
    /// How many more large regular expressions there may be.
    pub large_regexes: &'a mut usize,
}

impl Names for Compiler<'_> {
    fn fields(&mut self, name: &str) -> Vec<FieldId> {
        // Brackets in names are escaped by the parser, to tell them from array selectors.
        let name = name.replace("\\[", "[").replace("\\]", "]");
        self.map.names(&name).iter().map(|name| self.fields.id(name)).collect()
    }

    fn placeholder(&mut self, name: &str) -> Option<Vec<String>> {
        let values = self.pipeline.placeholder(name);
        if values.is_none() {
            self.waits_for.insert(name.to_owned());
        }
        values
    }

    fn large_regex(&mut self) -> bool {
        let left = self.large_regexes.checked_sub(1);
        *self.large_regexes = left.unwrap_or(0);
        left.is_some()
    }
}

impl Compiler<'_> {
    /// The tree of a whole detection. Several conditions are alternatives.
    pub fn detections(&mut self, detections: &Detections) -> Result<Tree, String> {
        let mut named = BTreeMap::new();
        for (name, detection) in &detections.named {
            let tree = self.detection(detection).map_err(|reason| format!("search `{name}`: {reason}"))?;
            named.insert(name.as_str(), Arc::new(tree));
        }
        if detections.timeframe.is_some() {
            return Err("`timeframe` in a detection is of the old aggregations: write a correlation".to_owned());
        }
        let mut searches = Searches { named, nodes: 0 };
        let conditions = detections.conditions.iter().map(|condition| searches.tree(condition));
        let trees = conditions.collect::<Result<Vec<_>, String>>()?;
        if trees.is_empty() {
            return Err("it has no condition".to_owned());
        }
        Ok(Tree::any(trees))
    }

    fn detection(&mut self, detection: &Detection) -> Result<Tree, String> {
        match detection {
            Detection::AllOf(items) if items.is_empty() => Err("it selects nothing".to_owned()),
            Detection::AllOf(items) => {
                self.has_keywords |= items.iter().any(|item| item.field.is_keyword());
                let trees = items.iter().map(|item| modify::item(item, self));
                Ok(Tree::all(trees.collect::<Result<_, _>>()?))
            }
            Detection::AnyOf(parts) if parts.is_empty() => Err("it selects nothing".to_owned()),
            Detection::AnyOf(parts) => Ok(Tree::any(self.parts(parts)?)),
            Detection::And(parts) => Ok(Tree::all(self.parts(parts)?)),
            Detection::Keywords(values) => {
                self.has_keywords = true;
                modify::keywords(values, self)
            }
            Detection::ArrayMatch { field, .. } => Err(format!(
                "the array selector on `{field}` is of a draft of the specification: name the field without brackets, \
                 then each element is looked at"
            )),
            Detection::Conditional { .. } => {
                Err("a condition inside a search is of a draft of the specification".to_owned())
            }
        }
    }

    fn parts(&mut self, parts: &[Detection]) -> Result<Vec<Tree>, String> {
        parts.iter().map(|part| self.detection(part)).collect()
    }
}

/// The named searches of a rule while its condition is read.
struct Searches<'a> {
    named: BTreeMap<&'a str, Arc<Tree>>,
    nodes: usize,
}

impl Searches<'_> {
    /// The parser bounds how deep a condition is nested.
    fn tree(&mut self, condition: &ConditionExpr) -> Result<Tree, String> {
        match condition {
            ConditionExpr::And(parts) => Ok(Tree::all(self.trees(parts)?)),
            ConditionExpr::Or(parts) => Ok(Tree::any(self.trees(parts)?)),
            ConditionExpr::Not(part) => Ok(Tree::Not(Box::new(self.tree(part)?))),
            ConditionExpr::Identifier(name) => {
                self.count(1)?;
                let tree = self.named.get(name.as_str()).cloned();
                tree.map(Tree::Named).ok_or_else(|| {
                    let known: Vec<&str> = self.named.keys().copied().collect();
                    format!("the condition names `{name}`, but the searches are: {}", known.join(", "))
                })
            }
            ConditionExpr::Selector { quantifier, pattern } => self.selector(quantifier, pattern),
        }
    }

    fn trees(&mut self, parts: &[ConditionExpr]) -> Result<Vec<Tree>, String> {
        parts.iter().map(|part| self.tree(part)).collect()
    }

    fn selector(&mut self, quantifier: &Quantifier, pattern: &SelectorPattern) -> Result<Tree, String> {
        let trees: Vec<Tree> = match pattern {
            SelectorPattern::Them => self.select(|name| !name.starts_with('_')),
            SelectorPattern::Pattern(text) => {
                let shape = modify::pattern(&SigmaString::new(text)).shape();
                self.select(|name| fits(&shape, name))
            }
        };
        if trees.is_empty() {
            return Err(format!("the condition says `{quantifier} of {pattern}`, but no search is called so"));
        }
        self.count(trees.len())?;
        Ok(match quantifier {
            Quantifier::Any => Tree::any(trees),
            Quantifier::All => Tree::all(trees),
            Quantifier::Count(count) => Tree::AtLeast(*count, trees),
        })
    }

    fn select(&self, wanted: impl Fn(&str) -> bool) -> Vec<Tree> {
        self.named.iter().filter(|(name, _)| wanted(name)).map(|(_, tree)| Tree::Named(Arc::clone(tree))).collect()
    }

    fn count(&mut self, nodes: usize) -> Result<(), String> {
        self.nodes += nodes;
        if self.nodes <= CONDITION_NODES_MAX {
            return Ok(());
        }
        Err(format!("its condition names searches more than {CONDITION_NODES_MAX} times: write it shorter"))
    }
}

/// Whether a name is as a selector's pattern says.
fn fits(shape: &Shape, name: &str) -> bool {
    match shape {
        Shape::Anything => true,
        Shape::Exact(text) => name == text,
        Shape::Starts(text) => name.starts_with(text),
        Shape::Ends(text) => name.ends_with(text),
        Shape::Contains(text) => name.contains(text),
        Shape::Glob(glob) => glob.matches(name),
    }
}
