//! Which series a condition could speak about now, whether it holds for them or not: so a condition that holds no more is
//! told from series that have no samples any more.

use promql::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Call, Expr, Subquery};

/// The query that has a series for each that `expr` would have if its comparisons all held. `None` when series cannot be
/// missing in it, because it speaks about absence or has an answer without samples.
#[must_use]
pub fn presence(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Selector(_) | Expr::Window(..) => Some(expr.clone()),
        Expr::Number(_) | Expr::Text(_) => None,
        Expr::Paren(inner) => presence(inner).map(|inner| Expr::Paren(Box::new(inner))),
        Expr::Negate(inner) => presence(inner),
        Expr::Subquery(subquery) => {
            let inner = presence(&subquery.inner)?;
            Some(Expr::Subquery(Box::new(Subquery { inner, ..(**subquery).clone() })))
        }
        Expr::Binary(binary) => of_binary(binary),
        Expr::Aggregate(aggregate) => of_aggregate(aggregate),
        Expr::Call(call) => of_call(call),
    }
}

/// The expression whose value a rule compares: what stands left of its outermost comparison.
pub(crate) fn compared(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Paren(inner) => compared(inner),
        Expr::Binary(binary) if is_comparison(binary.op) && !binary.as_bool => Some(&binary.left),
        _ => None,
    }
}

/// Whether an operator compares.
pub(crate) fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}

fn of_binary(binary: &Binary) -> Option<Expr> {
    let (left, right) = (presence(&binary.left), presence(&binary.right));
    let whole = |left, right, as_bool| {
        let matching = binary.matching.clone();
        Some(Expr::Binary(Box::new(Binary { op: binary.op, left, right, as_bool, matching })))
    };
    match binary.op {
        BinaryOp::Unless => left,
        BinaryOp::Or => whole(left?, right?, false),
        BinaryOp::And => match right {
            Some(right) => whole(left?, right, false),
            None => left,
        },
        // Two numbers need no samples.
        _ if left.is_none() && right.is_none() => None,
        op => {
            let side = |side: Option<Expr>, own: &Expr| side.unwrap_or_else(|| own.clone());
            let as_bool = is_comparison(op);
            whole(side(left, &binary.left), side(right, &binary.right), as_bool)
        }
    }
}

fn of_aggregate(aggregate: &Aggregate) -> Option<Expr> {
    use AggregateOp::{Bottomk, LimitRatio, Limitk, Topk};
    let inner = presence(&aggregate.inner)?;
    if matches!(aggregate.op, Topk | Bottomk | Limitk | LimitRatio) {
        return Some(inner);
    }
    Some(Expr::Aggregate(Box::new(Aggregate { inner, ..aggregate.clone() })))
}

fn of_call(call: &Call) -> Option<Expr> {
    if matches!(call.function, "absent" | "absent_over_time" | "vector" | "scalar" | "time" | "pi") {
        return None;
    }
    if [promql::ANOMALY, promql::UNUSUAL].contains(&call.function) {
        return presence(call.arguments.first()?);
    }
    let parts: Vec<Option<Expr>> = call.arguments.iter().map(presence).collect();
    if parts.iter().all(Option::is_none) {
        return None;
    }
    let arguments = parts.into_iter().zip(&call.arguments).map(|(part, own)| part.unwrap_or_else(|| own.clone()));
    Some(Expr::Call(Call { function: call.function, arguments: arguments.collect() }))
}
