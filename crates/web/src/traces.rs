//! Questions about traces, as the API and the screens ask them: read from text, permitted, answered on a thread that may
//! block, a bounded number at once.

use std::sync::Arc;

use engine::Read;
use kernel::search::TracesWanted;
use kernel::{Actor, Nanos, Seconds, Timestamp};
use telemetry::blocks::Blocks;
use telemetry::traces::{self, Asked, Listing, TRACES_MAX, Trace};

use crate::doors::reply::Problem;
use crate::elsewhere;
use crate::logs::attribute_of;
use crate::state::AppState;

/// How many traces a list has when nobody says how many.
pub(crate) const TRACES_USUAL: u32 = 50;
/// How far back a source is looked into when nobody says from when; our own store has no more either.
const SINCE_ELSEWHERE: Seconds = Seconds::hours(24);
/// The action that access policies know for it.
const READ: &str = "signals:read";
/// The units of lengths of time, and how many nanoseconds they have.
const UNITS: [(&str, f64); 8] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 6e10), ("m", 6e10), ("h", 3.6e12)];

/// Which traces are wanted; what is empty is not asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Question {
    /// The service of a span.
    pub service: String,
    /// A part of its name.
    pub operation: String,
    /// How long it took at least, such as `250ms`.
    pub min_duration: String,
    /// Whether it failed.
    pub error: bool,
    /// An attribute, as `name` or `name=value`.
    pub attribute: String,
    /// The source that is looked into; our own store when empty.
    pub source: String,
    /// When it began: not before this,
    pub from: Option<Timestamp>,
    /// and not after this.
    pub until: Option<Timestamp>,
    /// How many traces.
    pub limit: Option<u32>,
}

/// A length of time such as `250ms`, `1.5s` or `2m`, in nanoseconds.
pub(crate) fn length(text: &str) -> Option<Nanos> {
    let (number, unit) = text.trim().split_at(text.trim().find(|c: char| !(c.is_ascii_digit() || c == '.'))?);
    let (_, size) = UNITS.iter().find(|(known, _)| *known == unit.trim())?;
    let nanos = number.parse::<f64>().ok()? * size;
    (nanos < 1e18).then_some(nanos as Nanos)
}

/// An instant as monitoring data count.
fn nanos(at: Timestamp) -> Nanos {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_second() < 0 { i64::MIN } else { i64::MAX })
}

/// The other way round.
pub(crate) fn instant(at: Nanos) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at)).unwrap_or_default()
}

fn named(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

impl Question {
    fn took(&self) -> Result<Nanos, Problem> {
        let wrong = || Problem::bad("min_duration: write a length of time such as 250ms or 1.5s").field("min_duration");
        named(&self.min_duration).map_or(Ok(0), |text| length(text).ok_or_else(wrong))
    }

    fn attribute(&self) -> Option<(&str, Option<&str>)> {
        let text = named(&self.attribute)?;
        Some(text.split_once('=').map_or((text, None), |(name, value)| (name.trim(), Some(value.trim()))))
    }

    fn limit(&self) -> usize {
        usize::try_from(self.limit.unwrap_or(TRACES_USUAL)).unwrap_or(TRACES_MAX).clamp(1, TRACES_MAX)
    }

    /// The same question as a source is asked it.
    fn elsewhere(&self, took: Nanos, now: Timestamp) -> TracesWanted {
        let since = || SINCE_ELSEWHERE.before(now);
        TracesWanted {
            service: named(&self.service).map(str::to_owned),
            operation: named(&self.operation).map(str::to_owned),
            took,
            failed: self.error,
            attribute: named(&self.attribute).map(attribute_of),
            from: nanos(self.from.unwrap_or_else(since)),
            until: self.until.map_or(Nanos::MAX, nanos),
            limit: self.limit(),
        }
    }

    fn search(&self, spans: &Blocks<kernel::Span>, took: Nanos) -> Listing {
        let asked = Asked {
            from: self.from.map_or(Nanos::MIN, nanos),
            until: self.until.map_or(Nanos::MAX, nanos),
            service: named(&self.service),
            operation: named(&self.operation),
            took,
            failed: self.error,
            attribute: self.attribute(),
            limit: self.limit(),
        };
        traces::search(spans, &asked)
    }
}

/// Whether somebody may read traces.
pub(crate) fn may(state: &AppState, actor: &Actor) -> Result<(), engine::Error> {
    state.engine.may(actor, Read::of(READ)).map(|_| ())
}

/// The traces that somebody asks for.
///
/// # Errors
/// When they may not read, or the question is not one.
pub(crate) async fn list(state: &AppState, actor: &Actor, question: Question) -> Result<Listing, Problem> {
    may(state, actor)?;
    let took = question.took()?;
    if let Some(source) = named(&question.source) {
        return elsewhere::traces(state, actor, source, question.elsewhere(took, state.engine.now())).await;
    }
    over(state, move |spans| question.search(spans, took)).await
}

/// One trace, by its id in hexadecimal digits of either case, of our own store or of a source.
///
/// # Errors
/// When they may not read, or no span of it is kept.
pub(crate) async fn one(state: &AppState, actor: &Actor, trace: &str, source: &str) -> Result<Trace, Problem> {
    may(state, actor)?;
    let id = trace.to_lowercase();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return Err(Problem::missing("there is no such trace: an id has 32 hexadecimal digits"));
    }
    if let Some(source) = named(source) {
        let found = elsewhere::trace(state, actor, source, &id).await?;
        return found.ok_or_else(|| Problem::missing(format!("the source {source} has no span of the trace {id}")));
    }
    let wanted = id.clone();
    let found = over(state, move |spans| traces::one(spans, &wanted)).await?;
    let age = state.stores.spans.limits().age;
    found.ok_or_else(|| Problem::missing(format!("no span of the trace {id} is kept: spans are kept for {age}")))
}

async fn over<T: Send + 'static>(
    state: &AppState,
    work: impl FnOnce(&Blocks<kernel::Span>) -> T + Send + 'static,
) -> Result<T, Problem> {
    // Nobody closes the semaphore. The place is taken until the work has ended, whoever still waits for it.
    let place = Arc::clone(&state.queries).acquire_owned().await;
    let spans = Arc::clone(&state.stores.spans);
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&spans);
        drop(place);
        done
    });
    done.await.map_err(|_| Problem::unavailable("the search ended without an answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_a_unit() {
        let cases = [("250ms", 250_000_000), ("1.5 s", 1_500_000_000), ("2m", 120_000_000_000), ("80us", 80_000)];
        for (text, expected) in cases {
            assert_eq!(length(text), Some(expected), "{text}");
        }
        for wrong in ["", "250", "ms", "1.2.3s", "-1s", "5 parsecs", "99999999999h"] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn attributes_are_a_name_or_a_name_with_a_value() {
        let asked = |attribute: &str| Question { attribute: attribute.into(), ..Question::default() };
        assert_eq!(asked("a.b = c=d ").attribute(), Some(("a.b", Some("c=d"))));
        assert_eq!((asked(" a ").attribute(), asked(" ").attribute()), (Some(("a", None)), None));
    }
}
