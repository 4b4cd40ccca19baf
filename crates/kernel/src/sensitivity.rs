//! How sensitive a record is. The label travels with each fact; governance decides who may read it.

use serde::{Deserialize, Serialize};

/// Four labels, least sensitive first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Anybody may read it; it stands on the status page.
    Public,
    /// Everybody who logged in.
    #[default]
    Internal,
    /// Those who work on it: responders and above.
    Confidential,
    /// Named roles only, and each read is itself a fact.
    Restricted,
}

impl Sensitivity {
    /// All labels, least sensitive first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Restricted];

    /// The label as one byte of a record's canonical form.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Internal => 1,
            Self::Confidential => 2,
            Self::Restricted => 3,
        }
    }

    /// The label of a canonical byte; `None` when there is no such label.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// The label as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }
}
