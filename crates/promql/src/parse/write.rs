//! A tree as text: canonical PromQL that parses to the same tree.

use std::fmt::{self, Display, Formatter, Write as _};

use super::check::written_op;
use super::number::write_duration;
use super::{call, is_keyword, text};
use crate::METRIC_NAME;
use crate::ast::{
    Aggregate, At, Binary, Cardinality, Duration, DurationExpr, Expr, Matcher, Matching, Selector, Subquery, Test,
    When, WindowMode,
};
use crate::histogram::number;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => f.write_str(number(*value).trim_start_matches('+')),
            Self::Text(value) => f.write_str(&text::quote(value)),
            Self::Selector(selector) => write!(f, "{selector}{}{}", Mode(selector.mode), selector.when),
            Self::Window(selector, range, mode) => {
                write!(f, "{selector}[{}]{}{}", Range(range), Mode(*mode), selector.when)
            }
            Self::Subquery(subquery) => subquery.fmt(f),
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Binary(binary) => binary.fmt(f),
            Self::Aggregate(aggregate) => aggregate.fmt(f),
            Self::Call(call) => write!(f, "{}({})", call.function, Listed(&call.arguments)),
        }
    }
}

/// Parts with commas between.
struct Listed<'a, T>(&'a [T]);

impl<T: Display> Display for Listed<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            write!(f, "{}{part}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Display for Selector {
    /// Without its time, which stands behind the window.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bare = self.matchers.first().and_then(bare_name);
        let names = self.matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).count();
        match bare.filter(|_| names == 1) {
            Some(name) if self.matchers.len() == 1 => f.write_str(name),
            Some(name) => write!(f, "{name}{{{}}}", Listed(self.matchers.get(1..).unwrap_or_default())),
            None => match self.matchers.split_first() {
                Some((Matcher { name, test: Test::Is(value) }, rest)) if name == METRIC_NAME && names == 1 => {
                    write!(f, "{{{}", text::quote(value))?;
                    write!(f, "{}{}}}", if rest.is_empty() { "" } else { ", " }, Listed(rest))
                }
                _ => write!(f, "{{{}}}", Listed(&self.matchers)),
            },
        }
    }
}

/// A metric's name that needs no quotes.
fn bare_name(matcher: &Matcher) -> Option<&str> {
    let Test::Is(name) = &matcher.test else { return None };
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    let plain = name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    (matcher.name == METRIC_NAME && plain && !is_keyword(name) && !call::is_aggregation(name)).then_some(name)
}

impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (op, value) = match &self.test {
            Test::Is(value) => ("=", value.as_str()),
            Test::IsNot(value) => ("!=", value.as_str()),
            Test::Matches(pattern) => ("=~", pattern.source()),
            Test::MatchesNot(pattern) => ("!~", pattern.source()),
        };
        write!(f, "{}{op}{}", Label(&self.name), text::quote(value))
    }
}

/// A label, in quotes where it needs them.
struct Label<'a>(&'a str);

impl Display for Label<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let plain = self.0.starts_with(first) && self.0.chars().all(|c| first(c) || c.is_ascii_digit());
        if plain { f.write_str(self.0) } else { f.write_str(&text::quote(self.0)) }
    }
}

/// `(a, b)`
struct Labels<'a>(&'a [String]);

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self.0.iter().map(|label| Label(label)).collect();
        write!(f, "({})", Listed(&labels))
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.at {
            None => {}
            Some(At::Start) => f.write_str(" @ start()")?,
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Instant(millis)) => write!(f, " @ {}", super::period::seconds(millis))?,
        }
        match &self.offset {
            None => Ok(()),
            Some(Duration::Fixed(millis)) => write!(f, " offset {}", write_duration(*millis)),
            Some(Duration::Computed(length)) => write!(f, " offset ({})", Inner(length)),
        }
    }
}

struct Mode(WindowMode);

impl Display for Mode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            WindowMode::Plain => "",
            WindowMode::Anchored => " anchored",
            WindowMode::Smoothed => " smoothed",
        })
    }
}

/// A length of time between brackets.
struct Range<'a>(&'a Duration);

impl Display for Range<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::Fixed(millis) => f.write_str(&write_duration(*millis)),
            Duration::Computed(length) => Inner(length).fmt(f),
        }
    }
}

/// A computed length of time without parentheses around it.
struct Inner<'a>(&'a DurationExpr);

impl Display for Inner<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            DurationExpr::Arithmetic(a, op, b) => write!(f, "{a} {} {b}", written_op(*op)),
            other => other.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => f.write_str(number(*seconds).trim_start_matches('+')),
            Self::Step => f.write_str("step()"),
            Self::Range => f.write_str("range()"),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Arithmetic(..) => write!(f, "({})", Inner(self)),
            Self::Min(a, b) => write!(f, "min_of({}, {})", Inner(a), Inner(b)),
            Self::Max(a, b) => write!(f, "max_of({}, {})", Inner(a), Inner(b)),
        }
    }
}

impl Display for Subquery {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}:", self.inner, Range(&self.range))?;
        if let Some(step) = &self.step {
            write!(f, "{}", Range(step))?;
        }
        write!(f, "]{}", self.when)
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, written_op(self.op))?;
        f.write_str(if self.as_bool { " bool" } else { "" })?;
        write!(f, "{} {}", self.matching, self.right)
    }
}

impl Display for Matching {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let group = match self.cardinality {
            Cardinality::OneToOne => "",
            Cardinality::ManyToOne => " group_left ",
            Cardinality::OneToMany => " group_right ",
        };
        if self.on || !self.labels.is_empty() || !group.is_empty() {
            write!(f, " {} {}", if self.on { "on" } else { "ignoring" }, Labels(&self.labels))?;
        }
        if !group.is_empty() {
            write!(f, "{group}{}", Labels(&self.include))?;
        }
        let fill = |value: f64| number(value).trim_start_matches('+').to_owned();
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left.to_bits() == right.to_bits() => write!(f, " fill({})", fill(left)),
            (left, right) => {
                left.map_or(Ok(()), |value| write!(f, " fill_left({})", fill(value)))?;
                right.map_or(Ok(()), |value| write!(f, " fill_right({})", fill(value)))
            }
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = call::AGGREGATIONS.iter().find(|(_, op)| *op == self.op).map_or("", |(name, _)| name);
        f.write_str(name)?;
        if self.without || !self.labels.is_empty() {
            let word = if self.without { "without" } else { "by" };
            write!(f, " {word} {} ", Labels(&self.labels))?;
        }
        f.write_char('(')?;
        if let Some(parameter) = &self.parameter {
            write!(f, "{parameter}, ")?;
        }
        write!(f, "{})", self.inner)
    }
}
