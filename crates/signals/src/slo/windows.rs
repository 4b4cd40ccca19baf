//! How fast an error budget may burn, over which windows.
//!
//! A pair of windows alerts when the budget burns at `factor` times the rate that would use it up exactly at the end of the
//! period, over both of them: the long one shows that it matters, the short one that it is still so.
//! `factor = share of the budget * period / long window`. Numbers: Google, The Site Reliability Workbook, chapter 5.

use kernel::Seconds;
use kernel::book::slo::{Pace, Slo, Tier, Urgency, Windows, rounded};

use super::refusal::Refusal;

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// The period when nobody says another: 30 days.
pub const PERIOD_DEFAULT: Seconds = Seconds(30 * DAY);
/// The shortest period.
const PERIOD_MIN: Seconds = Seconds(DAY);
/// The longest period.
const PERIOD_MAX: Seconds = Seconds(366 * DAY);
/// Periods that are this near to 30 days, in percent, have its windows; those of 28 days do in the literature.
const NEAR_PERCENT: u64 = 10;

/// The published windows. For periods that are not about 30 days long the windows grow and shrink with the period, in
/// whole minutes, so that the shares of the budget stay and the factors nearly do.
///
/// # Errors
/// When the period is shorter than a day or longer than a year.
pub fn published(period: Seconds) -> Result<Windows, Refusal> {
    in_range(period)?;
    let table =
        [(2.0, 5 * MINUTE, HOUR), (5.0, 30 * MINUTE, 6 * HOUR), (10.0, 2 * HOUR, DAY), (10.0, 6 * HOUR, 3 * DAY)];
    let paces = table.map(|(budget_percent, short, long)| {
        let long = scaled(long, period).max(2 * MINUTE);
        let short = scaled(short, period).clamp(MINUTE, long - MINUTE);
        Pace { budget_percent, short: Seconds(short), long: Seconds(long) }
    });
    Windows::new(period, paces)
        .map_err(|error| Refusal::Windows { period: duration(period), reason: error.to_string() })
}

/// How many times faster than allowed the budget burns at a tier.
#[must_use]
pub fn factor(windows: &Windows, tier: Tier) -> f64 {
    let Pace { budget_percent, long, .. } = windows.pace(tier);
    rounded(budget_percent * f64::from(windows.period().0) / f64::from(long.0) / 100.0)
}

fn in_range(period: Seconds) -> Result<(), Refusal> {
    if (PERIOD_MIN..=PERIOD_MAX).contains(&period) {
        return Ok(());
    }
    let [period, least, most] = [period, PERIOD_MIN, PERIOD_MAX].map(duration);
    Err(Refusal::Period { period, least, most })
}

/// A window of the 30 days' for another period, in whole minutes.
fn scaled(window: u32, period: Seconds) -> u32 {
    let (period, base) = (u64::from(period.0), u64::from(PERIOD_DEFAULT.0));
    if period.abs_diff(base) * 100 <= base * NEAR_PERCENT {
        return window;
    }
    let minute = u64::from(MINUTE);
    let minutes = (u64::from(window) * period + base * minute / 2) / (base * minute);
    u32::try_from(minutes * minute).unwrap_or(u32::MAX)
}

/// Which windows there are for which period.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Windows of one's own; for other periods the published ones hold.
    pub own: Vec<Windows>,
    /// The period of objectives that say none.
    pub period: Seconds,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { own: Vec::new(), period: PERIOD_DEFAULT }
    }
}

impl Catalogue {
    /// The windows for an objective.
    ///
    /// # Errors
    /// When its period is too short or too long.
    pub fn of(&self, slo: &Slo) -> Result<Windows, Refusal> {
        let period = slo.period.unwrap_or(self.period);
        match self.own.iter().rev().find(|windows| windows.period() == period) {
            Some(windows) => Ok(windows.clone()),
            None => published(period),
        }
    }
}

/// When an alert is due: both windows are above the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnRate {
    /// Which pair it is.
    pub tier: Tier,
    /// The short window.
    pub short: Seconds,
    /// The long window.
    pub long: Seconds,
    /// How many times faster than allowed the budget burns.
    pub factor: f64,
    /// The share of bad events that this is.
    pub threshold: f64,
    /// How soon somebody must know.
    pub urgency: Urgency,
}

/// The burn rates that an objective alerts on, the fastest first; without those that it drops or disables.
#[must_use]
pub fn burn_rates(slo: &Slo, windows: &Windows) -> Vec<BurnRate> {
    let disabled = |urgency| match urgency {
        Urgency::Page => slo.alerting.page.disabled,
        Urgency::Ticket => slo.alerting.ticket.disabled,
    };
    let wanted = Tier::ALL.into_iter().filter(|tier| !slo.dropped.contains(tier) && !disabled(tier.urgency()));
    let rate = |tier: Tier| {
        let (Pace { short, long, .. }, factor) = (windows.pace(tier), factor(windows, tier));
        BurnRate { tier, short, long, factor, threshold: factor * slo.objective.budget(), urgency: tier.urgency() }
    };
    wanted.map(rate).collect()
}

/// A duration as Prometheus prints it: years and weeks only where they are whole.
#[must_use]
pub fn duration(span: Seconds) -> String {
    if span.0 == 0 {
        return "0s".to_owned();
    }
    let (mut rest, mut out) = (span.0, String::new());
    for (unit, size, whole) in [
        ("y", 365 * DAY, true),
        ("w", 7 * DAY, true),
        ("d", DAY, false),
        ("h", HOUR, false),
        ("m", MINUTE, false),
        ("s", 1, false),
    ] {
        if rest >= size && (!whole || rest.is_multiple_of(size)) {
            out.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    out
}
