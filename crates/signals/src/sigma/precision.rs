//! How often a rule was right, and what follows from it: a rule on trial and a rule that is often wrong page nobody.

/// What a responder says of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was what the rule looks for.
    TruePositive,
    /// It was something else.
    FalsePositive,
}

/// The verdicts on one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// How many matches were right.
    pub true_positives: u32,
    /// How many were not.
    pub false_positives: u32,
}

impl Verdicts {
    /// These verdicts and one more.
    #[must_use]
    pub fn and(self, verdict: Verdict) -> Self {
        let Self { true_positives, false_positives } = self;
        match verdict {
            Verdict::TruePositive => Self { true_positives: true_positives.saturating_add(1), false_positives },
            Verdict::FalsePositive => Self { true_positives, false_positives: false_positives.saturating_add(1) },
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u32 {
        self.true_positives.saturating_add(self.false_positives)
    }

    /// The share of matches that were right; nothing without a verdict.
    #[must_use]
    pub fn precision(self) -> Option<f64> {
        let all = f64::from(self.true_positives) + f64::from(self.false_positives);
        (all > 0.0).then(|| f64::from(self.true_positives) / all)
    }
}

/// Whether a rule is on trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Its matches count.
    #[default]
    Live,
    /// Its matches are shown and judged, and page nobody.
    Shadow,
}

/// From when on a rule is asked to be tuned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The lowest precision, from 0 to 1, with which a rule may page.
    pub precision_min: f64,
    /// How many verdicts it takes before precision counts.
    pub verdicts_min: u32,
}

/// What is done with a rule's matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Handling {
    /// They may page.
    Page,
    /// They are only shown: the watchbook gives alerts of their level no severity.
    Shown,
    /// They are only shown: the rule is on trial.
    Shadow,
    /// They are only shown, and the rule's owner is asked to tune it: its precision, and how many verdicts it rests on.
    Tune {
        /// The share of matches that were right.
        precision: f64,
        /// How many verdicts there are.
        verdicts: u32,
    },
}

/// What is done with the matches of a rule with these verdicts.
#[must_use]
pub fn handling(mode: Mode, verdicts: Verdicts, bar: Bar) -> Handling {
    if mode == Mode::Shadow {
        return Handling::Shadow;
    }
    match verdicts.precision() {
        Some(precision) if verdicts.count() >= bar.verdicts_min && precision < bar.precision_min => {
            Handling::Tune { precision, verdicts: verdicts.count() }
        }
        _ => Handling::Page,
    }
}
