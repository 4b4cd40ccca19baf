//! How bad it is: severities (P1 is the worst) and what is hurt. The policy that maps one to the other is in the watchbook.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Seconds;

/// The severity of an incident or of a page. The order of the variants is worst first, so `P1 < P5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Critical: customers cannot use a business function.
    P1,
    /// Major: a business function is badly degraded.
    P2,
    /// Moderate: part of the customers or of a function.
    P3,
    /// Minor: a nuisance with a workaround.
    P4,
    /// Informational: nobody outside notices.
    P5,
}

/// What is hurt, in plain words and numbers, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Impact {
    /// What users notice, in their words.
    pub summary: String,
    /// The share of users that notice, in percent, when somebody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users_percent: Option<u8>,
    /// The business functions that are hurt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Self; 5] = [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5];

    /// The severity as people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::P5 => "P5",
        }
    }

    /// How often an update is owed while an incident of it is open, where the watchbook does not say: 30 minutes for P1, an
    /// hour for P2, none for the others.
    #[must_use]
    pub fn update_every(self) -> Option<Seconds> {
        match self {
            Self::P1 => Some(Seconds::minutes(30)),
            Self::P2 => Some(Seconds::hours(1)),
            Self::P3 | Self::P4 | Self::P5 => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Severity {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("{text:?} is not a severity: write P1 (worst), P2, P3, P4 or P5"))
    }
}
