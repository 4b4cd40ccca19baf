//! Who acts, and what they may be. Not whether they may: that is governance's to decide.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::PersonName;

/// Who asked for something. Written `person:ada`, `integration:prometheus`, `system:alerts` or `anonymous`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Actor {
    /// A person of the watchbook who logged in, or who followed a signed link that was sent to them.
    Person(PersonName),
    /// A program with an API token of this name.
    Integration(Box<str>),
    /// Watchkeeper itself; the text is the area that reacts.
    System(Box<str>),
    /// Somebody who reads the public status page.
    Anonymous,
}

/// What a person may be, as the watchbook says; the access policies give each its permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything that is not restricted.
    Viewer,
    /// Acknowledges, silences, declares and works on incidents.
    Responder,
    /// May take command, and change severity.
    Commander,
    /// Publishes to customers.
    Communications,
    /// Reads everything, the journal included, and changes nothing.
    Auditor,
    /// Manages people's access and the watchbook.
    Administrator,
}

impl Actor {
    /// The person, when a person acts.
    #[must_use]
    pub fn person(&self) -> Option<&PersonName> {
        match self {
            Self::Person(name) => Some(name),
            Self::Integration(_) | Self::System(_) | Self::Anonymous => None,
        }
    }

    /// Watchkeeper itself, reacting within an area.
    #[must_use]
    pub fn system(area: &str) -> Self {
        Self::System(area.into())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(f, "person:{name}"),
            Self::Integration(name) => write!(f, "integration:{name}"),
            Self::System(area) => write!(f, "system:{area}"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not an actor: write person:NAME, integration:NAME, system:AREA or anonymous");
        match text.split_once(':') {
            Some(("person", name)) => PersonName::new(name).map(Self::Person).map_err(|_| wrong()),
            Some(("integration", name)) => Ok(Self::Integration(name.into())),
            Some(("system", area)) => Ok(Self::System(area.into())),
            None if text == "anonymous" => Ok(Self::Anonymous),
            _ => Err(wrong()),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.to_string()
    }
}

impl TryFrom<String> for Actor {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
