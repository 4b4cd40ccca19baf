//! What responders said of the alerts of a Sigma rule, and what follows from it.

use std::collections::VecDeque;

use kernel::book::sigma::Handled;
use kernel::{Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};

use crate::sigma::{Bar, Handling, Mode, Verdict, Verdicts, handling};

/// How many judged alerts of a rule count; an older one no longer speaks for what the rule is now.
pub const JUDGED_MAX: usize = 100;
/// How many of the last alerts of a rule are remembered, to be judged.
pub const FIRED_MAX: usize = 200;

/// The last alerts of a rule that were judged, the newest last. An alert that was raised several times is judged each time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged(VecDeque<Word>);

/// What was said of one alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form")]
struct Word {
    alert: Fingerprint,
    /// When it was raised; not known of what was not, and of what was judged before this was written down.
    since: Option<Timestamp>,
    verdict: Verdict,
}

/// How it is written, now and before instants were.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Pair(Fingerprint, Verdict),
    Whole { alert: Fingerprint, since: Option<Timestamp>, verdict: Verdict },
}

impl From<Form> for Word {
    fn from(form: Form) -> Self {
        match form {
            Form::Pair(alert, verdict) => Self { alert, since: None, verdict },
            Form::Whole { alert, since, verdict } => Self { alert, since, verdict },
        }
    }
}

impl Judged {
    /// With one more verdict, which takes the place of an earlier one on the same alert as it was raised then.
    #[must_use]
    pub fn and(mut self, alert: Fingerprint, since: Option<Timestamp>, verdict: Verdict) -> Self {
        self.0.retain(|word| (word.alert, word.since) != (alert, since));
        self.0.push_back(Word { alert, since, verdict });
        if self.0.len() > JUDGED_MAX {
            self.0.pop_front();
        }
        self
    }

    /// What was said of an alert that was raised then.
    #[must_use]
    pub fn verdict(&self, alert: Fingerprint, since: Option<Timestamp>) -> Option<Verdict> {
        self.0.iter().find(|word| (word.alert, word.since) == (alert, since)).map(|word| word.verdict)
    }

    /// The verdicts that count.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        self.0.iter().fold(Verdicts::default(), |all, word| all.and(word.verdict))
    }
}

/// The last alerts that a rule raised, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fired(VecDeque<(Fingerprint, Timestamp)>);

impl Fired {
    pub(crate) fn note(&mut self, alert: Fingerprint, at: Timestamp) {
        self.0.push_back((alert, at));
        if self.0.len() > FIRED_MAX {
            self.0.pop_front();
        }
    }

    /// When an alert was last raised.
    pub(crate) fn last(&self, alert: Fingerprint) -> Option<Timestamp> {
        self.0.iter().rev().find(|(known, _)| *known == alert).map(|(_, at)| *at)
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
