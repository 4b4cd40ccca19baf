//! Sums that keep what rounding would lose: Kahan's summation with Neumaier's improvement.

/// A running sum and what rounding has lost of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Kahan {
    /// The sum as the processor computes it.
    pub sum: f64,
    /// What must be added to it.
    pub lost: f64,
}

impl Kahan {
    /// A sum that starts with a number.
    pub fn starting(sum: f64) -> Self {
        Self { sum, lost: 0.0 }
    }

    /// The sum with one more number. Past infinity nothing is lost any more.
    #[must_use]
    pub fn plus(self, term: f64) -> Self {
        let sum = self.sum + term;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= term.abs() {
            self.lost + ((self.sum - sum) + term)
        } else {
            self.lost + ((term - sum) + self.sum)
        };
        Self { sum, lost }
    }

    /// The sum and what was lost, both multiplied.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, lost: self.lost * factor }
    }

    /// The sum and what was lost, both divided.
    #[must_use]
    pub fn over(self, divisor: f64) -> Self {
        Self { sum: self.sum / divisor, lost: self.lost / divisor }
    }

    /// The whole.
    pub fn total(self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }
}

/// A running mean: a sum divided at the end, and, where the sum would pass the largest number, a mean kept step by step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    count: f64,
    state: Kahan,
    stepwise: bool,
}

impl Mean {
    /// The mean with one more number.
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count <= 1.0 {
            self.state = Kahan::starting(value);
            return;
        }
        if !self.stepwise {
            let next = self.state.plus(value);
            if !next.sum.is_infinite() {
                self.state = next;
                return;
            }
            self.stepwise = true;
            self.state = self.state.over(self.count - 1.0);
        }
        let kept = (self.count - 1.0) / self.count;
        self.state = self.state.times(kept).plus(value / self.count);
    }

    /// The mean of all numbers so far; none when there were none.
    pub fn result(self) -> Option<f64> {
        if self.count == 0.0 {
            return None;
        }
        let state = if self.stepwise { self.state } else { self.state.over(self.count) };
        Some(state.sum + state.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> Option<f64> {
        let mut mean = Mean::default();
        values.iter().for_each(|v| mean.add(*v));
        mean.result()
    }

    #[test]
    fn what_rounding_loses_is_kept() {
        let sum = [1.0, 1e100, 1.0, -1e100].iter().fold(Kahan::default(), |s, v| s.plus(*v));
        assert_eq!(sum.total(), 2.0);
        let sum = [f64::MAX, f64::MAX].iter().fold(Kahan::default(), |s, v| s.plus(*v));
        assert_eq!(sum.total(), f64::INFINITY);
    }

    #[test]
    fn a_mean_does_not_overflow_where_its_sum_would() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[1.0, 1e100, 1.0, -1e100]), Some(0.5));
        assert!(mean(&[f64::MAX, f64::MAX, f64::MAX]).is_some_and(|mean| mean.is_finite() && mean > f64::MAX * 0.999));
        assert_eq!(mean(&[f64::INFINITY, 1.0]), Some(f64::INFINITY));
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_some_and(f64::is_nan));
    }
}
