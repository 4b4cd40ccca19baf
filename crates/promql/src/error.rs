//! What can be wrong with a query, and what is odd about an answer.

use crate::SourceFailure;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The query is not PromQL.
    #[error("{line}:{column}: parse error: {message}")]
    Parse {
        /// Counted from one.
        line: usize,
        /// Counted from one, in characters.
        column: usize,
        /// What is wrong, in Prometheus' words where it has some.
        message: String,
    },
    /// The query cannot be evaluated over these samples, such as many-to-many matching.
    #[error("{0}")]
    Evaluation(String),
    /// The query would touch more than a limit allows.
    #[error("query processing would load too many samples into memory: {loaded} of at most {limit}")]
    TooManySamples {
        /// How many had been loaded when it was refused.
        loaded: usize,
        /// The limit.
        limit: usize,
    },
    /// The source could not answer.
    #[error("{0}")]
    Source(#[from] SourceFailure),
}

/// Something odd that an answer carries along, as Prometheus' annotations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// The answer may be wrong.
    Warn(String),
    /// The query may not be what was meant.
    Info(String),
}
