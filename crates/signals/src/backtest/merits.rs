//! How a rule did in each tuning: what it would have cost and kept, which tunings no other one beats, and which to take.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use promql::{Labels, Millis};

use super::firing::{Firing, Firings, median};
use super::incidents::{ByService, SERVICE, judge, spoken};
use super::lane::Lane;
use super::over::Ran;
use super::report::{Lateness, RuleReport, Suggestion, Tried};
use super::tuning::{Tuning, number, value};
use super::{FIRINGS_LISTED_MAX, Options};
use crate::alerting::{Grid, Plan, Planned};

/// How much quieter a tuning must be to be suggested, in percent of the firings.
const QUIETER_PERCENT: usize = 80;
/// How much quieter where no firing lasted, so that nothing shows what must be kept, in percent.
const QUIETER_UNPROVEN_PERCENT: usize = 50;

/// What a rule did; `None` where there is nothing to say.
pub(super) fn report(ran: Ran, plan: &Plan, grid: Grid, options: &Options) -> Option<RuleReport> {
    let Ran { own, others, sketch, services } = ran;
    if !own.is_told() {
        return None;
    }
    let firings = &own.firings;
    let (alerts, alerts_not_listed) = firings.by_alert();
    let from = firings.all.len().saturating_sub(FIRINGS_LISTED_MAX);
    let by_service = ByService::of(firings);
    let services = spoken(own_service(&own.rule), &services, &by_service);
    let settings = tried(&own, &others, &services, options);
    Some(RuleReport {
        group: plan.group.clone(),
        rule: own.rule.name().to_owned(),
        line: own.rule.line(),
        hold: if let Planned::Alert(rule) = &own.rule { rule.hold } else { 0 },
        evaluations: grid.count,
        firings: firings.count,
        pages: by_service.pages(),
        durations: firings.durations(options.end),
        flaps: firings.flaps(),
        first: firings.all.first().map(|firing| firing.raised),
        last: firings.all.last().map(|firing| firing.raised),
        errors: own.errors,
        error: own.error.clone(),
        listed: firings.all.get(from..).unwrap_or_default().to_vec(),
        incidents: judge(own.rule.name(), &by_service, &services, &options.incidents),
        picture: sketch.map(|sketch| sketch.picture(value(&own.rule).map(|value| number(value.limit)), &alerts)),
        suggestion: suggest(&settings, own.rule.name()),
        settings,
        alerts,
        alerts_not_listed,
    })
}

/// The service that a rule puts into its alerts by itself.
fn own_service(rule: &Planned) -> Option<&str> {
    let Planned::Alert(rule) = rule else { return None };
    let text = rule.labels.iter().find(|(name, _)| name == SERVICE).map(|(_, text)| text.as_str());
    text.filter(|text| !text.contains("{{"))
}

/// Firings by their labels, to find those at the same time.
struct ByAlert<'a>(BTreeMap<&'a Labels, Vec<&'a Firing>>);

impl<'a> ByAlert<'a> {
    fn of(firings: &'a Firings) -> Self {
        let mut all: BTreeMap<&Labels, Vec<&Firing>> = BTreeMap::new();
        firings.all.iter().for_each(|firing| all.entry(&firing.labels).or_default().push(firing));
        Self(all)
    }

    /// The firings of the same alert at the same time, in order.
    fn beside(&self, firing: &'a Firing) -> impl Iterator<Item = &'a Firing> {
        let of_alert = self.0.get(&firing.labels).map(Vec::as_slice).unwrap_or_default();
        let over = |other: &&Firing| other.cleared.is_some_and(|cleared| cleared <= firing.raised);
        let first = of_alert.partition_point(over);
        of_alert.get(first..).unwrap_or_default().iter().copied().take_while(|other| other.overlaps(firing))
    }
}

/// What tunings are measured against.
struct Measure<'a> {
    /// When the rule's own condition held: its firings without `for`.
    held: ByAlert<'a>,
    /// Its own firings that were not short.
    long: Vec<&'a Firing>,
    services: &'a BTreeSet<String>,
    options: &'a Options,
}

/// The rule's own tuning and the others, in order of their numbers; empty where none was tried.
fn tried(own: &Lane, others: &[Lane], services: &BTreeSet<String>, options: &Options) -> Vec<Tried> {
    let Planned::Alert(alert) = &own.rule else { return Vec::new() };
    if others.is_empty() {
        return Vec::new();
    }
    let written = Tuning::of(alert);
    let at_once = Tuning { hold: 0, ..written };
    let held = others.iter().find(|lane| lane.tuning == Some(at_once)).unwrap_or(own);
    let long = own.firings.all.iter().filter(|firing| !firing.is_short()).collect();
    let measure = Measure { held: ByAlert::of(&held.firings), long, services, options };
    let mut all = vec![Tried { own: true, ..measure.tried(written, own) }];
    all.extend(others.iter().filter_map(|lane| Some(measure.tried(lane.tuning?, lane))));
    mark_pareto(&mut all);
    all.sort_by_key(|tried| {
        let Tuning { hold, keep_firing, threshold, recover_when, .. } = tried.tuning;
        (threshold.map(ordered), recover_when.is_some(), keep_firing, hold, recover_when.map(ordered))
    });
    all
}

/// Numbers as integers in the same order.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

impl<'a> Measure<'a> {
    fn tried(&self, tuning: Tuning, lane: &'a Lane) -> Tried {
        let firings = &lane.firings;
        let by_alert = ByAlert::of(firings);
        let delay = |firing: &'a Firing| Some(firing.raised.saturating_sub(self.held.beside(firing).next()?.raised));
        let lingers = |firing: &'a Firing| {
            let ended = self.held.beside(firing).last()?.cleared?;
            Some(firing.cleared?.saturating_sub(ended).max(0))
        };
        let by_service = ByService::of(firings);
        let judged = judge("", &by_service, self.services, &self.options.incidents);
        Tried {
            tuning,
            own: false,
            firings: firings.count,
            pages: by_service.pages(),
            flaps: firings.flaps(),
            short_share: firings.short_share(),
            delay: lateness(firings.all.iter().filter_map(delay)),
            lingers: lateness(firings.all.iter().filter_map(lingers)),
            caught: (
                self.long.iter().filter(|firing| by_alert.beside(firing).next().is_some()).count(),
                self.long.len(),
            ),
            incidents: (judged.iter().filter(|judged| judged.raised.is_some()).count(), judged.len()),
            pareto: false,
        }
    }
}

fn lateness(all: impl Iterator<Item = Millis>) -> Lateness {
    let mut all: Vec<Millis> = all.collect();
    all.sort_unstable();
    Lateness { median: median(&all), most: all.last().copied() }
}

/// What a tuning costs: firings, how late they begin, how late they end, and what is missed of what must be kept.
type Costs = (usize, Millis, Millis, Reverse<usize>, Reverse<usize>);

fn costs(tried: &Tried) -> Costs {
    let late = |lateness: Lateness| lateness.median.unwrap_or(Millis::MAX);
    (tried.firings, late(tried.delay), late(tried.lingers), Reverse(tried.caught.0), Reverse(tried.incidents.0))
}

/// Marks the tunings that no other one beats: none costs less in one thing and no more in any other.
fn mark_pareto(all: &mut [Tried]) {
    let known: BTreeSet<Costs> = all.iter().map(costs).collect();
    for tried in all {
        let own = costs(tried);
        let beats = |other: &Costs| {
            let no_more =
                other.0 <= own.0 && other.1 <= own.1 && other.2 <= own.2 && other.3 <= own.3 && other.4 <= own.4;
            no_more && *other != own
        };
        tried.pareto = !known.iter().any(beats);
    }
}

/// The quietest tuning that has every firing which lasted and every incident; where none lasted, of those that are much
/// quieter the one that begins and ends least late.
fn suggest(all: &[Tried], rule: &str) -> Option<Suggestion> {
    let own = all.iter().find(|tried| tried.own && tried.firings > 0)?;
    let keeps = |tried: &&Tried| !tried.own && tried.caught.0 == tried.caught.1 && tried.incidents.0 >= own.incidents.0;
    let quieter =
        |percent: usize| all.iter().filter(keeps).filter(move |tried| tried.firings * 100 <= own.firings * percent);
    // To begin late and to end late are both untrue for as long.
    let untrue = |tried: &Tried| costs(tried).1.saturating_add(costs(tried).2);
    let (_, long) = own.caught;
    let best = if long > 0 {
        quieter(QUIETER_PERCENT).min_by_key(|tried| (tried.firings, untrue(tried)))
    } else {
        quieter(QUIETER_UNPROVEN_PERCENT).min_by_key(|tried| (untrue(tried), tried.firings))
    }?;
    Some(Suggestion { tuning: best.tuning, reason: reason(rule, own, best) })
}

fn reason(rule: &str, own: &Tried, best: &Tried) -> String {
    let kept = match own.caught.1 {
        0 => "none of its firings lasted five minutes".to_owned(),
        1 => "the one that lasted five minutes or more is still there".to_owned(),
        long => format!("all {long} that lasted five minutes or more are still there"),
    };
    let incidents = match own.incidents.0 {
        0 => String::new(),
        1 => ", so is the incident that it caught".to_owned(),
        caught => format!(", so are the {caught} incidents that it caught"),
    };
    let late = match later(own.delay, best.delay) {
        Some(seconds) if seconds > 0 => format!(", typically {seconds} s later"),
        Some(_) => ", no later".to_owned(),
        None => String::new(),
    };
    let ends = match later(own.lingers, best.lingers) {
        Some(seconds) if seconds > 0 => format!(", and clears {seconds} s later"),
        _ => String::new(),
    };
    let (before, after) = (own.firings, times(best.firings));
    format!("{rule} would fire {after} instead of {before}; {kept}{incidents}{late}{ends}")
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// How many seconds later one typically is than the other.
fn later(before: Lateness, after: Lateness) -> Option<i64> {
    Some(after.median?.saturating_sub(before.median?).div_euclid(1000))
}
