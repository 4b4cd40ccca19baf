//! Which labels the series of an answer can have.

use std::collections::BTreeSet;

use promql::ast::{Aggregate, AggregateOp, Binary, BinaryOp, Call, Cardinality, Expr, Selector, Test};

use super::walk::bare;

/// The labels that series can have: these, or all but these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// No others.
    Only(BTreeSet<String>),
    /// All others.
    AllBut(BTreeSet<String>),
}

impl Known {
    fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// Whether a series can have this label.
    pub fn can(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
        }
    }

    fn with<'a>(mut self, more: impl IntoIterator<Item = &'a str>) -> Self {
        for name in more {
            match &mut self {
                Self::Only(names) => {
                    names.insert(name.to_owned());
                }
                Self::AllBut(names) => {
                    names.remove(name);
                }
            }
        }
        self
    }

    fn without<'a>(mut self, less: impl IntoIterator<Item = &'a str>) -> Self {
        for name in less {
            match &mut self {
                Self::Only(names) => {
                    names.remove(name);
                }
                Self::AllBut(names) => {
                    names.insert(name.to_owned());
                }
            }
        }
        self
    }

    /// Only these of them.
    fn among(self, labels: &[String]) -> Self {
        Self::Only(labels.iter().filter(|name| self.can(name)).cloned().collect())
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a.union(&b).cloned().collect()),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a.intersection(&b).cloned().collect()),
            (Self::AllBut(a), Self::Only(b)) | (Self::Only(b), Self::AllBut(a)) => {
                Self::AllBut(a.difference(&b).cloned().collect())
            }
        }
    }
}

/// The labels that the series of an expression's answer can have.
pub(super) fn of(expr: &Expr) -> Known {
    match expr {
        Expr::Number(_) | Expr::Text(_) => Known::none(),
        Expr::Selector(selector) | Expr::Window(selector, ..) => of_selector(selector),
        Expr::Subquery(subquery) => of(&subquery.inner),
        Expr::Paren(inner) | Expr::Negate(inner) => of(inner),
        Expr::Binary(binary) => of_binary(binary),
        Expr::Aggregate(aggregate) => of_aggregate(aggregate),
        Expr::Call(call) => of_call(call),
    }
}

/// Whether an expression is a number.
pub(super) fn is_scalar(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Number(_) => true,
        Expr::Negate(inner) => is_scalar(inner),
        Expr::Call(call) => matches!(call.function, "scalar" | "time" | "pi"),
        Expr::Binary(binary) => is_scalar(&binary.left) && is_scalar(&binary.right),
        _ => false,
    }
}

fn of_selector(selector: &Selector) -> Known {
    let empty = selector.matchers.iter().filter(|matcher| matches!(&matcher.test, Test::Is(text) if text.is_empty()));
    Known::all().without(empty.map(|matcher| &*matcher.name))
}

fn of_binary(binary: &Binary) -> Known {
    let (left, right) = (of(&binary.left), of(&binary.right));
    if is_scalar(&binary.left) {
        return right;
    }
    if is_scalar(&binary.right) {
        return left;
    }
    let matching = &binary.matching;
    let names = || matching.labels.iter().map(String::as_str);
    let include = || matching.include.iter().map(String::as_str);
    match (binary.op, matching.cardinality) {
        (BinaryOp::And | BinaryOp::Unless, _) => left,
        (BinaryOp::Or, _) => left.or(right),
        (_, Cardinality::ManyToOne) => left.with(include().filter(|name| right.can(name))),
        (_, Cardinality::OneToMany) => right.with(include().filter(|name| left.can(name))),
        (_, Cardinality::OneToOne) if matching.on => left.among(&matching.labels),
        (_, Cardinality::OneToOne) => left.without(names()),
    }
}

fn of_aggregate(aggregate: &Aggregate) -> Known {
    use AggregateOp::{Bottomk, CountValues, LimitRatio, Limitk, Topk};
    let inner = of(&aggregate.inner);
    if matches!(aggregate.op, Topk | Bottomk | Limitk | LimitRatio) {
        return inner;
    }
    let kept = if aggregate.without {
        inner.without(aggregate.labels.iter().map(String::as_str))
    } else {
        inner.among(&aggregate.labels)
    };
    match (aggregate.op, aggregate.parameter.as_ref().map(bare)) {
        (CountValues, Some(Expr::Text(name))) => kept.with([name.as_str()]),
        _ => kept,
    }
}

fn of_call(call: &Call) -> Known {
    let arguments = &call.arguments;
    let text = |at: usize| match arguments.get(at).map(bare) {
        Some(Expr::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let first = || arguments.first().map_or_else(Known::none, of);
    match call.function {
        "absent" | "absent_over_time" => of_absent(arguments.first()),
        "vector" | "scalar" | "time" | "pi" => Known::none(),
        "label_replace" | "label_join" => first().with(text(1)),
        "histogram_quantile" => arguments.get(1).map_or_else(Known::none, of).without(["le"]),
        // It adds the labels of metrics that are not named here.
        "info" => Known::all(),
        "histogram_fraction" => arguments.get(2).map_or_else(Known::none, of).without(["le"]),
        "quantile_over_time" => arguments.get(1).map_or_else(Known::none, of),
        "minute" | "hour" | "month" | "year" | "day_of_month" | "day_of_week" | "day_of_year" | "days_in_month" => {
            first()
        }
        _ => first(),
    }
}

/// `absent` gives the labels that its selector demands to be equal to something, each demanded once.
fn of_absent(argument: Option<&Expr>) -> Known {
    let (Some(Expr::Selector(selector)) | Some(Expr::Window(selector, ..))) = argument.map(bare) else {
        return Known::none();
    };
    let twice = |name: &str| selector.matchers.iter().filter(|matcher| matcher.name == name).count() > 1;
    let equal = selector.matchers.iter().filter(|matcher| matches!(matcher.test, Test::Is(_)) && !twice(&matcher.name));
    Known::none().with(equal.map(|matcher| &*matcher.name).filter(|name| *name != promql::METRIC_NAME))
}
