//! The server's own logs: one JSON object a line, or text for people, on standard error; and its traces, when somebody
//! collects them. Secrets never get here, because the types that hold them have no text form.

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::traces::Traces;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogForm {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging; `RUST_LOG` narrows or widens it. Returns where traces go, when they go anywhere.
pub fn start(form: LogForm) -> Option<Traces> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let (traces, wrong) = match Traces::from_env() {
        Ok(traces) => (traces, None),
        Err(wrong) => (None, Some(wrong)),
    };
    // A second start, as in tests, keeps the first.
    let _ = subscriber(form, filter, traces.as_ref()).try_init();
    if let Some(error) = wrong {
        tracing::warn!(error, "traces are not sent: what the environment says about them cannot be used");
    }
    traces
}

/// Lines for the log and spans for the traces, each with its own filter: a span that only the traces want is in no line.
fn subscriber(form: LogForm, filter: EnvFilter, traces: Option<&Traces>) -> impl Subscriber + Send + Sync + use<> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match form {
        LogForm::Json => lines.json().boxed(),
        LogForm::Text => lines.compact().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces.map(Traces::layer))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A span that nobody wants must cost nothing: its fields are not even looked at.
    #[test]
    fn spans_are_off_until_somebody_collects_them() {
        let looked_at = std::cell::Cell::new(false);
        let span = || tracing::debug_span!("append", facts = looked_at.replace(true)).is_disabled();
        let quiet = subscriber(LogForm::Text, EnvFilter::new("info"), None);
        assert!(tracing::subscriber::with_default(quiet, span));
        assert!(!looked_at.get());
        let wide = subscriber(LogForm::Text, EnvFilter::new("debug"), None);
        assert!(!tracing::subscriber::with_default(wide, span), "else this test would prove nothing");
    }
}
