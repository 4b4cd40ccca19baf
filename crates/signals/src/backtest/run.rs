//! The replay itself.

use promql::{Millis, SeriesSource};

use super::firing::Firings;
use super::past::Past;
use super::reads::{Way, Writers, way};
use super::report::{Report, RuleReport};
use super::{EVALUATIONS_MAX, FIRINGS_LISTED_MAX, Options, PIECE_MAX, Refusal, settings};
use crate::alerting::{
    Ahead, Grid, Overlay, Plan, Planned, RuleState, Scene, Setting, State, Transition, evaluate, one,
};

/// What is told of each transition: the rule's place among all rules, and the transition.
pub(super) type Listener<'a> = &'a mut dyn FnMut(usize, &Transition);

/// Replays groups of rules over a source, in order.
///
/// # Errors
/// When it would be too much.
pub fn replay(plans: &[Plan], source: &dyn SeriesSource, options: &Options) -> Result<Report, Refusal> {
    replay_told(plans, source, options, &mut |_, _| {})
}

/// Replays, and tells each transition.
pub(super) fn replay_told(
    plans: &[Plan],
    source: &dyn SeriesSource,
    options: &Options,
    told: Listener<'_>,
) -> Result<Report, Refusal> {
    let plans: Vec<Plan> = plans.iter().map(without_annotations).collect();
    let grids = plans.iter().map(|plan| grid(plan, options)).collect::<Result<Vec<_>, _>>()?;
    let writers = Writers::of(&plans);
    let hidden_from = options.start.saturating_sub(plans.iter().map(|plan| plan.offset).max().unwrap_or(0));
    let past = Past::new(source, &writers, hidden_from);
    let (rules, step_by_step) = match way(&plans, &writers) {
        Way::Ahead(read) => (ahead(&plans, &grids, &past, &read, options, told)?, None),
        Way::StepByStep(why) => (step_by_step(&plans, &grids, &past, options, told)?, Some(why)),
    };
    Ok(Report { start: options.start, end: options.end, step_by_step, rules })
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
        count: PIECE_MAX.min(grid.count - from),
        ..grid
    })
}

/// A rule in one setting, and what became of it.
#[derive(Debug)]
pub(super) struct Lane {
    pub rule: Planned,
    state: RuleState,
    pub firings: Firings,
    pub errors: usize,
    pub error: Option<String>,
}

/// What all evaluations of a rule have in common.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub past: &'a Past<'a>,
    pub setting: &'a Setting,
    pub offset: Millis,
    pub limit: Option<usize>,
    /// Whether another rule reads what this one writes.
    pub read: bool,
}

impl Lane {
    pub fn new(rule: Planned) -> Self {
        Self { rule, state: RuleState::default(), firings: Firings::default(), errors: 0, error: None }
    }

    /// Evaluates the rule at every instant of a piece.
    pub fn run(
        &mut self,
        bench: Bench<'_>,
        piece: Grid,
        ahead: &Ahead,
        told: &mut dyn FnMut(&Transition),
    ) -> Result<(), Refusal> {
        let overlay = Overlay::new(bench.past);
        let mut said = Vec::new();
        for at in piece.instants() {
            let scene = Scene {
                source: &overlay,
                setting: bench.setting,
                at,
                offset: bench.offset,
                limit: bench.limit,
                ahead: Some(ahead),
                silent: !bench.read,
            };
            match one(&self.rule, &scene, &mut self.state, &mut said) {
                Ok(samples) if bench.read => bench.past.write(samples)?,
                Ok(_) => {}
                Err(message) => self.failed(message),
            }
            for transition in said.drain(..) {
                self.firings.take(&transition);
                told(&transition);
            }
        }
        Ok(())
    }

    fn failed(&mut self, message: String) {
        self.errors += 1;
        self.error.get_or_insert(message);
    }

    fn report(&self, plan: &Plan, grid: Grid, end: Millis) -> RuleReport {
        let firings = &self.firings;
        let (alerts, alerts_not_listed) = firings.by_alert();
        let from = firings.all.len().saturating_sub(FIRINGS_LISTED_MAX);
        RuleReport {
            group: plan.group.clone(),
            rule: self.rule.name().to_owned(),
            line: self.rule.line(),
            hold: if let Planned::Alert(rule) = &self.rule { rule.hold } else { 0 },
            evaluations: grid.count,
            firings: firings.count,
            durations: firings.durations(end),
            flaps: firings.flaps(),
            first: firings.all.first().map(|firing| firing.raised),
            last: firings.all.last().map(|firing| firing.raised),
            alerts,
            alerts_not_listed,
            errors: self.errors,
            error: self.error.clone(),
            listed: firings.all.get(from..).unwrap_or_default().to_vec(),
            settings: Vec::new(),
            suggestion: None,
        }
    }

    /// Whether a report has something to say of it.
    fn is_told(&self) -> bool {
        matches!(self.rule, Planned::Alert(_)) || self.errors > 0
    }
}

/// One rule after the other, each over the whole time.
fn ahead(
    plans: &[Plan],
    grids: &[Grid],
    past: &Past<'_>,
    read: &[bool],
    options: &Options,
    told: Listener<'_>,
) -> Result<Vec<RuleReport>, Refusal> {
    let mut reports = Vec::new();
    let rules = plans.iter().zip(grids).flat_map(|(plan, grid)| plan.rules.iter().map(move |rule| (plan, *grid, rule)));
    for (place, ((plan, grid, rule), read)) in rules.zip(read).enumerate() {
        if matches!(rule, Planned::Record(_)) && !read {
            continue;
        }
        let bench = Bench { past, setting: &options.setting, offset: plan.offset, limit: plan.limit, read: *read };
        let mut lanes = vec![Lane::new(rule.clone())];
        let tries = if options.settings { settings::tries(rule, bench, grid) } else { Vec::new() };
        lanes.extend(tries.iter().map(|setting| Lane::new(setting.rule(rule))));
        over(&mut lanes, &tries, bench, grid, &mut |transition| told(place, transition))?;
        let Some((own, others)) = lanes.split_first() else { continue };
        if own.is_told() {
            let mut report = own.report(plan, grid, options.end);
            settings::tell(&mut report, own, &tries, others);
            reports.push(report);
        }
    }
    Ok(reports)
}

/// Runs a rule in all its settings; the first one is its own.
fn over(
    lanes: &mut [Lane],
    tries: &[settings::Setting],
    bench: Bench<'_>,
    grid: Grid,
    told: &mut dyn FnMut(&Transition),
) -> Result<(), Refusal> {
    for piece in pieces(grid) {
        let Some((own, others)) = lanes.split_first_mut() else { return Ok(()) };
        let asked = Grid { start: piece.start.saturating_sub(bench.offset), ..piece };
        let ahead = Ahead::ask(&own.rule, bench.past, asked, &bench.setting.options);
        let value = settings::value(&own.rule).filter(|_| tries.iter().any(|setting| setting.threshold.is_some()));
        let value = value.map(|value| settings::answers(value.expr, bench, asked));
        own.run(bench, piece, &ahead, told)?;
        let others_bench = Bench { read: false, ..bench };
        for (lane, setting) in others.iter_mut().zip(tries) {
            let limited = setting.threshold.zip(value.as_ref());
            let limited = limited.map(|(limit, value)| ahead.with_condition(value.filtered(|v| limit.holds(v))));
            lane.run(others_bench, piece, limited.as_ref().unwrap_or(&ahead), &mut |_| {})?;
        }
    }
    Ok(())
}

/// All groups at one instant, in order, then at the next, exactly as live.
fn step_by_step(
    plans: &[Plan],
    grids: &[Grid],
    past: &Past<'_>,
    options: &Options,
    told: Listener<'_>,
) -> Result<Vec<RuleReport>, Refusal> {
    let mut lanes: Vec<Vec<Lane>> =
        plans.iter().map(|plan| plan.rules.iter().cloned().map(Lane::new).collect()).collect();
    let mut states: Vec<State> = plans.iter().map(|_| State::default()).collect();
    let mut next: Vec<_> = grids.iter().map(|grid| grid.instants().peekable()).collect();
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
            }
            before += plan.rules.len();
        }
    }
    let told = plans.iter().zip(grids).zip(&lanes);
    let report = |((plan, grid), lanes): ((&Plan, &Grid), &Vec<Lane>)| {
        lanes.iter().filter(|lane| lane.is_told()).map(|lane| lane.report(plan, *grid, options.end)).collect::<Vec<_>>()
    };
    Ok(told.flat_map(report).collect())
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
