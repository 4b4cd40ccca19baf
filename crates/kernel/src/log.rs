//! Monitoring data: log events and spans. Like samples they are no facts and never enter the journal.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::attribute::{Attribute, Attributes, rewrite_text, texts_of, value_of};

/// An instant as nanoseconds since 1970, as OpenTelemetry counts; zero where it is not known.
pub type Nanos = i64;

/// Where a log event or a span comes from: the resource and the instrumentation scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Origin {
    /// The resource's attributes, such as `service.name`.
    pub resource: Attributes,
    /// The schema of these.
    pub resource_schema: String,
    /// The scope's name, such as a library's.
    pub scope: String,
    /// The scope's version.
    pub scope_version: String,
    /// The scope's attributes.
    pub scope_attributes: Attributes,
    /// The schema of these and of what comes from the scope.
    pub scope_schema: String,
}

impl Origin {
    /// The service's name; empty where the resource has none.
    #[must_use]
    pub fn service(&self) -> &str {
        value_of(&self.resource, "service.name").and_then(Attribute::text).unwrap_or("")
    }
}

/// How bad a log event is, in the words of OpenTelemetry's six ranges of severity numbers. The least bad comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The source did not say.
    #[default]
    Unknown,
    /// 1 to 4.
    Trace,
    /// 5 to 8.
    Debug,
    /// 9 to 12.
    Info,
    /// 13 to 16.
    Warning,
    /// 17 to 20.
    Error,
    /// 21 and above.
    Fatal,
}

/// A text names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a level: write unknown, trace, debug, info, warning, error or fatal")]
pub struct NoLevel;

impl Level {
    /// All of them, the least bad first.
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Fatal];

    /// The level of a severity number.
    #[must_use]
    pub fn of(severity: u8) -> Self {
        match severity {
            0 => Self::Unknown,
            1..=4 => Self::Trace,
            5..=8 => Self::Debug,
            9..=12 => Self::Info,
            13..=16 => Self::Warning,
            17..=20 => Self::Error,
            _ => Self::Fatal,
        }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

impl FromStr for Level {
    type Err = NoLevel;

    fn from_str(text: &str) -> Result<Self, NoLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or(NoLevel)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A log event: one line of a log, or one record of a structured one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct LogEvent {
    /// When it happened; where the source did not say, when it was seen.
    pub at: Nanos,
    /// When it was seen.
    pub observed: Nanos,
    /// How bad, from 1 (trace) to 24 (fatal) as OpenTelemetry counts; 0 where it is not known.
    pub severity: u8,
    /// How bad, in the source's own word.
    pub severity_text: String,
    /// The kind of event, where it has a name.
    pub name: String,
    /// What it says.
    pub body: Attribute,
    /// What else it says.
    pub attributes: Attributes,
    /// Where it comes from.
    pub origin: std::sync::Arc<Origin>,
    /// The trace that it belongs to, in hexadecimal digits; empty where there is none.
    pub trace: String,
    /// The span, likewise.
    pub span: String,
    /// OpenTelemetry's flags.
    pub flags: u32,
    /// How many attributes the source left out.
    pub dropped: u32,
}

/// A span: one piece of work within a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Span {
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// Its id, likewise.
    pub id: String,
    /// The span that it is a part of; empty for the root.
    pub parent: String,
    /// The W3C trace state.
    pub state: String,
    /// OpenTelemetry's flags.
    pub flags: u32,
    /// What was done.
    pub name: String,
    /// From 0 (unspecified), 1 (internal), 2 (server), 3 (client), 4 (producer) to 5 (consumer).
    pub kind: u8,
    /// When it began.
    pub start: Nanos,
    /// When it ended.
    pub end: Nanos,
    /// What else is known of it.
    pub attributes: Attributes,
    /// What happened in between.
    pub events: Vec<SpanEvent>,
    /// Spans elsewhere that it belongs to.
    pub links: Vec<SpanLink>,
    /// 0 (unset), 1 (good) or 2 (failed).
    pub status: u8,
    /// What went wrong.
    pub status_message: String,
    /// Where it comes from.
    pub origin: std::sync::Arc<Origin>,
    /// How many attributes, events and links the source left out.
    pub dropped: [u32; 3],
}

/// What happened within a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct SpanEvent {
    /// When.
    pub at: Nanos,
    /// What.
    pub name: String,
    /// What else is known of it.
    pub attributes: Attributes,
    /// How many attributes the source left out.
    pub dropped: u32,
}

/// A span elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct SpanLink {
    /// Its trace, in hexadecimal digits.
    pub trace: String,
    /// Its id, likewise.
    pub span: String,
    /// The W3C trace state.
    pub state: String,
    /// What else is known of the link.
    pub attributes: Attributes,
    /// OpenTelemetry's flags.
    pub flags: u32,
    /// How many attributes the source left out.
    pub dropped: u32,
}

impl LogEvent {
    /// How bad it is.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::of(self.severity)
    }

    /// What it says, in one line: the first line of its body. A body that is a map says what stands under `message` or
    /// `msg`, else all of it; an event without a body, its name.
    #[must_use]
    pub fn line(&self) -> Cow<'_, str> {
        let text = match &self.body {
            Attribute::Text(text) => Cow::Borrowed(text.as_str()),
            Attribute::Empty => Cow::Borrowed(self.name.as_str()),
            Attribute::Map(pairs) => {
                let said = ["message", "msg"].iter().find_map(|name| value_of(pairs, name)?.text());
                said.map_or_else(|| Cow::Owned(self.body.to_string()), Cow::Borrowed)
            }
            other => Cow::Owned(other.to_string()),
        };
        match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_start().lines().next().unwrap_or_default()),
            Cow::Owned(text) => Cow::Owned(text.trim_start().lines().next().unwrap_or_default().to_owned()),
        }
    }

    /// Calls `each` with every text in it that a search may find.
    pub fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        [&self.severity_text, &self.name, &self.trace, &self.span].into_iter().for_each(|text| each(text));
        self.body.texts(each);
        texts_of(&self.attributes, each);
        texts_of(&self.origin.resource, each);
    }
}

/// Rewrites the values of names; the names stay.
fn rewrite_all(pairs: &mut Attributes, with: &mut dyn FnMut(&str, &mut Attribute)) {
    pairs.iter_mut().for_each(|(name, value)| value.rewrite(name, with));
}

impl Origin {
    /// Rewrites the values of the resource and of the scope, by [`Attribute::rewrite`]. Not those of `service.*`: by these
    /// everything else knows where data come from.
    pub fn rewrite(&mut self, with: &mut dyn FnMut(&str, &mut Attribute)) {
        let other = self.resource.iter_mut().filter(|(name, _)| !name.starts_with("service."));
        other.for_each(|(name, value)| value.rewrite(name, with));
        rewrite_all(&mut self.scope_attributes, with);
    }
}

impl LogEvent {
    /// Rewrites what its source wrote freely, by [`Attribute::rewrite`]: its name, the body and the attributes. Not where it
    /// comes from.
    pub fn rewrite(&mut self, with: &mut dyn FnMut(&str, &mut Attribute)) {
        rewrite_text(&mut self.name, with);
        self.body.rewrite("", with);
        rewrite_all(&mut self.attributes, with);
    }
}

impl Span {
    /// Rewrites what its source wrote freely, by [`Attribute::rewrite`]: its name and those of its events, the message of
    /// its status and all attributes. Not where it comes from.
    pub fn rewrite(&mut self, with: &mut dyn FnMut(&str, &mut Attribute)) {
        rewrite_text(&mut self.name, with);
        rewrite_text(&mut self.status_message, with);
        rewrite_all(&mut self.attributes, with);
        for event in &mut self.events {
            rewrite_text(&mut event.name, with);
            rewrite_all(&mut event.attributes, with);
        }
        self.links.iter_mut().for_each(|link| rewrite_all(&mut link.attributes, with));
    }

    /// Calls `each` with every text in it that a search may find.
    pub fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        [&self.trace, &self.id, &self.name, &self.status_message].into_iter().for_each(|text| each(text));
        texts_of(&self.attributes, each);
        texts_of(&self.origin.resource, each);
        for event in &self.events {
            each(&event.name);
            texts_of(&event.attributes, each);
        }
    }

    /// How long it took, in nanoseconds; zero where its end is before its start.
    #[must_use]
    pub fn duration(&self) -> Nanos {
        self.end.saturating_sub(self.start).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_one_word_and_every_severity_one_level() {
        for level in Level::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
        }
        assert_eq!(
            [0, 4, 5, 9, 16, 17, 24].map(Level::of).map(Level::as_str),
            ["unknown", "trace", "debug", "info", "warning", "error", "fatal"]
        );
        assert!("loud".parse::<Level>().is_err() && Level::Error > Level::Warning);
    }

    #[test]
    fn a_line_is_what_an_event_says_first() {
        let event = |body: Attribute| LogEvent { name: "paid".into(), body, ..LogEvent::default() };
        let text = |text: &str| Attribute::Text(text.into());
        let map = |name: &str| Attribute::Map(vec![("code".into(), Attribute::Int(5)), (name.into(), text("gone\nx"))]);
        assert_eq!(event(text("\n  boom at a\n  at b")).line(), "boom at a");
        assert_eq!(event(map("msg")).line(), "gone");
        assert_eq!(event(map("why")).line(), r#"{"code": 5, "why": "gone\nx"}"#);
        assert_eq!(event(Attribute::Empty).line(), "paid");
    }
}
