//! When a selector looks: `@`, `offset`, and lengths of time that are computed.

use super::grid::Grid;
use super::{DEPTH_MAX, Engine};
use crate::ast::{At, BinaryOp, Duration, DurationExpr, When};
use crate::{Error, Millis};

/// Milliseconds in a second.
pub(super) const SECOND: f64 = 1000.0;

impl Engine<'_> {
    /// The instants at which a selector looks, one for each step.
    pub fn looks(&self, when: &When, grid: Grid) -> Result<Grid, Error> {
        let offset = when.offset.as_ref().map_or(Ok(0), |offset| self.millis(offset))?;
        let fixed = |at| Grid { start: at, step: 0, count: grid.count };
        let grid = match when.at {
            None => grid,
            Some(At::Instant(at)) => fixed(at),
            Some(At::Start) => fixed(self.query.start),
            Some(At::End) => fixed(self.end),
        };
        Ok(grid.earlier(offset))
    }

    /// A length of time that must be above zero.
    pub fn length(&self, duration: &Duration) -> Result<Millis, Error> {
        let millis = self.millis(duration)?;
        if millis > 0 { Ok(millis) } else { Err(Error::Evaluation("duration must be greater than 0".to_owned())) }
    }

    /// A length of time; below zero it reaches into the future.
    fn millis(&self, duration: &Duration) -> Result<Millis, Error> {
        let seconds = match duration {
            Duration::Fixed(millis) => return Ok(*millis),
            Duration::Computed(expr) => self.seconds(expr, 0)?,
        };
        if !seconds.is_finite() || seconds.abs() * SECOND >= Millis::MAX as f64 {
            return Err(Error::Evaluation("duration is out of range".to_owned()));
        }
        Ok((seconds * SECOND) as Millis)
    }

    fn seconds(&self, expr: &DurationExpr, depth: usize) -> Result<f64, Error> {
        if depth > DEPTH_MAX {
            return Err(Error::Evaluation(format!("the duration is nested more than {DEPTH_MAX} deep; simplify it")));
        }
        let of = |inner: &DurationExpr| self.seconds(inner, depth + 1);
        match expr {
            DurationExpr::Seconds(seconds) => Ok(*seconds),
            DurationExpr::Step => Ok(self.query.step as f64 / SECOND),
            DurationExpr::Range => Ok(self.end.saturating_sub(self.query.start) as f64 / SECOND),
            DurationExpr::Negate(inner) => Ok(-of(inner)?),
            DurationExpr::Min(a, b) => Ok(of(a)?.min(of(b)?)),
            DurationExpr::Max(a, b) => Ok(of(a)?.max(of(b)?)),
            DurationExpr::Arithmetic(a, op, b) => arithmetic(of(a)?, *op, of(b)?),
        }
    }
}

fn arithmetic(a: f64, op: BinaryOp, b: f64) -> Result<f64, Error> {
    let refused = |text: &str| Err(Error::Evaluation(text.to_owned()));
    match op {
        BinaryOp::Add => Ok(a + b),
        BinaryOp::Sub => Ok(a - b),
        BinaryOp::Mul => Ok(a * b),
        BinaryOp::Div if b == 0.0 => refused("division by zero"),
        BinaryOp::Mod if b == 0.0 => refused("modulo by zero"),
        BinaryOp::Div => Ok(a / b),
        BinaryOp::Mod => Ok(a % b),
        BinaryOp::Pow => Ok(a.powf(b)),
        _ => refused("a duration knows the operators + - * / % ^ only"),
    }
}
