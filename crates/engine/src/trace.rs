//! The engine's spans: what was asked, and what was tried. They are of the level debug, so they cost nothing until somebody
//! collects traces, and they name commands and channels, never people or texts.

use kernel::area::Ask as _;
use kernel::{Delivery, Outcome};
use tracing::Span;
use tracing::field::Empty;

use crate::command::{Command, Fact};
use crate::handle::Error;

/// A command from the moment when it is asked until its answer.
pub(crate) fn command(command: &Command) -> Span {
    tracing::debug_span!(
        "command",
        otel.name = command.action(),
        area = command.area(),
        command = command.action(),
        facts = Empty,
        outcome = Empty,
        otel.status_code = Empty,
    )
}

/// Notes what came of a command.
pub(crate) fn asked(span: &Span, asked: &Result<Vec<Fact>, Error>) {
    let outcome = match asked {
        Ok(facts) => {
            span.record("facts", i64::try_from(facts.len()).unwrap_or(i64::MAX));
            "done"
        }
        Err(Error::Denied { .. }) => "denied",
        Err(Error::Refused(_)) => "refused",
        Err(Error::Failed { .. } | Error::Overloaded) => {
            span.record("otel.status_code", "ERROR");
            "failed"
        }
    };
    span.record("outcome", outcome);
}

/// One attempt of a delivery; its wait for a free slot included.
pub(crate) fn attempt(delivery: &Delivery, number: u32) -> Span {
    tracing::debug_span!(
        "delivery",
        channel = delivery.address.channel.as_str(),
        kind = Empty,
        number = i64::from(number),
        outcome = Empty,
        otel.kind = "client",
        otel.status_code = Empty,
    )
}

/// Notes what came of an attempt.
pub(crate) fn attempted(span: &Span, outcome: &Outcome) {
    let word = match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Refused { .. } => "refused",
        Outcome::Failed { .. } => "failed",
    };
    span.record("outcome", word);
    if word != "accepted" {
        span.record("otel.status_code", "ERROR");
    }
}
