//! One rule over the whole time, in all its tunings: the past is read and its query evaluated once for all of them.
//!
//! A rule that compares a value with a number is asked for the value; its own condition and those with other thresholds
//! are what passes. The work of a piece is cut in [`HANDS`] parts: first the queries, each part over its own stretch of
//! time; then the tunings, which know nothing of each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use kernel::book::Threshold;
use promql::Millis;

use super::Refusal;
use super::help::{HANDS, Help, Work};
use super::incidents::services_in;
use super::lane::{Bench, Lane};
use super::run::{Watch, pieces};
use super::sketch::Sketch;
use super::tuning::{self, Value};
use crate::alerting::{Ahead, Answers, Grid, Holding, Part, Planned, Series, Transition};

/// What became of a rule: in its own tuning, and in others.
pub(super) struct Ran {
    pub own: Lane,
    pub others: Vec<Lane>,
    /// What it looked at; `None` where it was not asked ahead.
    pub sketch: Option<Sketch>,
    /// The services of the series that it looked at.
    pub services: BTreeSet<String>,
}

impl Ran {
    /// A rule of which nothing else is known.
    pub fn alone(own: Lane) -> Self {
        Self { own, others: Vec::new(), sketch: None, services: BTreeSet::new() }
    }
}

/// Runs a rule over a grid, in all its tunings where these are wanted.
///
/// # Errors
/// When it writes too much, or the replay is to end.
pub(super) fn over(
    rule: &Planned,
    bench: Bench<'_>,
    grid: Grid,
    tuned: bool,
    watch: &mut Watch<'_>,
    told: &mut dyn FnMut(&Transition),
) -> Result<Ran, Refusal> {
    let others = if tuned { tuning::tries(rule, bench, grid) } else { Vec::new() };
    let mut ran = Ran { others, ..Ran::alone(Lane::new(rule.clone(), None)) };
    let value = tuning::value(rule);
    let mut sketch = Sketch::new(grid, value.as_ref().is_some_and(Value::is_downward));
    for piece in pieces(grid) {
        let looks = look(rule, value.as_ref(), bench, piece, watch.help)?;
        for look in &looks {
            sketch.take(&look.answers, bench.offset);
            ran.services.extend(services_in(look.answers.labels()).map(str::to_owned));
        }
        run_all(&mut ran, &looks, bench, watch.help, told)?;
        watch.done(piece.count)?;
    }
    ran.sketch = matches!(rule, Planned::Alert(_)).then_some(sketch);
    Ok(ran)
}

/// The answers to the queries of a rule over a stretch of time.
struct Look {
    grid: Grid,
    /// By instant; empty where no lane needs them.
    ahead: Ahead,
    /// What is compared with a number, or else the condition itself.
    answers: Arc<Answers>,
    /// Whether it is compared with a number.
    compares: bool,
    /// For alerts that know nothing of each other: their names, and when the rule's own condition holds.
    alone: Option<(Series, Holding)>,
}

impl Look {
    fn of(rule: &Planned, value: Option<&Value<'_>>, bench: Bench<'_>, grid: Grid) -> Self {
        let asked = Grid { start: grid.start.saturating_sub(bench.offset), ..grid };
        let options = &bench.setting.options;
        let expr = value.map_or_else(|| tuning::condition(rule), |value| value.expr);
        let answers = Arc::new(Answers::values(expr, bench.past, asked, options));
        let passes = |sample: &promql::Value| match value {
            Some(value) => sample.float().is_some_and(|number| value.limit.holds(number)),
            None => true,
        };
        let alone = match rule {
            Planned::Alert(alert) if bench.limit.is_none() && alert.stands_alone(bench.setting, value.is_some()) => {
                Series::of(alert, &answers).zip(Holding::of(&answers, passes))
            }
            _ => None,
        };
        let mut look = Self { grid, ahead: Ahead::default(), answers, compares: value.is_some(), alone };
        if look.alone.is_none() || bench.read {
            let condition = match value {
                Some(value) => look.answers.filtered(|number| value.limit.holds(number)),
                None => look.answers.by_instant(),
            };
            let mut given = vec![(Part::Condition, Arc::new(condition))];
            if value.is_some_and(|value| value.recovers) {
                given.push((Part::Recovery, Arc::clone(&look.answers)));
            }
            look.ahead = Ahead::ask(rule, given, bench.past, asked, options);
        }
        look
    }

    /// The answers for a rule in another tuning.
    fn tuned(&self, lane: &Lane) -> Ahead {
        let (true, Some(tuning)) = (self.compares, lane.tuning) else { return self.ahead.clone() };
        let ahead = match tuning.limit {
            Some(limit) => {
                self.ahead.with(Part::Condition, Arc::new(self.answers.filtered(|number| limit.holds(number))))
            }
            None => self.ahead.clone(),
        };
        if tuning.recovery.is_some() { ahead.with(Part::Recovery, Arc::clone(&self.answers)) } else { ahead }
    }

    /// Runs a lane whose samples nobody reads over the stretch.
    ///
    /// # Errors
    /// Never where nothing is written.
    fn run(&self, lane: &mut Lane, bench: Bench<'_>) -> Result<Vec<Transition>, Refusal> {
        let Some((series, holding)) = self.alone.as_ref().filter(|_| !bench.read) else {
            return lane.run(bench, self.grid, &self.tuned(lane));
        };
        let limit = lane.tuning.and_then(|tuning| tuning.limit);
        let passes =
            |limit: Threshold| move |sample: &promql::Value| sample.float().is_some_and(|number| limit.holds(number));
        let other = limit.and_then(|limit| Holding::of(&self.answers, passes(limit)));
        Ok(lane.walk(self.grid, bench.offset, &self.answers, (series, other.as_ref().unwrap_or(holding))))
    }
}

/// Asks the queries of a rule over a piece, cut into stretches.
fn look(
    rule: &Planned,
    value: Option<&Value<'_>>,
    bench: Bench<'_>,
    piece: Grid,
    help: &dyn Help,
) -> Result<Vec<Look>, Refusal> {
    let stretches = stretches(piece);
    let mut looks: Vec<Option<Look>> = stretches.iter().map(|_| None).collect();
    let work = looks.iter_mut().zip(stretches).map(|(place, stretch)| {
        let work = move || *place = Some(Look::of(rule, value, bench, stretch));
        Box::new(work) as Work<'_>
    });
    help.together(work.collect());
    looks.into_iter().collect::<Option<_>>().ok_or(Refusal::Stopped)
}

/// A piece in as many stretches as there are hands.
fn stretches(piece: Grid) -> Vec<Grid> {
    let each = piece.count.div_ceil(HANDS).max(1);
    let cut = |from: usize| Grid {
        start: piece.start.saturating_add(piece.step.saturating_mul(Millis::try_from(from).unwrap_or(Millis::MAX))),
        count: each.min(piece.count.saturating_sub(from)),
        ..piece
    };
    (0..piece.count).step_by(each).map(cut).collect()
}

/// Evaluates the rule in all its tunings over a piece, and tells the transitions of its own.
fn run_all(
    ran: &mut Ran,
    looks: &[Look],
    bench: Bench<'_>,
    help: &dyn Help,
    told: &mut dyn FnMut(&Transition),
) -> Result<(), Refusal> {
    let mut own = Ok(Vec::new());
    let mut hands: Vec<Vec<&mut Lane>> = (0..HANDS).map(|_| Vec::new()).collect();
    for (place, lane) in ran.others.iter_mut().enumerate() {
        if let Some(hand) = hands.get_mut(place % HANDS) {
            hand.push(lane);
        }
    }
    let others_bench = Bench { read: false, ..bench };
    let mut work: Vec<Work<'_>> = Vec::new();
    let mut own_work = Some((&mut ran.own, &mut own));
    for lanes in hands {
        let own_work = own_work.take();
        work.push(Box::new(move || {
            if let Some((lane, said)) = own_work {
                *said = run_own(lane, looks, bench);
            }
            lanes.into_iter().for_each(|lane| run_other(lane, looks, others_bench));
        }));
    }
    help.together(work);
    own?.iter().for_each(told);
    Ok(())
}

fn run_own(lane: &mut Lane, looks: &[Look], bench: Bench<'_>) -> Result<Vec<Transition>, Refusal> {
    let mut said = Vec::new();
    for look in looks {
        said.extend(look.run(lane, bench)?);
    }
    Ok(said)
}

/// A tuning is not read by others, so that it writes nothing and cannot be refused.
fn run_other(lane: &mut Lane, looks: &[Look], bench: Bench<'_>) {
    for look in looks {
        let _said = look.run(lane, bench);
    }
}
