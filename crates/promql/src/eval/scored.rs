//! `anomaly`: how unusual each value is, by the scorer of the source.
//!
//! At one instant a scorer that remembers is given the newest row of each series. Otherwise the argument is evaluated at
//! the steps before the first one as well, and the scorer walks all of them: at the step of a range query or subquery, and
//! for a single instant at the step of a subquery that says none.

use super::grid::{Column, Grid};
use super::{Engine, float};
use crate::ast::Expr;
use crate::{ANOMALY, Error, Labels, Scorer};

impl Engine<'_> {
    /// The scores of a vector. Histograms have none.
    pub(super) fn scored(&self, argument: &Expr, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let Some(scorer) = self.source.scorer() else {
            return Err(Error::Evaluation(format!("{ANOMALY}(..) cannot be asked here: nothing scores these series")));
        };
        // Only the query's own instant has no step.
        if grid.count == 1 && grid.step == 0 {
            let columns = self.vector(argument, grid, depth)?;
            if let Some(scored) = newest(scorer, argument, grid, columns)? {
                return Ok(scored);
            }
        }
        self.walked(scorer, argument, grid, depth)
    }

    /// The scores of steps about which nothing is remembered.
    fn walked(&self, scorer: &dyn Scorer, argument: &Expr, grid: Grid, depth: usize) -> Result<Vec<Column>, Error> {
        let warm_up = scorer.warm_up();
        let step = if grid.step > 0 { grid.step } else { self.options.subquery_step };
        let before = step.saturating_mul(i64::try_from(warm_up).unwrap_or(i64::MAX));
        let all = Grid { start: grid.start.saturating_sub(before), step, count: grid.count.saturating_add(warm_up) };
        self.check(all.count)?;
        let columns = self.vector(argument, all, depth)?;
        scorer.admit(columns.len()).map_err(Error::Evaluation)?;
        self.spend(columns.len().saturating_mul(all.count))?;
        let walk = |column: Column| {
            let floats = all.instants().enumerate().filter_map(|(at, instant)| Some((at, instant, column.float(at)?)));
            let (places, rows): (Vec<usize>, Vec<_>) = floats.map(|(place, at, value)| (place, (at, value))).unzip();
            let mut cells = vec![None; grid.count];
            for (place, score) in places.into_iter().zip(scorer.walk(&rows)) {
                if let Some(cell) = place.checked_sub(warm_up).and_then(|step| cells.get_mut(step)) {
                    *cell = float(score);
                }
            }
            Column { cells, drop_name: true, ..column }
        };
        Ok(columns.into_iter().map(walk).filter(Column::has_any).collect())
    }
}

/// The scores of one instant by a scorer that remembers; `None` where it does not.
fn newest(
    scorer: &dyn Scorer,
    argument: &Expr,
    grid: Grid,
    columns: Vec<Column>,
) -> Result<Option<Vec<Column>>, Error> {
    let numbers: Vec<Column> = columns.into_iter().filter(|column| column.float(0).is_some()).collect();
    scorer.admit(numbers.len()).map_err(Error::Evaluation)?;
    let rows: Vec<(&Labels, f64)> =
        numbers.iter().filter_map(|column| Some((&column.labels, column.float(0)?))).collect();
    let Some(scores) = scorer.next(argument, grid.start, &rows) else { return Ok(None) };
    let scores = scores.map_err(Error::Evaluation)?;
    let scored = |(column, score): (Column, f64)| Column { cells: vec![float(score)], drop_name: true, ..column };
    Ok(Some(numbers.into_iter().zip(scores).map(scored).collect()))
}
