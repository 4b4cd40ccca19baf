//! How an objective stands: how fast its budget burns now, and how much of it is left. Read from the series that its own
//! rules record ([`super::generate`]), so that what is shown is what alerts.

use std::collections::HashMap;

use kernel::Seconds;
use kernel::book::slo::{Slo, Tier, Urgency, Windows};
use promql::ast::{Expr, Matcher};
use promql::{Data, Labels, METRIC_NAME, Millis, Options, SeriesSource, Wanted};

use super::query::quoted_label;
use super::windows::{BurnRate, burn_rates, duration};

/// How an objective stands at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The promise, in percent.
    pub objective: f64,
    /// Over how long.
    pub period: Seconds,
    /// How often the budget burns as fast as it grows, over the shortest window; `None` without samples.
    pub burn_rate: Option<f64>,
    /// The share of the period's budget that is left; below zero when more is used than there was.
    pub budget_left: Option<f64>,
    /// Since when its share of bad events has been recorded, within the period: before that, nothing is known.
    pub known_since: Option<Millis>,
    /// Each pair of windows that can alert, the fastest first.
    pub burns: Vec<Burn>,
}

/// How a pair of windows stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Burn {
    /// Which pair it is.
    pub tier: Tier,
    /// How soon somebody must know.
    pub urgency: Urgency,
    /// The short window.
    pub short: Seconds,
    /// The long window.
    pub long: Seconds,
    /// From how many times the allowed speed on it alerts.
    pub factor: f64,
    /// How many times faster than allowed the budget burns over the short window.
    pub over_short: Option<f64>,
    /// Over the long window.
    pub over_long: Option<f64>,
    /// How many bad events there were in the long window, where an alert needs a least number of them.
    pub bad_events: Option<f64>,
    /// Whether its part of the alert's condition holds.
    pub burning: bool,
}

/// Reads how an objective stands.
///
/// # Errors
/// When the source cannot answer.
pub fn status(slo: &Slo, windows: &Windows, source: &dyn SeriesSource, at: Millis) -> Result<Status, String> {
    let selector = selector(slo)?;
    let known = recorded(&selector, source, at)?;
    let number = |name: &str| known.get(name).copied();
    let rates = burn_rates(slo, windows);
    let burns = rates.iter().map(|rate| burn(slo, rate, &number)).collect();
    Ok(Status {
        objective: slo.objective.as_percent(),
        period: windows.period(),
        burn_rate: number("slo:current_burn_rate:ratio"),
        budget_left: number("slo:period_error_budget_remaining:ratio"),
        known_since: known_since(slo, windows, source, at)?,
        burns,
    })
}

/// Every series that the objective's rules record.
fn selector(slo: &Slo) -> Result<Expr, String> {
    let [id, service, name] = [&slo.id(), &slo.service, &slo.name].map(|text| quoted_label(text));
    let query = format!("{{sloth_id={id}, sloth_service={service}, sloth_slo={name}, {METRIC_NAME}=~\"slo:.+\"}}");
    promql::parse(&query).map_err(|error| error.to_string())
}

/// What was recorded last, by the name of the series.
fn recorded(selector: &Expr, source: &dyn SeriesSource, at: Millis) -> Result<HashMap<String, f64>, String> {
    let answer = promql::instant(selector, source, at, &Options::default()).map_err(|error| error.to_string())?;
    let Data::Vector(samples) = answer.data else { return Ok(HashMap::new()) };
    let numbers = samples.into_iter().filter_map(|(labels, point)| Some((name(&labels), point.value.float()?)));
    Ok(numbers.filter(|(_, value)| value.is_finite()).collect())
}

fn name(labels: &Labels) -> String {
    labels.get(METRIC_NAME).to_owned()
}

fn burn(slo: &Slo, rate: &BurnRate, number: &dyn Fn(&str) -> Option<f64>) -> Burn {
    let ratio = |window| number(&format!("slo:sli_error:ratio_rate{}", duration(window)));
    let (short, long) = (ratio(rate.short), ratio(rate.long));
    let bad_events = slo.min_events.and_then(|_| number(&format!("slo:sli_error:increase{}", duration(rate.long))));
    let above = |ratio: Option<f64>| ratio.is_some_and(|ratio| ratio > rate.threshold);
    let enough = slo.min_events.is_none_or(|least| bad_events.is_some_and(|bad| bad >= f64::from(least.get())));
    let speed = |ratio: Option<f64>| ratio.map(|ratio| ratio / slo.objective.budget());
    Burn {
        tier: rate.tier,
        urgency: rate.urgency,
        short: rate.short,
        long: rate.long,
        factor: rate.factor,
        over_short: speed(short),
        over_long: speed(long),
        bad_events,
        burning: above(short) && above(long) && enough,
    }
}

/// When the oldest sample within the period was recorded of the series that the period's budget is the mean of.
fn known_since(slo: &Slo, windows: &Windows, source: &dyn SeriesSource, at: Millis) -> Result<Option<Millis>, String> {
    let shortest = Tier::ALL.into_iter().map(|tier| windows.pace(tier).short).min().unwrap_or(windows.period());
    let matcher =
        |name: &str, value: &str| Matcher { name: name.to_owned(), test: promql::ast::Test::Is(value.to_owned()) };
    let matchers = [
        matcher(METRIC_NAME, &format!("slo:sli_error:ratio_rate{}", duration(shortest))),
        matcher("sloth_id", &slo.id()),
        matcher("sloth_service", &slo.service),
        matcher("sloth_slo", &slo.name),
    ];
    let after = at.saturating_sub(i64::from(windows.period().0).saturating_mul(1000));
    let all = source.select(Wanted { matchers: &matchers, after, until: at }).map_err(|error| error.to_string())?;
    Ok(all.iter().filter_map(|series| series.points.first()).map(|point| point.at).min())
}
