//! The functions of PromQL: their names and types. The parser checks calls against them, the evaluator runs them.

use Kind::{Scalar, Text, Vector, Window};

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One number a step.
    Scalar,
    /// A text in quotes.
    Text,
    /// One sample a step of each of several series.
    Vector,
    /// The samples of a window of each of several series: a window selector or a subquery.
    Window,
}

/// A function's name and type.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it is called with. Further arguments have the type of the last.
    pub arguments: &'static [Kind],
    /// How many arguments may be given.
    pub variadic: Variadic,
    /// What it gives.
    pub gives: Kind,
    /// Whether Prometheus knows it only under `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variadic {
    /// As many as it has types.
    Fixed,
    /// The last may be left out or stand up to so many times.
    UpTo(usize),
    /// The last may be left out or stand any number of times.
    Any,
}

impl Function {
    /// How few arguments it takes.
    #[must_use]
    pub fn least(&self) -> usize {
        match self.variadic {
            Variadic::Fixed => self.arguments.len(),
            Variadic::UpTo(_) | Variadic::Any => self.arguments.len().saturating_sub(1),
        }
    }

    /// How many arguments it takes at most; none when there is no end.
    #[must_use]
    pub fn most(&self) -> Option<usize> {
        match self.variadic {
            Variadic::Fixed => Some(self.arguments.len()),
            Variadic::UpTo(times) => Some(self.least() + times),
            Variadic::Any => None,
        }
    }

    /// The type of an argument, counted from zero.
    #[must_use]
    pub fn argument(&self, at: usize) -> Option<Kind> {
        self.arguments.get(at).or(self.arguments.last()).copied()
    }
}

/// The function of a name. `holt_winters` is the old name of `double_exponential_smoothing`.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    let name = if name == "holt_winters" { "double_exponential_smoothing" } else { name };
    FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok().and_then(|at| FUNCTIONS.get(at))
}

const fn plain(name: &'static str, arguments: &'static [Kind], gives: Kind) -> Function {
    Function { name, arguments, variadic: Variadic::Fixed, gives, experimental: false }
}

const fn variadic(name: &'static str, arguments: &'static [Kind], variadic: Variadic) -> Function {
    Function { name, arguments, variadic, gives: Vector, experimental: false }
}

const fn experimental(of: Function) -> Function {
    Function { experimental: true, ..of }
}

const fn of_vector(name: &'static str) -> Function {
    plain(name, &[Vector], Vector)
}

const fn of_window(name: &'static str) -> Function {
    plain(name, &[Window], Vector)
}

const fn of_date(name: &'static str) -> Function {
    variadic(name, &[Vector], Variadic::UpTo(1))
}

const fn of_nothing(name: &'static str) -> Function {
    plain(name, &[], Scalar)
}

/// All functions, in order of name.
pub static FUNCTIONS: &[Function] = &[
    of_vector("abs"),
    of_vector("absent"),
    of_window("absent_over_time"),
    of_vector("acos"),
    of_vector("acosh"),
    of_vector(crate::ANOMALY),
    of_vector("asin"),
    of_vector("asinh"),
    of_vector("atan"),
    of_vector("atanh"),
    of_window("avg_over_time"),
    of_vector("ceil"),
    of_window("changes"),
    plain("clamp", &[Vector, Scalar, Scalar], Vector),
    plain("clamp_max", &[Vector, Scalar], Vector),
    plain("clamp_min", &[Vector, Scalar], Vector),
    of_vector("cos"),
    of_vector("cosh"),
    of_window("count_over_time"),
    of_date("day_of_month"),
    of_date("day_of_week"),
    of_date("day_of_year"),
    of_date("days_in_month"),
    of_vector("deg"),
    of_window("delta"),
    of_window("deriv"),
    experimental(plain("double_exponential_smoothing", &[Window, Scalar, Scalar], Vector)),
    experimental(of_nothing("end")),
    of_vector("exp"),
    of_window("first_over_time"),
    of_vector("floor"),
    of_vector("histogram_avg"),
    of_vector("histogram_count"),
    plain("histogram_fraction", &[Scalar, Scalar, Vector], Vector),
    plain("histogram_quantile", &[Scalar, Vector], Vector),
    experimental(variadic("histogram_quantiles", &[Vector, Text, Scalar, Scalar], Variadic::UpTo(9))),
    of_vector("histogram_stddev"),
    of_vector("histogram_stdvar"),
    of_vector("histogram_sum"),
    of_date("hour"),
    of_window("idelta"),
    of_window("increase"),
    experimental(variadic("info", &[Vector, Vector], Variadic::UpTo(1))),
    experimental(variadic("integral", &[Window, Scalar], Variadic::UpTo(1))),
    of_window("irate"),
    variadic("label_join", &[Vector, Text, Text, Text], Variadic::Any),
    plain("label_replace", &[Vector, Text, Text, Text, Text], Vector),
    of_window("last_over_time"),
    of_vector("ln"),
    of_vector("log10"),
    of_vector("log2"),
    experimental(of_window("mad_over_time")),
    experimental(plain("max_of", &[Scalar, Scalar], Scalar)),
    of_window("max_over_time"),
    experimental(plain("min_of", &[Scalar, Scalar], Scalar)),
    of_window("min_over_time"),
    of_date("minute"),
    of_date("month"),
    of_nothing("pi"),
    plain("predict_linear", &[Window, Scalar], Vector),
    of_window("present_over_time"),
    plain("quantile_over_time", &[Scalar, Window], Vector),
    of_vector("rad"),
    experimental(of_nothing("range")),
    of_window("rate"),
    of_window("resets"),
    variadic("round", &[Vector, Scalar], Variadic::UpTo(1)),
    plain("scalar", &[Vector], Scalar),
    of_vector("sgn"),
    of_vector("sin"),
    of_vector("sinh"),
    of_vector("sort"),
    experimental(variadic("sort_by_label", &[Vector, Text], Variadic::Any)),
    experimental(variadic("sort_by_label_desc", &[Vector, Text], Variadic::Any)),
    of_vector("sort_desc"),
    of_vector("sqrt"),
    experimental(of_nothing("start")),
    of_window("stddev_over_time"),
    of_window("stdvar_over_time"),
    experimental(of_nothing("step")),
    of_window("sum_over_time"),
    of_vector("tan"),
    of_vector("tanh"),
    of_nothing("time"),
    of_vector("timestamp"),
    experimental(of_window("ts_of_first_over_time")),
    experimental(of_window("ts_of_last_over_time")),
    experimental(of_window("ts_of_max_over_time")),
    experimental(of_window("ts_of_min_over_time")),
    of_vector(crate::UNUSUAL),
    plain("vector", &[Scalar], Vector),
    of_date("year"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_every_name_is_found() {
        assert!(FUNCTIONS.is_sorted_by(|a, b| a.name < b.name));
        assert!(FUNCTIONS.iter().all(|f| function(f.name).is_some_and(|found| found.name == f.name)));
        assert!(function("").is_none() && function("nosuch").is_none());
    }

    #[test]
    fn arguments_are_counted_as_prometheus_counts_them() {
        let range = |name| function(name).map(|f| (f.least(), f.most()));
        assert_eq!(range("rate"), Some((1, Some(1))));
        assert_eq!(range("round"), Some((1, Some(2))));
        assert_eq!(range("label_join"), Some((3, None)));
        assert_eq!(range("histogram_quantiles"), Some((3, Some(12))));
        assert_eq!(range("hour"), Some((0, Some(1))));
    }
}
