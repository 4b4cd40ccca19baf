//! How noisy a rule is: how often it fired, whom that helped, and what would have been quieter. From what the journal says
//! of its firings alone; a replay over samples ([`crate::backtest`]) knows more, as long as there are samples.
//!
//! A firing is *acted on* when a person acknowledged a page about it, said that its alert is over, or when it led to an
//! incident. One that paged, is over, and was not acted on was *ignored*.
//!
//! **What is suggested.** The shortest `for` that removes nearly as many firings as any, or the shortest `keep_firing_for`
//! that joins nearly as many: whichever leaves fewer. A `for` is only suggested when it loses none that was acted on, and
//! says by how much those come later. It assumes that a condition held from the raising until `keep_firing_for` before the
//! clearing, which is what the journal shows of it.

use std::collections::BTreeMap;

use kernel::Labels;

use crate::backtest::{FLAP_WITHIN, HOLDS, SHORT};

/// Milliseconds, of instants since 1970.
pub type Millis = i64;

/// Fewer firings than this say nothing about a setting.
pub const FIRINGS_MIN: usize = 5;
/// So many pages in vain say that nobody needs a rule.
pub const VAIN_MIN: usize = 10;
/// A setting is suggested when it takes away at least this share of the firings.
pub const REMOVED_MIN: f64 = 0.2;
/// Of settings that take away nearly as much, the gentlest is suggested; this share of the most is nearly.
const NEARLY: f64 = 0.8;
/// The settings of `keep_firing_for` that are tried, in milliseconds.
pub const KEEPS: [Millis; 4] = [5 * 60_000, 10 * 60_000, 15 * 60_000, 30 * 60_000];
/// A week in milliseconds.
const WEEK: f64 = 7.0 * 86_400_000.0;

/// From the raising to the clearing of one alert of a rule, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The alert's labels.
    pub alert: Labels,
    /// When it was raised.
    pub raised: Millis,
    /// When it was over; `None` when it is not.
    pub cleared: Option<Millis>,
    /// Whether a page was opened about it, or told of it.
    pub paged: bool,
    /// Whether a person acknowledged such a page, or said that the alert is over.
    pub acknowledged: bool,
    /// Whether it led to an incident.
    pub incident: bool,
}

impl Firing {
    /// Whether anybody did anything because of it.
    #[must_use]
    pub fn is_acted_on(&self) -> bool {
        self.acknowledged || self.incident
    }

    fn lasted(&self, end: Millis) -> Millis {
        self.cleared.unwrap_or(end).saturating_sub(self.raised)
    }
}

/// How a rule waits now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Setting {
    /// Its `for`, in milliseconds; `None` where another one would mean nothing, because it counts evaluations or asks
    /// for hits that last one.
    pub hold: Option<Millis>,
    /// Its `keep_firing_for`, in milliseconds.
    pub keep_firing: Millis,
}

/// How noisy a rule was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Noise {
    /// How often it fired.
    pub firings: usize,
    /// Of how many alerts.
    pub alerts: usize,
    /// How often in a week.
    pub per_week: f64,
    /// How many firings paged.
    pub paged: usize,
    /// How many a person acknowledged, or ended.
    pub acknowledged: usize,
    /// How many led to an incident.
    pub incidents: usize,
    /// How many were acted on in any way.
    pub acted_on: usize,
    /// How many paged, are over, and were not acted on.
    pub ignored: usize,
    /// How many are not over.
    pub open: usize,
    /// How long the middle one lasted, in milliseconds.
    pub median: Option<Millis>,
    /// How long the longest lasted.
    pub longest: Option<Millis>,
    /// How many were over within [`SHORT`].
    pub short: usize,
    /// How many began within [`FLAP_WITHIN`] of the end of the same alert's one before.
    pub flaps: usize,
    /// What would have been quieter.
    pub suggestion: Option<Suggestion>,
}

/// What to change, and what that would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The change.
    pub change: Change,
    /// How many firings it would have taken away.
    pub removed: usize,
    /// How many that were acted on would have come later.
    pub delayed: usize,
    /// By how much, in milliseconds.
    pub delay: Millis,
    /// All of it in a sentence.
    pub text: String,
}

/// A change of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Another `for`, in milliseconds.
    For(Millis),
    /// Another `keep_firing_for`, in milliseconds.
    KeepFiringFor(Millis),
    /// Nobody needs to be paged for it.
    PageNobody,
}

/// Tells how noisy a rule was between two instants. The firings are in order of raising, and all raised in that time.
#[must_use]
pub fn noise(firings: &[Firing], setting: Setting, (start, end): (Millis, Millis)) -> Noise {
    let count = |holds: &dyn Fn(&Firing) -> bool| firings.iter().filter(|firing| holds(firing)).count();
    let mut lasted: Vec<Millis> = firings.iter().map(|firing| firing.lasted(end)).collect();
    lasted.sort_unstable();
    let mut alerts: Vec<&Labels> = firings.iter().map(|firing| &firing.alert).collect();
    alerts.sort();
    alerts.dedup();
    let mut noise = Noise {
        firings: firings.len(),
        alerts: alerts.len(),
        per_week: per_week(firings.len(), end.saturating_sub(start)),
        paged: count(&|firing| firing.paged),
        acknowledged: count(&|firing| firing.acknowledged),
        incidents: count(&|firing| firing.incident),
        acted_on: count(&Firing::is_acted_on),
        ignored: count(&|firing| firing.paged && firing.cleared.is_some() && !firing.is_acted_on()),
        open: count(&|firing| firing.cleared.is_none()),
        median: lasted.get(lasted.len().saturating_sub(1) / 2).copied(),
        longest: lasted.last().copied(),
        short: count(&|firing| firing.cleared.is_some() && firing.lasted(end) < SHORT),
        flaps: again_within(firings, FLAP_WITHIN),
        suggestion: None,
    };
    noise.suggestion = suggestion(firings, setting, &noise, end);
    noise
}

#[expect(clippy::cast_precision_loss, reason = "counts and spans are far below 2^52")]
fn per_week(firings: usize, span: Millis) -> f64 {
    firings as f64 * WEEK / span.max(1) as f64
}

/// How many firings began so soon after the end of the same alert's one before.
fn again_within(firings: &[Firing], within: Millis) -> usize {
    let mut over: BTreeMap<&Labels, Millis> = BTreeMap::new();
    let mut again = 0;
    for firing in firings {
        let soon = over.get(&firing.alert).is_some_and(|over| firing.raised.saturating_sub(*over) <= within);
        again += usize::from(soon);
        if let Some(cleared) = firing.cleared {
            over.insert(&firing.alert, cleared);
        }
    }
    again
}

/// What would have been quieter; nothing, where there were too few firings to tell.
fn suggestion(firings: &[Firing], setting: Setting, noise: &Noise, end: Millis) -> Option<Suggestion> {
    if firings.len() < FIRINGS_MIN {
        return None;
    }
    let longer = setting.hold.and_then(|hold| hold_longer(firings, hold, setting.keep_firing, end));
    let kept = keep_longer(firings, setting.keep_firing);
    let quieter = [kept, longer].into_iter().flatten().max_by_key(|suggestion| suggestion.removed);
    quieter.or_else(|| page_nobody(noise))
}

/// The gentlest of those that remove nearly as much as any.
fn gentlest(tried: impl Iterator<Item = (Millis, usize)> + Clone, firings: usize) -> Option<(Millis, usize)> {
    let most = tried.clone().map(|(_, removed)| removed).max()?;
    let enough = share(most, firings) >= REMOVED_MIN;
    tried.into_iter().find(|(_, removed)| enough && share(*removed, most) >= NEARLY)
}

/// Another `for`: of the firings whose condition did not hold for so long, none would have been.
fn hold_longer(firings: &[Firing], hold: Millis, keep: Millis, end: Millis) -> Option<Suggestion> {
    let held = |firing: &Firing| firing.lasted(end).saturating_sub(keep);
    let removes = |firing: &&Firing, more: Millis| firing.cleared.is_some() && held(firing) < more;
    let longer = HOLDS.into_iter().filter(|tried| *tried > hold);
    let harmless = longer.filter(|tried| !firings.iter().any(|f| f.is_acted_on() && removes(&f, tried - hold)));
    let tried = harmless.map(|tried| (tried, firings.iter().filter(|firing| removes(firing, tried - hold)).count()));
    let (to, removed) = gentlest(tried, firings.len())?;
    let (delayed, delay) = (firings.iter().filter(|firing| firing.is_acted_on()).count(), to - hold);
    let what = format!("`for: {}` would have removed {}", words(to), percent(removed, firings.len()));
    let text = match delayed {
        0 => format!("{what}; none of them was acted on."),
        1 => format!("{what} and told of the one that was acted on {} later.", words(delay)),
        _ => format!("{what} and told of the {delayed} that were acted on {} later.", words(delay)),
    };
    Some(Suggestion { change: Change::For(to), removed, delayed, delay, text })
}

/// Another `keep_firing_for`: a firing that comes back so soon would have been the one before.
fn keep_longer(firings: &[Firing], keep: Millis) -> Option<Suggestion> {
    let longer = KEEPS.into_iter().filter(|tried| *tried > keep);
    let tried = longer.map(|tried| (tried, again_within(firings, tried - keep)));
    let (to, removed) = gentlest(tried, firings.len())?;
    let what = percent(removed, firings.len());
    let text = format!("`keep_firing_for: {}` would have joined {what} to the one before.", words(to));
    Some(Suggestion { change: Change::KeepFiringFor(to), removed, delayed: 0, delay: 0, text })
}

/// A rule that paged often, and for which nobody ever did anything.
fn page_nobody(noise: &Noise) -> Option<Suggestion> {
    if noise.acted_on > 0 || noise.ignored < VAIN_MIN {
        return None;
    }
    let text = format!(
        "Nobody acted on any of the {} times that it paged: give it a severity that pages nobody, or remove it.",
        noise.ignored
    );
    Some(Suggestion { change: Change::PageNobody, removed: noise.ignored, delayed: 0, delay: 0, text })
}

/// A share; zero of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn percent(part: usize, whole: usize) -> String {
    format!("{:.0} % of the firings", share(part, whole) * 100.0)
}

/// A span as Prometheus writes it.
fn words(span: Millis) -> String {
    crate::slo::duration(kernel::Seconds(u32::try_from(span / 1000).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Millis = 60_000;

    /// A firing of an alert, by minutes; `acted` says whether somebody acknowledged its page.
    fn firing(alert: &str, from: Millis, to: Option<Millis>, acted: bool) -> Firing {
        Firing {
            alert: Labels::from_pairs([("alert", alert)]).unwrap(),
            raised: from * MINUTE,
            cleared: to.map(|to| to * MINUTE),
            paged: true,
            acknowledged: acted,
            incident: false,
        }
    }

    const TWO_WEEKS: (Millis, Millis) = (0, 14 * 86_400_000);
    const AT_ONCE: Setting = Setting { hold: Some(0), keep_firing: 0 };

    #[test]
    fn firings_are_counted_with_what_came_of_them() {
        let mut all = [
            firing("a", 0, Some(2), false),
            firing("a", 10, Some(30), true),
            firing("b", 100, Some(101), false),
            firing("b", 500, None, false),
        ];
        all[3].incident = true;
        let noise = noise(&all, AT_ONCE, TWO_WEEKS);
        assert_eq!((noise.firings, noise.alerts, noise.per_week), (4, 2, 2.0));
        assert_eq!((noise.paged, noise.acknowledged, noise.incidents, noise.acted_on, noise.ignored), (4, 1, 1, 2, 2));
        assert_eq!((noise.open, noise.short, noise.flaps), (1, 2, 1));
        assert_eq!((noise.median, noise.longest), (Some(2 * MINUTE), Some(TWO_WEEKS.1 - 500 * MINUTE)));
        assert_eq!(noise.suggestion, None, "four firings say nothing");
    }

    #[test]
    fn nothing_fired() {
        let noise = noise(&[], AT_ONCE, TWO_WEEKS);
        assert_eq!(noise, Noise::default());
    }

    #[test]
    fn a_for_is_suggested_that_loses_nothing_that_was_acted_on() {
        let short = (0..10).map(|n| firing("a", n * 600, Some(n * 600 + 3), false));
        let mut all: Vec<Firing> = short.chain([firing("a", 7000, Some(7060), true)]).collect();
        let suggest = |all: &[Firing]| noise(all, AT_ONCE, TWO_WEEKS).suggestion.unwrap();
        let found = suggest(&all);
        assert_eq!((found.change, found.removed, found.delayed), (Change::For(5 * MINUTE), 10, 1));
        assert_eq!(
            found.text,
            "`for: 5m` would have removed 91 % of the firings and told of the one that was acted on 5m later."
        );
        // Two that lasted three minutes were acted on: five would have lost them, and two remove nothing.
        all.push(firing("a", 8000, Some(8003), true));
        all.push(firing("a", 9000, Some(9003), true));
        assert_eq!(noise(&all, AT_ONCE, TWO_WEEKS).suggestion, None);
        let counted = Setting { hold: None, keep_firing: 0 };
        assert_eq!(noise(&all, counted, TWO_WEEKS).suggestion, None);
    }

    #[test]
    fn what_comes_back_soon_is_better_kept() {
        let all: Vec<Firing> = (0..10).map(|n| firing("a", n * 8, Some(n * 8 + 6), n == 0)).collect();
        let found = noise(&all, AT_ONCE, TWO_WEEKS).suggestion.unwrap();
        assert_eq!((found.change, found.removed, found.delay), (Change::KeepFiringFor(5 * MINUTE), 9, 0));
        let kept = Setting { hold: Some(0), keep_firing: 5 * MINUTE };
        let left = noise(&all, kept, TWO_WEEKS).suggestion.unwrap();
        assert_eq!(left.change, Change::KeepFiringFor(10 * MINUTE), "five minutes more than the five it keeps");
    }

    #[test]
    fn a_rule_that_pages_in_vain_need_not_page() {
        let all: Vec<Firing> = (0..12).map(|n| firing("a", n * 600, Some(n * 600 + 60), false)).collect();
        let found = noise(&all, AT_ONCE, TWO_WEEKS).suggestion.unwrap();
        assert_eq!((found.change, found.removed), (Change::PageNobody, 12));
    }
}
