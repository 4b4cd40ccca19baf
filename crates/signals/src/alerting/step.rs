//! One alert, one evaluation: where it goes in its life, and what is said about it outside.

use std::time::Duration;

use kernel::book::rules::OnMissing;
use promql::{Labels, Millis};

use super::flap::History;
use super::outcome::{Cleared, What};
use super::plan::AlertPlan;
use super::render::Fresh;
use super::state::{Instance, Phase};
use super::{MISSING_FORGOTTEN_AFTER, PENDING_GAP_MAX, RESOLVED_RETENTION};

/// What an evaluation showed of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its condition holds.
    Holds,
    /// Its condition does not hold.
    Over,
    /// Its series have no samples.
    Gone,
    /// They have had none for so long that this alone raises the alert.
    Lost,
}

/// What an evaluation showed of an alert, and of its recovery where the rule demands one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub seen: Seen,
    pub recovered: Option<bool>,
    pub at: Millis,
}

impl Instance {
    /// An alert that was not there before.
    pub(super) fn new(identity: Labels, fresh: &Fresh, at: Millis) -> Self {
        Self {
            labels: identity.clone(),
            identity,
            series: fresh.series.clone(),
            annotations: fresh.annotations.clone(),
            value: fresh.value,
            phase: Phase::Inactive,
            active_at: at,
            keep_since: None,
            missing_since: None,
            missing_told: false,
            held_at: None,
            held: History::default(),
            fired: History::default(),
            flapping: false,
            raised: false,
        }
    }

    /// Takes an evaluation, and says what became of the alert.
    pub(super) fn step(&mut self, rule: &AlertPlan, look: Look) -> Vec<What> {
        if rule.several.is_some() {
            self.held.push(look.seen == Seen::Holds);
        }
        if look.seen == Seen::Holds {
            self.held_at = Some(look.at);
        }
        let mut said: Vec<What> = self.tell_missing(look).into_iter().collect();
        let why = self.advance(rule, look);
        said.extend(self.fold(rule));
        if !self.flapping {
            said.extend(self.tell(look, why));
        }
        said
    }

    /// Whether nothing needs to be remembered of it.
    pub(super) fn is_done(&self, rule: &AlertPlan, at: Millis) -> bool {
        let over = match self.phase {
            Phase::Inactive => true,
            Phase::Resolved(since) => at.saturating_sub(since) > RESOLVED_RETENTION,
            Phase::Pending | Phase::Firing => false,
        };
        let flaps = rule.flapping.is_some() && !self.fired.is_quiet();
        let held = rule.several.is_some_and(|several| self.held.yes_of(several.of()) > 0);
        over && !self.raised && !flaps && !held
    }

    fn tell_missing(&mut self, look: Look) -> Option<What> {
        if matches!(look.seen, Seen::Gone | Seen::Lost) {
            self.missing_since.get_or_insert(look.at);
            let told = std::mem::replace(&mut self.missing_told, self.raised);
            return (self.raised && !told).then_some(What::Missing);
        }
        self.missing_since = None;
        std::mem::take(&mut self.missing_told).then_some(What::Returned)
    }

    /// Moves on in life; why it is over where it is.
    fn advance(&mut self, rule: &AlertPlan, look: Look) -> Option<Cleared> {
        let holds = look.seen == Seen::Holds;
        if holds || self.phase != Phase::Firing {
            self.keep_since = None;
        }
        let inactive = matches!(self.phase, Phase::Inactive | Phase::Resolved(_));
        if inactive && holds {
            self.phase = Phase::Pending;
            self.active_at = look.at;
        }
        match self.phase {
            _ if look.seen == Seen::Lost && self.phase != Phase::Firing => {
                self.active_at = if inactive { look.at } else { self.active_at };
                self.phase = Phase::Firing;
            }
            Phase::Pending if self.is_ripe(rule, look) => self.phase = Phase::Firing,
            Phase::Pending if !holds && !self.waits(rule, look) => self.phase = Phase::Inactive,
            Phase::Firing => {
                let why = self.over(rule, look)?;
                self.phase = Phase::Resolved(look.at);
                return Some(why);
            }
            _ => {}
        }
        None
    }

    /// Whether its condition has held for long enough, or often enough.
    fn is_ripe(&self, rule: &AlertPlan, look: Look) -> bool {
        match rule.several {
            Some(several) => self.held.yes_of(several.of()) >= several.needed(),
            None => look.seen == Seen::Holds && look.at.saturating_sub(self.active_at) >= rule.hold,
        }
    }

    /// Whether it stays pending although its condition does not hold now.
    fn waits(&self, rule: &AlertPlan, look: Look) -> bool {
        if let Some(several) = rule.several {
            return self.held.yes_of(several.of()) > 0;
        }
        let missing = self.missing_since.map_or(0, |since| look.at.saturating_sub(since));
        look.seen == Seen::Gone && rule.on_missing == OnMissing::Keep && missing < PENDING_GAP_MAX
    }

    /// Why a firing alert is over, where it is.
    fn over(&mut self, rule: &AlertPlan, look: Look) -> Option<Cleared> {
        let often = rule.several.is_some_and(|several| self.held.yes_of(several.of()) >= several.needed());
        if often || look.seen == Seen::Holds {
            return None;
        }
        let missing = self.missing_since.map_or(0, |since| look.at.saturating_sub(since));
        let why = match (look.recovered, look.seen, rule.on_missing) {
            (Some(true), ..) => Cleared::RecoveryMet,
            (_, Seen::Gone | Seen::Lost, OnMissing::Alert(_)) if missing > MISSING_FORGOTTEN_AFTER => {
                return Some(Cleared::Forgotten);
            }
            (_, Seen::Gone | Seen::Lost, OnMissing::Keep | OnMissing::Alert(_)) => return None,
            (_, Seen::Gone | Seen::Lost, OnMissing::Resolve(delay)) if missing < millis(delay) => return None,
            (_, Seen::Gone | Seen::Lost, OnMissing::Resolve(_)) => Cleared::Vanished,
            (Some(false), ..) => {
                self.keep_since = None;
                return None;
            }
            (None, ..) => Cleared::Recovered,
        };
        let since = if rule.keep_firing > 0 { *self.keep_since.get_or_insert(look.at) } else { look.at };
        (look.at.saturating_sub(since) >= rule.keep_firing).then_some(why)
    }

    /// Begins or ends to fold changes.
    fn fold(&mut self, rule: &AlertPlan) -> Vec<What> {
        let Some(flapping) = rule.flapping else {
            self.flapping = false;
            return Vec::new();
        };
        self.fired.push(self.phase == Phase::Firing);
        let share = self.fired.changes();
        if !self.flapping && share * 100.0 >= f64::from(flapping.high()) {
            self.flapping = true;
            let raised = std::mem::replace(&mut self.raised, true);
            let raise = (!raised).then_some(What::Raised);
            return raise.into_iter().chain([What::FlappingBegan { share }]).collect();
        }
        if self.flapping && share * 100.0 < f64::from(flapping.low()) {
            self.flapping = false;
            return vec![What::FlappingEnded { share }];
        }
        Vec::new()
    }

    /// Raises or clears, so that outside is known what is inside.
    fn tell(&mut self, look: Look, why: Option<Cleared>) -> Option<What> {
        let firing = self.phase == Phase::Firing;
        let raised = std::mem::replace(&mut self.raised, firing);
        match (raised, firing) {
            (false, true) if look.seen == Seen::Lost => {
                self.missing_told = true;
                Some(What::RaisedMissing)
            }
            (false, true) => Some(What::Raised),
            (true, false) => {
                self.missing_told = false;
                Some(What::Cleared(why.unwrap_or(Cleared::FlappingOver)))
            }
            _ => None,
        }
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
