//! Expressions: operands, signs, and what may follow an operand.

use super::lex::Token;
use super::{Fault, HEIGHT_MAX, Node, Parser, binary, call};
use crate::ast::{Expr, Selector, Subquery, When};
use crate::functions::Kind;

impl Parser<'_> {
    /// An expression whose operators bind at least as strongly as `least`.
    pub(super) fn expr(&mut self, least: u8) -> Result<Node, Fault> {
        let mut left = self.nested(Self::signed)?;
        while let Some(op) = self.operator() {
            let rank = binary::rank(op);
            if rank < least {
                break;
            }
            let at = self.here();
            self.advance();
            let (as_bool, matching) = self.modifiers(op)?;
            // Only `^` takes what follows it first.
            let least = if rank == binary::POWER { rank } else { rank + 1 };
            let right = self.nested(|parser| parser.expr(least))?;
            left = self.binary(op, at, left, right, as_bool, matching)?;
        }
        Ok(left)
    }

    /// An operand, perhaps with a sign. A sign binds like `*`.
    fn signed(&mut self) -> Result<Node, Fault> {
        let start = self.here();
        let minus = self.at_mark("-");
        if !minus && !self.at_mark("+") {
            return self.operand();
        }
        self.advance();
        let node = self.expr(binary::POWER)?;
        if !matches!(node.kind, Kind::Scalar | Kind::Vector) {
            let kind = super::check::named(node.kind);
            let message =
                format!("unary expression only allowed on expressions of type scalar or instant vector, got {kind:?}");
            self.complain(start, message);
        }
        let expr = match node.expr {
            expr if !minus => expr,
            Expr::Number(value) => Expr::Number(-value),
            expr => Expr::Negate(Box::new(expr)),
        };
        self.grown(expr, node.kind, start, node.height)
    }

    /// An operand and what follows it: a window, a time, a way to extend.
    fn operand(&mut self) -> Result<Node, Fault> {
        let mut node = self.primary()?;
        loop {
            if self.at_mark("[") {
                node = self.window(node)?;
            } else if self.at_mark("@") {
                self.at_time(&mut node)?;
            } else if self.at_keyword("offset") {
                self.offset(&mut node)?;
            } else if self.at_keyword("anchored") || self.at_keyword("smoothed") {
                self.extended(&mut node)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        let start = self.here();
        let leaf = |expr, kind| Ok(Node { expr, kind, start, height: 1 });
        match self.peek().clone() {
            Token::Number(value) => {
                self.advance();
                leaf(Expr::Number(value), Kind::Scalar)
            }
            Token::Duration(millis) => {
                self.advance();
                leaf(Expr::Number(super::period::seconds(millis)), Kind::Scalar)
            }
            Token::Text(text) => {
                self.advance();
                leaf(Expr::Text(text), Kind::Text)
            }
            Token::Mark("(") => self.parenthesis(),
            Token::Mark("{") => self.selector(None),
            Token::Word => self.named(),
            _ => Err(self.unexpected("")),
        }
    }

    fn parenthesis(&mut self) -> Result<Node, Fault> {
        let start = self.here();
        self.advance();
        let node = self.expr(0)?;
        if matches!(self.peek(), Token::End) {
            return Err(Fault { at: self.here(), message: "unclosed left parenthesis".to_owned() });
        }
        self.expect_mark(")", " in parenthesized expression")?;
        self.grown(Expr::Paren(Box::new(node.expr)), node.kind, start, node.height)
    }

    /// What begins with a word: a number, an aggregation, a call, or a selector.
    fn named(&mut self) -> Result<Node, Fault> {
        let Some(word) = self.word() else { return Err(self.unexpected("")) };
        let grouped =
            self.word_after(1).is_some_and(|w| w.eq_ignore_ascii_case("by") || w.eq_ignore_ascii_case("without"));
        if call::is_aggregation(word) && (grouped || self.mark_after(1, "(")) {
            return self.aggregation();
        }
        if self.mark_after(1, "(") && !super::is_keyword(word) {
            return self.call();
        }
        if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("nan") {
            let value = if word.eq_ignore_ascii_case("inf") { f64::INFINITY } else { f64::NAN };
            let start = self.here();
            self.advance();
            return Ok(Node { expr: Expr::Number(value), kind: Kind::Scalar, start, height: 1 });
        }
        if binary::named(word) == Some(crate::ast::BinaryOp::Atan2)
            || RESERVED.iter().any(|r| word.eq_ignore_ascii_case(r))
        {
            return Err(self.unexpected(""));
        }
        self.selector(Some(word))
    }

    /// `[5m]` makes a window of a selector, `[1h:5m]` a subquery of anything.
    fn window(&mut self, node: Node) -> Result<Node, Fault> {
        let at = self.here();
        self.advance();
        let range = self.range()?;
        if self.take_mark(":") {
            let step = if self.at_mark("]") { None } else { Some(self.range()?) };
            self.close_bracket()?;
            if node.kind != Kind::Vector {
                let kind = super::check::named(node.kind);
                self.complain(node.start, format!("subquery is only allowed on instant vector, got {kind} instead"));
            }
            let subquery = Subquery { inner: node.expr, range, step, when: When::default() };
            return self.grown(Expr::Subquery(Box::new(subquery)), Kind::Window, node.start, node.height);
        }
        self.close_bracket()?;
        let refused = |message: &str| Err(Fault { at, message: message.to_owned() });
        match node.expr {
            Expr::Selector(Selector { when: When { offset: Some(_), .. }, .. }) => {
                refused("no offset modifiers allowed before range")
            }
            Expr::Selector(Selector { when: When { at: Some(_), .. }, .. }) => {
                refused("no @ modifiers allowed before range")
            }
            Expr::Selector(mut selector) => {
                let mode = std::mem::take(&mut selector.mode);
                Ok(Node { expr: Expr::Window(selector, range, mode), kind: Kind::Window, ..node })
            }
            _ => refused("ranges only allowed for vector selectors"),
        }
    }

    fn close_bracket(&mut self) -> Result<(), Fault> {
        if matches!(self.peek(), Token::End) {
            return Err(Fault { at: self.here(), message: "unclosed left bracket".to_owned() });
        }
        self.expect_mark("]", " in subquery or range selector")
    }

    /// A node over others, unless the tree gets too high.
    pub(super) fn grown(&self, expr: Expr, kind: Kind, start: usize, below: usize) -> Result<Node, Fault> {
        if below >= HEIGHT_MAX {
            let message = format!("the query has more than {HEIGHT_MAX} levels; use parentheses or recording rules");
            return Err(Fault { at: start, message });
        }
        Ok(Node { expr, kind, start, height: below + 1 })
    }
}

/// Keywords that name no metric.
const RESERVED: [&str; 5] = ["bool", "group_left", "group_right", "ignoring", "on"];
