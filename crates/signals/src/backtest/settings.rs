//! The rule in other settings: which are tried, how they did, and which one to take.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use kernel::book::Threshold;
use promql::ast::{BinaryOp, Expr};
use promql::{Labels, Millis};

use super::firing::{Firing, Firings, median};
use super::report::{Lateness, RuleReport, Suggestion, Tried};
use super::run::{Bench, Lane};
use super::{HOLDS, LOOKS, SHARES};
use crate::alerting::{Answers, Grid, Planned, compared};

/// How much quieter a setting must be to be suggested, in percent of the firings.
const QUIETER_PERCENT: usize = 80;
/// How much quieter where no firing lasted, so that nothing shows what must be kept, in percent.
const QUIETER_UNPROVEN_PERCENT: usize = 50;

/// A setting that is not the rule's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Setting {
    pub hold: Millis,
    pub threshold: Option<Threshold>,
}

impl Setting {
    /// The rule in this setting; the threshold comes with the answers.
    pub fn rule(&self, rule: &Planned) -> Planned {
        let mut rule = rule.clone();
        if let Planned::Alert(alert) = &mut rule {
            alert.hold = self.hold;
        }
        rule
    }
}

/// A value that a rule compares with a number.
pub(super) struct Value<'a> {
    pub expr: &'a Expr,
    pub limit: Threshold,
}

/// The value that a rule compares, where that is all it does.
pub(super) fn value(rule: &Planned) -> Option<Value<'_>> {
    let Planned::Alert(alert) = rule else { return None };
    Some(Value { expr: compared(&alert.expr)?, limit: limit(&alert.expr)? })
}

fn limit(expr: &Expr) -> Option<Threshold> {
    match expr.compared_with()? {
        (BinaryOp::Gt, number) => Some(Threshold::Above(number)),
        (BinaryOp::Ge, number) => Some(Threshold::AtLeast(number)),
        (BinaryOp::Lt, number) => Some(Threshold::Below(number)),
        (BinaryOp::Le, number) => Some(Threshold::AtMost(number)),
        _ => None,
    }
}

/// The value at every instant.
pub(super) fn answers(expr: &Expr, bench: Bench<'_>, grid: Grid) -> Answers {
    Answers::ask(expr, bench.past, grid, &bench.setting.options)
}

/// The settings to try; none for a recording rule.
pub(super) fn tries(rule: &Planned, bench: Bench<'_>, grid: Grid) -> Vec<Setting> {
    let Planned::Alert(alert) = rule else { return Vec::new() };
    let holds = HOLDS.iter().filter(|hold| alert.several.is_none() && **hold != alert.hold);
    let mut tries: Vec<Setting> = holds.map(|hold| Setting { hold: *hold, threshold: None }).collect();
    let limits = value(rule).map(|value| limits(&value, bench, grid)).unwrap_or_default();
    tries.extend(limits.into_iter().map(|limit| Setting { hold: alert.hold, threshold: Some(limit) }));
    tries
}

/// Thresholds beyond which some shares of the values are.
fn limits(value: &Value<'_>, bench: Bench<'_>, grid: Grid) -> Vec<Threshold> {
    let every = grid.count.div_ceil(LOOKS).max(1);
    let step = grid.step.saturating_mul(Millis::try_from(every).unwrap_or(Millis::MAX));
    let looks = Grid { start: grid.start.saturating_sub(bench.offset), step, count: grid.count.div_ceil(every) };
    let answers = answers(value.expr, bench, looks);
    let mut values: Vec<f64> = answers.numbers().filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (own, make, upward) = parts(value.limit);
    let numbers = SHARES.iter().filter_map(|share| {
        let beyond = if upward { 1.0 - share } else { *share };
        #[expect(clippy::cast_precision_loss, reason = "a place among values is far below 2^52")]
        let place = beyond * values.len().saturating_sub(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and the length")]
        values.get(place.round() as usize).map(|value| rounded(*value))
    });
    let mut seen: Vec<f64> = vec![own];
    let fresh = numbers.filter(|number| {
        let new = seen.iter().all(|known| known.to_bits() != number.to_bits());
        seen.push(*number);
        new
    });
    fresh.map(make).collect()
}

/// The number of a threshold, what makes one of another number, and whether it is a lower limit.
fn parts(limit: Threshold) -> (f64, fn(f64) -> Threshold, bool) {
    match limit {
        Threshold::Above(number) => (number, Threshold::Above, true),
        Threshold::AtLeast(number) => (number, Threshold::AtLeast, true),
        Threshold::Below(number) => (number, Threshold::Below, false),
        Threshold::AtMost(number) => (number, Threshold::AtMost, false),
    }
}

/// A number of three digits, which a person would write.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// Firings by their labels, to find those at the same time.
struct ByAlert<'a>(BTreeMap<&'a Labels, Vec<&'a Firing>>);

impl<'a> ByAlert<'a> {
    fn of(firings: &'a Firings) -> Self {
        let mut all: BTreeMap<&Labels, Vec<&Firing>> = BTreeMap::new();
        firings.all.iter().for_each(|firing| all.entry(&firing.labels).or_default().push(firing));
        Self(all)
    }

    /// The first firing of the same alert at the same time.
    fn beside(&self, firing: &Firing) -> Option<&'a Firing> {
        let of_alert = self.0.get(&firing.labels)?;
        let over = |other: &&Firing| other.cleared.is_some_and(|cleared| cleared <= firing.raised);
        let first = of_alert.partition_point(over);
        of_alert.get(first).copied().filter(|other| other.overlaps(firing))
    }
}

/// Puts the settings into the report of their rule, and the one to take.
pub(super) fn tell(report: &mut RuleReport, own: &Lane, tries: &[Setting], lanes: &[Lane]) {
    if tries.is_empty() {
        return;
    }
    let own_setting = Setting { hold: report.hold, threshold: None };
    let at_once = tries.iter().zip(lanes).find(|(setting, _)| setting.hold == 0 && setting.threshold.is_none());
    let first_held = ByAlert::of(at_once.map_or(&own.firings, |(_, lane)| &lane.firings));
    let long: Vec<&Firing> = own.firings.all.iter().filter(|firing| !firing.is_short()).collect();
    let all = std::iter::once((&own_setting, own)).chain(tries.iter().zip(lanes));
    let mut settings: Vec<Tried> = all.map(|(setting, lane)| tried(setting, lane, &first_held, &long)).collect();
    settings.iter_mut().take(1).for_each(|setting| setting.own = true);
    mark_pareto(&mut settings);
    report.suggestion = suggest(&settings, &report.rule);
    settings.sort_by(|a, b| a.threshold.map(ordered).cmp(&b.threshold.map(ordered)).then(a.hold.cmp(&b.hold)));
    report.settings = settings;
}

/// Numbers as integers in the same order.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

fn tried(setting: &Setting, lane: &Lane, first_held: &ByAlert<'_>, long: &[&Firing]) -> Tried {
    let firings = &lane.firings;
    let delay = |firing: &Firing| Some(firing.raised.saturating_sub(first_held.beside(firing)?.raised));
    let mut delays: Vec<Millis> = firings.all.iter().filter_map(delay).collect();
    delays.sort_unstable();
    let own = ByAlert::of(firings);
    Tried {
        hold: setting.hold,
        threshold: setting.threshold.map(|limit| parts(limit).0),
        own: false,
        firings: firings.count,
        short_share: firings.short_share(),
        delay: Lateness { median: median(&delays), most: delays.last().copied() },
        caught: (long.iter().filter(|firing| own.beside(firing).is_some()).count(), long.len()),
        pareto: false,
    }
}

/// Marks the settings that no other one beats: it fires no more, is no later and misses no more, and is better in one.
fn mark_pareto(settings: &mut [Tried]) {
    let merits = |tried: &Tried| (tried.firings, tried.delay.median.unwrap_or(Millis::MAX), Reverse(tried.caught.0));
    let all: BTreeSet<_> = settings.iter().map(merits).collect();
    for tried in settings {
        let own = merits(tried);
        let beats = |other: &(usize, Millis, Reverse<usize>)| {
            *other != own && other.0 <= own.0 && other.1 <= own.1 && other.2 <= own.2
        };
        tried.pareto = !all.iter().any(beats);
    }
}

/// The quietest setting that has every firing which lasted; where none lasted, the earliest of those that are much quieter.
fn suggest(settings: &[Tried], rule: &str) -> Option<Suggestion> {
    let own = settings.iter().find(|tried| tried.own)?;
    let quieter = |percent: usize| {
        settings.iter().filter(move |tried| {
            !tried.own && tried.caught.0 == tried.caught.1 && tried.firings * 100 <= own.firings * percent
        })
    };
    if own.firings == 0 {
        return None;
    }
    let delay = |tried: &&Tried| tried.delay.median.unwrap_or(Millis::MAX);
    let (_, long) = own.caught;
    let best = if long > 0 {
        quieter(QUIETER_PERCENT).min_by_key(|tried| (tried.firings, delay(tried)))
    } else {
        quieter(QUIETER_UNPROVEN_PERCENT).min_by_key(|tried| (delay(tried), tried.firings))
    }?;
    let reason = reason(rule, own, best);
    Some(Suggestion { hold: best.hold, threshold: best.threshold, reason })
}

fn reason(rule: &str, own: &Tried, best: &Tried) -> String {
    let kept = match own.caught.1 {
        0 => "none of its firings lasted five minutes".to_owned(),
        1 => "the one that lasted five minutes or more is still there".to_owned(),
        long => format!("all {long} that lasted five minutes or more are still there"),
    };
    let late = match (own.delay.median, best.delay.median) {
        (Some(before), Some(after)) if after > before => {
            format!(", typically {} s later", after.saturating_sub(before).div_euclid(1000))
        }
        (Some(_), Some(_)) => ", no later".to_owned(),
        _ => String::new(),
    };
    format!("{rule} would fire {} times instead of {}; {kept}{late}", best.firings, own.firings)
}
