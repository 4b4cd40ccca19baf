//! `anomaly` and `unusual`: what stands out, by the scorer of the source.
//!
//! At one instant a scorer that remembers is given the newest row of each series. Otherwise the argument is evaluated at
//! the steps before the first one as well, and the scorer walks all of them: at the step of a range query or subquery, and
//! for a single instant at the step of a subquery that says none.

use super::grid::{Column, Grid};
use super::{Engine, float};
use crate::ast::Expr;
use crate::{ANOMALY, Error, Labels, Scorer, Scoring, Value};

impl Engine<'_> {
    /// The answer about a vector by [`ANOMALY`] or [`UNUSUAL`](crate::UNUSUAL). There is none about histograms.
    pub(super) fn scored(
        &self,
        function: &str,
        argument: &Expr,
        grid: Grid,
        depth: usize,
    ) -> Result<Vec<Column>, Error> {
        let Some(scorer) = self.source.scorer() else {
            return Err(Error::Evaluation(format!("{function}(..) cannot be asked here: nothing scores these series")));
        };
        let call = Scoring { function, argument };
        // Only the query's own instant has no step.
        if grid.count == 1 && grid.step == 0 {
            let columns = self.vector(argument, grid, depth)?;
            if let Some(scored) = newest(scorer, call, grid, columns)? {
                return Ok(scored);
            }
        }
        self.walked(scorer, call, grid, depth)
    }

    /// The answer at steps about which nothing is remembered.
    fn walked(&self, scorer: &dyn Scorer, call: Scoring<'_>, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let warm_up = scorer.warm_up();
        let step = if grid.step > 0 { grid.step } else { self.options.subquery_step };
        let before = step.saturating_mul(i64::try_from(warm_up).unwrap_or(i64::MAX));
        let all = Grid { start: grid.start.saturating_sub(before), step, count: grid.count.saturating_add(warm_up) };
        self.check(all.count)?;
        let columns = self.vector(call.argument, all, depth)?;
        scorer.admit(call.function, columns.len()).map_err(Error::Evaluation)?;
        self.spend(columns.len().saturating_mul(all.count))?;
        let walk = |column: Column| {
            let floats = all.instants().enumerate().filter_map(|(at, instant)| Some((at, instant, column.float(at)?)));
            let (places, rows): (Vec<usize>, Vec<_>) = floats.map(|(place, at, value)| (place, (at, value))).unzip();
            let mut cells = vec![None; grid.count];
            for ((place, (_, value)), score) in places.into_iter().zip(&rows).zip(scorer.walk(call.function, &rows)) {
                if let Some(cell) = place.checked_sub(warm_up).and_then(|step| cells.get_mut(step)) {
                    *cell = answer(call.function, *value, score);
                }
            }
            answered(column, call.function, cells)
        };
        Ok(columns.into_iter().map(walk).filter(Column::has_any).collect())
    }
}

/// The answer at one instant by a scorer that remembers; `None` where it does not.
fn newest(
    scorer: &dyn Scorer,
    call: Scoring<'_>,
    grid: Grid,
    columns: Vec<Column>,
) -> Result<Option<Vec<Column>>, Error> {
    let numbers: Vec<(Column, f64)> =
        columns.into_iter().filter_map(|column| column.float(0).map(|value| (column, value))).collect();
    scorer.admit(call.function, numbers.len()).map_err(Error::Evaluation)?;
    let rows: Vec<(&Labels, f64)> = numbers.iter().map(|(column, value)| (&column.labels, *value)).collect();
    let Some(scores) = scorer.next(call, grid.start, &rows) else { return Ok(None) };
    let scores = scores.map_err(Error::Evaluation)?;
    let scored = |((column, value), score): ((Column, f64), f64)| {
        answered(column, call.function, vec![answer(call.function, value, score)])
    };
    Ok(Some(numbers.into_iter().zip(scores).map(scored).filter(Column::has_any).collect()))
}

/// What a function says of a value with this score.
fn answer(function: &str, value: f64, score: f64) -> Option<Value> {
    if function == ANOMALY { float(score) } else { (score > 0.0).then_some(Value::Float(value)) }
}

/// A series with its answers: a score is no longer that metric, a value that was let through is.
fn answered(column: Column, function: &str, cells: Vec<Option<Value>>) -> Column {
    Column { cells, drop_name: column.drop_name || function == ANOMALY, ..column }
}
