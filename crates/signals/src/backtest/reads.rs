//! Which rules read what others write, and whether their queries can be asked ahead.

use promql::ast::{At, Duration, Expr, Selector, When, WindowMode};
use promql::{Labels, METRIC_NAME, Millis};

use super::past::name;
use crate::alerting::{ALERT_NAME, ALERTS, ALERTS_FOR_STATE, Plan, Planned, queries};
use crate::gotemplate;

/// What the rules of a file write.
#[derive(Debug, Default)]
pub(super) struct Writers(Vec<Writer>);

#[derive(Debug)]
struct Writer {
    /// The names of its series.
    names: Vec<String>,
    /// The value of [`ALERT_NAME`], where it is an alert.
    alert: Option<String>,
    /// How much earlier than the evaluation its samples are.
    offset: Millis,
}

impl Writers {
    /// The rules of groups, one after the other.
    pub fn of(plans: &[Plan]) -> Self {
        let rules = plans.iter().flat_map(|plan| plan.rules.iter().map(|rule| Writer::of(rule, plan.offset)));
        Self(rules.collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them writes a series.
    pub fn own(&self, labels: &Labels) -> bool {
        let alert = labels.get(ALERT_NAME);
        let writes = |writer: &Writer| {
            writer.alert.as_ref().is_none_or(|own| own == alert) && writer.names.iter().any(|own| own == name(labels))
        };
        self.0.iter().any(writes)
    }
}

impl Writer {
    fn of(rule: &Planned, offset: Millis) -> Self {
        match rule {
            Planned::Record(rule) => Self { names: vec![rule.name.clone()], alert: None, offset },
            Planned::Alert(rule) => {
                let names = [ALERTS, ALERTS_FOR_STATE].map(str::to_owned).to_vec();
                Self { names, alert: Some(rule.name.clone()), offset }
            }
        }
    }

    /// Whether a selector may select what it writes.
    fn is_read(&self, selector: &Selector) -> bool {
        let matches = |label: &str, value: &str| {
            selector.matchers.iter().filter(|matcher| matcher.name == label).all(|matcher| matcher.holds(value))
        };
        let named = self.names.iter().any(|name| matches(METRIC_NAME, name));
        named && self.alert.as_ref().is_none_or(|alert| matches(ALERT_NAME, alert))
    }
}

/// How the rules of a file can be replayed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// One rule after the other; of each whether another one reads it.
    Ahead(Vec<bool>),
    /// All rules at one instant, then at the next, for this reason.
    StepByStep(String),
}

/// How the rules of a file can be replayed.
pub(super) fn way(plans: &[Plan], writers: &Writers) -> Way {
    let mut read = vec![false; writers.0.len()];
    let rules = plans.iter().flat_map(|plan| plan.rules.iter().map(move |rule| (plan.offset, rule)));
    for (place, (offset, rule)) in rules.enumerate() {
        if let Some(why) = looks_elsewhere(rule) {
            return Way::StepByStep(format!("rule {:?} {why}", rule.name()));
        }
        let selectors: Vec<&Selector> = queries(rule).into_iter().flat_map(|(_, expr)| expr.selectors()).collect();
        for (other, writer) in writers.0.iter().enumerate() {
            if !selectors.iter().any(|selector| writer.is_read(selector)) {
                continue;
            }
            if other >= place || writer.offset > offset {
                return Way::StepByStep(format!("rule {:?} reads what is written later", rule.name()));
            }
            if let Some(read) = read.get_mut(other) {
                *read = true;
            }
        }
    }
    Way::Ahead(read)
}

/// Why an instant's answer may depend on more than the samples before it.
fn looks_elsewhere(rule: &Planned) -> Option<&'static str> {
    if let Planned::Alert(rule) = rule {
        let asks = |text: &str| gotemplate::check(text).is_ok_and(|used| used.functions.contains("query"));
        if rule.labels.iter().any(|(_, text)| text.contains("{{") && asks(text)) {
            return Some("asks a query in a label");
        }
    }
    if queries(rule).iter().any(|(_, expr)| !expr.scored().is_empty()) {
        return Some("learns from one evaluation to the next with `anomaly` or `unusual`");
    }
    let all = queries(rule).into_iter().flat_map(|(_, expr)| everything(expr));
    all.filter_map(elsewhere).next()
}

fn everything(expr: &Expr) -> Vec<&Expr> {
    let mut found = vec![expr];
    let mut next = 0;
    while let Some(expr) = found.get(next).copied() {
        found.extend(expr.parts());
        next += 1;
    }
    found
}

fn elsewhere(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Selector(selector) => selected(&selector.when, selector.mode),
        Expr::Window(selector, range, mode) => computed(range).or_else(|| selected(&selector.when, *mode)),
        Expr::Subquery(subquery) => {
            let lengths = std::iter::once(&subquery.range).chain(&subquery.step);
            lengths.filter_map(computed).next().or_else(|| selected(&subquery.when, WindowMode::Plain))
        }
        _ => None,
    }
}

fn selected(when: &When, mode: WindowMode) -> Option<&'static str> {
    match (when.at, &when.offset) {
        (Some(At::Instant(_) | At::Start | At::End), _) => Some("looks at a fixed instant with `@`"),
        (None, Some(Duration::Fixed(offset))) if *offset < 0 => Some("looks ahead with a negative offset"),
        (None, Some(Duration::Computed(_))) => Some("computes an offset"),
        _ if mode != WindowMode::Plain => Some("extends windows to their edges"),
        _ => None,
    }
}

fn computed(duration: &Duration) -> Option<&'static str> {
    matches!(duration, Duration::Computed(_)).then_some("computes a length of time")
}
