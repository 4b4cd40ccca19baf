//! What the screens about traces show: the list, and one trace as a waterfall that is laid out here.

use askama::Template;
use kernel::{Attributes, Nanos, Timestamp};

use super::filters;
use super::{Chip, Chrome, Named};

/// How wide a waterfall is in its own units.
const WIDTH: f64 = 1000.0;
/// The narrowest bar, in the same units, so that what took no time is seen too.
const BAR_MIN: f64 = 2.0;

/// *Traces*: those that are like what is asked.
#[derive(Debug, Clone, Template)]
#[template(path = "traces.html")]
pub struct TracesPage {
    /// The frame.
    pub chrome: Chrome,
    /// The service of a span.
    pub service: String,
    /// A part of its name.
    pub operation: String,
    /// How long it took at least.
    pub min_duration: String,
    /// Whether it failed.
    pub error: bool,
    /// An attribute.
    pub attribute: String,
    /// The source that is looked into; empty for our own store.
    pub source: String,
    /// The sources of spans to choose from.
    pub sources: Vec<String>,
    /// How the source does that is looked into, in words; empty when it is our own store.
    pub state: String,
    /// How far back, in seconds.
    pub range: i64,
    /// The ranges to choose from.
    pub ranges: Vec<(i64, &'static str)>,
    /// What is wrong with the question.
    pub wrong: Option<String>,
    /// The traces, those with the newest spans first.
    pub lines: Vec<TraceLine>,
    /// How many spans are kept.
    pub kept: u64,
    /// Whether these are all there are.
    pub whole: bool,
    /// The address of those that come next.
    pub older: Option<String>,
}

/// A trace in one line.
#[derive(Debug, Clone)]
pub struct TraceLine {
    /// Its address.
    pub href: String,
    /// The service that it begins in.
    pub service: String,
    /// What was done.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took, in words.
    pub took: String,
    /// The same beside the longest of the list.
    pub bar: Bar,
    /// How many spans there are.
    pub spans: usize,
    /// How many of them failed.
    pub failed: usize,
    /// How many services take part.
    pub services: usize,
}

/// One trace.
#[derive(Debug, Clone, Template)]
#[template(path = "trace.html")]
pub struct TracePage {
    /// The frame.
    pub chrome: Chrome,
    /// Its id.
    pub id: String,
    /// The source that it is in; empty for our own store.
    pub source: String,
    /// The same as a part of an address.
    pub within: String,
    /// What was done.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took, in words.
    pub took: String,
    /// Lengths of time along the top, from nothing to all of it.
    pub ticks: Vec<String>,
    /// The services that take part, each with the number of its colour.
    pub services: Vec<(usize, String)>,
    /// How many spans failed.
    pub failed: usize,
    /// How many spans there are.
    pub total: usize,
    /// The spans: each before those below it.
    pub rows: Vec<SpanRow>,
    /// Whether all spans that are kept were looked at.
    pub whole: bool,
}

/// A span of a waterfall.
#[derive(Debug, Clone)]
pub struct SpanRow {
    /// Its id.
    pub id: String,
    /// How far it is moved in.
    pub depth: usize,
    /// What was done.
    pub name: String,
    /// Its service.
    pub service: String,
    /// The number of the service's colour.
    pub hue: usize,
    /// Its kind, in a word.
    pub kind: &'static str,
    /// Whether it failed, or its parent is not here.
    pub state: Option<Chip>,
    /// How long after the trace it began, in words.
    pub after: String,
    /// How long it took, in words.
    pub took: String,
    /// Where it stands in time.
    pub bar: Bar,
    /// What went wrong.
    pub message: String,
    /// What else is known of it.
    pub attributes: Attributes,
    /// Where it comes from.
    pub resource: Attributes,
    /// What happened within it.
    pub events: Vec<Moment>,
    /// Spans elsewhere: trace and span.
    pub links: Vec<Named>,
    /// How many attributes and events are not shown.
    pub left_out: usize,
}

/// Something that happened within a span.
#[derive(Debug, Clone)]
pub struct Moment {
    /// How long after the span's beginning, in words.
    pub after: String,
    /// What.
    pub name: String,
    /// What else is known of it.
    pub attributes: Attributes,
}

/// A stretch of time within another one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bar {
    /// Where it begins, from 0 to 1000.
    pub x: f64,
    /// How wide it is, likewise.
    pub width: f64,
}

impl Bar {
    /// What begins after a while and lasts another, within a whole; all in nanoseconds.
    #[must_use]
    pub fn of(after: Nanos, lasts: Nanos, whole: Nanos) -> Self {
        let share = |part: Nanos| if whole > 0 { (part as f64 / whole as f64).clamp(0.0, 1.0) * WIDTH } else { 0.0 };
        let x = share(after).min(WIDTH - BAR_MIN);
        let width = if whole > 0 { share(lasts) } else { WIDTH };
        Self { x, width: width.clamp(BAR_MIN, WIDTH - x) }
    }
}

/// A length of time in nanoseconds, in three digits: `850 ns`, `12.3 ms`, `1.25 s`, `2 min 3 s`.
#[must_use]
pub fn took(nanos: Nanos) -> String {
    let size = nanos.max(0) as f64;
    let (scaled, unit) = match size {
        _ if size >= 6e10 => return format!("{} min {} s", nanos / 60_000_000_000, nanos / 1_000_000_000 % 60),
        _ if size >= 1e9 => (size / 1e9, "s"),
        _ if size >= 1e6 => (size / 1e6, "ms"),
        _ if size >= 1e3 => (size / 1e3, "µs"),
        _ => return format!("{} ns", nanos.max(0)),
    };
    let digits = if scaled >= 100.0 {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_three_digits() {
        let cases = [
            (0, "0 ns"),
            (-5, "0 ns"),
            (850, "850 ns"),
            (1_500, "1.50 µs"),
            (12_345_678, "12.3 ms"),
            (999_000_000, "999 ms"),
            (1_250_000_000, "1.25 s"),
            (123_000_000_000, "2 min 3 s"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(took(nanos), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bar_is_within_the_whole(after: i64, lasts: i64, whole: i64) {
            let bar = Bar::of(after, lasts, whole);
            proptest::prop_assert!(bar.x >= 0.0 && bar.width >= BAR_MIN && bar.x + bar.width <= WIDTH + 1e-9, "{bar:?}");
        }
    }
}
