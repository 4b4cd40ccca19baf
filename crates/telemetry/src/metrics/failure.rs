//! The disk said no, or what it gave back makes no sense.

use std::path::Path;
use std::sync::Arc;

/// Why the store could not do it. Nothing was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A file could not be written, read or removed.
    #[error("metrics store: {path} could not be {doing}: {cause}")]
    File {
        /// The file.
        path: Arc<str>,
        /// What was tried, as a participle.
        doing: &'static str,
        /// What the system said.
        cause: Arc<str>,
    },
    /// A file is not what was once written.
    #[error("metrics store: {path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: Arc<str>,
        /// What does not fit.
        what: &'static str,
    },
    /// The disk has failed to take the log once, so that what it says of it cannot be trusted.
    #[error("metrics store: the disk failed to take the log; nothing is durable until the samples are in a block")]
    Suspect,
    /// The log has fallen behind, because the disk does not take it.
    #[error("metrics store: {waiting} bytes wait to be written to the log, at most {limit} may: is the disk full?")]
    Behind {
        /// How many bytes wait.
        waiting: usize,
        /// The limit.
        limit: usize,
    },
}

impl Failure {
    pub(super) fn file(path: &Path, doing: &'static str, cause: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string().into(), doing, cause: cause.to_string().into() }
    }

    pub(super) fn damaged(path: &Path, what: &'static str) -> Self {
        Self::Damaged { path: path.display().to_string().into(), what }
    }
}
