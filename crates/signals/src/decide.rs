//! The rules of this room, one function for each command. Reads the state and the notes; changes neither.

use std::collections::{BTreeMap, BTreeSet};

use kernel::area::{Context, RefusalKind, Refuse};
use kernel::book::{Check, Probe, Rule};
use kernel::time::between;
use kernel::{Fingerprint, Labels, RuleName};

use crate::command::{Command, Look, Ruled, Verdict};
use crate::event::{Change, Cleared, Event, Kind};
use crate::judged::sigma_handling;
use crate::sigma::{self, Handling};
use crate::state::{CheckNote, Signal, State};
use crate::{CHANGE_DETAILS_MAX, CHANGE_LINKS_MAX, RAISED_AT_ONCE_MAX, SERIES_MISSING_AFTER, TEXT_BYTES_MAX, words};

/// The label that names a service.
const SERVICE: &str = "service";

/// Why a rule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The watchbook has no such check.
    #[error("check {0} is not in the watchbook: add it under checks")]
    NoCheck(RuleName),
    /// No Sigma rule in use has that name.
    #[error("no Sigma rule in use is called {0}: see the list of Sigma rules")]
    NoSigmaRule(RuleName),
    /// The Sigma rule did not raise that alert, or too long ago.
    #[error("rule {0} has not raised alert {1}: see the list of alerts")]
    NeverFired(RuleName, Fingerprint),
    /// The check asks by itself.
    #[error("check {0} awaits no beat, it asks by itself: give it `heartbeat:` to have it await one")]
    NotAwaited(RuleName),
    /// Nothing is raised by that rule for that series.
    #[error("rule {0} has no raised signal for {1}: see the list of signals")]
    NotRaised(RuleName, Labels),
    /// The series still has values.
    #[error("the series still has values: the signal of rule {0} clears by itself when they recover")]
    StillMeasured(RuleName),
    /// A field of a change is empty.
    #[error("{0} of a change is empty: say it in one line")]
    Empty(&'static str),
    /// A field of a change is too long.
    #[error("{0} of a change is too long: at most {TEXT_BYTES_MAX} bytes are accepted")]
    TooLong(&'static str),
    /// A change has too many links or details.
    #[error("a change has {1} {0}, at most {2} are accepted")]
    TooMany(&'static str, usize, usize),
}

impl Refuse for Refusal {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::NoCheck(_) | Self::NoSigmaRule(_) | Self::NeverFired(..) | Self::NotRaised(..) => {
                RefusalKind::NotFound
            }
            Self::StillMeasured(_) | Self::NotAwaited(_) => RefusalKind::Conflict,
            Self::Empty(_) | Self::TooLong(_) | Self::TooMany(..) => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::NoCheck(_) | Self::NotAwaited(_) => Some("check"),
            Self::NoSigmaRule(_) => Some("rule"),
            Self::NeverFired(..) => Some("alert"),
            Self::NotRaised(..) | Self::StillMeasured(_) => Some("series"),
            Self::Empty(field) | Self::TooLong(field) | Self::TooMany(field, ..) => Some(field),
        }
    }
}

pub(crate) fn decide(state: &State, context: &Context<'_>, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Look { looks } => Ok(look(state, context, &looks)),
        Command::Rule { outcomes } => Ok(ruled(state, context, Kind::Alerting, outcomes)),
        Command::Match { outcomes } => Ok(ruled(state, context, Kind::Sigma, outcomes)),
        Command::Judge { rule, alert, verdict, note } => judge(state, context, &rule, alert, verdict, note),
        Command::Pattern { outcomes } => Ok(ruled(state, context, Kind::Pattern, outcomes)),
        Command::Checked { check, reason, .. } => checked(state, context, &check, &reason),
        Command::Beat { check } => beat(state, context, &check),
        Command::ReportChange { change } => report_change(change),
        Command::Dismiss { rule, series } => dismiss(state, context, &rule, &series),
        Command::Reconsider => Ok(reconsider(state, context)),
    }
}

fn look(state: &State, context: &Context<'_>, looks: &[Look]) -> Vec<Event> {
    let mut events = reconsider(state, context);
    let mut raised = 0;
    let mut carried = BTreeSet::new();
    for look in looks {
        let (Some(rule), Some(value)) = (context.book.rules.get(&look.rule), look.value) else { continue };
        if let Some(signal) = state.signal(&look.rule, &look.series) {
            // Where both conditions hold the raising one wins, or the signal would flap with every look.
            if rule.clear.holds(value) && !rule.raise.holds(value) {
                events.push(cleared(signal, Some(value), Cleared::Recovered));
            }
        } else if raised < RAISED_AT_ONCE_MAX && is_due(state, context, rule, look) {
            let event = raise_by_rule(state, rule, look, value, &mut carried);
            raised += usize::from(event.is_some());
            events.extend(event);
        }
    }
    events
}

/// Raises and clears what alerting rules, Sigma rules and the watch over logs say. Whoever evaluates them may say a thing twice: only a change
/// becomes a fact.
fn ruled(state: &State, context: &Context<'_>, kind: Kind, outcomes: Vec<Ruled>) -> Vec<Event> {
    let mut events = reconsider(state, context);
    // The labels of what is raised by the outcomes so far; none where it was cleared.
    let mut changed: BTreeMap<(RuleName, Labels), Option<Labels>> = BTreeMap::new();
    for Ruled { rule, identity, verdict } in outcomes {
        if !is_in_use(context, kind, &rule, &identity) || changed.len() >= RAISED_AT_ONCE_MAX {
            continue;
        }
        let before = || state.signal(&rule, &identity).map(|signal| signal.labels.clone());
        let known = changed.get(&(rule.clone(), identity.clone())).cloned().unwrap_or_else(before);
        let series = identity.clone();
        let (event, now) = match (verdict, known) {
            (Verdict::Raised { .. }, None) if kind == Kind::Sigma && !may_page(state, context, &rule) => continue,
            (Verdict::Raised { labels, annotations, value }, None) => {
                let summary = words::alert_summary(&rule, &annotations, value);
                let (rule, now, value) = (rule.clone(), Some(labels.clone()), finite(value));
                (Event::SignalRaised { rule, kind, series, labels, annotations, value, summary }, now)
            }
            (Verdict::Cleared { value, why }, Some(labels)) => {
                let value = value.and_then(finite);
                (Event::SignalCleared { rule: rule.clone(), kind, series, labels, value, why }, None)
            }
            (Verdict::Raised { .. }, Some(_)) | (Verdict::Cleared { .. }, None) => continue,
        };
        changed.insert((rule, identity), now);
        events.push(event);
    }
    events
}

/// Whether the watchbook has the rule or the check, and for logs whether it lets the finding raise for their service.
fn is_in_use(context: &Context<'_>, kind: Kind, rule: &RuleName, series: &Labels) -> bool {
    match kind {
        Kind::Rule => context.book.rules.contains_key(rule),
        Kind::Check => context.book.checks.contains_key(rule),
        Kind::Alerting => context.book.alerting.contains(rule),
        Kind::Sigma => context.book.sigma.rules.contains_key(rule),
        Kind::Pattern => context.book.logs.raises(rule, series.value(SERVICE)),
    }
}

/// Whether matches of a Sigma rule may raise: it is not on trial, and was right often enough.
fn may_page(state: &State, context: &Context<'_>, rule: &RuleName) -> bool {
    context.book.sigma.rules.get(rule).is_some_and(|handled| state.handling(rule, handled) == Handling::Page)
}

fn judge(
    state: &State,
    context: &Context<'_>,
    rule: &RuleName,
    alert: Fingerprint,
    verdict: sigma::Verdict,
    note: String,
) -> Result<Vec<Event>, Refusal> {
    let handled = context.book.sigma.rules.get(rule).ok_or_else(|| Refusal::NoSigmaRule(rule.clone()))?;
    if note.len() > TEXT_BYTES_MAX {
        return Err(Refusal::TooLong("note"));
    }
    let judged = state.judged(rule).cloned().unwrap_or_default();
    let since = state.fired(rule, alert);
    // What a rule would have raised that pages nobody is not in the journal.
    if since.is_none() && sigma_handling(handled, judged.verdicts()) == Handling::Page {
        return Err(Refusal::NeverFired(rule.clone(), alert));
    }
    if judged.verdict(alert, since) == Some(verdict) {
        return Ok(Vec::new());
    }
    let after = judged.clone().and(alert, since, verdict).verdicts();
    let asks = |verdicts| matches!(sigma_handling(handled, verdicts), Handling::Tune { .. });
    let tuning = (asks(after) && !asks(judged.verdicts())).then(|| Event::TuningAsked {
        rule: rule.clone(),
        right: after.true_positives,
        judged: after.count(),
        at_least: handled.precision.at_least,
    });
    let event = Event::RuleJudged { rule: rule.clone(), alert, since, verdict, note };
    Ok([event].into_iter().chain(tuning).collect())
}

/// Whether the raising condition has held for long enough.
fn is_due(state: &State, context: &Context<'_>, rule: &Rule, look: &Look) -> bool {
    let since = state.note(&look.rule, &look.series).and_then(|note| note.holds_since);
    since.is_some_and(|since| rule.hold.after(since) <= context.now)
}

/// Raises, unless another signal of the rule already has the same alert labels: then one alert speaks for both.
fn raise_by_rule(state: &State, rule: &Rule, look: &Look, value: f64, carried: &mut BTreeSet<Labels>) -> Option<Event> {
    let labels = words::rule_labels(&look.rule, rule, &look.series);
    if words::overwrites(rule, &look.series) {
        let taken = state.raised_by(&look.rule).any(|signal| signal.labels == labels);
        if taken || !carried.insert(labels.clone()) {
            return None;
        }
    }
    let (annotations, summary) = words::rule_annotations(rule, &labels, value);
    Some(Event::SignalRaised {
        rule: look.rule.clone(),
        kind: Kind::Rule,
        series: look.series.clone(),
        labels,
        annotations,
        value: finite(value),
        summary,
    })
}

fn checked(state: &State, context: &Context<'_>, name: &RuleName, reason: &str) -> Result<Vec<Event>, Refusal> {
    let check = context.book.checks.get(name).ok_or_else(|| Refusal::NoCheck(name.clone()))?;
    let Some(note) = state.check(name) else { return Ok(Vec::new()) };
    let event = match state.failing(name) {
        None if !note.healthy && check.tally.is_met(note.history) => Some(raise_by_check(name, check, note, reason)),
        Some(signal) if note.healthy && note.in_a_row >= u32::from(check.successes) => {
            Some(cleared(signal, None, Cleared::Recovered))
        }
        _ => None,
    };
    Ok(event.into_iter().collect())
}

fn beat(state: &State, context: &Context<'_>, name: &RuleName) -> Result<Vec<Event>, Refusal> {
    match context.book.checks.get(name) {
        Some(Check { probe: Probe::Heartbeat(_), .. }) => checked(state, context, name, ""),
        Some(_) => Err(Refusal::NotAwaited(name.clone())),
        None => Err(Refusal::NoCheck(name.clone())),
    }
}

fn raise_by_check(name: &RuleName, check: &Check, note: &CheckNote, reason: &str) -> Event {
    let (annotations, summary) = words::check_annotations(check, reason, note);
    Event::SignalRaised {
        rule: name.clone(),
        kind: Kind::Check,
        series: Labels::default(),
        labels: words::check_labels(name, check),
        annotations,
        value: None,
        summary,
    }
}

fn report_change(change: Change) -> Result<Vec<Event>, Refusal> {
    for (field, text) in [("summary", &change.summary), ("source", &change.source)] {
        if text.trim().is_empty() {
            return Err(Refusal::Empty(field));
        }
    }
    let bounded = |field, count, max| if count > max { Err(Refusal::TooMany(field, count, max)) } else { Ok(()) };
    bounded("links", change.links.len(), CHANGE_LINKS_MAX)?;
    bounded("details", change.details.len(), CHANGE_DETAILS_MAX)?;
    match too_long(&change) {
        Some(field) => Err(Refusal::TooLong(field)),
        None => Ok(vec![Event::ChangeReported { change }]),
    }
}

fn too_long(change: &Change) -> Option<&'static str> {
    let own = [("summary", &change.summary), ("source", &change.source)];
    let links = change.links.iter().flat_map(|link| [("links", &link.href), ("links", &link.text)]);
    let details = change.details.iter().flat_map(|(name, text)| [("details", name), ("details", text)]);
    let mut all = own.into_iter().chain(links).chain(details);
    all.find(|(_, text)| text.len() > TEXT_BYTES_MAX).map(|(field, _)| field)
}

fn dismiss(state: &State, context: &Context<'_>, rule: &RuleName, series: &Labels) -> Result<Vec<Event>, Refusal> {
    let not_raised = || Refusal::NotRaised(rule.clone(), series.clone());
    let signal = state.signal(rule, series).ok_or_else(not_raised)?;
    let seen = state.note(rule, series).map(|note| note.seen);
    if seen.is_some_and(|seen| between(seen, context.now) <= SERIES_MISSING_AFTER) {
        return Err(Refusal::StillMeasured(rule.clone()));
    }
    Ok(vec![cleared(signal, None, Cleared::Dismissed)])
}

/// Clears the signals whose rule or check has left the watchbook.
fn reconsider(state: &State, context: &Context<'_>) -> Vec<Event> {
    let gone = state.raised().filter(|signal| !is_in_use(context, signal.kind, &signal.rule, &signal.series));
    gone.map(|signal| cleared(signal, None, Cleared::RuleGone)).collect()
}

fn cleared(signal: &Signal, value: Option<f64>, why: Cleared) -> Event {
    Event::SignalCleared {
        rule: signal.rule.clone(),
        kind: signal.kind,
        series: signal.series.clone(),
        labels: signal.labels.clone(),
        value: value.and_then(finite),
        why,
    }
}

/// JSON has no infinities, so a fact does not hold them; the summary says them in words.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
