//! Answers for many instants at once, so that a replay asks each query once a piece and not once an instant.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use promql::ast::Expr;
use promql::{Data, Labels, Millis, Options, SeriesSource, Value};

use super::plan::{AlertPlan, Planned, RecoverPlan};
use super::render::vector;

/// Which query of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The rule's own.
    Condition,
    /// Which series there are.
    Presence,
    /// What tells a recovery.
    Recovery,
    /// What counts events.
    Events,
    /// What measures the impact.
    Impact,
}

/// Evenly spaced instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first.
    pub start: Millis,
    /// How far apart they are, above zero.
    pub step: Millis,
    /// How many there are.
    pub count: usize,
}

impl Grid {
    /// The instants in order.
    pub fn instants(self) -> impl Iterator<Item = Millis> {
        (0..self.count as Millis).map(move |step| self.start.saturating_add(step.saturating_mul(self.step)))
    }

    /// Which of them an instant is; beyond the last for one that is before the first.
    fn index(self, at: Millis) -> usize {
        usize::try_from(at.saturating_sub(self.start).div_euclid(self.step.max(1))).unwrap_or(usize::MAX)
    }
}

/// The answer at one instant: places among the labels, and values.
type Row = Result<Vec<(usize, Value)>, String>;

/// The answers to one query at the instants of a grid.
#[derive(Debug)]
pub(crate) struct Answers {
    grid: Grid,
    labels: Vec<Labels>,
    rows: Vec<Row>,
}

impl Answers {
    /// Asks for all instants at once; where that fails, for each on its own, so that an error stays with its instant.
    pub fn ask(expr: &Expr, source: &dyn SeriesSource, grid: Grid, options: &Options) -> Self {
        let end = grid.start.saturating_add(grid.step.saturating_mul(grid.count.saturating_sub(1) as Millis));
        match promql::range(expr, source, grid.start, end, grid.step, options).map(|answer| answer.data) {
            Ok(Data::Matrix(series)) => Self::of(series, grid),
            _ => Self::one_by_one(expr, source, grid, options),
        }
    }

    fn of(all: Vec<promql::Series>, grid: Grid) -> Self {
        let mut rows: Vec<Vec<(usize, Value)>> = vec![Vec::new(); grid.count];
        let mut labels = Vec::with_capacity(all.len());
        for (place, series) in all.into_iter().enumerate() {
            labels.push(series.labels);
            for point in series.points {
                if let Some(row) = rows.get_mut(grid.index(point.at)) {
                    row.push((place, point.value));
                }
            }
        }
        Self { grid, labels, rows: rows.into_iter().map(Ok).collect() }
    }

    fn one_by_one(expr: &Expr, source: &dyn SeriesSource, grid: Grid, options: &Options) -> Self {
        let (mut labels, mut places) = (Vec::new(), HashMap::new());
        let mut row = |samples: Vec<(Labels, Value)>| {
            let place = |(own, value): (Labels, Value)| {
                let place = *places.entry(own.clone()).or_insert_with(|| {
                    labels.push(own);
                    labels.len() - 1
                });
                (place, value)
            };
            samples.into_iter().map(place).collect::<Vec<_>>()
        };
        let rows = grid.instants().map(|at| vector(expr, source, at, options).map(&mut row)).collect();
        Self { grid, labels, rows }
    }

    /// The answers with only those numbers that pass; what is no number does not.
    pub fn filtered(&self, passes: impl Fn(f64) -> bool) -> Self {
        let keep = |row: &Vec<(usize, Value)>| {
            row.iter().filter(|(_, value)| value.float().is_some_and(&passes)).cloned().collect::<Vec<_>>()
        };
        let rows = self.rows.iter().map(|row| row.as_ref().map(keep).map_err(Clone::clone)).collect();
        Self { grid: self.grid, labels: self.labels.clone(), rows }
    }

    /// Every number in the answers.
    pub fn numbers(&self) -> impl Iterator<Item = f64> {
        self.rows.iter().flatten().flatten().filter_map(|(_, value)| value.float())
    }

    fn at(&self, at: Millis) -> Option<Result<Vec<(Labels, Value)>, String>> {
        let row = self.rows.get(self.grid.index(at))?;
        let named = |(place, value): &(usize, Value)| Some((self.labels.get(*place)?.clone(), value.clone()));
        Some(row.as_ref().map(|row| row.iter().filter_map(named).collect()).map_err(Clone::clone))
    }

    fn is_empty_at(&self, at: Millis) -> bool {
        self.rows.get(self.grid.index(at)).is_some_and(|row| row.as_ref().is_ok_and(Vec::is_empty))
    }
}

/// The labels of an alert's series and of the alert, by the sample's.
type Names = RefCell<HashMap<Labels, (Labels, Labels)>>;

/// The answers to the queries of a rule at the instants of a grid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    parts: Vec<(Part, Rc<Answers>)>,
    /// The names of alerts whose rule has no templates.
    pub(super) names: Option<Rc<Names>>,
}

/// The most names of alerts that are remembered.
pub(super) const NAMES_MAX: usize = 100_000;

impl Ahead {
    /// Asks every query of a rule.
    pub fn ask(rule: &Planned, source: &dyn SeriesSource, grid: Grid, options: &Options) -> Self {
        let ask = |(part, expr)| (part, Rc::new(Answers::ask(expr, source, grid, options)));
        let plain = match rule {
            Planned::Alert(rule) => rule.is_plain(),
            Planned::Record(_) => false,
        };
        Self { parts: queries(rule).into_iter().map(ask).collect(), names: plain.then(Rc::default) }
    }

    /// With other answers of the rule's own query.
    pub fn with_condition(&self, answers: Answers) -> Self {
        let others = self.parts.iter().filter(|(part, _)| *part != Part::Condition).cloned();
        let parts = others.chain([(Part::Condition, Rc::new(answers))]).collect();
        Self { parts, names: self.names.clone() }
    }

    /// The answer to a query; `None` where it was not asked for this instant.
    pub(super) fn at(&self, part: Part, at: Millis) -> Option<Result<Vec<(Labels, Value)>, String>> {
        self.answers(part)?.at(at)
    }

    /// Whether the rule's own query has an answer for this instant, and an empty one.
    pub(super) fn is_empty_at(&self, at: Millis) -> bool {
        self.answers(Part::Condition).is_some_and(|answers| answers.is_empty_at(at))
    }

    fn answers(&self, part: Part) -> Option<&Answers> {
        self.parts.iter().find(|(known, _)| *known == part).map(|(_, answers)| &**answers)
    }
}

/// Every query of a rule.
pub(crate) fn queries(rule: &Planned) -> Vec<(Part, &Expr)> {
    match rule {
        Planned::Record(rule) => vec![(Part::Condition, &rule.expr)],
        Planned::Alert(rule) => of_alert(rule),
    }
}

fn of_alert(rule: &AlertPlan) -> Vec<(Part, &Expr)> {
    let recovery = rule.recover.as_ref().map(|recover| match recover {
        RecoverPlan::Query(expr) | RecoverPlan::Value(expr, _) => expr,
    });
    let more = [
        (Part::Presence, rule.presence.as_ref()),
        (Part::Recovery, recovery),
        (Part::Events, rule.min_events.as_ref().map(|(expr, _)| expr)),
        (Part::Impact, rule.severity.as_ref().map(|(expr, _)| expr)),
    ];
    let more = more.into_iter().filter_map(|(part, expr)| Some((part, expr?)));
    std::iter::once((Part::Condition, &rule.expr)).chain(more).collect()
}

impl AlertPlan {
    /// Whether its alerts have no annotations, and labels without templates: then a sample's labels alone name its alert.
    pub(crate) fn is_plain(&self) -> bool {
        self.annotations.is_empty() && self.labels.iter().all(|(_, text)| !text.contains("{{"))
    }

    /// Whether an empty answer changes nothing when there are no alerts.
    pub(super) fn is_idle_without_alerts(&self) -> bool {
        self.presence.is_none() && self.min_events.is_none()
    }
}
