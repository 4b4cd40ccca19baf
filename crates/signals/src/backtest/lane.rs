//! A rule in one tuning, evaluated at every instant, and what became of it.

use super::firing::Firings;
use super::past::Past;
use super::{Refusal, Tuning};
use crate::alerting::{
    Ahead, Answers, Grid, Holding, Names, Overlay, Planned, RuleState, Scene, Series, Setting, Transition, one, walk,
};
use promql::Millis;

/// A rule in one tuning, and what became of it.
#[derive(Debug)]
pub(super) struct Lane {
    pub rule: Planned,
    /// How it differs from the rule as it is written; `None` for the rule itself.
    pub tuning: Option<Tuning>,
    state: RuleState,
    names: Option<Names>,
    pub firings: Firings,
    pub errors: usize,
    pub error: Option<String>,
}

/// What all evaluations of a rule have in common.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub past: &'a Past<'a>,
    pub setting: &'a Setting,
    pub offset: Millis,
    pub limit: Option<usize>,
    /// Whether another rule reads what this one writes.
    pub read: bool,
}

impl Lane {
    pub fn new(rule: Planned, tuning: Option<Tuning>) -> Self {
        let plain = matches!(&rule, Planned::Alert(rule) if rule.is_plain());
        Self {
            rule,
            tuning,
            state: RuleState::default(),
            names: plain.then(Names::default),
            firings: Firings::default(),
            errors: 0,
            error: None,
        }
    }

    /// Evaluates the rule at every instant of a piece, and gives its transitions.
    ///
    /// # Errors
    /// When it writes too much.
    pub fn run(&mut self, bench: Bench<'_>, piece: Grid, ahead: &Ahead) -> Result<Vec<Transition>, Refusal> {
        let overlay = Overlay::new(bench.past);
        let (mut said, mut from) = (Vec::new(), 0);
        for at in piece.instants() {
            let scene = Scene {
                source: &overlay,
                setting: bench.setting,
                at,
                offset: bench.offset,
                limit: bench.limit,
                ahead: Some(ahead),
                names: self.names.as_ref(),
                silent: !bench.read,
            };
            match one(&self.rule, &scene, &mut self.state, &mut said) {
                Ok(samples) if bench.read => bench.past.write(samples)?,
                Ok(_) => {}
                Err(message) => self.failed(message),
            }
            said.iter().skip(from).for_each(|transition| self.firings.take(transition));
            from = said.len();
        }
        Ok(said)
    }

    /// The same for a rule whose alerts know nothing of each other and whose samples nobody reads.
    pub fn walk(
        &mut self,
        stretch: Grid,
        offset: Millis,
        answers: &Answers,
        (series, holding): (&Series, &Holding),
    ) -> Vec<Transition> {
        let Planned::Alert(rule) = &self.rule else { return Vec::new() };
        let said = walk(rule, stretch, offset, answers, (series, holding), &mut self.state);
        said.iter().for_each(|transition| self.firings.take(transition));
        said
    }

    pub fn failed(&mut self, message: String) {
        self.errors += 1;
        self.error.get_or_insert(message);
    }

    /// Whether a report has something to say of it.
    pub fn is_told(&self) -> bool {
        matches!(self.rule, Planned::Alert(_)) || self.errors > 0
    }
}
