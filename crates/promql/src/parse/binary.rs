//! Binary operators: their ranks, their modifiers, and what they may stand between.

use super::check::{is_comparison, is_set, written_op};
use super::lex::Token;
use super::{Fault, Node, Parser};
use crate::ast::{Binary, BinaryOp, Cardinality, Expr, Matching};
use crate::functions::Kind;

/// The rank of `^`, the highest.
pub(super) const POWER: u8 = 6;

/// How strongly an operator binds.
pub(super) fn rank(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 3,
        BinaryOp::TrimUpper | BinaryOp::TrimLower => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Atan2 => 5,
        BinaryOp::Pow => POWER,
    }
}

/// The operator that a word is.
pub(super) fn named(word: &str) -> Option<BinaryOp> {
    let words =
        [("and", BinaryOp::And), ("or", BinaryOp::Or), ("unless", BinaryOp::Unless), ("atan2", BinaryOp::Atan2)];
    words.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, op)| op)
}

/// The operator that a mark is.
pub(super) fn marked(mark: &str) -> Option<BinaryOp> {
    Some(match mark {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Mod,
        "^" => BinaryOp::Pow,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "<" => BinaryOp::Lt,
        "<=" => BinaryOp::Le,
        ">" => BinaryOp::Gt,
        ">=" => BinaryOp::Ge,
        "</" => BinaryOp::TrimUpper,
        ">/" => BinaryOp::TrimLower,
        _ => return None,
    })
}

impl Parser<'_> {
    /// The operator that comes next.
    pub(super) fn operator(&self) -> Option<BinaryOp> {
        match self.peek() {
            Token::Mark(mark) => marked(mark),
            Token::Word => self.word().and_then(named),
            _ => None,
        }
    }

    /// `bool`, `on`, `ignoring`, `group_left`, `group_right`, `fill`.
    pub(super) fn modifiers(&mut self, op: BinaryOp) -> Result<(bool, Matching), Fault> {
        let at = self.here();
        let as_bool = self.take_keyword("bool");
        if as_bool && !is_comparison(op) {
            self.complain(at, "bool modifier can only be used on comparison operators");
        }
        let mut matching = Matching { on: self.at_keyword("on"), ..Matching::default() };
        if self.take_keyword("on") || self.take_keyword("ignoring") {
            matching.labels = self.label_list()?;
            self.group(op, &mut matching)?;
        }
        self.fill(op, &mut matching)?;
        Ok((as_bool, matching))
    }

    fn group(&mut self, op: BinaryOp, matching: &mut Matching) -> Result<(), Fault> {
        let at = self.here();
        if self.take_keyword("group_left") {
            matching.cardinality = Cardinality::ManyToOne;
        } else if self.take_keyword("group_right") {
            matching.cardinality = Cardinality::OneToMany;
        } else {
            return Ok(());
        }
        if self.at_mark("(") {
            matching.include = self.label_list()?;
        }
        if is_set(op) {
            self.complain(at, format!("no grouping allowed for {:?} operation", written_op(op)));
        }
        if matching.on
            && let Some(twice) = matching.labels.iter().find(|label| matching.include.contains(label))
        {
            let message = format!("label {twice:?} must not occur in ON and GROUP clause at once");
            self.complain(at, message);
        }
        Ok(())
    }

    fn fill(&mut self, op: BinaryOp, matching: &mut Matching) -> Result<(), Fault> {
        let at = self.here();
        for _ in 0..2 {
            let Some(word) = self.word().filter(|_| self.mark_after(1, "(")) else { break };
            let word = word.to_ascii_lowercase();
            let (left, right) = (matches!(&*word, "fill" | "fill_left"), matches!(&*word, "fill" | "fill_right"));
            let twice = left && matching.fill_left.is_some() || right && matching.fill_right.is_some();
            if !left && !right || twice {
                break;
            }
            self.advance();
            let value = Some(self.fill_value()?);
            matching.fill_left = if left { value } else { matching.fill_left };
            matching.fill_right = if right { value } else { matching.fill_right };
            if is_set(op) {
                self.complain(at, "filling in missing series not allowed for set operators");
            }
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Result<f64, Fault> {
        self.expect_mark("(", " in fill modifier")?;
        let value = self.signed_number(" in fill modifier")?;
        self.expect_mark(")", " in fill modifier")?;
        Ok(value)
    }

    /// A number or a length of time in seconds, perhaps with a sign.
    pub(super) fn signed_number(&mut self, place: &str) -> Result<f64, Fault> {
        let minus = self.at_mark("-");
        if minus || self.at_mark("+") {
            self.advance();
        }
        let value = match *self.peek() {
            Token::Number(value) => value,
            Token::Duration(millis) => super::period::seconds(millis),
            Token::Word if self.at_keyword("inf") => f64::INFINITY,
            Token::Word if self.at_keyword("nan") => f64::NAN,
            _ => return Err(self.unexpected(&format!("{place}, expected number"))),
        };
        self.advance();
        Ok(if minus { -value } else { value })
    }

    /// An operator between two expressions, its types checked.
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        at: usize,
        left: Node,
        right: Node,
        as_bool: bool,
        mut matching: Matching,
    ) -> Result<Node, Fault> {
        let start = left.start;
        self.check_operands(op, at, &left, &right, as_bool, &matching);
        let kind = if left.kind == Kind::Scalar && right.kind == Kind::Scalar { Kind::Scalar } else { Kind::Vector };
        if left.kind != Kind::Vector || right.kind != Kind::Vector {
            matching = Matching::default();
        }
        let below = left.height.max(right.height);
        let binary = Binary { op, left: left.expr, right: right.expr, as_bool, matching };
        self.grown(Expr::Binary(Box::new(binary)), kind, start, below)
    }

    fn check_operands(
        &mut self,
        op: BinaryOp,
        at: usize,
        left: &Node,
        right: &Node,
        as_bool: bool,
        matching: &Matching,
    ) {
        let value = |kind| matches!(kind, Kind::Scalar | Kind::Vector);
        for side in [left, right] {
            if !value(side.kind) {
                self.complain(side.start, "binary expression must contain only scalar and instant vector types");
            }
        }
        let scalar = |node: &Node| node.kind == Kind::Scalar;
        if scalar(left) && scalar(right) && is_comparison(op) && !as_bool {
            self.complain(left.start, "comparisons between scalars must use BOOL modifier");
        }
        if is_set(op) && (scalar(left) || scalar(right)) {
            self.complain(
                left.start,
                format!("set operator {:?} not allowed in binary scalar expression", written_op(op)),
            );
        }
        if !scalar(left) && !scalar(right) {
            return;
        }
        if !matching.labels.is_empty() {
            self.complain(at, "vector matching only allowed between instant vectors");
        } else if matching.fill_left.is_some() || matching.fill_right.is_some() {
            self.complain(at, "filling in missing series only allowed between instant vectors");
        }
    }
}
