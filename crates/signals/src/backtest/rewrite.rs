//! A rule written in another tuning.

use std::time::Duration;

use kernel::book::rules::{Alerting, Recovery};
use promql::Millis;
use promql::ast::Expr;

use super::tuning::Tuning;

/// The rule in a tuning. Its text stays as it is where a number in it need not change.
#[must_use]
pub fn rewritten(rule: &Alerting, tuning: &Tuning) -> Alerting {
    let mut rule = rule.clone();
    (rule.hold, rule.keep_firing) = (span(tuning.hold), span(tuning.keep_firing));
    if let Some(number) = tuning.threshold {
        rule.expr.text = with_number(&rule.expr.text, number);
    }
    if let Some(recovery) = tuning.recovery {
        rule.beyond.get_or_insert_default().recover_when = Some(Recovery::Threshold(recovery));
    }
    rule
}

fn span(millis: Millis) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// A query that compares with another number at its end.
fn with_number(text: &str, number: f64) -> String {
    let text = text.trim_end();
    let (start, last) = text.rsplit_once([' ', '\n', '\t']).unwrap_or(("", text));
    let parsed = || Some(promql::parse(text).ok()?.compared_with()?.1);
    match (last.parse::<f64>(), parsed()) {
        (Ok(written), Some(compared)) if written.to_bits() == compared.to_bits() => {
            let between = text.get(start.len()..text.len().saturating_sub(last.len())).unwrap_or(" ");
            format!("{start}{between}{number}")
        }
        _ => promql::parse(text).map_or_else(|_| text.to_owned(), |expr| replaced(expr, number).to_string()),
    }
}

fn replaced(expr: Expr, number: f64) -> Expr {
    match expr {
        Expr::Paren(inner) => Expr::Paren(Box::new(replaced(*inner, number))),
        Expr::Binary(mut binary) => {
            binary.right = Expr::Number(number);
            Expr::Binary(binary)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_number_changes() {
        for (text, wanted) in [
            ("queue_depth > 1000", "queue_depth > 50"),
            ("sum by (a) (rate(m[5m]))\n  > 0.5 ", "sum by (a) (rate(m[5m]))\n  > 50"),
            ("(m > 5)", "(m > 50)"),
            ("m > 5 * 60", "m > 50"),
        ] {
            assert_eq!(with_number(text, 50.0), wanted);
        }
    }
}
