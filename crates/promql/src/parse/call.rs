//! Calls of functions, aggregations, and lists of labels.

use super::check::written;
use super::lex::Token;
use super::{Fault, Node, Parser};
use crate::ast::{Aggregate, AggregateOp, Call, Expr};
use crate::functions::{Function, Kind, function};

/// The aggregations by name.
pub(super) const AGGREGATIONS: [(&str, AggregateOp); 14] = [
    ("sum", AggregateOp::Sum),
    ("avg", AggregateOp::Avg),
    ("count", AggregateOp::Count),
    ("min", AggregateOp::Min),
    ("max", AggregateOp::Max),
    ("group", AggregateOp::Group),
    ("stddev", AggregateOp::Stddev),
    ("stdvar", AggregateOp::Stdvar),
    ("topk", AggregateOp::Topk),
    ("bottomk", AggregateOp::Bottomk),
    ("count_values", AggregateOp::CountValues),
    ("quantile", AggregateOp::Quantile),
    ("limitk", AggregateOp::Limitk),
    ("limit_ratio", AggregateOp::LimitRatio),
];

/// Whether a word is the name of an aggregation.
pub(super) fn is_aggregation(word: &str) -> bool {
    aggregation_of(word).is_some()
}

fn aggregation_of(word: &str) -> Option<AggregateOp> {
    AGGREGATIONS.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, op)| op)
}

/// The type of an aggregation's first argument, where it takes one.
fn parameter_of(op: AggregateOp) -> Option<Kind> {
    match op {
        AggregateOp::CountValues => Some(Kind::Text),
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk => Some(Kind::Scalar),
        AggregateOp::Quantile | AggregateOp::LimitRatio => Some(Kind::Scalar),
        _ => None,
    }
}

impl Parser<'_> {
    /// `rate(x[5m])`
    pub(super) fn call(&mut self) -> Result<Node, Fault> {
        let start = self.here();
        let name = self.word().unwrap_or_default();
        let Some(known) = function(name) else {
            return Err(Fault { at: start, message: format!("unknown function with name {name:?}") });
        };
        self.advance();
        let arguments = self.arguments(known.name == "info")?;
        self.check_arguments(known, name, start, &arguments);
        let below = arguments.iter().map(|node| node.height).max().unwrap_or_default();
        let arguments = arguments.into_iter().map(|node| node.expr).collect();
        let call = Call { function: known.name, arguments };
        self.grown(Expr::Call(call), known.gives, start, below)
    }

    /// Expressions in parentheses. The second one of `info` is a bare selector of labels.
    fn arguments(&mut self, narrows: bool) -> Result<Vec<Node>, Fault> {
        let mut all = Vec::new();
        self.expect_mark("(", "")?;
        if self.take_mark(")") {
            return Ok(all);
        }
        loop {
            self.may_be_empty = narrows && all.len() == 1 && self.at_mark("{");
            let at = self.here();
            let node = self.expr(0)?;
            if narrows && all.len() == 1 && !matches!(node.expr, Expr::Selector(_)) {
                self.complain(at, "expected label selectors as the second argument to \"info\" function");
            }
            self.may_be_empty = false;
            all.push(node);
            if self.take_mark(")") {
                return Ok(all);
            }
            if matches!(self.peek(), Token::End) {
                return Err(Fault { at: self.here(), message: "unclosed left parenthesis".to_owned() });
            }
            self.expect_mark(",", " in function call")?;
            if self.at_mark(")") {
                let message = "trailing commas not allowed in function call args".to_owned();
                return Err(Fault { at: self.here(), message });
            }
        }
    }

    fn check_arguments(&mut self, known: &Function, name: &str, start: usize, arguments: &[Node]) {
        let got = arguments.len();
        let (least, most) = (known.least(), known.most());
        if most == Some(least) && got != least {
            return self.complain(start, format!("expected {least} argument(s) in call to {name:?}, got {got}"));
        }
        if got < least {
            return self
                .complain(start, format!("expected at least {least} argument(s) in call to {name:?}, got {got}"));
        }
        if let Some(most) = most.filter(|most| got > *most) {
            return self.complain(start, format!("expected at most {most} argument(s) in call to {name:?}, got {got}"));
        }
        for (at, node) in arguments.iter().enumerate() {
            if let Some(kind) = known.argument(at) {
                self.expect_kind(node, kind, &format!("call to function {name:?}"));
            }
        }
    }

    fn expect_kind(&mut self, node: &Node, kind: Kind, place: &str) {
        if node.kind != kind {
            let message = format!("expected type {} in {place}, got {}", written(kind), written(node.kind));
            self.complain(node.start, message);
        }
    }

    /// `sum by (a) (x)` or `sum(x) by (a)`
    pub(super) fn aggregation(&mut self) -> Result<Node, Fault> {
        let start = self.here();
        let Some(op) = self.word().and_then(aggregation_of) else { return Err(self.unexpected("")) };
        self.advance();
        let before = self.grouping()?;
        let mut arguments = self.arguments(false)?;
        let grouping = match before {
            Some(grouping) => Some(grouping),
            None => self.grouping()?,
        };
        let (without, labels) = grouping.unwrap_or_default();
        let wanted = 1 + usize::from(parameter_of(op).is_some());
        let (got, below) = (arguments.len(), arguments.iter().map(|node| node.height).max().unwrap_or_default());
        let Some(inner) = arguments.pop().filter(|_| got == wanted) else {
            let message = match got {
                0 => "no arguments for aggregate expression provided".to_owned(),
                _ => {
                    format!("wrong number of arguments for aggregate expression provided, expected {wanted}, got {got}")
                }
            };
            return Err(Fault { at: start, message });
        };
        self.expect_kind(&inner, Kind::Vector, "aggregation expression");
        let parameter = arguments.pop();
        if let (Some(node), Some(kind)) = (&parameter, parameter_of(op)) {
            self.expect_kind(node, kind, "aggregation parameter");
        }
        let parameter = parameter.map(|node| node.expr);
        let aggregate = Aggregate { op, inner: inner.expr, parameter, without, labels };
        self.grown(Expr::Aggregate(Box::new(aggregate)), Kind::Vector, start, below)
    }

    /// `by (labels)` or `without (labels)`; true for the latter.
    fn grouping(&mut self) -> Result<Option<(bool, Vec<String>)>, Fault> {
        let without = self.at_keyword("without");
        if !self.take_keyword("by") && !self.take_keyword("without") {
            return Ok(None);
        }
        Ok(Some((without, self.label_list()?)))
    }

    /// `(a, "b.c", d)`
    pub(super) fn label_list(&mut self) -> Result<Vec<String>, Fault> {
        const PLACE: &str = " in grouping opts";
        let mut all = Vec::new();
        self.expect_mark("(", PLACE)?;
        while !self.take_mark(")") {
            let label = match self.peek() {
                Token::Word => self.word().filter(|word| !word.contains(':')).map(str::to_owned),
                Token::Text(text) if !text.is_empty() => Some(text.clone()),
                _ => None,
            };
            all.push(label.ok_or_else(|| self.unexpected(&format!("{PLACE}, expected label")))?);
            if all.len() > super::LABELS_MAX {
                let message = format!("a list has at most {} labels", super::LABELS_MAX);
                return Err(Fault { at: self.here(), message });
            }
            self.advance();
            if !self.at_mark(")") {
                self.expect_mark(",", PLACE)?;
            }
        }
        Ok(all)
    }
}
