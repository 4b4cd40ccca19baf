//! Lengths of time in brackets and after `offset`, which may be computed.

use super::binary::{marked, rank};
use super::lex::Token;
use super::{Fault, Parser};
use crate::Millis;
use crate::ast::{BinaryOp, Duration, DurationExpr};

/// The longest time that a query may speak of, in milliseconds: about 290 years, as far as Prometheus counts.
const TIME_MAX: f64 = 9_223_372_036_854.0;

/// How many operators one length of time may have.
const OPERATORS_MAX: usize = 64;

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "lengths of time are far below 2^53 milliseconds")]
pub(crate) fn seconds(millis: Millis) -> f64 {
    millis as f64 / 1000.0
}

/// Seconds as milliseconds, rounded; `None` when they are too many or no number.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
pub(crate) fn millis(seconds: f64) -> Option<Millis> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() <= TIME_MAX).then_some(millis as Millis)
}

impl Parser<'_> {
    /// The length of a window or of a subquery's step: above zero.
    pub(super) fn range(&mut self) -> Result<Duration, Fault> {
        let at = self.here();
        self.period_operators = 0;
        let length = self.duration_expr(0)?;
        let duration = self.settled(length, at)?;
        if matches!(duration, Duration::Fixed(millis) if millis <= 0) {
            return Err(Fault { at, message: "duration must be greater than 0".to_owned() });
        }
        Ok(duration)
    }

    /// What follows `offset`: one length of time, or several in parentheses.
    pub(super) fn offset_length(&mut self) -> Result<Duration, Fault> {
        let at = self.here();
        self.period_operators = 0;
        let length = self.duration_signed(true)?;
        self.settled(length, at)
    }

    /// A length of time, computed at once where it depends on nothing.
    fn settled(&self, length: DurationExpr, at: usize) -> Result<Duration, Fault> {
        let refused = |message: &str| Err(Fault { at, message: message.to_owned() });
        match constant(&length) {
            None => Ok(Duration::Computed(Box::new(length))),
            Some(Err(reason)) => refused(reason),
            Some(Ok(seconds)) => match millis(seconds) {
                Some(millis) => Ok(Duration::Fixed(millis)),
                None => refused("duration out of range"),
            },
        }
    }

    fn duration_expr(&mut self, least: u8) -> Result<DurationExpr, Fault> {
        let mut left = self.nested(|parser| parser.duration_signed(false))?;
        while let Token::Mark(mark) = *self.peek() {
            let Some(op) = marked(mark).filter(|op| is_arithmetic(*op) && rank(*op) >= least) else { break };
            self.advance();
            self.period_operators += 1;
            if self.period_operators > OPERATORS_MAX {
                let message = format!("a duration has more than {OPERATORS_MAX} operators");
                return Err(Fault { at: self.here(), message });
            }
            let least = if op == BinaryOp::Pow { rank(op) } else { rank(op) + 1 };
            let right = self.nested(|parser| parser.duration_expr(least))?;
            left = DurationExpr::Arithmetic(Box::new(left), op, Box::new(right));
        }
        Ok(left)
    }

    /// A length of time, perhaps with a sign. `alone`: nothing follows it that would bind more strongly.
    fn duration_signed(&mut self, alone: bool) -> Result<DurationExpr, Fault> {
        let minus = self.at_mark("-");
        if !minus && !self.at_mark("+") {
            return self.duration_operand();
        }
        self.advance();
        let inner = if alone { self.duration_operand()? } else { self.duration_expr(super::binary::POWER)? };
        Ok(if minus { DurationExpr::Negate(Box::new(inner)) } else { inner })
    }

    fn duration_operand(&mut self) -> Result<DurationExpr, Fault> {
        const PLACE: &str = " in duration expression";
        match *self.peek() {
            Token::Number(value) => {
                self.advance();
                Ok(DurationExpr::Seconds(value))
            }
            Token::Duration(millis) => {
                self.advance();
                Ok(DurationExpr::Seconds(seconds(millis)))
            }
            Token::Mark("(") => {
                self.advance();
                let inner = self.duration_expr(0)?;
                self.expect_mark(")", PLACE)?;
                Ok(inner)
            }
            Token::Word => self.duration_call(PLACE),
            _ => Err(self.unexpected(&format!("{PLACE}, expected duration"))),
        }
    }

    /// `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`, and the older names `min` and `max` of the last two.
    fn duration_call(&mut self, place: &str) -> Result<DurationExpr, Fault> {
        let word = self.word().unwrap_or_default().to_ascii_lowercase();
        if !matches!(&*word, "step" | "range" | "min" | "max" | "min_of" | "max_of") {
            return Err(self.unexpected(&format!("{place}, expected duration")));
        }
        self.advance();
        self.expect_mark("(", place)?;
        let result = match &*word {
            "step" => DurationExpr::Step,
            "range" => DurationExpr::Range,
            _ => {
                let first = Box::new(self.duration_expr(0)?);
                self.expect_mark(",", place)?;
                let second = Box::new(self.duration_expr(0)?);
                if word.starts_with("min") {
                    DurationExpr::Min(first, second)
                } else {
                    DurationExpr::Max(first, second)
                }
            }
        };
        self.expect_mark(")", place)?;
        Ok(result)
    }
}

fn is_arithmetic(op: BinaryOp) -> bool {
    rank(op) >= rank(BinaryOp::Add) && op != BinaryOp::Atan2
}

/// The value in seconds of what depends on neither step nor range.
fn constant(length: &DurationExpr) -> Option<Result<f64, &'static str>> {
    let pair = |a: &DurationExpr, b: &DurationExpr| match (constant(a)?, constant(b)?) {
        (Ok(a), Ok(b)) => Some(Ok((a, b))),
        (Err(reason), _) | (_, Err(reason)) => Some(Err(reason)),
    };
    Some(match length {
        DurationExpr::Seconds(seconds) => Ok(*seconds),
        DurationExpr::Step | DurationExpr::Range => return None,
        DurationExpr::Negate(inner) => constant(inner)?.map(|seconds| -seconds),
        DurationExpr::Min(a, b) => pair(a, b)?.map(|(a, b)| a.min(b)),
        DurationExpr::Max(a, b) => pair(a, b)?.map(|(a, b)| a.max(b)),
        DurationExpr::Arithmetic(a, op, b) => pair(a, b)?.and_then(|(a, b)| match op {
            BinaryOp::Add => Ok(a + b),
            BinaryOp::Sub => Ok(a - b),
            BinaryOp::Mul => Ok(a * b),
            BinaryOp::Div if b == 0.0 => Err("division by zero"),
            BinaryOp::Div => Ok(a / b),
            BinaryOp::Mod if b == 0.0 => Err("modulo by zero"),
            BinaryOp::Mod => Ok(a % b),
            _ => Ok(a.powf(b)),
        }),
    })
}
