//! The server's own logs: one JSON object a line, or text for people, on standard error; and its traces, when somebody
//! collects them. Secrets never get here, because the types that hold them have no text form.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
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
    let colour = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colour);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match form {
        LogForm::Json => lines.json().boxed(),
        LogForm::Text => lines.compact().fmt_fields(fields()).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces.map(Traces::layer))
}

/// Fields as text, in which what others said cannot begin a line of its own or speak to the terminal. The message is ours, and
/// may have several lines.
fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    let write = |writer: &mut Writer<'_>, field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
        let is_message = field.name() == "message";
        if !is_message {
            write!(writer, "{}=", field.name())?;
        }
        for c in format!("{value:?}").chars() {
            match c {
                '\n' if is_message => writer.write_char(c)?,
                c if c.is_control() => write!(writer, "{}", c.escape_default())?,
                c => writer.write_char(c)?,
            }
        }
        Ok(())
    };
    debug_fn(write).delimited(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_else_begins_a_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let format = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time();
        tracing::subscriber::with_default(format.compact().fmt_fields(fields()).finish(), || {
            tracing::warn!(reason = %"no\nERROR all is lost\r\u{1b}[31m\u{9b}", count = 2, "not taken");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(r"not taken reason=no\nERROR all is lost\r\u{1b}[31m\u{9b} count=2"), "{text}");
    }

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
