//! What a backtest found, in the words and pictures of its screen.

use engine::backtests::{Found, Wanted};
use kernel::Timestamp;
use kernel::book::rules::{Alerting, Group, Rule};
use promql::{Labels, Millis};
use signals::backtest::{
    Comparison, Firing, Judged, Picture, Report, RuleReport, Suggestion, Tried, Tuning, rewritten,
};

use super::view::backtest::{Advice, Difference, FiringRow, IncidentRow, RuleCard, Side, TuningRow};
use super::view::plot::{Curve, Marks, Plot, words};
use super::view::scatter::{Kind, Scatter, Tuned};
use super::view::{Chip, Chrome, Tone, diff, words as spans};
use connectors::rules::to_yaml;

/// The most firings that are listed.
const FIRINGS_SHOWN_MAX: usize = 10;
/// The most firings that are marked in a plot.
const BANDS_MAX: usize = 300;

/// A card for each rule of a report.
pub(super) fn cards(chrome: &Chrome, wanted: &Wanted, found: &Found) -> Vec<RuleCard> {
    let rules = found.report.rules.iter().enumerate();
    rules
        .map(|(place, rule)| {
            let other = found.other.as_ref().and_then(|other| counterpart(&found.report, other, rule));
            card(chrome, wanted, place + 1, (&found.report, rule), other)
        })
        .collect()
}

/// The rule of another report that a rule is compared with: that of its name, or the only one where each has one.
fn counterpart<'a>(report: &Report, other: &'a Report, rule: &RuleReport) -> Option<&'a RuleReport> {
    let same = |one: &&RuleReport| one.group == rule.group && one.rule == rule.rule;
    let only = || (report.rules.len() == 1 && other.rules.len() == 1).then(|| other.rules.first()).flatten();
    other.rules.iter().find(same).or_else(only)
}

fn card(
    chrome: &Chrome,
    wanted: &Wanted,
    number: usize,
    (report, rule): (&Report, &RuleReport),
    other: Option<&RuleReport>,
) -> RuleCard {
    let titles = if other.is_some() { ["These rules", "Compared with"] } else { ["", ""] };
    let both: Vec<&RuleReport> = std::iter::once(rule).chain(other).collect();
    let sides = both.iter().zip(titles).map(|(rule, title)| side(chrome, report, rule, title)).collect();
    let suggested = rule.suggestion.as_ref().map(|suggestion| suggestion.tuning);
    RuleCard {
        number,
        group: rule.group.clone(),
        name: rule.rule.clone(),
        error: rule.error.as_ref().map(|error| format!("{} evaluations failed, the first: {error}", rule.errors)),
        sides,
        numbers: numbers(&both),
        firings: rule.listed.iter().rev().take(FIRINGS_SHOWN_MAX).map(|one| firing(one, report.end)).collect(),
        more: rule.firings.saturating_sub(FIRINGS_SHOWN_MAX),
        incidents: rule.incidents.iter().map(incident).collect(),
        scatter: Scatter::of(&dots(rule, suggested), |late| length(Some((late * 1000.0) as Millis))),
        tunings: tried(rule).map(|tried| tuning(rule, tried, suggested)).collect(),
        suggestion: rule.suggestion.as_ref().and_then(|suggestion| advice(wanted, rule, suggestion)),
    }
}

fn side(chrome: &Chrome, report: &Report, rule: &RuleReport, title: &'static str) -> Side {
    let none = Picture::default();
    let picture = rule.picture.as_ref().unwrap_or(&none);
    let (from, until) = (report.start, report.end);
    let curves: Vec<Curve> = picture.curves.iter().map(|curve| drawn(picture, curve)).collect();
    let newest = rule.listed.iter().rev().take(BANDS_MAX);
    let spans = newest.map(|firing| (firing.raised, firing.cleared.unwrap_or(until))).collect();
    let marks = Marks { limit: picture.limit.filter(|limit| limit.is_finite()), spans };
    let format = if until - from > 86_400_000 { "%-d %b %H:%M" } else { "%H:%M" };
    let clock = |at: Millis| chrome.civil(&instant(at), format);
    Side { title, plot: Plot::marked(&curves, from, until, &marks, clock), left_out: picture.left_out }
}

fn drawn(picture: &Picture, curve: &signals::backtest::Curve) -> Curve {
    let at = |place: usize| {
        let steps = Millis::try_from(place).unwrap_or(Millis::MAX);
        picture.start.saturating_add(picture.step.saturating_mul(steps))
    };
    let points = curve.values.iter().enumerate().filter_map(|(place, value)| Some((at(place), (*value)?)));
    Curve { label: curve.labels.to_string(), points: points.collect(), gap: picture.step.saturating_mul(2) }
}

fn numbers(sides: &[&RuleReport]) -> Vec<(&'static str, Vec<String>)> {
    let row = |what, of: &dyn Fn(&RuleReport) -> String| (what, sides.iter().map(|rule| of(rule)).collect());
    let mut all = vec![
        row("Firings", &|rule| rule.firings.to_string()),
        row("Pages", &|rule| rule.pages.to_string()),
        row("Over within 5 min", &|rule| share(rule.durations.short_share)),
        row("Came back within 15 min", &|rule| rule.flaps.to_string()),
        row("Lasted, the middle one", &|rule| length(rule.durations.median)),
        row("Lasted, the longest", &|rule| length(rule.durations.longest)),
    ];
    if sides.iter().any(|rule| !rule.incidents.is_empty()) {
        all.push(row("Incidents caught", &|rule| {
            let caught = rule.incidents.iter().filter(|judged| judged.raised.is_some()).count();
            format!("{caught} of {}", rule.incidents.len())
        }));
    }
    all
}

fn firing(firing: &Firing, end: Millis) -> FiringRow {
    let state = match firing.cleared {
        None => Some(Chip::new(Tone::Bad, "Not over")),
        Some(_) if firing.is_short() => Some(Chip::new(Tone::Warn, "Short")),
        Some(_) => None,
    };
    let lasted = length(Some(firing.lasted(end)));
    FiringRow { raised: instant(firing.raised), lasted, state, labels: labels(&firing.labels) }
}

/// Labels without the alert's name, which heads the card.
fn labels(labels: &Labels) -> String {
    let named: Vec<String> = labels
        .iter()
        .filter(|(name, _)| *name != signals::alerting::ALERT_NAME)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    named.join(" ")
}

fn incident(judged: &Judged) -> IncidentRow {
    let early = match judged.early_by {
        None => String::new(),
        Some(early) if early >= 0 => format!("{} before it was declared", length(Some(early))),
        Some(late) => format!("{} after it was declared", length(Some(late.saturating_neg()))),
    };
    let caught = if judged.raised.is_some() { Chip::new(Tone::Ok, "Caught") } else { Chip::new(Tone::Bad, "Missed") };
    IncidentRow {
        id: judged.id.clone(),
        href: format!("/incidents/{}", judged.id.trim_start_matches("INC-")),
        declared: instant(judged.declared),
        verdict: caught,
        early,
    }
}

fn kind(tried: &Tried, suggested: Option<Tuning>) -> Kind {
    match tried {
        _ if suggested == Some(tried.tuning) => Kind::Suggested,
        _ if tried.own => Kind::Own,
        _ if tried.pareto => Kind::Pareto,
        _ => Kind::Other,
    }
}

/// The tunings of a rule, where any of them fires.
fn tried(rule: &RuleReport) -> impl Iterator<Item = &Tried> {
    let fires = rule.settings.iter().any(|tried| tried.firings > 0);
    rule.settings.iter().filter(move |_| fires)
}

fn dots(rule: &RuleReport, suggested: Option<Tuning>) -> Vec<Tuned> {
    let tuned = |tried: &Tried| Tuned {
        firings: tried.firings,
        late: tried.delay.median.map_or(0.0, seconds),
        kind: kind(tried, suggested),
        best: tried.pareto,
        says: format!("{}: {} firings, {} late", says(rule, tried), tried.firings, length(tried.delay.median)),
    };
    tried(rule).map(tuned).collect()
}

fn tuning(rule: &RuleReport, tried: &Tried, suggested: Option<Tuning>) -> TuningRow {
    let mark = match kind(tried, suggested) {
        Kind::Suggested => Some(Chip::new(Tone::Ok, "Suggested")),
        Kind::Own => Some(Chip::new(Tone::Info, "As written")),
        Kind::Pareto => Some(Chip::new(Tone::Plain, "Unbeaten")),
        Kind::Other => None,
    };
    let of = |(part, whole): (usize, usize)| if whole == 0 { "–".to_owned() } else { format!("{part} of {whole}") };
    TuningRow {
        mark,
        says: says(rule, tried),
        firings: tried.firings,
        short: share(tried.short_share),
        late: length(tried.delay.median),
        lingers: length(tried.lingers.median),
        kept: of(tried.caught),
        caught: of(tried.incidents),
    }
}

/// What is other in a tuning, in the words of a rule file.
fn says(rule: &RuleReport, tried: &Tried) -> String {
    let own = rule.settings.iter().find(|tried| tried.own).map(|tried| tried.tuning).unwrap_or_default();
    let tuning = tried.tuning;
    let parts = [
        (tuning.hold != own.hold || tried.own).then(|| format!("for {}", length(Some(tuning.hold)))),
        (tuning.keep_firing != own.keep_firing)
            .then(|| format!("keep_firing_for {}", length(Some(tuning.keep_firing)))),
        tuning.threshold.map(|number| format!("threshold {}", words(number))),
        tuning.recover_when.map(|number| format!("recover at {}", words(number))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn advice(wanted: &Wanted, rule: &RuleReport, suggestion: &Suggestion) -> Option<Advice> {
    let groups = || wanted.file.groups.iter().filter(|group| group.name == rule.group);
    let alerting = |one: &Rule| match one {
        Rule::Alerting(alerting) if alerting.alert == rule.rule && alerting.at.line == rule.line => {
            Some(alerting.clone())
        }
        _ => None,
    };
    let (group, own) = groups().find_map(|group| Some((group, group.rules.iter().find_map(alerting)?)))?;
    let written = |rule: Alerting| to_yaml(&[Group { rules: vec![Rule::Alerting(rule)], ..group.clone() }]);
    let (after, before) = (written(rewritten(&own, &suggestion.tuning)), written(own));
    Some(Advice { reason: suggestion.reason.clone(), diff: diff::lines(&before, &after), after, before })
}

/// How each rule differs between two files.
pub(super) fn differences(comparison: &Comparison) -> Vec<Difference> {
    let times = |times: Option<usize>| times.map_or_else(|| "not there".to_owned(), |times| times.to_string());
    let row = |one: &signals::backtest::Difference| Difference {
        rule: format!("{}/{}", one.group, one.rule),
        before: times(one.before),
        after: times(one.after),
        lost: one.lost,
        new: one.new,
    };
    comparison.rules.iter().map(row).collect()
}

fn instant(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or_default()
}

fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

/// A length of time in words, with a sign where it is earlier.
fn length(millis: Option<Millis>) -> String {
    let Some(millis) = millis else { return "–".to_owned() };
    format!("{}{}", if millis < 0 { "-" } else { "" }, spans::span(millis.unsigned_abs() / 1000))
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}
