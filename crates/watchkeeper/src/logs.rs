//! The server's own logs: one JSON object a line, or text for people, on standard error. Secrets never get here, because the
//! types that hold them have no text form.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogForm {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging; `RUST_LOG` narrows or widens it.
pub fn start(form: LogForm) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first.
    let _ = match form {
        LogForm::Json => builder.json().try_init(),
        LogForm::Text => builder.compact().try_init(),
    };
}
