//! A query as a tree. Made by [`crate::parse`], walked by the evaluator; holds no samples.

use std::hash::{Hash, Hasher};

use regex::Regex;

use crate::Millis;

/// A query or a part of one.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A text in quotes.
    Text(String),
    /// `name{a="b"} @ 0 offset 5m`: the newest sample of each series that matches.
    Selector(Selector),
    /// `name[5m]`: the samples of a window.
    Window(Selector, Duration, WindowMode),
    /// `expr[1h:5m] @ 0 offset 5m`: an expression evaluated over a window.
    Subquery(Box<Subquery>),
    /// `(expr)`. Kept, because a parenthesis may change the meaning of what stands beside it.
    Paren(Box<Expr>),
    /// `-expr`.
    Negate(Box<Expr>),
    /// `left op right`.
    Binary(Box<Binary>),
    /// `sum by (a) (expr)`.
    Aggregate(Box<Aggregate>),
    /// `rate(x[5m])`.
    Call(Call),
}

/// What an instant or window selector selects.
#[derive(Debug, Clone)]
pub struct Selector {
    /// All must hold; the metric's name is among them.
    pub matchers: Vec<Matcher>,
    /// When to look.
    pub when: When,
    /// For an instant selector: whether the value is extended to the edges.
    pub mode: WindowMode,
}

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// What its value must be.
    pub test: Test,
}

/// What a label's value must be. An absent label has the empty value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    /// `=`
    Is(String),
    /// `!=`
    IsNot(String),
    /// `=~`
    Matches(Pattern),
    /// `!~`
    MatchesNot(Pattern),
}

/// A regular expression in RE2's syntax, anchored at both ends; runs in linear time.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

/// Patterns are the same when they are written the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.source.hash(state);
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, or that it is larger than allowed.
    pub fn new(source: &str) -> Result<Self, String> {
        Ok(Self::compiled(source, crate::parse::compile_pattern(source)?))
    }

    /// A pattern and what it was compiled to.
    pub(crate) fn compiled(source: &str, regex: Regex) -> Self {
        Self { source: source.to_owned(), regex }
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches the whole of a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl Matcher {
    /// Whether a value fulfils the condition.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        match &self.test {
            Test::Is(wanted) => value == wanted,
            Test::IsNot(unwanted) => value != unwanted,
            Test::Matches(pattern) => pattern.is_match(value),
            Test::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

/// `@` and `offset`: when a selector or subquery looks.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// The instant that stands in for the evaluation's own.
    pub at: Option<At>,
    /// How much earlier to look; negative looks later.
    pub offset: Option<Duration>,
}

/// What follows `@`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// An instant.
    Instant(Millis),
    /// The query's first step.
    Start,
    /// The query's last step.
    End,
}

/// A length of time: a literal, or an expression over the query's step and range.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// So long.
    Fixed(Millis),
    /// Computed when the query's step and range are known; a number counts as seconds.
    Computed(Box<DurationExpr>),
}

/// `[step() + 5m * 2]`
#[derive(Debug, Clone, PartialEq)]
pub enum DurationExpr {
    /// So many seconds.
    Seconds(f64),
    /// `step()`: the query's step; zero for an instant query.
    Step,
    /// `range()`: from the query's first step to its last.
    Range,
    /// `-a`
    Negate(Box<DurationExpr>),
    /// `a op b`, with one of `+ - * / % ^`.
    Arithmetic(Box<DurationExpr>, BinaryOp, Box<DurationExpr>),
    /// `min_of(a, b)`
    Min(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`
    Max(Box<DurationExpr>, Box<DurationExpr>),
}

/// How the samples of a window are extended to its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowMode {
    /// As they are.
    #[default]
    Plain,
    /// `anchored`: the value at each edge is that of the newest sample before it.
    Anchored,
    /// `smoothed`: the value at each edge is interpolated between its neighbours.
    Smoothed,
}

/// `expr[range:step]`
#[derive(Debug, Clone)]
pub struct Subquery {
    /// What is evaluated.
    pub inner: Expr,
    /// Over how long.
    pub range: Duration,
    /// How often; the evaluator's default step when absent.
    pub step: Option<Duration>,
    /// When to look.
    pub when: When,
}

/// `left op right`
#[derive(Debug, Clone)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Left of it.
    pub left: Expr,
    /// Right of it.
    pub right: Expr,
    /// `bool`: a comparison gives 0 or 1 instead of filtering.
    pub as_bool: bool,
    /// Which series of the two sides belong together.
    pub matching: Matching,
}

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `atan2`
    Atan2,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `</`: a histogram without what lies above.
    TrimUpper,
    /// `>/`: a histogram without what lies below.
    TrimLower,
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
}

/// `on`, `ignoring`, `group_left`, `group_right`, `fill`.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// `on (labels)`: only these count. Otherwise all but these count.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// How many series of a side may share a match.
    pub cardinality: Cardinality,
    /// The labels that the many side takes from the one side.
    pub include: Vec<String>,
    /// What stands in for a missing series of the left side.
    pub fill_left: Option<f64>,
    /// What stands in for a missing series of the right side.
    pub fill_right: Option<f64>,
}

/// How many series of a side may share a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cardinality {
    /// One of each.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
}

/// `op by (labels) (parameter, inner)`
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The operator.
    pub op: AggregateOp,
    /// What is aggregated.
    pub inner: Expr,
    /// The first argument of `topk`, `bottomk`, `limitk`, `limit_ratio`, `quantile`, `count_values`.
    pub parameter: Option<Expr>,
    /// `without`: group by all labels but these. Otherwise by these alone.
    pub without: bool,
    /// The labels of `by` or `without`.
    pub labels: Vec<String>,
}

/// An aggregation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named as in PromQL")]
pub enum AggregateOp {
    Sum,
    Avg,
    Count,
    Min,
    Max,
    Group,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    CountValues,
    Quantile,
    Limitk,
    LimitRatio,
}

/// A call of a function.
#[derive(Debug, Clone)]
pub struct Call {
    /// The function's name as in PromQL; known, with fitting arguments, because the parser checked.
    pub function: &'static str,
    /// What it is called with.
    pub arguments: Vec<Expr>,
}
