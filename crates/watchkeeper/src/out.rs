//! What a command says on standard output and beside it. A reader that has read enough, such as `head`, closes the pipe: then
//! the command ends without a word, for nothing went wrong.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

use crate::failure::{Exit, Failure};

/// Prints a text as it is.
///
/// # Errors
/// When it cannot be printed; see [`unprinted`].
pub fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| unprinted(&error))
}

/// Prints a text and ends the line.
///
/// # Errors
/// When it cannot be printed; see [`unprinted`].
pub fn line(text: impl Display) -> Result<(), Failure> {
    print(format_args!("{text}\n"))
}

/// Says a line on standard error, where nobody may be listening.
pub fn aside(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Why a command ends that cannot print: quietly, when nobody reads on.
pub fn unprinted(error: &std::io::Error) -> Failure {
    let failure = Failure::new(format!("cannot print: {error}"));
    if error.kind() == ErrorKind::BrokenPipe { failure.exit(Exit::Unread) } else { failure }
}
