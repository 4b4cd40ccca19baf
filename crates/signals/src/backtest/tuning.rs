//! The numbers of a rule that a replay tries: `for`, the threshold, `keep_firing_for` and `recover_when`.

use kernel::book::Threshold;
use promql::Millis;
use promql::ast::{BinaryOp, Expr};
use serde::Serialize;

use super::lane::{Bench, Lane};
use super::{HOLDS, KEEPS, LOOKS, RECOVERIES, SHARES};
use crate::alerting::{AlertPlan, Answers, Grid, Planned, compared};

/// The numbers of a rule. Lengths of time are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Tuning {
    /// How long its condition must hold: `for`.
    pub hold: Millis,
    /// How long it goes on firing: `keep_firing_for`.
    pub keep_firing: Millis,
    /// The number that its value is compared with; `None` for its own.
    pub threshold: Option<f64>,
    /// The number that its value must have passed before it clears: `recover_when`; `None` for its own.
    pub recover_when: Option<f64>,
    #[serde(skip)]
    pub(super) limit: Option<Threshold>,
    #[serde(skip)]
    pub(super) recovery: Option<Threshold>,
}

/// A value that a rule compares with a number.
pub(super) struct Value<'a> {
    pub expr: &'a Expr,
    pub limit: Threshold,
    /// Whether its recovery is a threshold of the same value.
    pub recovers: bool,
}

impl Value<'_> {
    /// Whether low values are those that fire.
    pub fn is_downward(&self) -> bool {
        matches!(self.limit, Threshold::Below(_) | Threshold::AtMost(_))
    }
}

/// The query of a rule.
pub(super) fn condition(rule: &Planned) -> &Expr {
    match rule {
        Planned::Record(rule) => &rule.expr,
        Planned::Alert(rule) => &rule.expr,
    }
}

/// The value that a rule compares, where that is all it does.
pub(super) fn value(rule: &Planned) -> Option<Value<'_>> {
    let Planned::Alert(alert) = rule else { return None };
    let recovers = matches!(alert.recovery(), Some(Some(_)));
    Some(Value { expr: compared(&alert.expr)?, limit: limit(&alert.expr)?, recovers })
}

fn limit(expr: &Expr) -> Option<Threshold> {
    match expr.compared_with()? {
        (BinaryOp::Gt, number) => Some(Threshold::Above(number)),
        (BinaryOp::Ge, number) => Some(Threshold::AtLeast(number)),
        (BinaryOp::Lt, number) => Some(Threshold::Below(number)),
        (BinaryOp::Le, number) => Some(Threshold::AtMost(number)),
        _ => None,
    }
}

impl Tuning {
    /// The rule as it is written.
    pub(super) fn of(rule: &AlertPlan) -> Self {
        Self { hold: rule.hold, keep_firing: rule.keep_firing, ..Self::default() }
    }

    fn at(self, limit: Threshold) -> Self {
        Self { limit: Some(limit), threshold: Some(number(limit)), ..self }
    }

    fn recovering(self, recovery: Threshold) -> Self {
        Self { recovery: Some(recovery), recover_when: Some(number(recovery)), ..self }
    }

    fn lane(self, alert: &AlertPlan) -> Lane {
        let mut alert = alert.clone();
        (alert.hold, alert.keep_firing) = (self.hold, self.keep_firing);
        if let Some(recovery) = self.recovery {
            alert.recovering_at(recovery);
        }
        Lane::new(Planned::Alert(Box::new(alert)), Some(self))
    }
}

/// The rule in every tuning that is tried; none of a recording rule.
pub(super) fn tries(rule: &Planned, bench: Bench<'_>, grid: Grid) -> Vec<Lane> {
    let Planned::Alert(alert) = rule else { return Vec::new() };
    let own = Tuning::of(alert);
    let holds = HOLDS.iter().filter(|hold| alert.several.is_none() && **hold != own.hold);
    let mut all: Vec<Tuning> = holds.map(|hold| Tuning { hold: *hold, ..own }).collect();
    let keeps = KEEPS.iter().filter(|keep| **keep != own.keep_firing);
    all.extend(keeps.map(|keep_firing| Tuning { keep_firing: *keep_firing, ..own }));
    if let Some(value) = value(rule) {
        let usual = Usual::of(&value, bench, grid);
        all.extend(usual.limits(&value).into_iter().map(|limit| own.at(limit)));
        let recoveries = if alert.recovery().is_some() { usual.recoveries(&value) } else { Vec::new() };
        let calm = recoveries.last().map(|recovery| Tuning { keep_firing: KEEPS[0], ..own }.recovering(*recovery));
        all.extend(recoveries.into_iter().map(|recovery| own.recovering(recovery)).chain(calm));
    }
    all.into_iter().map(|tuning| tuning.lane(alert)).collect()
}

/// Which values there usually are: some of them, in order.
struct Usual(Vec<f64>);

impl Usual {
    fn of(value: &Value<'_>, bench: Bench<'_>, grid: Grid) -> Self {
        let every = grid.count.div_ceil(LOOKS).max(1);
        let step = grid.step.saturating_mul(Millis::try_from(every).unwrap_or(Millis::MAX));
        let start = grid.start.saturating_sub(bench.offset);
        let looks = Grid { start, step, count: grid.count.div_ceil(every) };
        let answers = Answers::values(value.expr, bench.past, looks, &bench.setting.options);
        let mut values: Vec<f64> = Vec::new();
        answers.each(|_, _, value| values.extend(Some(value).filter(|value| value.is_finite())));
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    /// The value below which a share of them is.
    fn at(&self, share: f64) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a place among values is far below 2^52")]
        let place = share * self.0.len().saturating_sub(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and the length")]
        self.0.get(place.round() as usize).copied()
    }

    /// Thresholds beyond which some shares of the values are.
    fn limits(&self, value: &Value<'_>) -> Vec<Threshold> {
        let down = value.is_downward();
        let wanted = SHARES.iter().filter_map(|share| self.at(if down { *share } else { 1.0 - share }));
        distinct(number(value.limit), wanted).into_iter().map(|number| alike(value.limit, number)).collect()
    }

    /// Where a firing alert might recover: part of the way from the threshold to the usual value.
    fn recoveries(&self, value: &Value<'_>) -> Vec<Threshold> {
        let (own, down) = (number(value.limit), value.is_downward());
        let Some(middle) = self.at(0.5).filter(|middle| if down { *middle > own } else { *middle < own }) else {
            return Vec::new();
        };
        let wanted = RECOVERIES.iter().map(|part| own + (middle - own) * part);
        let calm = distinct(own, wanted).into_iter().filter(|number| if down { *number > own } else { *number < own });
        calm.map(if down { Threshold::Above } else { Threshold::Below }).collect()
    }
}

/// Numbers that a person would write, each once, without one.
fn distinct(own: f64, numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut seen: Vec<f64> = vec![own];
    for number in numbers.map(rounded) {
        if seen.iter().all(|known| known.to_bits() != number.to_bits()) {
            seen.push(number);
        }
    }
    seen.split_off(1)
}

/// A number of three digits, which a person would write.
fn rounded(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// The number of a threshold.
pub(super) fn number(limit: Threshold) -> f64 {
    match limit {
        Threshold::Above(number)
        | Threshold::AtLeast(number)
        | Threshold::Below(number)
        | Threshold::AtMost(number) => number,
    }
}

/// A threshold of the same kind at another number.
fn alike(limit: Threshold, number: f64) -> Threshold {
    match limit {
        Threshold::Above(_) => Threshold::Above(number),
        Threshold::AtLeast(_) => Threshold::AtLeast(number),
        Threshold::Below(_) => Threshold::Below(number),
        Threshold::AtMost(_) => Threshold::AtMost(number),
    }
}
