//! The replay itself: rule by rule over whole pieces of the past, or instant by instant.

use promql::{Millis, SeriesSource};

use super::help::{Alone, Help, Progress};
use super::incidents::joined;
use super::lane::{Bench, Lane};
use super::over::{Ran, over};
use super::past::Past;
use super::reads::{Way, Writers, way};
use super::report::{Report, RuleReport};
use super::{EVALUATIONS_MAX, Options, PIECE_MAX, Refusal, merits};
use crate::alerting::{Grid, Plan, Planned, State, Transition, evaluate};

/// What is told of each transition: the rule's place among all rules, and the transition.
pub(super) type Listener<'a> = &'a mut dyn FnMut(usize, &Transition);

/// Replays groups of rules over a source, in order, alone and to the end.
///
/// # Errors
/// When it would be too much.
pub fn replay(plans: &[Plan], source: &(dyn SeriesSource + Sync), options: &Options) -> Result<Report, Refusal> {
    replay_told(plans, source, options, &Alone, &mut |_, _| {})
}

/// The same with help.
///
/// # Errors
/// When it would be too much, or the helper ended it.
pub fn replay_with(
    plans: &[Plan],
    source: &(dyn SeriesSource + Sync),
    options: &Options,
    help: &dyn Help,
) -> Result<Report, Refusal> {
    replay_told(plans, source, options, help, &mut |_, _| {})
}

/// Replays, and tells each transition.
pub(super) fn replay_told(
    plans: &[Plan],
    source: &(dyn SeriesSource + Sync),
    options: &Options,
    help: &dyn Help,
    told: Listener<'_>,
) -> Result<Report, Refusal> {
    let plans: Vec<Plan> = plans.iter().map(without_annotations).collect();
    let grids = plans.iter().map(|plan| grid(plan, options)).collect::<Result<Vec<_>, _>>()?;
    let writers = Writers::of(&plans);
    let hidden_from = options.start.saturating_sub(plans.iter().map(|plan| plan.offset).max().unwrap_or(0));
    let past = Past::new(source, &writers, hidden_from);
    let of = plans.iter().zip(&grids).map(|(plan, grid)| plan.rules.len().saturating_mul(grid.count)).sum();
    let watch = Watch { help, progress: Progress { done: 0, of } };
    let (rules, step_by_step) = match way(&plans, &writers) {
        Way::Ahead(read) => (ahead(&plans, &grids, &past, &read, options, watch, told)?, None),
        Way::StepByStep(why) => (step_by_step(&plans, &grids, &past, options, watch, told)?, Some(why)),
    };
    let incidents = joined(rules.iter().flat_map(|rule| &rule.incidents));
    Ok(Report { start: options.start, end: options.end, step_by_step, incidents, rules })
}

/// Counts evaluations, and asks whether to go on.
pub(super) struct Watch<'a> {
    pub help: &'a dyn Help,
    progress: Progress,
}

impl Watch<'_> {
    /// So many more evaluations are done.
    ///
    /// # Errors
    /// When the replay is to end.
    pub fn done(&mut self, more: usize) -> Result<(), Refusal> {
        self.progress.done = self.progress.done.saturating_add(more);
        if self.help.goes_on(self.progress) { Ok(()) } else { Err(Refusal::Stopped) }
    }
}

/// Nothing in a report depends on annotations, and to render them takes most of the time.
fn without_annotations(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for rule in &mut plan.rules {
        if let Planned::Alert(rule) = rule {
            rule.annotations.clear();
        }
    }
    plan
}

/// When a group is evaluated: at the multiples of its interval.
fn grid(plan: &Plan, options: &Options) -> Result<Grid, Refusal> {
    let step = plan.interval.unwrap_or(options.interval).max(1);
    let first = options.start.div_euclid(step).saturating_add(i64::from(options.start.rem_euclid(step) > 0));
    let start = first.saturating_mul(step);
    if start > options.end {
        return Err(Refusal::Empty);
    }
    let evaluations = usize::try_from(options.end.saturating_sub(start) / step).unwrap_or(usize::MAX).saturating_add(1);
    if evaluations > EVALUATIONS_MAX {
        return Err(Refusal::TooLong { group: plan.group.clone(), evaluations });
    }
    Ok(Grid { start, step, count: evaluations })
}

/// A grid in pieces.
pub(super) fn pieces(grid: Grid) -> impl Iterator<Item = Grid> {
    (0..grid.count).step_by(PIECE_MAX).map(move |from| Grid {
        start: grid.start.saturating_add(grid.step.saturating_mul(from as Millis)),
        count: PIECE_MAX.min(grid.count.saturating_sub(from)),
        ..grid
    })
}

/// One rule after the other, each over the whole time.
fn ahead(
    plans: &[Plan],
    grids: &[Grid],
    past: &Past<'_>,
    read: &[bool],
    options: &Options,
    mut watch: Watch<'_>,
    told: Listener<'_>,
) -> Result<Vec<RuleReport>, Refusal> {
    let mut reports = Vec::new();
    let rules = plans.iter().zip(grids).flat_map(|(plan, grid)| plan.rules.iter().map(move |rule| (plan, *grid, rule)));
    for (place, ((plan, grid, rule), read)) in rules.zip(read).enumerate() {
        if matches!(rule, Planned::Record(_)) && !read {
            watch.done(grid.count)?;
            continue;
        }
        let bench = Bench { past, setting: &options.setting, offset: plan.offset, limit: plan.limit, read: *read };
        let ran = over(rule, bench, grid, options.settings, &mut watch, &mut |transition| told(place, transition))?;
        reports.extend(merits::report(ran, plan, grid, options));
    }
    Ok(reports)
}

/// After how many instants it is asked whether to go on.
const ASKED_EVERY: usize = 500;

/// All groups at one instant, in order, then at the next, exactly as live.
fn step_by_step(
    plans: &[Plan],
    grids: &[Grid],
    past: &Past<'_>,
    options: &Options,
    mut watch: Watch<'_>,
    told: Listener<'_>,
) -> Result<Vec<RuleReport>, Refusal> {
    let mut lanes: Vec<Vec<Lane>> =
        plans.iter().map(|plan| plan.rules.iter().cloned().map(|rule| Lane::new(rule, None)).collect()).collect();
    let mut states: Vec<State> = plans.iter().map(|_| State::default()).collect();
    let mut next: Vec<_> = grids.iter().map(|grid| grid.instants().peekable()).collect();
    let mut undone = 0_usize;
    while let Some(at) = next.iter_mut().filter_map(|instants| instants.peek().copied()).min() {
        past.set_now(at);
        let mut before = 0_usize;
        let groups = plans.iter().zip(&mut lanes).zip(&mut states).zip(&mut next);
        for (((plan, lanes), state), instants) in groups {
            if instants.next_if_eq(&at).is_some() {
                let outcome = evaluate(plan, &options.setting, past, at, state);
                for transition in &outcome.transitions {
                    let place = place(plan, transition);
                    told(before.saturating_add(place), transition);
                    lanes.get_mut(place).into_iter().for_each(|lane| lane.firings.take(transition));
                }
                for error in outcome.errors {
                    lanes.get_mut(error.rule).into_iter().for_each(|lane| lane.failed(error.message.clone()));
                }
                past.write(outcome.samples)?;
                undone = undone.saturating_add(plan.rules.len());
            }
            before += plan.rules.len();
        }
        if undone >= ASKED_EVERY {
            watch.done(std::mem::take(&mut undone))?;
        }
    }
    let told = plans.iter().zip(grids).zip(lanes);
    let reports = told.flat_map(|((plan, grid), lanes)| {
        lanes.into_iter().filter_map(|lane| merits::report(Ran::alone(lane), plan, *grid, options))
    });
    Ok(reports.collect())
}

/// The rule of a transition; the first of that name, whose own labels the alert has.
fn place(plan: &Plan, transition: &Transition) -> usize {
    let has = |(name, text): &(String, String)| text.contains("{{") || transition.identity.get(name) == text;
    let is_of = |rule: &Planned| match rule {
        Planned::Alert(rule) => rule.name == transition.rule && rule.labels.iter().all(has),
        Planned::Record(_) => false,
    };
    plan.rules.iter().position(is_of).unwrap_or(usize::MAX)
}
