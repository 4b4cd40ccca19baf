//! What responders said of the alerts of a Sigma rule, and what follows from it.

use std::collections::VecDeque;

use kernel::Fingerprint;
use kernel::book::sigma::Handled;
use serde::{Deserialize, Serialize};

use crate::sigma::{Bar, Handling, Mode, Verdict, Verdicts, handling};

/// How many judged alerts of a rule count; an older one no longer speaks for what the rule is now.
pub const JUDGED_MAX: usize = 100;

/// The last alerts of a rule that were judged, each once, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged(VecDeque<(Fingerprint, Verdict)>);

impl Judged {
    /// With one more verdict, which takes the place of an earlier one on the same alert.
    #[must_use]
    pub fn and(mut self, alert: Fingerprint, verdict: Verdict) -> Self {
        self.0.retain(|(known, _)| *known != alert);
        self.0.push_back((alert, verdict));
        if self.0.len() > JUDGED_MAX {
            self.0.pop_front();
        }
        self
    }

    /// What was said of an alert.
    #[must_use]
    pub fn verdict(&self, alert: Fingerprint) -> Option<Verdict> {
        self.0.iter().find(|(known, _)| *known == alert).map(|(_, verdict)| *verdict)
    }

    /// The verdicts that count.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        self.0.iter().fold(Verdicts::default(), |all, (_, verdict)| all.and(*verdict))
    }
}

/// What is done with the matches of a rule with these verdicts.
pub(crate) fn sigma_handling(handled: &Handled, verdicts: Verdicts) -> Handling {
    let mode = if handled.shadow { Mode::Shadow } else { Mode::Live };
    let bar = Bar {
        precision_min: f64::from(handled.precision.at_least) / 100.0,
        verdicts_min: u32::from(handled.precision.after),
    };
    match handling(mode, verdicts, bar) {
        Handling::Page if handled.severity.is_none() => Handling::Shown,
        other => other,
    }
}
