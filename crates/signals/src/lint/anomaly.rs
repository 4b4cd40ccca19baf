//! What is doubtful about calls of `anomaly(..)` and `unusual(..)`.

use kernel::book::rules::Alerting;
use promql::ast::{Call, Expr};

use super::{Sink, Subject, codes, query, walk};

/// Checks what a call is of.
pub(super) fn counter(call: &Call, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    let Some(Expr::Selector(selector)) = call.arguments.first().map(query::aggregated) else { return };
    if let Some(metric) = walk::metric(selector).filter(|metric| walk::is_counter(metric)) {
        let message = format!("{} of `{metric}`, which is named like a counter", call.function);
        sink.find(&codes::PROMQL_ANOMALY, subject, subject.line(), message);
    }
}

/// Checks what stands in a subquery.
pub(super) fn within(inner: &Expr, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    if let Some(call) = inner.scored().first() {
        let message = format!("{} within a subquery", call.function);
        sink.find(&codes::PROMQL_ANOMALY, subject, subject.line(), message);
    }
}

/// Checks how long an alert waits, and how long it stays. The default rule waits and stays by itself.
pub(super) fn times(expr: &Expr, rule: &Alerting, subject: &Subject<'_>, sink: &mut Sink<'_>) {
    if expr.calls(promql::ANOMALY).is_empty() {
        return;
    }
    let (name, line) = (&rule.alert, rule.at.line);
    if !rule.hold.is_zero() {
        let message = format!("`{name}` waits, and a hit of anomaly(..) lasts one evaluation");
        sink.find(&codes::ALERTS_ANOMALY, subject, line, message);
    }
    let stays = rule.beyond.as_ref().is_some_and(|beyond| beyond.recover_when.is_some());
    if rule.keep_firing.is_zero() && !stays {
        let message = format!("`{name}` is over one evaluation after a hit of anomaly(..)");
        sink.find(&codes::ALERTS_ANOMALY, subject, line, message);
    }
}
