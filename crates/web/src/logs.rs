//! A search over log events, as the page *Logs* and the API ask it: what is wanted, in words; what was found, and where it
//! goes on; and how many there were over time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use engine::patterns::Finder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kernel::attribute::value_of;
use kernel::search::{LogsWanted, WantedAttribute};
use kernel::{Actor, Attribute, Attributes, Level, LogEvent, Nanos, Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use signals::templates::TemplateId;
use telemetry::blocks::{Blocks, SEARCH_BYTES_MAX, Search};
use utoipa::{IntoParams, ToSchema};

use crate::doors::reply::Problem;
use crate::state::AppState;

/// How many events are shown when nobody says how many.
pub const EVENTS_USUAL: usize = 100;
/// The most events of one answer.
pub const EVENTS_MAX: usize = 1000;
/// The most events of one export,
pub const EXPORT_EVENTS_MAX: usize = 10_000;
/// and the most bytes.
pub const EXPORT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How far back is looked when nothing is said.
pub const SINCE_USUAL: Seconds = Seconds::hours(1);
/// How far back what belongs to a trace is looked for when nothing is said.
pub const SINCE_OF_TRACE: Seconds = Seconds::hours(48);
/// The longest text that is looked for, in bytes.
pub const TEXT_BYTES_MAX: usize = 500;
/// How many events of one instant a cursor may step over.
const SKIP_MAX: usize = 10_000;
/// The most bytes that are unpacked to count events over time; further back they are not counted.
pub const VOLUME_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Into how many pieces a time is parted to count events.
pub const PIECES: usize = 60;

/// The least severity number of each level that can be asked for.
const SEVERITIES: [(Level, u8); 6] = [
    (Level::Trace, 1),
    (Level::Debug, 5),
    (Level::Info, 9),
    (Level::Warning, 13),
    (Level::Error, 17),
    (Level::Fatal, 21),
];

/// Which log events.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// A text that any part of an event holds; upper and lower case are the same.
    pub text: Option<String>,
    /// Of this service only.
    pub service: Option<String>,
    /// At least this bad: unknown, trace, debug, info, warning, error or fatal.
    pub level: Option<String>,
    /// Of this pattern of the service only, such as `t17`.
    pub pattern: Option<String>,
    /// Of this trace only, in hexadecimal digits.
    pub trace: Option<String>,
    /// With this attribute, of their own or of their resource: `name`, or `name=value`.
    pub attribute: Option<String>,
    /// In this source of log events instead of here, by its name in the watchbook.
    pub source: Option<String>,
    /// How far back, such as `30m`; one hour when neither this nor `from` is given, and for a trace as long as logs are kept.
    pub since: Option<String>,
    /// Not before this instant.
    pub from: Option<String>,
    /// Not after this instant.
    pub until: Option<String>,
    /// How many, at most 1000 (10,000 in an export); 100 when absent.
    pub limit: Option<String>,
    /// Where an answer before said that it goes on.
    pub cursor: Option<String>,
}

/// A search, understood.
#[derive(Debug)]
pub struct LogQuery {
    /// In lower case; empty for any.
    text: String,
    service: Option<String>,
    level: Level,
    finder: Option<Finder>,
    /// In lower case.
    trace: Option<String>,
    attribute: Option<WantedAttribute>,
    source: Option<String>,
    /// Not before this instant,
    pub from: Nanos,
    /// and not after this one.
    pub until: Nanos,
    limit: usize,
    cursor: Option<Cursor>,
}

/// Where a search goes on: at this instant, after so many events of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    at: Nanos,
    skip: usize,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The events, newest first.
    pub events: Vec<Arc<LogEvent>>,
    /// Where it began.
    began: Option<Cursor>,
    /// Where it goes on, when there is more.
    pub next: Option<Cursor>,
    /// Whether everything was looked at that is not still to come.
    pub whole: bool,
    /// Blocks that could not be read, and why: what they hold is missing.
    pub damaged: Vec<String>,
}

/// How many events there were in each piece of a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// By piece: those that are at least errors, warnings, and all others.
    pub pieces: Vec<[u64; 3]>,
    /// Before this instant nothing was counted; the beginning when everything was.
    pub back_to: Nanos,
}

impl Found {
    /// Where it goes on, when only so many of the events are told.
    #[must_use]
    pub fn goes_on(&self, told: usize) -> Option<Cursor> {
        let at = told.checked_sub(1).and_then(|last| self.events.get(last))?.at;
        let ties = self.events.iter().take(told).rev().take_while(|event| event.at == at).count();
        let before = self.began.filter(|began| began.at == at).map_or(0, |began| began.skip);
        Some(Cursor { at, skip: ties + before })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at, self.skip)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "not a cursor: give the one that an answer before had as `next`";
        let (at, skip) = text.split_once('-').ok_or(wrong)?;
        let (at, skip) = (at.parse().map_err(|_| wrong)?, skip.parse().map_err(|_| wrong)?);
        if skip > SKIP_MAX {
            return Err("this cursor steps over too many events of one instant: narrow the search");
        }
        Ok(Self { at, skip })
    }
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

fn wrong(field: &'static str, why: impl fmt::Display) -> Problem {
    Problem::bad(format!("{field}: {why}")).field(field)
}

impl Wanted {
    /// Understands what is wanted, as an actor who may. `zone` is that of times which name none; without one they must.
    ///
    /// # Errors
    /// 403 when the actor may not read signals, 404 when there is no such pattern, else 400, naming the field.
    pub fn understood(
        &self,
        state: &AppState,
        actor: &Actor,
        zone: Option<&TimeZone>,
        limit_max: usize,
    ) -> Result<LogQuery, Problem> {
        state.engine.may(actor, engine::Read::of("signals:read"))?;
        let text = given(self.text.as_ref()).unwrap_or_default().to_lowercase();
        if text.len() > TEXT_BYTES_MAX {
            return Err(wrong("text", format_args!("at most {TEXT_BYTES_MAX} bytes are looked for")));
        }
        let level = given(self.level.as_ref()).map_or(Ok(Level::Unknown), str::parse);
        let (from, until) = self.time(nanos(state.engine.now()), zone)?;
        let cursor = given(self.cursor.as_ref()).map(str::parse::<Cursor>).transpose();
        Ok(LogQuery {
            text,
            service: given(self.service.as_ref()).map(str::to_owned),
            level: level.map_err(|why| wrong("level", why))?,
            finder: self.finder(state, actor)?,
            trace: given(self.trace.as_ref()).map(str::to_lowercase),
            attribute: given(self.attribute.as_ref()).map(attribute_of),
            source: given(self.source.as_ref()).map(str::to_owned),
            from,
            until,
            limit: self.limit(limit_max)?,
            cursor: cursor.map_err(|why| wrong("cursor", why))?,
        })
    }

    fn limit(&self, max: usize) -> Result<usize, Problem> {
        let Some(text) = given(self.limit.as_ref()) else { return Ok(EVENTS_USUAL) };
        match text.parse() {
            Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
            _ => Err(wrong("limit", format_args!("write a whole number from 1 to {max}"))),
        }
    }

    /// From when until when.
    fn time(&self, now: Nanos, zone: Option<&TimeZone>) -> Result<(Nanos, Nanos), Problem> {
        let instant = |field: &'static str, text: Option<&String>| {
            given(text).map(|text| instant(text, zone).map_err(|why| wrong(field, why))).transpose()
        };
        let (from, until) = (instant("from", self.from.as_ref())?, instant("until", self.until.as_ref())?);
        let since = match given(self.since.as_ref()) {
            Some(text) => text.parse::<Seconds>().map_err(|error| wrong("since", error))?,
            None if given(self.trace.as_ref()).is_some() => SINCE_OF_TRACE,
            None => SINCE_USUAL,
        };
        let end = until.unwrap_or(now);
        let from = from.unwrap_or_else(|| end.saturating_sub(i64::from(since.0) * 1_000_000_000));
        if from > end {
            return Err(wrong("from", "the time ends before it begins: write `from` before `until`"));
        }
        // A source's clock may be a little ahead of ours; what it sends now belongs to what is new.
        Ok((from, until.unwrap_or(i64::MAX)))
    }

    fn finder(&self, state: &AppState, actor: &Actor) -> Result<Option<Finder>, Problem> {
        let Some(text) = given(self.pattern.as_ref()) else { return Ok(None) };
        if given(self.source.as_ref()).is_some() {
            return Err(wrong("pattern", "patterns are not looked for in a source: look for their words as `text`"));
        }
        let number = text.strip_prefix('t').and_then(|number| number.parse().ok()).map(TemplateId);
        let id = number.ok_or_else(|| wrong("pattern", "write its number, such as t17"))?;
        let service = given(self.service.as_ref()).unwrap_or_default();
        let found = state.stores.patterns.finder(actor, service, id)?;
        let none = || Problem::missing(format!("the log of {service:?} has no pattern {id}: see the list of patterns"));
        found.ok_or_else(none).map(Some).map_err(|problem| problem.field("pattern"))
    }
}

/// An instant in RFC 3339, or a local time where a zone is known.
fn instant(text: &str, zone: Option<&TimeZone>) -> Result<Nanos, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(nanos(at));
    }
    let local = zone.zip(text.parse::<DateTime>().ok());
    let at = local.and_then(|(zone, local)| zone.to_timestamp(local).ok());
    at.map(nanos).ok_or_else(|| format!("{text:?} is not an instant: write it like 2026-01-05T09:00:00Z"))
}

fn nanos(at: Timestamp) -> Nanos {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

impl LogQuery {
    /// The words of the pattern that is asked for.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        self.finder.as_ref().map(|finder| &*finder.text)
    }

    /// Whether an event is wanted, its time and service aside.
    fn wants(&self, event: &LogEvent) -> bool {
        event.level() >= self.level
            && (self.text.is_empty() || says(event, &self.text))
            && self.attribute.as_ref().is_none_or(|wanted| has(event, wanted))
            && self.finder.as_ref().is_none_or(|finder| finder.is(event))
    }

    /// The source that is looked into, where it is not our own store.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The same search as a source is asked it.
    #[must_use]
    pub fn elsewhere(&self) -> LogsWanted {
        LogsWanted {
            text: self.text.clone(),
            service: self.service.clone(),
            severity: SEVERITIES.iter().find(|(level, _)| *level == self.level).map_or(0, |(_, severity)| *severity),
            trace: self.trace.clone(),
            attribute: self.attribute.clone(),
            from: self.from,
            until: self.end(),
            limit: self.limit + self.skip() + 1,
        }
    }

    /// Not after this instant, and not after where it goes on.
    fn end(&self) -> Nanos {
        self.cursor.map_or(self.until, |cursor| cursor.at.min(self.until))
    }

    /// How many events of that instant were told before.
    fn skip(&self) -> usize {
        self.cursor.filter(|cursor| cursor.at == self.end()).map_or(0, |cursor| cursor.skip)
    }

    fn service(&self) -> Option<&str> {
        self.finder.as_ref().map(Finder::service).or(self.service.as_deref())
    }

    /// Whole words that an event must hold: those in the middle of the text, because the ones at its ends may be parts of
    /// longer ones; and those of the pattern.
    fn words(&self) -> Vec<&str> {
        let all: Vec<&str> = self.text.split_whitespace().collect();
        let inner = all.get(1..all.len().saturating_sub(1)).unwrap_or_default();
        let of_pattern = self.finder.iter().flat_map(Finder::words);
        inner.iter().copied().chain(of_pattern).collect()
    }

    fn traces(&self) -> Vec<&str> {
        self.trace.as_deref().into_iter().collect()
    }

    /// Looks for events. Blocks on the disk.
    #[must_use]
    pub fn search(&self, logs: &Blocks<LogEvent>) -> Found {
        let test = |event: &LogEvent| self.wants(event);
        let until = self.end();
        let (words, traces, limit) = (self.words(), self.traces(), self.limit + self.skip() + 1);
        let search = Search {
            service: self.service(),
            words: &words,
            traces: &traces,
            limit,
            bytes: SEARCH_BYTES_MAX,
            ..Search::all(self.from, until, &test)
        };
        let found = logs.search(&search);
        let damaged = found.damaged.iter().map(ToString::to_string).collect();
        self.found(found.records, found.whole, damaged)
    }

    /// What was found, out of events up to one more than are wanted, the newest first.
    pub(crate) fn found(&self, mut events: Vec<Arc<LogEvent>>, whole: bool, damaged: Vec<String>) -> Found {
        let (until, skip) = (self.end(), self.skip());
        let told = events.iter().take(skip).take_while(|event| event.at == until).count();
        events.drain(..told);
        let more = events.len() > self.limit;
        events.truncate(self.limit);
        let mut found = Found { whole: more || whole, events, next: None, began: self.cursor, damaged };
        found.next = found.goes_on(found.events.len()).filter(|_| more);
        found
    }

    /// Counts events over time. Blocks on the disk.
    #[must_use]
    pub fn volume(&self, logs: &Blocks<LogEvent>, until: Nanos) -> Volume {
        let test = |event: &LogEvent| self.wants(event);
        let (words, traces) = (self.words(), self.traces());
        let search = Search {
            service: self.service(),
            words: &words,
            traces: &traces,
            limit: 0,
            bytes: VOLUME_BYTES_MAX,
            ..Search::all(self.from, self.until, &test)
        };
        let mut pieces = vec![[0_u64; 3]; PIECES];
        let span = until.saturating_sub(self.from).max(1);
        let scanned = logs.scan(&search, &mut |event| {
            let away = i128::from(event.at.saturating_sub(self.from)) * PIECES as i128 / i128::from(span);
            let piece = usize::try_from(away).unwrap_or(0).min(PIECES - 1);
            let kind = match event.level() {
                Level::Error | Level::Fatal => 0,
                Level::Warning => 1,
                _ => 2,
            };
            if let Some(count) = pieces.get_mut(piece).and_then(|piece| piece.get_mut(kind)) {
                *count += 1;
            }
        });
        Volume { pieces, back_to: scanned.back_to }
    }
}

/// An attribute as it is asked for, `name` or `name=value`.
pub(crate) fn attribute_of(text: &str) -> WantedAttribute {
    match text.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), Some(value.trim().to_owned())),
        None => (text.trim().to_owned(), None),
    }
}

/// Whether an event, or what it comes from, has an attribute.
fn has(event: &LogEvent, (name, value): &WantedAttribute) -> bool {
    let found = [&event.attributes, &event.origin.resource].into_iter().filter_map(|pairs| value_of(pairs, name));
    found.into_iter().any(|found| value.as_ref().is_none_or(|value| found.to_string() == *value))
}

/// Whether any text of an event holds another, whatever their case.
fn says(event: &LogEvent, text: &str) -> bool {
    let mut found = false;
    event.texts(&mut |part| found = found || part.to_lowercase().contains(text));
    found || event.body.to_string().to_lowercase().contains(text)
}

/// A log event on the wire, with the names that loggers use: what is exported can be sent in again as JSON lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventBody {
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// How bad: unknown, trace, debug, info, warning, error or fatal.
    level: &'static str,
    /// The service that it comes from; empty where that is not known.
    service: String,
    /// What it says.
    #[schema(value_type = Object)]
    message: Value,
    /// The kind of event, where it has a name.
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    /// What else it says.
    #[schema(value_type = Object)]
    attributes: Value,
    /// What else is known of where it comes from.
    #[schema(value_type = Object)]
    resource: Value,
    /// The trace that it belongs to, in hexadecimal.
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_id: String,
    /// The span, likewise.
    #[serde(skip_serializing_if = "String::is_empty")]
    span_id: String,
    /// The pattern that it is of, such as `t17`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
}

impl EventBody {
    /// An event with the pattern that it is of.
    #[must_use]
    pub fn of(event: &LogEvent, pattern: Option<TemplateId>) -> Self {
        let resource = event.origin.resource.iter().filter(|(name, _)| name != "service.name");
        Self {
            time: Timestamp::from_nanosecond(i128::from(event.at)).unwrap_or_default(),
            level: event.level().as_str(),
            service: event.origin.service().to_owned(),
            message: value(&event.body),
            name: event.name.clone(),
            attributes: object(&event.attributes),
            resource: Value::Object(resource.map(|(name, one)| (name.clone(), value(one))).collect()),
            trace_id: event.trace.clone(),
            span_id: event.span.clone(),
            pattern: pattern.map(|id| id.to_string()),
        }
    }
}

fn object(pairs: &Attributes) -> Value {
    Value::Object(pairs.iter().map(|(name, one)| (name.clone(), value(one))).collect::<Map<_, _>>())
}

fn value(attribute: &Attribute) -> Value {
    match attribute {
        Attribute::Empty => Value::Null,
        Attribute::Text(text) => Value::from(text.as_str()),
        Attribute::Bool(yes) => Value::from(*yes),
        Attribute::Int(number) => Value::from(*number),
        // What JSON cannot hold is said in words.
        Attribute::Double(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| Value::from(attribute.to_string()), Value::Number)
        }
        Attribute::Bytes(_) => Value::from(attribute.to_string()),
        Attribute::List(values) => Value::Array(values.iter().map(value).collect()),
        Attribute::Map(pairs) => object(pairs),
    }
}
