//! How a command of the CLI ends when it does not end well: what happened, a way out, and an exit code.

use std::path::Path;
use std::process::ExitCode;

/// The exit codes, as `watchkeeper help exit-codes` and the manual list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The world failed: a file, a server, a network.
    Failed = 1,
    /// The command line or a file is wrong; nothing was changed.
    Usage = 2,
    /// Not allowed.
    Denied = 3,
    /// A rule refused it, or there is no such thing.
    Refused = 4,
    /// What was checked is not in order: a watchbook with errors, a journal that does not verify.
    Unsound = 5,
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// The world failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Failed }
    }

    /// A file could not be used.
    pub fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::new(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// With a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Tells the user on standard error and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("watchkeeper: {}", self.message);
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<kernel::port::StoreFailure> for Failure {
    fn from(failure: kernel::port::StoreFailure) -> Self {
        Self::new(failure.to_string())
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        let exit = match &error {
            engine::Error::Denied { .. } => Exit::Denied,
            engine::Error::Refused(_) => Exit::Refused,
            engine::Error::Failed { .. } | engine::Error::Overloaded => Exit::Failed,
        };
        Self::new(error.to_string()).exit(exit)
    }
}
