//! How a command of the CLI ends when it does not end well: what happened, a way out, and an exit code.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::out;

/// The exit codes; 0 is for what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Whoever read the output has gone. Nothing failed, and nobody is there to be told.
    Unread = 0,
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

/// Every exit code and what it means, for `--help`, the manual and the documents.
pub const EXITS: [(u8, &str); 6] = [
    (0, "done"),
    (Exit::Failed as u8, "the world failed: a file, a server, a network"),
    (Exit::Usage as u8, "the command line or a file is wrong; nothing was changed"),
    (Exit::Denied as u8, "not allowed: no token, or one without the scope"),
    (Exit::Refused as u8, "a rule refused it, or there is no such thing"),
    (Exit::Unsound as u8, "what was checked is not in order: a watchbook with errors, a journal that does not verify"),
];

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
    /// What the server said, for programs.
    said: Option<Box<Value>>,
}

impl Failure {
    /// The world failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Failed, said: None }
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

    /// With what the server said.
    #[must_use]
    pub fn said(mut self, said: Value) -> Self {
        self.said = (!said.is_null()).then(|| Box::new(said));
        self
    }

    /// Whether it is about access, so that trying again changes nothing.
    pub fn is_denied(&self) -> bool {
        self.exit == Exit::Denied
    }

    /// Tells the user on standard error, in words or as JSON, and gives the exit code. Says nothing when nobody reads.
    pub fn report(&self, as_json: bool) -> ExitCode {
        if self.exit == Exit::Unread {
            return ExitCode::SUCCESS;
        }
        if as_json {
            let Self { message, hint, exit, said } = self;
            out::aside(json!({ "error": message, "hint": hint, "exit": *exit as u8, "server_said": said }));
        } else {
            out::aside(format_args!("watchkeeper: {}", self.message));
            if let Some(hint) = &self.hint {
                out::aside(format_args!("hint: {hint}"));
            }
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
