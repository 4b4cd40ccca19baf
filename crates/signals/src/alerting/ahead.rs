//! Answers for many instants at once, so that a replay asks each query once a piece and not once an instant.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use promql::ast::Expr;
use promql::{Data, Labels, Millis, Options, Point, SeriesSource, Value};

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
    held: Held,
}

/// How answers are held.
#[derive(Debug)]
enum Held {
    /// By instant: for conditions, which most of the time hold for few series.
    Rows(Vec<Row>),
    /// By series, in order of time: for values, of which all series have one most of the time.
    Columns(Vec<Vec<Point>>),
}

impl Answers {
    /// Asks for all instants at once; where that fails, for each on its own, so that an error stays with its instant.
    pub fn ask(expr: &Expr, source: &dyn SeriesSource, grid: Grid, options: &Options) -> Self {
        let answers = Self::values(expr, source, grid, options);
        if answers.columns().is_some() { answers.by_instant() } else { answers }
    }

    /// The same for an expression that has a value for most series at most instants.
    pub fn values(expr: &Expr, source: &dyn SeriesSource, grid: Grid, options: &Options) -> Self {
        let end = grid.start.saturating_add(grid.step.saturating_mul(grid.count.saturating_sub(1) as Millis));
        match promql::range(expr, source, grid.start, end, grid.step, options).map(|answer| answer.data) {
            Ok(Data::Matrix(series)) => {
                let (labels, columns) = series.into_iter().map(|series| (series.labels, series.points)).unzip();
                Self { grid, labels, held: Held::Columns(columns) }
            }
            _ => Self::one_by_one(expr, source, grid, options),
        }
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
        Self { grid, labels, held: Held::Rows(rows) }
    }

    /// The answers with only those numbers that pass; what is no number does not.
    pub fn filtered(&self, passes: impl Fn(f64) -> bool) -> Self {
        self.picked(|value| value.float().is_some_and(&passes))
    }

    /// The answers with only those values that pass, by instant.
    fn picked(&self, passes: impl Fn(&Value) -> bool) -> Self {
        let rows = match &self.held {
            Held::Rows(rows) => {
                let keep = |row: &Vec<(usize, Value)>| {
                    row.iter().filter(|(_, value)| passes(value)).cloned().collect::<Vec<_>>()
                };
                rows.iter().map(|row| row.as_ref().map(keep).map_err(Clone::clone)).collect()
            }
            Held::Columns(columns) => {
                let mut rows: Vec<Vec<(usize, Value)>> = vec![Vec::new(); self.grid.count];
                for (place, column) in columns.iter().enumerate() {
                    for point in column.iter().filter(|point| passes(&point.value)) {
                        if let Some(row) = rows.get_mut(self.grid.index(point.at)) {
                            row.push((place, point.value.clone()));
                        }
                    }
                }
                rows.into_iter().map(Ok).collect()
            }
        };
        Self { grid: self.grid, labels: self.labels.clone(), held: Held::Rows(rows) }
    }

    /// The instants that were asked for.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The answers by series, each in order of time; `None` where they are held by instant.
    pub fn columns(&self) -> Option<&[Vec<Point>]> {
        match &self.held {
            Held::Rows(_) => None,
            Held::Columns(columns) => Some(columns),
        }
    }

    /// The same by instant.
    pub fn by_instant(&self) -> Self {
        self.picked(|_| true)
    }

    /// The labels of every series in the answers.
    pub fn labels(&self) -> &[Labels] {
        &self.labels
    }

    /// Takes every number with its instant and the place of its labels, those of one series in order of time.
    pub fn each(&self, mut take: impl FnMut(Millis, usize, f64)) {
        let mut pass = |at, place, value: &Value| value.float().into_iter().for_each(|value| take(at, place, value));
        match &self.held {
            Held::Rows(rows) => {
                for (at, row) in self.grid.instants().zip(rows) {
                    row.iter().flatten().for_each(|(place, value)| pass(at, *place, value));
                }
            }
            Held::Columns(columns) => {
                for (place, column) in columns.iter().enumerate() {
                    column.iter().for_each(|point| pass(point.at, place, &point.value));
                }
            }
        }
    }

    fn at(&self, at: Millis) -> Option<Result<Vec<(Labels, Value)>, String>> {
        let named = |(place, value): (usize, &Value)| Some((self.labels.get(place)?.clone(), value.clone()));
        match &self.held {
            Held::Rows(rows) => {
                let row = rows.get(self.grid.index(at))?.as_ref();
                let named = |row: &Vec<(usize, Value)>| {
                    row.iter().filter_map(|(place, value)| named((*place, value))).collect()
                };
                Some(row.map(named).map_err(Clone::clone))
            }
            Held::Columns(columns) => {
                let within = self.grid.index(at) < self.grid.count;
                let value = |column: &Vec<Point>| {
                    let place = column.binary_search_by_key(&at, |point| point.at).ok()?;
                    column.get(place).map(|point| point.value.clone())
                };
                let values = columns.iter().enumerate().filter_map(|(place, column)| Some((place, value(column)?)));
                within.then(|| Ok(values.filter_map(|(place, value)| named((place, &value))).collect()))
            }
        }
    }

    fn is_empty_at(&self, at: Millis) -> bool {
        match &self.held {
            Held::Rows(rows) => rows.get(self.grid.index(at)).is_some_and(|row| row.as_ref().is_ok_and(Vec::is_empty)),
            Held::Columns(_) => false,
        }
    }
}

/// The labels of an alert's series and of the alert, by the sample's: for rules without templates, whose alerts are named by
/// the labels of a sample alone.
pub(crate) type Names = RefCell<HashMap<Labels, (Labels, Labels)>>;

/// The answers to the queries of a rule at the instants of a grid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    parts: Vec<(Part, Arc<Answers>)>,
}

/// The most names of alerts that are remembered.
pub(super) const NAMES_MAX: usize = 100_000;

impl Ahead {
    /// Asks every query of a rule whose answers are not given.
    pub fn ask(
        rule: &Planned,
        given: Vec<(Part, Arc<Answers>)>,
        source: &dyn SeriesSource,
        grid: Grid,
        options: &Options,
    ) -> Self {
        let known = |part: Part| given.iter().any(|(known, _)| *known == part);
        let open = queries(rule).into_iter().filter(|(part, _)| !known(*part));
        let mut parts: Vec<_> =
            open.map(|(part, expr)| (part, Arc::new(Answers::ask(expr, source, grid, options)))).collect();
        parts.extend(given);
        Self { parts }
    }

    /// With other answers to a query.
    pub fn with(&self, part: Part, answers: Arc<Answers>) -> Self {
        let others = self.parts.iter().filter(|(known, _)| *known != part).cloned();
        Self { parts: others.chain([(part, answers)]).collect() }
    }

    /// The answer to a query; `None` where it was not asked for this instant.
    pub(super) fn at(&self, part: Part, at: Millis) -> Option<Result<Vec<(Labels, Value)>, String>> {
        self.answers(part)?.at(at)
    }

    /// Whether the rule's own query has an answer for this instant, and an empty one.
    pub(super) fn is_empty_at(&self, at: Millis) -> bool {
        self.answers(Part::Condition).is_some_and(|answers| answers.is_empty_at(at))
    }

    /// All answers to a query.
    pub fn answers(&self, part: Part) -> Option<&Answers> {
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
