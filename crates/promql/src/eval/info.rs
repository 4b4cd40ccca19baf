//! `info`: the labels of info series, such as `target_info`, added to other series.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Engine;
use super::grid::{Column, Columns, Grid};
use super::invariant::bare;
use super::when::SECOND;
use crate::ast::{Expr, Matcher, Pattern, Selector, Test, When, WindowMode};
use crate::{Error, Labels, METRIC_NAME};

/// The info series that are meant when nothing else is said.
const TARGET_INFO: &str = "target_info";
/// The labels that tell to which series an info series belongs.
const IDENTITY: [&str; 2] = ["instance", "job"];

/// The second argument of `info`: which info series count, and which of their labels are added.
struct Wanted {
    names: Vec<Matcher>,
    labels: Vec<Matcher>,
}

impl Wanted {
    fn of(expr: Option<&Expr>) -> Result<Self, Error> {
        let selector = match expr.map(bare) {
            Some(Expr::Selector(selector)) => Some(selector),
            None => None,
            Some(_) => return Err(super::mistyped("a selector of labels", "another expression")),
        };
        let matchers = selector.map(|selector| selector.matchers.clone()).unwrap_or_default();
        let (mut names, labels): (Vec<_>, Vec<_>) =
            matchers.into_iter().partition(|matcher| matcher.name == METRIC_NAME);
        if names.is_empty() {
            names.push(Matcher { name: METRIC_NAME.to_owned(), test: Test::Is(TARGET_INFO.to_owned()) });
        } else if names.iter().all(|matcher| matches!(matcher.test, Test::IsNot(_) | Test::MatchesNot(_))) {
            // These only say which info series are not meant.
            let pattern = Pattern::new(".+_info").map_err(Error::Evaluation)?;
            names.push(Matcher { name: METRIC_NAME.to_owned(), test: Test::Matches(pattern) });
        }
        Ok(Self { names, labels })
    }

    /// Whether a series is itself one of the info series.
    fn is_info(&self, labels: &Labels) -> bool {
        self.names.iter().all(|matcher| matcher.holds(labels.name()))
    }

    fn adds(&self, label: &str) -> bool {
        self.labels.is_empty() || self.labels.iter().any(|matcher| matcher.name == label)
    }

    /// Whether a series stays although no info series belongs to it.
    fn may_lack(&self) -> bool {
        self.labels.iter().all(|matcher| matcher.holds(""))
    }
}

fn identity(labels: &Labels) -> Labels {
    labels.filtered(|name| IDENTITY.contains(&name))
}

/// The info series of an identity, by the name of their metric.
type Infos = HashMap<Labels, BTreeMap<String, Vec<usize>>>;

impl Engine<'_> {
    /// What `info` gives on a grid.
    pub fn info(&self, arguments: &[Expr], grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let expr = arguments.first().ok_or_else(|| super::mistyped("an instant vector", "nothing"))?;
        let wanted = Wanted::of(arguments.get(1))?;
        let columns = self.vector(expr, grid, depth)?;
        let when = when_of(expr).cloned().unwrap_or_default();
        let identities: HashSet<Labels> = columns
            .iter()
            .filter(|column| !wanted.is_info(&column.labels))
            .map(|column| identity(&column.labels))
            .filter(|identity| !identity.is_empty())
            .collect();
        let sources = if identities.is_empty() { Vec::new() } else { self.info_series(&wanted, when, grid)? };
        let mut infos = Infos::new();
        for (index, source) in sources.iter().enumerate() {
            let identity = identity(&source.labels);
            if identities.contains(&identity) {
                let names = infos.entry(identity).or_default();
                names.entry(source.labels.name().to_owned()).or_default().push(index);
            }
        }
        enriched(&columns, &sources, &infos, &wanted, Columns::new(grid.count, self.options.samples_max))
    }

    /// The info series; their values are when they were sampled, so that the newest of several can be told.
    fn info_series(&self, wanted: &Wanted, when: When, grid: Grid) -> Result<Vec<Column>, Error> {
        let matchers = wanted.names.iter().chain(&wanted.labels).cloned().collect();
        self.timestamps(&Selector { matchers, when, mode: WindowMode::Plain }, grid)
    }
}

/// When the first selector of an expression looks: info series are looked up at the same time.
fn when_of(expr: &Expr) -> Option<&When> {
    match expr {
        Expr::Selector(selector) | Expr::Window(selector, ..) => Some(&selector.when),
        Expr::Subquery(subquery) => when_of(&subquery.inner),
        Expr::Paren(inner) | Expr::Negate(inner) => when_of(inner),
        Expr::Binary(binary) => when_of(&binary.left).or_else(|| when_of(&binary.right)),
        Expr::Aggregate(aggregate) => when_of(&aggregate.inner),
        Expr::Call(call) => call.arguments.iter().find_map(when_of),
        Expr::Number(_) | Expr::Text(_) => None,
    }
}

fn enriched(
    columns: &[Column],
    sources: &[Column],
    infos: &Infos,
    wanted: &Wanted,
    mut results: Columns,
) -> Result<Vec<Column>, Error> {
    for column in columns {
        let own = wanted.is_info(&column.labels);
        let found = infos.get(&identity(&column.labels)).filter(|_| !own);
        let mut last: Option<(Vec<usize>, usize)> = None;
        for (step, cell) in column.cells.iter().enumerate() {
            let Some(value) = cell else { continue };
            let current = match found {
                Some(found) => newest(found, sources, step)?,
                None => Vec::new(),
            };
            if current.is_empty() && !own && !wanted.may_lack() {
                continue;
            }
            let place = match &last {
                Some((key, place)) if *key == current => *place,
                _ => {
                    let labels = with_info(&column.labels, &current, sources, wanted)?;
                    results.place(&labels, column.drop_name)?
                }
            };
            last = Some((current, place));
            results.put(place, step, value.clone())?;
        }
    }
    Ok(results.finish())
}

/// The newest info series of each name at a step.
fn newest(found: &BTreeMap<String, Vec<usize>>, sources: &[Column], step: usize) -> Result<Vec<usize>, Error> {
    let mut all = Vec::new();
    for indices in found.values() {
        let mut best: Option<(usize, f64)> = None;
        for index in indices {
            let Some(at) = sources.get(*index).and_then(|source| source.float(step)) else { continue };
            match best {
                Some((_, newer)) if newer > at => {}
                Some((other, same)) if same == at => return Err(conflict(sources, other, *index, at)),
                _ => best = Some((*index, at)),
            }
        }
        all.extend(best.map(|(index, _)| index));
    }
    Ok(all)
}

fn conflict(sources: &[Column], a: usize, b: usize, at: f64) -> Error {
    let name = |index: usize| sources.get(index).map(|source| super::matching::braced(&source.labels));
    let (a, b, at) = (name(a).unwrap_or_default(), name(b).unwrap_or_default(), (at * SECOND) as i64);
    Error::Evaluation(format!("found duplicate series for info metric: existing {a} @ {at}, new {b} @ {at}"))
}

fn with_info(labels: &Labels, current: &[usize], sources: &[Column], wanted: &Wanted) -> Result<Labels, Error> {
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    for source in current.iter().filter_map(|index| sources.get(*index)) {
        for (name, value) in source.labels.iter().filter(|(name, _)| *name != METRIC_NAME && wanted.adds(name)) {
            if added.get(name).is_some_and(|other| *other != value) {
                return Err(Error::Evaluation(format!("conflicting label: {name}")));
            }
            if labels.get(name).is_empty() {
                added.insert(name, value);
            }
        }
    }
    Ok(Labels::from_pairs(labels.iter().chain(added)))
}
