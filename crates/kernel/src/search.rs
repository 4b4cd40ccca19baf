//! What is asked of a store of log events and spans that is elsewhere, and what it answers: shared by those who ask, those
//! who speak with it, and those who show it.

use std::collections::BTreeSet;

use crate::log::Nanos;

/// An attribute that is asked for: its name, and its value unless any will do.
pub type WantedAttribute = (String, Option<String>);

/// Which log events are wanted; what is empty is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogsWanted {
    /// A text that the body or a value holds, whatever the case.
    pub text: String,
    /// Of this service only.
    pub service: Option<String>,
    /// At least this severity number.
    pub severity: u8,
    /// Of this trace only.
    pub trace: Option<String>,
    /// With this attribute, of their own or of what they come from.
    pub attribute: Option<WantedAttribute>,
    /// Not before this instant,
    pub from: Nanos,
    /// and not after this one.
    pub until: Nanos,
    /// The most that are wanted.
    pub limit: usize,
}

/// Which traces are wanted: those with a span for which everything holds that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TracesWanted {
    /// It is of this service.
    pub service: Option<String>,
    /// Its name holds this text, whatever the case.
    pub operation: Option<String>,
    /// It took at least so long.
    pub took: Nanos,
    /// It failed.
    pub failed: bool,
    /// It, or what it comes from, has this attribute.
    pub attribute: Option<WantedAttribute>,
    /// It began not before this instant,
    pub from: Nanos,
    /// and not after this one.
    pub until: Nanos,
    /// The most traces that are wanted.
    pub limit: usize,
}

/// A trace in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id, in hexadecimal digits.
    pub trace: String,
    /// The service that it begins in; empty where that is not known.
    pub service: String,
    /// What was done: the name of its root, or of its first span where the root is not there.
    pub name: String,
    /// When its first span began,
    pub start: Nanos,
    /// and its last one ended.
    pub end: Nanos,
    /// How many spans are there.
    pub spans: usize,
    /// How many of them failed.
    pub failed: usize,
    /// How many of them are like what was asked.
    pub matched: usize,
    /// When the newest one of these began.
    pub newest: Nanos,
    /// The services that take part.
    pub services: BTreeSet<String>,
}

/// The place of a row in the order of its table: its instant, and among rows of one instant a hash of all that it says. Rows
/// that are the same in everything have one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The instant.
    pub at: Nanos,
    /// The hash.
    pub hash: u64,
}

impl Place {
    /// The first place of an instant.
    #[must_use]
    pub fn at(at: Nanos) -> Self {
        Self { at, hash: 0 }
    }

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        match self.hash.checked_add(1) {
            Some(hash) => Self { hash, ..self },
            None => Self::at(self.at.saturating_add(1)),
        }
    }
}

/// Rows from some place on, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<(Place, T)>,
    /// Whether these are all there are.
    pub whole: bool,
}
